//! A file of numbers as words with the lines they stand on: white space parts them, `#` begins a comment that ends with its
//! line, and the punctuation of VPSolver's own writing stands alone. What the numbers mean is not known here.

/// The words of a text, one after the other, and what its comments say.
#[derive(Debug)]
pub(super) struct Words<'t> {
    words: Vec<(usize, &'t str)>,
    at: usize,
    last_line: usize,
    /// The first number that a comment calls the optimum, with its line.
    pub(super) optimum: Option<(usize, &'t str)>,
}

const PUNCTUATION: [char; 4] = ['{', '}', ';', ','];

impl<'t> Words<'t> {
    /// Reads a text.
    pub(super) fn of(text: &'t str) -> Self {
        let mut words = Self { words: vec![], at: 0, last_line: 1, optimum: None };
        for (line, text) in text.lines().enumerate().map(|(n, text)| (n + 1, text)) {
            words.last_line = line;
            let (said, comment) = text.split_once('#').unwrap_or((text, ""));
            for word in said.split_whitespace() {
                words.words.extend(parted(word).into_iter().map(|w| (line, w)));
            }
            if words.optimum.is_none() {
                words.optimum = optimum(comment).map(|n| (line, n));
            }
        }
        words
    }

    /// The next word, taken.
    pub(super) fn take(&mut self) -> Option<(usize, &'t str)> {
        let word = self.words.get(self.at).copied()?;
        self.at += 1;
        Some(word)
    }

    /// Takes the next word if it is this one.
    pub(super) fn take_if(&mut self, expected: &str) -> bool {
        let is = self.words.get(self.at).is_some_and(|(_, word)| *word == expected);
        self.at += usize::from(is);
        is
    }

    /// The line of the last word taken, or where the text ends if all are.
    pub(super) fn line(&self) -> usize {
        if self.at >= self.words.len() {
            return self.last_line;
        }
        self.at.checked_sub(1).and_then(|last| self.words.get(last)).map_or(1, |(line, _)| *line)
    }
}

/// A word without its punctuation, and each sign by itself.
fn parted(word: &str) -> Vec<&str> {
    word.split_inclusive(PUNCTUATION)
        .flat_map(|part| {
            let end =
                part.len() - part.chars().next_back().filter(|c| PUNCTUATION.contains(c)).map_or(0, char::len_utf8);
            let (body, sign) = part.split_at(end);
            [body, sign]
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// The number in a comment such as `# optimum 17` or `# Optimum: 17`.
fn optimum(comment: &str) -> Option<&str> {
    let mut words = comment.split([' ', '\t', ':', '=']).filter(|w| !w.is_empty());
    let first = words.next()?;
    if !first.eq_ignore_ascii_case("optimum") {
        return None;
    }
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(usize, &str)> {
        let mut words = Words::of(text);
        std::iter::from_fn(|| words.take()).collect()
    }

    #[test]
    fn words_know_their_lines_and_comments_are_none() {
        assert_eq!(all("1 2\t3\r\n# 4\n\n 5#6\n"), [(1, "1"), (1, "2"), (1, "3"), (4, "5")]);
    }

    #[test]
    fn punctuation_stands_alone() {
        assert_eq!(all("$X{>,=};"), [(1, "$X"), (1, "{"), (1, ">"), (1, ","), (1, "="), (1, "}"), (1, ";")]);
        assert_eq!(all("caf\u{e9}};"), [(1, "caf\u{e9}"), (1, "}"), (1, ";")]);
    }

    #[test]
    fn the_first_optimum_in_a_comment_counts() {
        for text in ["# optimum 17", "#Optimum: 17\n# optimum 18", "1 # OPTIMUM = 17"] {
            assert_eq!(Words::of(text).optimum.map(|(_, n)| n), Some("17"), "{text}");
        }
        assert_eq!(Words::of("# the optimum 17").optimum, None);
    }
}

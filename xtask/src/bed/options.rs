//! The words after a chore of the bed: which options there are, and what is said of one that there is not.

use std::collections::BTreeMap;

use super::errors::BedError;

/// An option that a chore takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// With its dashes.
    pub(crate) name: &'static str,
    /// What its value is called; empty if it takes none.
    pub(crate) value: &'static str,
    /// For the help.
    pub(crate) purpose: &'static str,
}

/// What was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Given(BTreeMap<&'static str, String>);

impl Given {
    /// Reads the words, `--name value` or `--name=value`.
    ///
    /// # Errors
    /// When a word is no option, is given twice, or lacks its value.
    pub(crate) fn read(chore: &str, words: &[String], known: &[Known]) -> Result<Given, BedError> {
        let wrong = |what: String| BedError::Usage(format!("{what}\n\n{}", help(chore, known)));
        let mut given = Given::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, glued) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let Some(option) = known.iter().find(|known| known.name == name) else {
                return Err(wrong(format!("`{chore}` has no option `{word}`")));
            };
            let value = match (option.value, glued) {
                ("", None) => String::new(),
                ("", Some(_)) => return Err(wrong(format!("`{name}` takes no value"))),
                (_, Some(value)) => value.to_owned(),
                (value, None) => words.next().ok_or_else(|| wrong(format!("`{name}` needs a {value}")))?.clone(),
            };
            if given.0.insert(option.name, value).is_some() {
                return Err(wrong(format!("`{name}` is given twice")));
            }
        }
        Ok(given)
    }

    /// The value of an option.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether the option is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The options of a chore, one a line.
pub(crate) fn help(chore: &str, known: &[Known]) -> String {
    let shown = |known: &Known| format!("{} {}", known.name, known.value);
    let width = known.iter().map(|known| shown(known).len()).max().unwrap_or(0);
    let lines = known.iter().map(|known| format!("  {:<width$}  {}\n", shown(known), known.purpose));
    format!("usage: cargo xtask {chore} [OPTIONS]\n\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 2] = [
        Known { name: "--name", value: "NAME", purpose: "which bed" },
        Known { name: "--keep", value: "", purpose: "leave it running" },
    ];

    fn read(line: &str) -> Result<Given, BedError> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Given::read("cluster up", &words, &KNOWN)
    }

    #[test]
    fn options_are_read_in_both_manners() {
        for line in ["--keep --name a", "--name=a --keep"] {
            let given = read(line).expect("both are known");
            assert_eq!(given.value("--name"), Some("a"));
            assert!(given.has("--keep"));
        }
        assert_eq!(read("").expect("nothing is fine").value("--name"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (line, what) in [
            ("--nmae a", "has no option `--nmae`"),
            ("a", "has no option `a`"),
            ("--name", "`--name` needs a NAME"),
            ("--keep=1", "`--keep` takes no value"),
            ("--keep --keep", "`--keep` is given twice"),
        ] {
            let text = read(line).expect_err(line).to_string();
            assert!(text.contains(what) && text.contains("leave it running"), "{text}");
        }
    }
}

//! Rules for every text file, whatever its language: nothing that holds on one machine only, no reminder left behind.
//! It looks at characters and knows no syntax. The words it bans are put together here from parts, so that this file
//! needs no exception.

use super::{Finding, Rule, Tree};

static MACHINE: Rule = Rule {
    name: "machine-path",
    why: "a path of one machine does not exist on the next",
    instead: "use a path relative to the repository, an argument, or a temporary folder made at run time",
};
static OUTSIDE: Rule = Rule {
    name: "outside-the-clone",
    why: "a user has this repository and nothing beside it",
    instead: "put what is needed into the repository, and call the specification by its name and section",
};
static HOST: Rule = Rule {
    name: "registry-host",
    why: "which registry or mirror serves packages is the business of the machine, not of the repository",
    instead: "name the package and let its client find it",
};
static REMINDER: Rule = Rule {
    name: "reminder",
    why: "a reminder in the code is read by nobody who could act on it",
    instead: "mend it now, or open an issue and describe the limit in the documentation",
};

/// Folders at the root of a machine that belong to a person or a workplace.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "home", "tmp", "Users"];

/// Hosts that serve packages, as name and top-level domain.
const HOSTS: &[(&str, &str)] = &[
    ("crates", "io"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry.npmjs", "org"),
    ("proxy.golang", "org"),
    ("repo.maven.apache", "org"),
    ("deb.debian", "org"),
];

/// Folders of the workplace in which Dovetail is built; its users do not have them.
const OUTSIDE_FOLDERS: &[&str] = &["spec", "design", "corpus", "data", "seed", "tools", "hooks"];

/// Checks every line of every text file.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let machine: Vec<String> = MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    let outside: Vec<String> = OUTSIDE_FOLDERS.iter().map(|folder| format!("{}/{folder}", "shared")).collect();
    let hosts: Vec<String> = HOSTS.iter().map(|(name, domain)| format!("{name}.{domain}")).collect();
    let reminder = ["FIX", "ME"].concat();

    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            let mut note = |rule: &'static Rule, text: &str| {
                findings.push(rule.at(&file.path, index + 1, format!("names `{text}`")));
            };
            machine.iter().filter(|path| starts_path(line, path)).for_each(|path| note(&MACHINE, path));
            outside.iter().filter(|path| starts_word(line, path)).for_each(|path| note(&OUTSIDE, path));
            hosts.iter().filter(|host| is_host(line, host)).for_each(|host| note(&HOST, host));
            if line.contains(&reminder) {
                note(&REMINDER, &reminder);
            }
        }
    }
    findings
}

/// Whether `path` stands in the line as an absolute path: nothing before it makes it the tail of another path.
fn starts_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"._-~})*/".contains(letter))
            || line.get(..at).is_some_and(|text| text.ends_with("file://"))
    })
}

fn starts_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"_-".contains(letter))
    })
}

fn is_host(line: &str, host: &str) -> bool {
    line.match_indices(host).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + host.len()..).and_then(|text| text.chars().next());
        let inside_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        !before.is_some_and(inside_word) && !after.is_some_and(inside_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(line: &str) -> Vec<&'static str> {
        check(&Tree::of(&[("docs/a.md", line)])).iter().map(|finding| finding.rule.name).collect()
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found_wherever_they_stand() {
        for folder in MACHINE_FOLDERS {
            let path = format!("/{folder}/");
            for line in
                [format!("cd {path}x"), format!("let p = \"{path}x\";"), format!("{path}x"), format!("=file://{path}x")]
            {
                assert_eq!(rules(&line), ["machine-path"], "{line}");
            }
        }
    }

    #[test]
    fn the_same_word_inside_another_path_is_no_machine_path() {
        for folder in MACHINE_FOLDERS {
            for line in
                [format!("a/{folder}/x"), format!("$HOME/{folder}/x"), format!("../{folder}/x"), format!("/{folder}-x")]
            {
                assert_eq!(rules(&line), [""; 0], "{line}");
            }
        }
    }

    #[test]
    fn folders_outside_of_the_clone_are_found() {
        let folder = ["shared", "spec"].join("/");
        assert_eq!(rules(&format!("see ../{folder}/a.md")), ["outside-the-clone"]);
        assert_eq!(rules(&format!("see `{folder}`")), ["outside-the-clone"]);
        assert_eq!(rules("shared/state.rs"), [""; 0]);
    }

    #[test]
    fn registry_hosts_are_found_and_longer_words_are_not() {
        for (name, domain) in HOSTS {
            let host = format!("{name}.{domain}");
            assert_eq!(rules(&format!("get https://{host}/x")), ["registry-host"], "{host}");
            assert_eq!(rules(&format!("index.{host}")), ["registry-host"], "{host}");
            assert_eq!(rules(&format!("my{host}x")), [""; 0], "{host}");
        }
    }

    #[test]
    fn reminders_are_found_with_their_line() {
        let text = format!("fine\n# {}: later", ["FIX", "ME"].concat());
        let findings = check(&Tree::of(&[("a.toml", &text)]));
        assert_eq!(
            findings.iter().map(|finding| (finding.rule.name, finding.line)).collect::<Vec<_>>(),
            [("reminder", Some(2))]
        );
    }
}

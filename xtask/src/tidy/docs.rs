//! Rules that keep the documents true: the README's commands are those that CI runs, every chore, folder and link they
//! name exists, and the code map has every module. It reads Markdown by lines and does not judge the prose.

use std::collections::BTreeSet;

use super::{Finding, Rule, Tree};

static COMMANDS: Rule = Rule {
    name: "readme-commands",
    why: "a visitor has two commands to see that Dovetail works; they are a promise, and CI keeps the second",
    instead: "put exactly these two first in the README's `sh` blocks, and let .ci/run read the second from README.md",
};
static CHORE: Rule = Rule {
    name: "unknown-chore",
    why: "a command in the documentation that does not exist costs a reader's trust",
    instead: "name a chore that `cargo xtask help` lists",
};
static LINK: Rule = Rule {
    name: "dead-path",
    why: "a path in the documentation that leads nowhere costs a reader's trust",
    instead: "mend the path, relative to the file that names it for a link, to the root for a command",
};
static MAP: Rule = Rule {
    name: "code-map",
    why: "the code map in ARCHITECTURE.md is how a stranger finds the room a question lives in",
    instead: "give the module a line \"- `name`: what it decides\" under its crate's heading in ARCHITECTURE.md",
};
static STALE_MAP: Rule = Rule {
    name: "stale-code-map",
    why: "a map that shows rooms which are not there leads astray",
    instead: "remove the line from ARCHITECTURE.md",
};

/// What the README offers first: a plan for the example cluster, and every test.
const README_COMMANDS: [&str; 2] = ["cargo run --release -- plan deploy/examples/eks", "cargo xtask test"];

/// Checks every document.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = check_commands(tree);
    let markdown = || tree.files.iter().filter(|file| file.path.ends_with(".md"));
    for file in markdown() {
        for (index, line) in file.text.lines().enumerate() {
            let unknown =
                chores_named(line).into_iter().filter(|chore| !crate::COMMANDS.iter().any(|(own, _)| own == chore));
            findings
                .extend(unknown.map(|chore| CHORE.at(&file.path, index + 1, format!("names `cargo xtask {chore}`"))));
            let dead = links(line).into_iter().filter(|link| !tree.has(&resolve(&file.path, link)));
            findings.extend(dead.map(|link| LINK.at(&file.path, index + 1, format!("links to `{link}`"))));
        }
        for (line, command) in shell_lines(&file.text) {
            let folders =
                command.split_whitespace().filter(|word| word.starts_with("deploy/") || word.starts_with("docs/"));
            let dead = folders.filter(|path| !tree.has(path));
            findings.extend(dead.map(|path| LINK.at(&file.path, line, format!("uses `{path}`"))));
        }
    }
    findings.extend(check_code_map(tree));
    findings
}

fn check_commands(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let commands = readme_commands(tree);
    if !commands.iter().take(2).eq(README_COMMANDS.iter()) {
        findings.push(COMMANDS.file("README.md", format!("does not begin with `{}`", README_COMMANDS.join("`, `"))));
    }
    if !tree.text(".ci/run").is_some_and(|script| script.contains("README.md")) {
        findings.push(COMMANDS.file(".ci/run", "does not read its command from README.md"));
    }
    findings
}

/// The README's commands that cargo runs, in their order.
pub(crate) fn readme_commands(tree: &Tree) -> Vec<String> {
    let lines = shell_lines(tree.text("README.md").unwrap_or_default());
    lines.into_iter().map(|(_, line)| line).filter(|line| line.starts_with("cargo ")).collect()
}

/// The words after `dovetail` that the documents' `sh` blocks use, such as `["catalog", "build"]`: what the binary must
/// understand.
pub(crate) fn subcommands_named(tree: &Tree) -> BTreeSet<Vec<String>> {
    let markdown = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    let lines = markdown.flat_map(|file| shell_lines(&file.text));
    let arguments = lines.filter_map(|(_, line)| {
        let rest = line.strip_prefix("dovetail ").or_else(|| line.strip_prefix("cargo run --release -- "));
        rest.map(str::to_owned)
    });
    let is_word =
        |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-') && !word.starts_with('-');
    let words = arguments.map(|line| line.split_whitespace().take_while(is_word).map(str::to_owned).collect());
    words.filter(|words: &Vec<String>| !words.is_empty()).collect()
}

/// The lines inside of `sh` fences, with their numbers from 1.
fn shell_lines(markdown: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut fence = None;
    for (index, line) in markdown.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language.trim()) };
        } else if fence == Some("sh") {
            lines.push((index + 1, line.trim().to_owned()));
        }
    }
    lines
}

fn chores_named(line: &str) -> Vec<&str> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let after = line.match_indices("cargo xtask ").filter_map(|(at, found)| line.get(at + found.len()..));
    let words = after.map(|rest| rest.split(|letter| !is_letter(letter)).next().unwrap_or_default());
    words.filter(|word| !word.is_empty()).collect()
}

/// The targets of relative Markdown links.
fn links(line: &str) -> Vec<&str> {
    let targets = line.match_indices("](").filter_map(|(at, found)| line.get(at + found.len()..)?.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// The path from the root of a link in a file.
fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Every crate has a heading with its folder in ARCHITECTURE.md, and below it a line for each of its modules.
fn check_code_map(tree: &Tree) -> Vec<Finding> {
    let map = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let mut findings = Vec::new();
    let tests = super::purity::test_files(tree);
    let crates: Vec<&str> = tree.paths().filter_map(|path| path.strip_suffix("/Cargo.toml")).collect();
    for folder in crates {
        let Some(section) = section_of(map, folder) else {
            findings.push(MAP.file("ARCHITECTURE.md", format!("has no heading for the crate `{folder}/`")));
            continue;
        };
        let built = modules_of(tree, folder, &tests);
        let listed: BTreeSet<&str> =
            section.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
        for module in built.iter().filter(|module| !listed.contains(module.as_str())) {
            findings.push(MAP.file(format!("{folder}/src/{module}"), "is not in the code map"));
        }
        for module in listed.iter().filter(|module| !built.contains(**module)) {
            findings.push(
                STALE_MAP.file("ARCHITECTURE.md", format!("lists `{module}` in `{folder}/`, which is not there")),
            );
        }
    }
    findings
}

/// The lines between the crate's heading and the next one.
fn section_of<'a>(map: &'a str, folder: &str) -> Option<&'a str> {
    let heading = format!("`{folder}/`");
    let mut start = None;
    let mut offset = 0;
    for line in map.split_inclusive('\n') {
        if line.starts_with('#') {
            match start {
                Some(from) => return map.get(from..offset),
                None if line.contains(&heading) => start = Some(offset + line.len()),
                None => {}
            }
        }
        offset += line.len();
    }
    start.and_then(|from| map.get(from..))
}

/// The modules directly below a crate's root. A module of files only for tests is left out.
fn modules_of(tree: &Tree, folder: &str, tests: &BTreeSet<String>) -> BTreeSet<String> {
    let sources = format!("{folder}/src/");
    let shipped = tree.rust().filter(|file| !tests.iter().any(|test| super::purity::covers(test, &file.path)));
    let below = shipped.filter_map(|file| file.path.strip_prefix(&sources)?.split('/').next());
    let names = below.map(|name| name.trim_end_matches(".rs").to_owned());
    names.filter(|name| !["lib", "main", "bin"].contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# X\n```sh\ncargo run --release -- plan deploy/examples/eks\ncargo xtask test\n```\n";
    const CI: &str = "sed -n 1p README.md\n";

    fn rules(files: &[(&str, &str)]) -> Vec<&'static str> {
        let mut all = vec![("deploy/examples/eks/a.yaml", "")];
        for fixed in [("README.md", README), (".ci/run", CI)] {
            if !files.iter().any(|(path, _)| *path == fixed.0) {
                all.push(fixed);
            }
        }
        all.extend(files);
        check(&Tree::of(&all)).iter().map(|finding| finding.rule.name).collect()
    }

    #[test]
    fn the_readme_begins_with_its_two_commands_and_ci_reads_them() {
        assert_eq!(rules(&[]), [""; 0]);
        assert_eq!(rules(&[("README.md", "# X\n```sh\ncargo test\ncargo xtask test\n```\n")]), ["readme-commands"]);
        assert_eq!(rules(&[("README.md", "# X\n`cargo xtask test`\n")]), ["readme-commands"]);
        assert_eq!(rules(&[(".ci/run", "cargo test\n")]), ["readme-commands"]);
    }

    #[test]
    fn documents_name_only_chores_that_exist() {
        assert_eq!(rules(&[("docs/a.md", "Run `cargo xtask tidy`.")]), [""; 0]);
        assert_eq!(rules(&[("docs/a.md", "Run `cargo xtask bless`.")]), ["unknown-chore"]);
    }

    #[test]
    fn links_and_folders_in_commands_exist() {
        let good =
            "[a](../README.md#x) [b](https://example.com/x) [c](#here)\n```sh\ndovetail plan deploy/examples/eks\n```";
        assert_eq!(rules(&[("docs/a.md", good)]), [""; 0]);
        assert_eq!(rules(&[("docs/a.md", "[a](b.md)")]), ["dead-path"]);
        assert_eq!(rules(&[("docs/a.md", "```sh\ndovetail plan deploy/examples/gke\n```")]), ["dead-path"]);
    }

    #[test]
    fn the_code_map_has_every_module_and_no_other() {
        let manifest = ("api/Cargo.toml", "");
        let sources = [("api/src/lib.rs", "#[cfg(test)] mod builders;"), ("api/src/a.rs", ""), ("api/src/b/c.rs", "")];
        let map = |text| {
            let mut files = vec![manifest, ("api/src/builders.rs", ""), ("ARCHITECTURE.md", text)];
            files.extend(sources);
            rules(&files)
        };
        assert_eq!(map("### `api/`\n- `a`: x\n- `b`: y\n### Other\n- `z`: not of this crate\n"), [""; 0]);
        assert_eq!(map("### `api/`\n- `a`: x\n"), ["code-map"]);
        assert_eq!(map("### `api/`\n- `a`: x\n- `b`: y\n- `gone`: z\n"), ["stale-code-map"]);
        assert_eq!(map("nothing"), ["code-map"]);
    }

    #[test]
    fn the_subcommands_that_the_documents_use_are_read_from_their_shell_blocks() {
        let text = "`dovetail prose`\n```sh\ndovetail catalog build --types x.json\ncargo run --release -- plan deploy/x\n```\n```yaml\ndovetail no\n```";
        let named = subcommands_named(&Tree::of(&[("docs/a.md", text)]));
        let expected = [vec!["catalog".to_owned(), "build".to_owned()], vec!["plan".to_owned()]];
        assert_eq!(named.into_iter().collect::<Vec<_>>(), expected);
    }
}

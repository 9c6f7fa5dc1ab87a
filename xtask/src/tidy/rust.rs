//! A Rust file as tokens: enough to tell code from comments and strings, shipped code from tests, and to follow `use`
//! trees. It decides what counts as test code; it knows no types and expands no macros.

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

/// What a Rust file ships.
#[derive(Debug, Default)]
pub(crate) struct Code {
    shipped: Vec<TokenTree>,
    all: Vec<TokenTree>,
    /// Modules declared as `#[cfg(test)] mod name;`: their files are test code too.
    pub(crate) test_modules: Vec<TestModule>,
}

/// A test module in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TestModule {
    /// `mod name;`: the file is where Rust looks for that name.
    Named(String),
    /// `#[path = "file.rs"] mod name;`: the file beside the one that declares it.
    At(String),
}

/// A path as it stands in the code (`use` trees are unfolded), with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathUse {
    /// `std::env::var` is `["std", "env", "var"]`.
    pub(crate) segments: Vec<String>,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Code {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not Rust, not even as tokens.
    pub(crate) fn read(text: &str) -> Result<Code, LexError> {
        let all: Vec<TokenTree> = text.parse::<TokenStream>()?.into_iter().collect();
        let mut test_modules = Vec::new();
        let shipped = without_tests(&all, &mut test_modules);
        Ok(Code { shipped, all, test_modules })
    }

    /// Every path in the shipped code.
    pub(crate) fn shipped_paths(&self) -> Vec<PathUse> {
        let mut paths = Vec::new();
        collect_paths(&self.shipped, &mut paths);
        paths
    }

    /// Where the shipped code calls a macro of this name.
    pub(crate) fn shipped_macros(&self, name: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        collect_macros(&self.shipped, name, &mut lines);
        lines
    }

    /// Where any code, tests too, calls a macro of this name.
    pub(crate) fn macros(&self, name: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        collect_macros(&self.all, name, &mut lines);
        lines
    }

    /// Where the shipped code calls a method of this name without arguments.
    pub(crate) fn shipped_calls(&self, name: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        each_level(&self.shipped, &mut |tokens| {
            for window in tokens.windows(3) {
                if let [TokenTree::Punct(dot), TokenTree::Ident(method), TokenTree::Group(arguments)] = window
                    && dot.as_char() == '.'
                    && method == name
                    && arguments.delimiter() == Delimiter::Parenthesis
                    && arguments.stream().is_empty()
                {
                    lines.push(method.span().start().line);
                }
            }
        });
        lines
    }

    /// Where an attribute stands that is only this word, such as `#[ignore]` without a reason.
    pub(crate) fn bare_attributes(&self, name: &str) -> Vec<usize> {
        let mut lines = Vec::new();
        each_level(&self.all, &mut |tokens| {
            for (index, token) in tokens.iter().enumerate() {
                let attribute = attribute_at(tokens, index).map(inside).unwrap_or_default();
                if let [TokenTree::Ident(word)] = attribute.as_slice()
                    && word == name
                {
                    lines.push(token.span().start().line);
                }
            }
        });
        lines
    }
}

fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// Calls `visit` with the tokens of every nesting level.
fn each_level(tokens: &[TokenTree], visit: &mut impl FnMut(&[TokenTree])) {
    visit(tokens);
    for token in tokens {
        if let TokenTree::Group(group) = token {
            each_level(&inside(group), visit);
        }
    }
}

/// The brackets of the outer attribute that starts at `index`.
fn attribute_at(tokens: &[TokenTree], index: usize) -> Option<&Group> {
    match (tokens.get(index), tokens.get(index + 1)) {
        (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(group)))
            if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// `#[test]`, `#[cfg(test)]` and `#[cfg(all(test, ...))]`. Not `any(test, ...)`: that can ship.
fn marks_test(attribute: &Group) -> bool {
    match inside(attribute).as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg" => match inside(condition).as_slice() {
            [TokenTree::Ident(word)] => word == "test",
            [TokenTree::Ident(all), TokenTree::Group(parts)] if all == "all" => {
                inside(parts).iter().any(|part| matches!(part, TokenTree::Ident(word) if word == "test"))
            }
            _ => false,
        },
        _ => false,
    }
}

/// The tokens without test items. An item ends with its braces or its semicolon.
fn without_tests(tokens: &[TokenTree], test_modules: &mut Vec<TestModule>) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        if attribute_at(tokens, index).is_some_and(marks_test) {
            let item = tokens.get(index..).unwrap_or_default();
            let length = item_length(item);
            test_modules.extend(module_declared(item.get(..length).unwrap_or_default()));
            index += length;
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let inner = without_tests(&inside(group), test_modules).into_iter().collect();
                let mut replaced = Group::new(group.delimiter(), inner);
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            other => other.clone(),
        });
        index += 1;
    }
    kept
}

fn item_length(tokens: &[TokenTree]) -> usize {
    let end = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    });
    end.map_or(tokens.len(), |last| last + 1)
}

/// The module in `mod name;`, if that is what the item is.
fn module_declared(item: &[TokenTree]) -> Option<TestModule> {
    match item {
        [attributes @ .., TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(end)]
            if keyword == "mod" && end.as_char() == ';' =>
        {
            let path = (0..attributes.len()).find_map(|index| path_attribute(attribute_at(attributes, index)?));
            Some(path.map_or_else(|| TestModule::Named(name.to_string()), TestModule::At))
        }
        _ => None,
    }
}

/// The file in `#[path = "file.rs"]`.
fn path_attribute(attribute: &Group) -> Option<String> {
    match inside(attribute).as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(file)] if name == "path" => {
            Some(file.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

fn collect_macros(tokens: &[TokenTree], name: &str, lines: &mut Vec<usize>) {
    each_level(tokens, &mut |tokens| {
        for window in tokens.windows(3) {
            if let [TokenTree::Ident(word), TokenTree::Punct(bang), TokenTree::Group(_)] = window
                && word == name
                && bang.as_char() == '!'
            {
                lines.push(word.span().start().line);
            }
        }
    });
}

fn collect_paths(tokens: &[TokenTree], paths: &mut Vec<PathUse>) {
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            TokenTree::Ident(_) => index += path_at(tokens.get(index..).unwrap_or_default(), &[], paths).max(1),
            TokenTree::Group(group) => {
                collect_paths(&inside(group), paths);
                index += 1;
            }
            _ => index += 1,
        }
    }
}

/// Reads the path that starts the tokens, after the segments of the `use` tree around it; returns how many tokens it
/// took.
fn path_at(tokens: &[TokenTree], before: &[String], paths: &mut Vec<PathUse>) -> usize {
    let mut segments = before.to_vec();
    let mut line = None;
    let mut index = 0;
    loop {
        match tokens.get(index) {
            Some(TokenTree::Ident(word)) => {
                segments.push(word.to_string());
                line.get_or_insert(word.span().start().line);
                index += 1;
            }
            Some(TokenTree::Group(branches)) if index > 0 && branches.delimiter() == Delimiter::Brace => {
                for branch in inside(branches).split(is_comma) {
                    path_at(branch, &segments, paths);
                }
                return index + 1;
            }
            _ => break,
        }
        if !separator_at(tokens, index) {
            break;
        }
        index += 2;
    }
    if let Some(line) = line {
        paths.push(PathUse { segments, line });
    }
    index
}

fn separator_at(tokens: &[TokenTree], index: usize) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    is_colon(tokens.get(index)) && is_colon(tokens.get(index + 1))
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        Code::read(text).expect("the fixture is Rust")
    }

    fn paths(text: &str) -> Vec<String> {
        code(text).shipped_paths().into_iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn use_trees_are_unfolded() {
        let found = paths("use std::{env, time::{self, Instant}, fs as files};");
        for path in ["std::env", "std::time::self", "std::time::Instant", "std::fs"] {
            assert!(found.iter().any(|own| own == path), "{path} is not in {found:?}");
        }
    }

    #[test]
    fn paths_are_found_inside_bodies_and_macros_with_their_line() {
        let found = code("fn f() {\n    dbg!(jiff::Zoned::now());\n}").shipped_paths();
        assert!(found.contains(&PathUse { segments: vec!["jiff".into(), "Zoned".into(), "now".into()], line: 2 }));
    }

    #[test]
    fn comments_documents_and_strings_are_no_code() {
        let found =
            paths("//! std::env is not for us\n/// nor Instant\nfn f() -> &'static str { \"std::fs\" /* Instant */ }");
        assert!(!found.iter().any(|path| path.contains("Instant") || path.starts_with("std")), "{found:?}");
    }

    #[test]
    fn test_items_are_not_shipped_but_what_follows_them_is() {
        let text = "#[cfg(test)] use std::env;\n#[test] fn t() { std::fs::read(); }\n\
                    #[cfg(all(test, unix))] mod tests { use std::net; }\nuse std::process;";
        assert_eq!(paths(text).iter().filter(|path| path.starts_with("std")).collect::<Vec<_>>(), ["std::process"]);
    }

    #[test]
    fn code_for_tests_or_a_feature_is_shipped() {
        assert!(paths("#[cfg(any(test, feature = \"x\"))] mod m { use std::env; }").contains(&"std::env".to_owned()));
    }

    #[test]
    fn a_test_module_in_its_own_file_is_named() {
        let modules = code("#[cfg(test)]\npub(crate) mod builders;\nmod real;").test_modules;
        assert_eq!(modules, [TestModule::Named("builders".into())]);
        let modules = code("#[cfg(test)]\n#[path = \"cases.rs\"]\nmod tests;").test_modules;
        assert_eq!(modules, [TestModule::At("cases.rs".into())]);
    }

    #[test]
    fn calls_macros_and_bare_attributes_are_found() {
        let text =
            "fn f() { x.unwrap(); x.unwrap_or(1); }\n#[ignore]\nfn g() { panic!() }\n#[ignore = \"slow\"]\nfn h() {}";
        assert_eq!(code(text).shipped_calls("unwrap"), [1]);
        assert_eq!(code(text).bare_attributes("ignore"), [2]);
        assert_eq!(code(text).macros("panic"), [3]);
    }
}

//! Which texts were named on the command line: files, folders and standard input, read as UTF-8. What the texts say is
//! not known here.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::errors::InputError;
use super::gzip;

/// A text and where it came from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file as it was named, or as it was found below the folder that was named.
    pub(crate) file: Arc<str>,
    /// Its content.
    pub(crate) text: String,
    /// Whether this very file was asked for. What merely lies in a folder need not be a Kubernetes manifest.
    pub(crate) named: bool,
}

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Reads everything that was named, in that order; folders with all below them, in the order of their names. Hidden files
/// and folders below a folder are left alone. A file that is named twice is read once.
///
/// # Errors
/// Everything that cannot be read, and folders without a manifest.
pub(crate) fn read_all(arguments: &[PathBuf]) -> Result<Vec<Source>, Vec<InputError>> {
    let mut sources = Vec::new();
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            match stdin() {
                Ok(source) => sources.push(source),
                Err(error) => errors.push(error),
            }
            continue;
        }
        let files = if argument.is_dir() { below(argument) } else { vec![Ok(argument.clone())] };
        if files.is_empty() {
            errors.push(InputError::EmptyFolder { folder: shown(argument) });
        }
        for file in files {
            let read = file.and_then(|path| {
                let identity = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.insert(identity) { file_at(&path, path == *argument).map(Some) } else { Ok(None) }
            });
            match read {
                Ok(source) => sources.extend(source),
                Err(error) => errors.push(error),
            }
        }
    }
    if errors.is_empty() { Ok(sources) } else { Err(errors) }
}

/// The manifests in a folder and below.
fn below(folder: &Path) -> Vec<Result<PathBuf, InputError>> {
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let is_manifest = |path: &Path| {
        path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e.to_ascii_lowercase().as_str()))
    };
    WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(visible)
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_file() && is_manifest(entry.path()) => Some(Ok(entry.into_path())),
            Ok(_) => None,
            Err(error) => {
                let path = error.path().map_or_else(|| shown(folder), shown);
                Some(Err(InputError::Unreadable { file: path, why: error.to_string() }))
            }
        })
        .collect()
}

fn file_at(path: &Path, named: bool) -> Result<Source, InputError> {
    let file = shown(path);
    let bytes = std::fs::read(path)
        .and_then(gzip::unpack)
        .map_err(|e| InputError::Unreadable { file: Arc::clone(&file), why: e.to_string() })?;
    Ok(Source { text: decoded(&file, bytes)?, file, named })
}

fn stdin() -> Result<Source, InputError> {
    let file: Arc<str> = "standard input".into();
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|e| InputError::Unreadable { file: Arc::clone(&file), why: e.to_string() })?;
    Ok(Source { text: decoded(&file, bytes)?, file, named: true })
}

fn decoded(file: &Arc<str>, bytes: Vec<u8>) -> Result<String, InputError> {
    String::from_utf8(bytes)
        .map_err(|e| InputError::NotText { file: Arc::clone(file), at: e.utf8_error().valid_up_to() })
}

fn shown(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_to_its_bottom_in_the_order_of_names_and_hidden_things_are_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in
            [("b.yml", "b"), ("a/c.JSON", "c"), (".git/x.yaml", "x"), ("notes.txt", "n"), ("a.yaml", "a")]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let again = folder.path().join("b.yml");
        let read = read_all(&[folder.path().to_owned(), again]).expect("readable");
        let texts: Vec<_> = read.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(texts, ["c", "a", "b"], "the folder a comes before a.yaml, and b.yml is read once");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let latin = folder.path().join("latin.yaml");
        std::fs::write(&latin, b"name: caf\xe9").expect("a file");
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).expect("a folder");
        let missing = folder.path().join("missing.yaml");
        let errors = read_all(&[latin, empty, missing]).expect_err("unreadable");
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert!(texts[0].contains("latin.yaml") && texts[0].contains("byte 9"), "{}", texts[0]);
        assert!(texts[1].contains("empty"), "{}", texts[1]);
        assert!(texts[2].contains("missing.yaml"), "{}", texts[2]);
    }
}

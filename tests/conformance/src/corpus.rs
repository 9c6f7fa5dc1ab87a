//! The corpus: scenarios of Kubernetes objects, the catalogues they are planned against, and Karpenter's answers. Files are
//! compressed one by one, so `zcat` shows them too. What is done with a scenario is not known here.

use crate::answer::Answer;
use flate2::read::GzDecoder;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Why something of the corpus, or a scenario beside it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An answer is not in the form of `upstream/answer.go`.
    #[error("{}: {source}", .file.display())]
    Answer {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A scenario does not say what can be bought.
    #[error("{}: the first line must name a catalogue, as in `# catalog: small.json`", .file.display())]
    NoCatalogue {
        /// The scenario.
        file: PathBuf,
    },
    /// There is no scenario of that name.
    #[error("there is no scenario {0} in the corpus: `--list` shows their names")]
    Unknown(String),
}

/// The folder of this crate, where its data lies.
#[must_use]
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all scenarios, such as `affinity-003`, sorted.
///
/// # Errors
/// When the folder of the corpus cannot be read.
pub fn names() -> Result<Vec<String>, CorpusError> {
    let folder = home().join("corpus");
    let failed = |source| CorpusError::File { file: folder.clone(), source };
    let mut names = vec![];
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        names.extend(file.to_str().and_then(|f| f.strip_suffix(".yaml.gz")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The theme of a scenario: its name without the number.
#[must_use]
pub fn theme(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(theme, _)| theme)
}

/// The objects of a scenario, as YAML.
///
/// # Errors
/// When there is none of that name.
pub fn scenario(name: &str) -> Result<String, CorpusError> {
    match inflated(&home().join("corpus").join(format!("{name}.yaml.gz"))) {
        Err(CorpusError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(CorpusError::Unknown(name.to_owned()))
        }
        text => text,
    }
}

/// Karpenter's answer to a scenario, as JSON.
///
/// # Errors
/// When there is none of that name.
pub fn answer_text(name: &str) -> Result<String, CorpusError> {
    inflated(&home().join("corpus").join(format!("{name}.answer.json.gz")))
}

/// Karpenter's answer to a scenario.
///
/// # Errors
/// When there is none of that name.
pub fn answer(name: &str) -> Result<Answer, CorpusError> {
    let file = home().join("corpus").join(format!("{name}.answer.json.gz"));
    serde_json::from_str(&inflated(&file)?).map_err(|source| CorpusError::Answer { file, source })
}

fn inflated(file: &Path) -> Result<String, CorpusError> {
    let failed = |source| CorpusError::File { file: file.to_owned(), source };
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file).map_err(failed)?).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// A folder with the catalogues as plain files, and with the scenarios that are put there.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    /// Lays the catalogues out in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written, or the catalogues cannot be read.
    pub fn open(folder: &Path) -> Result<Self, CorpusError> {
        let workshop = Self { folder: folder.to_owned() };
        fs::create_dir_all(folder).map_err(|source| CorpusError::File { file: folder.to_owned(), source })?;
        for name in CATALOGUES {
            let text = inflated(&home().join("catalogs").join(format!("{name}.gz")))?;
            workshop.put(name, &text)?;
        }
        Ok(workshop)
    }

    /// Writes a file and says where it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, text: &str) -> Result<PathBuf, CorpusError> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(|source| CorpusError::File { file: file.clone(), source })?;
        Ok(file)
    }

    /// Where the catalogue of that name is.
    #[must_use]
    pub fn catalogue(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A scenario of the corpus as a file.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be written.
    pub fn unpack(&self, name: &str) -> Result<PathBuf, CorpusError> {
        self.put(&format!("{name}.yaml"), &scenario(name)?)
    }

    /// What the head of a scenario file asks for.
    ///
    /// # Errors
    /// When the file cannot be read or names no catalogue.
    pub fn head(&self, scenario: &Path) -> Result<Head, CorpusError> {
        let text =
            fs::read_to_string(scenario).map_err(|source| CorpusError::File { file: scenario.to_owned(), source })?;
        let said = |word: &str| {
            let comments = text.lines().take_while(|l| l.starts_with('#'));
            comments.filter_map(|l| l.strip_prefix("# ")?.strip_prefix(word)?.strip_prefix(':')).next().map(str::trim)
        };
        let catalogue = said("catalog").ok_or_else(|| CorpusError::NoCatalogue { file: scenario.to_owned() })?;
        let settings = said("settings").map(|s| s.split_whitespace().map(str::to_owned).collect());
        Ok(Head { catalogue: self.folder.join(catalogue), settings: settings.unwrap_or_default() })
    }
}

const CATALOGUES: [&str; 4] = ["bench400.json", "ec2.json", "reserved.json", "small.json"];

/// What a scenario says of itself in the comments before its first object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What can be bought: `# catalog: small.json`.
    pub catalogue: PathBuf,
    /// Flags that both programs understand: `# settings: --preference-policy Ignore`.
    pub settings: Vec<String>,
}

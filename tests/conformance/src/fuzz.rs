//! Both programs asked the same, scenario after scenario: which to ask, and how it is told. What is as good as Karpenter's,
//! `judge` knows.

use crate::corpus::{CorpusError, Head, Workshop};
use crate::generate::Theme;
use crate::judge::{self, Fault, Verdict};
use crate::upstream::{Upstream, UpstreamError};
use dovetail::offline::Planned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// How often Karpenter is asked about one scenario, since it does not always decide the same.
const RUNS: &str = "5";

/// How many processes of Karpenter run at a time; each looks for nodes with two threads.
const AT_A_TIME: usize = 2;

/// Faults shown for each scenario.
const SHOWN: usize = 3;

/// A scenario to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its theme.
    pub theme: &'static Theme,
    /// Its seed.
    pub seed: u64,
}

/// So many scenarios of these themes in turn, with seeds from the first on.
#[must_use]
pub fn jobs(themes: &[&'static Theme], count: usize, first_seed: u64) -> Vec<Job> {
    let seeds = (first_seed..).flat_map(|seed| themes.iter().map(move |theme| Job { theme, seed }));
    if themes.is_empty() { vec![] } else { seeds.take(count).collect() }
}

/// How scenarios are judged.
#[derive(Debug)]
pub struct Court<'c> {
    /// Where files are put.
    pub workshop: &'c Workshop,
    /// Karpenter.
    pub upstream: &'c Upstream,
    /// A command to ask as well, with the files of catalogue, scenario, our answer and Karpenter's as its last arguments;
    /// if it fails, what it prints is a fault.
    pub also: Option<&'c str>,
}

/// What became of the scenarios of a theme.
#[derive(Clone, Debug, Default)]
struct Tally {
    asked: usize,
    bad: usize,
    /// Worse than Karpenter's, which breaks a rule for it.
    excused: usize,
    /// Karpenter gave no answer.
    unanswered: usize,
    /// We place more than Karpenter.
    more: usize,
    ours: f64,
    theirs: f64,
}

/// Asks about all of them, tells what is not as good as Karpenter's, and how many such there were.
///
/// # Errors
/// When files cannot be written, or Karpenter cannot be started.
pub fn run(court: &Court<'_>, jobs: &[Job]) -> Result<usize, FuzzError> {
    let waiting = Mutex::new(jobs.iter());
    let tallies: Mutex<BTreeMap<&str, Tally>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        let work = || -> Result<(), FuzzError> {
            while let Some(job) = waiting.lock().expect("no worker panics with the lock held").next() {
                let told = court.hear(job)?;
                let mut tallies = tallies.lock().expect("no worker panics with the lock held");
                told.add_to(tallies.entry(job.theme.name).or_default());
                if let Some(text) = told.text(job) {
                    println!("{text}");
                }
            }
            Ok(())
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let tallies = tallies.into_inner().expect("no worker panics with the lock held");
    print!("{}", summary(&tallies));
    Ok(tallies.values().map(|t| t.bad).sum())
}

/// Why scenarios could not be asked about.
#[derive(Debug, thiserror::Error)]
pub enum FuzzError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// Karpenter cannot be started.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The command that is asked as well cannot be started.
    #[error("`{command}` cannot be started: {source}")]
    Also {
        /// The command.
        command: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What became of one scenario.
enum Outcome {
    Unanswered(String),
    Judged(Verdict),
}

struct Heard {
    outcome: Outcome,
    scenario: PathBuf,
}

impl Court<'_> {
    /// Asks both about a new scenario. Its files are kept if something is wrong.
    fn hear(&self, job: &Job) -> Result<Heard, FuzzError> {
        let made = job.theme.scenario(job.seed);
        let scenario = self.workshop.put(&format!("{}.yaml", made.name), &made.text())?;
        let head = self.workshop.head(&scenario)?;
        let told = match self.upstream.ask(&head, &scenario, &["--runs", RUNS]) {
            Ok(told) => told,
            Err(UpstreamError::NoAnswer(why)) => return Ok(Heard { outcome: Outcome::Unanswered(why), scenario }),
            Err(error) => return Err(error.into()),
        };
        let mut files = vec![scenario.clone()];
        let verdict = match judge::ask(&head, &scenario) {
            Ok(planned) => {
                let theirs = self.workshop.put(&format!("{}.upstream.json", made.name), &told.text)?;
                let ours = self.workshop.put(&format!("{}.dovetail.json", made.name), &json(&planned))?;
                files.extend([theirs.clone(), ours.clone()]);
                let mut verdict = judge::judge(&planned, &told.answer);
                verdict.faults.extend(self.ask_also(&head, &[&scenario, &ours, &theirs])?);
                verdict
            }
            Err(fault) => Verdict { faults: vec![fault], ..Verdict::default() },
        };
        if verdict.faults.is_empty() {
            for file in files {
                // A file that stays behind does no harm.
                let _ = std::fs::remove_file(file);
            }
        }
        Ok(Heard { outcome: Outcome::Judged(verdict), scenario })
    }

    fn ask_also(&self, head: &Head, files: &[&Path]) -> Result<Vec<Fault>, FuzzError> {
        let Some(also) = self.also else { return Ok(vec![]) };
        let mut words = also.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).arg(&head.catalogue).args(files);
        let output = command.output().map_err(|source| FuzzError::Also { command: also.to_owned(), source })?;
        if output.status.success() {
            return Ok(vec![]);
        }
        let said = String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
        Ok(said.lines().take(SHOWN).map(|line| Fault::Wrong(line.to_owned())).collect())
    }
}

fn json(planned: &Planned) -> String {
    planned.json().unwrap_or_else(|error| format!("\"{error}\""))
}

impl Heard {
    fn add_to(&self, tally: &mut Tally) {
        tally.asked += 1;
        match &self.outcome {
            Outcome::Unanswered(_) => tally.unanswered += 1,
            Outcome::Judged(verdict) => {
                match (verdict.faults.is_empty(), verdict.is_excused()) {
                    (true, _) => {}
                    (false, true) => tally.excused += 1,
                    (false, false) => tally.bad += 1,
                }
                tally.more += usize::from(verdict.more > 0);
                if let Some((ours, theirs)) = verdict.costs {
                    tally.ours += ours;
                    tally.theirs += theirs;
                }
            }
        }
    }

    fn text(&self, job: &Job) -> Option<String> {
        let Job { theme, seed } = job;
        let verdict = match &self.outcome {
            Outcome::Unanswered(why) => return Some(format!("{theme:?}-{seed}: Karpenter gives no answer: {why}")),
            Outcome::Judged(verdict) if verdict.faults.is_empty() => return None,
            Outcome::Judged(verdict) => verdict,
        };
        let faults = &verdict.faults;
        let excuse = verdict.karpenters_faults.first().filter(|_| verdict.is_excused());
        let excuse = excuse.map_or_else(String::new, |rule| format!(", which breaks a rule: {rule}"));
        let mut lines = vec![format!("{theme:?}-{seed}: not as good as Karpenter's{excuse}")];
        lines.extend(faults.iter().take(SHOWN).map(|fault| format!("    {fault}")));
        if faults.len() > SHOWN {
            lines.push(format!("    and {} more", faults.len() - SHOWN));
        }
        lines.push(format!("    kept:  {}", self.scenario.display()));
        lines.push(format!("    again: cargo xtask conformance --fuzz 1 --theme {theme:?} --seed {seed}"));
        Some(lines.join("\n"))
    }
}

fn summary(tallies: &BTreeMap<&str, Tally>) -> String {
    let mut text = format!(
        "\n{:<16} {:>6} {:>6} {:>8} {:>10} {:>12} {:>14} {:>14}\n",
        "theme", "asked", "bad", "excused", "no answer", "we place more", "ours $/h", "their mean $/h"
    );
    let mut all = Tally::default();
    let line = |name: &str, t: &Tally| {
        format!(
            "{name:<16} {:>6} {:>6} {:>8} {:>10} {:>13} {:>14.4} {:>14.4}\n",
            t.asked, t.bad, t.excused, t.unanswered, t.more, t.ours, t.theirs
        )
    };
    for (name, tally) in tallies {
        text += &line(name, tally);
        all.asked += tally.asked;
        all.bad += tally.bad;
        all.excused += tally.excused;
        all.unanswered += tally.unanswered;
        all.more += tally.more;
        all.ours += tally.ours;
        all.theirs += tally.theirs;
    }
    text + &line("all", &all)
}

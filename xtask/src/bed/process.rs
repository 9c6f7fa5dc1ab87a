//! The processes of a bed: started so that they outlive the chore, found again, measured, stopped. A process belongs to
//! a bed if its environment says so, which no stranger's does: there is no list of process ids that could be stale. It
//! does not know what the processes are for.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::errors::BedError;

/// The variable that says which bed a process belongs to.
const BED: &str = "DOVETAIL_BED";
/// The variable that says which part of it the process is.
const PART: &str = "DOVETAIL_BED_PART";

/// How long a process may take to end when asked, before it is made to.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often something is looked at that tells nobody when it changes.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A process that this chore started.
#[derive(Debug)]
pub(crate) struct Started {
    /// Which part of the bed it is.
    pub(crate) part: String,
    /// Where it writes.
    log: PathBuf,
    child: Child,
    handle: OwnedFd,
}

impl Started {
    /// Starts a command as a part of the bed. What it says goes to `log`.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub(crate) fn new(bed: &Path, part: &str, command: &mut Command, log: PathBuf) -> Result<Started, BedError> {
        let output = File::create(&log).map_err(BedError::file(&log))?;
        let errors = output.try_clone().map_err(BedError::file(&log))?;
        let refused = |source| BedError::Start { program: part.to_owned(), source };
        let child =
            command.env(BED, bed).env(PART, part).stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(
                |source| BedError::Start { program: command.get_program().to_string_lossy().into_owned(), source },
            )?;
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
        let handle = handle.map_err(|error| refused(error.into()))?;
        Ok(Started { part: part.to_owned(), log, child, handle })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Where it writes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The error that says so.
    pub(crate) fn ended(&self) -> BedError {
        BedError::Ended { part: self.part.clone(), log: self.log.clone(), words: last_words(&self.log) }
    }
}

/// Waits until the condition holds. Returns early if one of the processes ends, since what is waited for needs them all.
///
/// # Errors
/// When a process ends, or the time is over.
pub(crate) fn wait_for(
    what: &str,
    at_most: Duration,
    needed: &mut [Started],
    mut holds: impl FnMut() -> bool,
) -> Result<(), BedError> {
    let start = Instant::now();
    while !holds() {
        if let Some(ended) = needed.iter_mut().find_map(|process| process.has_ended().then(|| process.ended())) {
            return Err(ended);
        }
        if start.elapsed() > at_most {
            let hint = match needed.last() {
                Some(process) => {
                    format!("look at {}, which ends with:\n{}", process.log.display(), last_words(&process.log))
                }
                None => "look at `cargo xtask cluster status`".into(),
            };
            return Err(BedError::Late { what: what.to_owned(), seconds: at_most.as_secs(), hint });
        }
        let handles: Vec<&OwnedFd> = needed.iter().map(|process| &process.handle).collect();
        until_one_ends(&handles, LOOK_AGAIN);
    }
    Ok(())
}

/// Returns when one of the processes ends, or when the time is over.
pub(crate) fn watch(processes: &[&Started], at_most: Duration) {
    until_one_ends(&processes.iter().map(|process| &process.handle).collect::<Vec<_>>(), at_most);
}

fn until_one_ends(handles: &[&OwnedFd], at_most: Duration) {
    let mut handles: Vec<PollFd<'_>> = handles.iter().map(|handle| PollFd::new(*handle, PollFlags::IN)).collect();
    // A time that does not fit, or a signal in between, only makes the caller look sooner.
    let time = Timespec::try_from(at_most).ok();
    let _ = poll(&mut handles, time.as_ref());
}

/// A process of a bed, whoever started it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Which part of the bed it is.
    pub(crate) part: String,
    /// Its process id.
    pub(crate) id: u32,
}

/// The processes of the bed, sorted by part. Those of other users cannot be seen and are not ours.
pub(crate) fn of(bed: &Path) -> Vec<Found> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<Found> = ids.filter_map(|id| Some(Found { part: part_of(bed, id)?, id })).collect();
    found.sort();
    found
}

/// Which part of the bed the process is, if any. A process that has ended has no environment.
fn part_of(bed: &Path, id: u32) -> Option<String> {
    part_in(bed, &std::fs::read(format!("/proc/{id}/environ")).ok()?)
}

fn part_in(bed: &Path, environment: &[u8]) -> Option<String> {
    let variable = |name: &str| {
        let mut all = environment.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        all.find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
    };
    (Path::new(variable(BED)?) == bed).then(|| variable(PART).unwrap_or("unknown").to_owned())
}

/// Ends those processes of the bed that `chosen` picks, and what they have started: asks first, and makes them after a
/// while. Returns how many there were.
///
/// # Errors
/// When a process is still there in the end.
pub(crate) fn stop(bed: &Path, chosen: impl Fn(&Found) -> bool) -> Result<usize, BedError> {
    let mut count = 0;
    for signal in [Signal::TERM, Signal::KILL] {
        let mut handles = Vec::new();
        for process in of(bed).into_iter().filter(&chosen) {
            let Ok(id) = i32::try_from(process.id) else { continue };
            let Some(handle) = Pid::from_raw(id).and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok()) else {
                continue;
            };
            // The id may have passed to another process since it was found. The handle cannot: what is true of the
            // id now, while the handle's process still runs, is true of that process.
            if part_of(bed, process.id).is_none() {
                continue;
            }
            match pidfd_send_signal(&handle, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => handles.push(handle),
                Err(error) => {
                    let reason = error.to_string();
                    return Err(BedError::Stubborn { pid: process.id, part: process.part, reason });
                }
            }
        }
        count = count.max(handles.len());
        let start = Instant::now();
        while of(bed).iter().any(&chosen) && start.elapsed() < PATIENCE {
            until_one_ends(&handles.iter().collect::<Vec<_>>(), LOOK_AGAIN);
        }
    }
    match of(bed).into_iter().find(chosen) {
        None => Ok(count),
        Some(process) => {
            let reason = "it is still there after it was killed".to_owned();
            Err(BedError::Stubborn { pid: process.id, part: process.part, reason })
        }
    }
}

/// What a process has taken of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// Resident memory now, in bytes.
    pub(crate) resident: u64,
    /// The most resident memory so far, in bytes.
    pub(crate) peak: u64,
    /// Processor time so far, in user and system mode together.
    pub(crate) cpu: Duration,
}

/// What the process has taken so far, if it still runs.
pub(crate) fn usage(id: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    read_usage(&status, &stat, rustix::param::clock_ticks_per_second())
}

/// The memory that the process needs for itself, in bytes: a page that several processes share counts in part for each, so
/// that the sum over processes is what all need together.
pub(crate) fn share(id: u32) -> Option<u64> {
    bytes(&std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?, "Pss:")
}

/// A line such as `VmRSS:  1024 kB` in bytes.
fn bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn read_usage(status: &str, stat: &str, ticks_per_second: u64) -> Option<Usage> {
    // The name stands in brackets and may hold anything, so fields are counted from behind it: user time is the 14th of
    // the line and the 12th after the name.
    let after = stat.rsplit_once(')')?.1;
    let mut fields = after.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()?.checked_add(fields.next()?.parse().ok()?)?;
    let cpu = Duration::from_millis(ticks.checked_mul(1000)?.checked_div(ticks_per_second)?);
    Some(Usage { resident: bytes(status, "VmRSS:")?, peak: bytes(status, "VmHWM:")?, cpu })
}

/// The last lines of a log.
pub(crate) fn last_words(log: &Path) -> String {
    const LINES: usize = 8;
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    kept.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_belongs_to_the_bed_that_its_environment_names() {
        let environment = b"HOME=x\0DOVETAIL_BED=target/bed/beds/a\0DOVETAIL_BED_PART=etcd\0";
        assert_eq!(part_in(Path::new("target/bed/beds/a"), environment), Some("etcd".into()));
        assert_eq!(part_in(Path::new("target/bed/beds/b"), environment), None);
        assert_eq!(part_in(Path::new("target/bed/beds/a"), b"HOME=x\0NOT_DOVETAIL_BED=target/bed/beds/a\0"), None);
        assert_eq!(part_in(Path::new("target/bed/beds/a"), b""), None);
    }

    #[test]
    fn what_was_started_is_found_measured_and_stopped_and_no_stranger_is() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let other = tempfile::tempdir().expect("a folder for temporary files");
        let sleeper = |bed: &Path| {
            let mut command = Command::new("sleep");
            Started::new(bed, "sleeper", command.arg("600"), bed.join("log")).expect("`sleep` can be started")
        };
        let (ours, mut strangers) = (sleeper(folder.path()), sleeper(other.path()));

        assert_eq!(of(folder.path()), vec![Found { part: "sleeper".into(), id: ours.id() }]);
        assert!(usage(ours.id()).is_some_and(|usage| usage.peak >= usage.resident && usage.resident > 0));
        assert_eq!(stop(folder.path(), |_| true).expect("our own process can be stopped"), 1);
        assert_eq!(of(folder.path()), vec![]);
        assert!(!strangers.has_ended());
        assert_eq!(stop(folder.path(), |_| true).expect("nothing is left to stop"), 0);
        stop(other.path(), |_| true).expect("our own process can be stopped");
    }

    #[test]
    fn one_that_ends_too_soon_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut command = Command::new("sh");
        command.args(["-c", "echo the disk is full; exit 3"]);
        let process = Started::new(folder.path(), "etcd", &mut command, folder.path().join("log"));
        let mut needed = [process.expect("`sh` can be started")];
        let error = wait_for("etcd does not answer", Duration::from_secs(60), &mut needed, || false);
        let text = error.expect_err("it ended").to_string();
        assert!(text.starts_with("etcd ended by itself") && text.ends_with("    the disk is full"), "{text}");
    }

    #[test]
    fn usage_is_read_whatever_the_name_of_the_process() {
        let status = "Name:\tkube (x) y\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        let stat = "7 (kube (x) y) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 12345 1 2";
        let usage = read_usage(status, stat, 100).expect("both files are whole");
        assert_eq!(usage, Usage { resident: 1 << 20, peak: 2 << 20, cpu: Duration::from_secs(2) });
        assert_eq!(read_usage("Name:\tzombie\n", stat, 100), None);
    }
}

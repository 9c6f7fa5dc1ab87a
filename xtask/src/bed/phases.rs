//! The phases of the performance suite, such as scaling out: what the suite reports of each, joined with what the controller
//! took. The suite's own figures of memory and processor time are left out: it looks for a pod, and here is none.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::errors::BedError;
use super::report::spell;
use super::samples::{Sample, Taken, taken};

/// How the suite's files end.
const ENDING: &str = "_performance_report.json";

/// One phase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phase {
    name: String,
    pods: i64,
    nodes: i64,
    took: Duration,
    /// Of what the nodes have, what pods requested: between 0 and 1.
    cpu: f64,
    memory: f64,
    end: Timestamp,
}

/// Reads the suite's files in a folder, in the order in which the phases ended.
///
/// # Errors
/// When a file cannot be read or has another form.
pub(crate) fn read(folder: &Path) -> Result<Vec<Phase>, BedError> {
    let mut phases = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(BedError::file(folder))? {
        let path = entry.map_err(BedError::file(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(name) = name.strip_suffix(ENDING) {
            let text = std::fs::read_to_string(&path).map_err(BedError::file(&path))?;
            let phase = phase(name, &text);
            let what = path.display().to_string();
            phases.push(phase.map_err(|reason| BedError::Answer { what, reason })?);
        }
    }
    phases.sort_by_key(|phase| phase.end);
    Ok(phases)
}

fn phase(name: &str, json: &str) -> Result<Phase, String> {
    let report: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let field = |name: &str| report.get(name).ok_or_else(|| format!("it has no `{name}`"));
    let whole = |name: &str| field(name)?.as_i64().ok_or_else(|| format!("`{name}` is no whole number"));
    let ratio = |name: &str| field(name)?.as_f64().ok_or_else(|| format!("`{name}` is no number"));
    let nanoseconds = u64::try_from(whole("total_time")?).map_err(|_| "`total_time` is negative")?;
    let end = field("timestamp")?.as_str().and_then(|time| time.parse().ok()).ok_or("`timestamp` is no time")?;
    Ok(Phase {
        name: name.to_owned(),
        pods: whole("total_pods")?,
        nodes: whole("total_nodes")?,
        took: Duration::from_nanos(nanoseconds),
        cpu: ratio("total_reserved_cpu_utilization")?,
        memory: ratio("total_reserved_memory_utilization")?,
        end,
    })
}

/// A table with a line for each phase; nothing if there is none.
pub(crate) fn tell(phases: &[Phase], samples: &[Sample]) -> String {
    if phases.is_empty() {
        return String::new();
    }
    let width = phases.iter().map(|phase| phase.name.len()).chain([16]).max().unwrap_or(16);
    let mut out = format!(
        "\n{:<width$} {:>6} {:>6} {:>10} {:>9} {:>9} {}\n",
        "PHASE",
        "PODS",
        "NODES",
        "TIME",
        "CPU USED",
        "MEM USED",
        Taken::heads()
    );
    for Phase { name, pods, nodes, took, cpu, memory, end } in phases {
        let start = end.checked_sub(*took).ok();
        let taken: Vec<Taken> = start.and_then(|start| taken(samples, start, *took)).into_iter().collect();
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{name:<width$} {pods:>6} {nodes:>6} {:>10} {:>7.1} % {:>7.1} % {}",
            spell(*took),
            cpu * 100.0,
            memory * 100.0,
            Taken::row(&taken)
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bed::process::Usage;

    const REPORT: &str = r#"{"test_name": "Scale Out Test", "total_pods": 1000, "total_nodes": 401,
        "total_time": 62000000000, "total_reserved_cpu_utilization": 0.8125, "total_reserved_memory_utilization": 0.7,
        "timestamp": "2026-01-01T10:01:02Z"}"#;

    #[test]
    fn a_phase_is_told_with_what_the_controller_took_in_it() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        std::fs::write(folder.path().join("scale_out_performance_report.json"), REPORT).expect("a file can be written");
        std::fs::write(folder.path().join("other.csv"), "x").expect("a file can be written");
        let sample = |at: &str, megabytes: u64, cpu: u64| Sample {
            at: at.parse().expect("a time"),
            usage: Usage { resident: megabytes << 20, peak: 0, cpu: Duration::from_secs(cpu) },
        };
        let samples = [
            sample("2026-01-01T10:00:00Z", 90, 1),
            sample("2026-01-01T10:01:00Z", 120, 31),
            sample("2026-01-01T10:02:00Z", 999, 99),
        ];
        let text = tell(&read(folder.path()).expect("the file is whole"), &samples);
        let words: Vec<&str> = text.lines().last().unwrap_or_default().split_whitespace().collect();
        let wanted =
            ["scale_out", "1000", "401", "1:02", "min", "81.2", "%", "70.0", "%", "120", "MB", "30.0", "s", "0.50"];
        assert_eq!(words, wanted, "{text}");
    }

    #[test]
    fn no_phase_is_no_table_and_half_a_report_is_an_error() {
        assert_eq!(tell(&[], &[]), "");
        assert!(phase("x", "{}").is_err());
        assert!(phase("x", &REPORT.replace("62000000000", "-1")).is_err());
        assert!(phase("x", &REPORT.replace("2026-01", "someday")).is_err());
    }
}

//! What a run of Karpenter's suite came to: Ginkgo's report read, joined with what the controller took meanwhile, and told
//! group by group. It runs nothing and reads no file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::errors::BedError;
use super::samples::{Sample, Taken, taken};

/// How a spec ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passed,
    Failed,
    /// It ran and found that it does not apply.
    Skipped,
}

/// One spec that was to run.
#[derive(Debug, Clone)]
struct Spec {
    group: String,
    name: String,
    state: State,
    /// The first line of what went wrong, and where.
    reason: String,
    start: Timestamp,
    took: Duration,
}

/// The specs of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    specs: Vec<Spec>,
    /// How many the caller's `--focus` and `--skip` left out.
    left_out: usize,
}

impl Report {
    /// Reads what Ginkgo writes with `--json-report`. The first `depth` texts of a spec name its group.
    ///
    /// # Errors
    /// When the text has another form.
    pub(crate) fn read(json: &str, depth: usize) -> Result<Report, BedError> {
        let wrong = |reason: String| BedError::Answer { what: "Ginkgo's report".into(), reason };
        let suites: Value = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let suites = suites.as_array().ok_or_else(|| wrong("it is no list of suites".into()))?;
        let mut report = Report::default();
        for node in suites.iter().filter_map(|suite| suite.get("SpecReports")?.as_array()).flatten() {
            match spec(node, depth).map_err(wrong)? {
                Some(spec) => report.specs.push(spec),
                None => report.left_out += usize::from(text(node, "LeafNodeType") == "It"),
            }
        }
        Ok(report)
    }

    /// Whether something passed and nothing failed.
    pub(crate) fn is_green(&self) -> bool {
        self.count(State::Passed) > 0 && self.count(State::Failed) == 0
    }

    fn count(&self, state: State) -> usize {
        self.specs.iter().filter(|spec| spec.state == state).count()
    }

    /// The table of groups, the specs that failed with their reasons, and the sums.
    pub(crate) fn tell(&self, samples: &[Sample]) -> String {
        let mut groups: BTreeMap<&str, Vec<&Spec>> = BTreeMap::new();
        for spec in &self.specs {
            groups.entry(&spec.group).or_default().push(spec);
        }
        let width = groups.keys().map(|name| name.len()).chain([16]).max().unwrap_or(16);
        let mut out = format!(
            "{:<width$} {:>6} {:>6} {:>7} {:>9} {}\n",
            "GROUP",
            "PASSED",
            "FAILED",
            "SKIPPED",
            "TIME",
            Taken::heads()
        );
        for (name, specs) in &groups {
            let _ = writeln!(out, "{}", row(width, name, specs, samples));
        }
        let all: Vec<&Spec> = self.specs.iter().collect();
        let _ = writeln!(out, "{}", row(width, "all", &all, samples));
        for spec in self.specs.iter().filter(|spec| spec.state == State::Failed) {
            let _ = writeln!(
                out,
                "\nFAILED after {}: {}: {}\n    {}",
                spell(spec.took),
                spec.group,
                spec.name,
                spec.reason
            );
        }
        let (passed, failed) = (self.count(State::Passed), self.count(State::Failed));
        let _ = writeln!(
            out,
            "\n{passed} passed, {failed} failed, {} skipped; {} were not asked for",
            self.count(State::Skipped),
            self.left_out
        );
        out
    }
}

fn row(width: usize, name: &str, specs: &[&Spec], samples: &[Sample]) -> String {
    let count = |state| specs.iter().filter(|spec| spec.state == state).count();
    let time: Duration = specs.iter().map(|spec| spec.took).sum();
    let taken: Vec<Taken> = specs.iter().filter_map(|spec| taken(samples, spec.start, spec.took)).collect();
    let costs = Taken::row(&taken);
    format!(
        "{name:<width$} {:>6} {:>6} {:>7} {:>9} {costs}",
        count(State::Passed),
        count(State::Failed),
        count(State::Skipped),
        spell(time)
    )
}

/// A spec that was to run; none for one that was left out, and for what is done around specs and went well.
fn spec(node: &Value, depth: usize) -> Result<Option<Spec>, String> {
    let is_spec = text(node, "LeafNodeType") == "It";
    let message = node.pointer("/Failure/Message").and_then(Value::as_str).unwrap_or_default();
    let state = match text(node, "State") {
        "passed" if is_spec => State::Passed,
        "passed" => return Ok(None),
        "skipped" if is_spec && !message.is_empty() => State::Skipped,
        "skipped" | "pending" => return Ok(None),
        "failed" | "panicked" | "timedout" | "aborted" | "interrupted" => State::Failed,
        other => return Err(format!("a spec ended as `{other}`, which means nothing here")),
    };
    let start = text(node, "StartTime");
    let start: Timestamp = start.parse().map_err(|error| format!("`{start}` is no time: {error}"))?;
    let nanoseconds = node.get("RunTime").and_then(Value::as_u64).ok_or("a spec has no `RunTime`")?;
    let mut words: Vec<&str> = node
        .get("ContainerHierarchyTexts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if is_spec {
        words.push(text(node, "LeafNodeText"));
    } else {
        words.push(text(node, "LeafNodeType"));
    }
    // The last text is the spec's own.
    let (group, rest) = words.split_at(depth.clamp(1, words.len().saturating_sub(1).max(1)));
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    let file = node.pointer("/Failure/Location/FileName").and_then(Value::as_str).unwrap_or_default();
    let file = file.rsplit('/').next().unwrap_or_default();
    let number = node.pointer("/Failure/Location/LineNumber").and_then(Value::as_u64).unwrap_or_default();
    Ok(Some(Spec {
        group: group.join(" "),
        name: rest.join(" "),
        state,
        reason: format!("{line} ({file}:{number})"),
        start,
        took: Duration::from_nanos(nanoseconds),
    }))
}

fn text<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Seconds, or minutes and seconds.
pub(crate) fn spell(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{}:{:02} min", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bed::process::Usage;

    fn node(group: &str, name: &str, state: &str, start: &str, seconds: u64, message: &str) -> String {
        let nanoseconds = seconds * 1_000_000_000;
        format!(
            r#"{{"ContainerHierarchyTexts": ["{group}", "Context"], "LeafNodeType": "It", "LeafNodeText": "{name}",
                "State": "{state}", "StartTime": "{start}", "RunTime": {nanoseconds}, "Failure":
                {{"Message": "{message}", "Location": {{"FileName": "/x/y/drift_test.go", "LineNumber": 12}}}}}}"#
        )
    }

    fn report(nodes: &[String]) -> Report {
        Report::read(&format!(r#"[{{"SpecReports": [{}]}}]"#, nodes.join(",")), 1).expect("a whole report")
    }

    fn sample(at: &str, megabytes: u64, cpu: u64) -> Sample {
        let usage = Usage { resident: megabytes << 20, peak: 0, cpu: Duration::from_secs(cpu) };
        Sample { at: at.parse().expect("a time"), usage }
    }

    #[test]
    fn groups_have_their_counts_times_and_costs() {
        let report = report(&[
            node("Drift", "one", "passed", "2026-01-01T10:00:00Z", 10, ""),
            node("Drift", "two", "failed", "2026-01-01T10:00:10Z", 65, "Timed out.\\nExpected 2"),
            node("Drift", "three", "skipped", "2026-01-01T10:01:15Z", 0, ""),
            node("NodeClaim", "four", "passed", "2026-01-01T11:00:00+01:00", 10, ""),
        ]);
        let samples = [
            sample("2026-01-01T10:00:00Z", 50, 1),
            sample("2026-01-01T10:00:09Z", 80, 3),
            sample("2026-01-01T10:01:15Z", 70, 9),
        ];
        let text = report.tell(&samples);
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        let words = |name: &str| line(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words("Drift")[1..4], ["1", "1", "0"], "{text}");
        assert!(line("Drift").contains("1:15 min") && line("Drift").contains("80 MB"), "{text}");
        assert!(line("Drift").contains("8.0 s"), "2 s in the first spec and 6 s in the second: {text}");
        assert_eq!(words("NodeClaim")[1..4], ["1", "0", "0"], "{text}");
        assert!(
            text.contains("FAILED after 1:05 min: Drift: Context two\n    Timed out. (drift_test.go:12)"),
            "{text}"
        );
        assert!(text.ends_with("2 passed, 1 failed, 0 skipped; 1 were not asked for\n"), "{text}");
        assert!(!report.is_green());
    }

    #[test]
    fn a_run_is_green_if_something_passed_and_nothing_failed() {
        let passed = node("A", "one", "passed", "2026-01-01T10:00:00Z", 1, "");
        assert!(report(std::slice::from_ref(&passed)).is_green());
        let refused = node("A", "one", "skipped", "2026-01-01T10:00:00Z", 1, "does not apply here");
        assert!(!report(std::slice::from_ref(&refused)).is_green());
        assert!(report(std::slice::from_ref(&refused)).tell(&[]).contains("0 passed, 0 failed, 1 skipped"));
        let interrupted = node("A", "two", "interrupted", "2026-01-01T10:00:00Z", 1, "by the user");
        assert!(!report(&[passed, interrupted]).is_green());
    }

    #[test]
    fn what_fails_around_the_specs_counts_and_what_passes_there_does_not() {
        let around = |state: &str| {
            format!(
                r#"{{"LeafNodeType": "BeforeSuite", "State": "{state}", "StartTime": "2026-01-01T10:00:00Z", "RunTime": 5,
                    "Failure": {{"Message": "no cluster"}}}}"#
            )
        };
        let failed = report(&[around("failed")]);
        assert!(failed.tell(&[]).contains("BeforeSuite") && !failed.is_green());
        assert!(
            report(&[around("passed")]).tell(&[]).ends_with("0 passed, 0 failed, 0 skipped; 0 were not asked for\n")
        );
    }

    #[test]
    fn a_group_can_be_named_by_more_than_one_text() {
        let node = node("Performance", "one", "passed", "2026-01-01T10:00:00Z", 1, "");
        let group = |depth| {
            let report = Report::read(&format!(r#"[{{"SpecReports": [{node}]}}]"#), depth).expect("a whole report");
            report.specs.into_iter().map(|spec| (spec.group, spec.name)).collect::<Vec<_>>()
        };
        assert_eq!(group(1), [("Performance".to_owned(), "Context one".to_owned())]);
        assert_eq!(group(2), [("Performance Context".to_owned(), "one".to_owned())]);
        assert_eq!(group(9), group(2));
    }

    #[test]
    fn another_form_is_an_error_and_no_success() {
        for json in ["", "{}", r#"[{"SpecReports": [{"LeafNodeType": "It", "State": "happy"}]}]"#] {
            assert!(Report::read(json, 1).is_err(), "{json}");
        }
    }
}

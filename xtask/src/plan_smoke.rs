//! The smoke test: the README's first command as a user runs it, its answer as a program reads it, and the help of
//! every subcommand that the documents name. It decides whether the example is fully placed; it knows only the shape
//! of the JSON that `dovetail plan` documents.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::chores::run;
use crate::outcome::Record;
use crate::tidy::{Tree, readme_commands, subcommands_named};

/// The NodePools of the example; each must buy something, or the example does not exercise it.
const POOLS: [&str; 2] = ["default", "gpu"];

/// Adds the steps.
pub(crate) fn steps(record: &mut Record, root: &Path, tree: &Tree) {
    let shown = readme_commands(tree).into_iter().next().unwrap_or_default();
    let people = format!("{shown} --exit-code");
    record.step("the example's plan", &people, || {
        answer(root, &people).and_then(|table| {
            println!("{table}");
            compare(&table, tree.text("README.md").unwrap_or_default())
        })
    });

    let program = format!("{shown} --output json");
    record.step("the plan as JSON", &program, || answer(root, &program).and_then(|json| judge(&json)));

    for words in subcommands_named(tree) {
        let help = format!("cargo run --release -- {} --help", words.join(" "));
        record.step("a documented command", &help, || {
            run(crate::cargo().args(arguments(&help)).current_dir(root).stdout(Stdio::null()))
        });
    }
}

/// The words after `cargo`.
fn arguments(command: &str) -> impl Iterator<Item = &str> {
    command.split_whitespace().skip(1)
}

/// What the command prints, with a region that does not depend on whose machine this is.
fn answer(root: &Path, command: &str) -> Result<String, String> {
    let mut cargo = crate::cargo();
    cargo.args(arguments(command)).current_dir(root).env_remove("AWS_REGION");
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("the command could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the command ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("the answer is not text: {error}"))
}

/// Whether the README shows what the command prints.
fn compare(table: &str, readme: &str) -> Result<(), String> {
    if !table.trim().is_empty() && readme.contains(&format!("```text\n{}\n```", table.trim_end())) {
        return Ok(());
    }
    Err("README.md shows another plan; if the new one is right, put it into the `text` block".into())
}

/// Whether the plan places every pod and buys from every pool.
fn judge(json: &str) -> Result<(), String> {
    let plan: Value = serde_json::from_str(json).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let errors = plan.get("errors").and_then(Value::as_object).ok_or("the answer has no `errors`")?;
    if let Some((pod, reason)) = errors.iter().next() {
        let reason = reason.as_str().unwrap_or("no reason given");
        return Err(format!("{} pods are not placed, the first is {pod}: {reason}", errors.len()));
    }
    let claims = plan.get("claims").and_then(Value::as_array).ok_or("the answer has no `claims`")?;
    for pool in POOLS {
        let bought = claims.iter().filter(|claim| claim.get("nodePool").and_then(Value::as_str) == Some(pool));
        let pods = bought.filter_map(|claim| claim.get("pods")?.as_array()).map(Vec::len).sum::<usize>();
        if pods == 0 {
            return Err(format!("no pod is placed on NodePool {pool}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACED: &str = r#"{"errors": {}, "claims": [
        {"nodePool": "default", "pods": ["default/web-0"]}, {"nodePool": "gpu", "pods": ["default/gpu-workload"]}]}"#;

    #[test]
    fn the_readme_shows_the_plan_to_the_letter() {
        assert!(compare("POOL  $/H\ngpu   3.9\n", "# X\n```text\nPOOL  $/H\ngpu   3.9\n```\n").is_ok());
        assert!(compare("POOL  $/H\ngpu   4.1\n", "# X\n```text\nPOOL  $/H\ngpu   3.9\n```\n").is_err());
        assert!(compare("", "# X\n```text\n\n```\n").is_err());
    }

    #[test]
    fn a_plan_that_places_everything_passes() {
        assert_eq!(judge(PLACED), Ok(()));
    }

    #[test]
    fn an_unplaced_pod_is_named() {
        let plan = PLACED.replace(r#""errors": {}"#, r#""errors": {"default/x": "too big"}"#);
        assert_eq!(judge(&plan), Err("1 pods are not placed, the first is default/x: too big".into()));
    }

    #[test]
    fn a_pool_that_buys_nothing_or_an_answer_of_another_shape_fails() {
        assert_eq!(judge(&PLACED.replace("\"gpu\"", "\"other\"")), Err("no pod is placed on NodePool gpu".into()));
        for answer in ["", "{}", r#"{"errors": {}}"#] {
            assert!(judge(answer).is_err(), "{answer}");
        }
    }
}

//! Karpenter's own black-box suites against a controller, on a bed of their own. It decides what a run needs and in which
//! order, and watches the controller while it lasts; what came of it is told by `report`.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;

use super::control_plane;
use super::errors::BedError;
use super::folder::Folder;
use super::phases;
use super::ports;
use super::process::{self, Started, wait_for};
use super::programs;
use super::progress::Progress;
use super::report::Report;
use super::samples::Sample;

/// The suites that there are, each with how many texts of a spec name its group: every group of the second begins with the
/// same word.
const SUITES: [(&str, usize); 2] = [("regression", 1), ("performance", 2)];

/// The gates that the suites' specs need.
const GATES: &str = "StaticCapacity=true,NodeRepair=true,CapacityBuffer=true";

/// How often the controller is measured.
const LOOK: Duration = Duration::from_millis(500);

/// What is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// One of `SUITES`.
    pub(crate) suite: &'a str,
    /// Only specs whose names match.
    pub(crate) focus: Option<&'a str>,
    /// No specs whose names match.
    pub(crate) skip: Option<&'a str>,
    /// The controller's command; `upstream` is Karpenter's own, none is Dovetail's.
    pub(crate) controller: Option<&'a str>,
    /// Whether the bed and the controller stay up.
    pub(crate) keep: bool,
}

/// Runs the specs and prints what came of it. Answers whether some passed and none failed.
///
/// # Errors
/// When a program is missing, the bed does not come up, or the controller ends.
pub(crate) fn run(root: &Path, folder: &Folder, wanted: &Wanted<'_>) -> Result<bool, BedError> {
    let Some((_, depth)) = SUITES.into_iter().find(|(name, _)| *name == wanted.suite) else {
        let known = SUITES.map(|(name, _)| name).join(" and ");
        return Err(BedError::Usage(format!("there is no suite `{}`: there are {known}", wanted.suite)));
    };
    let suite = programs::suite(root, folder, wanted.suite)?;
    let controller = controller(root, folder, wanted.controller)?;
    control_plane::up(root, folder, None)?;
    let ran = specs(folder, wanted, depth, &suite, &controller);
    if wanted.keep {
        print!("\nThe bed and the controller stay up.\n{}", control_plane::usage(folder));
    } else {
        control_plane::down(folder)?;
    }
    let (report, samples) = ran?;
    print!("\n{}", report.tell(&samples));
    print!("{}", phases::tell(&phases::read(&reports(folder))?, &samples));
    if let Some(last) = samples.last() {
        let (peak, cpu) = (last.usage.peak >> 20, last.usage.cpu.as_secs_f64());
        println!("controller: {peak} MB at most, {cpu:.1} s of processor time, from its start to the last look");
    }
    println!("report and logs: {}", folder.own().display());
    Ok(report.is_green())
}

/// The words of the controller's command.
fn controller(root: &Path, folder: &Folder, given: Option<&str>) -> Result<Vec<String>, BedError> {
    match given {
        Some("upstream") => Ok(vec![programs::karpenter(root, folder)?.display().to_string()]),
        Some(command) => {
            let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            let Some(program) = words.first_mut() else {
                return Err(BedError::Usage("--controller is empty: give a command, or `upstream`".into()));
            };
            // The controller is started in another folder than the one that a relative path is meant from.
            if program.contains('/') {
                let path = std::path::absolute(&*program).map_err(BedError::file(Path::new(program)))?;
                *program = path.display().to_string();
            }
            Ok(words)
        }
        None => dovetail(root, folder),
    }
}

/// Dovetail's own controller, built with optimisations, since it is measured.
fn dovetail(root: &Path, folder: &Folder) -> Result<Vec<String>, BedError> {
    let words = ["build", "--quiet", "--release", "--package", "dovetail"];
    let status = crate::cargo().args(words).current_dir(root).status();
    let status = status.map_err(|source| BedError::Start { program: "cargo".into(), source })?;
    if !status.success() {
        let command = format!("cargo {}", words.join(" "));
        return Err(BedError::Build { what: "Dovetail".into(), command, status: status.to_string() });
    }
    let program = folder.target().join("release").join("dovetail");
    let asked = Command::new(&program).args(["controller", "--help"]).output();
    let asked = asked.map_err(|source| BedError::Start { program: program.display().to_string(), source })?;
    if !asked.status.success() {
        return Err(BedError::Refused {
            command: "dovetail controller --help".into(),
            said: "this build has no controller; give another command with --controller, or `--controller upstream` \
                   for Karpenter's own"
                .into(),
        });
    }
    Ok(vec![program.display().to_string(), "controller".into(), "--provider".into(), "kwok".into()])
}

/// Starts the controller and the suite, and waits for the suite's end.
fn specs(
    folder: &Folder,
    wanted: &Wanted<'_>,
    depth: usize,
    suite: &Path,
    controller: &[String],
) -> Result<(Report, Vec<Sample>), BedError> {
    let [metrics, health] = ports::free()?;
    let mut controller = start_controller(folder, controller, metrics, health)?;
    let result = folder.file("report.json");
    let _ = std::fs::remove_file(&result);
    let _ = std::fs::remove_dir_all(reports(folder));
    std::fs::create_dir_all(reports(folder)).map_err(BedError::file(&reports(folder)))?;
    let mut command = Command::new(suite);
    command.args(arguments(wanted, &result)).env("KUBECONFIG", folder.kubeconfig()).env("OUTPUT_DIR", reports(folder));
    command.current_dir(folder.own());
    let mut suite = Started::new(folder.own(), "suite", &mut command, folder.log("suite"))?;
    println!("running the {} suite; what it says: {}", wanted.suite, suite.log().display());

    let mut samples = Vec::new();
    let mut progress = Progress::of(suite.log());
    loop {
        samples.extend(process::usage(controller.id()).map(|usage| Sample { at: Timestamp::now(), usage }));
        for done in progress.news() {
            println!("  {done}");
        }
        if controller.has_ended() {
            process::stop(folder.own(), |found| found.part == "suite")?;
            return Err(controller.ended());
        }
        if suite.has_ended() {
            break;
        }
        process::watch(&[&controller, &suite], LOOK);
    }
    progress.news().iter().for_each(|done| println!("  {done}"));
    match std::fs::read_to_string(&result) {
        Ok(json) => Ok((Report::read(&json, depth)?, samples)),
        // It ended before it could run anything, and says why.
        Err(_) => Err(suite.ended()),
    }
}

/// Where the suite writes its own figures.
fn reports(folder: &Folder) -> PathBuf {
    folder.file("reports")
}

fn start_controller(folder: &Folder, words: &[String], metrics: u16, health: u16) -> Result<Started, BedError> {
    let (program, arguments) = words.split_first().ok_or_else(|| BedError::Usage("--controller is empty".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).env("KUBECONFIG", folder.kubeconfig()).current_dir(folder.own()).process_group(0);
    // As Karpenter's chart sets them, and what a process outside of the cluster needs.
    command
        .env("FEATURE_GATES", GATES)
        .env("METRICS_PORT", metrics.to_string())
        .env("HEALTH_PROBE_PORT", health.to_string())
        .env("KUBERNETES_MIN_VERSION", "1.19.0-0")
        .env("SYSTEM_NAMESPACE", "kube-system")
        .env("LEADER_ELECTION_NAMESPACE", "kube-system")
        .env("LOG_LEVEL", "info");
    let started = Started::new(folder.own(), "controller", &mut command, folder.log("controller"))?;
    let mut running = [started];
    let patience = Duration::from_secs(60);
    wait_for("the controller does not answer on its health port", patience, &mut running, || ports::answers(health))?;
    let [started] = running;
    Ok(started)
}

fn arguments(wanted: &Wanted<'_>, report: &Path) -> Vec<String> {
    let mut arguments = vec![
        // Each spec has its own limits; a limit of the whole would only hide which one it was.
        "-test.timeout=0".to_owned(),
        "-ginkgo.timeout=24h".into(),
        "-ginkgo.v".into(),
        "-ginkgo.no-color".into(),
        format!("-ginkgo.json-report={}", report.display()),
    ];
    arguments.extend(wanted.focus.map(|focus| format!("-ginkgo.focus={focus}")));
    arguments.extend(wanted.skip.map(|skip| format!("-ginkgo.skip={skip}")));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_reaches_ginkgo_as_single_words() {
        let mut wanted = Wanted { suite: "regression", focus: None, skip: None, controller: None, keep: false };
        let line = |wanted: &Wanted<'_>| arguments(wanted, Path::new("a folder/report.json"));
        assert!(line(&wanted).contains(&"-ginkgo.json-report=a folder/report.json".to_owned()));
        assert!(!line(&wanted).iter().any(|word| word.contains("focus") || word.contains("skip")));
        wanted.focus = Some("Drift|NodeClaim should");
        wanted.skip = Some("Budgets");
        assert!(line(&wanted).contains(&"-ginkgo.focus=Drift|NodeClaim should".to_owned()));
        assert!(line(&wanted).contains(&"-ginkgo.skip=Budgets".to_owned()));
    }

    #[test]
    fn a_controller_is_a_command_in_words() {
        let folder = Folder::below(Path::new("target"), "x");
        let words = controller(Path::new("."), &folder, Some("dovetail controller  --provider kwok"));
        assert_eq!(words.expect("a command"), ["dovetail", "controller", "--provider", "kwok"]);
        let relative = controller(Path::new("."), &folder, Some("target/debug/dovetail controller"));
        let program = relative.expect("a command").swap_remove(0);
        assert!(Path::new(&program).is_absolute() && program.ends_with("target/debug/dovetail"), "{program}");
        assert!(matches!(controller(Path::new("."), &folder, Some(" ")), Err(BedError::Usage(_))));
    }
}

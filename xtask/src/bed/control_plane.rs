//! A control plane from nothing to ready and back. It decides the order in which the parts start, when each counts as
//! ready, and what a person is told; what the parts are is in `recipe`, what a process is in `process`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::errors::BedError;
use super::folder::Folder;
use super::kubectl::Kubectl;
use super::ports::{self, Ports};
use super::process::{self, Started, wait_for};
use super::programs;
use super::recipe::{self, PARTS, Part};

/// How long a part may take to answer. On a quiet machine all are up in two seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts a bed that is empty but for Dovetail's CRDs. One that runs already under this name is ended first. Says how long
/// it took from there on; what had to be built before does not count.
///
/// # Errors
/// When something is missing, does not build, or does not come up; nothing is left running then.
pub(crate) fn up(root: &Path, folder: &Folder, port: Option<u16>) -> Result<Duration, BedError> {
    programs::control_plane(root, folder)?;
    let manifests = crds(root)?;
    let _others_wait = folder.lock()?;
    end(folder)?;
    folder.clear()?;
    let begun = Instant::now();
    let ports = Ports::choose(port)?;
    let started = start(root, folder, &ports).and_then(|()| Kubectl::of(folder).apply(&manifests));
    if started.is_err() {
        end(folder)?;
    }
    started.map(|()| begun.elapsed())
}

/// Ends everything that belongs to the bed and waits until its ports are free again. Says how many processes there were.
///
/// # Errors
/// When a process or a port cannot be freed.
pub(crate) fn down(folder: &Folder) -> Result<usize, BedError> {
    let _others_wait = folder.lock()?;
    end(folder)
}

fn end(folder: &Folder) -> Result<usize, BedError> {
    let used = used_ports(folder);
    // Clients first: a client that loses its server complains at length, and a server waits for its clients.
    let servers = [Part::Etcd.name(), Part::ApiServer.name()];
    let clients = process::stop(folder.own(), |found| !servers.contains(&found.part.as_str()))?;
    let count = clients + process::stop(folder.own(), |_| true)?;
    let freed = || used.iter().all(|port| ports::is_free(*port));
    if count > 0 {
        wait_for("the bed's ports are not free again", Duration::from_secs(10), &mut [], freed)?;
    }
    Ok(count)
}

/// What runs, what it listens on, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    part: String,
    id: u32,
    /// In bytes.
    memory: u64,
    cpu: Duration,
}

/// The processes of the bed with what they take.
pub(crate) fn lines(folder: &Folder) -> Vec<Line> {
    let found = process::of(folder.own()).into_iter();
    let line = |found: process::Found| {
        let cpu = process::usage(found.id)?.cpu;
        Some(Line { memory: process::share(found.id)?, cpu, part: found.part, id: found.id })
    };
    found.filter_map(line).collect()
}

/// A table of what runs, or a sentence if nothing does; what is missing is named.
pub(crate) fn table(name: &str, lines: &[Line]) -> String {
    if lines.is_empty() {
        return format!("The bed `{name}` is down: `cargo xtask cluster up` starts it.\n");
    }
    let mut text = format!("{:<24} {:>8} {:>10} {:>10}\n", "PART", "PID", "MEMORY", "CPU");
    for Line { part, id, memory, cpu } in lines {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{part:<24} {id:>8} {:>7} MB {:>8.1} s", memory >> 20, cpu.as_secs_f64());
    }
    let memory: u64 = lines.iter().map(|line| line.memory).sum();
    let cpu: Duration = lines.iter().map(|line| line.cpu).sum();
    let _ = writeln!(text, "{:<24} {:>8} {:>7} MB {:>8.1} s", "all", "", memory >> 20, cpu.as_secs_f64());
    let missing: Vec<&str> =
        PARTS.iter().map(|part| part.name()).filter(|name| !lines.iter().any(|line| line.part == *name)).collect();
    if !missing.is_empty() {
        let _ = writeln!(
            text,
            "missing: {}; the last words are in the folder `logs` beside the kubeconfig; `cargo xtask cluster up` \
             starts anew",
            missing.join(", ")
        );
    }
    text
}

/// How to use a bed that is up.
pub(crate) fn usage(folder: &Folder) -> String {
    let (kubeconfig, kubectl) = (folder.kubeconfig(), folder.program("kubectl"));
    let name = if folder.name() == super::DEFAULT { String::new() } else { format!(" --name {}", folder.name()) };
    format!(
        "kubeconfig  {kubeconfig}\n\
         kubectl     {kubectl}\n\
         logs        {logs}\n\n\
         export KUBECONFIG='{kubeconfig}'\n\
         '{kubectl}' get nodes\n\
         cargo xtask cluster down{name}\n",
        kubeconfig = kubeconfig.display(),
        kubectl = kubectl.display(),
        logs = folder.own().join("logs").display(),
    )
}

/// Starts the parts one after the other, each when those that it needs answer.
fn start(root: &Path, folder: &Folder, ports: &Ports) -> Result<(), BedError> {
    let stages = stages(root)?;
    for file in recipe::files(folder, ports, &token()?) {
        std::fs::write(&file.path, &file.text).map_err(BedError::file(&file.path))?;
    }
    let note = note_of_ports(folder);
    std::fs::write(&note, noted(ports)).map_err(BedError::file(&note))?;
    new_key(folder)?;

    let mut running = Vec::new();
    for part in [Part::Etcd, Part::ApiServer] {
        running.push(begin(folder, ports, part, &stages)?);
        answers(part, ports, &mut running)?;
    }
    let kubectl = Kubectl::of(folder);
    let ready = || kubectl.run(&["get", "--raw", "/readyz"], "").is_ok();
    wait_for("the API server is not ready", PATIENCE, &mut running, ready)?;
    for part in [Part::Controllers, Part::Scheduler, Part::Kwok] {
        running.push(begin(folder, ports, part, &stages)?);
    }
    for part in [Part::Controllers, Part::Scheduler, Part::Kwok] {
        answers(part, ports, &mut running)?;
    }
    // Pods of the suites name these classes, which the API server makes for itself a moment later.
    let classes = || kubectl.run(&["get", "priorityclass", "system-node-critical"], "").is_ok();
    wait_for("the API server's own objects do not appear", PATIENCE, &mut running, classes)
}

fn begin(folder: &Folder, ports: &Ports, part: Part, stages: &[PathBuf]) -> Result<Started, BedError> {
    let mut command = Command::new(folder.program(part.name()));
    command.args(part.arguments(folder, ports, stages));
    // KWOK also reads a configuration below this folder, by default in the home of whoever starts it.
    command.env("KWOK_WORKDIR", folder.file("kwok")).current_dir(folder.own());
    // A group of its own: Ctrl-C ends the chore and not the bed.
    command.process_group(0);
    Started::new(folder.own(), part.name(), &mut command, folder.log(part.name()))
}

fn answers(part: Part, ports: &Ports, running: &mut [Started]) -> Result<(), BedError> {
    let what = format!("{} does not answer", part.name());
    wait_for(&what, PATIENCE, running, || ports::answers(part.port(ports)))
}

/// KWOK's stages, in the order of their names.
fn stages(root: &Path) -> Result<Vec<PathBuf>, BedError> {
    let folder = root.join("tests/cluster/stages");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(BedError::file(&folder))? {
        let path = entry.map_err(BedError::file(&folder))?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Dovetail's CRDs, from Dovetail itself.
fn crds(root: &Path) -> Result<String, BedError> {
    let words = ["run", "--quiet", "--package", "dovetail", "--", "crds"];
    let mut cargo = crate::cargo();
    let output = cargo.args(words).current_dir(root).stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|source| BedError::Start { program: "cargo".into(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = format!("it ended with {}, and what it said stands above", output.status);
    Err(BedError::Refused { command: format!("cargo {}", words.join(" ")), said })
}

/// A password for one bed: 128 bits by chance.
fn token() -> Result<String, BedError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(BedError::file(source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn new_key(folder: &Folder) -> Result<(), BedError> {
    let program = folder.program("control-plane");
    let output = Command::new(&program).arg("new-key").arg(recipe::key(folder)).output();
    let output = output.map_err(|source| BedError::Start { program: program.display().to_string(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(BedError::Refused { command: "control-plane new-key".into(), said })
}

fn note_of_ports(folder: &Folder) -> PathBuf {
    folder.file("ports")
}

fn noted(ports: &Ports) -> String {
    let Ports { etcd, etcd_peers, apiserver, controllers, scheduler, kwok } = ports;
    format!("{apiserver} {etcd} {etcd_peers} {controllers} {scheduler} {kwok}\n")
}

/// The ports that the bed took when it started; none if it never did.
fn used_ports(folder: &Folder) -> Vec<u16> {
    let note = std::fs::read_to_string(note_of_ports(folder)).unwrap_or_default();
    note.split_whitespace().filter_map(|port| port.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(part: &str, megabytes: u64) -> Line {
        Line { part: part.into(), id: 7, memory: megabytes << 20, cpu: Duration::from_secs(2) }
    }

    #[test]
    fn status_adds_up_and_names_what_is_missing() {
        assert!(table("default", &[]).contains("is down"));
        let whole: Vec<Line> = PARTS.iter().map(|part| line(part.name(), 100)).collect();
        let text = table("default", &whole);
        assert!(text.contains("all") && text.contains("500 MB") && text.contains("10.0 s"), "{text}");
        assert!(!text.contains("missing"), "{text}");
        let text = table("default", &[line("etcd", 50), line("controller", 60)]);
        assert!(text.contains("missing: kube-apiserver, kube-controller-manager, kube-scheduler, kwok;"), "{text}");
    }

    #[test]
    fn a_token_is_new_each_time() {
        let (one, other) = (token().expect("chance is to be had"), token().expect("chance is to be had"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}

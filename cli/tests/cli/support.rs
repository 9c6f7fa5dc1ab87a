//! A folder with files, the `dovetail` binary run in it, and what came of it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Two machines on demand and on spot in one zone: `small` has 2 CPUs and 8 GiB, `large` 16 CPUs, 64 GiB and a GPU.
const CATALOGUE: &str = r#"[
  {"name": "small", "architecture": "amd64", "operatingSystems": ["linux"], "overhead": {},
   "resources": {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "20Gi", "pods": "30"},
   "offerings": [
     {"Price": 0.1, "Requirements": [
       {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
       {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]},
     {"Price": 0.04, "Requirements": [
       {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
       {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]}]},
  {"name": "large", "architecture": "amd64", "operatingSystems": ["linux"], "overhead": {},
   "resources": {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "20Gi", "pods": "110", "nvidia.com/gpu": "1"},
   "offerings": [
     {"Price": 1.5, "Requirements": [
       {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
       {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]}]}
]"#;

/// A NodePool that buys anything on demand.
pub(crate) const POOL: &str = "apiVersion: karpenter.sh/v1
kind: NodePool
metadata:
  name: default
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.kwok.sh, kind: KWOKNodeClass, name: default}
      requirements:
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
";

/// Its node class.
pub(crate) const CLASS: &str = "apiVersion: karpenter.kwok.sh/v1alpha1
kind: KWOKNodeClass
metadata:
  name: default
";

/// A pod that requests so much.
pub(crate) fn pod(name: &str, requests: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n  containers:\n  - name: main\n    image: app\n    \
         resources: {{requests: {{{requests}}}}}\n"
    )
}

/// A Deployment of pods that request so much.
pub(crate) fn deployment(name: &str, replicas: &str, requests: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: {replicas}\n  selector: \
         {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      \
         containers:\n      - {{name: main, image: app, resources: {{requests: {{{requests}}}}}}}\n"
    )
}

/// A folder in which the binary is run.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Folder {
    /// A folder with a pool and its class, and the catalogue `catalogue.json`, hidden from those who read the folder.
    pub(crate) fn with_pool() -> Self {
        Self::empty().file("pool.yaml", &format!("{CLASS}---\n{POOL}"))
    }

    /// A folder with nothing but the catalogue.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, environment: vec![] }.file(".catalogue.json", CATALOGUE)
    }

    /// Adds a file.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Plans with the folder's catalogue, the same on every machine.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Outcome {
        self.plan_with_input(arguments, "")
    }

    /// Plans with the folder's catalogue and a text on standard input.
    pub(crate) fn plan_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut all = vec!["plan", "--deterministic", "--catalog", ".catalogue.json"];
        all.extend(arguments);
        self.run(&all, input)
    }

    /// Runs the binary in the folder, in an environment that holds nothing else.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dovetail"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // A command that does not read its input may close it before all is written.
        let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the binary ends");
        Outcome {
            status: output.status.code().expect("a status"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Outcome {
    /// The answer of a plan that was made.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, 0, "{self:?}");
        serde_json::from_str(&self.stdout).expect("JSON")
    }

    /// The names of all pods that have a place on a new node.
    pub(crate) fn placed(&self) -> Vec<String> {
        let json = self.json();
        let claims = json["claims"].as_array().expect("claims");
        let pods = claims.iter().flat_map(|c| c["pods"].as_array().expect("pods"));
        let mut names: Vec<String> = pods.map(|p| p.as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    }

    /// Checks that the input was refused with these words, and that nothing is on standard output.
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (1, ""), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {}", self.stderr);
        }
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
    }
}

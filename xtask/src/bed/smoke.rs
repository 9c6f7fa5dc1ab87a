//! Whether a bed is a cluster: a node by hand, a Deployment, and what must become of them. It is the proof that all five
//! parts work together, without any controller of ours.

use std::path::Path;
use std::time::{Duration, Instant};

use super::control_plane;
use super::errors::BedError;
use super::folder::Folder;
use super::kubectl::Kubectl;
use super::process::wait_for;

/// Two pods fit on the node and one does not, so that the scheduler is seen to count.
const MANIFESTS: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: smoke}
status:
  capacity: {cpu: "4", memory: 8Gi, pods: "110"}
  allocatable: {cpu: "4", memory: 8Gi, pods: "110"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: smoke, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: smoke}}
  template:
    metadata: {labels: {app: smoke}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: pause, image: pause, resources: {requests: {cpu: 1500m}}}
"#;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a bed, uses it, and ends it. Says how long all that took.
///
/// # Errors
/// When something does not happen in time.
pub(crate) fn run(root: &Path, folder: &Folder) -> Result<Duration, BedError> {
    let begun = Instant::now();
    control_plane::up(root, folder, None)?;
    let lived = live(&Kubectl::of(folder));
    control_plane::down(folder)?;
    lived.map(|()| begun.elapsed())
}

fn live(kubectl: &Kubectl) -> Result<(), BedError> {
    kubectl.apply(MANIFESTS)?;
    let pods = |phase: &str| {
        let chosen = format!("--field-selector=status.phase={phase}");
        kubectl
            .run(&["get", "pods", "--selector=app=smoke", &chosen, "--output=name"], "")
            .map(|names| names.lines().count())
    };
    let settled = || pods("Running").is_ok_and(|count| count == 2) && pods("Pending").is_ok_and(|count| count == 1);
    wait_for("two pods do not run while one waits", PATIENCE, &mut [], settled)?;
    kubectl.run(&["get", "nodepools.karpenter.sh,nodeclaims.karpenter.sh"], "")?;
    kubectl.run(&["delete", "deployment", "smoke", "--wait=false"], "")?;
    let gone = || kubectl.run(&["get", "pods", "--output=name"], "").is_ok_and(|names| names.trim().is_empty());
    wait_for("the pods of a deleted Deployment are not gone", PATIENCE, &mut [], gone)
}

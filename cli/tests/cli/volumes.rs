//! Plans for pods with volumes, from manifests as people keep them.

use crate::support::{Folder, pod};
use serde_json::{Value, json};

/// The class that claims get which name none.
const DEFAULT_CLASS: &str = "apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: gp3
  annotations: {storageclass.kubernetes.io/is-default-class: 'true'}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
allowedTopologies:
- matchLabelExpressions:
  - {key: topology.ebs.csi.aws.com/zone, values: [zone-a]}
";

/// A StatefulSet with a volume for each of its pods, as most are written: without a class.
const DATABASE: &str = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: main, image: app, resources: {requests: {cpu: 500m}}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

/// A node of which the driver says how many volumes it attaches.
fn node(attaches: u32) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: node-1, labels: {{topology.kubernetes.io/zone: zone-a}}}}\n\
         status: {{allocatable: {{cpu: 4, memory: 8Gi, pods: 20}}}}\n---\n\
         apiVersion: storage.k8s.io/v1\nkind: CSINode\nmetadata: {{name: node-1}}\n\
         spec: {{drivers: [{{name: ebs.csi.aws.com, nodeID: node-1, allocatable: {{count: {attaches}}}}}]}}\n"
    )
}

fn on_node(answer: &Value) -> &Value {
    &answer["existing"][0]["pods"]
}

#[test]
fn the_claims_of_a_new_stateful_set_get_the_default_class() {
    let folder = Folder::with_pool().file("db.yaml", DATABASE).file("class.yaml", DEFAULT_CLASS);
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["claims"][0]["pods"], json!(["default/db-0", "default/db-1", "default/db-2"]));
    let requirements = answer["claims"][0]["requirements"].as_array().expect("a list");
    assert!(requirements.contains(&json!("topology.kubernetes.io/zone In [zone-a]")), "{requirements:?}");
}

#[test]
fn without_a_default_class_its_pods_are_left_out_with_the_reason() {
    let answer = Folder::with_pool().file("db.yaml", DATABASE).plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["claims"], json!([]));
    assert_eq!(
        answer["errors"]["default/db-0"],
        json!("unbound pvc must define a storage class (PersistentVolumeClaim=default/data-db-0, StorageClass=)")
    );
}

#[test]
fn a_node_is_given_no_more_volumes_than_its_driver_attaches() {
    let folder =
        Folder::with_pool().file("db.yaml", DATABASE).file("class.yaml", DEFAULT_CLASS).file("node.yaml", &node(2));
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(on_node(&answer), &json!(["default/db-0", "default/db-1"]));
    assert_eq!(answer["claims"][0]["pods"], json!(["default/db-2"]));
}

#[test]
fn an_ephemeral_volume_has_its_claim_made_for_a_new_pod_only() {
    let scratch =
        "  volumes:\n  - name: scratch\n    ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce]}}}\n";
    let created = pod("seen", "cpu: 1").replace("  name: seen\n", "  name: seen\n  uid: some\n") + scratch;
    let folder = Folder::with_pool()
        .file("new.yaml", &(pod("new", "cpu: 1") + scratch))
        .file("seen.yaml", &created)
        .file("class.yaml", DEFAULT_CLASS);
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["claims"][0]["pods"], json!(["default/new"]));
    assert_eq!(
        answer["errors"],
        json!({"default/seen": "getting persistent volume claim, PersistentVolumeClaim \"seen-scratch\" not found \
               (PersistentVolumeClaim=seen-scratch)"})
    );
}

#[test]
fn a_runtime_takes_its_share_of_a_node() {
    let kata = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: kata}\nhandler: kata\noverhead: {podFixed: {cpu: 1}}\n";
    let sandboxed = pod("web", "cpu: 1500m") + "  runtimeClassName: kata\n";
    let folder = Folder::with_pool().file("web.yaml", &sandboxed).file("kata.yaml", kata);
    let answer = folder.plan(&[".", "-o", "json"]).json();
    assert_eq!(answer["claims"][0]["requests"]["cpu"], json!("2500m"));
    assert_eq!(answer["claims"][0]["instanceTypes"], json!(["large"]), "the small one has but two");
}

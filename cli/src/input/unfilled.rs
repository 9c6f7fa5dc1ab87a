//! Whether a plan depends on a placeholder that was left unfilled.
//!
//! The rule is the cautious one: it does, unless the field is listed here as one that no plan depends on. Listed are names
//! and ids that only a launch needs, and the inner life of containers. In scripts, `$NAME` is the script's own variable
//! as often as a placeholder, so there it is not even mentioned. What a filled placeholder says is not looked at.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::kinds::Kind;
use super::placeholders;

/// What became of the placeholders of an object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unfilled {
    /// Unfilled, and no plan depends on them.
    pub(crate) harmless: BTreeSet<String>,
    /// Unfilled where a plan depends on them: field, and the placeholder as it is written.
    pub(crate) needed: Vec<(String, String)>,
}

/// Paths below the root on which no plan depends, `*` standing for any one field or item.
const HARMLESS: &[&str] = &["metadata.annotations", "metadata.managedFields"];

/// The labels of objects that nothing selects by label.
const LABELS: &[&str] = &["metadata.labels"];

const NODE_POOL: &[&str] = &["spec.template.metadata.annotations"];

const EC2_NODE_CLASS: &[&str] = &[
    "spec.role",
    "spec.instanceProfile",
    "spec.subnetSelectorTerms",
    "spec.securityGroupSelectorTerms",
    "spec.capacityReservationSelectorTerms.*.tags",
    "spec.capacityReservationSelectorTerms.*.id",
    "spec.capacityReservationSelectorTerms.*.ownerID",
    "spec.placementGroupSelector.name",
    "spec.placementGroupSelector.id",
    "spec.amiSelectorTerms.*.id",
    "spec.amiSelectorTerms.*.name",
    "spec.amiSelectorTerms.*.owner",
    "spec.amiSelectorTerms.*.tags",
    "spec.amiSelectorTerms.*.ssmParameter",
    "spec.tags",
    "spec.context",
    "spec.blockDeviceMappings.*.ebs.kmsKeyID",
    "spec.blockDeviceMappings.*.ebs.snapshotID",
];

const EC2_NODE_CLASS_SCRIPTS: &[&str] = &["spec.userData"];

const STORAGE: &[&str] =
    &["parameters", "mountOptions", "spec.csi.volumeHandle", "spec.csi.volumeAttributes", "spec.nfs"];

/// Everything but the selector.
const SERVICE: &[&str] = &[
    "spec.ports",
    "spec.type",
    "spec.clusterIP",
    "spec.clusterIPs",
    "spec.externalIPs",
    "spec.externalName",
    "spec.loadBalancerIP",
    "spec.loadBalancerClass",
    "spec.loadBalancerSourceRanges",
];

/// Paths below a pod's spec.
const POD_SPEC: &[&str] = &[
    "containers.*.image",
    "containers.*.env",
    "containers.*.envFrom",
    "containers.*.workingDir",
    "containers.*.volumeMounts",
    "containers.*.securityContext",
    "initContainers.*.image",
    "initContainers.*.env",
    "initContainers.*.envFrom",
    "initContainers.*.workingDir",
    "initContainers.*.volumeMounts",
    "initContainers.*.securityContext",
    "serviceAccountName",
    "serviceAccount",
    "imagePullSecrets",
    "hostAliases",
    "hostname",
    "subdomain",
    "dnsConfig",
    "securityContext",
    "volumes.*.configMap",
    "volumes.*.secret",
    "volumes.*.hostPath",
    "volumes.*.projected",
    "volumes.*.downwardAPI",
    "volumes.*.nfs",
];

/// Paths below a pod's spec where scripts may stand.
const POD_SPEC_SCRIPTS: &[&str] = &[
    "containers.*.command",
    "containers.*.args",
    "containers.*.lifecycle",
    "containers.*.livenessProbe",
    "containers.*.readinessProbe",
    "containers.*.startupProbe",
    "initContainers.*.command",
    "initContainers.*.args",
    "initContainers.*.lifecycle",
    "initContainers.*.livenessProbe",
    "initContainers.*.readinessProbe",
    "initContainers.*.startupProbe",
];

/// The fields of a kind on which no plan depends.
struct Fields {
    harmless: Vec<(&'static str, &'static [&'static str])>,
    scripts: Vec<(&'static str, &'static [&'static str])>,
}

fn fields_of(kind: Kind) -> Fields {
    let pod_spec = |at| Fields {
        harmless: vec![("", HARMLESS), ("spec.template", HARMLESS), (at, POD_SPEC)],
        scripts: vec![(at, POD_SPEC_SCRIPTS)],
    };
    let plain = |more| Fields { harmless: vec![("", HARMLESS), ("", LABELS), ("", more)], scripts: vec![] };
    match kind {
        Kind::Pod => pod_spec("spec"),
        Kind::DaemonSet
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::ReplicationController
        | Kind::StatefulSet
        | Kind::Job => {
            let mut fields = pod_spec("spec.template.spec");
            fields.harmless.push(("", LABELS));
            fields
        }
        // Nodes are selected by label, namespaces by the affinity of pods.
        Kind::Node | Kind::Namespace => Fields { harmless: vec![("", HARMLESS)], scripts: vec![] },
        Kind::EC2NodeClass => Fields { scripts: vec![("", EC2_NODE_CLASS_SCRIPTS)], ..plain(EC2_NODE_CLASS) },
        Kind::NodePool => plain(NODE_POOL),
        // The labels of old volumes say where they are.
        Kind::PersistentVolume => Fields { harmless: vec![("", HARMLESS), ("", STORAGE)], scripts: vec![] },
        Kind::StorageClass => plain(STORAGE),
        Kind::Service => plain(SERVICE),
        Kind::PersistentVolumeClaim
        | Kind::LimitRange
        | Kind::CSINode
        | Kind::PriorityClass
        | Kind::RuntimeClass
        | Kind::NodeClaim
        | Kind::NodeOverlay
        | Kind::KWOKNodeClass => plain(&[]),
    }
}

/// Finds the placeholders that are left in an object, and puts something well-formed in the place of the harmless ones, so
/// that the object can still be judged as a whole.
pub(crate) fn settle(kind: Kind, object: &mut Value) -> Unfilled {
    let mut search = Search { fields: fields_of(kind), path: Vec::new(), found: Unfilled::default() };
    search.value(object);
    search.found
}

struct Search {
    fields: Fields,
    path: Vec<String>,
    found: Unfilled,
}

impl Search {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains('$') => {
                self.text(text);
                if self.is_port_of_a_service() {
                    *value = Value::from(1);
                }
            }
            Value::Object(fields) => self.object(fields),
            Value::Array(items) => {
                for (number, item) in items.iter_mut().enumerate() {
                    self.path.push(number.to_string());
                    self.value(item);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, fields: &mut Map<String, Value>) {
        if fields.keys().any(|key| key.contains('$')) {
            let renamed = std::mem::take(fields).into_iter().map(|(mut key, value)| {
                self.path.push(key.clone());
                self.text(&mut key);
                self.path.pop();
                (key, value)
            });
            *fields = renamed.collect();
        }
        for (key, value) in fields {
            self.path.push(key.clone());
            self.value(value);
            self.path.pop();
        }
    }

    fn text(&mut self, text: &mut String) {
        if self.is_listed(&self.fields.scripts) {
            return;
        }
        let written: Vec<String> = placeholders::written(text).map(ToOwned::to_owned).collect();
        if written.is_empty() {
            return;
        }
        if self.is_listed(&self.fields.harmless) || self.is_ami_version(text) {
            self.found.harmless.extend(written);
            *text = self.stand_in(text);
        } else {
            let field = shown(&self.path);
            self.found.needed.extend(written.into_iter().map(|placeholder| (field.clone(), placeholder)));
        }
    }

    /// Whether a number has to stand here, whichever.
    fn is_port_of_a_service(&self) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), ["spec", "ports", _, "port" | "nodePort"])
    }

    /// Whether the text is an AMI alias that is open in its version only: its family decides about nodes, its version does
    /// not.
    fn is_ami_version(&self, text: &str) -> bool {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let family = text.split_once('@').map(|(family, _)| family);
        matches!(path.as_slice(), ["spec", "amiSelectorTerms", _, "alias"]) && family.is_some_and(|f| !f.contains('$'))
    }

    /// Something of the form that the field asks for.
    fn stand_in(&self, text: &str) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["spec", "amiSelectorTerms", _, "id"] => "ami-0".to_owned(),
            ["spec", "amiSelectorTerms", _, "alias"] => {
                text.split_once('@').map_or_else(|| text.to_owned(), |(family, _)| format!("{family}@latest"))
            }
            ["spec", "subnetSelectorTerms", _, "id"] => "subnet-0".to_owned(),
            ["spec", "securityGroupSelectorTerms", _, "id"] => "sg-0".to_owned(),
            ["spec", "capacityReservationSelectorTerms", _, "id"] => "cr-0".to_owned(),
            ["spec", "capacityReservationSelectorTerms", _, "ownerID"] => "000000000000".to_owned(),
            ["spec", "placementGroupSelector", "id"] => "pg-0".to_owned(),
            _ => placeholders::stood_in(text),
        }
    }

    fn is_listed(&self, lists: &[(&str, &[&str])]) -> bool {
        lists.iter().any(|(root, patterns)| {
            patterns.iter().any(|pattern| {
                let mut path = self.path.iter();
                let mut wanted = root.split('.').filter(|s| !s.is_empty()).chain(pattern.split('.'));
                wanted.all(|segment| path.next().is_some_and(|s| segment == "*" || segment == s))
            })
        })
    }
}

/// A path as messages write it: `spec.requirements[0].values`.
fn shown(path: &[String]) -> String {
    let mut out = String::new();
    for segment in path {
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str(&format!("[{segment}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(segment);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settled(kind: Kind, mut object: Value) -> (Vec<String>, Vec<String>, Value) {
        let found = settle(kind, &mut object);
        let needed = found.needed.into_iter().map(|(field, placeholder)| format!("{field}: {placeholder}")).collect();
        (found.harmless.into_iter().collect(), needed, object)
    }

    #[test]
    fn names_that_only_a_launch_needs_are_harmless_and_get_a_form_that_can_be_judged() {
        let class = json!({"spec": {"role": "Role-${CLUSTER}", "amiSelectorTerms": [{"id": "${AMI}"}],
            "securityGroupSelectorTerms": [{"tags": {"kubernetes.io/cluster/${CLUSTER}": "owned"}}],
            "userData": "echo $HOME ${OTHER}"}});
        let (harmless, needed, object) = settled(Kind::EC2NodeClass, class);
        assert_eq!((harmless, needed), (vec!["${AMI}".into(), "${CLUSTER}".into()], vec![]));
        let expected = json!({"spec": {"role": "Role-x", "amiSelectorTerms": [{"id": "ami-0"}],
            "securityGroupSelectorTerms": [{"tags": {"kubernetes.io/cluster/x": "owned"}}],
            "userData": "echo $HOME ${OTHER}"}});
        assert_eq!(object, expected);
    }

    #[test]
    fn the_version_of_an_ami_alias_is_harmless_and_its_family_is_not() {
        let class = json!({"spec": {"amiSelectorTerms": [{"alias": "al2023@${ALIAS_VERSION}"}]}});
        let (harmless, needed, object) = settled(Kind::EC2NodeClass, class);
        assert_eq!((harmless, needed), (vec!["${ALIAS_VERSION}".into()], vec![]));
        assert_eq!(object["spec"]["amiSelectorTerms"][0]["alias"], "al2023@latest");
        let class = json!({"spec": {"amiSelectorTerms": [{"alias": "${FAMILY}@latest"}]}});
        assert_eq!(settled(Kind::EC2NodeClass, class).1, ["spec.amiSelectorTerms[0].alias: ${FAMILY}"]);
    }

    #[test]
    fn what_decides_about_nodes_is_needed() {
        let class = json!({"spec": {"amiSelectorTerms": [{"alias": "${ALIAS}"}],
            "blockDeviceMappings": [{"ebs": {"volumeSize": "${SIZE}", "kmsKeyID": "$KEY"}}]}});
        let (harmless, needed, _) = settled(Kind::EC2NodeClass, class);
        assert_eq!(harmless, ["$KEY"]);
        let expected =
            ["spec.amiSelectorTerms[0].alias: ${ALIAS}", "spec.blockDeviceMappings[0].ebs.volumeSize: ${SIZE}"];
        assert_eq!(needed, expected);

        let pool = json!({"metadata": {"name": "${NAME}", "labels": {"a": "${L}"}}, "spec": {"template": {"spec": {
            "requirements": [{"key": "${KEY}", "values": ["a", "${ZONE}"]}]}}, "limits": {"${R}": "1"}}});
        let (harmless, needed, _) = settled(Kind::NodePool, pool);
        assert_eq!(harmless, ["${L}"]);
        let expected = [
            "metadata.name: ${NAME}",
            "spec.limits.${R}: ${R}",
            "spec.template.spec.requirements[0].key: ${KEY}",
            "spec.template.spec.requirements[0].values[1]: ${ZONE}",
        ];
        assert_eq!(needed, expected);
    }

    #[test]
    fn the_inner_life_of_containers_is_harmless_and_scripts_are_not_even_mentioned() {
        let workload = json!({"spec": {"replicas": "${N}", "template": {"spec": {"containers": [{"image": "app:${TAG}",
            "args": ["echo ${HOME}"], "resources": {"requests": {"cpu": "${CPU}"}}}], "nodeSelector": {"a": "$B"}}}}});
        let (harmless, needed, _) = settled(Kind::Deployment, workload);
        assert_eq!(harmless, ["${TAG}"]);
        let expected = [
            "spec.replicas: ${N}",
            "spec.template.spec.containers[0].resources.requests.cpu: ${CPU}",
            "spec.template.spec.nodeSelector.a: $B",
        ];
        assert_eq!(needed, expected);
    }

    #[test]
    fn labels_matter_where_something_selects_by_them() {
        let labelled = || json!({"metadata": {"labels": {"a": "${L}"}}});
        assert!(settled(Kind::Deployment, labelled()).1.is_empty());
        assert_eq!(settled(Kind::Pod, labelled()).1, ["metadata.labels.a: ${L}"]);
        assert_eq!(settled(Kind::Node, labelled()).1, ["metadata.labels.a: ${L}"]);
    }
}

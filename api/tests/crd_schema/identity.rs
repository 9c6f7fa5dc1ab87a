//! Names, scope, versions, subresources and printer columns.

use dovetail_api::crd;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

fn kind(kind: &str) -> CustomResourceDefinition {
    crd::by_kind(kind).expect("the kind exists")
}

/// Everything that names a kind, on one line.
fn names(crd: &CustomResourceDefinition) -> String {
    let names = &crd.spec.names;
    let version = &crd.spec.versions[0];
    format!(
        "{} {}/{} {} {} {} {} short={} categories={}",
        crd.metadata.name.clone().unwrap_or_default(),
        crd.spec.group,
        version.name,
        names.kind,
        names.list_kind.clone().unwrap_or_default(),
        names.singular.clone().unwrap_or_default(),
        crd.spec.scope,
        names.short_names.clone().unwrap_or_default().join(","),
        names.categories.clone().unwrap_or_default().join(","),
    )
}

#[test]
fn every_kind_is_named_as_karpenter_names_it() {
    let found: Vec<_> = crd::all().iter().map(names).collect();
    assert_eq!(
        found,
        [
            "nodepools.karpenter.sh karpenter.sh/v1 NodePool NodePoolList nodepool Cluster short= categories=karpenter",
            "nodeclaims.karpenter.sh karpenter.sh/v1 NodeClaim NodeClaimList nodeclaim Cluster short= categories=karpenter",
            "nodeoverlays.karpenter.sh karpenter.sh/v1alpha1 NodeOverlay NodeOverlayList nodeoverlay Cluster short=overlays \
         categories=karpenter",
            "capacitybuffers.autoscaling.x-k8s.io autoscaling.x-k8s.io/v1beta1 CapacityBuffer CapacityBufferList \
         capacitybuffer Namespaced short=cb categories=autoscaling",
            "ec2nodeclasses.karpenter.k8s.aws karpenter.k8s.aws/v1 EC2NodeClass EC2NodeClassList ec2nodeclass Cluster \
         short=ec2nc,ec2ncs categories=karpenter",
            "kwoknodeclasses.karpenter.kwok.sh karpenter.kwok.sh/v1alpha1 KWOKNodeClass KWOKNodeClassList kwoknodeclass \
         Cluster short=kwoknc,kwokncs categories=karpenter",
        ]
    );
}

#[test]
fn a_kind_is_found_by_its_name_and_by_nothing_else() {
    for name in crd::KINDS {
        assert_eq!(kind(name).spec.names.kind, name);
    }
    assert_eq!(crd::by_kind("Provisioner"), None);
    assert_eq!(crd::by_kind("nodepool"), None);
}

#[test]
fn every_kind_has_one_version_that_is_served_and_stored_and_a_status_of_its_own() {
    for crd in crd::all() {
        let [version] = &crd.spec.versions[..] else { panic!("{:?} has several versions", crd.metadata.name) };
        assert!(version.served && version.storage);
        let subresources = version.subresources.as_ref().expect("subresources");
        assert!(subresources.status.is_some());
        assert_eq!(subresources.scale.is_some(), crd.spec.names.kind == "NodePool");
    }
}

#[test]
fn a_node_pool_scales_by_its_replicas() {
    let subresources = kind("NodePool").spec.versions.remove(0).subresources.expect("subresources");
    let scale = subresources.scale.expect("scale");
    assert_eq!(scale.spec_replicas_path, ".spec.replicas");
    assert_eq!(scale.status_replicas_path, ".status.nodes");
    assert_eq!(scale.label_selector_path, None);
}

/// The columns of a kind as `name type path`, with the priority where there is one.
fn columns(name: &str) -> Vec<String> {
    let columns = kind(name).spec.versions.remove(0).additional_printer_columns.unwrap_or_default();
    let priority = |priority: Option<i32>| priority.map_or(String::new(), |priority| format!(" priority={priority}"));
    let line =
        |column: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceColumnDefinition| {
            format!("{} {} {}{}", column.name, column.type_, column.json_path, priority(column.priority))
        };
    columns.into_iter().map(line).collect()
}

const READY: &str = r#"Ready string .status.conditions[?(@.type=="Ready")].status"#;
const AGE: &str = "Age date .metadata.creationTimestamp";

#[test]
fn columns_are_those_that_people_know() {
    assert_eq!(
        columns("NodePool"),
        [
            "NodeClass string .spec.template.spec.nodeClassRef.name",
            "Nodes string .status.nodes",
            READY,
            AGE,
            "Weight integer .spec.weight priority=1",
            "CPU string .status.resources.cpu priority=1",
            "Memory string .status.resources.memory priority=1",
        ]
    );
    assert_eq!(
        columns("NodeClaim"),
        [
            r"Type string .metadata.labels.node\.kubernetes\.io/instance-type",
            r"Capacity string .metadata.labels.karpenter\.sh/capacity-type",
            r"Zone string .metadata.labels.topology\.kubernetes\.io/zone",
            "Node string .status.nodeName",
            READY,
            AGE,
            "ImageID string .status.imageID priority=1",
            "ID string .status.providerID priority=1",
            r"NodePool string .metadata.labels.karpenter\.sh/nodepool priority=1",
            "NodeClass string .spec.nodeClassRef.name priority=1",
            r#"Drifted string .status.conditions[?(@.type=="Drifted")].status priority=1"#,
        ]
    );
    assert_eq!(columns("NodeOverlay"), [READY, AGE, "Weight integer .spec.weight priority=1"]);
    assert_eq!(
        columns("CapacityBuffer"),
        [
            "Strategy string .spec.provisioningStrategy",
            "PodTemplate string .status.podTemplateRef.name",
            "Replicas integer .status.replicas",
            "ConditionsType string .status.conditions[*].type",
            "ConditionsStatus string .status.conditions[*].status",
            "ConditionsReason string .status.conditions[*].reason",
            AGE,
        ]
    );
    assert_eq!(columns("EC2NodeClass"), [READY, AGE, "Role string .spec.role priority=1"]);
    assert_eq!(columns("KWOKNodeClass"), [READY, AGE]);
}

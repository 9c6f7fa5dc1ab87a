//! Small builders for tests: the embedded catalogue, requests to it, and types of which nothing but the name is known.

use crate::ec2::format::Facts;
use crate::ec2::record::{Architecture, Network, Placement, RegionRecord, TypeRecord};
use crate::ec2::{Catalogue, Ec2Request, Ec2Settings};
use dovetail_api::ec2_node_class::{AmiFamily, EC2NodeClass};
use dovetail_scheduler::instance_type::InstanceType;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the embedded catalogue is sound"));

/// The catalogue that comes with the program.
pub(crate) fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// Facts about a type of the embedded catalogue.
pub(crate) fn record(name: &str) -> &'static TypeRecord {
    catalogue().types().iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no type {name}"))
}

/// Amazon Linux 2023 with all defaults, anywhere in us-east-1.
pub(crate) fn request() -> Ec2Request {
    Ec2Request::new("us-east-1", &Ec2Settings::default())
}

/// As [`request`], of another family.
pub(crate) fn request_of(family: AmiFamily) -> Ec2Request {
    Ec2Request { family, ..request() }
}

/// A type of the embedded catalogue as a request makes it.
pub(crate) fn node(name: &str, request: &Ec2Request) -> InstanceType {
    let types = only(name).instance_types(request).expect("a region that is known");
    types.first().map(|t| (**t).clone()).unwrap_or_else(|| panic!("{} does not have {name}", request.region))
}

/// The embedded catalogue without any other type: making one is quicker than making all.
pub(crate) fn only(name: &str) -> Catalogue {
    let number = catalogue().types().iter().position(|t| t.name == name).unwrap_or_else(|| panic!("no type {name}"));
    let regions = catalogue().regions().map(|r| {
        let region = catalogue().region(r).expect("a region that is known");
        RegionRecord {
            offered: vec![region.offered[number]],
            on_demand: region.on_demand.get(number).copied().into_iter().collect(),
            spot_savings: vec![region.spot_savings[number]],
            ..region.clone()
        }
    });
    Catalogue::from_facts(Facts { types: vec![record(name).clone()], regions: regions.collect() })
}

/// A node class out of the `spec` and `status` of a manifest.
pub(crate) fn class(spec: &serde_json::Value, status: &serde_json::Value) -> EC2NodeClass {
    let mut whole = serde_json::json!({
        "subnetSelectorTerms": [{"id": "subnet-1"}],
        "securityGroupSelectorTerms": [{"id": "sg-1"}],
        "amiSelectorTerms": [{"alias": "al2023@latest"}],
        "role": "node",
    });
    for (key, value) in spec.as_object().expect("a map") {
        whole[key] = value.clone();
    }
    let object = serde_json::json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default"},
        "spec": whole, "status": status,
    });
    serde_json::from_value(object).expect("a node class")
}

/// A type of which nothing but the name is known.
pub(crate) fn bare_type(name: &str) -> TypeRecord {
    TypeRecord {
        name: name.to_owned(),
        architecture: Architecture::Amd64,
        vcpus: 2,
        memory_mib: 8192,
        cpu_manufacturer: None,
        clock_mhz: None,
        hypervisor: None,
        on_demand: true,
        spot: true,
        ebs_bandwidth_mbps: None,
        network_bandwidth_mbps: None,
        disks: None,
        gpus: vec![],
        neurons: vec![],
        inference: vec![],
        network: Network::default(),
        enclaves: false,
        nested_virtualization: false,
        placement: Placement::default(),
    }
}

//! A whole launch, from a node class and a claim to the claim with its machine, over the real catalogue of instance types;
//! what stands for EC2 is a handful of answers.

use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::node_claim::NodeClaim;
use dovetail_cloudprovider::ec2::{Catalogue, Ec2Request, Ec2Settings, well_known};
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_cloudprovider_aws::amis::{self, FoundImage};
use dovetail_cloudprovider_aws::capacity_type::CapacityType;
use dovetail_cloudprovider_aws::cluster::Cluster;
use dovetail_cloudprovider_aws::faults::Fault;
use dovetail_cloudprovider_aws::fleet::answer::{Effect, FleetAnswer, FleetError, Launched, read};
use dovetail_cloudprovider_aws::fleet::{self, FleetInput, FleetRequest};
use dovetail_cloudprovider_aws::launch_list::{Wanted, launch_list};
use dovetail_cloudprovider_aws::launch_template::{LaunchInput, plan};
use dovetail_cloudprovider_aws::machine::{Launch, launched};
use dovetail_cloudprovider_aws::offers::{Market, on_offer};
use dovetail_cloudprovider_aws::subnets::{self, Addresses, FoundSubnet};
use dovetail_cloudprovider_aws::unavailable::Unavailable;
use dovetail_cloudprovider_aws::{claim_terms, tags};
use dovetail_scheduler::instance_type::InstanceType;
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// An account with a subnet in each of two zones, and the images of an alias.
struct Account {
    cluster: Cluster,
    class: EC2NodeClass,
    catalogue: Catalogue,
    unavailable: Unavailable,
    addresses: Addresses,
}

fn account() -> Account {
    let cluster = Cluster {
        name: "demo".to_owned(),
        endpoint: "https://demo.test".to_owned(),
        ca_bundle: Some("Y2E=".to_owned()),
        service_cidr: Some("10.100.0.0/16".to_owned()),
        dns: "10.100.0.10".parse().ok(),
        region: "us-west-2".to_owned(),
        kubernetes_version: "1.35".to_owned(),
    };
    let found = [("subnet-a", "us-west-2a", 50), ("subnet-b", "us-west-2b", 90)].map(|(id, zone, free)| FoundSubnet {
        id: id.to_owned(),
        zone: zone.to_owned(),
        zone_id: None,
        free_addresses: free,
    });
    let mut addresses = Addresses::default();
    addresses.read(&found);

    // What SSM and EC2 say about the alias: every parameter names an image of its own.
    let alias = "al2023@latest";
    let parameters = amis::parameters(alias, &cluster.kubernetes_version).expect("an alias");
    let answers: Vec<_> =
        parameters.into_iter().enumerate().map(|(n, parameter)| (parameter, Ok(format!("ami-{n}")))).collect();
    let images: Vec<_> = answers
        .iter()
        .enumerate()
        .map(|(n, (parameter, _))| FoundImage {
            id: format!("ami-{n}"),
            name: format!("image-{n}"),
            architecture: if parameter.name.contains("/arm64/") { "arm64" } else { "x86_64" }.to_owned(),
            created: Some("2026-01-01T00:00:00Z".to_owned()),
            deprecated: None,
        })
        .collect();
    let variants = amis::resolve(alias, &answers).expect("images");

    let mut class: EC2NodeClass = serde_json::from_value(json!({
        "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default", "uid": "u"},
        "spec": {
            "amiSelectorTerms": [{"alias": alias}], "role": "node",
            "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "demo"}}],
            "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "demo"}}],
        },
        "status": {"instanceProfile": "demo_1", "securityGroups": [{"id": "sg-1"}]},
    }))
    .expect("a node class");
    let status = class.status.as_mut().expect("a status");
    status.amis = amis::select(&images, &variants, NOW);
    status.subnets = subnets::for_status(&found);
    let catalogue = Catalogue::embedded().expect("the embedded catalogue is sound");
    Account { cluster, class, catalogue, unavailable: Unavailable::default(), addresses }
}

/// A claim that the default pool of the walk-through makes: general purpose, a few processors.
fn claim(capacity_types: &[&str], categories: &[&str]) -> NodeClaim {
    serde_json::from_value(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim",
        "metadata": {"name": "default-1", "uid": "uid-1", "labels": {"karpenter.sh/nodepool": "default"}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
            "requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": capacity_types},
                {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": categories},
                {"key": "karpenter.k8s.aws/instance-cpu", "operator": "In", "values": ["4", "8"]},
                {"key": "karpenter.sh/nodepool", "operator": "In", "values": ["default"]},
            ],
            "resources": {"requests": {"cpu": "3", "memory": "4Gi", "pods": "5"}},
        },
    }))
    .expect("a claim")
}

impl Account {
    fn types(&self) -> Vec<Arc<InstanceType>> {
        let request = Ec2Request::for_node_class(&self.class, &self.cluster.region, &Ec2Settings::default());
        let types = self.catalogue.instance_types(&request.expect("a class that can be read")).expect("a known region");
        let status = self.class.status.as_ref().expect("a status");
        let market = Market {
            unavailable: &self.unavailable,
            subnets: &status.subnets,
            placement_group: None,
            shifted_zones: &BTreeSet::new(),
            now: NOW,
        };
        on_offer(&types, &market)
    }

    fn request(&self, claim: &NodeClaim) -> Result<FleetRequest, String> {
        let (known, types) = (well_known(), self.types());
        let requirements = claim_terms::requirements(claim).expect("requirements");
        let requests = claim_terms::requests(claim);
        let wanted =
            Wanted { requirements: &requirements, requests: &requests, well_known: &known, strict_min_values: true };
        let list = launch_list(&types, &wanted).map_err(|e| e.to_string())?;
        let capacity_type = CapacityType::for_launch(&requirements, &list, &known);
        let tags = tags::for_launch(&self.class, claim, &self.cluster.name).expect("tags that are allowed");
        let planned = plan(&LaunchInput {
            cluster: &self.cluster,
            class: &self.class,
            claim,
            requirements: &requirements,
            types: &list,
            capacity_type,
            tags: &tags,
            placement_group: None,
            reserved_capacity: true,
            well_known: &known,
        })
        .map_err(|e| e.to_string())?;
        let subnets = &self.class.status.as_ref().expect("a status").subnets;
        fleet::request(&FleetInput {
            planned: &planned,
            requirements: &requirements,
            claim,
            capacity_type,
            subnets: &self.addresses.choose(subnets),
            context: None,
            tags: &tags,
            well_known: &known,
        })
        .map_err(|e| e.to_string())
    }

    fn remember(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::MarkOffering(key) => self.unavailable.mark_offering(key, NOW),
                Effect::MarkCapacityType(capacity_type) => self.unavailable.mark_capacity_type(capacity_type, NOW),
                Effect::MarkSubnet(id) => {
                    self.unavailable.mark_subnet(&id, NOW);
                    self.addresses.exhausted(&id);
                }
                _ => {}
            }
        }
    }
}

/// EC2 has nothing of what is asked for but in this zone, where it gives the cheapest.
fn sell_in(request: &FleetRequest, zone: Option<&str>) -> FleetAnswer {
    let mut answer = FleetAnswer::default();
    for config in &request.configs {
        for one in &config.overrides {
            if answer.launched.is_empty() && zone == Some(&one.zone) {
                answer.launched.push(Launched {
                    ids: vec!["i-1".to_owned()],
                    template: config.template.clone(),
                    instance_type: one.instance_type.clone(),
                    subnet: one.subnet.clone(),
                    ..Launched::default()
                });
            } else if zone != Some(&one.zone) {
                answer.errors.push(FleetError {
                    fault: Fault::new("InsufficientInstanceCapacity", "none left"),
                    template: Some(config.template.clone()),
                    instance_type: Some(one.instance_type.clone()),
                    zone: Some(one.zone.clone()),
                    subnet: Some(one.subnet.clone()),
                });
            }
        }
    }
    answer
}

fn zones(request: &FleetRequest) -> BTreeSet<&str> {
    request.configs.iter().flat_map(|config| &config.overrides).map(|one| one.zone.as_str()).collect()
}

#[test]
fn a_claim_gets_a_machine_that_meets_it() {
    let account = account();
    let claim = claim(&["spot", "on-demand"], &["c", "m", "r"]);
    let request = account.request(&claim).expect("a request");
    assert_eq!((request.capacity_type, request.default_target()), (CapacityType::Spot, "spot"));
    assert_eq!(zones(&request), BTreeSet::from(["us-west-2a", "us-west-2b"]));
    let types: BTreeSet<_> = request.configs.iter().flat_map(|c| &c.overrides).map(|o| &o.instance_type).collect();
    assert_eq!(types.len(), 60, "the flexibility of the plan is kept");

    let reading = read(&request, &sell_in(&request, Some("us-west-2b")), 1);
    let bought = reading.dealt.into_iter().next().expect("one caller").expect("a machine");
    let types = account.types();
    let instance_type = types.iter().find(|t| *t.name == *bought.instance_type).expect("a known type");
    let launch = Launch {
        class: &account.class,
        instance_type: Some(instance_type),
        tenancy: "default",
        placement_group: None,
        partition: None,
        wants_efa: false,
    };
    let claim = launched(&claim, &bought, &launch);

    let labels = claim.metadata.labels.clone().expect("labels");
    let requirements = claim_terms::requirements(&claim).expect("requirements");
    for (key, requirement) in requirements.iter() {
        assert!(requirement.contains(&labels[&**key]), "{key}={} is not what was asked for", labels[&**key]);
    }
    let image = claim.status.as_ref().and_then(|status| status.image_id.clone());
    let wanted = amis::for_type(&account.class.status.as_ref().expect("a status").amis, instance_type, &well_known());
    assert_eq!(image, wanted.map(|ami| ami.id.clone()));
    assert_eq!(labels["topology.kubernetes.io/zone"], "us-west-2b");
}

#[test]
fn what_ec2_does_not_have_is_not_asked_for_again() {
    let mut account = account();
    let claim = claim(&["spot", "on-demand"], &["c", "m", "r"]);
    let first = account.request(&claim).expect("a request");
    let reading = read(&first, &sell_in(&first, None), 1);
    assert!(matches!(reading.dealt.as_slice(), [Err(ProviderError::InsufficientCapacity(_))]));
    account.remember(reading.effects);

    let places = |request: &FleetRequest| -> BTreeSet<(String, String)> {
        let all = request.configs.iter().flat_map(|config| &config.overrides);
        all.map(|one| (one.instance_type.clone(), one.zone.clone())).collect()
    };
    let second = account.request(&claim).expect("there is more to be had");
    assert!(second.capacity_type != first.capacity_type || places(&first).is_disjoint(&places(&second)));

    // In the end nothing is left, and that takes a bounded number of claims.
    let mut rounds = 2;
    while let Ok(request) = account.request(&claim) {
        account.remember(read(&request, &sell_in(&request, None), 1).effects);
        rounds += 1;
        assert!(rounds < 100, "every round must learn something");
    }
    let over = NOW + dovetail_cloudprovider_aws::unavailable::TTL;
    account.unavailable.sweep(over);
    assert!(account.request(&claim).is_ok(), "three minutes later everything is worth a try again");
}

#[test]
fn a_zone_without_addresses_is_left_out() {
    let mut account = account();
    let claim = claim(&["on-demand"], &["m"]);
    account.remember(vec![Effect::MarkSubnet("subnet-b".to_owned())]);
    assert_eq!(zones(&account.request(&claim).expect("a request")), BTreeSet::from(["us-west-2a"]));
    account.remember(vec![Effect::MarkSubnet("subnet-a".to_owned())]);
    assert!(account.request(&claim).is_err());
}

#[test]
fn machines_with_and_without_accelerators_boot_images_of_their_own() {
    let account = account();
    let request = account.request(&claim(&["on-demand"], &["g", "m"])).expect("a request");
    let images: BTreeMap<&str, &str> = request
        .configs
        .iter()
        .flat_map(|config| &config.overrides)
        .map(|one| (one.instance_type.as_str(), one.image.as_str()))
        .collect();
    assert!(images.keys().all(|name| name.starts_with('m')), "accelerators are for those who need them: {images:?}");

    let mut wants_gpu = claim(&["on-demand"], &["g"]);
    let requests = wants_gpu.spec.resources.requests.get_or_insert_default();
    requests.insert("nvidia.com/gpu".to_owned(), "1".parse().expect("a quantity"));
    let request = account.request(&wants_gpu).expect("a request");
    let standard: BTreeSet<&str> = images.values().copied().collect();
    for one in request.configs.iter().flat_map(|config| &config.overrides) {
        assert!(!standard.contains(one.image.as_str()), "{} would boot an image without drivers", one.instance_type);
    }
}

//! A small world for stories of overlays: machines, overlays and pools in few words.

use super::*;
use dovetail_scheduler::instance_type::{Offering, Price};
use dovetail_scheduler::requirement::{Name, Requirement};
use dovetail_scheduler::resources::{CPU, MEMORY, Resources};
use serde_json::{Value, json};

pub(super) const TYPE: &str = "node.kubernetes.io/instance-type";
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
pub(super) const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub(super) const POOL: &str = "karpenter.sh/nodepool";
pub(super) const FAMILY: &str = "example.com/family";
pub(super) const REGION: &str = "topology.kubernetes.io/region";

pub(super) const WAYS: [(&str, &str); 4] = [("a", "spot"), ("a", "on-demand"), ("b", "spot"), ("b", "on-demand")];

/// Named family first; sold in zones a and b, spot for $0.40 and on demand for $1.
pub(super) fn machine(name: &str) -> Arc<InstanceType> {
    let offering = |(zone, capacity): (&str, &str)| Offering {
        requirements: Arc::new(Requirements::from_labels([(ZONE, zone), (CAPACITY_TYPE, capacity)])),
        price: Price::from_dollars(if capacity == "spot" { 0.4 } else { 1.0 }),
        available: true,
        reservation_capacity: None,
    };
    let mut requirements = Requirements::from_labels([(TYPE, name), (FAMILY, &name[..1])]);
    requirements.add(ZONE, Requirement::any_of(["a", "b"]));
    requirements.add(CAPACITY_TYPE, Requirement::any_of(["spot", "on-demand"]));
    Arc::new(InstanceType {
        name: name.into(),
        requirements,
        offerings: WAYS.into_iter().map(offering).collect(),
        capacity: Resources::new().with(CPU, 4000).with(MEMORY, 16 << 30),
        volume_limits: vec![("ebs.csi.aws.com".into(), 26)],
        ..InstanceType::default()
    })
}

/// m1, m2 and g1.
pub(super) fn machines() -> Arc<[Arc<InstanceType>]> {
    ["m1", "m2", "g1"].map(machine).into()
}

/// A NodeOverlay in the making.
#[derive(Debug)]
pub(super) struct Overlay(Value);

pub(super) fn overlay(name: &str) -> Overlay {
    Overlay(json!({
        "apiVersion": "karpenter.sh/v1alpha1", "kind": "NodeOverlay",
        "metadata": {"name": name}, "spec": {"requirements": []},
    }))
}

impl Overlay {
    pub(super) fn only(mut self, key: &str, operator: &str, values: &[&str]) -> Self {
        let list = self.0["spec"]["requirements"].as_array_mut().expect("a list");
        list.push(json!({"key": key, "operator": operator, "values": values}));
        self
    }

    pub(super) fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0["spec"][field] = value.into();
        self
    }

    pub(super) fn weight(self, weight: i32) -> Self {
        self.set("weight", weight)
    }

    pub(super) fn price(self, price: &str) -> Self {
        self.set("price", price)
    }

    pub(super) fn change(self, change: &str) -> Self {
        self.set("priceAdjustment", change)
    }

    pub(super) fn gives(mut self, resource: &str, amount: &str) -> Self {
        self.0["spec"]["capacity"][resource] = amount.into();
        self
    }

    pub(super) fn object(&self) -> NodeOverlay {
        serde_json::from_value(self.0.clone()).expect("a readable NodeOverlay")
    }
}

/// A pool whose template has these labels.
pub(super) fn pool(name: &str, labels: &[(&str, &str)]) -> Offer {
    pool_of(name, labels, &machines())
}

pub(super) fn pool_of(name: &str, labels: &[(&str, &str)], types: &Arc<[Arc<InstanceType>]>) -> Offer {
    let labels: serde_json::Map<String, Value> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
    let pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {"template": {
            "metadata": {"labels": labels},
            "spec": {
                "requirements": [{"key": REGION, "operator": "In", "values": ["here"]}],
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "plain"},
            },
        }},
    });
    Offer::new(&serde_json::from_value(pool).expect("a readable NodePool"), Arc::clone(types))
}

pub(super) fn well_known() -> WellKnown {
    [TYPE, ZONE, CAPACITY_TYPE, POOL, REGION].into_iter().map(Name::from).collect()
}

pub(super) fn evaluated(overlays: &[Overlay], offers: &[Offer]) -> Evaluation {
    let objects: Vec<_> = overlays.iter().map(Overlay::object).collect();
    evaluate(&objects, offers, &well_known())
}

/// What the overlays make of the machines in one pool without labels.
pub(super) fn alone(overlays: &[Overlay]) -> Evaluation {
    evaluated(overlays, &[pool("default", &[])])
}

impl Evaluation {
    pub(super) fn find(&self, pool: usize, name: &str) -> &InstanceType {
        self.instance_types[pool].iter().find(|t| &*t.name == name).expect("a machine")
    }

    /// The prices of a type of the first pool in cents: spot and on demand in zone a, then in b.
    pub(super) fn cents(&self, name: &str) -> Vec<i64> {
        self.find(0, name).offerings.iter().map(|o| o.price.picodollars() / 10_000_000_000).collect()
    }

    pub(super) fn outcome(&self, name: &str) -> &Outcome {
        self.outcomes.iter().find(|(n, _)| n == name).map(|(_, outcome)| outcome).expect("an outcome")
    }

    pub(super) fn conflict(&self, name: &str) -> &Conflict {
        match self.outcome(name) {
            Outcome::Conflict(conflict) => conflict,
            other => panic!("{name} is in no conflict: {other}"),
        }
    }

    pub(super) fn is_applied(&self, name: &str) -> bool {
        matches!(self.outcome(name), Outcome::Applied { .. })
    }
}

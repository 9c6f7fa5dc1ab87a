//! What pods ask for, one rule at a time, as a part of a pod's spec. Parts can be merged. Which workload gets which rule is
//! the themes' business.

use super::draft::{ARCH, CAPACITY_TYPE, Draft, FAMILY, HOST, ZONE, ZONES, any_of, expression, merge};
use serde_json::{Value, json};

const AWS: &str = "karpenter.k8s.aws/";
pub(super) const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
pub(super) const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// The pods of one workload.
pub(super) fn app(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

pub(super) fn node_terms(terms: &[Value]) -> Value {
    let terms: Vec<Value> = terms.iter().map(|expressions| json!({"matchExpressions": expressions})).collect();
    json!({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}})
}

/// Required affinity (`podAffinity`) or anti-affinity (`podAntiAffinity`).
pub(super) fn near(kind: &str, key: &str, selector: Value) -> Value {
    json!({"affinity": {kind: {REQUIRED: [{"labelSelector": selector, "topologyKey": key}]}}})
}

/// The same as a wish.
pub(super) fn rather(kind: &str, weight: usize, key: &str, selector: Value) -> Value {
    let term = json!({"labelSelector": selector, "topologyKey": key});
    json!({"affinity": {kind: {PREFERRED: [{"weight": weight, "podAffinityTerm": term}]}}})
}

/// A spread constraint; `more` is merged into it.
pub(super) fn even(key: &str, skew: usize, when: &str, selector: Value, more: Value) -> Value {
    let mut one = json!({"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": when, "labelSelector": selector});
    merge(&mut one, more);
    json!({"topologySpreadConstraints": [one]})
}

impl Draft {
    /// A node selector or node affinity.
    pub(super) fn selector(&mut self) -> Value {
        let aws = |label: &str| format!("{AWS}{label}");
        match self.between(0, 8) {
            0 => json!({"nodeSelector": {ZONE: self.pick(&ZONES)}}),
            1 => json!({"nodeSelector": {ARCH: self.pick(&["amd64", "arm64"])}}),
            2 => {
                let families = self.sample(&["c5", "m5", "r5", "c6g", "m6g", "r6g"], 2);
                node_terms(&[json!([any_of(FAMILY, &families)])])
            }
            3 => {
                let (category, zone) = (self.pick(&["c", "m", "r"]), self.pick(&ZONES));
                let category = any_of(&aws("instance-category"), &[category]);
                node_terms(&[json!([category, expression(ZONE, "NotIn", &[zone])])])
            }
            4 => {
                let (least, most) = (self.pick(&["2", "4", "7"]), self.pick(&["9", "17", "49"]));
                let cpu = aws("instance-cpu");
                node_terms(&[json!([expression(&cpu, "Gt", &[least]), expression(&cpu, "Lt", &[most])])])
            }
            5 => {
                let not = expression(FAMILY, "NotIn", &["m5", "c5"]);
                node_terms(&[json!([not, expression(CAPACITY_TYPE, "NotIn", &["spot"])])])
            }
            6 => {
                let nowhere = json!([any_of(FAMILY, &["no-such-family"])]);
                node_terms(&[nowhere, json!([any_of(ZONE, &[self.pick(&ZONES)])])])
            }
            7 => {
                let no_gpu = expression(&aws("instance-gpu-count"), "DoesNotExist", &[]);
                node_terms(&[json!([no_gpu, expression(FAMILY, "Exists", &[])])])
            }
            _ => node_terms(&[json!([any_of(CAPACITY_TYPE, &[self.pick(&["spot", "on-demand"])])])]),
        }
    }

    /// One or two spread constraints over the workload itself.
    pub(super) fn spread(&mut self) -> Value {
        let own = self.next_app();
        let count = self.pick(&[1, 1, 2]);
        let mut all = json!({});
        for key in self.sample(&[ZONE, HOST, CAPACITY_TYPE], count) {
            let skew = self.pick(&[1, 1, 2]);
            let when = if key == CAPACITY_TYPE { "ScheduleAnyway" } else { "DoNotSchedule" };
            let domains =
                if key == ZONE && self.chance(20) { json!({"minDomains": self.pick(&[2, 3])}) } else { json!({}) };
            merge(&mut all, even(key, skew, when, app(&own), domains));
        }
        all
    }

    pub(super) fn self_affinity(&mut self) -> Value {
        let key = self.pick(&[ZONE, ZONE, HOST]);
        near("podAffinity", key, app(&self.next_app()))
    }

    pub(super) fn self_anti_affinity(&mut self) -> Value {
        near("podAntiAffinity", HOST, app(&self.next_app()))
    }

    /// A wish about zones, other pods, or evenness.
    pub(super) fn preference(&mut self) -> Value {
        let own = app(&self.next_app());
        match self.between(0, 3) {
            0 => wish_for_zone(10, self.pick(&ZONES)),
            1 => wish_for_zone(10, "nowhere"),
            2 => rather("podAntiAffinity", 5, ZONE, own),
            _ => even(ZONE, 1, "ScheduleAnyway", own, json!({})),
        }
    }

    /// A host port, with everything that may be said about it.
    pub(super) fn port(&mut self) -> Value {
        let number = self.pick(&[80, 443, 9100, 9101]);
        let mut port =
            json!({"containerPort": number, "hostPort": number, "protocol": self.pick(&["TCP", "TCP", "UDP"])});
        if let Some(address) = self.pick(&[None, None, Some("10.0.0.1"), Some("0.0.0.0")]) {
            merge(&mut port, json!({"hostIP": address}));
        }
        json!({"ports": [port]})
    }

    /// Several wishes at once, so that some have to be given up.
    pub(super) fn wishes(&mut self, others: &[String]) -> Value {
        let own = self.next_app();
        let mut all = json!({});
        for _ in 0..self.between(1, 3) {
            let weight = self.between(1, 100);
            let key = self.pick(&[ZONE, HOST, CAPACITY_TYPE]);
            let who = if others.is_empty() || self.chance(50) { own.clone() } else { self.pick(others) };
            match self.between(0, 2) {
                0 => merge(&mut all, rather("podAffinity", weight, key, app(&who))),
                1 => merge(&mut all, rather("podAntiAffinity", weight, key, app(&who))),
                _ => merge(&mut all, wish_for_zone(weight, self.pick(&["us-east-1a", "us-east-1c", "nowhere"]))),
            }
        }
        if self.chance(40) {
            let key = self.pick(&[ZONE, HOST]);
            merge(&mut all, even(key, 1, "ScheduleAnyway", app(&own), json!({})));
        }
        all
    }
}

pub(super) fn wish_for_zone(weight: usize, zone: &str) -> Value {
    let preference = json!({"matchExpressions": [any_of(ZONE, &[zone])]});
    json!({"affinity": {"nodeAffinity": {PREFERRED: [{"weight": weight, "preference": preference}]}}})
}

pub(super) fn tolerate(toleration: Value) -> Value {
    json!({"tolerations": [toleration]})
}

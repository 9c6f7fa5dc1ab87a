//! The themes of the corpus.

use crate::generate::cluster::{Stage, volumes as using};
use crate::generate::draft::{
    ARCH, CAPACITY_TYPE, CPUS, Draft, FAMILY, MEMORIES, TYPE, ZONE, ZONES, any_of, expression, merge,
};
use crate::generate::rules::{near, tolerate};
use serde_json::{Value, json};

impl Draft {
    /// Pods with a rule by chance out of these, some without any.
    pub(super) fn ruled(&mut self, least: usize, most: usize, rules: &[fn(&mut Self) -> Value]) {
        let mut workload = self.sized(least, most);
        workload.spec = self.pick(rules)(self);
        self.deploy(workload);
    }

    pub(super) fn unruled(&mut self, least: usize, most: usize) {
        let workload = self.sized(least, most);
        self.deploy(workload);
    }

    pub(super) fn on_gpus(&mut self, gpus: usize, most: usize, spec: Value) {
        let mut workload = self.sized(1, most);
        (workload.gpus, workload.spec) = (gpus, spec);
        self.deploy(workload);
    }

    pub(super) fn any_capacity(&mut self) {
        self.pool("default", json!([any_of(CAPACITY_TYPE, &["on-demand", "spot"])]), json!({}), json!({}));
    }
}

pub(super) fn anything(_: &mut Draft) -> Value {
    json!({})
}

pub(super) fn plain(d: &mut Draft) {
    let on_demand = json!([any_of(CAPACITY_TYPE, &["on-demand"])]);
    let families = json!([any_of("karpenter.k8s.aws/instance-category", &["c", "m", "r"])]);
    let requirements = d.pick(&[json!([]), on_demand, families]);
    d.pool("default", requirements, json!({}), json!({}));
    for _ in 0..d.between(3, 14) {
        d.unruled(1, 25);
    }
    if d.chance(30) {
        let gpus = d.pick(&[1, 2]);
        d.on_gpus(gpus, 5, json!({}));
    }
}

pub(super) fn selectors(d: &mut Draft) {
    d.any_capacity();
    for _ in 0..d.between(4, 12) {
        d.ruled(1, 14, &[Draft::selector]);
    }
    d.unruled(1, 14);
}

pub(super) fn taints(d: &mut Draft) {
    let red = json!([{"key": "team", "value": "red", "effect": "NoSchedule"}]);
    let weight = d.pick(&[json!({}), json!({"weight": 10})]);
    let on_demand = json!([any_of(CAPACITY_TYPE, &["on-demand"])]);
    d.pool("red", on_demand.clone(), json!({"metadata": {"labels": {"team": "red"}}, "spec": {"taints": red}}), weight);
    let soft = json!({"taints": [{"key": "soft", "value": "x", "effect": "PreferNoSchedule"}],
                      "startupTaints": [{"key": "boot", "effect": "NoExecute"}]});
    d.pool("soft", on_demand, json!({"spec": soft}), json!({}));
    if d.chance(50) {
        let template = json!({"metadata": {"labels": {"team": "blue"}}});
        d.pool("blue", json!([any_of(ZONE, &ZONES[..2])]), template, json!({}));
    }
    for _ in 0..d.between(3, 8) {
        let toleration = d.pick(&[
            json!({}),
            tolerate(json!({"key": "team", "operator": "Equal", "value": "red", "effect": "NoSchedule"})),
            tolerate(json!({"operator": "Exists"})),
            tolerate(json!({"key": "soft", "operator": "Exists"})),
            tolerate(json!({"key": "team", "operator": "Equal", "value": "green"})),
        ]);
        let team = |name: &str| json!({"nodeSelector": {"team": name}});
        let selector = d.pick(&[json!({}), json!({}), team("red"), team("blue")]);
        let mut workload = d.sized(1, 14);
        merge(&mut workload.spec, toleration);
        merge(&mut workload.spec, selector);
        d.deploy(workload);
    }
}

pub(super) fn spread(d: &mut Draft) {
    let zones = d.pick(&[3, 2]);
    let requirements = json!([any_of(CAPACITY_TYPE, &["on-demand", "spot"]), any_of(ZONE, &ZONES[..zones])]);
    d.pool("default", requirements, json!({}), json!({}));
    for _ in 0..d.between(2, 7) {
        d.ruled(2, 18, &[Draft::spread]);
    }
    d.unruled(1, 14);
}

pub(super) fn affinity(d: &mut Draft) {
    d.plain_pool();
    for _ in 0..d.between(2, 6) {
        let mut workload = d.sized(2, 9);
        (workload.cpu, workload.memory) = (d.pick(&CPUS[..6]), d.pick(&MEMORIES[..6]));
        workload.spec = if d.chance(50) { d.self_affinity() } else { d.self_anti_affinity() };
        d.deploy(workload);
    }
    let mut anchor = d.sized(2, 2);
    anchor.labels = vec![("role", "db".into())];
    anchor.spec = json!({"nodeSelector": {ZONE: "us-east-1b"}});
    d.deploy(anchor);
    let mut follower = d.sized(1, 6);
    let kind = d.pick(&["podAffinity", "podAntiAffinity"]);
    follower.spec = near(kind, ZONE, json!({"matchLabels": {"role": "db"}}));
    d.deploy(follower);
    d.unruled(1, 14);
}

pub(super) fn ports(d: &mut Draft) {
    d.plain_pool();
    for _ in 0..d.between(2, 6) {
        d.ruled(1, 7, &[Draft::port]);
    }
    let port = json!({"ports": [{"containerPort": 9100, "hostPort": 9100, "protocol": "TCP"}]});
    d.daemon_set("exporter", json!({"cpu": "50m", "memory": "64Mi"}), port);
}

pub(super) fn volumes(d: &mut Draft) {
    d.plain_pool();
    let two = d.sample(&ZONES, 2);
    d.storage_class("zonal", &two);
    d.storage_class("any", &[]);
    for n in 0..d.between(3, 9) {
        let claim = format!("data-{n}");
        match d.between(0, 4) {
            0 => {
                let zone = d.pick(&ZONES);
                d.bound_claim(&claim, "any", &[zone]);
            }
            1 => d.unbound_claim(&claim, "zonal"),
            2 => d.unbound_claim(&claim, "any"),
            3 => {} // a claim that nobody made
            _ => {
                d.unruled(1, 14);
                continue;
            }
        }
        let mut workload = d.sized(1, 1);
        workload.spec = using(&[claim]);
        d.deploy(workload);
    }
}

pub(super) fn daemon_sets(d: &mut Draft) {
    let on_demand = any_of(CAPACITY_TYPE, &["on-demand"]);
    d.pool("default", json!([any_of(ARCH, &["amd64", "arm64"]), on_demand]), json!({}), json!({}));
    let gpu = expression("karpenter.k8s.aws/instance-gpu-count", "Exists", &[]);
    let taint = json!({"spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}});
    d.pool("tainted", json!([gpu]), taint, json!({}));
    let everywhere = if d.chance(50) { tolerate(json!({"operator": "Exists"})) } else { json!({}) };
    let size = json!({"cpu": d.pick(&CPUS[..5]), "memory": d.pick(&MEMORIES[..5])});
    d.daemon_set("agent", size, everywhere);
    d.daemon_set("arm-only", json!({"cpu": "500m", "memory": "512Mi"}), json!({"nodeSelector": {ARCH: "arm64"}}));
    d.daemon_set("zone-a", json!({"cpu": "1", "memory": "1Gi"}), json!({"nodeSelector": {ZONE: "us-east-1a"}}));
    for _ in 0..d.between(3, 9) {
        d.ruled(1, 14, &[Draft::selector, anything, anything]);
    }
    d.on_gpus(1, 4, tolerate(json!({"key": "gpu", "operator": "Exists"})));
}

pub(super) fn existing(d: &mut Draft) {
    d.plain_pool();
    for n in 0..d.between(1, 6) {
        let stage = if d.chance(80) { Stage::Ready } else { Stage::Foreign };
        let mut machine = d.machine(n, stage);
        if d.chance(15) {
            machine.taints = vec![json!({"key": "team", "value": "x", "effect": "NoSchedule"})];
        }
        d.run(&machine);
        for _ in 0..d.between(0, 2) {
            let mut running = d.sized(1, 4);
            (running.cpu, running.memory) = (d.pick(&CPUS[..6]), d.pick(&MEMORIES[..6]));
            running.node = Some(machine.name.clone());
            d.deploy(running);
        }
    }
    for _ in 0..d.between(3, 8) {
        d.ruled(1, 14, &[Draft::selector, Draft::spread, Draft::self_anti_affinity, anything]);
    }
}

pub(super) fn pools(d: &mut Draft) {
    let weight = |n: Option<u32>| n.map_or(json!({}), |n| json!({"weight": n}));
    let mut cheap = weight(d.pick(&[None, Some(50)]));
    merge(&mut cheap, json!({"limits": {"cpu": d.pick(&["8", "16", "40"])}}));
    if d.chance(50) {
        merge(&mut cheap, json!({"limits": {"memory": "64Gi"}}));
    }
    let mut families = any_of(FAMILY, &["c5", "m5"]);
    if d.chance(50) {
        merge(&mut families, json!({"minValues": 2}));
    }
    d.pool("cheap", json!([families]), json!({}), cheap);

    let mut types = expression(TYPE, "Exists", &[]);
    merge(&mut types, json!({"minValues": d.pick(&[2, 5])}));
    let small = expression("karpenter.k8s.aws/instance-cpu", "Lt", &[d.pick(&["9", "17", "33"])]);
    let wide = weight(d.pick(&[None, Some(20), Some(90)]));
    d.pool("wide", json!([types, small]), json!({"metadata": {"labels": {"tier": "wide"}}}), wide);

    let nodes = if d.chance(50) { json!({"limits": {"nodes": d.pick(&["1", "3"])}}) } else { json!({}) };
    d.pool("narrow", json!([any_of(TYPE, &["m5.large", "m5.xlarge"])]), json!({}), nodes);
    for _ in 0..d.between(4, 12) {
        d.ruled(1, 14, &[Draft::selector, anything, anything, |_| json!({"nodeSelector": {"tier": "wide"}})]);
    }
}

pub(super) fn preferences(d: &mut Draft) {
    let zones = d.pick(&[2, 3]);
    let requirements = json!([any_of(CAPACITY_TYPE, &["on-demand"]), any_of(ZONE, &ZONES[..zones])]);
    d.pool("default", requirements, json!({}), json!({}));
    for _ in 0..d.between(3, 8) {
        d.ruled(1, 10, &[Draft::preference]);
    }
}

pub(super) fn reserved(d: &mut Draft) {
    d.pool("default", json!([any_of(CAPACITY_TYPE, &["reserved", "on-demand"])]), json!({}), json!({}));
    if d.chance(40) {
        d.pool("reserved-only", json!([any_of(CAPACITY_TYPE, &["reserved"])]), json!({}), json!({"weight": 10}));
    }
    for _ in 0..d.between(3, 9) {
        let mut workload = d.sized(1, 14);
        (workload.cpu, workload.memory) = (d.pick(&CPUS[4..]), d.pick(&MEMORIES[4..8]));
        workload.spec =
            d.pick::<fn(&mut Draft) -> Value>(&[Draft::spread, Draft::self_anti_affinity, anything, anything])(d);
        d.deploy(workload);
    }
    if d.chance(40) {
        let mut pinned = d.sized(2, 2);
        pinned.spec = json!({"nodeSelector": {CAPACITY_TYPE: "reserved"}});
        d.deploy(pinned);
    }
    if d.chance(30) {
        let mut gpus = d.sized(2, 2);
        gpus.gpus = 1;
        d.deploy(gpus);
    }
}

pub(super) fn mixed(d: &mut Draft) {
    let spec = json!({"limits": {"cpu": "2000"}});
    d.pool("default", json!([any_of(CAPACITY_TYPE, &["on-demand", "spot"])]), json!({}), spec);
    let taint = json!([{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]);
    let template = json!({"metadata": {"labels": {"eks-node": "gpu"}}, "spec": {"taints": taint}});
    d.pool("gpu", json!([any_of(FAMILY, &["g4dn"])]), template, json!({}));
    let everywhere = tolerate(json!({"operator": "Exists"}));
    d.daemon_set("agent", json!({"cpu": "100m", "memory": "128Mi"}), everywhere);
    for n in 0..d.between(0, 4) {
        let machine = d.machine(n, Stage::Ready);
        d.run(&machine);
    }
    for _ in 0..d.between(8, 22) {
        d.ruled(
            1,
            14,
            &[
                Draft::selector,
                Draft::spread,
                Draft::self_affinity,
                Draft::self_anti_affinity,
                Draft::preference,
                anything,
                anything,
                anything,
                anything,
            ],
        );
    }
    let mut spec =
        tolerate(json!({"key": "nvidia.com/gpu", "operator": "Equal", "value": "true", "effect": "NoSchedule"}));
    merge(&mut spec, json!({"nodeSelector": {"eks-node": "gpu"}}));
    d.on_gpus(1, 8, spec);
}

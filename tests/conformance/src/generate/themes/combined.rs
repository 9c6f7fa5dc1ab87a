//! Themes beyond the corpus: rules in the company in which they meet in real clusters.

use super::corpus::anything;
use crate::generate::cluster::{Stage, volumes as using};
use crate::generate::draft::{
    ARCH, CAPACITY_TYPE, CPUS, Draft, FAMILY, HOST, MEMORIES, TYPE, ZONE, ZONES, any_of, expression, merge,
};
use crate::generate::rules::{REQUIRED, app, even, near, node_terms, rather};
use serde_json::{Value, json};

pub(super) fn neighbours(d: &mut Draft) {
    d.any_capacity();
    let mut known = vec![];
    for _ in 0..d.between(3, 8) {
        let mut workload = d.sized(1, 10);
        workload.spec = d.wishes(&known);
        known.push(d.deploy(workload));
    }
}

pub(super) fn namespaces(d: &mut Draft) {
    d.plain_pool();
    let all = [("default", "red"), ("blue", "blue"), ("green", "green")];
    for (name, team) in all {
        let labels = json!({"team": team, "kubernetes.io/metadata.name": name});
        d.add(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}));
    }
    for _ in 0..d.between(1, 2) {
        let mut anchor = d.sized(1, 3);
        anchor.namespace = d.pick(&["default", "blue", "green"]);
        anchor.labels = vec![("role", "db".into())];
        if d.chance(60) {
            anchor.spec = json!({"nodeSelector": {ZONE: d.pick(&ZONES)}});
        }
        d.deploy(anchor);
    }
    for _ in 0..d.between(2, 6) {
        let kind = d.pick(&["podAffinity", "podAntiAffinity"]);
        let key = d.pick(&[ZONE, HOST]);
        let whose = d.pick(&[
            json!({}),
            json!({"namespaces": ["blue"]}),
            json!({"namespaces": ["default", "green"]}),
            json!({"namespaceSelector": {}}),
            json!({"namespaceSelector": {"matchLabels": {"team": "green"}}}),
            json!({"namespaces": ["default"], "namespaceSelector": {"matchLabels": {"team": "blue"}}}),
        ]);
        let mut workload = d.sized(1, 6);
        workload.namespace = d.pick(&["default", "blue", "green"]);
        let own = d.chance(50);
        if own {
            workload.labels = vec![("role", "db".into())];
        }
        let mut term = json!({"labelSelector": {"matchLabels": {"role": "db"}}, "topologyKey": key});
        merge(&mut term, whose);
        workload.spec = json!({"affinity": {kind: {REQUIRED: [term]}}});
        d.deploy(workload);
    }
    d.unruled(1, 6);
}

/// Two revisions of each workload: rules hold within a revision, or between them.
pub(super) fn revisions(d: &mut Draft) {
    d.any_capacity();
    for _ in 0..d.between(2, 5) {
        let service = format!("service-{}", d.next_app());
        let rule = d.between(0, 3);
        let key = d.pick(&[ZONE, HOST]);
        for revision in ["v1", "v2"] {
            let mut workload = d.sized(1, 8);
            workload.labels = vec![("service", service.clone()), ("revision", revision.into())];
            let selector = json!({"matchLabels": {"service": service}});
            // For affinity the API server adds the pod's value to the selector when the pod is made.
            let with = |operator: &str| {
                let mut merged = selector.clone();
                merge(&mut merged, json!({"matchExpressions": [expression("revision", operator, &[revision])]}));
                merged
            };
            workload.spec = match rule {
                0 => even(key, 1, "DoNotSchedule", selector, json!({"matchLabelKeys": ["revision"]})),
                1 => terms("podAntiAffinity", key, with("In"), json!({"matchLabelKeys": ["revision"]})),
                2 => terms("podAntiAffinity", HOST, with("NotIn"), json!({"mismatchLabelKeys": ["revision"]})),
                _ => terms("podAffinity", key, with("In"), json!({"matchLabelKeys": ["revision"]})),
            };
            d.deploy(workload);
        }
    }
}

fn terms(kind: &str, key: &str, selector: Value, more: Value) -> Value {
    let mut term = json!({"labelSelector": selector, "topologyKey": key});
    merge(&mut term, more);
    json!({"affinity": {kind: {REQUIRED: [term]}}})
}

pub(super) fn node_policies(d: &mut Draft) {
    let zones = d.pick(&[2, 3]);
    d.pool("default", json!([any_of(ZONE, &ZONES[..zones])]), json!({}), json!({}));
    let red = json!({"key": "team", "value": "red", "effect": "NoSchedule"});
    if d.chance(50) {
        d.pool("red", json!([]), json!({"spec": {"taints": [red]}}), json!({}));
    }
    for n in 0..d.between(0, 4) {
        let mut machine = d.machine(n, Stage::Ready);
        if d.chance(40) {
            machine.taints = vec![red.clone()];
        }
        d.run(&machine);
        if d.chance(70) {
            let mut running = d.sized(1, 3);
            (running.cpu, running.memory) = ("100m", "128Mi");
            (running.labels, running.node) = (vec![("tier", "web".into())], Some(machine.name.clone()));
            d.deploy(running);
        }
    }
    for _ in 0..d.between(2, 5) {
        let policy = |p: &str| json!(p);
        let mut more = json!({});
        if d.chance(60) {
            merge(&mut more, json!({"nodeTaintsPolicy": policy(d.pick(&["Honor", "Ignore"]))}));
        }
        if d.chance(40) {
            merge(&mut more, json!({"nodeAffinityPolicy": policy(d.pick(&["Honor", "Ignore"]))}));
        }
        let mut workload = d.sized(1, 9);
        workload.labels = vec![("tier", "web".into())];
        let key = d.pick(&[ZONE, ZONE, HOST]);
        let skew = d.pick(&[1, 2]);
        workload.spec = even(key, skew, "DoNotSchedule", json!({"matchLabels": {"tier": "web"}}), more);
        if d.chance(30) {
            merge(&mut workload.spec, node_terms(&[json!([any_of(ZONE, &ZONES[..2])])]));
        }
        if d.chance(30) {
            merge(&mut workload.spec, json!({"tolerations": [{"key": "team", "operator": "Exists"}]}));
        }
        d.deploy(workload);
    }
}

pub(super) fn min_domains(d: &mut Draft) {
    let zones = d.pick(&[1, 2, 3]);
    let requirements = json!([any_of(CAPACITY_TYPE, &["on-demand", "spot"]), any_of(ZONE, &ZONES[..zones])]);
    d.pool("default", requirements, json!({}), json!({}));
    for n in 0..d.between(0, 2) {
        let machine = d.machine(n, Stage::Ready);
        d.run(&machine);
    }
    for _ in 0..d.between(2, 6) {
        let mut workload = d.sized(1, 12);
        let own = app(&d.next_app());
        let (key, skew, least) = (d.pick(&[ZONE, ZONE, HOST]), d.pick(&[1, 2, 3]), d.pick(&[1, 2, 3, 4]));
        workload.spec = even(key, skew, "DoNotSchedule", own, json!({"minDomains": least}));
        d.deploy(workload);
    }
}

pub(super) fn capacity_spread(d: &mut Draft) {
    d.pool("default", json!([any_of(CAPACITY_TYPE, &["on-demand", "spot"])]), json!({}), json!({}));
    if d.chance(40) {
        d.pool("spot", json!([any_of(CAPACITY_TYPE, &["spot"])]), json!({}), json!({"weight": 5}));
    }
    for _ in 0..d.between(2, 6) {
        let mut workload = d.sized(1, 12);
        let own = app(&d.next_app());
        let keys = d.pick(&[vec![CAPACITY_TYPE], vec![ARCH], vec![CAPACITY_TYPE, ZONE], vec![CAPACITY_TYPE, HOST]]);
        for key in keys {
            let skew = d.pick(&[1, 1, 2]);
            merge(&mut workload.spec, even(key, skew, "DoNotSchedule", own.clone(), json!({})));
        }
        d.deploy(workload);
    }
    d.unruled(1, 10);
}

pub(super) fn volume_spread(d: &mut Draft) {
    d.plain_pool();
    let two = d.sample(&ZONES, 2);
    d.storage_class("zonal", &two);
    d.storage_class("any", &[]);
    for n in 0..d.between(0, 3) {
        let machine = d.machine(n, Stage::Ready);
        d.run(&machine);
        let count = d.between(0, 3);
        d.attach_limit(&machine.name, count);
    }
    for w in 0..d.between(2, 6) {
        // As a StatefulSet makes them: a claim for each pod, and one rule for all.
        let group = format!("set-{w}");
        let key = d.pick(&[ZONE, HOST]);
        let rule = match d.between(0, 2) {
            0 => even(key, 1, "DoNotSchedule", json!({"matchLabels": {"set": group}}), json!({})),
            1 => near("podAntiAffinity", HOST, json!({"matchLabels": {"set": group}})),
            _ => json!({}),
        };
        let (cpu, memory) = (d.pick(&CPUS[..7]), d.pick(&MEMORIES[..7]));
        for replica in 0..d.between(1, 6) {
            let mut claims = vec![format!("{group}-{replica}")];
            match d.between(0, 3) {
                0 => d.bound_claim(&claims[0], "any", &[ZONES[replica % 3]]),
                1 => d.unbound_claim(&claims[0], "zonal"),
                2 => d.bound_claim(&claims[0], "any", &ZONES[..2]),
                _ => d.unbound_claim(&claims[0], "any"),
            }
            if d.chance(20) {
                let second = format!("{group}-{replica}-more");
                d.bound_claim(&second, "any", &[ZONES[replica % 3], ZONES[(replica + 1) % 3]]);
                claims.push(second);
            }
            let mut pod = d.sized(1, 1);
            (pod.cpu, pod.memory, pod.labels) = (cpu, memory, vec![("set", group.clone())]);
            pod.spec = using(&claims);
            merge(&mut pod.spec, rule.clone());
            d.deploy(pod);
        }
    }
    d.unruled(1, 8);
}

pub(super) fn daemon_ports(d: &mut Draft) {
    d.pool("default", json!([any_of(ARCH, &["amd64", "arm64"])]), json!({}), json!({}));
    let port = |n: u32| json!({"ports": [{"containerPort": n, "hostPort": n, "protocol": "TCP"}]});
    let size = json!({"cpu": "50m", "memory": "64Mi"});
    let mut on_arm = port(9100);
    merge(&mut on_arm, json!({"nodeSelector": {ARCH: "arm64"}}));
    d.daemon_set("arm-exporter", size.clone(), on_arm);
    let mut in_a = port(443);
    merge(&mut in_a, json!({"nodeSelector": {ZONE: "us-east-1a"}}));
    d.daemon_set("ingress", size, in_a);
    for n in 0..d.between(0, 3) {
        let machine = d.machine(n, Stage::Ready);
        d.run(&machine);
        if d.chance(50) {
            let mut running = d.sized(1, 1);
            running.spec = d.port();
            running.node = Some(machine.name);
            d.deploy(running);
        }
    }
    for _ in 0..d.between(2, 6) {
        d.ruled(1, 7, &[Draft::port, Draft::port, anything]);
    }
}

pub(super) fn leaving(d: &mut Draft) {
    d.plain_pool();
    for n in 0..d.between(2, 5) {
        let stage = d.pick(&[Stage::Ready, Stage::Leaving]);
        let machine = d.machine(n, stage);
        d.run(&machine);
        for _ in 0..d.between(0, 2) {
            let mut running = d.sized(1, 3);
            (running.cpu, running.memory) = (d.pick(&CPUS[..6]), d.pick(&MEMORIES[..6]));
            running.spec = d.pick::<fn(&mut Draft) -> Value>(&[anything, Draft::spread, Draft::self_anti_affinity])(d);
            running.node = Some(machine.name.clone());
            d.deploy(running);
        }
    }
    for _ in 0..d.between(1, 5) {
        d.ruled(1, 10, &[Draft::spread, Draft::self_anti_affinity, Draft::selector, anything]);
    }
}

pub(super) fn starting(d: &mut Draft) {
    let boot = json!({"key": "boot", "effect": "NoExecute"});
    let spec = json!({"spec": {"startupTaints": [boot]}});
    d.pool("default", json!([any_of(CAPACITY_TYPE, &["on-demand"])]), spec, json!({}));
    for n in 0..d.between(1, 5) {
        let stage = d.pick(&[Stage::Launched, Stage::Starting, Stage::Ready]);
        let mut machine = d.machine(n, stage);
        machine.startup_taints = vec![boot.clone()];
        if d.chance(20) {
            machine.taints = vec![json!({"key": "team", "value": "x", "effect": "NoSchedule"})];
        }
        d.run(&machine);
    }
    if d.chance(50) {
        d.daemon_set("agent", json!({"cpu": "250m", "memory": "256Mi"}), json!({}));
    }
    for _ in 0..d.between(2, 7) {
        d.ruled(1, 8, &[Draft::spread, Draft::self_anti_affinity, Draft::self_affinity, Draft::selector, anything]);
    }
}

pub(super) fn limit_spread(d: &mut Draft) {
    let limits = d.pick(&[json!({"cpu": "16"}), json!({"cpu": "40"}), json!({"memory": "48Gi"})]);
    let requirements = json!([any_of(FAMILY, &["c5", "m5"])]);
    d.pool("first", requirements, json!({}), json!({"weight": 10, "limits": limits}));
    if d.chance(60) {
        let zones = d.pick(&[1, 2]);
        d.pool("second", json!([any_of(ZONE, &ZONES[..zones])]), json!({}), json!({"limits": {"cpu": "64"}}));
    }
    for _ in 0..d.between(2, 6) {
        d.ruled(2, 10, &[Draft::spread, Draft::spread, Draft::self_anti_affinity, Draft::self_affinity, anything]);
    }
}

pub(super) fn residents(d: &mut Draft) {
    d.plain_pool();
    for n in 0..d.between(2, 5) {
        let machine = d.machine(n, Stage::Ready);
        d.run(&machine);
        for role in d.sample(&["db", "web", "cache"], 2) {
            let mut running = d.sized(1, 2);
            (running.cpu, running.memory) = ("100m", "128Mi");
            running.labels = vec![("role", role.into())];
            running.node = Some(machine.name.clone());
            if d.chance(40) {
                let (key, foe) = (d.pick(&[HOST, HOST, ZONE]), d.pick(&["db", "web", "cache"]));
                running.spec = near("podAntiAffinity", key, json!({"matchLabels": {"role": foe}}));
            }
            d.deploy(running);
        }
    }
    for _ in 0..d.between(2, 7) {
        let mut workload = d.sized(1, 6);
        let own = d.pick(&["db", "web", "cache", "other"]);
        workload.labels = vec![("role", own.into())];
        let other = json!({"matchLabels": {"role": d.pick(&["db", "web", "cache"])}});
        let key = d.pick(&[HOST, ZONE]);
        workload.spec = match d.between(0, 4) {
            0 => near("podAffinity", key, other),
            1 => near("podAntiAffinity", key, other),
            2 => even(key, 1, "DoNotSchedule", other, json!({})),
            3 => rather("podAffinity", 10, key, other),
            _ => json!({}),
        };
        d.deploy(workload);
    }
}

pub(super) fn zonal_repulsion(d: &mut Draft) {
    d.any_capacity();
    for _ in 0..d.between(1, 4) {
        let mut workload = d.sized(1, 4);
        let own = app(&d.next_app());
        workload.spec = near("podAntiAffinity", ZONE, own);
        if d.chance(40) {
            merge(&mut workload.spec, json!({"nodeSelector": {ZONE: d.pick(&ZONES)}}));
        }
        d.deploy(workload);
    }
    d.unruled(1, 10);
}

pub(super) fn containers(d: &mut Draft) {
    d.plain_pool();
    for _ in 0..d.between(3, 8) {
        let mut workload = d.sized(1, 8);
        let part = |d: &mut Draft, name: &str| {
            let requests = json!({"cpu": d.pick(&CPUS[..7]), "memory": d.pick(&MEMORIES[..7])});
            json!({"name": name, "image": "init", "resources": {"requests": requests}})
        };
        for n in 0..d.between(0, 3) {
            let mut init = part(d, &format!("init-{n}"));
            if d.chance(40) {
                merge(&mut init, json!({"restartPolicy": "Always"}));
            }
            merge(&mut workload.spec, json!({"initContainers": [init]}));
        }
        if d.chance(30) {
            let second = part(d, "second");
            merge(&mut workload.spec, json!({"containers": [second]}));
        }
        if d.chance(25) {
            merge(&mut workload.spec, json!({"overhead": {"cpu": "250m", "memory": "120Mi"}}));
        }
        d.deploy(workload);
    }
}

pub(super) fn entangled(d: &mut Draft) {
    d.any_capacity();
    let mut known: Vec<String> = vec![];
    for _ in 0..d.between(2, 6) {
        let mut workload = d.sized(1, 8);
        let own = d.next_app();
        workload.labels = vec![("group", d.pick(&["x", "y"]).into())];
        let group = json!({"matchLabels": {"group": d.pick(&["x", "y"])}});
        for rule in d.sample(&[0, 1, 2, 3, 4], 2) {
            let part = match rule {
                0 => even(ZONE, 1, "DoNotSchedule", app(&own), json!({})),
                1 => even(HOST, 2, "DoNotSchedule", group.clone(), json!({})),
                2 => near("podAntiAffinity", HOST, group.clone()),
                3 if !known.is_empty() => near("podAffinity", ZONE, app(&d.pick(&known))),
                3 => near("podAffinity", ZONE, app(&own)),
                _ => json!({"nodeSelector": {ARCH: "amd64"}}),
            };
            merge(&mut workload.spec, part);
        }
        known.push(d.deploy(workload));
    }
}

pub(super) fn ignore(d: &mut Draft) {
    neighbours(d);
    d.ruled(1, 10, &[Draft::preference]);
    d.ruled(1, 10, &[Draft::preference]);
    d.scenario.settings = Some("--preference-policy Ignore");
}

pub(super) fn best_effort(d: &mut Draft) {
    let mut types = expression(TYPE, "Exists", &[]);
    merge(&mut types, json!({"minValues": d.pick(&[3, 8, 20])}));
    let mut families = expression(FAMILY, "Exists", &[]);
    merge(&mut families, json!({"minValues": d.pick(&[2, 4])}));
    d.pool("default", json!([types, families]), json!({}), json!({}));
    for _ in 0..d.between(3, 8) {
        d.ruled(1, 10, &[Draft::selector, anything]);
    }
    d.scenario.settings = Some("--min-values-policy BestEffort");
}

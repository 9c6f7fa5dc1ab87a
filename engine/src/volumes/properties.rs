//! What holds for volumes in any cluster: the order of its objects says nothing, and alternatives are only ever said in
//! fewer words, never changed.

use super::stories::*;
use super::*;
use crate::objects::Objects;
use dovetail_scheduler::requirement::Requirement;
use k8s_openapi::api::core::v1::TopologySelectorTerm;
use proptest::prelude::*;
use serde_json::Value;

/// A cluster of eight claims, some bound, some not, some of them broken, and pods that use up to three of them each.
fn clusters() -> impl Strategy<Value = Cluster> {
    let zones = || proptest::sample::subsequence(vec!["a", "b", "c"], 1..=3);
    let term = (zones(), any::<bool>()).prop_map(|(zones, on_ssd)| {
        let disk = on_ssd.then(|| within("disk", &["ssd"]));
        Value::Array(disk.into_iter().chain([within(ZONE, &zones)]).collect())
    });
    let terms = || proptest::collection::vec(term.clone(), 0..3);
    let claim = (0..4u8, terms());
    let uses = proptest::collection::vec(proptest::sample::subsequence((0..8).collect::<Vec<usize>>(), 0..=3), 1..8);
    (proptest::collection::vec(claim, 8), terms(), uses).prop_map(|(claims, of_class, uses)| {
        let mut cluster = Cluster::default().with(class("gp3", &of_class));
        for (i, (kind, terms)) in claims.into_iter().enumerate() {
            let (claim, pv) = (format!("claim-{i}"), format!("pv-{i}"));
            cluster = match kind {
                0 | 1 => cluster.with(bound(&claim, &pv)).with(volume(&pv, &terms)),
                2 => cluster.with(unbound(&claim, "gp3")),
                _ => cluster.with(bound(&claim, "gone")),
            };
        }
        for (i, uses) in uses.into_iter().enumerate() {
            let claims: Vec<String> = uses.iter().map(|c| format!("claim-{c}")).collect();
            cluster = cluster.with(pod(&format!("pod-{i}"), &claims.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        cluster
    })
}

fn shuffled(cluster: Cluster) -> impl Strategy<Value = (Cluster, Cluster)> {
    let objects = cluster.0.clone();
    let lists = (
        Just(objects.persistent_volume_claims).prop_shuffle(),
        Just(objects.persistent_volumes).prop_shuffle(),
        Just(objects.pods).prop_shuffle(),
    );
    lists.prop_map(move |(persistent_volume_claims, persistent_volumes, pods)| {
        let other = Objects { persistent_volume_claims, persistent_volumes, pods, ..cluster.0.clone() };
        (cluster.clone(), Cluster(other))
    })
}

/// Zones and disks of nodes, to ask places about.
fn machines() -> Vec<Requirements> {
    let machine = |zone: &str, disk: Option<&str>| {
        Requirements::from_labels([(ZONE, zone)].into_iter().chain(disk.map(|d| ("disk", d))))
    };
    ["a", "b", "c"].iter().flat_map(|zone| [machine(zone, None), machine(zone, Some("ssd"))]).collect()
}

/// Whether a machine meets one of the places.
fn suits(machine: &Requirements, places: &[Requirements]) -> bool {
    let none = dovetail_scheduler::requirements::WellKnown::new();
    places.is_empty() || places.iter().any(|place| machine.compatible(place, &none).is_ok())
}

proptest! {
    #[test]
    fn the_order_of_objects_does_not_matter((one, other) in clusters().prop_flat_map(shuffled)) {
        let unsupported = Unsupported::default();
        let (one, other) = (one.0.snapshot(), other.0.snapshot());
        let (index, reordered) = (VolumeIndex::of(&one, &unsupported), VolumeIndex::of(&other, &unsupported));
        for pod in one.pods.values() {
            prop_assert_eq!(index.of_pending(pod), reordered.of_pending(pod));
            prop_assert_eq!(index.of_leaving(pod), reordered.of_leaving(pod));
        }
    }

    /// Uniting and pruning change how places are said, never which machines they allow.
    #[test]
    fn a_machine_will_do_if_it_will_do_for_each_volume(cluster in clusters()) {
        let unsupported = Unsupported::default();
        let snapshot = cluster.0.snapshot();
        let index = VolumeIndex::of(&snapshot, &unsupported);
        for pod in snapshot.pods.values() {
            let Ok(volumes) = index.of_pending(pod) else { continue };
            for machine in machines() {
                let alone = claim_names(pod).into_iter().all(|claim| {
                    let claim = index.claim(pod, &claim).expect("a pod that is let in has its claims");
                    let spec = claim.object.spec.as_ref().expect("claims of stories have a spec");
                    let raw = raw_places(&cluster, spec);
                    suits(&machine, &raw)
                });
                prop_assert_eq!(suits(&machine, &volumes.places), alone, "{}: {:?}", machine, volumes.places);
            }
        }
    }
}

/// Where a claim's volume can be used, read from the manifests term by term.
fn raw_places(cluster: &Cluster, spec: &PersistentVolumeClaimSpec) -> Vec<Requirements> {
    if let Some(pv) = bound_to(spec) {
        let volume = cluster.0.persistent_volumes.iter().find(|v| name(&v.metadata) == pv).expect("a volume");
        let affinity = volume.spec.as_ref().and_then(|s| s.node_affinity.as_ref()?.required.as_ref());
        let terms = affinity.into_iter().flat_map(|r| &r.node_selector_terms);
        return terms.map(|t| crate::selection::term(t).expect("a readable term")).collect();
    }
    let terms = cluster.0.storage_classes[0].allowed_topologies.iter().flatten();
    let place = |t: &TopologySelectorTerm| {
        let expressions = t.match_label_expressions.iter().flatten();
        expressions.map(|e| (&e.key, Requirement::any_of(e.values.iter().map(String::as_str)))).collect()
    };
    terms.map(place).collect()
}

//! Whatever is told in whatever order, what is known in the end is what a cluster knows that was told the outcome alone.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    Pod { name: u8, uid: u8, node: Option<u8>, phase: u8 },
    Node { name: u8, machine: Option<u8> },
    Claim { name: u8, machine: Option<u8>, node: Option<u8> },
    Gone { kind: Kind, name: u8 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let some = || prop::option::of(0_u8..3);
    prop_oneof![
        4 => (0_u8..5, 0_u8..2, some(), 0_u8..3).prop_map(|(name, uid, node, phase)| Happening::Pod { name, uid, node, phase }),
        2 => (0_u8..3, some()).prop_map(|(name, machine)| Happening::Node { name, machine }),
        2 => (0_u8..3, some(), some()).prop_map(|(name, machine, node)| Happening::Claim { name, machine, node }),
        3 => (prop::sample::select(vec![Kind::Pod, Kind::Node, Kind::NodeClaim]), 0_u8..5)
            .prop_map(|(kind, name)| Happening::Gone { kind, name }),
    ]
}

fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("a readable manifest")
}

fn object(happening: &Happening) -> Option<Object> {
    let machine = |m: &Option<u8>| m.map(|m| format!("machine-{m}"));
    Some(match happening {
        Happening::Pod { name, uid, node, phase } => {
            let metadata = json!({"name": format!("{name}"), "namespace": "default", "uid": format!("{name}-{uid}")});
            let phase = ["Pending", "Running", "Succeeded"][usize::from(*phase)];
            let spec = json!({"nodeName": node.map(|n| n.to_string()), "containers": []});
            Object::Pod(read(json!({"metadata": metadata, "spec": spec, "status": {"phase": phase}})))
        }
        Happening::Node { name, machine: m } => {
            Object::Node(read(json!({"metadata": {"name": name.to_string()}, "spec": {"providerID": machine(m)}})))
        }
        Happening::Claim { name, machine: m, node } => Object::NodeClaim(read(json!({
            "metadata": {"name": name.to_string()},
            "spec": {"requirements": [], "nodeClassRef": {"group": "g", "kind": "k", "name": "n"}},
            "status": {"providerID": machine(m), "nodeName": node.map(|n| n.to_string())},
        }))),
        Happening::Gone { .. } => return None,
    })
}

fn gone(kind: Kind, name: u8) -> ObjectKey {
    let name = if kind == Kind::Pod { format!("default/{name}") } else { name.to_string() };
    ObjectKey::named(kind, name)
}

/// Who belongs to whom, in words.
fn links(cluster: &Cluster) -> Vec<String> {
    let links = &cluster.snapshot().links;
    let of = |what: &str, shelf: &Shelf<Vec<Arc<str>>>| -> Vec<String> {
        shelf.iter().map(|(at, names)| format!("{what} {at}: {names:?}")).collect()
    };
    let bound = links.bound.iter().map(|(node, pods)| {
        let pods: Vec<_> = pods.values().map(|pod| (&*pod.name, &*pod.uid, pod.node.as_deref())).collect();
        format!("on {node}: {pods:?}")
    });
    let waiting = links.waiting.iter().map(|(name, pod)| format!("waits: {name} {}", pod.uid));
    let rest = [
        of("nodes of", &links.nodes_of_machine),
        of("claims of", &links.claims_of_machine),
        of("claims of node", &links.claims_of_node),
    ];
    bound.chain(waiting).chain(rest.concat()).collect()
}

proptest! {
    #[test]
    fn the_order_of_the_past_leaves_no_trace(past in prop::collection::vec(happening(), 0..60)) {
        let (mut lived, mut told) = (Cluster::default(), Cluster::default());
        let mut outcome: BTreeMap<ObjectKey, Object> = BTreeMap::new();
        for happening in &past {
            match (object(happening), happening) {
                (Some(object), _) => {
                    outcome.insert(object.key(), object.clone());
                    lived.apply(object, Timestamp::UNIX_EPOCH);
                }
                (None, Happening::Gone { kind, name }) => {
                    let key = gone(*kind, *name);
                    let known = outcome.remove(&key).is_some();
                    prop_assert_eq!(lived.delete(&key, Timestamp::UNIX_EPOCH).is_some(), known);
                }
                _ => {}
            }
        }
        for object in outcome.values().rev() {
            told.apply(object.clone(), Timestamp::UNIX_EPOCH);
        }
        prop_assert_eq!(links(&lived), links(&told));
        // And a list of everything there is changes nothing.
        for kind in [Kind::Pod, Kind::Node, Kind::NodeClaim] {
            lived.list_begins(kind);
            for object in outcome.values().filter(|o| o.kind() == kind) {
                lived.apply(object.clone(), Timestamp::UNIX_EPOCH);
            }
            prop_assert_eq!(lived.list_ends(kind, Timestamp::UNIX_EPOCH).len(), 0);
        }
        prop_assert_eq!(links(&lived), links(&told));
        // Nothing stays behind of a cluster that is gone.
        for key in outcome.keys() {
            lived.delete(key, Timestamp::UNIX_EPOCH);
        }
        prop_assert_eq!(links(&lived), Vec::<String>::new());
        prop_assert!(lived.snapshot().memory.pod_times.is_empty());
    }
}

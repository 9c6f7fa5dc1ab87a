//! The API server in memory, as a controller meets it.

use super::*;
use serde_json::json;

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).expect("a time in range")
}

fn object(kind: Kind, value: Value) -> Object {
    Object::from_json(kind, value).expect("a readable object")
}

/// A server with a node `n` that somebody holds.
fn server() -> (ApiServer, ObjectKey) {
    let mut server = ApiServer::default();
    let node = object(Kind::Node, json!({"metadata": {"name": "n", "finalizers": ["a", "b"]}, "spec": {}}));
    let node = server.create(node, second(1)).expect("a new node");
    (server, node.key())
}

fn pod(server: &mut ApiServer, name: &str, more: Value) -> ObjectKey {
    let mut value = json!({
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [], "nodeName": "n", "terminationGracePeriodSeconds": 60},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    });
    merge(Some(&mut value), &more);
    server.create(object(Kind::Pod, value), second(1)).expect("a new pod").key()
}

fn fault<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Fault {
    result.expect_err("a refusal").fault
}

fn patch(body: Value) -> Patch {
    Patch { status: false, body }
}

#[test]
fn objects_get_uids_versions_and_generations() {
    let (mut server, key) = server();
    let first = server.get(&key).expect("it is there").metadata().clone();
    assert_eq!((first.generation, first.resource_version.as_deref()), (Some(1), Some("1")));
    server.patch(&key, &patch(json!({"metadata": {"labels": {"x": "y"}}}))).expect("a change");
    server.patch(&key, &patch(json!({"spec": {"unschedulable": true}}))).expect("a change");
    server.patch(&key, &patch(json!({"spec": {"unschedulable": true}}))).expect("no change");
    let last = server.get(&key).expect("it is there").metadata();
    assert_eq!((last.generation, last.resource_version.as_deref()), (Some(2), Some("3")));
    assert_eq!(last.uid, first.uid);
    let again = object(Kind::Node, json!({"metadata": {"name": "n"}}));
    assert_eq!(fault(server.create(again, second(2))), Fault::Exists);
    assert_eq!(server.take_news().len(), 3);
}

#[test]
fn a_patch_changes_the_status_or_the_rest_and_only_what_it_means() {
    let (mut server, key) = server();
    let body = json!({"spec": {"unschedulable": true}, "status": {"phase": "Running"}});
    server.patch(&key, &Patch { status: true, body }).expect("a change");
    let Some(Object::Node(node)) = server.get(&key) else { panic!("a node") };
    assert_eq!(node.spec.as_ref().and_then(|spec| spec.unschedulable), None);
    assert_eq!(node.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Running"));
    assert_eq!(fault(server.patch(&key, &patch(json!({"metadata": {"uid": "other"}})))), Fault::NotFound);
    assert_eq!(fault(server.patch(&key, &patch(json!({"metadata": {"resourceVersion": "1"}})))), Fault::Conflict);
    server
        .patch(&key, &patch(json!({"metadata": {"resourceVersion": "2"}, "spec": {"podCIDR": "x"}})))
        .expect("a change");
    assert_eq!(fault(server.patch(&key, &patch(json!({"spec": {"taints": 7}})))), Fault::Invalid);
}

#[test]
fn an_object_goes_when_nobody_holds_it_and_takes_along_what_it_owns() {
    let (mut server, key) = server();
    let uid = server.get(&key).expect("it is there").metadata().uid.clone().expect("a UID");
    let owner =
        json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": uid}]}});
    let owned = pod(&mut server, "owned", owner);
    server.delete(&key, &Delete::default(), second(5)).expect("it is told to go");
    server.patch(&key, &patch(json!({"metadata": {"finalizers": ["b"]}}))).expect("it is held by one less");
    assert!(server.get(&key).is_some());
    assert!(server.patch(&key, &patch(json!({"metadata": {"finalizers": []}}))).expect("nobody holds it").is_none());
    assert!(server.get(&key).is_none());
    assert!(server.get(&owned).expect("it ends in its own time").metadata().deletion_timestamp.is_some());
    assert_eq!(fault(server.delete(&key, &Delete::default(), second(6))), Fault::NotFound);
}

#[test]
fn a_pod_has_its_time_to_end_and_can_only_be_given_less() {
    let (mut server, _) = server();
    let key = pod(&mut server, "web", json!({}));
    let mut ends = |grace| {
        let delete = Delete { grace_period_seconds: grace, ..Delete::default() };
        let left = server.delete(&key, &delete, second(100)).expect("it is there")?;
        left.metadata().deletion_timestamp.as_ref().map(|time| time.0.as_second())
    };
    assert_eq!(ends(None), Some(160));
    assert_eq!(ends(Some(90)), Some(160));
    assert_eq!(ends(Some(7)), Some(107));
    assert_eq!(ends(Some(0)), None, "gone at once");
    let waiting = pod(&mut server, "waiting", json!({"spec": {"nodeName": null}}));
    assert!(server.delete(&waiting, &Delete::default(), second(100)).expect("it is there").is_none());
}

#[test]
fn evictions_keep_to_disruption_budgets() {
    let (mut server, _) = server();
    let budget = |name: &str, spec: Value| {
        let mut spec = spec;
        spec["selector"] = json!({"matchLabels": {"app": "web"}});
        object(Kind::PodDisruptionBudget, json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec}))
    };
    server.create(budget("a", json!({"minAvailable": "60%"})), second(1)).expect("a budget");
    let pods: Vec<_> = (0..4).map(|n| pod(&mut server, &format!("web-{n}"), json!({}))).collect();
    // three of four must be there
    assert_eq!(server.spares(), [("a".to_owned(), 1)]);
    server.evict(&pods[0], &Eviction::default(), second(2)).expect("one may go");
    assert_eq!(fault(server.evict(&pods[1], &Eviction::default(), second(2))), Fault::Throttled);
    server.evict(&pods[0], &Eviction::default(), second(2)).expect("it goes already");
    // one that ends is not counted as healthy until it is replaced
    server.remove(&pods[0], second(3));
    pod(&mut server, "web-4", json!({}));
    server.evict(&pods[1], &Eviction::default(), second(4)).expect("one more may go");
    server.create(budget("b", json!({"maxUnavailable": 4})), second(5)).expect("a budget");
    let several = server.evict(&pods[2], &Eviction::default(), second(6)).expect_err("two budgets");
    assert_eq!(several.code, 500);
    let other = Eviction { uid: "other".into(), ..Eviction::default() };
    assert_eq!(fault(server.evict(&pods[2], &other, second(6))), Fault::NotFound);
}

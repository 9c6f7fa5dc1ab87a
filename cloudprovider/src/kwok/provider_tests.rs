//! The provider's contract, kept with Node objects in memory.

use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Nodes in memory; those to come with how long they still take.
#[derive(Default)]
struct Memory {
    there: Mutex<BTreeMap<String, Node>>,
    coming: Mutex<BTreeMap<String, (Node, Duration)>>,
    delay: &'static str,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn at_once<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(async move { Ok(value) })
}

impl Nodes for Memory {
    fn join(&self, node: Node, after: Duration) -> Answer<'_, ()> {
        let name = node.metadata.name.clone().expect("a name");
        if after.is_zero() {
            lock(&self.there).entry(name).or_insert(node);
        } else {
            lock(&self.coming).entry(name).or_insert((node, after));
        }
        at_once(())
    }

    fn remove<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        lock(&self.there).remove(name);
        lock(&self.coming).remove(name);
        at_once(())
    }

    fn get<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Node>> {
        let coming = || lock(&self.coming).get(name).map(|(node, _)| node.clone());
        at_once(lock(&self.there).get(name).cloned().or_else(coming))
    }

    fn list(&self) -> Answer<'_, Vec<Node>> {
        let coming = lock(&self.coming).values().map(|(node, _)| node.clone()).collect::<Vec<_>>();
        at_once(lock(&self.there).values().cloned().chain(coming).collect())
    }

    fn class<'a>(&'a self, name: &'a str) -> Answer<'a, Option<KWOKNodeClass>> {
        let class = json!({
            "apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass",
            "metadata": {"name": name}, "spec": {"nodeRegistrationDelay": self.delay},
        });
        at_once((name == "default").then(|| serde_json::from_value(class).expect("a class")))
    }

    fn set_boot_id<'a>(&'a self, name: &'a str, boot_id: String) -> Answer<'a, ()> {
        let mut there = lock(&self.there);
        let status = there.get_mut(name).expect("a node").status.get_or_insert_default();
        status.node_info.get_or_insert_default().boot_id = boot_id;
        at_once(())
    }
}

/// What comes of a call, all of whose parts answer at once.
fn now<T>(answer: impl Future<Output = T>) -> T {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here takes time"),
    }
}

fn provider(delay: &'static str) -> KwokProvider<Memory> {
    let types = json!([{
        "name": "c-2x", "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"},
        "offerings": [{"Price": 0.1, "Requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]},
        ]}],
    }]);
    let catalogue = super::super::read(&types.to_string()).expect("a catalogue");
    KwokProvider::new(catalogue, Memory { delay, ..Memory::default() })
}

fn claim(class: &str) -> NodeClaim {
    serde_json::from_value(json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": "a", "uid": "u1"},
        "spec": {"requirements": [], "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": class}},
    }))
    .expect("a claim")
}

#[test]
fn a_machine_is_bought_once_seen_and_ended() {
    let provider = provider("0s");
    let mut bought = claim("default");
    bought.status = now(provider.create(&bought)).expect("bought").status;
    let id = "kwok://kwok-a-u1";
    assert_eq!(now(provider.create(&bought)).expect("the same").status, bought.status);
    assert_eq!(now(provider.list()).expect("a list").len(), 1);
    assert_eq!(now(provider.get(id)).expect("it is there").status, bought.status);
    now(provider.reboot(&bought, "op-7")).expect("restarted");
    let boot_id = |node: &Node| node.status.as_ref()?.node_info.as_ref().map(|info| info.boot_id.clone());
    assert_eq!(boot_id(&lock(&provider.nodes().there)["kwok-a-u1"]).as_deref(), Some("kwok-op-7"));
    // and it is gone as soon as it is told to go, however often that is said
    for _ in 0..2 {
        assert!(now(provider.delete(&bought)).expect_err("gone").is_node_claim_not_found());
    }
    assert!(now(provider.get(id)).expect_err("gone").is_node_claim_not_found());
    assert!(now(provider.get("aws:///i-1")).expect_err("not ours").is_node_claim_not_found());
    assert!(now(provider.reboot(&bought, "op-8")).expect_err("gone").is_node_claim_not_found());
}

#[test]
fn a_machine_whose_node_is_going_is_gone() {
    let provider = provider("0s");
    now(provider.create(&claim("default"))).expect("bought");
    let time = Some(Time(Timestamp::UNIX_EPOCH));
    lock(&provider.nodes().there).get_mut("kwok-a-u1").expect("it is there").metadata.deletion_timestamp = time;
    assert!(now(provider.get("kwok://kwok-a-u1")).expect_err("gone").is_node_claim_not_found());
    let listed = now(provider.list()).expect("a list");
    assert!(listed[0].metadata.deletion_timestamp.is_some());
}

#[test]
fn a_machine_that_has_not_joined_is_there_and_can_be_called_off() {
    let provider = provider("30s");
    let bought = claim("default");
    now(provider.create(&bought)).expect("bought");
    assert!(lock(&provider.nodes().there).is_empty());
    assert_eq!(now(provider.list()).expect("a list").len(), 1);
    now(provider.get("kwok://kwok-a-u1")).expect("it is on its way");
    now(provider.delete(&bought)).expect_err("gone");
    assert_eq!(now(provider.list()).expect("a list").len(), 0);
}

#[test]
fn a_machine_joins_although_the_controller_was_killed_before_it_did() {
    // given a claim that was launched by a controller that is no more
    let mut launched = claim("default");
    launched.status = now(provider("30s").create(&launched)).expect("bought").status;
    // when the next one takes over twenty seconds later
    let provider = provider("30s");
    now(provider.resume(&launched, Duration::from_secs(20))).expect("it goes on");
    // then ten are left
    assert_eq!(lock(&provider.nodes().coming)["kwok-a-u1"].1, Duration::from_secs(10));
    // and a claim that was never launched is not
    now(provider.resume(&claim("default"), Duration::ZERO)).expect("nothing to do");
    assert_eq!(lock(&provider.nodes().coming).len(), 1);
}

#[test]
fn a_class_that_is_not_there_sells_nothing() {
    let error = now(provider("0s").create(&claim("missing"))).expect_err("no class");
    assert!(error.discards_claim(), "{error}");
}

//! Simulated machines on an API server that keeps Nodes in a map.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use serde_json::Value;

use super::*;

type Store = Arc<Mutex<BTreeMap<String, Value>>>;

fn status(code: u16) -> (StatusCode, String) {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "message": "no", "reason": if code == 404 { "NotFound" } else { "AlreadyExists" }});
    (StatusCode::from_u16(code).expect("a code"), body.to_string())
}

fn server(store: &Store) -> Client {
    let list = |State(store): State<Store>| async move {
        let items: Vec<Value> = store.lock().expect("no panic").values().cloned().collect();
        json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": items}).to_string()
    };
    let create = |State(store): State<Store>, body: String| async move {
        let node: Value = serde_json::from_str(&body).expect("JSON");
        let name = node["metadata"]["name"].as_str().expect("a name").to_owned();
        let mut store = store.lock().expect("no panic");
        if store.contains_key(&name) {
            return status(409);
        }
        store.insert(name, node.clone());
        (StatusCode::CREATED, body)
    };
    let read = |State(store): State<Store>, Path(name): Path<String>| async move {
        store
            .lock()
            .expect("no panic")
            .get(&name)
            .map_or_else(|| status(404), |node| (StatusCode::OK, node.to_string()))
    };
    let remove = |State(store): State<Store>, Path(name): Path<String>| async move {
        store
            .lock()
            .expect("no panic")
            .remove(&name)
            .map_or_else(|| status(404), |node| (StatusCode::OK, node.to_string()))
    };
    let router = Router::new()
        .route("/api/v1/nodes", get(list).post(create))
        .route("/api/v1/nodes/{name}", get(read).merge(delete(remove)))
        .with_state(Arc::clone(store));
    Client::new(router, "default")
}

fn node(name: &str) -> Node {
    let mut node = Node::default();
    node.metadata.name = Some(name.to_owned());
    node
}

fn on_a_runtime<F: std::future::Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

fn names(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter_map(|node| node.metadata.name.as_deref()).collect()
}

#[test]
fn a_machine_without_delay_is_there_at_once_and_to_launch_it_twice_is_to_launch_it_once() {
    on_a_runtime(async {
        let store = Store::default();
        let nodes = ClusterNodes::new(server(&store));
        nodes.join(node("a"), Duration::ZERO).await.expect("it joins");
        nodes.join(node("a"), Duration::ZERO).await.expect("it is there");
        assert_eq!(names(&nodes.list().await.expect("a list")), ["a"]);
        nodes.remove("a").await.expect("it goes");
        nodes.remove("a").await.expect("it is gone");
        assert!(nodes.get("a").await.expect("an answer").is_none());
    });
}

#[test]
fn a_machine_with_a_delay_is_known_before_it_joins() {
    on_a_runtime(async {
        let store = Store::default();
        let nodes = ClusterNodes::new(server(&store));
        let delay = Duration::from_millis(30);
        nodes.join(node("late"), delay).await.expect("it is ordered");
        nodes.join(node("never"), delay).await.expect("it is ordered");
        assert!(store.lock().expect("no panic").is_empty());
        assert_eq!(names(&nodes.list().await.expect("a list")), ["late", "never"]);
        assert!(nodes.get("late").await.expect("an answer").is_some());
        nodes.remove("never").await.expect("it goes before it came");
        tokio::time::sleep(delay * 4).await;
        let joined: Vec<String> = store.lock().expect("no panic").keys().cloned().collect();
        assert_eq!(joined, ["late"]);
        assert!(nodes.waiting.change(|waiting| waiting.is_empty()));
    });
}

#[test]
fn a_file_of_types_that_makes_no_sense_is_named() {
    on_a_runtime(async {
        let read = |file: &str| {
            let variable = |name: &str| (name == "INSTANCE_TYPES_FILE_PATH").then(|| file.to_owned());
            Settings::read(&crate::settings::Flags::default(), variable).expect("settings").settings
        };
        let client = || server(&Store::default());
        let error = cloud(&read("nowhere.json"), client()).await.err().expect("there is no such file");
        assert!(error.contains("nowhere.json") && error.contains("--instance-types-file-path"), "{error}");
        let usual = cloud(&read(""), client()).await.expect("the generated list");
        assert_eq!(usual.provider.name(), "kwok");
        assert!(usual.node_labels.iter().any(|label| label == "karpenter.sh/nodepool"));
        assert!(
            !usual.node_labels.iter().any(|label| label.starts_with("karpenter.k8s.aws/")),
            "no label of another cloud"
        );
    });
}

#[test]
fn only_what_was_launched_and_has_not_joined_is_resumed() {
    let claim = |conditions: &[(&str, &str)]| {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status)| {
                json!({"type": kind, "status": status, "reason": kind, "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"})
            })
            .collect();
        let spec = json!({"nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "x"},
            "requirements": []});
        let claim = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": "c"}, "spec": spec,
            "status": {"conditions": conditions}});
        serde_json::from_value::<NodeClaim>(claim).expect("a claim")
    };
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
    assert_eq!(launched_at(&claim(&[("Launched", "True"), ("Registered", "Unknown")])), Some(start));
    assert_eq!(launched_at(&claim(&[("Launched", "True"), ("Registered", "True")])), None);
    assert_eq!(launched_at(&claim(&[("Launched", "Unknown")])), None);
}

//! Actions against an API server that is a handful of canned answers, and a provider that is slow or broken.

use dovetail_api::node_claim::NodeClaim;
use dovetail_api::node_pool::NodePool;
use dovetail_cloudprovider::errors::ProviderError;
use dovetail_cloudprovider::provider::{Answer, NodeClassKind};
use dovetail_cloudprovider::repair::RepairPolicy;
use dovetail_engine::action::{ActionId, Eviction, Patch};
use dovetail_engine::cluster::{Kind, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::*;
use crate::metrics::Shape;

/// A provider whose every call goes wrong in its own way.
struct Broken;

impl CloudProvider for Broken {
    fn create<'a>(&'a self, _: &'a NodeClaim) -> Answer<'a, NodeClaim> {
        Box::pin(async { Err(ProviderError::InsufficientCapacity("none left".into())) })
    }
    fn delete<'a>(&'a self, _: &'a NodeClaim) -> Answer<'a, ()> {
        Box::pin(async { panic!("a bug in a provider") })
    }
    fn get<'a>(&'a self, _: &'a str) -> Answer<'a, NodeClaim> {
        Box::pin(std::future::pending())
    }
    fn list(&self) -> Answer<'_, Vec<NodeClaim>> {
        Box::pin(async { Ok(vec![]) })
    }
    fn instance_types<'a>(
        &'a self,
        _: &'a NodePool,
    ) -> Answer<'a, Arc<[Arc<dovetail_scheduler::instance_type::InstanceType>]>> {
        Box::pin(async { Err(ProviderError::other("down")) })
    }
    fn is_drifted<'a>(&'a self, _: &'a NodeClaim) -> Answer<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }
    fn repair_policies(&self) -> Vec<RepairPolicy> {
        vec![]
    }
    fn reboot<'a>(&'a self, _: &'a NodeClaim, _: &'a str) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    fn name(&self) -> &'static str {
        "broken"
    }
    fn supported_node_classes(&self) -> &'static [NodeClassKind] {
        &[]
    }
}

/// An API server that answers by the name of the object, and counts what it was asked.
fn server(asked: Arc<Mutex<Vec<String>>>) -> Client {
    use axum::http::{Request, StatusCode};
    use axum::response::IntoResponse;
    let answer = move |request: Request<axum::body::Body>| {
        let asked = Arc::clone(&asked);
        async move {
            let path = request.uri().path().to_owned();
            asked.lock().expect("no panic").push(format!("{} {path}", request.method()));
            let refusal = |code: u16, message: &str| {
                let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "code": code, "message": message, "reason": ""});
                (StatusCode::from_u16(code).expect("a code"), status.to_string()).into_response()
            };
            match path.rsplit('/').find(|part| !["status", "eviction"].contains(part)).unwrap_or_default() {
                "gone" => refusal(404, "not found"),
                "changed" => refusal(409, "the object has been modified"),
                "guarded" => refusal(429, "Cannot evict pod as it would violate the pod's disruption budget."),
                "slow" => std::future::pending().await,
                "odd" => "{\"kind\":\"Node\",\"metadata\":17}".into_response(),
                name => json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "resourceVersion": "8",
                    "managedFields": [{"manager": "x"}]}})
                .to_string()
                .into_response(),
            }
        }
    };
    Client::new(axum::Router::new().fallback(answer), "default")
}

struct Bed {
    executor: Arc<Executor>,
    asked: Arc<Mutex<Vec<String>>>,
    sender: mpsc::Sender<Event>,
    outcomes: mpsc::Receiver<Event>,
}

fn bed(leadership: Leadership, pace: Option<Pace>) -> Bed {
    let asked = Arc::default();
    let (sender, outcomes) = mpsc::channel(100);
    let executor = Executor {
        client: server(Arc::clone(&asked)),
        provider: Arc::new(Broken),
        leadership,
        pace: pace.map(Mutex::new),
        write_patience: Duration::from_millis(200),
        metrics: Arc::new(Metrics::new(&Shape::default()).expect("the table is sound")),
        start: Instant::now(),
    };
    Bed { executor: Arc::new(executor), asked, sender, outcomes }
}

impl Bed {
    async fn perform(&mut self, about: Subject, effect: Effect) -> Outcome {
        let action = Action { id: ActionId(7), about, effect };
        Arc::clone(&self.executor).perform(action, self.sender.clone()).await;
        match self.outcomes.try_recv() {
            Ok(Event::Finished { id: ActionId(7), outcome }) => outcome,
            other => panic!("exactly one outcome: {other:?}"),
        }
    }

    async fn patch(&mut self, node: &str) -> Outcome {
        let metadata = ObjectMeta { uid: Some("u1".into()), ..ObjectMeta::default() };
        let patch = Patch::of(&metadata, json!({"metadata": {"labels": {"a": "b"}}}));
        self.perform(Subject::named(Kind::Node, node), Effect::Patch(patch)).await
    }

    fn metrics(&self) -> String {
        self.executor.metrics.text().expect("text")
    }
}

fn on_a_runtime<F: std::future::Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

fn fault_of(outcome: &Outcome) -> Fault {
    outcome.api_error().expect("a refusal").fault
}

#[test]
fn a_write_ends_with_the_object_as_it_became() {
    on_a_runtime(async {
        let mut bed = bed(Leadership::always(), None);
        let Outcome::Written(Ok(Some(object))) = bed.patch("a").await else { panic!("it was written") };
        assert_eq!(object.metadata().resource_version.as_deref(), Some("8"));
        assert!(object.metadata().managed_fields.is_none());
        assert_eq!(*bed.asked.lock().expect("no panic"), ["PATCH /api/v1/nodes/a"]);
        let text = bed.metrics();
        assert!(text.contains("client_go_request_total{code=\"200\",method=\"PATCH\"} 1"), "{text}");
        assert!(text.contains("dovetail_actions_total{action=\"patch\",outcome=\"ok\"} 1"));
        assert!(text.contains("dovetail_actions_under_way{action=\"patch\"} 0"));
    });
}

#[test]
fn refusals_and_silence_are_told_for_what_they_are() {
    on_a_runtime(async {
        let mut bed = bed(Leadership::always(), None);
        assert_eq!(fault_of(&bed.patch("gone").await), Fault::NotFound);
        assert_eq!(fault_of(&bed.patch("changed").await), Fault::Conflict);
        assert_eq!(fault_of(&bed.patch("slow").await), Fault::Timeout, "it may have happened all the same");
        assert!(matches!(bed.patch("odd").await, Outcome::Written(Ok(None))), "written, and not understood");
        let eviction = Eviction { uid: "u1".into(), ..Eviction::default() };
        let outcome = bed.perform(Subject::named(Kind::Pod, "web/guarded"), Effect::Evict(eviction)).await;
        assert_eq!((fault_of(&outcome), outcome.api_error().map(|e| e.code)), (Fault::Throttled, Some(429)));
        let asked = bed.asked.lock().expect("no panic").clone();
        assert_eq!(asked.len(), 5, "each was sent once, a refusal for a budget too: {asked:?}");
        assert_eq!(asked[4], "POST /api/v1/namespaces/web/pods/guarded/eviction");
    });
}

#[test]
fn who_does_not_lead_writes_nothing_but_may_look() {
    on_a_runtime(async {
        let (_teller, leadership) = Leadership::told();
        let mut bed = bed(leadership, None);
        assert!(matches!(bed.patch("a").await, Outcome::GivenUp));
        let launch = Effect::Launch(Box::new(NodeClaim::new("c", Default::default())));
        assert!(matches!(bed.perform(Subject::named(Kind::NodeClaim, "c"), launch).await, Outcome::GivenUp));
        assert!(bed.asked.lock().expect("no panic").is_empty());
        assert!(matches!(bed.perform(Subject::Cluster, Effect::ListMachines).await, Outcome::Machines(Ok(_))));
    });
}

#[test]
fn who_loses_the_lease_while_a_write_waits_for_its_turn_does_not_send_it() {
    on_a_runtime(async {
        let (teller, leadership) = Leadership::told();
        teller.send_replace(Some(Instant::now() + Duration::from_millis(50)));
        let mut bed = bed(leadership, Some(Pace::new(5, 1)));
        assert!(bed.patch("a").await.is_ok());
        assert!(matches!(bed.patch("b").await, Outcome::GivenUp), "its turn came after 200 ms, the lease ended before");
        assert_eq!(bed.asked.lock().expect("no panic").len(), 1);
    });
}

#[test]
fn a_provider_that_fails_or_breaks_off_ends_one_action_only() {
    on_a_runtime(async {
        let mut bed = bed(Leadership::always(), None);
        let claim = || Box::new(NodeClaim::new("c", Default::default()));
        let about = || Subject::named(Kind::NodeClaim, "c");
        let launched = bed.perform(about(), Effect::Launch(claim())).await;
        assert!(launched.provider_error().is_some_and(ProviderError::discards_claim));
        let terminated = bed.perform(about(), Effect::Terminate(claim())).await;
        assert!(matches!(terminated, Outcome::GivenUp), "a panic is told, not passed on");
        let text = bed.metrics();
        let line = "karpenter_cloudprovider_errors_total{controller=\"nodeclaim.lifecycle\",error=\"InsufficientCapacityError\",\
                    method=\"Create\",nodepool=\"\",provider=\"broken\"} 1";
        assert!(text.contains(line), "{text}");
    });
}

#[test]
fn a_provider_that_never_answers_is_given_up() {
    on_a_runtime(async {
        let metrics = Metrics::new(&Shape::default()).expect("the table is sound");
        let effect = Effect::Inspect { provider_id: "x".into() };
        let outcome = machines::ask(&Broken, &metrics, effect, Duration::from_millis(20)).await;
        let error = outcome.provider_error().expect("no answer").to_string();
        assert!(error.contains("Get of broken took longer than 20ms"), "{error}");
    });
}

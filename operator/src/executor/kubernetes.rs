//! Writes to the API server: the request that an effect means, and what an answer says. When and how fast they are sent is
//! decided by the executor.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use dovetail_engine::action::{ApiError, Delete, Effect, Eviction, Fault, Patch};
use dovetail_engine::cluster::{Kind, Object, ObjectKey, Subject};
use kube::Client;
use kube::api::{DeleteParams, Patch as Body, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::Request as Urls;
use serde_json::json;

use crate::kinds::{Typed, to_json, with_type};

/// The name under which fields are managed.
const MANAGER: &str = "karpenter";

type Answer = Pin<Box<dyn Future<Output = Result<Option<Object>, kube::Error>> + Send>>;

/// A request that is ready to be sent.
pub(super) struct Request {
    /// The HTTP method.
    pub(super) verb: &'static str,
    /// The subresource, empty for the object itself.
    pub(super) subresource: &'static str,
    /// What metrics say of it.
    pub(super) labels: Labels,
    /// Sends it.
    pub(super) send: Box<dyn FnOnce(Client) -> Answer + Send>,
}

/// Group, version and kind, as metrics show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Labels {
    /// The API group, empty for Kubernetes' core.
    pub(super) group: &'static str,
    /// The version.
    pub(super) version: &'static str,
    /// The kind.
    pub(super) kind: &'static str,
}

impl Labels {
    fn of(kind: Kind) -> Self {
        let (group, version) = kind.api_version().split_once('/').unwrap_or(("", kind.api_version()));
        Self { group, version, kind: kind.text() }
    }
}

/// The request that an effect on the API server means.
///
/// # Errors
/// If the effect makes no sense: it is about no object, or cannot be written as JSON.
pub(super) fn request(about: &Subject, effect: &Effect) -> Result<Request, ApiError> {
    let (verb, subresource, key, http) = match effect {
        Effect::Create(object) => {
            let key = object.key();
            let body = to_json(object).map_err(invalid)?;
            ("POST", "", key.clone(), urls(&key).create(&params(), body))
        }
        Effect::Patch(patch) => {
            let key = key(about)?;
            let subresource = if patch.status { "status" } else { "" };
            ("PATCH", subresource, key.clone(), patch_request(&key, patch))
        }
        Effect::Delete(delete) => {
            let key = key(about)?;
            ("DELETE", "", key.clone(), urls(&key).delete(key.short_name(), &delete_params(delete)))
        }
        Effect::Evict(eviction) => {
            let key = key(about)?;
            let body = serde_json::to_vec(&eviction_body(&key, eviction)).map_err(invalid)?;
            (
                "POST",
                "eviction",
                key.clone(),
                urls(&key).create_subresource("eviction", key.short_name(), &params(), body),
            )
        }
        _ => return Err(ApiError::new(Fault::Invalid, 0, "this is no write to the API server: a bug")),
    };
    let http = http.map_err(invalid)?;
    let kind = key.kind;
    let says_object = matches!(effect, Effect::Create(_) | Effect::Patch(_));
    let send: Box<dyn FnOnce(Client) -> Answer + Send> = Box::new(move |client| {
        if says_object {
            with_type!(kind, K => Box::pin(object::<K>(client, http)) as Answer)
        } else {
            Box::pin(nothing(client, http)) as Answer
        }
    });
    Ok(Request { verb, subresource, labels: Labels::of(kind), send })
}

/// Sends a request whose answer is the object.
async fn object<K: Typed>(client: Client, request: http::Request<Vec<u8>>) -> Result<Option<Object>, kube::Error> {
    match client.request::<K>(request).await {
        Ok(mut object) => {
            object.meta_mut().managed_fields = None;
            Ok(Some(object.into()))
        }
        // It has been written. That we cannot read what it became is no reason to write it again.
        Err(kube::Error::SerdeError(error)) => {
            tracing::error!(%error, kind = %K::kind(&()), "the API server's answer to a write was not understood");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Sends a request whose answer does not matter beyond whether it was granted: an object that is about to end, or a status.
async fn nothing(client: Client, request: http::Request<Vec<u8>>) -> Result<Option<Object>, kube::Error> {
    client.request_text(request).await.map(|_| None)
}

fn key(about: &Subject) -> Result<ObjectKey, ApiError> {
    about.object().cloned().ok_or_else(|| ApiError::new(Fault::Invalid, 0, "a write is about an object: a bug"))
}

fn urls(key: &ObjectKey) -> Urls {
    Urls::new(with_type!(key.kind, K => <K as kube::Resource>::url_path(&(), key.namespace())))
}

fn params() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

fn patch_request(key: &ObjectKey, patch: &Patch) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let body = Body::Merge(&patch.body);
    if patch.status {
        urls(key).patch_subresource("status", key.short_name(), &params, &body)
    } else {
        urls(key).patch(key.short_name(), &params, &body)
    }
}

fn delete_params(delete: &Delete) -> DeleteParams {
    let preconditions = Preconditions { uid: delete.uid.clone(), resource_version: delete.resource_version.clone() };
    let is_any = preconditions.uid.is_none() && preconditions.resource_version.is_none();
    DeleteParams {
        grace_period_seconds: delete.grace_period_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: (!is_any).then_some(preconditions),
        ..DeleteParams::default()
    }
}

fn eviction_body(key: &ObjectKey, eviction: &Eviction) -> serde_json::Value {
    let mut options = json!({ "preconditions": { "uid": eviction.uid } });
    if let Some(seconds) = eviction.grace_period_seconds {
        options["gracePeriodSeconds"] = json!(seconds);
    }
    json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": { "name": key.short_name(), "namespace": key.namespace() },
        "deleteOptions": options,
    })
}

fn invalid(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(Fault::Invalid, 0, error)
}

/// What a request that took too long ended with.
pub(super) fn timed_out(patience: Duration) -> ApiError {
    ApiError::new(Fault::Timeout, 0, format_args!("no answer from the API server within {patience:?}"))
}

/// What the API server's refusal means.
pub(super) fn api_error(error: &kube::Error, is_creation: bool) -> ApiError {
    match error {
        kube::Error::Api(status) => {
            ApiError::new(fault(status.code, &status.message, is_creation), status.code, &status.message)
        }
        kube::Error::Auth(error) => ApiError::new(Fault::Forbidden, 0, error),
        error => ApiError::new(Fault::Other, 0, error),
    }
}

fn fault(code: u16, message: &str, is_creation: bool) -> Fault {
    // Another object of that name: the one that was meant is gone.
    let is_of_uid = message.contains("UID") || message.contains("metadata.uid");
    match code {
        404 => Fault::NotFound,
        409 | 422 if is_of_uid => Fault::NotFound,
        409 if is_creation => Fault::Exists,
        409 => Fault::Conflict,
        429 => Fault::Throttled,
        408 | 504 => Fault::Timeout,
        400 | 405 | 413 | 415 | 422 => Fault::Invalid,
        401 | 403 => Fault::Forbidden,
        _ => Fault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_engine::action::Verb;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    fn pod(name: &str) -> Subject {
        Subject::named(Kind::Pod, name)
    }

    fn metadata() -> ObjectMeta {
        ObjectMeta { uid: Some("u1".into()), resource_version: Some("7".into()), ..ObjectMeta::default() }
    }

    #[test]
    fn an_effect_becomes_a_request_of_the_right_kind() {
        let claim = crate::kinds::NodeClaim::new("default-1", Default::default());
        let cases = [
            (Subject::Cluster, Effect::Create(claim.into()), "POST", "", "NodeClaim"),
            (pod("web/a"), Effect::Patch(Patch::of_status(&metadata(), json!({}))), "PATCH", "status", "Pod"),
            (Subject::named(Kind::Node, "n"), Effect::Patch(Patch::of(&metadata(), json!({}))), "PATCH", "", "Node"),
            (pod("web/a"), Effect::Delete(Delete::of(&metadata())), "DELETE", "", "Pod"),
            (
                pod("web/a"),
                Effect::Evict(Eviction { uid: "u1".into(), ..Eviction::default() }),
                "POST",
                "eviction",
                "Pod",
            ),
        ];
        for (about, effect, verb, subresource, kind) in cases {
            let request = request(&about, &effect).expect("it can be asked");
            assert_eq!((request.verb, request.subresource, request.labels.kind), (verb, subresource, kind));
        }
        assert!(request(&Subject::Cluster, &Effect::Delete(Delete::default())).is_err(), "about nothing");
        assert_eq!(request(&Subject::Cluster, &Effect::ListMachines).err().map(|e| e.fault), Some(Fault::Invalid));
        assert_eq!(Effect::ListMachines.verb(), Verb::ListMachines);
    }

    #[test]
    fn paths_name_group_namespace_and_object() {
        let path = |kind, name| {
            let key = ObjectKey::named(kind, name);
            let request =
                patch_request(&key, &Patch::of_status(&metadata(), json!({"phase": "x"}))).expect("a request");
            request.uri().path().to_owned()
        };
        assert_eq!(path(Kind::Pod, "web/a"), "/api/v1/namespaces/web/pods/a/status");
        assert_eq!(path(Kind::NodeClaim, "c"), "/apis/karpenter.sh/v1/nodeclaims/c/status");
        assert_eq!(path(Kind::CSINode, "n"), "/apis/storage.k8s.io/v1/csinodes/n/status");
    }

    #[test]
    fn what_must_not_hit_another_object_says_whom_it_means() {
        let delete = Delete { grace_period_seconds: Some(0), ..Delete::of(&metadata()) };
        let params = delete_params(&delete);
        assert_eq!(params.preconditions.and_then(|p| p.uid).as_deref(), Some("u1"));
        assert_eq!(params.grace_period_seconds, Some(0));
        assert!(delete_params(&Delete::default()).preconditions.is_none());
        let key = ObjectKey::named(Kind::Pod, "web/a");
        let body = eviction_body(&key, &Eviction { uid: "u1".into(), grace_period_seconds: Some(5) });
        assert_eq!(body.pointer("/deleteOptions/preconditions/uid"), Some(&json!("u1")));
        assert_eq!(body.pointer("/deleteOptions/gracePeriodSeconds"), Some(&json!(5)));
        assert_eq!(body.pointer("/metadata/namespace"), Some(&json!("web")));
    }

    #[test]
    fn refusals_are_told_apart_by_what_to_do() {
        for (code, message, is_creation, meant) in [
            (404, "pods \"a\" not found", false, Fault::NotFound),
            (409, "Operation cannot be fulfilled on nodes \"n\": the object has been modified", false, Fault::Conflict),
            (409, "Precondition failed: UID in precondition: x, UID in object meta: y", false, Fault::NotFound),
            (422, "metadata.uid: Invalid value: \"x\": field is immutable", false, Fault::NotFound),
            (409, "nodeclaims \"c\" already exists", true, Fault::Exists),
            (429, "Cannot evict pod as it would violate the pod's disruption budget.", false, Fault::Throttled),
            (422, "spec.taints: Invalid value", false, Fault::Invalid),
            (403, "forbidden", false, Fault::Forbidden),
            (504, "timeout", false, Fault::Timeout),
            (500, "This pod has more than one PodDisruptionBudget", false, Fault::Other),
        ] {
            assert_eq!(fault(code, message, is_creation), meant, "{code} {message}");
        }
    }
}

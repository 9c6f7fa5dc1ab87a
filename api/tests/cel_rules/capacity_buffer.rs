//! The rules of CapacityBuffer.

use serde_json::json;

use crate::{Rule, rule};

const KIND: &str = "CapacityBuffer";

pub(crate) fn rules() -> Vec<Rule> {
    let template = || ("spec.podTemplateRef", json!({ "name": "chunk" }));
    let scalable = || ("spec.scalableRef", json!({ "apiGroup": "apps", "kind": "Deployment", "name": "web" }));
    let replicas = || ("spec.replicas", json!(3));
    let limits = || ("spec.limits", json!({ "cpu": "10" }));

    let sized = "If podTemplateRef is set, replicas or limits must also be set";
    let either = "You must define either PodTemplateRef or ScalableRef, but not both";
    vec![
        rule(KIND, "spec", sized, vec![template(), replicas()], vec![template()]),
        rule(KIND, "spec", sized, vec![template(), limits()], vec![template(), ("spec.percentage", json!(10))]),
        rule(KIND, "spec", either, vec![scalable()], vec![template(), replicas(), scalable()]),
        // Neither is admitted too.
        rule(KIND, "spec", either, vec![], vec![template(), limits(), scalable()]),
    ]
}

//! Whether a node class can be used for a launch at this moment (spec aws-provider 5.1, 1.9).

use dovetail_api::conditions::launch_failure::NODE_CLASS_READINESS_UNKNOWN;
use dovetail_api::conditions::{self, FALSE, READY, TRUE};
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_cloudprovider::errors::ProviderError;

/// The class, if a machine may be launched with it. `name` is what the claim calls it.
///
/// # Errors
/// What throws the claim away or makes it wait, as the contract of providers has it.
pub fn usable<'a>(class: Option<&'a EC2NodeClass>, name: &str) -> Result<&'a EC2NodeClass, ProviderError> {
    let Some(class) = class else {
        return Err(ProviderError::InsufficientCapacity(format!("resolving NodeClass, EC2NodeClass {name} not found")));
    };
    if class.metadata.deletion_timestamp.is_some() {
        let text = format!("resolving NodeClass, EC2NodeClass {name} is terminating and counts as not found");
        return Err(ProviderError::InsufficientCapacity(text));
    }
    let status = class.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let ready = conditions::find(status, READY);
    match ready {
        Some(ready) if ready.status == FALSE => Err(ProviderError::NodeClassNotReady(ready.message.clone())),
        Some(ready) if ready.status == TRUE => {
            if ready.observed_generation == class.metadata.generation {
                return Ok(class);
            }
            Err(ProviderError::NodeClassNotReady(format!(
                "EC2NodeClass {name} has changed, and nobody has looked at it since"
            )))
        }
        _ => Err(ProviderError::Create {
            reason: NODE_CLASS_READINESS_UNKNOWN.to_owned(),
            message: format!("nobody knows yet whether EC2NodeClass {name} is ready"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::class;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use serde_json::json;

    fn with_ready(status: &str, observed: i64) -> EC2NodeClass {
        let ready = json!({"type": "Ready", "status": status, "reason": "x", "message": "SubnetsReady=False",
            "observedGeneration": observed, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        class(&json!({}), &json!({"conditions": [ready]}))
    }

    #[test]
    fn a_class_is_used_while_it_is_ready_as_it_stands() {
        assert!(usable(Some(&with_ready("True", 1)), "default").is_ok());
        let told = |class: &EC2NodeClass| usable(Some(class), "default").expect_err("it cannot be used");
        assert!(matches!(told(&with_ready("True", 0)), ProviderError::NodeClassNotReady(_)));
        assert_eq!(told(&with_ready("False", 1)).to_string(), "NodeClassRef not ready, SubnetsReady=False");
        assert_eq!(told(&with_ready("Unknown", 1)).launch_reason(), "NodeClassReadinessUnknown");
        assert_eq!(told(&class(&json!({}), &json!({}))).launch_reason(), "NodeClassReadinessUnknown");
    }

    #[test]
    fn a_class_that_is_gone_or_going_gives_the_claim_up() {
        assert!(usable(None, "default").expect_err("it is gone").discards_claim());
        let mut going = with_ready("True", 1);
        going.metadata.deletion_timestamp = Some(Time("2026-01-01T00:00:00Z".parse().expect("a time")));
        let told = usable(Some(&going), "default").expect_err("it is going");
        assert!(told.discards_claim() && told.to_string().contains("terminating"));
    }
}

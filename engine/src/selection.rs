//! Which nodes a pod accepts: node selector, node affinity and tolerations in the scheduler's terms.
//!
//! Pods that ask for what provisioning must not interfere with, or for what cannot be known of a node before it exists,
//! are refused here, with the words that users know (specification "scheduling" 2.6).

use dovetail_api::labels;
use dovetail_scheduler::problem::NodeSelection;
use dovetail_scheduler::requirement::{Operator, Requirement};
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::taint::{Comparison, Effect, Toleration};
use k8s_openapi::api::core::v1::{self as core, NodeSelectorRequirement, NodeSelectorTerm, PodSpec};

/// Why a pod's choice of nodes cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// The pod wants to stay off nodes that belong to a pool.
    #[error("configured to not run on a Karpenter provisioned node (requirement=karpenter.sh/nodepool DoesNotExist)")]
    NotForPools,
    /// Required node affinity that no node can meet.
    #[error("required node affinity has no term with matchExpressions, which matches no node: remove it or add a term")]
    NoTerm,
    /// A term selects by field.
    #[error("node selector term with matchFields is not supported")]
    MatchFields,
    /// A label that only the control plane may use.
    #[error("{0}")]
    RestrictedLabel(String),
    /// An operator, or the values it comes with.
    #[error("node affinity on {key}: {problem}")]
    Expression {
        /// The label key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The node selection of a pod. Terms that say nothing match no node and are left out, as Kubernetes does.
///
/// # Errors
/// When an expression cannot be read.
pub fn of_pod(spec: &PodSpec) -> Result<NodeSelection, SelectionError> {
    let affinity = spec.affinity.as_ref().and_then(|a| a.node_affinity.as_ref());
    let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
    let preferred = affinity.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_ref());
    Ok(NodeSelection {
        selector: Requirements::from_labels(spec.node_selector.iter().flatten()),
        required: match required {
            Some(required) => alternatives(&required.node_selector_terms)?,
            None => vec![],
        },
        preferred: preferred
            .into_iter()
            .flatten()
            .map(|p| Ok((p.weight, term(&p.preference)?)))
            .collect::<Result<_, SelectionError>>()?,
    })
}

/// What a pending pod asks for that provisioning cannot see to: every complaint once, in the order in which upstream makes
/// them.
pub fn check(spec: &PodSpec, selection: &NodeSelection) -> Vec<SelectionError> {
    let mut wrong = vec![];
    let mut add = |error: SelectionError| {
        if !wrong.contains(&error) {
            wrong.push(error);
        }
    };
    let shunned = |r: &Requirements| r.get(labels::NODEPOOL).is_some_and(|r| r.operator() == Operator::DoesNotExist);
    if selection.strict().iter().all(shunned) {
        add(SelectionError::NotForPools);
    }
    let restricted = |key: &str| {
        let refused = labels::is_restricted(labels::normalize(key)).err();
        refused.map(|error| SelectionError::RestrictedLabel(error.to_string()))
    };
    spec.node_selector.iter().flatten().filter_map(|(key, _)| restricted(key)).for_each(&mut add);
    let affinity = spec.affinity.as_ref().and_then(|a| a.node_affinity.as_ref());
    let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
    for term in required.iter().flat_map(|r| &r.node_selector_terms) {
        if term.match_fields.as_ref().is_some_and(|f| !f.is_empty()) {
            add(SelectionError::MatchFields);
        }
        term.match_expressions.iter().flatten().filter_map(|e| restricted(&e.key)).for_each(&mut add);
    }
    wrong
}

/// The terms, any one of which will do. A term that says nothing matches no node at all.
fn alternatives(terms: &[NodeSelectorTerm]) -> Result<Vec<Requirements>, SelectionError> {
    let says_something = |t: &&NodeSelectorTerm| {
        t.match_expressions.as_ref().is_some_and(|e| !e.is_empty())
            || t.match_fields.as_ref().is_some_and(|f| !f.is_empty())
    };
    let out: Vec<_> = terms.iter().filter(says_something).map(term).collect::<Result<_, _>>()?;
    if out.is_empty() { Err(SelectionError::NoTerm) } else { Ok(out) }
}

/// What a term asks of labels; fields are left aside.
pub(crate) fn term(term: &NodeSelectorTerm) -> Result<Requirements, SelectionError> {
    let mut out = Requirements::new();
    for expression in term.match_expressions.iter().flatten() {
        out.add(&expression.key, requirement(expression)?);
    }
    Ok(out)
}

fn requirement(expression: &NodeSelectorRequirement) -> Result<Requirement, SelectionError> {
    let error = |problem: String| SelectionError::Expression { key: expression.key.clone(), problem };
    let operator = Operator::parse(&expression.operator).ok_or_else(|| {
        error(format!("unknown operator {:?}: use In, NotIn, Exists, DoesNotExist, Gt or Lt", expression.operator))
    })?;
    let values = expression.values.as_deref().unwrap_or_default();
    if operator == Operator::In && values.is_empty() {
        return Err(error("operator In needs at least one value".to_owned()));
    }
    Requirement::new(operator, values).map_err(|e| error(e.to_string()))
}

/// A pod's tolerations. One with an effect or operator that Kubernetes does not know covers nothing.
pub fn tolerations(spec: &PodSpec) -> Vec<Toleration> {
    let mut out: Vec<Toleration> = spec.tolerations.iter().flatten().filter_map(toleration).collect();
    out.sort();
    out.dedup();
    out
}

fn toleration(toleration: &core::Toleration) -> Option<Toleration> {
    let comparison = match toleration.operator.as_deref() {
        None | Some("" | "Equal") => Comparison::Equal,
        Some("Exists") => Comparison::Exists,
        Some("Lt") => Comparison::Lt,
        Some("Gt") => Comparison::Gt,
        Some(_) => return None,
    };
    let effect = match toleration.effect.as_deref() {
        None | Some("") => None,
        Some(effect) => Some(Effect::parse(effect)?),
    };
    Some(Toleration {
        key: toleration.key.as_deref().unwrap_or_default().into(),
        comparison,
        value: toleration.value.as_deref().unwrap_or_default().into(),
        effect,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{Affinity, NodeAffinity, NodeSelector};

    fn selecting(terms: Vec<NodeSelectorTerm>) -> PodSpec {
        let required = NodeSelector { node_selector_terms: terms };
        let node_affinity =
            NodeAffinity { required_during_scheduling_ignored_during_execution: Some(required), ..Default::default() };
        PodSpec {
            affinity: Some(Affinity { node_affinity: Some(node_affinity), ..Default::default() }),
            ..Default::default()
        }
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> NodeSelectorRequirement {
        let values = (!values.is_empty()).then(|| values.iter().map(ToString::to_string).collect());
        NodeSelectorRequirement { key: key.into(), operator: operator.into(), values }
    }

    fn matching(expressions: Vec<NodeSelectorRequirement>) -> NodeSelectorTerm {
        NodeSelectorTerm { match_expressions: Some(expressions), ..Default::default() }
    }

    fn verdict(spec: &PodSpec) -> Result<(), String> {
        let selection = of_pod(spec).map_err(|e| e.to_string())?;
        check(spec, &selection).first().map_or(Ok(()), |e| Err(e.to_string()))
    }

    #[test]
    fn terms_are_alternatives_and_the_selector_holds_for_each() {
        let mut spec = selecting(vec![
            matching(vec![expression("team", "In", &["a"])]),
            matching(vec![expression("team", "NotIn", &["b"])]),
        ]);
        spec.node_selector = Some([("beta.kubernetes.io/arch".to_owned(), "arm64".to_owned())].into());
        let ways: Vec<String> = of_pod(&spec).expect("readable").strict().iter().map(ToString::to_string).collect();
        assert_eq!(
            ways,
            ["kubernetes.io/arch In [arm64], team In [a]", "kubernetes.io/arch In [arm64], team NotIn [b]"]
        );
    }

    #[test]
    fn a_pod_that_shuns_pools_is_left_alone() {
        let spec = selecting(vec![matching(vec![expression("karpenter.sh/nodepool", "DoesNotExist", &[])])]);
        assert!(verdict(&spec).expect_err("shuns pools").starts_with("configured to not run on a Karpenter"));
    }

    #[test]
    fn every_complaint_is_made_once() {
        let fields = || NodeSelectorTerm {
            match_fields: Some(vec![expression("metadata.name", "In", &["x"])]),
            match_expressions: Some(vec![expression("kubernetes.io/hostname", "In", &["x"])]),
        };
        let mut spec = selecting(vec![fields(), fields()]);
        spec.node_selector = Some([("karpenter.sh/initialized".to_owned(), "true".to_owned())].into());
        let selection = of_pod(&spec).expect("readable");
        let told: Vec<String> = check(&spec, &selection).iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("karpenter.sh/initialized"));
        assert_eq!(told[1], "node selector term with matchFields is not supported");
        assert!(told[2].contains("kubernetes.io/hostname"));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let fields = NodeSelectorTerm {
            match_fields: Some(vec![expression("metadata.name", "In", &["x"])]),
            ..Default::default()
        };
        assert_eq!(
            verdict(&selecting(vec![fields])),
            Err("node selector term with matchFields is not supported".into())
        );
        let host = selecting(vec![matching(vec![expression("kubernetes.io/hostname", "In", &["x"])])]);
        assert!(verdict(&host).is_err());
        let odd = selecting(vec![matching(vec![expression("size", "Gt", &["big"])])]);
        assert!(verdict(&odd).expect_err("not a number").contains("exactly one integer"));
    }
}

//! A plan as data for programs. Names and shapes are a contract; how a plan looks to people is not known here.

use std::collections::BTreeMap;

use dovetail_engine::provisioning::Round;
use dovetail_scheduler::instance_type::Overlaid;
use dovetail_scheduler::plan::{Plan, PlannedClaim};
use dovetail_scheduler::requirement::Requirement;
use dovetail_scheduler::resources;
use serde::Serialize;

use super::certificate::Certified;
use super::reasons::{self, Unplaced};
use super::verdict::Verdict;

/// A plan as JSON and YAML show it.
#[derive(Debug, Serialize)]
pub(crate) struct Answer<'p> {
    /// The policy that decided.
    policy: &'static str,
    /// Dollars per hour: the sum of the claims' prices.
    cost: f64,
    /// Dollars per hour that no plan can go below, where the policy proves one.
    bound: Option<f64>,
    /// What is proven, where the policy proves it.
    certificate: Option<Certified>,
    /// How long deciding took, without reading and writing.
    seconds: f64,
    /// What the checker says, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<&'p Verdict>,
    /// The nodes to buy.
    claims: Vec<Claim<'p>>,
    /// What goes to nodes that are there.
    existing: Vec<Existing<'p>>,
    /// Namespace and name of each pod without a place, and why.
    errors: BTreeMap<&'p str, String>,
    /// The same as data, pods with the same reasons together.
    unplaced: Vec<Unplaced<'p>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Claim<'p> {
    node_pool: &'p str,
    /// Cheapest first.
    instance_types: Vec<&'p str>,
    /// As in `key In [a b]`, in the order of the keys.
    requirements: Vec<String>,
    /// Quantities as Kubernetes writes them.
    requests: BTreeMap<&'p str, String>,
    /// Dollars per hour of the cheapest offering.
    price: f64,
    /// `price`, `capacity`: what NodeOverlays changed about some of the types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overlaid: Vec<&'static str>,
    /// Namespaces and names, in order.
    pods: Vec<&'p str>,
}

#[derive(Debug, Serialize)]
struct Existing<'p> {
    node: &'p str,
    pods: Vec<&'p str>,
}

impl<'p> Answer<'p> {
    /// The answer to a round.
    pub(crate) fn new(policy: &'static str, seconds: f64, round: &'p Round, plan: &'p Plan) -> Self {
        let problem = &round.problem;
        let unplaced = plan
            .unplaced
            .iter()
            .map(|(pod, why)| (&*problem.pods[*pod].name, why.explain(problem, problem.class_of(*pod))));
        let rejected = round.rejected.iter().map(|(pod, why)| (pod.as_str(), why.to_string()));
        Self {
            policy,
            cost: plan.cost().dollars(),
            bound: plan.certificate.as_ref().map(|c| c.bound.dollars()),
            certificate: Certified::of(plan),
            seconds,
            verified: None,
            claims: plan.claims.iter().map(|c| claim(round, c)).collect(),
            existing: plan
                .existing
                .iter()
                .map(|e| Existing { node: &problem.nodes[e.node].name, pods: names(round, &e.pods) })
                .collect(),
            errors: unplaced.chain(rejected).collect(),
            unplaced: reasons::all(round, plan),
        }
    }

    /// The same with what the checker says of the plan.
    pub(crate) fn with_verdict(self, verdict: Option<&'p Verdict>) -> Self {
        Self { verified: verdict, ..self }
    }
}

fn claim<'p>(round: &'p Round, claim: &'p PlannedClaim) -> Claim<'p> {
    Claim {
        node_pool: &round.problem.pools[claim.pool].name,
        instance_types: claim.type_names(&round.problem).collect(),
        requirements: claim.requirements.iter().flat_map(|(key, r)| lines(key, r)).collect(),
        requests: claim.requests.iter().map(|(name, amount)| (&**name, resources::show(name, amount))).collect(),
        price: claim.price.dollars(),
        overlaid: overlaid(claim.overlaid(&round.problem)),
        pods: names(round, &claim.pods),
    }
}

fn overlaid(what: Overlaid) -> Vec<&'static str> {
    [("price", what.price), ("capacity", what.capacity)]
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| name)
        .collect()
}

fn names<'p>(round: &'p Round, pods: &[usize]) -> Vec<&'p str> {
    let mut names: Vec<&str> = pods.iter().map(|p| &*round.problem.pods[*p].name).collect();
    names.sort_unstable();
    names
}

/// A requirement with all its values, a line for each operator that it takes to say it.
fn lines(key: &str, requirement: &Requirement) -> Vec<String> {
    let min_values = requirement.min_values().map_or(String::new(), |n| format!(" minValues {n}"));
    requirement
        .entries()
        .into_iter()
        .map(|(operator, values)| {
            let values = values.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ");
            let listed = if values.is_empty() { String::new() } else { format!(" [{values}]") };
            format!("{key} {operator:?}{listed}{min_values}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::requirement::Operator;

    fn shown(operator: Operator, values: &[&str]) -> Vec<String> {
        lines("k", &Requirement::new(operator, values).expect("a requirement"))
    }

    #[test]
    fn requirements_are_written_out_in_full() {
        let many: Vec<String> = (1..=9).map(|n| format!("v{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(shown(Operator::In, &many), ["k In [v1 v2 v3 v4 v5 v6 v7 v8 v9]"]);
        assert_eq!(shown(Operator::NotIn, &["a", "b"]), ["k NotIn [a b]"]);
        assert_eq!(shown(Operator::Exists, &[]), ["k Exists"]);
        assert_eq!(shown(Operator::DoesNotExist, &[]), ["k DoesNotExist"]);
        assert_eq!(shown(Operator::Gt, &["3"]), ["k Gte [4]"]);
    }

    #[test]
    fn bounds_and_minimum_values_are_kept() {
        let both = Requirement::new(Operator::Gt, &["3"])
            .and_then(|r| Ok(r.intersection(&Requirement::new(Operator::Lt, &["9"])?)))
            .expect("a requirement")
            .with_min_values(Some(2));
        assert_eq!(lines("k", &both), ["k Gte [4] minValues 2", "k Lte [8] minValues 2"]);
    }
}

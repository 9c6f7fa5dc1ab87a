//! What a NodeClaim is like that is about to be created: what its pool says, and what a plan adds to it (specification
//! "scheduling" 5). Whether it should be created is decided elsewhere.

use dovetail_api::hash;
use dovetail_api::labels;
use dovetail_api::node_claim::{NodeClaim, NodeClaimSpec, ResourceRequests};
use dovetail_api::node_pool::NodePool;
use dovetail_api::quantity::Quantity;
use dovetail_api::requirement::{Operator, Requirement};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::plan::PlannedClaim;
use dovetail_scheduler::problem::Problem;
use dovetail_scheduler::requirement::Requirement as Allowed;
use dovetail_scheduler::requirements::Requirements;
use dovetail_scheduler::resources::{self, Resources};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::{BTreeMap, BTreeSet};

/// So many instance types are named at most.
pub const TYPES_MAX: usize = 600;
/// The letters of generated names: no vowels, so that no words come of them, and none that look alike.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// How many of them a name has behind the pool's.
const LETTERS_IN_NAME: usize = 5;
/// The longest name that leaves room for the letters (RFC 1123).
const POOL_NAME_MAX: usize = 253 - 1 - LETTERS_IN_NAME;

/// A name for a claim of that pool that is not taken. `salt` should not have been used before, or the first names are.
pub fn name(pool: &str, seed: u64, salt: u64, is_taken: impl Fn(&str) -> bool) -> String {
    let pool = pool.get(..pool.len().min(POOL_NAME_MAX)).unwrap_or_default();
    let mut state = seed ^ salt.rotate_left(32);
    loop {
        state = mix(state);
        let mut rest = state;
        let mut name = format!("{pool}-");
        for _ in 0..LETTERS_IN_NAME {
            let letters = u64::try_from(LETTERS.len()).unwrap_or(u64::MAX);
            let letter = usize::try_from(rest % letters).ok().and_then(|i| LETTERS.get(i)).unwrap_or(&b'x');
            name.push(char::from(*letter));
            rest /= letters;
        }
        if !is_taken(&name) {
            return name;
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): numbers that look like chance.
const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A claim as the pool's template alone has it, as static pools create them.
pub fn of_pool(pool: &NodePool, name: String) -> NodeClaim {
    let template = &pool.spec.template;
    let mut own_labels: BTreeMap<String, String> = crate::pools::template_labels(pool).collect();
    let mut annotations = template.metadata.annotations.clone().unwrap_or_default();
    annotations.insert(labels::NODEPOOL_HASH.to_owned(), hash::node_pool(template));
    annotations.insert(labels::NODEPOOL_HASH_VERSION.to_owned(), hash::NODE_POOL_VERSION.to_owned());
    let mut asked = Requirements::new();
    for r in &template.spec.requirements {
        if let Ok(requirement) = Allowed::new(r.operator, &r.values) {
            asked.add(&r.key, requirement);
        }
    }
    own_labels.extend(custom_labels(&asked, &own_labels));
    let owner = OwnerReference {
        api_version: "karpenter.sh/v1".to_owned(),
        kind: "NodePool".to_owned(),
        name: pool.metadata.name.clone().unwrap_or_default(),
        uid: pool.metadata.uid.clone().unwrap_or_default(),
        block_owner_deletion: Some(true),
        controller: None,
    };
    NodeClaim {
        metadata: ObjectMeta {
            name: Some(name),
            labels: Some(own_labels),
            annotations: Some(annotations),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: NodeClaimSpec {
            taints: template.spec.taints.clone(),
            startup_taints: template.spec.startup_taints.clone(),
            requirements: template.spec.requirements.clone(),
            resources: ResourceRequests::default(),
            node_class_ref: template.spec.node_class_ref.clone(),
            termination_grace_period: template.spec.termination_grace_period.clone(),
            expire_after: template.spec.expire_after.clone(),
        },
        status: None,
    }
}

/// A claim as a plan wants it.
pub fn of_plan(pool: &NodePool, name: String, problem: &Problem, planned: &PlannedClaim) -> NodeClaim {
    let mut claim = of_pool(pool, name);
    let types = types(problem, planned);
    let own_labels = claim.metadata.labels.get_or_insert_default();
    let more = custom_labels(&planned.requirements, own_labels);
    own_labels.extend(more);
    let annotations = claim.metadata.annotations.get_or_insert_default();
    annotations.insert(labels::MIN_VALUES_RELAXED.to_owned(), planned.min_values_relaxed.to_string());
    let overlaid = planned.overlaid(problem);
    for (key, is_so) in
        [(labels::PRICE_OVERLAY_APPLIED, overlaid.price), (labels::CAPACITY_OVERLAY_APPLIED, overlaid.capacity)]
    {
        if is_so {
            annotations.insert(key.to_owned(), "true".to_owned());
        }
    }
    claim.spec.requirements = requirements(problem, planned, &types);
    claim.spec.resources.requests = Some(quantities(&planned.requests));
    claim
}

/// What a node of the plan may come to have: of every resource as much as any of its types has.
pub fn most(problem: &Problem, planned: &PlannedClaim) -> Resources {
    let mut most = Resources::new();
    types(problem, planned).iter().for_each(|t| most.raise_to(&t.capacity));
    most
}

/// The types that the node may be of, cheapest first.
fn types<'p>(problem: &'p Problem, planned: &PlannedClaim) -> Vec<&'p InstanceType> {
    let sold = problem.pools.get(planned.pool).map(|pool| &*pool.instance_types).unwrap_or_default();
    planned.types.iter().take(TYPES_MAX).filter_map(|t| sold.get(*t).map(|t| &**t)).collect()
}

/// Labels that nobody defines but the requirements: of several values that would do, the first.
fn custom_labels(requirements: &Requirements, known: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let is_free = |key: &str| {
        let of_nodes = [labels::HOSTNAME, labels::REGISTERED, labels::INITIALIZED];
        !labels::is_well_known(key) && !of_nodes.contains(&key) && !known.contains_key(key)
    };
    let some_value = |r: &Allowed| match r.listed() {
        Some(mut values) => values.next().map(ToString::to_string),
        // Whatever it is, it must be within the bounds, which are named first, and not among what is excluded.
        None => {
            let bounds = r.entries().into_iter().flat_map(|(_, values)| values).filter_map(|v| v.parse::<i64>().ok());
            let near: BTreeSet<i64> = bounds.flat_map(|n| [n, n.saturating_add(1)]).chain(0..=64).collect();
            near.into_iter().map(|n| n.to_string()).find(|n| r.contains(n))
        }
    };
    let free = requirements.iter().filter(|(key, r)| is_free(key) && !r.is_impossible() && !r.allows_absence());
    free.filter_map(|(key, r)| Some((key.to_string(), some_value(r)?))).collect()
}

/// What the claim asks of its node. Lists are sorted, as the order of prices is of no use to a provider with others.
fn requirements(problem: &Problem, planned: &PlannedClaim, types: &[&InstanceType]) -> Vec<Requirement> {
    let only_for_planning =
        [labels::HOSTNAME, labels::REGISTERED, labels::INITIALIZED, labels::INSTANCE_TYPE, labels::CAPACITY_TYPE];
    let mut out = vec![];
    for (key, requirement) in planned.requirements.iter().filter(|(key, _)| !only_for_planning.contains(&&***key)) {
        let min_values = requirement.min_values();
        for (operator, values) in requirement.entries() {
            out.push(item(key, operator, values, min_values));
        }
    }
    let min_values = |key: &str| planned.requirements.get(key).and_then(Allowed::min_values);
    let names: BTreeSet<_> = types.iter().map(|t| t.name.clone()).collect();
    out.push(item(labels::INSTANCE_TYPE, Operator::In, names, min_values(labels::INSTANCE_TYPE)));
    let ways = types.iter().flat_map(|t| &t.offerings).filter(|o| o.launchable());
    let ways = ways.filter(|o| planned.requirements.compatible(&o.requirements, &problem.well_known).is_ok());
    let of_way = ways.filter_map(|o| o.requirements.get(labels::CAPACITY_TYPE)?.single().cloned());
    let capacity_types: BTreeSet<_> = of_way.collect();
    if !capacity_types.is_empty() {
        out.push(item(labels::CAPACITY_TYPE, Operator::In, capacity_types, min_values(labels::CAPACITY_TYPE)));
    }
    out.sort_by(|a, b| a.key.cmp(&b.key));
    out
}

fn item<V: AsRef<str>>(
    key: &str,
    operator: Operator,
    values: impl IntoIterator<Item = V>,
    min_values: Option<u32>,
) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator,
        values: values.into_iter().map(|v| v.as_ref().to_owned()).collect(),
        min_values: min_values.and_then(|n| i32::try_from(n).ok()),
    }
}

/// Amounts as Kubernetes writes them; one that cannot be written, which none is, is left out.
fn quantities(amounts: &Resources) -> BTreeMap<String, Quantity> {
    let written = amounts.iter().map(|(name, amount)| (name, resources::show(name, amount)));
    written.filter_map(|(name, text)| Some((name.to_string(), text.parse().ok()?))).collect()
}

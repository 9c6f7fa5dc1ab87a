//! The hash of a NodePool: everything in its template but the requirements, whose drift is judged by comparing labels.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::structure::{self as hash, Struct};
use crate::duration::Duration;
use crate::node_pool::{NodeClaimTemplate, NodeClaimTemplateSpec, NodeClassReference, Taint, TemplateMetadata};

/// Hash of a NodePool's template, as the annotation `karpenter.sh/nodepool-hash` carries it (spec scheduling 1.9).
#[must_use]
pub fn node_pool(template: &NodeClaimTemplate) -> String {
    Struct::named("NodeClaimTemplate")
        .field("ObjectMeta", metadata(&template.metadata))
        .field("Spec", spec(&template.spec))
        .hash()
        .to_string()
}

fn metadata(metadata: &TemplateMetadata) -> Option<u64> {
    (!metadata.is_empty()).then(|| {
        Struct::named("ObjectMeta")
            .field("Labels", metadata.labels.as_ref().map(hash::map))
            .field("Annotations", metadata.annotations.as_ref().map(hash::map))
            .hash()
    })
}

fn spec(spec: &NodeClaimTemplateSpec) -> Option<u64> {
    let NodeClaimTemplateSpec {
        taints,
        startup_taints,
        requirements: _,
        node_class_ref,
        termination_grace_period,
        expire_after,
    } = spec;
    let fields = [
        ("Taints", taints.as_deref().map(taint_list)),
        ("StartupTaints", startup_taints.as_deref().map(taint_list)),
        ("NodeClassRef", reference(node_class_ref)),
        ("TerminationGracePeriod", termination_grace_period.as_ref().map(grace_period)),
        ("ExpireAfter", expire_after.duration().map(expiry)),
    ];
    let present = fields.iter().any(|(_, value)| value.is_some());
    present.then(|| {
        fields
            .into_iter()
            .fold(Struct::named("NodeClaimTemplateSpec"), |spec, (name, value)| spec.field(name, value))
            .hash()
    })
}

/// A plain Go duration in a struct: one of no length is left out, while the struct around it remains.
fn grace_period(duration: &Duration) -> u64 {
    let nanos = duration.nanos();
    Struct::named("Duration").field("Duration", (nanos != 0).then(|| hash::int64(nanos))).hash()
}

/// A pointer to a Go duration in a struct: one of no length counts.
fn expiry(duration: &Duration) -> u64 {
    Struct::named("NillableDuration").field("Duration", Some(hash::int64(duration.nanos()))).hash()
}

/// A reference without any content stands for none at all; the API server lets neither through.
fn reference(reference: &NodeClassReference) -> Option<u64> {
    let NodeClassReference { group, kind, name } = reference;
    (*reference != NodeClassReference::default()).then(|| {
        Struct::named("NodeClassReference")
            .field("Kind", non_empty(kind))
            .field("Name", non_empty(name))
            .field("Group", non_empty(group))
            .hash()
    })
}

fn taint_list(taints: &[Taint]) -> u64 {
    hash::set(taints.iter().map(taint))
}

fn taint(taint: &Taint) -> u64 {
    let Taint { key, value, effect, time_added } = taint;
    Struct::named("Taint")
        .field("Key", non_empty(key))
        .field("Value", value.as_deref().and_then(non_empty))
        .field("Effect", non_empty(effect.as_str()))
        .field("TimeAdded", time_added.as_ref().map(time))
        .hash()
}

/// A `metav1.Time`, in whose struct Go's binary form of a time is hashed: version, seconds since the year 1, nanoseconds,
/// offset of the zone in minutes (0, since controllers run in UTC without naming it so).
fn time(time: &Time) -> u64 {
    const SECONDS_FROM_YEAR_1_TO_1970: i64 = 62_135_596_800;
    let seconds = time.0.as_second().saturating_add(SECONDS_FROM_YEAR_1_TO_1970);
    let mut form = [1; 15];
    form[1..9].copy_from_slice(&seconds.to_be_bytes());
    form[9..13].copy_from_slice(&time.0.subsec_nanosecond().to_be_bytes());
    form[13..].copy_from_slice(&[0, 0]);
    Struct::named("Time").field("Time", Some(hash::bytes(&form))).hash()
}

fn non_empty(text: &str) -> Option<u64> {
    (!text.is_empty()).then(|| hash::string(text))
}

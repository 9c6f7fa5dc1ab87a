//! Fields that an object has and its kind has not, most often misspelt ones: nothing depends on them, so that a
//! `nodeSelecter` changes the plan without a word. Which of them a person hears of is decided here; what the fields
//! were meant to be is not known.

use std::collections::BTreeMap;

use dovetail_api::admission;
use serde::Deserializer;
use serde_ignored::Path;
use serde_json::Value;

use super::errors::Place;
use super::kinds::{Kind, Object};

/// Reads an object together with the paths of the fields that its kind does not have.
///
/// # Errors
/// When it has not the shape of its kind.
pub(crate) fn read<'de, D: Deserializer<'de>>(kind: Kind, from: D) -> Result<(Object, Vec<String>), D::Error> {
    let mut unknown = Vec::new();
    let mut note = |path: Path<'_>| unknown.push(written(&path));
    let object = kind.read(serde_ignored::Deserializer::new(from, &mut note))?;
    unknown.retain(|field| matters(field));
    Ok((object, unknown))
}

/// The fields of an object of Karpenter's that its definition does not have.
pub(crate) fn of_karpenter(object: &Value) -> Vec<String> {
    let mut unknown = admission::unknown_fields(object);
    unknown.retain(|field| matters(field));
    unknown
}

/// Whether a person may have written the field. Status and managed fields are the cluster's own.
fn matters(field: &str) -> bool {
    let is_below =
        |root: &str| field.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    !is_below("status") && !is_below("metadata.managedFields")
}

/// A path as Kubernetes writes it, as in `spec.containers[0].image`.
fn written(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", written(parent)),
        Path::Map { parent, key } => {
            let mut out = written(parent);
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(key);
            out
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => written(parent),
    }
}

/// What has been found in all objects.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// A line for each object that somebody wrote.
    written: Vec<String>,
    /// Objects that a cluster wrote, by kind: how many, and the first field. A newer cluster has fields that no one here
    /// knows, in all of its objects.
    dumped: BTreeMap<&'static str, (usize, String)>,
}

impl Found {
    /// Takes in the unknown fields of an object.
    pub(crate) fn add(&mut self, place: &Place, object: &Object, unknown: &[String]) {
        let Some(first) = unknown.first() else { return };
        // Every object that a server has stored has a version, and no manifest has one.
        if object.metadata().resource_version.is_some() {
            self.dumped.entry(object.kind().name()).or_insert_with(|| (0, first.clone())).0 += 1;
            return;
        }
        let fields = unknown.iter().map(|field| format!("{field:?}")).collect::<Vec<_>>().join(", ");
        let (s, have, their) = if unknown.len() == 1 { ("", "has", "its") } else { ("s", "have", "their") };
        self.written.push(format!(
            "{place}: {}: unknown field{s} {fields} {have} no effect: check {their} spelling and indentation",
            object.title()
        ));
    }

    /// What to warn of, a line for each object.
    pub(crate) fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.written)
    }

    /// What is good to know.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        self.dumped.iter().map(|(kind, (objects, first))| {
            format!("{objects} {kind} object(s) of a cluster have fields that are not known here and not used: {first} is the first")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unknown(kind: Kind, object: Value) -> Vec<String> {
        let (_, unknown) = read(kind, object).expect("the shape of its kind");
        unknown
    }

    #[test]
    fn a_misspelt_field_is_found_wherever_it_stands() {
        let spec = json!({"nodeSelecter": {"a": "b"}, "containers": [{"name": "a"}, {"name": "b", "resource": {}}]});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"lables": {}}, "spec": spec});
        assert_eq!(unknown(Kind::Pod, pod), ["metadata.lables", "spec.containers[1].resource", "spec.nodeSelecter"]);
        let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"selector": {}, "template": {"spec": spec}, "replica": 3}, "extra": 1});
        let expected =
            ["extra", "spec.replica", "spec.template.spec.containers[1].resource", "spec.template.spec.nodeSelecter"];
        assert_eq!(unknown(Kind::Deployment, web), expected);
    }

    #[test]
    fn names_that_people_choose_are_no_fields() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"x": "y"}, "annotations": {"a": "b"}},
            "spec": {"nodeSelector": {"n": "m"}, "containers": [{"name": "a", "resources": {"requests": {"example.com/fpga": "1"}}}]}});
        assert_eq!(unknown(Kind::Pod, pod), Vec::<String>::new());
    }

    #[test]
    fn what_the_cluster_writes_itself_is_left_alone() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"managedFields": [{"fieldsV9": {}}]},
            "spec": {"taint": []}, "status": {"fancyNewThing": [{"a": 1}]}, "statusOfMine": 1});
        assert_eq!(unknown(Kind::Node, node), ["spec.taint", "statusOfMine"]);
    }
}

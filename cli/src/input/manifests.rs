//! Documents as objects: what kind each is, whether it has that kind's shape, and for Karpenter's kinds whether the API
//! server would let it in. What the objects mean together is not known here.

use serde_json::{Map, Value};

use super::documents::{Content, Document, Head};
use super::errors::{InputError, Place};
use super::kinds::{Kind, Known, Object};
use super::unfilled;
use super::unknown_fields;
use super::values;

/// What one object in a document turned out to be.
#[derive(Debug)]
pub(crate) enum Reading {
    /// An object that planning reads.
    Object {
        /// Where it stands.
        place: Place,
        /// The object.
        object: Object,
        /// Placeholders that stayed unfilled where no plan depends on them, as they are written.
        unfilled: Vec<String>,
        /// Fields that its kind does not have.
        unknown: Vec<String>,
    },
    /// An object of Karpenter's that the API server would refuse.
    Refused(Refused),
    /// An object of a kind that planning does not read: `apiVersion` and kind.
    Skipped(String, String),
    /// No Kubernetes object at all; only in files that were not named.
    Foreign(Place),
    /// It cannot be used, and nor can the input as a whole.
    Broken(InputError),
}

/// An object of Karpenter's that the API server would refuse.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its kind.
    pub(crate) kind: Kind,
    /// Its name.
    pub(crate) name: String,
    /// Why, each with the field and in the API server's words.
    pub(crate) reasons: Vec<String>,
}

/// The objects in a document. `named`: whether its file was named, so that it has to be a manifest.
pub(crate) fn read(document: &Document<'_>, named: bool) -> Vec<Reading> {
    let mut reader = Reader { named, out: Vec::new() };
    match document.content() {
        Ok(Content::Yaml(value)) => reader.value(&document.place, value),
        Ok(Content::Json(texts)) => {
            for (number, text) in texts.iter().enumerate() {
                let mut place = document.place.clone();
                if texts.len() > 1 {
                    place.item = Some(number + 1);
                }
                reader.json(&place, text);
            }
        }
        Err(error) => reader.out.push(Reading::Broken(error)),
    }
    reader.out
}

struct Reader {
    named: bool,
    out: Vec<Reading>,
}

impl Reader {
    /// A JSON object: straight into its type where nothing stands in the way, which is much faster; by way of a value
    /// otherwise, which knows more and says more when it fails.
    fn json(&mut self, place: &Place, text: &str) {
        if !text.contains('$')
            && let Ok(Head { api_version: Some(version), kind: Some(kind) }) = serde_json::from_str(text)
            && let Known::Yes(kind) = Kind::of(&version, &kind)
            && !kind.is_karpenter()
            && let Ok((object, unknown)) = unknown_fields::read(kind, &mut serde_json::Deserializer::from_str(text))
        {
            self.object(place, object, Vec::new(), unknown);
            return;
        }
        match serde_json::from_str(text) {
            Ok(value) => self.value(place, value),
            Err(error) => self.broken(place, format!("this is not JSON: {error}")),
        }
    }

    fn value(&mut self, place: &Place, value: Value) {
        let Value::Object(fields) = value else {
            return self.not_an_object(place, "this is no object: a manifest begins with apiVersion and kind");
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        match (text("apiVersion"), text("kind")) {
            (Some(version), Some(kind)) => match kind.strip_suffix("List") {
                Some(of) if fields.get("items").is_some_and(|i| i.is_array() || i.is_null()) => {
                    self.list(place, fields, &version, of);
                }
                // One without items has nothing in it; anything else there is a mistake.
                Some("") if version == "v1" && fields.contains_key("items") => {
                    self.broken(place, "items of this List is no list: put a dash before each item".to_owned());
                }
                Some("") if version == "v1" => {}
                _ => self.manifest(place, fields, &version, &kind),
            },
            (None, None) => {
                self.not_an_object(place, "apiVersion and kind are missing: every manifest begins with them")
            }
            (None, _) => self.not_an_object(place, "apiVersion is missing: write for instance apiVersion: v1"),
            (_, None) => self.not_an_object(place, "kind is missing: write for instance kind: Pod"),
        }
    }

    fn not_an_object(&mut self, place: &Place, what: &str) {
        if self.named {
            self.broken(place, what.to_owned());
        } else {
            self.out.push(Reading::Foreign(place.clone()));
        }
    }

    fn broken(&mut self, place: &Place, what: String) {
        self.out.push(Reading::Broken(InputError::NotAnObject { place: place.clone(), what }));
    }

    /// The items of a list. Those of a typed list, such as a PodList, need not repeat what they are.
    fn list(&mut self, place: &Place, mut fields: Map<String, Value>, version: &str, of: &str) {
        let Some(Value::Array(items)) = fields.remove("items") else { return };
        for (number, mut item) in items.into_iter().enumerate() {
            let place = Place { item: Some(number + 1), ..place.clone() };
            if !of.is_empty()
                && let Value::Object(item) = &mut item
            {
                item.entry("apiVersion").or_insert_with(|| version.into());
                item.entry("kind").or_insert_with(|| of.into());
            }
            self.value(&place, item);
        }
    }

    fn manifest(&mut self, place: &Place, fields: Map<String, Value>, version: &str, kind: &str) {
        match Kind::of(version, kind) {
            Known::No => self.out.push(Reading::Skipped(version.to_owned(), kind.to_owned())),
            Known::OtherVersion(kind) if kind.is_karpenter() => {
                let reason = format!("apiVersion: {version:?} is not supported: convert it to {}", kind.api_version());
                self.refused(place, kind, &Value::Object(fields), vec![reason]);
            }
            Known::OtherVersion(kind) => self.out.push(Reading::Broken(InputError::Version {
                place: place.clone(),
                kind: kind.name(),
                found: version.to_owned(),
                expected: kind.api_version(),
            })),
            Known::Yes(kind) => self.known(place, kind, Value::Object(fields)),
        }
    }

    fn known(&mut self, place: &Place, kind: Kind, mut value: Value) {
        values::tidy(&mut value);
        let found = unfilled::settle(kind, &mut value);
        if !found.needed.is_empty() {
            let title = format!("{} {}", kind.name(), name_of(&value));
            self.out.extend(found.needed.into_iter().map(|(field, placeholder)| {
                let (place, object) = (place.clone(), title.clone());
                Reading::Broken(InputError::Placeholder { place, object, field, placeholder })
            }));
            return;
        }
        let unfilled = found.harmless.into_iter().collect();
        if kind.is_karpenter() {
            let unknown = unknown_fields::of_karpenter(&value);
            match kind.admit(value.clone()) {
                Ok(object) => self.object(place, object, unfilled, unknown),
                Err(reasons) => {
                    let reasons = reasons.iter().map(ToString::to_string).collect();
                    self.refused(place, kind, &value, reasons);
                }
            }
            return;
        }
        let mut track = serde_path_to_error::Track::new();
        match unknown_fields::read(kind, serde_path_to_error::Deserializer::new(&value, &mut track)) {
            Ok((object, unknown)) => self.object(place, object, unfilled, unknown),
            Err(error) => {
                let mut what = error.to_string();
                // `on`, `no` and `1` are no strings in YAML unless they are in quotes, which surprises everybody once.
                if what.starts_with("invalid type: ") && what.ends_with("expected a string") {
                    what.push_str(": put it in quotes");
                }
                self.out.push(Reading::Broken(InputError::Field {
                    place: place.clone(),
                    object: format!("{} {}", kind.name(), name_of(&value)),
                    field: track.path().to_string(),
                    what,
                }));
            }
        }
    }

    fn refused(&mut self, place: &Place, kind: Kind, value: &Value, reasons: Vec<String>) {
        self.out.push(Reading::Refused(Refused { place: place.clone(), kind, name: name_of(value), reasons }));
    }

    fn object(&mut self, place: &Place, mut object: Object, unfilled: Vec<String>, unknown: Vec<String>) {
        let namespaced = object.kind().is_namespaced();
        let metadata = object.metadata_mut();
        let unset = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        if namespaced && unset(&metadata.namespace) {
            metadata.namespace = Some("default".to_owned());
        } else if !namespaced {
            metadata.namespace = None;
        }
        if unset(&metadata.name) && unset(&metadata.generate_name) {
            self.out.push(Reading::Broken(InputError::Field {
                place: place.clone(),
                object: object.kind().name().to_owned(),
                field: "metadata.name".to_owned(),
                what: "is missing: every object needs a name".to_owned(),
            }));
            return;
        }
        self.out.push(Reading::Object { place: place.clone(), object, unfilled, unknown });
    }
}

fn name_of(value: &Value) -> String {
    let metadata = value.get("metadata");
    let field = |name: &str| metadata.and_then(|m| m.get(name)).and_then(Value::as_str);
    match (field("name").or_else(|| field("generateName")), field("namespace")) {
        (Some(name), Some(namespace)) => format!("{namespace}/{name}"),
        (Some(name), None) => name.to_owned(),
        (None, _) => "without a name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::documents;
    use super::*;

    fn readings(text: &str) -> Vec<Reading> {
        let documents = documents::split(&"f.yaml".into(), text);
        documents.iter().flat_map(|d| read(d, true)).collect()
    }

    /// The one thing that went wrong.
    fn error(text: &str) -> String {
        match readings(text).as_slice() {
            [Reading::Broken(error)] => error.to_string(),
            other => panic!("expected one error, got {other:?}"),
        }
    }

    fn titles(text: &str) -> Vec<String> {
        readings(text)
            .iter()
            .map(|r| match r {
                Reading::Object { object, .. } => object.title(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn yaml_and_json_give_the_same_objects() {
        let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, resources: {requests: {cpu: 2}}}]}\n";
        let json = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":2}}}]}}"#;
        let pod = |text: &str| match readings(text).pop() {
            Some(Reading::Object { object: Object::Pod(pod), .. }) => *pod,
            other => panic!("expected a pod, got {other:?}"),
        };
        assert_eq!(pod(yaml), pod(json));
        assert_eq!(pod(yaml).metadata.namespace.as_deref(), Some("default"));
    }

    #[test]
    fn lists_are_opened_and_typed_lists_say_what_their_items_are() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: a}}\n\
                    - {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: x}}\n";
        assert_eq!(titles(list), ["Node a", "Pod x/p"]);
        let typed = r#"{"apiVersion":"karpenter.sh/v1","kind":"NodeClaimList","items":[]}
            {"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"q"}}]}"#;
        assert_eq!(titles(typed), ["Pod default/q"]);
    }

    #[test]
    fn a_wrong_field_is_named_with_its_path() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: c\n    env: [{name: A, value: yes}]\n";
        assert_eq!(
            error(pod),
            "f.yaml, document 1 (line 1): Pod web: spec.containers[0].env[0].value: invalid type: boolean `true`, expected a string: put it in quotes"
        );
    }

    #[test]
    fn what_is_no_manifest_says_so() {
        assert!(error("- a\n- b\n").ends_with("this is no object: a manifest begins with apiVersion and kind"));
        assert!(error("name: chart\n").contains("apiVersion and kind are missing"));
        assert!(error("kind: Pod\n").contains("apiVersion is missing"));
        assert!(error("apiVersion: v1\nkind: Pod\n").contains("metadata.name: is missing"));
        assert!(error("apiVersion: apps/v1beta2\nkind: Deployment\n").ends_with("write apiVersion: apps/v1"));
    }

    #[test]
    fn an_unnamed_file_need_not_be_a_manifest() {
        let documents = documents::split(&"values.yaml".into(), "replicas: 3\n");
        assert!(matches!(read(&documents[0], false).as_slice(), [Reading::Foreign(_)]));
    }

    #[test]
    fn a_pool_that_the_api_server_refuses_does_not_break_the_input() {
        let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: odd}\nspec: {template: {spec: {requirements: \
                    [{key: a, operator: Near}], nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}\n";
        match readings(pool).as_slice() {
            [Reading::Refused(refused)] => {
                assert_eq!((refused.name.as_str(), refused.kind), ("odd", Kind::NodePool));
                assert!(refused.reasons[0].contains("spec.template.spec.requirements[0].operator"), "{refused:?}");
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
        let old = "apiVersion: karpenter.sh/v1beta1\nkind: NodePool\nmetadata: {name: old}\n";
        assert!(matches!(readings(old).as_slice(), [Reading::Refused(_)]));
    }

    #[test]
    fn other_kinds_are_skipped() {
        assert!(
            matches!(readings("apiVersion: v1\nkind: ConfigMap\n").as_slice(), [Reading::Skipped(_, kind)] if kind == "ConfigMap")
        );
    }
}

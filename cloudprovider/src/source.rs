//! What can be bought for a pool, wherever the list comes from: the one question that planning asks of a provider.
//!
//! Pure and synchronous: a source knows prices and machines as they were told to it, not what a cloud says at the moment.
//! Which node class a pool refers to is looked up by the caller.

use crate::ec2::{Catalogue, CatalogueError, Ec2Request, Ec2Settings, RequestError};
use crate::kwok::KwokCatalogue;
use dovetail_api::ec2_node_class::EC2NodeClass;
use dovetail_api::kwok_node_class::KWOKNodeClass;
use dovetail_api::labels::aws;
use dovetail_api::node_pool::{NodeClassReference, NodePool};
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::WellKnown;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The node class that a pool refers to.
#[derive(Clone, Copy, Debug)]
pub enum NodeClass<'a> {
    /// Of the AWS provider.
    Ec2(&'a EC2NodeClass),
    /// Of the KWOK provider.
    Kwok(&'a KWOKNodeClass),
}

impl NodeClass<'_> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Ec2(_) => "EC2NodeClass",
            Self::Kwok(_) => "KWOKNodeClass",
        }
    }
}

/// Why it cannot be said what a pool can buy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The pool's class belongs to another provider.
    #[error("a {0} cannot be used with the EC2 catalogue: refer to an EC2NodeClass, or plan with a catalogue file")]
    ForeignNodeClass(String),
    /// Something in the node class cannot be used.
    #[error(transparent)]
    NodeClass(#[from] RequestError),
    /// The catalogue has no answer.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Something that knows what can be bought.
pub trait InstanceTypeSource: Send + Sync {
    /// What can be bought for the pool, in the order of the names, types without an available offering included. Without a
    /// node class the source's defaults apply. The same question gives the same shared list.
    ///
    /// Prices and capacities are the provider's own; NodeOverlays are not known here.
    ///
    /// # Errors
    /// If the node class is of another provider, or asks for something that makes no sense.
    fn instance_types(
        &self,
        pool: &NodePool,
        node_class: Option<NodeClass<'_>>,
    ) -> Result<Arc<[Arc<InstanceType>]>, SourceError>;

    /// Whether the source can supply pools that refer to such a class, whether or not the class itself is known.
    ///
    /// # Errors
    /// If the class is of a provider that this source knows nothing of.
    fn check_class(&self, class: &NodeClassReference) -> Result<(), SourceError>;

    /// The label keys that new nodes may have although nothing defines them yet.
    fn well_known(&self) -> &WellKnown;

    /// The label that names the capacity reservation of a reserved offering; none if nothing is ever sold out of one.
    fn reservation_label(&self) -> Option<Name>;
}

/// The EC2 catalogue as seen from one region.
#[derive(Debug)]
pub struct Ec2Source {
    catalogue: Catalogue,
    region: String,
    settings: Ec2Settings,
    well_known: WellKnown,
    answered: Mutex<FxHashMap<Ec2Request, Arc<[Arc<InstanceType>]>>>,
}

/// The most answers that are kept. Classes are few, but each change of a class asks anew, and an answer takes megabytes.
const ANSWERS_MAX: usize = 32;

impl Ec2Source {
    /// A source of what EC2 sells in `region`.
    ///
    /// # Errors
    /// If the catalogue does not know the region; the error names those it knows.
    pub fn new(catalogue: Catalogue, region: &str, settings: Ec2Settings) -> Result<Self, CatalogueError> {
        catalogue.region(region)?;
        let well_known = crate::ec2::well_known();
        Ok(Self { catalogue, region: region.to_owned(), settings, well_known, answered: Mutex::default() })
    }

    /// The catalogue itself.
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}

impl InstanceTypeSource for Ec2Source {
    fn instance_types(
        &self,
        _pool: &NodePool,
        node_class: Option<NodeClass<'_>>,
    ) -> Result<Arc<[Arc<InstanceType>]>, SourceError> {
        let request = match node_class {
            None => Ec2Request::new(&self.region, &self.settings),
            Some(NodeClass::Ec2(class)) => Ec2Request::for_node_class(class, &self.region, &self.settings)?,
            Some(other) => return Err(SourceError::ForeignNodeClass(other.kind().to_owned())),
        };
        // An answer is inserted whole, so that a thread that panicked elsewhere leaves nothing half-done behind.
        if let Some(known) = self.answered.lock().unwrap_or_else(PoisonError::into_inner).get(&request) {
            return Ok(Arc::clone(known));
        }
        let answer: Arc<[Arc<InstanceType>]> = self.catalogue.instance_types(&request)?.into();
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if answered.len() >= ANSWERS_MAX {
            answered.clear();
        }
        Ok(Arc::clone(answered.entry(request).or_insert(answer)))
    }

    fn check_class(&self, class: &NodeClassReference) -> Result<(), SourceError> {
        if class.group == aws::GROUP && class.kind == "EC2NodeClass" {
            return Ok(());
        }
        Err(SourceError::ForeignNodeClass(class.kind.clone()))
    }

    fn well_known(&self) -> &WellKnown {
        &self.well_known
    }

    fn reservation_label(&self) -> Option<Name> {
        Some(Name::from(aws::CAPACITY_RESERVATION_ID))
    }
}

/// A catalogue file sells the same to every pool, whatever class it refers to: the file is what says which machines exist.
impl InstanceTypeSource for KwokCatalogue {
    fn instance_types(
        &self,
        _pool: &NodePool,
        _node_class: Option<NodeClass<'_>>,
    ) -> Result<Arc<[Arc<InstanceType>]>, SourceError> {
        Ok(Arc::clone(&self.types))
    }

    fn check_class(&self, _class: &NodeClassReference) -> Result<(), SourceError> {
        Ok(())
    }

    fn well_known(&self) -> &WellKnown {
        &self.well_known
    }

    fn reservation_label(&self) -> Option<Name> {
        self.reservation_label.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::testing::{class, only};
    use serde_json::json;

    fn source() -> Ec2Source {
        Ec2Source::new(only("m5.large"), "us-east-1", Ec2Settings::default()).expect("a region that is known")
    }

    fn pods_of_m5(types: &[Arc<InstanceType>]) -> i64 {
        types.iter().find(|t| &*t.name == "m5.large").expect("sold in us-east-1").capacity.get("pods")
    }

    #[test]
    fn the_same_question_gives_the_same_list_and_another_another() {
        let (source, pool) = (source(), NodePool::default());
        let ask = |class| source.instance_types(&pool, class).expect("an answer");
        let default = class(&json!({}), &json!({}));
        let dense = class(&json!({"kubelet": {"maxPods": 58}}), &json!({}));
        let unasked = ask(None);
        assert!(Arc::ptr_eq(&unasked, &ask(None)));
        assert!(
            Arc::ptr_eq(&unasked, &ask(Some(NodeClass::Ec2(&default)))),
            "a class of defaults asks for the defaults"
        );
        let denser = ask(Some(NodeClass::Ec2(&dense)));
        assert_eq!((pods_of_m5(&unasked), pods_of_m5(&denser)), (29, 58));
    }

    #[test]
    fn classes_that_come_and_go_do_not_fill_the_memory() {
        let (source, pool) = (source(), NodePool::default());
        for pods in 0..=ANSWERS_MAX {
            let class = class(&json!({"kubelet": {"maxPods": pods}}), &json!({}));
            source.instance_types(&pool, Some(NodeClass::Ec2(&class))).expect("an answer");
        }
        assert!(source.answered.lock().expect("nobody panicked").len() <= ANSWERS_MAX);
    }

    #[test]
    fn what_cannot_be_answered_is_told() {
        let (source, pool) = (source(), NodePool::default());
        let kwok = KWOKNodeClass::default();
        let foreign = source.instance_types(&pool, Some(NodeClass::Kwok(&kwok))).expect_err("of another provider");
        assert_eq!(foreign, SourceError::ForeignNodeClass("KWOKNodeClass".to_owned()));
        let bad = class(&json!({"kubelet": {"maxPods": -1}}), &json!({}));
        let unusable = source.instance_types(&pool, Some(NodeClass::Ec2(&bad))).expect_err("a bad field");
        assert!(unusable.to_string().starts_with("EC2NodeClass default: spec.kubelet.maxPods: "), "{unusable}");
        let nowhere = Ec2Source::new(source.catalogue.clone(), "mars-north-1", Ec2Settings::default());
        assert!(matches!(nowhere, Err(CatalogueError::UnknownRegion { .. })));
    }

    #[test]
    fn a_catalogue_file_sells_the_same_to_every_class() {
        let file = r#"[{"name": "a", "architecture": "amd64", "operatingSystems": ["linux"], "resources": {}, "offerings": []}]"#;
        let file = crate::kwok::read(file).expect("a catalogue");
        let (pool, ec2, kwok) = (NodePool::default(), class(&json!({}), &json!({})), KWOKNodeClass::default());
        for class in [None, Some(NodeClass::Ec2(&ec2)), Some(NodeClass::Kwok(&kwok))] {
            assert!(Arc::ptr_eq(&file.instance_types(&pool, class).expect("an answer"), &file.types));
        }
        assert!(file.well_known().contains("karpenter.sh/nodepool"));
        assert_eq!(file.reservation_label(), None, "nothing is reserved");
    }

    #[test]
    fn well_known_keys_of_ec2_are_karpenter_s_and_the_aws_provider_s() {
        let source = source();
        for key in ["karpenter.sh/capacity-type", "karpenter.k8s.aws/instance-category", "topology.k8s.aws/zone-id"] {
            assert!(source.well_known().contains(key), "{key}");
        }
        assert!(!source.well_known().contains("karpenter.kwok.sh/instance-size"));
        assert_eq!(source.reservation_label().as_deref(), Some("karpenter.k8s.aws/capacity-reservation-id"));
    }
}

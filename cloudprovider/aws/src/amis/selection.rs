//! Which of the images that were found a class uses: the best for each kind of machine, the newest first (spec aws-provider
//! 6.1, 6.10).

use super::Variant;
use dovetail_api::ec2_node_class::Ami;
use dovetail_api::labels::{ARCH, ARCH_AMD64, ARCH_ARM64};
use dovetail_api::requirement::{Operator, OverlayRequirement};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// An image as EC2 describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundImage {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `x86_64` or `arm64`; images of other architectures are left alone.
    pub architecture: String,
    /// When it was made, RFC 3339. One that does not say so counts as the oldest.
    pub created: Option<String>,
    /// From when on it is deprecated, RFC 3339; never if that is missing.
    pub deprecated: Option<String>,
}

/// The images that the class's status lists: for each set of requirements the best image, the newest first, then by id.
///
/// `variants` are those of an alias's images by id; an image that is not there is for any machine of its architecture.
#[must_use]
pub fn select(found: &[FoundImage], variants: &BTreeMap<String, Vec<Variant>>, now: Timestamp) -> Vec<Ami> {
    let mut list: Vec<(Rank<'_>, Ami)> = Vec::new();
    for image in found {
        let Some(arch) = architecture(&image.architecture) else { continue };
        let arch = OverlayRequirement { key: ARCH.to_owned(), operator: Operator::In, values: vec![arch.to_owned()] };
        let sets: Vec<Vec<OverlayRequirement>> = match variants.get(&image.id) {
            Some(variants) => variants.iter().map(|variant| variant.requirements()).collect(),
            None => vec![Vec::new()],
        };
        for mut requirements in sets {
            requirements.push(arch.clone());
            requirements.sort_by(|a, b| (a.key.len(), &a.key).cmp(&(b.key.len(), &b.key)));
            let rank = Rank::of(image, now);
            let (id, name) = (image.id.clone(), Some(image.name.clone()).filter(|name| !name.is_empty()));
            let ami = Ami { id, name, deprecated: !rank.current, requirements };
            match list.iter_mut().find(|(_, known)| known.requirements == ami.requirements) {
                Some((best, _)) if *best >= rank => {}
                Some(worse) => *worse = (rank, ami),
                None => list.push((rank, ami)),
            }
        }
    }
    list.sort_by(|(a, x), (b, y)| (Reverse(a.created), &x.id).cmp(&(Reverse(b.created), &y.id)));
    list.into_iter().map(|(_, ami)| ami).collect()
}

fn architecture(ec2: &str) -> Option<&'static str> {
    match ec2 {
        "x86_64" => Some(ARCH_AMD64),
        "arm64" => Some(ARCH_ARM64),
        _ => None,
    }
}

/// What makes an image better than another, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    /// Whether it is not deprecated.
    current: bool,
    created: Option<Timestamp>,
    name: &'a str,
}

impl<'a> Rank<'a> {
    fn of(image: &'a FoundImage, now: Timestamp) -> Self {
        let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let deprecated = time(&image.deprecated).is_some_and(|at| at <= now);
        Self { current: !deprecated, created: time(&image.created), name: &image.name }
    }
}

//! The labels that the KWOK provider derives from a type's name and resources, in its own domain.
//!
//! A type is named after its family and size (`c-4x-amd64-linux`, `m5.large`); the provider reads both out of the name, so
//! that pools can select by them. What a file says under `labels` is not known here.

use dovetail_api::labels::{kwok, resources as names};
use dovetail_api::quantity::Quantity;
use std::collections::BTreeMap;

/// Keys and values of one type.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The sizes that are recognised behind the dot of a name, apart from `4xlarge` and the like.
const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];

/// The labels of every type, by its name.
pub(super) fn of_all<'t>(
    types: impl Iterator<Item = (&'t str, &'t BTreeMap<String, Quantity>)>,
) -> BTreeMap<String, Labels> {
    types.map(|(name, resources)| (name.to_owned(), of(name, resources))).collect()
}

fn of(name: &str, resources: &BTreeMap<String, Quantity>) -> Labels {
    let amount = |resource: &str| resources.get(resource).map(Quantity::to_canonical);
    let cpu = amount(names::CPU);
    let size = size(name).map(str::to_owned).or_else(|| cpu.clone());
    let derived = [
        (kwok::INSTANCE_TYPE, Some(name.to_owned())),
        (kwok::INSTANCE_SIZE, size),
        (kwok::INSTANCE_FAMILY, family(name).map(str::to_owned)),
        (kwok::INSTANCE_CPU, cpu),
        (kwok::INSTANCE_MEMORY, amount(names::MEMORY)),
    ];
    derived.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// What stands behind the dot, if it is a size as AWS writes them.
fn size(name: &str) -> Option<&str> {
    let (family, size) = name.split_once('.')?;
    let word = !family.is_empty() && family.chars().all(|c| c.is_alphanumeric() || c == '_');
    let known = SIZES.contains(&size.trim_start_matches(|c: char| c.is_ascii_digit()))
        && (SIZES.contains(&size) || size.ends_with("xlarge"));
    (word && known).then_some(size)
}

/// What stands before the first dot or dash; without either, the first letter.
fn family(name: &str) -> Option<&str> {
    match name.split_once(['.', '-']) {
        Some((family, _)) => Some(family),
        None => name.char_indices().nth(1).map_or((!name.is_empty()).then_some(name), |(i, _)| name.get(..i)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> BTreeMap<&'static str, String> {
        let quantity = |q: &str| q.parse().expect("a quantity");
        let resources = BTreeMap::from([("cpu".to_owned(), quantity("4")), ("memory".to_owned(), quantity("8Gi"))]);
        of(name, &resources).into_iter().collect()
    }

    #[test]
    fn family_and_size_are_read_out_of_the_name() {
        let of_name = |name| {
            let labels = labels(name);
            (labels[kwok::INSTANCE_FAMILY].clone(), labels[kwok::INSTANCE_SIZE].clone())
        };
        let pair = |family: &str, size: &str| (family.to_owned(), size.to_owned());
        assert_eq!(of_name("m5.large"), pair("m5", "large"));
        assert_eq!(of_name("m5.24xlarge"), pair("m5", "24xlarge"));
        assert_eq!(of_name("c-4x-amd64-linux"), pair("c", "4"), "the size is the CPU where the name has none");
        assert_eq!(of_name("c7i-flex.large"), pair("c7i", "4"));
        assert_eq!(of_name("m5.2metal"), pair("m5", "4"));
        assert_eq!(of_name("big"), pair("b", "4"));
    }

    #[test]
    fn amounts_are_written_as_kubernetes_does() {
        let labels = labels("big");
        assert_eq!(labels[kwok::INSTANCE_CPU], "4");
        assert_eq!(labels[kwok::INSTANCE_MEMORY], "8Gi");
    }
}

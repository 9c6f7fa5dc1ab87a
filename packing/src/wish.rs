//! Generated instances as they are asked for in words: `planted:500@7`, `planted:500@1-20`, `triplets:120x5@3`,
//! `triplets:120x5:caprara@3`. How they are made, `planted` and `triplets` know.

use crate::planted;
use crate::triplets::{Family, Triplets};

/// An instance to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nodes of the catalogue, split into pods.
    Planted(planted::Wish),
    /// Items of which three fill a bin.
    Triplets(Triplets),
}

/// What is wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// Not in either form.
    #[error("write planted:PODS@SEED, or triplets:ITEMSxDIMENSIONS@SEED; a seed may be a range, such as 1-20")]
    Form,
    /// A number of pods or items that makes no sense.
    #[error("{0} is not a number of pods from 1 to 1000000")]
    Pods(String),
    /// Not triplets.
    #[error("{0} is not a multiple of three from 3 to 999999: three items fill a bin")]
    Items(String),
    /// Too many dimensions.
    #[error("{0} is not a number of dimensions from 1 to 100")]
    Dimensions(String),
    /// An unknown family.
    #[error("there is no family {0:?}: write falkenauer, caprara or mommessin")]
    Family(String),
    /// Not a seed.
    #[error("{0:?} is not a seed: write a whole number, or a range such as 1-20 of at most 10000 of them")]
    Seed(String),
}

/// Reads a wish: one instance for each of its seeds. `None` if the text begins like none, and is to be taken for something
/// else.
///
/// # Errors
/// When it begins like a wish and makes no sense.
pub fn parse(text: &str) -> Option<Result<Vec<Wish>, WishError>> {
    if let Some(rest) = text.strip_prefix("planted:") {
        return Some(planted(rest));
    }
    text.strip_prefix("triplets:").map(triplets)
}

fn planted(text: &str) -> Result<Vec<Wish>, WishError> {
    let (pods, seeds) = with_seeds(text)?;
    let pods = number(pods, 1..=1_000_000).ok_or_else(|| WishError::Pods(pods.to_owned()))?;
    Ok(seeds.into_iter().map(|seed| Wish::Planted(planted::Wish { pods, seed })).collect())
}

fn triplets(text: &str) -> Result<Vec<Wish>, WishError> {
    let (shape, seeds) = with_seeds(text)?;
    let (shape, family) = shape.split_once(':').unwrap_or((shape, "falkenauer"));
    let (items, dimensions) = shape.split_once('x').ok_or(WishError::Form)?;
    let family = match family {
        "falkenauer" => Family::Falkenauer,
        "caprara" => Family::Caprara,
        "mommessin" => Family::Mommessin,
        other => return Err(WishError::Family(other.to_owned())),
    };
    let is_whole = |n: &usize| n.is_multiple_of(3);
    let items = number(items, 3..=999_999).filter(is_whole).ok_or_else(|| WishError::Items(items.to_owned()))?;
    let dimensions = number(dimensions, 1..=100).ok_or_else(|| WishError::Dimensions(dimensions.to_owned()))?;
    Ok(seeds.into_iter().map(|seed| Wish::Triplets(Triplets { items, dimensions, family, seed })).collect())
}

/// What stands before the `@`, and the seeds after it; seed 0 if there is none.
fn with_seeds(text: &str) -> Result<(&str, Vec<u64>), WishError> {
    match text.split_once('@') {
        None => Ok((text, vec![0])),
        Some((before, range)) => Ok((before, seeds(range)?)),
    }
}

/// The seeds of a range such as `7` or `1-20`, both ends included.
///
/// # Errors
/// When the text is no such range, or a range of more than ten thousand.
pub fn seeds(text: &str) -> Result<Vec<u64>, WishError> {
    let bad = || WishError::Seed(text.to_owned());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first: u64 = first.parse().map_err(|_| bad())?;
    let last: u64 = last.parse().map_err(|_| bad())?;
    if last < first || last - first >= 10_000 { Err(bad()) } else { Ok((first..=last).collect()) }
}

fn number(text: &str, range: std::ops::RangeInclusive<usize>) -> Option<usize> {
    text.parse().ok().filter(|n| range.contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Wish> {
        parse(text).expect("a wish").expect("that makes sense")
    }

    fn refused(text: &str) -> String {
        parse(text).expect("a wish").expect_err("that makes no sense").to_string()
    }

    #[test]
    fn a_wish_is_read_with_one_instance_for_each_seed() {
        assert_eq!(read("planted:500"), [Wish::Planted(planted::Wish { pods: 500, seed: 0 })]);
        let seeds = [4, 5, 6].map(|seed| Wish::Planted(planted::Wish { pods: 9, seed }));
        assert_eq!(read("planted:9@4-6"), seeds);
        let triplets = |family| Triplets { items: 60, dimensions: 3, family, seed: 2 };
        assert_eq!(read("triplets:60x3@2"), [Wish::Triplets(triplets(Family::Falkenauer))]);
        assert_eq!(read("triplets:60x3:mommessin@2"), [Wish::Triplets(triplets(Family::Mommessin))]);
        assert_eq!(parse("traces/planted.csv"), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_to_write() {
        assert!(refused("planted:0").starts_with("0 is not a number of pods"));
        assert!(refused("planted:many@1").starts_with("many is not a number of pods"));
        assert!(refused("planted:5@x").starts_with("\"x\" is not a seed"));
        assert!(refused("planted:5@9-1").starts_with("\"9-1\" is not a seed"));
        assert!(refused("planted:5@1-99999").starts_with("\"1-99999\" is not a seed"));
        assert!(refused("triplets:60@1").starts_with("write planted:PODS@SEED"));
        assert!(refused("triplets:61x3@1").starts_with("61 is not a multiple of three"));
        assert!(refused("triplets:60x0@1").starts_with("0 is not a number of dimensions"));
        assert!(refused("triplets:60x3:easy@1").starts_with("there is no family \"easy\""));
    }
}

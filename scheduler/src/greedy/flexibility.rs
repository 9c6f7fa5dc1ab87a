//! Which of the types that hold its pods a claim keeps: as many as launching wants to choose from, none that is much
//! dearer than it need be.
//!
//! A shortage of one type must not be an outage, so a launch list is wide; but whoever launches from it may take any type
//! that is on it, so it has its price. What a type costs, and which types hold the pods, is known to those who ask.

use crate::bitset::Bits;
use crate::instance_type::Price;
use crate::policy::Search;

/// At most so many types stay on a claim, the cheapest (specification "scheduling", default constants).
const MAX_TYPES: usize = 600;

/// What a claim's list of types is to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How much dearer than the cheapest a type may be, in percent; `None` keeps all.
    pub(crate) price_band: Option<u32>,
    /// How many types a claim whose cheapest offering is spot keeps at least, where so many are sold so.
    pub(crate) spot_types: usize,
}

impl From<&Search<'_>> for Terms {
    fn from(search: &Search<'_>) -> Self {
        Self { price_band: search.price_band, spot_types: search.spot_types }
    }
}

/// Chooses among types in the order of price. `spot` are those that are sold as spot, if that is what the cheapest would be
/// bought as. More than the terms ask are kept, the cheapest first, until there are `enough`: that must stay so once it is so.
pub(super) fn choose(
    priced: &[(Price, usize)],
    terms: Option<&Terms>,
    spot: Option<&Bits>,
    mut enough: impl FnMut(&[(Price, usize)]) -> bool,
) -> Vec<(Price, usize)> {
    let mut within = priced.len().min(MAX_TYPES);
    if let (Some(band), Some((cheapest, _))) = (terms.and_then(|terms| terms.price_band), priced.first()) {
        let most = i128::from(cheapest.picodollars()) * (100 + i128::from(band));
        within = priced[..within].partition_point(|(price, _)| i128::from(price.picodollars()) * 100 <= most);
    }
    let (near, far) = priced.split_at(within);
    let (mut kept, mut rest) = (near.to_vec(), far.to_vec());
    if let (Some(terms), Some(spot)) = (terms, spot) {
        let missing = terms.spot_types.saturating_sub(near.iter().filter(|(_, t)| spot.contains(*t)).count());
        let more: Vec<_> = far.iter().filter(|(_, t)| spot.contains(*t)).take(missing).copied().collect();
        rest.retain(|one| !more.contains(one));
        kept.extend(more);
    }
    let with = |n: usize| -> Vec<(Price, usize)> { kept.iter().chain(&rest[..n]).copied().collect() };
    if enough(&kept) {
        return kept;
    }
    let (mut few, mut many) = (1.min(rest.len()), rest.len());
    while few < many {
        let middle = few + (many - few) / 2;
        if enough(&with(middle)) {
            many = middle;
        } else {
            few = middle + 1;
        }
    }
    let chosen = with(few);
    // What was added out of turn goes back to its place.
    if kept.len() > within {
        return priced.iter().filter(|one| chosen.contains(one)).copied().collect();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types numbered from zero, by their price in cents.
    fn priced(cents: &[i64]) -> Vec<(Price, usize)> {
        cents.iter().enumerate().map(|(t, cents)| (Price::from_picodollars(cents * 10_000_000_000), t)).collect()
    }

    fn chosen(cents: &[i64], terms: Terms, spot: Option<&[usize]>, needs: &[usize]) -> Vec<usize> {
        let mut sold = Bits::none(cents.len());
        spot.unwrap_or_default().iter().for_each(|t| sold.insert(*t));
        let enough = |kept: &[(Price, usize)]| needs.iter().all(|t| kept.iter().any(|(_, k)| k == t));
        let kept = choose(&priced(cents), Some(&terms), spot.map(|_| &sold), enough);
        assert!(kept.is_sorted(), "cheapest first");
        kept.into_iter().map(|(_, t)| t).collect()
    }

    #[test]
    fn types_within_the_band_stay_and_its_edge_is_inside() {
        let terms = Terms { price_band: Some(25), spot_types: 5 };
        assert_eq!(chosen(&[100, 110, 125, 126, 200], terms, None, &[]), [0, 1, 2]);
    }

    #[test]
    fn without_a_band_every_type_stays_up_to_the_most_that_a_claim_may_list() {
        let terms = Terms { price_band: None, spot_types: 0 };
        assert_eq!(chosen(&[1, 5, 900], terms, None, &[]), [0, 1, 2]);
        let many: Vec<i64> = (1..=700).collect();
        assert_eq!(chosen(&many, terms, None, &[]).len(), MAX_TYPES);
        assert_eq!(chosen(&many, terms, None, &[650]).len(), 651, "unless more are needed");
    }

    #[test]
    fn a_spot_claim_keeps_dearer_types_that_are_sold_as_spot() {
        let terms = Terms { price_band: Some(10), spot_types: 3 };
        assert_eq!(chosen(&[100, 105, 150, 160, 170, 180], terms, Some(&[0, 3, 4, 5]), &[]), [0, 1, 3, 4]);
        assert_eq!(chosen(&[100, 150], terms, Some(&[0, 1]), &[]), [0, 1], "as many as there are");
    }

    #[test]
    fn what_is_needed_is_kept_whatever_it_costs_and_goes_where_its_price_belongs() {
        let terms = Terms { price_band: Some(0), spot_types: 2 };
        assert_eq!(chosen(&[100, 150, 160, 400, 500], terms, Some(&[0, 3]), &[2]), [0, 1, 2, 3]);
    }

    #[test]
    fn nothing_is_chosen_from_nothing() {
        assert!(choose(&[], Some(&Terms { price_band: Some(25), spot_types: 5 }), None, |_| false).is_empty());
    }
}

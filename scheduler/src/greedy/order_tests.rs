//! The order of claims against the plain way: look at all of them, every time.

use super::*;
use crate::bitset::Bits;
use proptest::collection::vec;
use proptest::prelude::*;

/// A claim as the plain way knows it.
struct Known {
    rank: Rank,
    pin: Pin,
    /// Which seekers it has refused since it last took a pod: then it has moved, and is asked once more.
    refused: Vec<usize>,
}

/// What happens in a round, as numbers that are taken modulo whatever there is.
#[derive(Clone, Debug)]
enum Event {
    /// A claim is opened: in a domain, or in any of two.
    Opens(usize),
    /// A claim takes a pod and may be narrowed by it.
    Takes(usize, bool),
    /// A seeker asks the first claim, and is refused for good.
    IsRefused(usize, usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        2 => (0..4usize).prop_map(Event::Opens),
        2 => (0..99usize, any::<bool>()).prop_map(|(claim, narrowed)| Event::Takes(claim, narrowed)),
        4 => (0..3usize, 0..4usize).prop_map(|(seeker, domains)| Event::IsRefused(seeker, domains)),
    ];
    vec(event, 0..80)
}

fn pin(number: usize) -> Pin {
    match number {
        0 | 1 => Pin::One(number),
        2 => Pin::Any(vec![0, 1]),
        _ => Pin::Missing,
    }
}

/// Domain 0, domain 1, both, or any and nodes without the label as well.
fn allowed(number: usize) -> Vec<Allowed> {
    let domains: Vec<usize> = (0..2).filter(|d| number > 1 || *d == number).collect();
    let mut set = Bits::none(2);
    domains.iter().for_each(|d| set.insert(*d));
    vec![Allowed { key: 0, domains, set, one: true, missing: number == 3 }]
}

fn admitted(pin: &Pin, allowed: &Allowed) -> bool {
    match pin {
        Pin::One(domain) => allowed.set.contains(*domain),
        Pin::Any(_) => true,
        Pin::Missing => allowed.missing,
        Pin::Unforeseen => false,
    }
}

proptest! {
    #[test]
    fn a_seeker_meets_claims_in_order_and_none_that_has_refused_it(events in events()) {
        let mut orders = Orders::default();
        let mut seekers: Vec<Progress> = (0..3).map(|_| Progress::default()).collect();
        let mut known: Vec<Known> = vec![];
        let mut newest = 0;
        for event in events {
            newest += 1;
            match event {
                Event::Opens(number) => {
                    let claim = Known { rank: (1, newest), pin: pin(number), refused: vec![] };
                    orders.enter(known.len(), claim.rank, std::slice::from_ref(&claim.pin));
                    known.push(claim);
                }
                Event::Takes(number, narrowed) if !known.is_empty() => {
                    let c = number % known.len();
                    let (rank, before) = (known[c].rank, known[c].pin.clone());
                    known[c].rank = (rank.0 + 1, -newest);
                    known[c].refused.clear();
                    if narrowed && known[c].pin == Pin::Any(vec![0, 1]) {
                        known[c].pin = Pin::One(0);
                    }
                    let now = (known[c].rank, std::slice::from_ref(&known[c].pin));
                    orders.advance(c, (rank, std::slice::from_ref(&before)), now);
                }
                Event::Takes(..) => {}
                Event::IsRefused(s, domains) => {
                    let allowed = allowed(domains);
                    let all = known.iter().enumerate().map(|(c, k)| (c, k.rank, std::slice::from_ref(&k.pin)));
                    orders.prepare(&mut seekers[s], std::iter::once(0), all);
                    let may = |(_, k): &(usize, &Known)| !k.refused.contains(&s) && admitted(&k.pin, &allowed[0]);
                    let first = known.iter().enumerate().filter(may).min_by_key(|(_, k)| k.rank).map(|(c, _)| c);
                    let met = orders.first(&seekers[s], &allowed, &[]);
                    prop_assert_eq!(met.as_ref().map(|m| m.claim), first);
                    if let Some(candidate) = met {
                        orders.refuse(&mut seekers[s], &candidate);
                        known[candidate.claim].refused.push(s);
                    }
                }
            }
        }
    }
}

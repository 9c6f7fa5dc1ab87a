//! The claims that one seeker may still try, in the order in which it has to try them.
//!
//! Claims with the fewest pods come first. Entries go stale when a claim takes pods; since its rank only rises, a stale
//! entry is found in time and put back where it belongs. For a seeker whose rules speak of domains, claims are kept apart by
//! the domains they are in, so that those in a domain that is full just now are not asked in vain.

use crate::topology::{Allowed, Pin};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A place in the order of claims: pods so far, then who comes first among equals.
pub(super) type Rank = (usize, i64);

/// For each key of a seeker's rules, the domain a claim is in; [`OPEN`] if that is not decided, [`MISSING`] if in none.
pub(super) type Signature = Vec<usize>;

const OPEN: usize = usize::MAX;
const MISSING: usize = usize::MAX - 1;

/// The signature of something that is there.
pub(super) fn signature(pins: &[Pin], keys: impl Iterator<Item = usize>) -> Signature {
    keys.map(|key| match &pins[key] {
        Pin::One(domain) => *domain,
        Pin::Any(_) => OPEN,
        Pin::Missing => MISSING,
    })
    .collect()
}

/// Whether something of this signature may take a pod that may go to these domains.
pub(super) fn admits(signature: &[usize], allowed: &[Allowed]) -> bool {
    signature.iter().zip(allowed).all(|(at, allowed)| match *at {
        OPEN => true,
        MISSING => allowed.missing,
        domain => allowed.set.contains(domain),
    })
}

/// Whether it is decided in which domains something of this signature is.
pub(super) fn is_settled(signature: &[usize]) -> bool {
    !signature.contains(&OPEN)
}

type Heap = BinaryHeap<Reverse<(Rank, usize)>>;

/// Claims in the order of their ranks, by signature.
#[derive(Default)]
pub(super) struct Queue {
    heaps: Vec<(Signature, Heap)>,
    index: FxHashMap<Signature, usize>,
    /// How many claims have been looked at for this queue.
    pub(super) seen: usize,
}

impl Queue {
    pub(super) fn push(&mut self, signature: Signature, rank: Rank, claim: usize) {
        let heap = match self.heaps.first() {
            Some((first, _)) if *first == signature => 0,
            _ => *self.index.entry(signature).or_insert_with_key(|signature| {
                self.heaps.push((signature.clone(), Heap::new()));
                self.heaps.len() - 1
            }),
        };
        self.heaps[heap].1.push(Reverse((rank, claim)));
    }

    /// Takes out the first claim among those that may take a pod. `now` says what a claim's rank and signature have become,
    /// or nothing if it will never take one.
    pub(super) fn pop(
        &mut self,
        allowed: &[Allowed],
        now: impl Fn(usize) -> Option<(Rank, Signature)>,
    ) -> Option<usize> {
        loop {
            let open = self.heaps.iter().enumerate().filter(|(_, (signature, _))| admits(signature, allowed));
            let (_, heap) = open.filter_map(|(h, (_, heap))| Some((heap.peek()?.0, h))).min()?;
            let Reverse((rank, claim)) = self.heaps[heap].1.pop()?;
            let Some((rank_now, signature)) = now(claim) else { continue };
            if rank_now == rank && signature == self.heaps[heap].0 {
                return Some(claim);
            }
            self.push(signature, rank_now, claim);
        }
    }
}

//! Sets of small numbers as bits: which instance types, of a pool's, are still in question.

/// A set of numbers below a fixed size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bits(Vec<u64>);

const WORD: usize = 64;

impl Bits {
    /// The empty set of numbers below `size`.
    pub(crate) fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(WORD)])
    }

    /// All numbers below `size`.
    pub(crate) fn all(size: usize) -> Self {
        let mut words = vec![u64::MAX; size / WORD];
        words.extend((!size.is_multiple_of(WORD)).then(|| (1 << (size % WORD)) - 1));
        Self(words)
    }

    /// Keeps the numbers at which the value is no less than `least`; there is a value for every number.
    pub(crate) fn retain_at_least(&mut self, values: &[i64], least: i64) {
        for (word, values) in self.0.iter_mut().zip(values.chunks(WORD)) {
            let mut enough = 0;
            for (i, value) in values.iter().enumerate() {
                enough |= u64::from(*value >= least) << i;
            }
            *word &= enough;
        }
    }

    pub(crate) fn insert(&mut self, i: usize) {
        self.0[i / WORD] |= 1 << (i % WORD);
    }

    pub(crate) fn remove(&mut self, i: usize) {
        self.0[i / WORD] &= !(1 << (i % WORD));
    }

    pub(crate) fn contains(&self, i: usize) -> bool {
        self.0[i / WORD] & (1 << (i % WORD)) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|w| w.count_ones() as usize).sum()
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    /// The numbers in both sets, in order.
    pub(crate) fn both<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        self.0.iter().zip(&other.0).enumerate().flat_map(|(w, (a, b))| ones(w, a & b))
    }

    /// The numbers in the set, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(w, a)| ones(w, *a))
    }
}

fn ones(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let i = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            word * WORD + i
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behave_like_a_set() {
        let mut even = Bits::none(130);
        (0..130).step_by(2).for_each(|i| even.insert(i));
        let mut low = Bits::all(130);
        (70..130).for_each(|i| low.remove(i));
        assert_eq!(even.both(&low).collect::<Vec<_>>(), (0..70).step_by(2).collect::<Vec<_>>());
        even.intersect(&low);
        assert_eq!((even.len(), even.contains(68), even.contains(70)), (35, true, false));
        assert!(Bits::none(130).is_empty() && !even.is_empty());
        even.unite(&Bits::all(130));
        assert_eq!(even.iter().count(), 130);
    }
}

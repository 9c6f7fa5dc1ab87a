//! Finding out, once placing has failed, what each pool lacks for a pod.
//!
//! It runs once for each class that fails, on its most forgiving reading, and retraces the questions in the order in which
//! they rule out most: rules, taints, labels, limits, types.

use super::{Never, Round, Seeker};
use crate::bitset::Bits;
use crate::reasons::{NoInstanceType, Refusal, Unplaced};
use crate::resources::{NODES, Resources};

impl Round<'_> {
    /// Why no pod of this class can be placed.
    pub(super) fn why(&mut self, class: usize, seekers: &[Seeker]) -> Unplaced {
        let unsupported = &self.problem.classes[class].unsupported;
        let Some(seeker) = seekers.last() else { return Unplaced::NotYetSupported(unsupported.clone()) };
        if self.pools.is_empty() {
            return Unplaced::NoPools;
        }
        Unplaced::Refused((0..self.pools.len()).map(|p| (p, self.refusal(p, seeker))).collect())
    }

    fn refusal(&mut self, p: usize, seeker: &Seeker) -> Refusal {
        let well_known = &self.problem.well_known;
        let pool = &mut self.pools[p];
        let sold = pool.pool.instance_types.len();
        match &seeker.refused[p] {
            Some(Never::Taints(taints)) => return Refusal::Taints(taints.clone()),
            Some(Never::Selection(why)) => return Refusal::Selection(why.clone()),
            None => {}
        }
        if pool.sellable.is_empty() {
            return Refusal::EmptyPool { sold };
        }
        if self.claims.limits[p].no_more_nodes() {
            return Refusal::NodeLimit;
        }
        let Some(set) = self.sets.merge(pool.set, seeker.requirements) else {
            return Refusal::NoInstanceType(NoInstanceType { types: pool.sellable.len(), ..Default::default() });
        };
        let requirements = self.sets.get(set);
        let mut selected = pool.sellable.clone();
        selected.intersect(&pool.labelled(requirements));
        let mut offered = pool.sellable.clone();
        offered.intersect(&pool.on_offer(requirements, well_known));
        let mut roomy = pool.sellable.clone();
        let fits = |t: usize| pool.room(t).iter().zip(&seeker.requests).all(|(room, asked)| asked <= room);
        pool.sellable.iter().filter(|t| !fits(*t)).for_each(|t| roomy.remove(t));

        let mut usable = selected.clone();
        usable.intersect(&offered);
        let mut fitting = usable.clone();
        fitting.intersect(&roomy);
        if fitting.is_empty() {
            let most = self.scarce(p, &usable, seeker);
            let (types, selected) = (self.pools[p].sellable.len(), selected.len());
            return Refusal::NoInstanceType(NoInstanceType {
                types,
                selected,
                offered: offered.len(),
                roomy: roomy.len(),
                most,
            });
        }
        let limits = &self.claims.limits[p];
        if let (Some(within), Some(remaining)) = (&limits.within, limits.remaining()) {
            fitting.intersect(within);
            if fitting.is_empty() {
                let left = remaining.iter().filter(|(k, _)| &***k != NODES).map(|(k, v)| (k.clone(), v));
                return Refusal::Limits(left.collect());
            }
        }
        let short = pool.min_values.iter().filter_map(|(key, asked)| {
            let have = pool.distinct_values(key, requirements, fitting.iter());
            (have < *asked).then(|| (key.clone(), *asked, have))
        });
        Refusal::MinValues(short.collect())
    }

    /// The resources that none of these types has enough of, with the most that there is.
    fn scarce(&self, p: usize, usable: &Bits, seeker: &Seeker) -> Resources {
        let pool = &self.pools[p];
        let mut out = Resources::new();
        if usable.is_empty() {
            return out;
        }
        for (column, (name, asked)) in self.columns.names().iter().zip(&seeker.requests).enumerate() {
            let most = usable.iter().map(|t| pool.room(t)[column]).max().unwrap_or(0);
            if most < *asked {
                out.set(name.clone(), most);
            }
        }
        out
    }
}

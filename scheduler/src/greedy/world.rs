//! What a round works with: the problem compiled, the counters, the reserved capacity that is left; and the one question
//! that claims and pools are both asked: what is left of you if you take this pod?
//!
//! Which pod asks whom, and in what order, is not known here.

use super::attachments::Attachments;
use super::course::{Course, Courses};
use super::reserve::{Holdings, Reserve};
use super::seeker::Seeker;
use crate::bitset::Bits;
use crate::market::{Columns, Market, PoolIndex, SetId, Sets};
use crate::problem::{MinValuesPolicy, PodClass, Problem};
use crate::requirement::{Name, Requirement};
use crate::requirements::Requirements;
use crate::topology::{Allowed, Pin, Topology};
use rustc_hash::FxHashMap;

/// The problem, compiled, and what is shared between nodes and claims.
pub(super) struct World<'p> {
    pub(super) problem: &'p Problem,
    pub(super) columns: Columns,
    pub(super) sets: Sets,
    pub(super) pools: Vec<PoolIndex<'p>>,
    pub(super) topology: Topology,
    pub(super) reserve: Reserve,
    pub(super) soft_taints: bool,
    pub(super) courses: Courses,
    domain_sets: FxHashMap<(usize, Vec<usize>), SetId>,
}

/// Someone who might take a pod: a claim, or a pool that would open one.
pub(super) struct Taker<'a> {
    pub(super) pool: usize,
    pub(super) set: SetId,
    pub(super) types: &'a Bits,
    /// What its pods ask for, this one included.
    pub(super) used: Vec<i64>,
    /// What its pods attach, this one included.
    pub(super) attached: Attachments,
    pub(super) min_values: MinValues<'a>,
    /// The reserved capacity it holds; `None` for a claim that is yet to be opened.
    pub(super) held: Option<&'a Holdings>,
    /// The pods it has.
    pub(super) aboard: &'a [usize],
    /// Where it is; `None` for a claim that is yet to be opened and may be wherever its requirements allow.
    pub(super) pins: Option<&'a [Pin]>,
    /// How it came about, if that is kept track of.
    pub(super) course: Option<Course>,
}

/// A claim that is yet to be opened.
pub(super) struct NewNode<'a> {
    pub(super) pool: usize,
    pub(super) set: SetId,
    pub(super) types: &'a Bits,
    /// Where it would be, if it is narrower than its requirements say.
    pub(super) pins: Option<&'a [Pin]>,
    pub(super) course: Option<Course>,
}

impl<'a> NewNode<'a> {
    /// The claim with its first pod.
    pub(super) fn with(&self, class: &PodClass, seeker: &Seeker) -> Taker<'a> {
        Taker {
            pool: self.pool,
            set: self.set,
            types: self.types,
            used: seeker.requests.clone(),
            attached: Attachments::default().and(&class.volumes),
            min_values: MinValues::AsThePoolSays,
            held: None,
            aboard: &[],
            pins: self.pins,
            course: self.course,
        }
    }
}

/// How many distinct values have to stay open.
#[derive(Clone, Copy)]
pub(super) enum MinValues<'a> {
    /// So many of each key.
    Keep(&'a [(Name, u32)]),
    /// Whatever the pool asks for and its policy makes of it.
    AsThePoolSays,
}

/// What is left of a taker.
#[derive(Clone)]
pub(super) struct Narrowed {
    pub(super) set: SetId,
    pub(super) types: Bits,
    /// What the roomiest type of each resource has left.
    pub(super) free: Vec<i64>,
    pub(super) used: Vec<i64>,
    pub(super) attached: Attachments,
    pub(super) min_values: Vec<(Name, u32)>,
    pub(super) relaxed: bool,
    pub(super) holdings: Holdings,
    pub(super) course: Option<Course>,
}

/// Why a pod was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// That will not change in this round.
    Never,
    /// Where pods are, or what is reserved, stands in the way now.
    NotNow,
    /// There is reserved capacity that others hold and may yet give up.
    Reserved,
}

impl<'p> World<'p> {
    pub(super) fn new(problem: &'p Problem, market: Market<'p>) -> Self {
        let Market { columns, sets, mut pools } = market;
        let topology = Topology::new(problem, &mut pools, &sets);
        let reserve = Reserve::of(problem, &pools);
        let soft_taints = problem.has_soft_taints();
        let (courses, domain_sets) = (Courses::default(), FxHashMap::default());
        Self { problem, columns, sets, pools, topology, reserve, soft_taints, courses, domain_sets }
    }

    /// What is left of a taker that takes a pod.
    pub(super) fn narrow(
        &mut self,
        taker: &Taker<'_>,
        seeker: &Seeker,
        allowed: &[Allowed],
    ) -> Result<Narrowed, Refused> {
        let set = self.sets.merge(taker.set, seeker.requirements).ok_or(Refused::Never)?;
        if seeker.places.is_empty() {
            return self.in_some_domain(taker, set, seeker, allowed);
        }
        let mut refused = Refused::Never;
        for place in &seeker.places {
            let Some(set) = self.at_place(set, *place) else { continue };
            match self.in_some_domain(taker, set, seeker, allowed) {
                Err(Refused::Never) => {}
                Err(other) => refused = other,
                narrowed => return narrowed,
            }
        }
        Err(refused)
    }

    /// What is left of a new node that is also where a volume can be used. A label that nobody defines is none that the node
    /// will have, so a volume that asks for it (such as one that is tied to a host) cannot be used there.
    pub(super) fn at_place(&mut self, set: SetId, place: SetId) -> Option<SetId> {
        let (node, asked) = (self.sets.get(set), self.sets.get(place));
        node.compatible(asked, &self.problem.well_known).ok()?;
        self.sets.merge(set, place)
    }

    /// The first choice of domains, key by key, that leaves something.
    fn in_some_domain(
        &mut self,
        taker: &Taker<'_>,
        set: SetId,
        seeker: &Seeker,
        allowed: &[Allowed],
    ) -> Result<Narrowed, Refused> {
        let Some((first, rest)) = allowed.split_first() else { return self.fit(taker, set, seeker) };
        let pins = self.topology.claim_pins(taker.pool, &mut self.pools, set, &self.sets, self.problem);
        let before = taker.pins.map(|pins| &pins[first.key]);
        let open = match before.filter(|pin| matches!(pin, Pin::One(_))).unwrap_or(&pins[first.key]) {
            Pin::Missing if first.missing => return self.in_some_domain(taker, set, seeker, rest),
            Pin::Missing | Pin::Unforeseen => return Err(Refused::Never),
            Pin::One(domain) if first.set.contains(*domain) => {
                let set = self.in_domains(set, first.key, &[*domain])?;
                return self.in_some_domain(taker, set, seeker, rest);
            }
            Pin::One(_) => return Err(Refused::NotNow),
            Pin::Any(open) => open,
        };
        let aboard = taker.aboard.iter().map(|pod| self.problem.pods[*pod].class);
        let keyed = &seeker.rules.keyed[seeker.rules.keyed.len() - allowed.len()];
        let choices = first
            .domains
            .iter()
            .filter(|d| open.contains(d) && before.is_none_or(|before| before.domains().contains(d)));
        let choices: Vec<usize> = self.topology.with_all_aboard(keyed, choices.copied(), aboard);
        if !first.one && choices.len() == open.len() {
            return self.in_some_domain(taker, set, seeker, rest);
        }
        if choices.is_empty() {
            return Err(Refused::NotNow);
        }
        if !first.one {
            let set = self.in_domains(set, first.key, &choices)?;
            return self.in_some_domain(taker, set, seeker, rest).map_err(|_| Refused::NotNow);
        }
        // Reserved capacity is worth waiting for where the pod would rather be, not where it would go for want of better.
        let mut refused = None;
        for domain in choices {
            let Ok(set) = self.in_domains(set, first.key, &[domain]) else { continue };
            match self.in_some_domain(taker, set, seeker, rest) {
                Err(Refused::Reserved) => _ = refused.get_or_insert(Refused::Reserved),
                Err(_) => _ = refused.get_or_insert(Refused::NotNow),
                narrowed => return narrowed,
            }
        }
        Err(refused.unwrap_or(Refused::NotNow))
    }

    /// A set narrowed to some domains of a key.
    pub(super) fn in_domains(&mut self, set: SetId, key: usize, domains: &[usize]) -> Result<SetId, Refused> {
        let question = (key, domains.to_vec());
        let among = match self.domain_sets.get(&question) {
            Some(known) => *known,
            None => {
                let values = domains.iter().map(|d| &*self.topology.keys.values(key)[*d]);
                let alone = (self.topology.keys.name(key), Requirement::any_of(values));
                let among = self.sets.intern([alone].into_iter().collect::<Requirements>());
                self.domain_sets.insert(question, among);
                among
            }
        };
        self.sets.merge(set, among).ok_or(Refused::NotNow)
    }

    /// The types that are left once everything is said, if they are enough.
    fn fit(&mut self, taker: &Taker<'_>, set: SetId, seeker: &Seeker) -> Result<Narrowed, Refused> {
        let Some(course) = taker.course.filter(|_| self.reserve.is_empty()) else {
            return self.fit_anew(taker, set, seeker);
        };
        if let Some(known) = self.courses.known(course, set, seeker.class) {
            return known.ok_or(Refused::Never);
        }
        let mut narrowed = self.fit_anew(taker, set, seeker).ok();
        self.courses.learn(course, set, seeker.class, &mut narrowed);
        narrowed.ok_or(Refused::Never)
    }

    fn fit_anew(&mut self, taker: &Taker<'_>, set: SetId, seeker: &Seeker) -> Result<Narrowed, Refused> {
        let pool = &mut self.pools[taker.pool];
        let view = pool.view(set, &self.sets, &self.problem.well_known);
        let mut types = taker.types.clone();
        types.intersect(&view.types);
        for (column, used) in taker.used.iter().enumerate() {
            types.retain_at_least(pool.room(column), *used);
        }
        if let Some(unclashed) = &seeker.unclashed[taker.pool] {
            types.intersect(unclashed);
        }
        if pool.limits_volumes {
            let short = |t: &usize| !taker.attached.within(&pool.pool.instance_types[*t].volume_limits);
            let short: Vec<usize> = types.iter().filter(short).collect();
            short.into_iter().for_each(|t| types.remove(t));
        }
        if types.is_empty() {
            return Err(Refused::Never);
        }
        let mut holdings = self.reserve.hold(pool, &view, &mut types, taker.held)?;
        // What holds reserved capacity will be launched from it, so its types have to be varied enough by themselves.
        let reserved = self.reserve.ways(&self.pools[taker.pool], &view, &holdings);
        let mut varied = match &reserved {
            None => self.enough_values(taker.pool, set, &types, taker.min_values),
            Some(ways) => {
                let mut reserved = types.clone();
                reserved.intersect(&self.pools[taker.pool].sold_by(ways));
                self.enough_values(taker.pool, set, &reserved, taker.min_values)
            }
        };
        if varied.is_none() && reserved.is_some() {
            let pool = &self.pools[taker.pool];
            types.intersect(&pool.sold_by(&pool.ways_of(&view, &[])));
            holdings = Holdings::default();
            varied =
                if types.is_empty() { None } else { self.enough_values(taker.pool, set, &types, taker.min_values) };
        }
        let (min_values, relaxed) = varied.ok_or(Refused::Never)?;
        let pool = &self.pools[taker.pool];
        let most = |column: usize| {
            let room = pool.room(column);
            types.iter().map(|t| room[t]).max().unwrap_or(0)
        };
        let free = taker.used.iter().enumerate().map(|(column, used)| most(column) - used).collect();
        let (used, attached) = (taker.used.clone(), taker.attached.clone());
        Ok(Narrowed { set, types, free, used, attached, min_values, relaxed, holdings, course: None })
    }

    /// How many distinct values of each key have to stay open from now on, and whether that is fewer than the pool asks.
    fn enough_values(
        &self,
        p: usize,
        set: SetId,
        types: &Bits,
        asked: MinValues<'_>,
    ) -> Option<(Vec<(Name, u32)>, bool)> {
        let pool = &self.pools[p];
        let (asked, may_relax) = match asked {
            MinValues::Keep(asked) => (asked, false),
            MinValues::AsThePoolSays => {
                (pool.min_values.as_slice(), self.problem.settings.min_values == MinValuesPolicy::BestEffort)
            }
        };
        let mut kept = Vec::with_capacity(asked.len());
        let mut relaxed = false;
        for (key, asked) in asked {
            let have = pool.distinct_values(key, self.sets.get(set), types.iter());
            if have < *asked && !may_relax {
                return None;
            }
            relaxed |= have < *asked;
            kept.push((key.clone(), have.min(*asked)));
        }
        Some((kept, relaxed))
    }
}

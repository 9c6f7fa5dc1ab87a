//! The valid plan that comes closest to somebody's wishes: which nodes there should be, with which pods on each.
//!
//! Whoever wishes thinks of resources and prices and need not know every rule. Here each pod is offered to the node that it
//! is wished on, and to no other, and the rules decide as they do for first fit. One that is refused for where other pods are
//! is offered again when that has changed: a spread lets the zones fill up in turns only. What remains, and what nobody
//! wished for, is placed by first fit, on the nodes that were wished for as well.
//!
//! Nothing is optimised here. A wish that no rule stands against is fulfilled to the letter, except that a node may turn out
//! to be of more types than wished, and so cheaper.

use super::flexibility::Terms;
use super::order::Signature;
use super::seeker::Seeker;
use super::world::{NewNode, Refused};
use super::{Progress, Round, in_order};
use crate::bitset::Bits;
use crate::market::{Market, SetId};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::requirement::Name;
use crate::requirements::Requirements;
use crate::resources::{CPU, MEMORY};
use crate::topology::{Allowed, Pin};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;

/// A node that somebody would like to have.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) place: WishedPlace,
    /// The pods that should be on it, as indexes into the problem's pods. A pod that several wishes name belongs to the first.
    pub(crate) pods: Vec<usize>,
}

/// Where pods are wished.
#[derive(Clone, Debug)]
pub(crate) enum WishedPlace {
    /// On this one of the problem's nodes.
    Existing(usize),
    /// On a node to be bought.
    New {
        /// From which of the problem's pools.
        pool: usize,
        /// Which of the pool's types it may be of while it fills up; empty means any. In the end it may be of every type that
        /// holds what it holds then. Pools that ask for a variety of values do not heed this.
        types: Vec<usize>,
        /// What else it should be like, such as in which zone.
        requirements: Requirements,
    },
}

/// Plans a problem along wishes. Whatever is wished, the plan keeps every rule; wishes that speak of what does not exist, or
/// of what the pool cannot give, are passed over, and their pods placed as if nobody had named them.
pub(crate) fn plan<'p>(problem: &'p Problem, market: Market<'p>, wishes: &[Wish], terms: &Terms) -> Plan {
    let mut guide = Guide::new(problem, market, wishes);
    let left = guide.follow();
    let mut round = guide.round;
    let unplaced = round.first_fit(in_order(problem, left));
    round.into_plan(unplaced, Some(terms))
}

/// A round with wishes to be fulfilled.
struct Guide<'p> {
    round: Round<'p>,
    /// Wish by wish, what has come of it.
    spots: Vec<Spot>,
    /// Class by class, what is still hoped for.
    queues: Vec<Queue>,
    /// The pods that go their own way.
    left: Vec<usize>,
}

/// What has come of a wish.
enum Spot {
    Node(usize),
    /// A node to be bought, for which there is no claim yet.
    Unopened {
        pool: usize,
        set: SetId,
        types: Bits,
        pins: Rc<[Pin]>,
    },
    Claim(usize),
    /// It cannot be.
    Nowhere,
}

/// Pods of one class that one wish names.
struct Hope {
    wish: usize,
    pods: Vec<usize>,
}

/// What a class still hopes for: apart by where the wishes are, so that a domain that is full just now costs one look.
#[derive(Default)]
struct Queue {
    quarters: Vec<Quarter>,
    by_pins: FxHashMap<Rc<[Pin]>, usize>,
    /// What the class's rules depended on when it last got stuck.
    stuck: Option<u64>,
}

/// The hopes of one place.
struct Quarter {
    pins: Rc<[Pin]>,
    fresh: VecDeque<Hope>,
    /// Those that have been refused since the queue was last taken up.
    tried: Vec<Hope>,
}

impl Queue {
    fn enter(&mut self, hope: Hope, pins: &Rc<[Pin]>) {
        let new = self.quarters.len();
        let at = *self.by_pins.entry(Rc::clone(pins)).or_insert(new);
        if at == new {
            self.quarters.push(Quarter { pins: Rc::clone(pins), fresh: VecDeque::new(), tried: vec![] });
        }
        self.quarters[at].fresh.push_back(hope);
    }

    fn is_empty(&self) -> bool {
        self.quarters.iter().all(|quarter| quarter.fresh.is_empty() && quarter.tried.is_empty())
    }
}

impl<'p> Guide<'p> {
    fn new(problem: &'p Problem, market: Market<'p>, wishes: &[Wish]) -> Self {
        let round = Round::new(problem, market);
        let queues = problem.classes.iter().map(|_| Queue::default()).collect();
        let mut guide = Self { round, spots: Vec::with_capacity(wishes.len()), queues, left: vec![] };
        let mut named = vec![false; problem.pods.len()];
        for (w, wish) in wishes.iter().enumerate() {
            let spot = guide.spot(&wish.place);
            guide.spots.push(spot);
            let mut by_class: Vec<(usize, Vec<usize>)> = vec![];
            for pod in wish.pods.iter().copied() {
                let Some(named) = named.get_mut(pod).filter(|named| !**named) else { continue };
                *named = true;
                let class = problem.pods[pod].class;
                match by_class.iter_mut().find(|(known, _)| *known == class) {
                    Some((_, pods)) => pods.push(pod),
                    None => by_class.push((class, vec![pod])),
                }
            }
            let pins = guide.pins(w);
            for (class, mut pods) in by_class {
                match &pins {
                    Some(pins) => {
                        pods.reverse(); // the first is taken from the end
                        guide.queues[class].enter(Hope { wish: w, pods }, pins);
                    }
                    None => guide.left.extend(pods),
                }
            }
        }
        guide.left.extend(named.iter().enumerate().filter(|(_, named)| !**named).map(|(pod, _)| pod));
        guide
    }

    fn spot(&mut self, place: &WishedPlace) -> Spot {
        let world = &mut self.round.world;
        match place {
            WishedPlace::Existing(node) if *node < world.problem.nodes.len() => Spot::Node(*node),
            WishedPlace::New { pool, types, requirements } if *pool < world.pools.len() => {
                let narrower = world.sets.intern(requirements.clone());
                let Some(set) = world.at_place(world.pools[*pool].set, narrower) else { return Spot::Nowhere };
                let index = &world.pools[*pool];
                let mut sellable = index.sellable.clone();
                if !types.is_empty() && index.min_values.is_empty() {
                    let mut wished = Bits::none(index.pool.instance_types.len());
                    types.iter().filter(|t| **t < index.pool.instance_types.len()).for_each(|t| wished.insert(*t));
                    sellable.intersect(&wished);
                }
                let pins =
                    world.topology.pins_of(*pool, &mut world.pools, (set, &sellable), &world.sets, world.problem);
                Spot::Unopened { pool: *pool, set, types: sellable, pins }
            }
            _ => Spot::Nowhere,
        }
    }

    /// Where a wish is; `None` if it cannot be.
    fn pins(&self, wish: usize) -> Option<Rc<[Pin]>> {
        match &self.spots[wish] {
            Spot::Node(node) => Some(Rc::clone(self.round.world.topology.node_pins(*node))),
            Spot::Unopened { pins, .. } => Some(Rc::clone(pins)),
            Spot::Claim(claim) => Some(Rc::clone(self.round.claims.pins(*claim))),
            Spot::Nowhere => None,
        }
    }

    /// Fulfils what can be, class by class, for as long as that leads anywhere. Returns the pods that go their own way.
    fn follow(&mut self) -> Vec<usize> {
        let mut classes = self.classes();
        loop {
            let mut placed = 0;
            for class in &classes {
                placed += self.fulfil(*class);
            }
            classes.retain(|class| !self.queues[*class].is_empty());
            if placed == 0 || classes.is_empty() {
                break;
            }
        }
        for quarter in self.queues.drain(..).flat_map(|queue| queue.quarters) {
            self.left.extend(quarter.fresh.into_iter().chain(quarter.tried).flat_map(|hope| hope.pods));
        }
        std::mem::take(&mut self.left)
    }

    /// The classes that hope for something, in the order in which first fit would place their first pods.
    fn classes(&self) -> Vec<usize> {
        let problem = self.round.world.problem;
        let mut first: Vec<Option<(i64, &Name)>> = vec![None; problem.classes.len()];
        for pod in &problem.pods {
            let known = &mut first[pod.class];
            let this = (pod.created, &pod.uid);
            *known = Some(known.map_or(this, |known| known.min(this)));
        }
        let mut classes: Vec<usize> = (0..problem.classes.len()).filter(|c| !self.queues[*c].is_empty()).collect();
        classes.sort_by_cached_key(|c| {
            let requests = &problem.classes[*c].requests;
            (Reverse(requests.get(CPU)), Reverse(requests.get(MEMORY)), first[*c])
        });
        classes
    }

    /// Offers the pods of a class to the nodes that they are wished on, in turns between the places, until nobody takes any.
    /// Returns how many were taken.
    fn fulfil(&mut self, class: usize) -> usize {
        let mut progress = std::mem::take(&mut self.round.classes[class]);
        if self.queues[class].stuck.is_some_and(|version| version == self.round.version(&progress.seekers)) {
            self.round.classes[class] = progress;
            return 0;
        }
        let mut queue = std::mem::take(&mut self.queues[class]);
        for quarter in &mut queue.quarters {
            quarter.fresh.extend(quarter.tried.drain(..));
        }
        let mut placed = 0;
        loop {
            let mut something_happened = false;
            for q in 0..queue.quarters.len() {
                let quarter = &mut queue.quarters[q];
                let Some(mut hope) = quarter.fresh.pop_front() else { continue };
                let Some(pod) = hope.pods.last().copied() else { continue };
                let pins = self.pins(hope.wish);
                if let Some(pins) = pins.filter(|pins| *pins != quarter.pins) {
                    queue.enter(hope, &pins); // its node is better known by now
                    something_happened = true;
                    continue;
                }
                match self.offer(hope.wish, pod, class, &mut progress) {
                    Ok(()) => {
                        placed += 1;
                        hope.pods.pop();
                        if !hope.pods.is_empty() {
                            quarter.fresh.push_front(hope);
                        }
                    }
                    Err(Shut::Quarter) => {
                        quarter.fresh.push_front(hope);
                        continue;
                    }
                    Err(Shut::Now) => quarter.tried.push(hope),
                    Err(Shut::Forever) => self.left.extend(hope.pods),
                }
                something_happened = true;
            }
            if !something_happened {
                break;
            }
        }
        queue.stuck = Some(self.round.version(&progress.seekers));
        self.queues[class] = queue;
        self.round.put_back(class, progress, placed);
        placed
    }

    /// Offers a pod to the node that it is wished on, in one reading after the other.
    fn offer(&mut self, wish: usize, pod: usize, class: usize, progress: &mut Progress) -> Result<(), Shut> {
        let Some(pins) = self.pins(wish) else { return Err(Shut::Forever) };
        let (mut elsewhere, mut not_now, mut never) = (false, false, false);
        for r in 0.. {
            let Some(seeker) = self.round.seeker(class, progress, r) else { break };
            let allowed = self.round.world.topology.allowed(&seeker.rules);
            let keys = seeker.rules.keyed.iter().map(|keyed| keyed.key);
            if !Signature::of(&pins, keys).admits(&allowed) {
                elsewhere = true;
                continue;
            }
            match self.offer_reading(wish, pod, seeker, &allowed) {
                Ok(()) => return Ok(()),
                Err(Refused::Never) => never = true,
                Err(Refused::NotNow | Refused::Reserved) => not_now = true,
            }
        }
        Err(match (elsewhere, not_now, never) {
            (true, false, false) => Shut::Quarter,
            (false, false, _) => Shut::Forever,
            _ => Shut::Now,
        })
    }

    fn offer_reading(&mut self, wish: usize, pod: usize, seeker: &Seeker, allowed: &[Allowed]) -> Result<(), Refused> {
        let Round { world, nodes, claims, .. } = &mut self.round;
        match &self.spots[wish] {
            Spot::Nowhere => Err(Refused::Never),
            Spot::Node(node) => nodes.place_on(*node, pod, seeker, allowed, world),
            Spot::Claim(claim) => claims.join_this(*claim, pod, seeker, allowed, world),
            Spot::Unopened { pool, set, types, pins } => {
                let pool = *pool;
                if seeker.refused[pool].is_some() || claims.limits[pool].no_more_nodes() {
                    return Err(Refused::Never);
                }
                if world.topology.hosts_to_join(&seeker.rules).is_some() {
                    return Err(Refused::NotNow); // a new node is in nobody's company
                }
                let mut types = types.clone();
                if let Some(within) = &claims.limits[pool].within {
                    types.intersect(within);
                }
                let course = Some(world.courses.begin(pool, *set, &types));
                let new = NewNode { pool, set: *set, types: &types, pins: Some(pins), course };
                let narrowed =
                    world.narrow(&new.with(&world.problem.classes[seeker.class], seeker), seeker, allowed)?;
                let claim = claims.open_restricted(pod, seeker, pool, narrowed, world);
                self.spots[wish] = Spot::Claim(claim);
                Ok(())
            }
        }
    }
}

/// Whom a refusal is meant for, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shut {
    /// All who are wished where this node is, until something changes.
    Quarter,
    /// This node only, until something changes.
    Now,
    /// This node, for the rest of the round.
    Forever,
}

#[cfg(test)]
mod tests;

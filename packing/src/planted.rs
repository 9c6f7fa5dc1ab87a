//! Planted instances: nodes of a catalogue are bought first and then split into pods, exactly, so that the cost of a cheapest
//! plan is known. It is proven, not hoped: the nodes are of types that lie on one edge of the price front, which gives CPU
//! and memory a price at which those types are worth what they cost and no type is worth more. At these prices the pods are
//! worth what the planted nodes cost, and every plan pays at least what its pods are worth.
//!
//! What can be bought comes in as a problem without pods; where that is from is not known here.

use crate::instance::{Instance, Kind};
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::problem::{Classes, Pod, PodClass, Problem};
use dovetail_scheduler::resources::{CPU, MEMORY, PODS, Resources};
use fastrand::Rng;
use std::cmp::Ordering;
use std::ops::Range;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How many pods.
    pub pods: usize,
    /// Where chance begins.
    pub seed: u64,
}

/// An instance and the plan behind it.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The instance, with its optimum.
    pub instance: Instance,
    /// The nodes that the pods were made of.
    pub nodes: Vec<PlantedNode>,
}

/// A node that is full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlantedNode {
    /// The pool, as an index into the problem's pools.
    pub pool: usize,
    /// The type, as an index into the pool's types.
    pub instance_type: usize,
    /// What it costs.
    pub price: Price,
    /// Its pods, as indexes into the problem's pods.
    pub pods: Vec<usize>,
}

/// Why nothing can be planted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlantError {
    /// There is no type to plant.
    #[error("nothing that has CPU and memory is on sale at a price: name another catalogue, region or NodePool")]
    NothingOnSale,
    /// What can be bought is not empty.
    #[error("pods are planted on new nodes only: leave existing nodes, pods and DaemonSets out")]
    Occupied,
}

/// The largest number of CPUs of a planted node, in thousandths: nodes of moderate size leave room for decisions.
const LARGEST: [i64; 4] = [16_000, 32_000, 64_000, 96_000];
/// How many pods a node is split into at most.
const MOST_PODS: [usize; 3] = [4, 8, 16];
/// Pods' sizes are multiples of these, but for one on each node that takes the rest: CPU in thousandths, memory in bytes.
const GRAINS: (i64, i64) = (50, 64 << 20);

/// A type that can be bought, as a point: what it has for what price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    pool: usize,
    instance_type: usize,
    /// Allocatable, in thousandths.
    cpu: i64,
    /// Allocatable, in bytes.
    memory: i64,
    /// How many pods it takes.
    pods: i64,
    /// In millionths of a millionth of a dollar per hour, above zero.
    price: i64,
}

impl Wish {
    /// The instance, always the same for the same wish and market. The seed also decides how large the nodes are and into
    /// how many pods they are split; types above that size are not for sale in the instance.
    ///
    /// # Errors
    /// When nothing is on sale, or when there is more in the market than pools.
    pub fn plant(self, market: &Problem) -> Result<Planted, PlantError> {
        if !market.pods.is_empty() || !market.nodes.is_empty() || !market.daemons.is_empty() {
            return Err(PlantError::Occupied);
        }
        let mut rng = Rng::with_seed(self.seed);
        let mut problem = market.clone();
        let largest = LARGEST[rng.usize(0..LARGEST.len())];
        keep_small(&mut problem, largest);
        if points(&problem).is_empty() {
            problem = market.clone(); // a catalogue of large machines only
        }
        let points = points(&problem);
        let tight = front(&points, &mut rng).ok_or(PlantError::NothingOnSale)?;
        let most = MOST_PODS[rng.usize(0..MOST_PODS.len())];
        let mut made: Vec<(usize, Resources)> = Vec::with_capacity(self.pods);
        let mut nodes = vec![];
        while made.len() < self.pods {
            let node = tight[rng.usize(0..tight.len())];
            let takes = usize::try_from(node.pods).unwrap_or(1).max(1);
            let parts = rng.usize(2..=most).min(takes).min(self.pods - made.len());
            let cpus = split(node.cpu, parts, GRAINS.0, &mut rng);
            let memories = split(node.memory, parts, GRAINS.1, &mut rng);
            for (cpu, memory) in cpus.into_iter().zip(memories) {
                made.push((nodes.len(), Resources::new().with(CPU, cpu).with(MEMORY, memory).with(PODS, 1)));
            }
            let price = Price::from_picodollars(node.price);
            nodes.push(PlantedNode { pool: node.pool, instance_type: node.instance_type, price, pods: vec![] });
        }
        rng.shuffle(&mut made);
        let mut classes = Classes::default();
        for (number, (node, requests)) in made.into_iter().enumerate() {
            let class = classes.intern(&mut problem, PodClass { requests, ..PodClass::default() });
            let (name, uid) = (format!("planted/pod-{number}").into(), format!("{number:09}").into());
            problem.pods.push(Pod { name, uid, created: 0, class });
            nodes[node].pods.push(number);
        }
        let optimum = Some(nodes.iter().map(|n| n.price).sum::<Price>().dollars());
        let name = format!("planted:{}@{}", self.pods, self.seed);
        Ok(Planted { instance: Instance { name, problem, kind: Kind::Cluster, optimum }, nodes })
    }
}

/// Takes the types with more CPU than that out of every pool.
fn keep_small(problem: &mut Problem, most_cpu: i64) {
    for pool in &mut problem.pools {
        let small = pool.instance_types.iter().filter(|t| t.capacity.get(CPU) <= most_cpu);
        pool.instance_types = small.cloned().collect();
    }
}

fn points(problem: &Problem) -> Vec<Point> {
    let mut points = vec![];
    for (p, pool) in problem.pools.iter().enumerate() {
        for (t, instance_type) in pool.instance_types.iter().enumerate() {
            if !instance_type.requirements.intersects(&pool.requirements) {
                continue;
            }
            let Some(offering) = instance_type.cheapest(&pool.requirements, &problem.well_known) else { continue };
            let room = instance_type.allocatable();
            let (cpu, memory, pods) = (room.get(CPU), room.get(MEMORY), room.get(PODS));
            let price = offering.price.picodollars();
            if cpu > GRAINS.0 && memory > GRAINS.1 && pods > 0 && price > 0 {
                points.push(Point { pool: p, instance_type: t, cpu, memory, pods, price });
            }
        }
    }
    points
}

/// The types on one edge of the price front: the front is the upper right side of the hull of (CPU, memory) for a dollar. If
/// the front is a single corner, the types on that corner.
fn front(points: &[Point], rng: &mut Rng) -> Option<Vec<Point>> {
    let corners = corners(points);
    let edges: Vec<Range<usize>> = (1..corners.len()).map(|end| end - 1..end + 1).collect();
    if edges.is_empty() {
        let corner = corners.first()?;
        return Some(
            points.iter().copied().filter(|p| by_cpu(p, corner).is_eq() && by_memory(p, corner).is_eq()).collect(),
        );
    }
    let [a, b] = corners.get(edges[rng.usize(0..edges.len())].clone())? else { return None };
    Some(points.iter().copied().filter(|p| side(a, b, p) == Ordering::Equal).collect())
}

/// The corners of the front, the one with the most memory for a dollar first.
fn corners(points: &[Point]) -> Vec<Point> {
    let mut sorted: Vec<Point> = points.to_vec();
    // Among points with as much CPU for a dollar only the one with the most memory can be a corner: it comes last.
    sorted.sort_by(|a, b| by_cpu(a, b).then_with(|| by_memory(a, b)));
    let mut hull: Vec<Point> = vec![];
    for point in sorted {
        while let Some(last) = hull.last() {
            let hidden = !by_memory(last, &point).is_gt() // no more of either
                || hull.len() > 1 && side(&hull[hull.len() - 2], &point, last) != Ordering::Greater;
            if !hidden {
                break;
            }
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

fn by_cpu(a: &Point, b: &Point) -> Ordering {
    (i128::from(a.cpu) * i128::from(b.price)).cmp(&(i128::from(b.cpu) * i128::from(a.price)))
}

fn by_memory(a: &Point, b: &Point) -> Ordering {
    (i128::from(a.memory) * i128::from(b.price)).cmp(&(i128::from(b.memory) * i128::from(a.price)))
}

/// On which side of the line from `a` to `b`, where `b` has more CPU for a dollar, a point lies: `Greater` is above, where a
/// dollar buys more. Exact: the numbers of a machine are below 2^20 thousandths, 2^45 bytes and 2^53 millionths of a
/// millionth of a dollar, so their products stay below 2^118.
fn side(a: &Point, b: &Point, point: &Point) -> Ordering {
    let row = |p: &Point| (i128::from(p.cpu), i128::from(p.memory), i128::from(p.price));
    let ((ac, am, ap), (bc, bm, bp), (c, m, p)) = (row(a), row(b), row(point));
    let determinant = ac * (bm * p - bp * m) - am * (bc * p - bp * c) + ap * (bc * m - bm * c);
    determinant.cmp(&0)
}

/// Splits an amount into so many parts, each of some grains and none of nothing; the last takes what is no whole grain.
fn split(total: i64, parts: usize, grain: i64, rng: &mut Rng) -> Vec<i64> {
    let wanted = i64::try_from(parts).unwrap_or(1);
    let grain = if total / grain >= wanted { grain } else { 1 };
    let grains = total / grain;
    let mut cuts: Vec<i64> = rng.choose_multiple(1..grains, parts.saturating_sub(1));
    cuts.sort_unstable();
    let mut before = 0;
    let mut sizes: Vec<i64> = vec![];
    for cut in cuts {
        sizes.push((cut - before) * grain);
        before = cut;
    }
    sizes.push(total - before * grain);
    sizes
}

#[cfg(test)]
#[path = "planted_tests.rs"]
mod tests;

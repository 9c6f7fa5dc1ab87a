//! Claims that came about in the same steps are alike in everything but who their pods are: what is known of one need not be
//! found out for the other.
//!
//! Whoever wishes for nodes wishes for many that are the same. The course of a claim is what it was opened as, and then class
//! by class what it took and with which requirements it came out of that. Where reserved capacity is about there are no
//! courses, since what a claim gets of it depends on what others hold.

use super::world::Narrowed;
use crate::bitset::Bits;
use crate::market::SetId;
use rustc_hash::FxHashMap;

/// The number of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Course(usize);

/// The courses that claims have taken so far.
#[derive(Default)]
pub(super) struct Courses {
    beginnings: FxHashMap<(usize, SetId, Bits), Course>,
    /// For a course, a class and the requirements that come of it, what is left; nothing if it cannot be.
    steps: FxHashMap<(Course, SetId, usize), Option<Narrowed>>,
    number: usize,
}

impl Courses {
    /// The course of a claim that is yet to be opened: its pool, its requirements, its types.
    pub(super) fn begin(&mut self, pool: usize, set: SetId, types: &Bits) -> Course {
        let number = &mut self.number;
        *self.beginnings.entry((pool, set, types.clone())).or_insert_with(|| next(number))
    }

    /// What is left of a claim that goes on in this way, if that is known.
    pub(super) fn known(&self, course: Course, set: SetId, class: usize) -> Option<Option<Narrowed>> {
        self.steps.get(&(course, set, class)).cloned()
    }

    /// Remembers what is left of a claim that goes on in this way, and numbers the way.
    pub(super) fn learn(&mut self, course: Course, set: SetId, class: usize, narrowed: &mut Option<Narrowed>) {
        if let Some(narrowed) = narrowed {
            narrowed.course = Some(next(&mut self.number));
        }
        self.steps.insert((course, set, class), narrowed.clone());
    }
}

fn next(number: &mut usize) -> Course {
    *number += 1;
    Course(*number)
}

//! How much work may still be done. Steps are counted the same on every machine; the clock, if there is one, is asked now
//! and then.

/// A budget of work.
pub(crate) struct Effort<'a> {
    steps: u64,
    next_look: u64,
    expired: &'a dyn Fn() -> bool,
    over: bool,
}

/// So many steps are done between two looks at the clock.
const LOOK_EVERY: u64 = 2_000;

impl<'a> Effort<'a> {
    pub(crate) fn new(steps: u64, expired: &'a dyn Fn() -> bool) -> Self {
        Self { steps, next_look: steps.saturating_sub(LOOK_EVERY), expired, over: steps == 0 }
    }

    /// Takes note of work done.
    pub(crate) fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_sub(steps);
        if self.steps == 0 {
            self.over = true;
        } else if self.steps <= self.next_look {
            self.next_look = self.steps.saturating_sub(LOOK_EVERY);
            self.over |= (self.expired)();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// A share of what is left, to be given [back](Effort::back).
    pub(crate) fn part(&mut self, numerator: u64, denominator: u64) -> Self {
        let steps = self.steps / denominator * numerator;
        self.steps -= steps;
        let next_look = steps.saturating_sub(LOOK_EVERY);
        Self { steps, next_look, expired: self.expired, over: self.over || steps == 0 }
    }

    /// Takes back what a part did not need.
    pub(crate) fn back(&mut self, part: Self) {
        self.steps += part.steps;
        self.next_look = self.steps.saturating_sub(LOOK_EVERY);
        self.over |= (self.expired)();
    }

    /// The steps that are left.
    pub(crate) fn left(&self) -> u64 {
        self.steps
    }
}

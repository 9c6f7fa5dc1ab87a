//! How much work may still be done. Steps are counted the same on every machine; the clock, if there is one, is asked now
//! and then.

/// A budget of work.
pub(crate) struct Effort<'a> {
    steps: u64,
    next_look: u64,
    /// Which share of the time is spent.
    spent: &'a dyn Fn() -> f64,
    /// At which share this budget ends.
    until: f64,
    over: bool,
}

/// So many steps are done between two looks at the clock.
const LOOK_EVERY: u64 = 2_000;

impl<'a> Effort<'a> {
    pub(crate) fn new(steps: u64, spent: &'a dyn Fn() -> f64) -> Self {
        let over = steps == 0 || spent() >= 1.0;
        Self { steps, next_look: steps.saturating_sub(LOOK_EVERY), spent, until: 1.0, over }
    }

    /// Takes note of work done.
    pub(crate) fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_sub(steps);
        if self.steps == 0 {
            self.over = true;
        } else if self.steps <= self.next_look {
            self.next_look = self.steps.saturating_sub(LOOK_EVERY);
            self.over |= (self.spent)() >= self.until;
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// How many steps are left.
    pub(crate) fn left(&self) -> u64 {
        self.steps
    }

    /// A share of the steps and of the time that are left, to be given [back](Effort::back).
    pub(crate) fn part(&mut self, share: f64) -> Self {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        let steps = (self.steps as f64 * share) as u64;
        self.steps -= steps.min(self.steps);
        let now = (self.spent)();
        let until = now + (self.until - now).max(0.0) * share;
        let next_look = steps.saturating_sub(LOOK_EVERY);
        Self { steps, next_look, spent: self.spent, until, over: self.over || steps == 0 || now >= until }
    }

    /// Takes back what a part did not need.
    pub(crate) fn back(&mut self, part: Self) {
        self.steps = self.steps.saturating_add(part.steps);
        self.next_look = self.steps.saturating_sub(LOOK_EVERY);
        self.over = self.steps == 0 || (self.spent)() >= self.until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_of_steps_ends_with_the_last_of_them() {
        let mut effort = Effort::new(10, &|| 0.0);
        effort.spend(9);
        assert!(!effort.is_over());
        effort.spend(1);
        assert!(effort.is_over());
    }

    #[test]
    fn a_part_ends_earlier_and_gives_back_the_rest() {
        let mut effort = Effort::new(100, &|| 0.0);
        let mut part = effort.part(0.5);
        part.spend(20);
        assert!(!part.is_over());
        effort.back(part);
        effort.spend(79);
        assert!(!effort.is_over(), "one step of a hundred is left");
        effort.spend(1);
        assert!(effort.is_over());
    }

    #[test]
    fn a_part_of_the_time_is_over_before_the_whole_is() {
        let clock = std::cell::Cell::new(0.0);
        let spent = || clock.get();
        let mut effort = Effort::new(u64::MAX, &spent);
        let mut part = effort.part(0.5);
        clock.set(0.6);
        part.spend(LOOK_EVERY);
        assert!(part.is_over());
        effort.back(part);
        assert!(!effort.is_over());
        clock.set(1.0);
        effort.spend(LOOK_EVERY);
        assert!(effort.is_over());
    }
}

//! Who leads: the rules by which replicas, Karpenter's included, share one Lease. It decides when to read and write the
//! lease and whether this replica leads; it does not know how the API server is reached, and reads no clock.
//!
//! The algorithm is that of client-go, so that both keep out of each other's way: whether a lease has run out is judged by
//! how long ago, on one's own monotonic clock, its record was last seen to change. The times inside the record are for
//! people; clocks of two machines are never compared. The timing is client-go's as well (the Karpenter specification,
//! disruption 10, "library defaults").

mod driver;
mod record;

use std::time::Duration;

pub use driver::{ElectionLost, Leadership, hold};
pub use record::{Record, Seen};

/// How long things take in an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a lease that nobody renews still keeps others away, in whole seconds.
    pub lease: Duration,
    /// How long a leader goes on without having renewed; shorter than `lease`, so that it has stopped before the next one
    /// begins.
    pub renew_deadline: Duration,
    /// How long between two attempts.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { lease: Duration::from_secs(15), renew_deadline: Duration::from_secs(10), retry: Duration::from_secs(2) }
    }
}

impl Timing {
    /// How long a write may take that was begun while leading, so that it has ended before anybody else may lead.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.lease.saturating_sub(self.renew_deadline)
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before that moment.
    Wait(Duration),
    /// Read the lease and tell [`Election::read`].
    Read,
    /// Write the lease and tell [`Election::wrote`].
    Write(Attempt),
    /// This replica led and does no longer. It must stop acting; there is no way back but a new election.
    Lost,
}

/// A lease to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who holds it then, for how long. Empty for a lease given back.
    pub holder: String,
    /// For how long, in seconds.
    pub duration_seconds: i32,
    /// How often the holder has changed.
    pub transitions: i32,
    /// Whether the holder begins to hold it now.
    pub acquires: bool,
    /// The version of the lease that this replaces; none if there is no lease yet.
    pub version: Option<String>,
}

/// Why the lease could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Somebody else has written it meanwhile.
    Conflict,
    /// Anything else: nobody knows whether it was written.
    Unknown,
}

/// One replica in the election. All moments are durations since any fixed moment of this process.
#[derive(Clone, Debug)]
pub struct Election {
    identity: String,
    timing: Timing,
    /// The lease as it was last seen, and when it was first seen so.
    observed: Option<(Seen, Duration)>,
    /// When the last renewal that succeeded was begun, if this replica leads.
    renewed: Option<Duration>,
    /// Before this moment nothing is tried.
    due: Duration,
    stage: Stage,
    jitter: fastrand::Rng,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// An attempt may begin.
    Idle,
    /// The lease must be read, whatever is known of it.
    MustRead,
    /// It may be taken or renewed.
    MayWrite,
    /// It has gone to somebody else.
    Lost,
}

impl Election {
    /// A replica that does not lead yet. `seed` spreads the attempts of several replicas.
    #[must_use]
    pub fn new(identity: String, timing: Timing, seed: u64) -> Self {
        Self {
            identity,
            timing,
            observed: None,
            renewed: None,
            due: Duration::ZERO,
            stage: Stage::Idle,
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    /// The moment until which this replica leads, if it leads at all.
    #[must_use]
    pub fn leads_until(&self) -> Option<Duration> {
        self.renewed.filter(|_| self.stage != Stage::Lost).map(|renewed| renewed + self.timing.renew_deadline)
    }

    /// Who holds the lease, as far as is known.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        self.observed.as_ref().map(|(seen, _)| seen.record.holder.as_str())
    }

    /// What to do now.
    #[must_use]
    pub fn step(&self, now: Duration) -> Step {
        if self.stage == Stage::Lost || self.leads_until().is_some_and(|until| now >= until) {
            return Step::Lost;
        }
        if now < self.due {
            return Step::Wait(self.leads_until().map_or(self.due, |until| until.min(self.due)));
        }
        match self.stage {
            Stage::MayWrite => Step::Write(self.attempt()),
            // What a leader wrote itself, it need not read again.
            Stage::Idle if self.renewed.is_some() => Step::Write(self.attempt()),
            _ => Step::Read,
        }
    }

    /// The lease was read; there may be none.
    pub fn read(&mut self, answer: Result<Option<Seen>, Failure>, now: Duration) {
        match answer {
            Err(_) => self.retry(now),
            Ok(None) => {
                self.observed = None;
                self.stage = Stage::MayWrite;
            }
            Ok(Some(seen)) => {
                self.observe(seen, now);
                if self.held_by_other(now) {
                    if self.renewed.is_some() {
                        self.stage = Stage::Lost;
                    } else {
                        self.retry(now);
                    }
                } else {
                    self.stage = Stage::MayWrite;
                }
            }
        }
    }

    /// The lease was written in an attempt begun at `begun`, and is now as the answer says.
    pub fn wrote(&mut self, answer: Result<Seen, Failure>, begun: Duration, now: Duration) {
        match answer {
            Ok(seen) => {
                self.observe(seen, now);
                self.renewed = Some(begun);
                self.due = begun + self.timing.retry;
                self.stage = Stage::Idle;
            }
            // It may be ours all the same, if the answer was lost. Reading tells; first at once, then with patience.
            Err(_) if self.stage == Stage::Idle => self.stage = Stage::MustRead,
            Err(_) => self.retry(now),
        }
    }

    /// What to write so that others need not wait, if this replica leads. Afterwards it leads no more.
    #[must_use]
    pub fn release(&mut self, now: Duration) -> Option<Attempt> {
        let leads = self.leads_until().is_some_and(|until| now < until);
        self.stage = Stage::Lost;
        let (seen, _) = self.observed.as_ref().filter(|(seen, _)| leads && seen.record.holder == self.identity)?;
        Some(Attempt {
            holder: String::new(),
            duration_seconds: 1,
            transitions: seen.record.transitions,
            acquires: true,
            version: Some(seen.version.clone()),
        })
    }

    fn observe(&mut self, seen: Seen, now: Duration) {
        let since = match &self.observed {
            Some((known, since)) if known.record == seen.record => *since,
            _ => now,
        };
        self.observed = Some((seen, since));
    }

    fn held_by_other(&self, now: Duration) -> bool {
        self.observed.as_ref().is_some_and(|(seen, since)| {
            let record = &seen.record;
            let lasts = record.duration.unwrap_or(self.timing.lease);
            !record.holder.is_empty() && record.holder != self.identity && now < *since + lasts
        })
    }

    fn attempt(&self) -> Attempt {
        let observed = self.observed.as_ref().map(|(seen, _)| seen);
        let before = observed.map_or(0, |seen| seen.record.transitions);
        let ours = observed.is_some_and(|seen| seen.record.holder == self.identity);
        Attempt {
            holder: self.identity.clone(),
            duration_seconds: i32::try_from(self.timing.lease.as_secs()).unwrap_or(i32::MAX),
            transitions: if ours || observed.is_none() { before } else { before.saturating_add(1) },
            acquires: !ours,
            version: observed.map(|seen| seen.version.clone()),
        }
    }

    /// Waits before the next attempt; those who do not lead wait longer by chance, as with client-go, so that they do not
    /// all come at once.
    fn retry(&mut self, now: Duration) {
        let spread = if self.renewed.is_some() { 0.0 } else { self.jitter.f64() * 1.2 };
        self.due = now + self.timing.retry.mul_f64(1.0 + spread);
        self.stage = Stage::MustRead;
    }
}

#[cfg(test)]
mod tests;

//! A round of provisioning as a value: everything that has to be known to work it out, and what came of it. It can be carried
//! to another thread and takes its time there; what is done with the answer is decided elsewhere.

use crate::cluster::Snapshot;
use crate::provisioning::{self, Options, Round};
use crate::settings::Settings;
use dovetail_api::node_pool::{NodeClassReference, NodePool};
use dovetail_cloudprovider::source::{InstanceTypeSource, NodeClass, SourceError};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::instance_type::InstanceType;
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::policy::{self, Karpenter, Policy, Search};
use dovetail_scheduler::requirement::Name;
use dovetail_scheduler::requirements::WellKnown;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A question to the scheduler that has not been put together yet.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The cluster as it was known when the round began.
    pub snapshot: Snapshot,
    /// What the operator wants.
    pub settings: Settings,
    /// What the solver remembers of earlier rounds.
    pub memory: Memory,
}

/// What came of a round.
#[derive(Debug)]
pub struct Planned {
    /// The question, and what was left out of it.
    pub round: Round,
    /// The answer.
    pub plan: Plan,
    /// What the solver remembers for the next round.
    pub memory: Memory,
    /// How long it took, by the clock that was handed in.
    pub took: Duration,
}

impl Ask {
    /// Puts the question together and has it answered. `elapsed` tells the time since the work began, and bounds the
    /// search; one that always says zero leaves it bounded by steps alone, and the same ask gives the same answer anywhere.
    pub fn work_out(self, elapsed: &(dyn Fn() -> Duration + Sync)) -> Planned {
        let Self { snapshot, settings, mut memory } = self;
        let options = Options { live: true, overlays_off: !settings.gates.node_overlay, ..settings.options.clone() };
        let options = Options { reserved_capacity_off: !settings.gates.reserved_capacity, ..options };
        let round = provisioning::assemble(&snapshot, &Offers { snapshot: &snapshot, settings: &settings }, &options);
        let milliseconds = Search::usual_milliseconds(round.problem.pods.len());
        let budget = Duration::from_millis(milliseconds).as_secs_f64();
        let search = Search {
            seed: settings.seed,
            steps: milliseconds.saturating_mul(Search::STEPS_PER_MILLISECOND),
            spent: &|| elapsed().as_secs_f64() / budget,
            ..Search::default()
        };
        // The settings were checked when they were read; a name that nobody knows must not keep pods waiting.
        let policy: &dyn Policy = policy::by_name(&settings.policy).unwrap_or(&Karpenter);
        let plan = policy::run(policy, &round.problem, &search, &mut memory);
        Planned { round, plan, memory, took: elapsed() }
    }
}

/// What providers sell, as they said it last.
struct Offers<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
}

impl InstanceTypeSource for Offers<'_> {
    fn instance_types(
        &self,
        pool: &NodePool,
        _: Option<NodeClass<'_>>,
    ) -> Result<Arc<[Arc<InstanceType>]>, SourceError> {
        let offer = self.snapshot.memory.offers.get(provisioning::name(pool));
        Ok(offer.map_or_else(|| Arc::from([]), |offer| Arc::clone(&offer.types)))
    }

    fn check_class(&self, class: &NodeClassReference) -> Result<(), SourceError> {
        let known = self.settings.manages(&class.group, &class.kind);
        if known { Ok(()) } else { Err(SourceError::ForeignNodeClass(class.kind.clone())) }
    }

    fn well_known(&self) -> &WellKnown {
        &self.settings.well_known
    }

    fn reservation_label(&self) -> Option<Name> {
        self.settings.reservation_label.clone()
    }
}

impl fmt::Debug for Offers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offers").finish_non_exhaustive()
    }
}

//! The settings as the engine reads them. What they mean is decided there.

use dovetail_engine::provisioning::Options;
use dovetail_engine::settings::{Gates, Settings as EngineSettings};
use dovetail_scheduler::problem::{MinValuesPolicy, PreferencePolicy, Settings as ProblemSettings};
use jiff::SignedDuration;

use super::Settings;
use crate::cloud::Cloud;
use crate::watches;

impl Settings {
    /// How the engine is to decide, on machines of this cloud. `seed` differs from start to start; pods are nominated if
    /// they should be and the server can.
    #[must_use]
    pub fn for_engine(&self, cloud: &Cloud, server_nominates: bool, seed: u64) -> EngineSettings {
        let gates = &self.gates;
        let preferences = if self.respect_preferences { PreferencePolicy::Respect } else { PreferencePolicy::Ignore };
        let min_values = if self.strict_min_values { MinValuesPolicy::Strict } else { MinValuesPolicy::BestEffort };
        let classes = cloud.provider.supported_node_classes();
        let problem = ProblemSettings { preferences, min_values };
        let options = Options { settings: problem, ..Options::default() };
        let options = Options { default_spread: self.default_spread.clone(), ..options };
        EngineSettings {
            watched: watches::kinds(self),
            batch_idle: signed(self.batch_idle),
            batch_max: signed(self.batch_max),
            options: Options { reserved_capacity_off: !gates.reserved_capacity, ..options },
            policy: self.policy.clone(),
            well_known: cloud.well_known.clone(),
            reservation_label: cloud.reservation_label.clone(),
            node_classes: classes.iter().map(|class| (class.group.to_owned(), class.kind.to_owned())).collect(),
            nominate_pods: self.nominate_pods && server_nominates,
            gates: Gates {
                node_repair: gates.node_repair,
                reserved_capacity: gates.reserved_capacity,
                spot_to_spot_consolidation: gates.spot_to_spot_consolidation,
                node_overlay: gates.node_overlay,
                static_capacity: gates.static_capacity,
                capacity_buffer: gates.capacity_buffer,
            },
            seed,
            ..EngineSettings::default()
        }
    }
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

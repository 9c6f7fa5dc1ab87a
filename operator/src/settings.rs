//! What the controller is told at its start: flags, environment variables and feature gates, with Karpenter's names,
//! defaults and precedence (the Karpenter specification, scheduling 9.1, disruption 10, v1.15 changes 2.1). It decides what
//! holds; it does not know what anybody does with it.
//!
//! A flag beats its variable, and a variable beats the default. A variable that is not a number, a switch or a duration
//! where one is wanted counts as not set, as in Karpenter; here that is a warning. What is wrong with a level, a policy, a
//! gate list or the scheduler's configuration is an error, whoever said it.

pub(crate) mod environment;
pub mod flags;
mod for_engine;
pub mod gates;
pub mod table;

use std::time::Duration;

use dovetail_engine::default_spread::{DefaultSpread, SchedulerConfig};
use dovetail_scheduler::policy;

pub use flags::Flags;
pub use gates::{FeatureGates, GateError};
use table::{Kind, SETTINGS, Setting};

/// Everything that was set, understood.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct Settings {
    /// Name of the Service in front of the controller.
    pub karpenter_service: String,
    /// Port for metrics and profiles; 0 means any free one.
    pub metrics_port: u16,
    /// Port for probes; 0 means any free one.
    pub health_probe_port: u16,
    /// Writes per second in the long run; none means no limit.
    pub kube_client_qps: Option<u32>,
    /// Writes at once, at least one.
    pub kube_client_burst: u32,
    /// Whether profiles are offered.
    pub enable_profiling: bool,
    /// Whether watches wait for the lease.
    pub disable_controller_warmup: bool,
    /// Whether to act without a lease.
    pub disable_leader_election: bool,
    /// Whether metrics of single objects are left out.
    pub disable_cluster_state_observability: bool,
    /// Name of the lease.
    pub leader_election_name: String,
    /// Namespace of the lease; empty means one's own.
    pub leader_election_namespace: String,
    /// Memory limit in bytes, if there is one.
    pub memory_limit: Option<u64>,
    /// CPU requests in thousandths of a core, above zero.
    pub cpu_requests: u32,
    /// `debug`, `info` or `error`.
    pub log_level: String,
    /// Where logs go.
    pub log_output_paths: Vec<String>,
    /// Where failures to log go.
    pub log_error_output_paths: Vec<String>,
    /// How long pods are collected at most.
    pub batch_max: Duration,
    /// How long no pod must come.
    pub batch_idle: Duration,
    /// Whether preferences of pods count (`Respect`) or not (`Ignore`).
    pub respect_preferences: bool,
    /// Whether minValues must be had (`Strict`) or not (`BestEffort`).
    pub strict_min_values: bool,
    /// Whether pods with resource claims are left alone.
    pub ignore_dra_requests: bool,
    /// Whether nodes are repaired as in 1.14.
    pub legacy_node_repair: bool,
    /// The gates.
    pub gates: FeatureGates,
    /// Spread for pods that ask for none.
    pub default_spread: DefaultSpread,
    /// File of instance types for KWOK; none means the generated list.
    pub instance_types_file: Option<String>,
    /// Name of the provider.
    pub provider: String,
    /// File that says how to reach the cluster, if one was named.
    pub kubeconfig: Option<String>,
    /// Name of the policy that makes plans.
    pub policy: String,
    /// Whether pods are nominated in their status.
    pub nominate_pods: bool,
}

/// Why the settings make no sense. The controller does not start then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A word that is not one of those possible.
    #[error("validating cli flags / env vars, invalid {variable} {given:?}: use one of {}", .possible.join(", "))]
    Word {
        /// The variable, which names the setting in Karpenter's messages.
        variable: &'static str,
        /// What was said.
        given: String,
        /// What could be.
        possible: Vec<&'static str>,
    },
    /// A number that is no port.
    #[error("validating cli flags / env vars, invalid {variable} {given}: a port is a number from 0 to 65535")]
    Port {
        /// The variable.
        variable: &'static str,
        /// What was said.
        given: i64,
    },
    /// A bad list of gates.
    #[error(transparent)]
    Gates(#[from] GateError),
    /// A policy that there is not.
    #[error("invalid DOVETAIL_POLICY {given:?}: use one of {}", .possible.join(", "))]
    Policy {
        /// What was said.
        given: String,
        /// What there is.
        possible: Vec<&'static str>,
    },
    /// A bad configuration of kube-scheduler.
    #[error("parsing scheduler config, SCHEDULER_CONFIG: {0}")]
    SchedulerConfig(String),
}

/// Settings that hold, with what is worth telling about them.
#[derive(Clone, Debug)]
pub struct Read {
    /// The settings.
    pub settings: Settings,
    /// Variables that were not understood, gates that are not known: they change nothing, and somebody should know.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Brings flags, environment and defaults together. `variable` answers what an environment variable says, if it is set.
    ///
    /// # Errors
    /// Everything that is wrong, one by one.
    pub fn read(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Result<Read, Vec<SettingsError>> {
        let mut sources = Sources { flags, variable, warnings: Vec::new(), errors: Vec::new() };
        let settings = Self {
            karpenter_service: sources.text("karpenter-service"),
            metrics_port: sources.port("metrics-port"),
            health_probe_port: sources.port("health-probe-port"),
            kube_client_qps: u32::try_from(sources.whole("kube-client-qps")).ok().filter(|qps| *qps > 0),
            kube_client_burst: u32::try_from(sources.whole("kube-client-burst").max(1)).unwrap_or(u32::MAX),
            enable_profiling: sources.switch("enable-profiling"),
            disable_controller_warmup: sources.switch("disable-controller-warmup"),
            disable_leader_election: sources.switch("disable-leader-election"),
            disable_cluster_state_observability: sources.switch("disable-cluster-state-observability"),
            leader_election_name: sources.text("leader-election-name"),
            leader_election_namespace: sources.text("leader-election-namespace"),
            memory_limit: u64::try_from(sources.whole("memory-limit")).ok().filter(|bytes| *bytes > 0),
            cpu_requests: u32::try_from(sources.whole("cpu-requests")).ok().filter(|cpu| *cpu > 0).unwrap_or(1000),
            log_level: Some(sources.word("log-level"))
                .filter(|level| !level.is_empty())
                .unwrap_or_else(|| "info".into()),
            log_output_paths: sources.list("log-output-paths"),
            log_error_output_paths: sources.list("log-error-output-paths"),
            batch_max: sources.duration("batch-max-duration"),
            batch_idle: sources.duration("batch-idle-duration"),
            respect_preferences: sources.word("preference-policy") != "Ignore",
            strict_min_values: sources.word("min-values-policy") != "BestEffort",
            ignore_dra_requests: sources.switch("ignore-dra-requests"),
            legacy_node_repair: sources.switch("legacy-node-repair"),
            gates: sources.gates(),
            default_spread: sources.scheduler_config(),
            instance_types_file: some(sources.text("instance-types-file-path")),
            provider: sources.word("provider"),
            kubeconfig: some(sources.text("kubeconfig")),
            policy: sources.policy("policy"),
            nominate_pods: sources.switch("nominate-pods"),
        };
        let Sources { warnings, errors, .. } = sources;
        if errors.is_empty() { Ok(Read { settings, warnings }) } else { Err(errors) }
    }

    /// How many of something to have under way at once, between the two bounds: more with more CPU, the most at 60 cores
    /// (the Karpenter specification, disruption 10).
    #[must_use]
    pub fn concurrency(&self, fewest: u32, most: u32) -> u32 {
        let cores = self.cpu_requests.div_ceil(1000);
        let more = f64::from(most.saturating_sub(fewest)) / 59.0 * f64::from(cores.saturating_sub(1));
        // Truncated, as upstream does; the clamp keeps it in range.
        fewest.saturating_add(more as u32).clamp(fewest, most.max(fewest))
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Where a value may come from, and what was found out on the way.
struct Sources<'f, V> {
    flags: &'f Flags,
    variable: V,
    warnings: Vec<String>,
    errors: Vec<SettingsError>,
}

impl<V: Fn(&str) -> Option<String>> Sources<'_, V> {
    fn setting(flag: &str) -> &'static Setting {
        table::find(flag).expect("only flags of the table are asked for: the test of all settings asks for each")
    }

    /// What was said, or the default; what its kind does not allow was not said.
    fn said<T>(&mut self, setting: &'static Setting, understand: impl Fn(&str) -> Option<T>) -> T {
        let flag = self.flags.get(setting).and_then(&understand);
        let value = flag.or_else(|| {
            let text = (self.variable)(setting.variable)?;
            let value = understand(&text);
            if value.is_none() {
                self.warnings.push(format!(
                    "{}={text:?} is not {}; the default holds: {}",
                    setting.variable,
                    wanted(setting.kind),
                    setting.default
                ));
            }
            value
        });
        value
            .or_else(|| understand(setting.default))
            .expect("each default of the table is of its kind: the test of the defaults reads every one")
    }

    fn text(&mut self, flag: &str) -> String {
        self.said(Self::setting(flag), |text| Some(text.to_owned()))
    }

    fn list(&mut self, flag: &str) -> Vec<String> {
        let text = self.text(flag);
        text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect()
    }

    fn whole(&mut self, flag: &str) -> i64 {
        self.said(Self::setting(flag), environment::whole)
    }

    fn switch(&mut self, flag: &str) -> bool {
        self.said(Self::setting(flag), environment::switch)
    }

    /// A time; less than none is none.
    fn duration(&mut self, flag: &str) -> Duration {
        let duration = self.said(Self::setting(flag), environment::duration);
        Duration::from_nanos(u64::try_from(duration.nanos()).unwrap_or(0))
    }

    fn port(&mut self, flag: &str) -> u16 {
        let given = self.whole(flag);
        u16::try_from(given).unwrap_or_else(|_| {
            self.errors.push(SettingsError::Port { variable: Self::setting(flag).variable, given });
            0
        })
    }

    fn word(&mut self, flag: &str) -> String {
        let setting = Self::setting(flag);
        let given = self.text(flag);
        if let Kind::OneOf(words) = setting.kind
            && !words.contains(&given.as_str())
        {
            let possible = words.iter().copied().filter(|word| !word.is_empty()).collect();
            self.errors.push(SettingsError::Word { variable: setting.variable, given: given.clone(), possible });
        }
        given
    }

    fn policy(&mut self, flag: &str) -> String {
        let given = self.text(flag);
        if policy::by_name(&given).is_none() {
            let possible = policy::POLICIES.iter().map(|policy| policy.name()).collect();
            self.errors.push(SettingsError::Policy { given: given.clone(), possible });
        }
        given
    }

    fn gates(&mut self) -> FeatureGates {
        match FeatureGates::parse(&self.text("feature-gates")) {
            Ok((gates, unknown)) => {
                for name in unknown {
                    let known: Vec<_> = gates::names().collect();
                    self.warnings.push(format!(
                        "FEATURE_GATES: there is no gate {name:?}, it is ignored; the gates are {}",
                        known.join(", ")
                    ));
                }
                gates
            }
            Err(error) => {
                self.errors.push(error.into());
                FeatureGates::default()
            }
        }
    }

    fn scheduler_config(&mut self) -> DefaultSpread {
        scheduler_config(&self.text("scheduler-config")).unwrap_or_else(|errors| {
            self.errors.extend(errors.into_iter().map(SettingsError::SchedulerConfig));
            DefaultSpread::default()
        })
    }
}

const fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole => "a whole number",
        Kind::Switch => "true or false",
        Kind::Duration => "a duration such as 10s",
        Kind::Text | Kind::OneOf(_) | Kind::Gates => "a text",
    }
}

/// Reads the configuration of kube-scheduler; an empty one configures nothing.
fn scheduler_config(text: &str) -> Result<DefaultSpread, Vec<String>> {
    if text.trim().is_empty() {
        return Ok(DefaultSpread::default());
    }
    let value: serde_json::Value =
        serde_saphyr::from_str(text).map_err(|error| vec![format!("this is not YAML: {error}")])?;
    let config: SchedulerConfig = match value {
        serde_json::Value::Null => SchedulerConfig::default(),
        value => serde_path_to_error::deserialize(value)
            .map_err(|error| vec![format!("{}: {}", error.path(), error.inner())])?,
    };
    DefaultSpread::of(&config).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// The flags that exist, for tests and documentation.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter()
}

#[cfg(test)]
mod tests;

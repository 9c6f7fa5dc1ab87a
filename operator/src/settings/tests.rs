//! Flags, variables and defaults, told as someone would start the controller.

use std::collections::BTreeMap;

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

fn line(flags: &[&str]) -> Flags {
    Line::try_parse_from(flags).expect("the flags make sense").flags
}

fn refused(flags: &[&str]) -> String {
    Line::try_parse_from(flags).expect_err("the flags make no sense").to_string()
}

fn started(flags: &[&str], variables: &[(&str, &str)]) -> Result<Read, Vec<SettingsError>> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    Settings::read(&line(flags), |name| variables.get(name).map(|value| (*value).to_owned()))
}

fn settings(flags: &[&str], variables: &[(&str, &str)]) -> Settings {
    started(flags, variables).expect("the settings make sense").settings
}

fn mistakes(flags: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    started(flags, variables).expect_err("the settings make no sense").iter().map(ToString::to_string).collect()
}

/// The specification's table (scheduling 9.1, disruption 10, v1.15 changes 2.1), written down once more.
const KARPENTER: &str = "\
karpenter-service KARPENTER_SERVICE
metrics-port METRICS_PORT 8080
health-probe-port HEALTH_PROBE_PORT 8081
kube-client-qps KUBE_CLIENT_QPS 200
kube-client-burst KUBE_CLIENT_BURST 300
enable-profiling ENABLE_PROFILING false
disable-controller-warmup DISABLE_CONTROLLER_WARMUP true
disable-leader-election DISABLE_LEADER_ELECTION false
disable-cluster-state-observability DISABLE_CLUSTER_STATE_OBSERVABILITY false
leader-election-name LEADER_ELECTION_NAME karpenter-leader-election
leader-election-namespace LEADER_ELECTION_NAMESPACE
memory-limit MEMORY_LIMIT -1
cpu-requests CPU_REQUESTS 1000
log-level LOG_LEVEL info
log-output-paths LOG_OUTPUT_PATHS stdout
log-error-output-paths LOG_ERROR_OUTPUT_PATHS stderr
batch-max-duration BATCH_MAX_DURATION 10s
batch-idle-duration BATCH_IDLE_DURATION 1s
preference-policy PREFERENCE_POLICY Respect
min-values-policy MIN_VALUES_POLICY Strict
ignore-dra-requests IGNORE_DRA_REQUESTS true
legacy-node-repair LEGACY_NODE_REPAIR false
feature-gates FEATURE_GATES NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=false,NodeOverlay=false,StaticCapacity=false,CapacityBuffer=false,TerminateFirstDrift=false,TerminateFirstRepair=false,PodDeletionCostManagement=false
scheduler-config SCHEDULER_CONFIG";

#[test]
fn every_setting_of_karpenter_has_its_name_its_variable_and_its_default() {
    let ours = all().filter(|setting| setting.origin == table::Origin::Karpenter);
    let ours: Vec<_> = ours
        .map(|setting| format!("{} {} {}", setting.flag, setting.variable, setting.default).trim_end().to_owned())
        .collect();
    assert_eq!(ours, KARPENTER.lines().collect::<Vec<_>>());
}

#[test]
fn without_a_word_the_defaults_hold() {
    let read = started(&[], &[]).expect("the defaults make sense");
    assert_eq!(read.warnings, [""; 0]);
    let settings = read.settings;
    assert_eq!((settings.metrics_port, settings.health_probe_port), (8080, 8081));
    assert_eq!((settings.kube_client_qps, settings.kube_client_burst), (Some(200), 300));
    assert_eq!((settings.batch_max, settings.batch_idle), (Duration::from_secs(10), Duration::from_secs(1)));
    assert!(settings.disable_controller_warmup && !settings.disable_leader_election && !settings.enable_profiling);
    assert!(settings.respect_preferences && settings.strict_min_values && settings.ignore_dra_requests);
    assert_eq!((settings.memory_limit, settings.cpu_requests), (None, 1000));
    assert_eq!(settings.leader_election_name, "karpenter-leader-election");
    assert_eq!(
        (settings.log_level.as_str(), settings.log_output_paths.as_slice()),
        ("info", &["stdout".to_owned()][..])
    );
    assert_eq!(settings.gates, FeatureGates::default());
    assert_eq!(settings.provider, "kwok");
}

#[test]
fn a_flag_beats_its_variable_and_a_variable_the_default() {
    let variables = [("BATCH_MAX_DURATION", "3s"), ("ENABLE_PROFILING", "1"), ("LOG_LEVEL", "")];
    let by_variable = settings(&[], &variables);
    assert_eq!(by_variable.batch_max, Duration::from_secs(3));
    assert!(by_variable.enable_profiling, "the environment may say 1, as Go's ParseBool has it");
    assert_eq!(by_variable.log_level, "info", "an empty level is the usual one");
    let by_flag =
        settings(&["--batch-max-duration", "5s", "--enable-profiling=false", "--memory-limit=-1"], &variables);
    assert_eq!(by_flag.batch_max, Duration::from_secs(5));
    assert!(!by_flag.enable_profiling);
    assert!(settings(&["--enable-profiling"], &[]).enable_profiling, "the flag alone means true");
    assert_eq!(settings(&["--metrics-port", "1", "--metrics-port", "2"], &[]).metrics_port, 2, "the last one counts");
}

#[test]
fn a_variable_that_is_not_understood_counts_as_not_set_and_is_told() {
    let variables = [("METRICS_PORT", "http"), ("BATCH_IDLE_DURATION", "1"), ("IGNORE_DRA_REQUESTS", "yes")];
    let read = started(&[], &variables).expect("the defaults hold");
    assert_eq!(read.settings.metrics_port, 8080);
    assert_eq!(read.settings.batch_idle, Duration::from_secs(1));
    assert!(read.settings.ignore_dra_requests);
    assert_eq!(read.warnings.len(), 3);
    assert!(read.warnings[0].starts_with("METRICS_PORT=\"http\" is not a whole number"), "{:?}", read.warnings);
}

#[test]
fn a_flag_takes_only_what_its_kind_allows() {
    assert!(refused(&["--enable-profiling=1"]).contains("is not a valid value, must be true or false"));
    assert!(refused(&["--metrics-port", "http"]).contains("not a whole number"));
    assert!(refused(&["--batch-idle-duration", "1"]).contains("unit"));
    assert!(refused(&["--preference-policy", "Maybe"]).contains("Respect"));
    assert!(refused(&["--provider", "moon"]).contains("kwok"));
    assert!(refused(&["--cluster-magic", "1"]).contains("--cluster-magic"), "an unknown flag is named");
}

#[test]
fn what_makes_no_sense_stops_the_start_and_all_of_it_is_told() {
    let mistakes = mistakes(
        &["--metrics-port", "99999"],
        &[
            ("LOG_LEVEL", "warn"),
            ("PREFERENCE_POLICY", "respect"),
            ("MIN_VALUES_POLICY", ""),
            ("FEATURE_GATES", "NodeRepair"),
            ("DOVETAIL_POLICY", "luck"),
            ("SCHEDULER_CONFIG", "podTopologySpread: {defaultConstraints: [{topologyKey: zone}]}"),
        ],
    );
    let told = mistakes.join("\n");
    for part in [
        "invalid METRICS_PORT 99999",
        "invalid LOG_LEVEL \"warn\": use one of debug, info, error",
        "invalid PREFERENCE_POLICY \"respect\"",
        "invalid MIN_VALUES_POLICY \"\"",
        "invalid DOVETAIL_POLICY \"luck\": use one of cost, karpenter",
        "parsing feature gates, malformed pair",
        "podTopologySpread.defaultConstraints[0].maxSkew",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
}

#[test]
fn the_scheduler_s_configuration_is_read_strictly() {
    let good = "podTopologySpread:\n  defaultConstraints:\n  - maxSkew: 1\n    topologyKey: kubernetes.io/hostname\n    \
                whenUnsatisfiable: ScheduleAnyway\n";
    assert!(started(&["--scheduler-config", good], &[]).is_ok());
    assert!(started(&[], &[("SCHEDULER_CONFIG", "{\"podTopologySpread\": {}}")]).is_ok());
    let told = mistakes(&["--scheduler-config", "podTopologySpread: {defaultingType: List}"], &[]);
    assert!(
        told[0].starts_with("parsing scheduler config, SCHEDULER_CONFIG: podTopologySpread.defaultingType"),
        "{told:?}"
    );
    assert!(mistakes(&["--scheduler-config", "a: ["], &[])[0].contains("not YAML"));
}

#[test]
fn a_gate_that_does_not_exist_is_ignored_but_named() {
    let read = started(&["--feature-gates", "Drift=true,StaticCapacity=true"], &[]).expect("it is ignored");
    assert!(read.settings.gates.static_capacity);
    assert_eq!(read.warnings.len(), 1);
    assert!(read.warnings[0].contains("\"Drift\"") && read.warnings[0].contains("PodDeletionCostManagement"));
}

#[test]
fn numbers_out_of_range_mean_what_they_mean_upstream() {
    let odd = settings(&["--cpu-requests=0", "--kube-client-qps=-1", "--kube-client-burst=0", "--memory-limit=0"], &[]);
    assert_eq!((odd.cpu_requests, odd.kube_client_qps, odd.kube_client_burst, odd.memory_limit), (1000, None, 1, None));
    assert_eq!(settings(&["--batch-idle-duration=-1s"], &[]).batch_idle, Duration::ZERO);
}

#[test]
fn concurrency_grows_with_cpu_as_upstream_s_does() {
    let at = |cores: f64| {
        let cpu = format!("{}", (cores * 1000.0) as i64);
        settings(&["--cpu-requests", &cpu], &[]).concurrency(10, 1000)
    };
    assert_eq!([1.0, 1.5, 2.0, 4.0, 15.0, 60.0, 200.0].map(at), [10, 26, 26, 60, 244, 1000, 1000]);
}

#[test]
fn the_documentation_lists_every_setting() {
    crate::documentation::check("settings.md", &table::markdown());
}

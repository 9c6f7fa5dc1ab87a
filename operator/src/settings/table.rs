//! The list of all settings, as data: the flags, the environment variables and the help are made from it, and the
//! documentation is checked against it. It does not know what a setting does.

/// What may be written for a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// `true` or `false`; the environment may also say `1`, `t` and the like, as Go reads them.
    Switch,
    /// A duration as Go writes them, such as `10s` or `1m30s`.
    Duration,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of feature gates, `Name=true,Other=false`.
    Gates,
}

/// Who introduced a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Karpenter, any provider.
    Karpenter,
    /// Karpenter's KWOK provider.
    Kwok,
    /// Dovetail alone.
    Dovetail,
}

impl Origin {
    /// The heading under which help and documentation list such settings.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Karpenter => "Karpenter's settings",
            Self::Kwok => "Settings of the KWOK provider",
            Self::Dovetail => "Dovetail's own settings",
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The flag without its dashes.
    pub flag: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What holds when neither says anything, as one would write it.
    pub default: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// Who introduced it.
    pub origin: Origin,
    /// What it does, in a sentence without a full stop.
    pub meaning: &'static str,
}

/// Every level that a log may have.
pub const LOG_LEVELS: &[&str] = &["", "debug", "info", "error"];

/// The gates and their defaults in the order of Karpenter's help.
pub const GATES_DEFAULT: &str = "NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=false,NodeOverlay=false,\
StaticCapacity=false,CapacityBuffer=false,TerminateFirstDrift=false,TerminateFirstRepair=false,\
PodDeletionCostManagement=false";

const fn setting(
    flag: &'static str,
    variable: &'static str,
    default: &'static str,
    kind: Kind,
    meaning: &'static str,
) -> Setting {
    Setting { flag, variable, default, kind, origin: Origin::Karpenter, meaning }
}

const fn of(origin: Origin, setting: Setting) -> Setting {
    Setting { origin, ..setting }
}

/// Every setting (the Karpenter specification, scheduling 9.1, disruption 10, v1.15 changes 2.1).
pub const SETTINGS: &[Setting] = &[
    setting(
        "karpenter-service",
        "KARPENTER_SERVICE",
        "",
        Kind::Text,
        "The name of the Service in front of the controller; read and not used, as there is no webhook",
    ),
    setting(
        "metrics-port",
        "METRICS_PORT",
        "8080",
        Kind::Whole,
        "The port for metrics and profiles; 0 takes a free one",
    ),
    setting(
        "health-probe-port",
        "HEALTH_PROBE_PORT",
        "8081",
        Kind::Whole,
        "The port for the probes; 0 takes a free one",
    ),
    setting(
        "kube-client-qps",
        "KUBE_CLIENT_QPS",
        "200",
        Kind::Whole,
        "Writes to the API server per second, in the long run; 0 or less means no limit",
    ),
    setting("kube-client-burst", "KUBE_CLIENT_BURST", "300", Kind::Whole, "Writes to the API server at once"),
    setting(
        "enable-profiling",
        "ENABLE_PROFILING",
        "false",
        Kind::Switch,
        "Offer profiles below /debug/pprof on the port for metrics",
    ),
    setting(
        "disable-controller-warmup",
        "DISABLE_CONTROLLER_WARMUP",
        "true",
        Kind::Switch,
        "Read the cluster only after having become the leader; false lets a waiting replica keep its picture up to date",
    ),
    setting(
        "disable-leader-election",
        "DISABLE_LEADER_ELECTION",
        "false",
        Kind::Switch,
        "Act without a lease; only where nobody else can run",
    ),
    setting(
        "disable-cluster-state-observability",
        "DISABLE_CLUSTER_STATE_OBSERVABILITY",
        "false",
        Kind::Switch,
        "Leave out the metrics of single nodes, pods and NodePools, and those of status conditions",
    ),
    setting(
        "leader-election-name",
        "LEADER_ELECTION_NAME",
        "karpenter-leader-election",
        Kind::Text,
        "The name of the lease; Karpenter's, so that both never act at once",
    ),
    setting(
        "leader-election-namespace",
        "LEADER_ELECTION_NAMESPACE",
        "",
        Kind::Text,
        "The namespace of the lease; empty means that of the pod, or the kubeconfig's",
    ),
    setting(
        "memory-limit",
        "MEMORY_LIMIT",
        "-1",
        Kind::Whole,
        "Memory limit of the container in bytes; read and not used, as there is no garbage collector to guide",
    ),
    setting(
        "cpu-requests",
        "CPU_REQUESTS",
        "1000",
        Kind::Whole,
        "What the container requests, in thousandths of a core; sizes the number of writes under way",
    ),
    setting("log-level", "LOG_LEVEL", "info", Kind::OneOf(LOG_LEVELS), "How much is logged"),
    setting(
        "log-output-paths",
        "LOG_OUTPUT_PATHS",
        "stdout",
        Kind::Text,
        "Where logs go: stdout, stderr or files, separated by commas",
    ),
    setting(
        "log-error-output-paths",
        "LOG_ERROR_OUTPUT_PATHS",
        "stderr",
        Kind::Text,
        "Where it is told that a log cannot be written: stdout, stderr or files, separated by commas",
    ),
    setting(
        "batch-max-duration",
        "BATCH_MAX_DURATION",
        "10s",
        Kind::Duration,
        "How long pods are collected at most before a plan is made",
    ),
    setting(
        "batch-idle-duration",
        "BATCH_IDLE_DURATION",
        "1s",
        Kind::Duration,
        "How long no pod must have come before a plan is made",
    ),
    setting(
        "preference-policy",
        "PREFERENCE_POLICY",
        "Respect",
        Kind::OneOf(&["Respect", "Ignore"]),
        "What becomes of preferences of pods",
    ),
    setting(
        "min-values-policy",
        "MIN_VALUES_POLICY",
        "Strict",
        Kind::OneOf(&["Strict", "BestEffort"]),
        "What becomes of minValues that cannot be had",
    ),
    setting(
        "ignore-dra-requests",
        "IGNORE_DRA_REQUESTS",
        "true",
        Kind::Switch,
        "Leave pods with resource claims alone",
    ),
    setting(
        "legacy-node-repair",
        "LEGACY_NODE_REPAIR",
        "false",
        Kind::Switch,
        "With the gate NodeRepair: repair nodes as Karpenter 1.14 did",
    ),
    setting("feature-gates", "FEATURE_GATES", GATES_DEFAULT, Kind::Gates, "What is switched on beside the usual"),
    setting(
        "scheduler-config",
        "SCHEDULER_CONFIG",
        "",
        Kind::Text,
        "The configuration of kube-scheduler as YAML or JSON, as far as plans depend on it: \
         podTopologySpread.defaultConstraints",
    ),
    of(
        Origin::Kwok,
        setting(
            "instance-types-file-path",
            "INSTANCE_TYPES_FILE_PATH",
            "",
            Kind::Text,
            "A file of instance types in JSON; empty means Karpenter's generated list",
        ),
    ),
    of(
        Origin::Dovetail,
        setting("provider", "DOVETAIL_PROVIDER", "kwok", Kind::OneOf(&["kwok"]), "The cloud that machines come from"),
    ),
    of(
        Origin::Dovetail,
        setting(
            "kubeconfig",
            "KUBECONFIG",
            "",
            Kind::Text,
            "How to reach the cluster; empty means as the pod that it runs in, or else the kubeconfig in its usual place",
        ),
    ),
    of(
        Origin::Dovetail,
        setting(
            "policy",
            "DOVETAIL_POLICY",
            "cost",
            Kind::Text,
            "The policy that makes plans, as `dovetail plan --policy` names them",
        ),
    ),
    of(
        Origin::Dovetail,
        setting(
            "nominate-pods",
            "DOVETAIL_NOMINATE_PODS",
            "true",
            Kind::Switch,
            "Tell kube-scheduler by status.nominatedNodeName which node a pod is meant for",
        ),
    ),
];

/// The setting of that flag.
#[must_use]
pub fn find(flag: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.flag == flag)
}

/// The list as the documentation shows it, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for origin in [Origin::Karpenter, Origin::Kwok, Origin::Dovetail] {
        text.push_str(&format!(
            "\n### {}\n\n| flag, variable | default | what it does |\n|---|---|---|\n",
            origin.heading()
        ));
        for setting in SETTINGS.iter().filter(|setting| setting.origin == origin) {
            let default = match setting.default {
                "" => String::new(),
                GATES_DEFAULT => "see below".to_owned(),
                default => format!("`{default}`"),
            };
            let words = match setting.kind {
                Kind::OneOf(words) => {
                    let words: Vec<_> =
                        words.iter().filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect();
                    format!(": {}", words.join(", "))
                }
                _ => String::new(),
            };
            text.push_str(&format!(
                "| `--{}`, `{}` | {default} | {}{words} |\n",
                setting.flag, setting.variable, setting.meaning
            ));
        }
    }
    text
}

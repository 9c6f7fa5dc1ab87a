//! Every metric as data: name, type, labels, buckets, meaning (the Karpenter specification, disruption 8.1, scheduling 9.3,
//! v1.15 changes 3.8, 4.4, 5.1, 7.2, 9.1). The registry and the documentation are made from it; who counts what is not known
//! here.

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values up to bounds, which are these.
    Histogram(&'static [f64]),
    /// Shows the quantiles 0, 0.5, 0.9, 0.99 and 1 of the last ten minutes.
    Summary,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The whole name.
    pub name: &'static str,
    /// The type.
    pub kind: Type,
    /// The labels, without those that every metric of a node has.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
    /// Whether the labels of the node come on top: one for each well-known label of the provider, `node_name`, `phase` and
    /// `managed`.
    pub per_node: bool,
    /// Whether it describes single objects, and is left out with `--disable-cluster-state-observability`.
    pub of_objects: bool,
}

/// Bounds of durations, in seconds.
pub const DURATIONS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
    1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 120.0,
    150.0, 300.0, 450.0, 600.0,
];
/// Prometheus' own bounds, in seconds.
const USUAL: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// 2^0 to 2^10 seconds.
const INSTANCE_TERMINATION: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// 2^0 to 2^11 seconds.
const TERMINATION: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0];
/// From a quarter of an hour to thirty days, in seconds.
const LIFETIMES: &[f64] = &[
    900.0,
    1800.0,
    2700.0,
    3600.0,
    7200.0,
    14400.0,
    21600.0,
    28800.0,
    36000.0,
    43200.0,
    57600.0,
    72000.0,
    86400.0,
    172_800.0,
    259_200.0,
    432_000.0,
    864_000.0,
    1_296_000.0,
    1_728_000.0,
    2_160_000.0,
    2_592_000.0,
];
/// Bounds of scores.
const SCORES: &[f64] = &[0.1, 0.25, 0.33, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Bounds of reboots, in seconds.
const REBOOTS: &[f64] = &[10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0];
/// 0.001 times 1.5^0 to 1.5^19 seconds.
const REQUESTS: &[f64] = &[
    0.001,
    0.0015,
    0.00225,
    0.003375,
    0.0050625,
    0.00759375,
    0.011390625,
    0.0170859375,
    0.02562890625,
    0.038443359375,
    0.0576650390625,
    0.08649755859375,
    0.129746337890625,
    0.1946195068359375,
    0.29192926025390625,
    0.4378938903808594,
    0.6568408355712891,
    0.9852612533569336,
    1.4778918800354004,
    2.2168378200531006,
];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind: Type::Counter, labels, help, per_node: false, of_objects: false }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { kind: Type::Gauge, ..counter(name, labels, help) }
}

const fn histogram(
    name: &'static str,
    bounds: &'static [f64],
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { kind: Type::Histogram(bounds), ..counter(name, labels, help) }
}

const fn summary(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { kind: Type::Summary, ..counter(name, labels, help) }
}

const fn of_objects(metric: Metric) -> Metric {
    Metric { of_objects: true, ..metric }
}

const fn per_node(metric: Metric) -> Metric {
    Metric { per_node: true, of_objects: true, ..metric }
}

const DISRUPTED: &[&str] = &["reason", "nodepool", "capacity_type", "consolidation_policy", "termination_mode"];
const POD: &[&str] = &["name", "namespace"];
const POD_WITH_CLAIMS: &[&str] = &["name", "namespace", "dynamic_resources"];

/// Karpenter's metrics, in the order of their names.
pub const KARPENTER: &[Metric] = &[
    gauge("karpenter_build_info", &["version", "goversion", "goarch", "commit"], "Always 1; what runs."),
    histogram(
        "karpenter_cloudprovider_duration_seconds",
        USUAL,
        &["controller", "method", "provider"],
        "How long a call of the provider took.",
    ),
    counter(
        "karpenter_cloudprovider_errors_total",
        &["controller", "method", "provider", "error", "nodepool"],
        "Calls of the provider that failed.",
    ),
    gauge("karpenter_cluster_state_node_count", &[], "Nodes and machines on their way, as far as is known."),
    gauge("karpenter_cluster_state_synced", &[], "1 once every kind has been listed."),
    gauge("karpenter_cluster_state_unsynced_time_seconds", &[], "How long not every kind has been listed."),
    of_objects(gauge(
        "karpenter_cluster_utilization_percent",
        &["resource_type"],
        "What pods request of what the nodes have, in percent.",
    )),
    counter(
        "karpenter_consolidation_moves_total",
        &["decision", "nodepool", "policy"],
        "Moves that the balanced policy approved or rejected.",
    ),
    histogram(
        "karpenter_consolidation_score",
        SCORES,
        &["decision", "nodepool", "policy"],
        "Scores of the balanced policy.",
    ),
    counter(
        "karpenter_nodeclaims_created_total",
        &["reason", "nodepool", "min_values_relaxed"],
        "NodeClaims created, by why.",
    ),
    counter("karpenter_nodeclaims_disrupted_total", DISRUPTED, "NodeClaims whose end was begun, by why."),
    histogram(
        "karpenter_nodeclaims_instance_termination_duration_seconds",
        INSTANCE_TERMINATION,
        &["nodepool"],
        "From asking for the end of a machine until it was gone.",
    ),
    counter(
        "karpenter_nodeclaims_terminated_total",
        &["nodepool", "capacity_type", "zone"],
        "NodeClaims that are gone.",
    ),
    histogram(
        "karpenter_nodeclaims_termination_duration_seconds",
        TERMINATION,
        &["nodepool"],
        "From the deletion of a NodeClaim until it was gone.",
    ),
    counter(
        "karpenter_nodeclaims_unhealthy_disrupted_total",
        &["condition", "nodepool", "capacity_type", "image_id", "termination_mode"],
        "NodeClaims ended or rebooted because their node was broken.",
    ),
    gauge(
        "karpenter_nodepools_allowed_disruptions",
        &["nodepool", "reason"],
        "How many nodes of a NodePool may be disrupted at a time.",
    ),
    of_objects(gauge(
        "karpenter_nodepools_cost_total",
        &["nodepool"],
        "What a NodePool's nodes cost, in dollars per hour.",
    )),
    counter("karpenter_nodepools_cost_tracker_errors_total", &["nodepool"], "Nodes whose cost could not be told."),
    of_objects(gauge(
        "karpenter_nodepools_limit",
        &["resource_type", "nodepool"],
        "Limits of a NodePool; cores of CPU, bytes of memory.",
    )),
    gauge(
        "karpenter_nodepools_nodes_consuming_budgets",
        &["nodepool", "reason"],
        "How many nodes of a NodePool count against its budget.",
    ),
    of_objects(gauge(
        "karpenter_nodepools_usage",
        &["resource_type", "nodepool"],
        "What a NodePool's nodes come to; cores of CPU, bytes of memory.",
    )),
    per_node(gauge("karpenter_nodes_allocatable", &["resource_type"], "What a node has for pods.")),
    counter("karpenter_nodes_created_total", &["nodepool", "zone"], "Nodes that registered."),
    per_node(gauge("karpenter_nodes_current_lifetime_seconds", &[], "The age of a node.")),
    counter("karpenter_nodes_drained_total", &["nodepool"], "Nodes that were emptied."),
    histogram(
        "karpenter_nodes_lifetime_duration_seconds",
        LIFETIMES,
        &["nodepool"],
        "The age of nodes when they went.",
    ),
    histogram(
        "karpenter_nodes_reboot_duration_seconds",
        REBOOTS,
        &["result"],
        "From asking for a reboot until its end.",
    ),
    histogram(
        "karpenter_nodes_reboot_recovery_duration_seconds",
        REBOOTS,
        &[],
        "From a reboot until the node was back.",
    ),
    counter("karpenter_nodes_reboots_total", &["result"], "Reboots, by how they ended."),
    per_node(gauge(
        "karpenter_nodes_system_overhead",
        &["resource_type"],
        "What a node keeps for itself: capacity less allocatable.",
    )),
    counter("karpenter_nodes_terminated_total", &["nodepool", "zone"], "Nodes that are gone."),
    summary(
        "karpenter_nodes_termination_duration_seconds",
        &["nodepool"],
        "From the deletion of a node until it was gone.",
    ),
    per_node(gauge(
        "karpenter_nodes_total_daemon_limits",
        &["resource_type"],
        "What the pods of DaemonSets on a node may use.",
    )),
    per_node(gauge(
        "karpenter_nodes_total_daemon_requests",
        &["resource_type"],
        "What the pods of DaemonSets on a node request.",
    )),
    per_node(gauge("karpenter_nodes_total_pod_limits", &["resource_type"], "What the other pods on a node may use.")),
    per_node(gauge("karpenter_nodes_total_pod_requests", &["resource_type"], "What the other pods on a node request.")),
    gauge(
        "karpenter_pod_deletion_cost_nodes_with_pending_annotation_writes",
        &["nodepool"],
        "Nodes whose pods still wait for their deletion cost.",
    ),
    counter(
        "karpenter_pod_deletion_cost_pod_annotation_writes_total",
        &["result"],
        "Deletion costs written to pods, by how that ended.",
    ),
    of_objects(histogram(
        "karpenter_pods_bound_duration_seconds",
        DURATIONS,
        &["dynamic_resources"],
        "From the creation of a pod until it was bound.",
    )),
    counter("karpenter_pods_disruption_initiated_total", DISRUPTED, "Pods on nodes whose end was begun, by why."),
    counter("karpenter_pods_drained_total", &["reason"], "Pods evicted or deleted so that their node could go."),
    counter("karpenter_pods_eviction_requests_total", &["code"], "Evictions asked of the API server, by its answer."),
    of_objects(histogram(
        "karpenter_pods_provisioning_bound_duration_seconds",
        DURATIONS,
        &["dynamic_resources"],
        "From the first plan for a pod until it was bound.",
    )),
    of_objects(gauge(
        "karpenter_pods_provisioning_scheduling_undecided_time_seconds",
        POD,
        "How long a pod has waited for a decision.",
    )),
    of_objects(histogram(
        "karpenter_pods_provisioning_startup_duration_seconds",
        DURATIONS,
        &[],
        "From the first plan for a pod until it was ready.",
    )),
    of_objects(gauge(
        "karpenter_pods_provisioning_unbound_time_seconds",
        POD_WITH_CLAIMS,
        "How long a pod has not been bound since the first plan for it.",
    )),
    of_objects(gauge(
        "karpenter_pods_provisioning_unstarted_time_seconds",
        POD,
        "How long a pod has not run since the first plan for it.",
    )),
    histogram(
        "karpenter_pods_scheduling_decision_duration_seconds",
        DURATIONS,
        &[],
        "From first seeing a pod until the first decision about it.",
    ),
    of_objects(summary(
        "karpenter_pods_startup_duration_seconds",
        &[],
        "From the creation of a pod until it was ready.",
    )),
    of_objects(gauge(
        "karpenter_pods_state",
        &[
            "name",
            "namespace",
            "owner",
            "node",
            "scheduled",
            "nodepool",
            "zone",
            "arch",
            "capacity_type",
            "instance_type",
            "phase",
            "ready",
            "managed",
        ],
        "Always 1; what is known of a pod.",
    )),
    of_objects(gauge("karpenter_pods_unbound_time_seconds", POD_WITH_CLAIMS, "How long a pod has not been bound.")),
    of_objects(gauge("karpenter_pods_unstarted_time_seconds", POD, "How long a pod has not run.")),
    gauge("karpenter_scheduler_ignored_pods_count", &[], "Pending pods that make no sense."),
    gauge(
        "karpenter_scheduler_pending_pods_by_effective_zone_count",
        &["controller", "zone"],
        "Pending pods by the zone they can be in.",
    ),
    gauge("karpenter_scheduler_queue_depth", &["controller", "scheduling_id"], "Pods that a plan under way is about."),
    histogram("karpenter_scheduler_scheduling_duration_seconds", DURATIONS, &["controller"], "How long a plan took."),
    gauge(
        "karpenter_scheduler_unfinished_work_seconds",
        &["controller", "scheduling_id"],
        "How long a plan under way has taken so far.",
    ),
    gauge(
        "karpenter_scheduler_unschedulable_pods_count",
        &["controller"],
        "Pods for which there is no place, of the last plan.",
    ),
    counter(
        "karpenter_voluntary_disruption_consolidation_timeouts_total",
        &["consolidation_type"],
        "Searches for savings that ran out of time.",
    ),
    histogram(
        "karpenter_voluntary_disruption_decision_evaluation_duration_seconds",
        DURATIONS,
        &["reason", "consolidation_type"],
        "How long it took to look for nodes to disrupt.",
    ),
    counter(
        "karpenter_voluntary_disruption_decisions_by_nodepool_total",
        &["nodepool", "decision", "reason", "consolidation_type"],
        "Disruptions begun, by NodePool.",
    ),
    counter(
        "karpenter_voluntary_disruption_decisions_total",
        &["decision", "reason", "consolidation_type"],
        "Disruptions begun.",
    ),
    gauge("karpenter_voluntary_disruption_eligible_nodes", &["reason"], "Nodes that might be disrupted, by why."),
    counter(
        "karpenter_voluntary_disruption_failed_validations_total",
        &["consolidation_type"],
        "Nodes that could no longer be disrupted when it came to it.",
    ),
    counter(
        "karpenter_voluntary_disruption_queue_failures_total",
        &["decision", "reason", "consolidation_type"],
        "Replacements that did not come up for disruptions that failed.",
    ),
    counter(
        "karpenter_voluntary_disruption_terminate_first_decisions_total",
        &["nodepool", "reason", "terminate_first_reason"],
        "Nodes ended before their replacement is there.",
    ),
];

/// Metrics of the client and the election, by the names that Karpenter's libraries give them.
pub const LIBRARIES: &[Metric] = &[
    histogram(
        "client_go_request_duration_seconds",
        REQUESTS,
        &["verb", "group", "version", "kind", "subresource"],
        "How long a write to the API server took.",
    ),
    counter("client_go_request_total", &["code", "method"], "Writes to the API server, by its answer."),
    gauge("leader_election_master_status", &["name"], "1 while this replica leads."),
];

/// Dovetail's own metrics.
pub const DOVETAIL: &[Metric] = &[
    histogram(
        "dovetail_action_duration_seconds",
        DURATIONS,
        &["action"],
        "How long an action took, from its begin to its outcome.",
    ),
    counter("dovetail_actions_total", &["action", "outcome"], "Actions performed, by how they ended."),
    gauge("dovetail_actions_under_way", &["action"], "Actions wanted and not ended yet, waiting ones included."),
    counter("dovetail_events_dropped_total", &["reason"], "Kubernetes events not sent because too many were."),
    counter("dovetail_observations_total", &["kind"], "Changes seen of a kind, those of lists included."),
    counter("dovetail_unknown_measures_total", &[], "Measures with a name or labels that no metric has: a bug."),
    counter("dovetail_watch_restarts_total", &["kind"], "How often a watch lost its place and listed anew."),
];

/// Every metric whose name does not depend on a kind of object.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    [KARPENTER, LIBRARIES, DOVETAIL].into_iter().flatten()
}

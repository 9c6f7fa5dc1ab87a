//! The metrics that every kind with conditions has (the Karpenter specification, disruption 8.2, v1.15 changes 9.2): their
//! names, labels and buckets. What the conditions are is not known here.

/// The bounds of transitions, in seconds: 0.5 times 2^0 to 2^14.
pub const TRANSITIONS: &[f64] =
    &[0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0];

/// A kind whose conditions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusKind {
    /// The kind in lower case, as the names have it.
    pub name: &'static str,
    /// Labels of its objects that the metrics carry as well.
    pub labels: &'static [&'static str],
    /// Whether the older names without the kind are fed too.
    pub deprecated: bool,
    /// Whether it is there only with the gate CapacityBuffer.
    pub of_buffers: bool,
}

/// The kinds.
pub const KINDS: &[StatusKind] = &[
    StatusKind { name: "nodeclaim", labels: &["karpenter_sh_nodepool"], deprecated: true, of_buffers: false },
    StatusKind { name: "nodepool", labels: &[], deprecated: true, of_buffers: false },
    StatusKind {
        name: "node",
        labels: &["karpenter_sh_initialized", "karpenter_sh_nodepool"],
        deprecated: false,
        of_buffers: false,
    },
    StatusKind { name: "capacitybuffer", labels: &[], deprecated: true, of_buffers: true },
];

/// What there is for each kind: the end of the name, whether it is a gauge (`g`), counter (`c`) or histogram (`h`), and its
/// labels before those of the kind.
pub const SHAPES: &[(&str, char, &[&str], &str)] = &[
    (
        "status_condition_count",
        'g',
        &["namespace", "name", "type", "status", "reason"],
        "Always 1; a condition of an object.",
    ),
    (
        "status_condition_current_status_seconds",
        'g',
        &["namespace", "name", "type", "status", "reason"],
        "How long a condition has had its status.",
    ),
    ("status_condition_transitions_total", 'c', &["type", "status", "reason"], "Conditions that got a status."),
    (
        "status_condition_transition_seconds",
        'h',
        &["type", "status", "to_status"],
        "How long a condition had its status before it got another one.",
    ),
    ("termination_current_time_seconds", 'g', &["namespace", "name"], "How long an object has been about to end."),
    ("termination_duration_seconds", 'h', &[], "From the deletion of an object until it was gone."),
];

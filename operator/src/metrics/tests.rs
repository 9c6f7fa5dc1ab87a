//! What a dashboard that was made for Karpenter finds.

use super::*;
use dovetail_engine::fact::Fact;

/// The specification's tables (disruption 8.1, scheduling 9.3, v1.15 changes 3.8, 4.4, 5.1, 7.2, 9.1), written down once
/// more: type, name without prefix, labels.
const KARPENTER: &str = "\
g build_info version,goversion,goarch,commit
h cloudprovider_duration_seconds controller,method,provider
c cloudprovider_errors_total controller,method,provider,error,nodepool
g cluster_state_node_count
g cluster_state_synced
g cluster_state_unsynced_time_seconds
g cluster_utilization_percent resource_type
c consolidation_moves_total decision,nodepool,policy
h consolidation_score decision,nodepool,policy
c nodeclaims_created_total reason,nodepool,min_values_relaxed
c nodeclaims_disrupted_total reason,nodepool,capacity_type,consolidation_policy,termination_mode
h nodeclaims_instance_termination_duration_seconds nodepool
c nodeclaims_terminated_total nodepool,capacity_type,zone
h nodeclaims_termination_duration_seconds nodepool
c nodeclaims_unhealthy_disrupted_total condition,nodepool,capacity_type,image_id,termination_mode
g nodepools_allowed_disruptions nodepool,reason
g nodepools_cost_total nodepool
c nodepools_cost_tracker_errors_total nodepool
g nodepools_limit resource_type,nodepool
g nodepools_nodes_consuming_budgets nodepool,reason
g nodepools_usage resource_type,nodepool
g nodes_allocatable resource_type +node
c nodes_created_total nodepool,zone
g nodes_current_lifetime_seconds +node
c nodes_drained_total nodepool
h nodes_lifetime_duration_seconds nodepool
h nodes_reboot_duration_seconds result
h nodes_reboot_recovery_duration_seconds
c nodes_reboots_total result
g nodes_system_overhead resource_type +node
c nodes_terminated_total nodepool,zone
s nodes_termination_duration_seconds nodepool
g nodes_total_daemon_limits resource_type +node
g nodes_total_daemon_requests resource_type +node
g nodes_total_pod_limits resource_type +node
g nodes_total_pod_requests resource_type +node
g pod_deletion_cost_nodes_with_pending_annotation_writes nodepool
c pod_deletion_cost_pod_annotation_writes_total result
h pods_bound_duration_seconds dynamic_resources
c pods_disruption_initiated_total reason,nodepool,capacity_type,consolidation_policy,termination_mode
c pods_drained_total reason
c pods_eviction_requests_total code
h pods_provisioning_bound_duration_seconds dynamic_resources
g pods_provisioning_scheduling_undecided_time_seconds name,namespace
h pods_provisioning_startup_duration_seconds
g pods_provisioning_unbound_time_seconds name,namespace,dynamic_resources
g pods_provisioning_unstarted_time_seconds name,namespace
h pods_scheduling_decision_duration_seconds
s pods_startup_duration_seconds
g pods_state name,namespace,owner,node,scheduled,nodepool,zone,arch,capacity_type,instance_type,phase,ready,managed
g pods_unbound_time_seconds name,namespace,dynamic_resources
g pods_unstarted_time_seconds name,namespace
g scheduler_ignored_pods_count
g scheduler_pending_pods_by_effective_zone_count controller,zone
g scheduler_queue_depth controller,scheduling_id
h scheduler_scheduling_duration_seconds controller
g scheduler_unfinished_work_seconds controller,scheduling_id
g scheduler_unschedulable_pods_count controller
c voluntary_disruption_consolidation_timeouts_total consolidation_type
h voluntary_disruption_decision_evaluation_duration_seconds reason,consolidation_type
c voluntary_disruption_decisions_by_nodepool_total nodepool,decision,reason,consolidation_type
c voluntary_disruption_decisions_total decision,reason,consolidation_type
g voluntary_disruption_eligible_nodes reason
c voluntary_disruption_failed_validations_total consolidation_type
c voluntary_disruption_queue_failures_total decision,reason,consolidation_type
c voluntary_disruption_terminate_first_decisions_total nodepool,reason,terminate_first_reason";

fn shape() -> Shape {
    let node_labels =
        ["karpenter.sh/nodepool", "topology.kubernetes.io/zone", "node.kubernetes.io/instance-type", "odd"];
    Shape { node_labels: node_labels.map(str::to_owned).to_vec(), ..Shape::default() }
}

fn metrics() -> Metrics {
    Metrics::new(&shape()).expect("the table is sound")
}

#[test]
fn every_metric_of_karpenter_has_its_name_its_type_and_its_labels() {
    let told = |metric: &Metric| {
        let letter = match metric.kind {
            Type::Counter => 'c',
            Type::Gauge => 'g',
            Type::Histogram(_) => 'h',
            Type::Summary => 's',
        };
        let name = metric.name.strip_prefix("karpenter_").expect("Karpenter's names begin with it");
        let labels = metric.labels.join(",");
        let node = if metric.per_node { "+node" } else { "" };
        [letter.to_string().as_str(), name, &labels, node]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(table::KARPENTER.iter().map(told).collect::<Vec<_>>(), KARPENTER.lines().collect::<Vec<_>>());
}

#[test]
fn bounds_are_as_many_as_specified_and_in_order() {
    assert_eq!(table::DURATIONS.len(), 45);
    let bounds = |name: &str| match table::all().find(|metric| metric.name == name).map(|metric| metric.kind) {
        Some(Type::Histogram(bounds)) => (bounds.len(), bounds[0], bounds[bounds.len() - 1]),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(bounds("karpenter_nodeclaims_instance_termination_duration_seconds"), (11, 1.0, 1024.0));
    assert_eq!(bounds("karpenter_nodeclaims_termination_duration_seconds"), (12, 1.0, 2048.0));
    assert_eq!(bounds("karpenter_nodes_lifetime_duration_seconds"), (21, 900.0, 30.0 * 86_400.0));
    assert_eq!(bounds("karpenter_cloudprovider_duration_seconds"), (11, 0.005, 10.0));
    let requests = bounds("client_go_request_duration_seconds");
    assert_eq!(requests.0, 20);
    assert!((requests.2 - 0.001 * 1.5f64.powi(19)).abs() < 1e-12);
    for metric in table::all() {
        if let Type::Histogram(bounds) = metric.kind {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{}", metric.name);
        }
    }
}

#[test]
fn what_the_engine_measures_is_shown() {
    // given
    let metrics = metrics();
    // when
    let created = |pool: &str| {
        Fact::count(
            "karpenter_nodeclaims_created_total",
            vec![("nodepool", pool.into()), ("reason", "provisioned".into())],
        )
    };
    let facts = [
        created("default"),
        created("default"),
        created("spot"),
        Fact::set("karpenter_cluster_state_synced", vec![], 1.0),
        Fact::observe("karpenter_nodes_termination_duration_seconds", vec![("nodepool", "default".into())], 4.0),
        Fact::observe("karpenter_nodeclaims_termination_duration_seconds", vec![("nodepool", "default".into())], 3.0),
    ];
    for fact in facts {
        let Fact::Metric(measure) = fact else { panic!("a measure") };
        metrics.record(&measure).expect("the table has it");
    }
    // then
    let text = metrics.text().expect("it can be written");
    for line in [
        "karpenter_nodeclaims_created_total{min_values_relaxed=\"\",nodepool=\"default\",reason=\"provisioned\"} 2",
        "karpenter_nodeclaims_created_total{min_values_relaxed=\"\",nodepool=\"spot\",reason=\"provisioned\"} 1",
        "karpenter_cluster_state_synced 1",
        "# TYPE karpenter_nodes_termination_duration_seconds summary",
        "karpenter_nodes_termination_duration_seconds_count{nodepool=\"default\"} 1",
        "karpenter_nodeclaims_termination_duration_seconds_bucket{nodepool=\"default\",le=\"2\"} 0",
        "karpenter_nodeclaims_termination_duration_seconds_bucket{nodepool=\"default\",le=\"4\"} 1",
        "karpenter_voluntary_disruption_consolidation_timeouts_total{consolidation_type=\"multi\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(
        text.contains("nodepool=\"default\",quantile=\"0.99\"} 4") || text.contains("quantile=\"0.99\"} 3.9"),
        "{text}"
    );
}

#[test]
fn a_node_s_gauges_are_replaced_together() {
    let metrics = metrics();
    let labels =
        |phase, resource| vec![("node_name", "a"), ("phase", phase), ("resource_type", resource), ("nodepool", "p")];
    let name = "karpenter_nodes_allocatable";
    metrics.replace("node/a", &[(name, labels("Pending", "cpu"), 4.0), (name, labels("Pending", "memory"), 8.0)]);
    metrics.replace("node/b", &[(name, vec![("node_name", "b")], 1.0)]);
    metrics.replace("node/a", &[(name, labels("Running", "cpu"), 4.0)]);
    let shown = |text: &str| text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect::<Vec<_>>();
    let lines = shown(&metrics.text().expect("text"));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("phase=\"Running\"") && lines[0].contains("instance_type=\"\""), "{lines:?}");
    metrics.replace("node/a", &[]);
    assert_eq!(shown(&metrics.text().expect("text")).len(), 1, "what is gone shows nothing");
}

#[test]
fn a_measure_that_no_metric_takes_is_told() {
    let metrics = metrics();
    let told = |fact: Fact| {
        let Fact::Metric(measure) = fact else { panic!("a measure") };
        metrics.record(&measure).expect_err("nobody takes it").to_string()
    };
    assert!(told(Fact::count("karpenter_nodes_lost_total", vec![])).contains("there is no metric"));
    let label = told(Fact::count("karpenter_nodes_drained_total", vec![("zone", "a".into())]));
    assert!(label.contains("no label zone: its labels are nodepool"), "{label}");
    assert!(told(Fact::set("karpenter_nodes_drained_total", vec![], 1.0)).contains("another type"));
    assert!(
        told(Fact::Metric(Measure {
            name: "karpenter_nodes_drained_total",
            labels: vec![],
            change: Movement::Add(-1.0),
        }))
        .contains("another type")
    );
    metrics.count("nonsense", &[], 1.0);
    assert!(metrics.text().expect("text").contains("dovetail_unknown_measures_total 1"));
}

#[test]
fn metrics_of_single_objects_can_be_left_out() {
    let metrics = Metrics::new(&Shape { no_objects: true, ..shape() }).expect("the table is sound");
    metrics.replace("node/a", &[("karpenter_nodes_allocatable", vec![], 4.0)]);
    metrics.set("operator_nodepool_status_condition_count", &[("name", "x")], 1.0);
    metrics.count("karpenter_nodes_drained_total", &[("nodepool", "a")], 1.0);
    let text = metrics.text().expect("text");
    assert!(!text.contains("karpenter_nodes_allocatable") && !text.contains("operator_"));
    assert!(text.contains("karpenter_nodes_drained_total{nodepool=\"a\"} 1"));
    assert!(!text.contains("dovetail_unknown_measures_total 1"), "to be left out is no mistake");
}

#[test]
fn conditions_are_shown_for_each_kind() {
    let labels = ["karpenter.test.sh/testnodeclass".to_owned()];
    let metrics = Metrics::new(&Shape { claim_labels: labels.to_vec(), ..shape() }).expect("the table is sound");
    let name = "operator_nodeclaim_status_condition_transition_seconds";
    metrics.observe(
        name,
        &[("to_status", "True"), ("karpenter_sh_nodepool", "p"), ("karpenter_test_sh_testnodeclass", "c")],
        1.0,
    );
    metrics.set("operator_status_condition_count", &[("kind", "NodeClaim"), ("status", "True")], 1.0);
    metrics.set("operator_capacitybuffer_status_condition_count", &[], 1.0);
    let text = metrics.text().expect("text");
    assert!(text.contains(&format!("{name}_count{{")) && text.contains("to_status=\"True\""));
    assert!(!text.contains("capacitybuffer"), "buffers have a gate");
    assert!(!text.contains("dovetail_unknown_measures_total 1"), "and every label is one");
}

#[test]
fn the_documentation_lists_every_metric() {
    crate::documentation::check("metrics.md", &markdown());
}

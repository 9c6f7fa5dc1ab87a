//! Validation of EC2NodeClasses as far as it needs no AWS: `spec.kubelet`, which no schema guards, tags, and selectors.

use dovetail_api::ec2_node_class::EC2NodeClassSpec;
use dovetail_api::validation::{self, NodeClassFindings};
use serde_json::{Value, json};

/// The findings on a class of this AMI family with this kubelet.
fn findings(family: &str, kubelet: Value) -> NodeClassFindings {
    findings_of(json!({"amiFamily": family, "kubelet": kubelet}))
}

fn findings_of(more: Value) -> NodeClassFindings {
    let mut spec =
        json!({"subnetSelectorTerms": [], "securityGroupSelectorTerms": [], "amiSelectorTerms": [], "role": "r"});
    let Value::Object(more) = more else { panic!("a spec is an object") };
    spec.as_object_mut().expect("a spec is an object").extend(more);
    let spec: EC2NodeClassSpec = serde_json::from_value(spec).expect("a spec");
    validation::ec2_node_class(&spec, false)
}

#[track_caller]
fn accepts(kubelet: Value) {
    assert_eq!(findings("AL2023", kubelet), NodeClassFindings::default());
}

/// Expects the fault InvalidKubeletConfiguration with this message.
#[track_caller]
fn refuses(kubelet: Value, message: &str) {
    let fault = findings("AL2023", kubelet).fault.expect("a fault");
    assert_eq!((fault.reason, fault.to_string().as_str()), ("InvalidKubeletConfiguration", message));
}

#[test]
fn configurations_as_people_write_them_are_fine() {
    accepts(json!({}));
    accepts(json!({
        "maxPods": 110,
        "podsPerCore": 10,
        "clusterDNS": ["10.0.1.100", "10.0.1.101"],
        "kubeReserved": {"cpu": "200m", "memory": "100Mi"},
        "systemReserved": {"ephemeral-storage": "1Gi", "pid": "1000"},
        "evictionHard": {"memory.available": "5%", "nodefs.available": "500Mi"},
        "evictionSoft": {"memory.available": "10%"},
        "evictionSoftGracePeriod": {"memory.available": "1m30s"},
        "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80,
        "cpuCFSQuota": true,
        "evictionMaxPodGracePeriod": 0,
    }));
    accepts(json!({
        "serializeImagePulls": false,
        "featureGates": {"DynamicResourceAllocation": true},
        "memoryThrottlingFactor": 0.9,
        "shutdownGracePeriod": "30s",
        "shutdownGracePeriodByPodPriority": [{"priority": 1000, "shutdownGracePeriodSeconds": 10}],
        "reservedMemory": [{"numaNode": 0, "limits": {"memory": "1Gi"}}],
        "logging": {
            "format": "json",
            "flushFrequency": 5_000_000_000u64,
            "options": {"json": {"infoBufferSize": "100Mi", "splitStream": true}},
        },
        "tracing": null,
        "defaultPodSysctls": {"net.ipv4.tcp_keepalive_time": "600"},
    }));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_and_hides_the_rest() {
    for (kubelet, message) in [
        (
            json!({"podsPerCore": "ten"}),
            "spec.kubelet.podsPerCore must be a whole number from -2147483648 to 2147483647, not \"ten\"",
        ),
        (
            json!({"podsPerCore": 1.5}),
            "spec.kubelet.podsPerCore must be a whole number from -2147483648 to 2147483647, not 1.5",
        ),
        (
            json!({"maxPods": true}),
            "spec.kubelet.maxPods must be a whole number from -2147483648 to 2147483647, not true",
        ),
        (
            json!({"maxPods": 2_147_483_648u64}),
            "spec.kubelet.maxPods must be a whole number from -2147483648 to 2147483647, not 2147483648",
        ),
        (json!({"clusterDNS": "10.0.0.10"}), "spec.kubelet.clusterDNS must be a list, not \"10.0.0.10\""),
        (json!({"clusterDNS": ["a", 1]}), "spec.kubelet.clusterDNS[1] must be text, not 1"),
        (json!({"kubeReserved": {"cpu": 1}}), "spec.kubelet.kubeReserved[cpu] must be text, not 1"),
        (json!({"evictionHard": ["5%"]}), "spec.kubelet.evictionHard must be a map, not [\"5%\"]"),
        (json!({"cpuCFSQuota": "true"}), "spec.kubelet.cpuCFSQuota must be true or false, not \"true\""),
        (json!({"syncFrequency": "soon"}), "spec.kubelet.syncFrequency must be a duration such as 1m30s, not \"soon\""),
        (json!({"logging": {"format": 12345}}), "spec.kubelet.logging.format must be text, not 12345"),
        (
            json!({"logging": {"options": {"json": {"infoBufferSize": "big"}}}}),
            "spec.kubelet.logging.options.json.infoBufferSize must be a quantity such as 100Mi, not \"big\"",
        ),
        (json!({"podsPerCore": -1, "cpuCFSQuota": 1}), "spec.kubelet.cpuCFSQuota must be true or false, not 1"),
    ] {
        refuses(kubelet, message);
    }
}

#[test]
fn an_unknown_field_is_passed_on_with_a_warning() {
    for (kubelet, path) in [
        (json!({"notAKubeletField": true}), ".notAKubeletField"),
        (json!({"logging": {"bogus": true}}), ".logging.bogus"),
        (json!({"logging": {"options": {"json": {"nope": "x"}}}}), ".logging.options.json.nope"),
    ] {
        let found = findings("AL2023", kubelet);
        assert_eq!(found.fault, None);
        let expected = format!(
            "spec.kubelet{path} is no field of a kubelet known here; it is passed on, and the kubelet may not start"
        );
        assert_eq!(found.warnings, [expected]);
    }
}

#[test]
fn values_must_make_sense() {
    for (kubelet, message) in [
        (json!({"maxPods": -1}), "spec.kubelet.maxPods must be at least 0, but is -1"),
        (json!({"podsPerCore": -1}), "spec.kubelet.podsPerCore must be at least 0, but is -1"),
        (
            json!({"evictionMaxPodGracePeriod": -1}),
            "spec.kubelet.evictionMaxPodGracePeriod must be at least 0, but is -1",
        ),
        (
            json!({"imageGCHighThresholdPercent": 101}),
            "spec.kubelet.imageGCHighThresholdPercent must be a percentage from 0 to 100, but is 101",
        ),
        (
            json!({"imageGCLowThresholdPercent": -1}),
            "spec.kubelet.imageGCLowThresholdPercent must be a percentage from 0 to 100, but is -1",
        ),
        (
            json!({"imageGCHighThresholdPercent": 70, "imageGCLowThresholdPercent": 70}),
            "spec.kubelet.imageGCHighThresholdPercent must be greater than imageGCLowThresholdPercent, but is 70 against 70",
        ),
        (json!({"kubeReserved": {"cpu": "-1"}}), "spec.kubelet.kubeReserved[cpu] must not be negative, but is \"-1\""),
        (
            json!({"systemReserved": {"gpu": "1"}}),
            "spec.kubelet.systemReserved[gpu] is no resource that can be reserved; these are cpu, memory, ephemeral-storage, pid",
        ),
        (
            json!({"registerWithTaints": [{"key": "a", "effect": "NoSchedule"}]}),
            "spec.kubelet.registerWithTaints cannot be set: the taints of a node are those of its NodePool; set \
             spec.template.spec.taints there",
        ),
    ] {
        refuses(kubelet, message);
    }
}

#[test]
fn eviction_needs_known_signals_and_thresholds() {
    let signals = "is no eviction signal; the signals are memory.available, nodefs.available, nodefs.inodesFree, \
                   imagefs.available, imagefs.inodesFree, pid.available";
    for field in ["evictionHard", "evictionMinimumReclaim"] {
        refuses(json!({field: {"notASignal": "5%"}}), &format!("spec.kubelet.{field}[notASignal] {signals}"));
        for threshold in ["lots", "101%", "-1%", "NaN%", "%", "-1Mi", ""] {
            refuses(
                json!({field: {"memory.available": threshold}}),
                &format!(
                    "spec.kubelet.{field}[memory.available] must be a percentage from 0% to 100%, or a quantity of at least \
                     0, not {threshold:?}"
                ),
            );
        }
        for threshold in ["0%", "100%", "12.5%", "0", "500Mi"] {
            accepts(json!({field: {"memory.available": threshold}}));
        }
    }
}

#[test]
fn soft_eviction_needs_a_grace_period_for_every_threshold() {
    let soft = json!({"memory.available": "10%"});
    refuses(
        json!({"evictionSoft": soft}),
        "spec.kubelet.evictionSoft[memory.available] has no counterpart in evictionSoftGracePeriod",
    );
    refuses(
        json!({"evictionSoftGracePeriod": {"memory.available": "1m"}}),
        "spec.kubelet.evictionSoftGracePeriod[memory.available] has no counterpart in evictionSoft",
    );
    for period in ["soon", "5x", "-1m"] {
        refuses(
            json!({"evictionSoft": soft, "evictionSoftGracePeriod": {"memory.available": period}}),
            &format!(
                "spec.kubelet.evictionSoftGracePeriod[memory.available] must be a duration of at least 0s, such as 1m30s, not \
                 {period:?}"
            ),
        );
    }
}

#[test]
fn every_fault_is_reported() {
    let found = findings(
        "AL2023",
        json!({
            "podsPerCore": -1,
            "kubeReserved": {"gpu": "1", "cpu": "-1"},
            "evictionHard": {"notASignal": "5%"},
        }),
    );
    assert_eq!(found.fault.expect("a fault").problems.len(), 4);
}

#[test]
fn expressions_need_their_gate() {
    let kubelet = json!({"maxPods": "vcpus * 10", "kubeReserved": {"memory": "memory_mib * 0.1", "cpu": "80m"}});
    let fault = findings("AL2023", kubelet.clone()).fault.expect("the gate is off");
    assert_eq!(fault.reason, "KubeletExpressionsDisabled");
    assert_eq!(
        fault.to_string(),
        "spec.kubelet.maxPods is an expression (\"vcpus * 10\"), and expressions need the AWS feature gate NodeClassCEL; \
         spec.kubelet.kubeReserved[memory] is an expression (\"memory_mib * 0.1\"), and expressions need the AWS feature gate \
         NodeClassCEL"
    );
    // when the gate is on
    let spec: EC2NodeClassSpec = serde_json::from_value(json!({
        "subnetSelectorTerms": [], "securityGroupSelectorTerms": [], "amiSelectorTerms": [],
        "amiFamily": "AL2023", "kubelet": kubelet,
    }))
    .expect("a spec");
    assert_eq!(validation::ec2_node_class(&spec, true), NodeClassFindings::default());
    let kubelet = spec.kubelet.as_ref().expect("a kubelet");
    let paths: Vec<_> = validation::kubelet_expressions(kubelet).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [".maxPods", ".kubeReserved[memory]"]);
}

#[test]
fn families_differ_in_what_they_can_apply() {
    let message =
        |family: &str, kubelet: Value| findings(family, kubelet).fault.map(|fault| (fault.reason, fault.to_string()));
    let unsupported = |text: &str| Some(("UnsupportedKubeletConfiguration", text.to_owned()));
    let swap = || json!({"failSwapOn": false});
    for family in ["AL2", "Bottlerocket", "Windows2019", "Windows2022", "Windows2025"] {
        assert_eq!(
            message(family, swap()),
            unsupported(&format!("spec.kubelet.failSwapOn is not supported by AMI family {family}"))
        );
        assert_eq!(
            message(family, json!({"clusterDNS": ["10.0.0.10", "10.0.0.11"]})),
            unsupported(&format!("spec.kubelet.clusterDNS has 2 entries, and AMI family {family} supports one"))
        );
        assert_eq!(message(family, json!({"maxPods": 20, "clusterDNS": ["10.0.0.10"]})), None);
    }
    for family in ["AL2023", "Custom"] {
        assert_eq!(message(family, swap()), None);
    }
    let per_core = || json!({"podsPerCore": 2});
    assert_eq!(
        message("Bottlerocket", per_core()),
        unsupported("spec.kubelet.podsPerCore is not supported by AMI family Bottlerocket")
    );
    assert_eq!(message("AL2", per_core()), None);
}

#[test]
fn some_tags_are_the_provisioners_own() {
    for tag in [
        "eks:eks-cluster-name",
        "karpenter.sh/nodepool",
        "karpenter.sh/nodeclaim",
        "karpenter.k8s.aws/ec2nodeclass",
        "kubernetes.io/cluster/my-cluster",
    ] {
        let fault = findings_of(json!({"amiFamily": "AL2023", "tags": {tag: "x", "team": "a"}})).fault.expect(tag);
        assert_eq!(fault.reason, "TagValidationFailed");
        assert_eq!(fault.to_string(), format!("\"{tag}\" tag does not pass tag validation requirements"));
    }
    for tag in ["Name", "kubernetes.io/role/elb", "karpenter.sh/discovery"] {
        assert_eq!(findings_of(json!({"amiFamily": "AL2023", "tags": {tag: "x"}})).fault, None, "{tag}");
    }
}

#[test]
fn selectors_that_say_too_much_are_pointed_out() {
    let found = findings_of(json!({
        "subnetSelectorTerms": [{"tags": {"a": "b"}}, {"id": "subnet-1", "tags": {"a": "b"}}],
        "securityGroupSelectorTerms": [{"name": "nodes", "tags": {"a": "b"}}, {"id": "sg-1"}],
        "capacityReservationSelectorTerms": [{"id": "cr-1", "ownerID": "123456789012"}, {"ownerID": "123456789012", "tags": {"a": "b"}}],
        "amiSelectorTerms": [{"ssmParameter": "/ami", "name": "x"}, {"name": "x", "owner": "self"}],
    }));
    assert_eq!(found.fault, None);
    assert_eq!(
        found.warnings,
        [
            "spec.subnetSelectorTerms[1]: only id counts, tags is ignored",
            "spec.securityGroupSelectorTerms[0]: only name counts, tags is ignored",
            "spec.capacityReservationSelectorTerms[0]: only id counts, ownerID is ignored",
            "spec.amiSelectorTerms[0]: only ssmParameter counts, name is ignored",
        ]
    );
}

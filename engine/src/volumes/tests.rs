//! Pods with volumes, told as small stories: what is refused, where a volume can be used, and whose it is.

use super::stories::*;
use super::*;
use serde_json::{Value, json};

mod refused {
    use super::*;

    fn alone(objects: &[Value]) -> String {
        let cluster = objects.iter().cloned().fold(Cluster::default(), Cluster::with);
        cluster.with(pod("web", &["data"])).refusal("web")
    }

    #[test]
    fn a_claim_that_is_not_there() {
        assert_eq!(
            alone(&[]),
            "getting persistent volume claim, PersistentVolumeClaim \"data\" not found (PersistentVolumeClaim=data)"
        );
        let elsewhere = and(unbound("data", "gp3"), "/metadata/namespace", json!("other"));
        assert!(alone(&[elsewhere, class("gp3", &[])]).starts_with("getting persistent volume claim, "));
    }

    #[test]
    fn a_claim_that_is_being_deleted() {
        let claim = and(unbound("data", "gp3"), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
        let told = "persistentvolumeclaim is being deleted (PersistentVolumeClaim=default/data)";
        assert_eq!(alone(&[claim, class("gp3", &[])]), told);
    }

    #[test]
    fn a_claim_that_has_lost_its_volume() {
        let claim = and(bound("data", "pv-1"), "/status/phase", json!("Lost"));
        assert_eq!(
            alone(&[claim]),
            "persistentvolumeclaim bound to non-existent persistentvolume (PersistentVolume=pv-1, \
             PersistentVolumeClaim=default/data)"
        );
    }

    #[test]
    fn a_volume_that_is_not_there_or_is_being_deleted() {
        let told = "(PersistentVolume=pv-1, PersistentVolumeClaim=default/data, StorageClass=gp3)";
        assert_eq!(
            alone(&[bound("data", "pv-1")]),
            format!("failed to validate pvc, PersistentVolume \"pv-1\" not found {told}")
        );
        let going = and(volume("pv-1", &[]), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
        assert_eq!(
            alone(&[bound("data", "pv-1"), going]),
            format!("failed to validate pvc, persistentvolume is being deleted {told}")
        );
    }

    #[test]
    fn a_claim_whose_volume_nobody_has_confirmed() {
        let claim = and(bound("data", "pv-1"), "/metadata/annotations", json!({}));
        assert_eq!(
            alone(&[claim, volume("pv-1", &[])]),
            "pvc is considered unbound because it does not contain annotation (PersistentVolume=pv-1, \
             PersistentVolumeClaim=data, annotation=pv.kubernetes.io/bind-completed)"
        );
    }

    #[test]
    fn a_claim_with_neither_volume_nor_class() {
        let told = "unbound pvc must define a storage class (PersistentVolumeClaim=default/data, StorageClass=)";
        assert_eq!(alone(&[unbound("data", "")]), told);
        assert_eq!(alone(&[and(unbound("data", ""), "/spec/storageClassName", Value::Null)]), told);
    }

    #[test]
    fn a_class_that_is_not_there() {
        assert_eq!(
            alone(&[unbound("data", "gp3")]),
            "failed to validate pvc, failed to get storage class, StorageClass.storage.k8s.io \"gp3\" not found \
             (PersistentVolumeClaim=default/data, StorageClass=gp3)"
        );
    }

    #[test]
    fn a_class_that_does_not_wait_for_the_pod() {
        let told = "failed to validate pvc, pvc with immediate volume binding mode must be bound \
                    (PersistentVolumeClaim=default/data, StorageClass=gp3)";
        let immediate = and(class("gp3", &[]), "/volumeBindingMode", json!("Immediate"));
        assert_eq!(alone(&[unbound("data", "gp3"), immediate]), told);
        let silent = and(class("gp3", &[]), "/volumeBindingMode", Value::Null);
        assert_eq!(alone(&[unbound("data", "gp3"), silent]), told, "which the API server reads as Immediate");
    }

    #[test]
    fn what_the_provider_s_nodes_cannot_have() {
        let racks = class("gp3", &[json!([within(ZONE, &["a"]), within("example.com/rack", &["r1"])])]);
        assert_eq!(
            alone(&[unbound("data", "gp3"), racks]),
            "failed to validate pvc, storage class uses unsupported topology key \
             (PersistentVolumeClaim=default/data, StorageClass=gp3, TopologyKey=example.com/rack)"
        );
        let told = "failed to validate pvc, provisioner is not supported (PersistentVolumeClaim=default/data, \
                    Provisioner=floppy.example.com, StorageClass=gp3)";
        let floppy = and(class("gp3", &[]), "/provisioner", json!("floppy.example.com"));
        assert_eq!(alone(&[unbound("data", "gp3"), floppy]), told);
        let bound_floppy = and(volume("pv-1", &[]), "/spec/csi/driver", json!("floppy.example.com"));
        assert_eq!(alone(&[bound("data", "pv-1"), bound_floppy]), told);
    }

    #[test]
    fn a_volume_whose_manifest_nobody_can_read() {
        let odd = volume("pv-1", &[json!([{"key": ZONE, "operator": "Near", "values": ["a"]}])]);
        let told = alone(&[bound("data", "pv-1"), odd]);
        assert!(told.starts_with("PersistentVolume pv-1: spec.nodeAffinity.required: "), "{told}");
        assert!(told.contains("unknown operator \"Near\""), "{told}");
    }

    #[test]
    fn an_ephemeral_volume_whose_claim_is_missing_or_another_s() {
        let web = pod_with_ephemeral("web", "scratch", json!({"storageClassName": "gp3"}));
        let cluster = Cluster::default().with(class("gp3", &[])).with(web);
        assert!(cluster.refusal("web").contains("PersistentVolumeClaim \"web-scratch\" not found"));
        let owned_by = |uid: &str| {
            let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": uid, "controller": true}]);
            and(unbound("web-scratch", "gp3"), "/metadata/ownerReferences", owner)
        };
        assert_eq!(
            cluster.clone().with(owned_by("an-earlier-web")).refusal("web"),
            "getting persistent volume claim, PersistentVolumeClaim \"web-scratch\" was not created for this pod: delete it, \
             or rename the pod or its volume (PersistentVolumeClaim=web-scratch, owner=Pod web)"
        );
        assert_eq!(cluster.with(owned_by("web")).pending("web").own, [("ebs.csi.aws.com".into(), 1)]);
    }

    #[test]
    fn but_not_for_the_class_of_a_claim_that_is_bound() {
        let cluster = Cluster::default().with(bound("data", "pv-1")).with(volume("pv-1", &[]));
        assert_eq!(cluster.with(pod("web", &["data"])).places("web"), [""; 0]);
    }
}

mod placed {
    use super::*;

    fn with_volumes(objects: &[Value], claims: &[&str]) -> Cluster {
        objects.iter().cloned().fold(Cluster::default(), Cluster::with).with(pod("web", claims))
    }

    #[test]
    fn a_volume_that_is_there_can_be_used_where_one_of_its_terms_holds() {
        let terms = [json!([within(ZONE, &["a"]), within("disk", &["ssd"])]), json!([within("rack", &["r1"])])];
        let cluster = with_volumes(&[bound("data", "pv-1"), volume("pv-1", &terms)], &["data"]);
        assert_eq!(cluster.places("web"), ["disk In [ssd], topology.kubernetes.io/zone In [a]", "rack In [r1]"]);
    }

    #[test]
    fn terms_that_differ_in_the_values_of_one_label_are_one() {
        let terms = [json!([within(ZONE, &["b"])]), json!([within(ZONE, &["a"])]), json!([within(ZONE, &["b"])])];
        let cluster = with_volumes(&[bound("data", "pv-1"), volume("pv-1", &terms)], &["data"]);
        assert_eq!(cluster.places("web"), ["topology.kubernetes.io/zone In [a b]"]);
    }

    #[test]
    fn other_spellings_of_a_label_are_understood() {
        let terms = [json!([within("topology.ebs.csi.aws.com/zone", &["a"])])];
        let labels = json!({"failure-domain.beta.kubernetes.io/zone": "a__b"});
        let objects = [
            bound("x", "pv-1"),
            volume("pv-1", &terms),
            bound("y", "pv-2"),
            and(volume("pv-2", &[]), "/metadata/labels", labels),
        ];
        let cluster = with_volumes(&objects, &["x"]).with(pod("db", &["y"]));
        assert_eq!(cluster.places("web"), ["topology.kubernetes.io/zone In [a]"]);
        assert_eq!(cluster.places("db"), ["topology.kubernetes.io/zone In [a b]"], "zones of an old volume are labels");
    }

    #[test]
    fn a_volume_on_one_machine_does_not_hold_its_pod_there() {
        let host = || within("kubernetes.io/hostname", &["node-1"]);
        let local = |name: &str, terms: &[Value]| {
            and(
                volume(name, terms),
                "/spec",
                json!({"local": {"path": "/mnt"}, "nodeAffinity": volume(name, terms)["spec"]["nodeAffinity"]}),
            )
        };
        let terms = [json!([host(), within(ZONE, &["a"])])];
        let cluster = with_volumes(&[bound("data", "pv-1"), local("pv-1", &terms)], &["data"]);
        assert_eq!(cluster.places("web"), ["topology.kubernetes.io/zone In [a]"]);
        let terms = [json!([within(ZONE, &["a"])]), json!([host()])];
        let cluster = with_volumes(&[bound("data", "pv-1"), local("pv-1", &terms)], &["data"]);
        assert_eq!(cluster.places("web"), [""; 0], "a term of host names alone makes no demand");
        let cluster = with_volumes(&[bound("data", "pv-1"), volume("pv-1", &[json!([host()])])], &["data"]);
        assert_eq!(cluster.places("web"), ["kubernetes.io/hostname In [node-1]"], "other volumes stay where they are");
    }

    #[test]
    fn a_term_may_select_its_machine_by_name() {
        let terms = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}, {}]);
        let fixed = and(volume("pv-1", &[]), "/spec/nodeAffinity", json!({"required": {"nodeSelectorTerms": terms}}));
        let cluster = with_volumes(&[bound("data", "pv-1"), fixed], &["data"]);
        assert_eq!(
            cluster.places("web"),
            ["kubernetes.io/hostname In [node-1]"],
            "and one that says nothing is no term"
        );
    }

    #[test]
    fn a_volume_that_is_to_be_made_can_be_made_where_its_class_allows() {
        let terms = [json!([within(ZONE, &["a", "b"])]), json!([]), json!([within("rack", &["r1"])])];
        let cluster = with_volumes(&[unbound("data", "gp3"), class("gp3", &terms)], &["data"]);
        assert_eq!(cluster.places("web"), ["topology.kubernetes.io/zone In [a b]", "rack In [r1]"]);
        let cluster = with_volumes(&[unbound("data", "gp3"), class("gp3", &[])], &["data"]);
        assert_eq!(cluster.places("web"), [""; 0]);
    }

    #[test]
    fn several_volumes_go_where_all_of_them_can() {
        let here = |zones: &[&str]| [json!([within(ZONE, zones)]), json!([within("rack", &["r1"])])];
        let objects = [
            bound("x", "pv-1"),
            volume("pv-1", &here(&["a", "b"])),
            unbound("y", "gp3"),
            class("gp3", &[json!([within(ZONE, &["b", "c"])])]),
        ];
        let cluster = with_volumes(&objects, &["x", "y"]);
        let zone_and_rack = "rack In [r1], topology.kubernetes.io/zone In [b c]";
        assert_eq!(cluster.places("web"), ["topology.kubernetes.io/zone In [b]", zone_and_rack]);
    }

    #[test]
    fn volumes_that_have_no_place_in_common_leave_no_place() {
        let objects = [
            bound("x", "pv-1"),
            volume("pv-1", &[json!([within(ZONE, &["a"])])]),
            bound("y", "pv-2"),
            volume("pv-2", &[json!([within(ZONE, &["b"])])]),
            unbound("z", "gp3"),
            class("gp3", &[json!([within("rack", &["r1"])])]),
        ];
        let places = with_volumes(&objects, &["x", "y", "z"]).pending("web").places;
        assert_eq!(places.len(), 1);
        assert!(places[0].get(ZONE).expect("the zone is the trouble").is_impossible());
    }

    #[test]
    fn many_volumes_with_many_places_stay_few_alternatives() {
        let mut cluster = Cluster::default();
        let claims: Vec<String> = (0..24).map(|i| format!("claim-{i}")).collect();
        for (i, claim) in claims.iter().enumerate() {
            let terms: Vec<_> = (0..8).map(|t| json!([within(&format!("key-{i}-{t}"), &["yes"])])).collect();
            cluster = cluster.with(bound(claim, &format!("pv-{i}"))).with(volume(&format!("pv-{i}"), &terms));
        }
        let claims: Vec<&str> = claims.iter().map(String::as_str).collect();
        let places = cluster.with(pod("web", &claims)).pending("web").places;
        assert!((1..=64).contains(&places.len()), "{} alternatives", places.len());
        assert!(places.iter().all(|p| p.iter().len() == 24), "each of them says where all the volumes are");
    }

    #[test]
    fn volumes_without_a_claim_ask_for_nothing() {
        let scratch = and(pod("web", &[]), "/spec/volumes", json!([{"name": "tmp", "emptyDir": {}}]));
        assert_eq!(Cluster::default().with(scratch).pending("web"), Volumes::default());
    }
}

mod counted {
    use super::*;

    #[test]
    fn a_claim_of_one_pod_is_its_own_and_one_of_several_is_shared() {
        let cluster = ["x", "y", "common"]
            .iter()
            .fold(Cluster::default().with(class("gp3", &[])), |c, claim| c.with(unbound(claim, "gp3")))
            .with(pod("web", &["x", "y", "common", "x"]))
            .with(pod("db", &["common"]))
            .with(and(pod("done", &["x"]), "/status", json!({"phase": "Succeeded"})));
        let volumes = cluster.pending("web");
        assert_eq!(volumes.own, [("ebs.csi.aws.com".into(), 2)], "and a pod that has ended uses nothing");
        assert_eq!(volumes.shared, [("ebs.csi.aws.com".into(), "default/common".into())]);
    }

    #[test]
    fn drivers_are_known_by_their_new_names() {
        let old = and(class("old", &[]), "/provisioner", json!("kubernetes.io/aws-ebs"));
        let in_tree = json!({"kind": "PersistentVolume", "metadata": {"name": "pv-1"},
            "spec": {"awsElasticBlockStore": {"volumeID": "vol-1"}}});
        let nfs = json!({"kind": "PersistentVolume", "metadata": {"name": "pv-2"},
            "spec": {"nfs": {"server": "nas", "path": "/"}}});
        let cluster = [old, in_tree, nfs, unbound("x", "old"), bound("y", "pv-1"), bound("z", "pv-2")];
        let cluster = cluster.into_iter().fold(Cluster::default(), Cluster::with).with(pod("web", &["x", "y", "z"]));
        assert_eq!(cluster.pending("web").own, [("ebs.csi.aws.com".into(), 2)], "NFS is attached by nobody");
    }

    #[test]
    fn the_older_way_to_name_a_class_counts_first() {
        let claim = and(
            unbound("data", ""),
            "/metadata/annotations",
            json!({"volume.beta.kubernetes.io/storage-class": "gp3"}),
        );
        let cluster = Cluster::default().with(claim).with(class("gp3", &[json!([within(ZONE, &["a"])])]));
        assert_eq!(cluster.with(pod("web", &["data"])).places("web"), ["topology.kubernetes.io/zone In [a]"]);
    }
}

mod moved {
    use super::*;

    #[test]
    fn a_pod_that_has_to_move_is_not_checked_again() {
        let going = and(bound("data", "pv-1"), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
        let cluster = Cluster::default().with(going).with(volume("pv-1", &[json!([within(ZONE, &["a"])])]));
        let volumes = cluster.with(pod("web", &["data"])).leaving("web").expect("it was let in once");
        assert_eq!(volumes.places[0].to_string(), "topology.kubernetes.io/zone In [a]");
    }

    #[test]
    fn but_stays_where_nobody_knows_what_its_volumes_ask_for() {
        let cluster = Cluster::default().with(pod("web", &["data"]));
        assert!(cluster.leaving("web").expect_err("no claim").starts_with("getting persistent volume claim, "));
        assert_eq!(
            cluster.clone().with(bound("data", "pv-1")).leaving("web").expect_err("no volume"),
            "getting existing requirements, getting persistent volume, PersistentVolume \"pv-1\" not found \
             (PersistentVolume=pv-1)"
        );
        assert_eq!(
            cluster.with(unbound("data", "gp3")).leaving("web").expect_err("no class"),
            "getting storage class, StorageClass.storage.k8s.io \"gp3\" not found (StorageClass=gp3)"
        );
    }

    #[test]
    fn its_ephemeral_volume_is_made_anew() {
        let web = pod_with_ephemeral("web", "scratch", json!({}));
        let default = json!({"storageclass.kubernetes.io/is-default-class": "true"});
        let cluster = Cluster::default()
            .with(bound("web-scratch", "pv-1"))
            .with(volume("pv-1", &[json!([within(ZONE, &["a"])])]))
            .with(and(class("gp3", &[json!([within(ZONE, &["b", "c"])])]), "/metadata/annotations", default))
            .with(web);
        let volumes = cluster.leaving("web").expect("the default class will make it");
        assert_eq!(volumes.places[0].to_string(), "topology.kubernetes.io/zone In [b c]");
        assert_eq!(volumes.own, [("ebs.csi.aws.com".into(), 1)]);
    }
}

#[test]
fn of_several_default_classes_the_youngest_counts() {
    let marked = |name: &str, created: &str| {
        let metadata = json!({"name": name, "creationTimestamp": created,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}});
        serde_json::from_value::<StorageClass>(and(class(name, &[]), "/metadata", metadata)).expect("a class")
    };
    let old = marked("a-old", "2025-01-01T00:00:00Z");
    let young = marked("young", "2026-01-01T00:00:00Z");
    let twin = marked("a-twin", "2026-01-01T00:00:00Z");
    assert_eq!(default_class(&[old, young, twin]), Some("a-twin"));
    let unmarked: StorageClass = serde_json::from_value(class("plain", &[])).expect("a class");
    assert_eq!(default_class(&[unmarked]), None);
}

mod attached {
    use super::*;
    use crate::nodes;
    use dovetail_scheduler::instance_type::InstanceType;
    use dovetail_scheduler::problem::{Node, NodePool};
    use std::sync::Arc;

    fn node(name: &str) -> Value {
        let labels = json!({"karpenter.sh/nodepool": "default", "node.kubernetes.io/instance-type": "m5.large"});
        json!({"kind": "Node", "metadata": {"name": name, "labels": labels}})
    }

    fn on(pod: Value, node: &str) -> Value {
        and(pod, "/spec/nodeName", json!(node))
    }

    fn publishing(node: &str, allocatable: Value) -> Value {
        json!({"kind": "CSINode", "metadata": {"name": node},
            "spec": {"drivers": [{"name": "ebs.csi.aws.com", "nodeID": node, "allocatable": allocatable}]}})
    }

    /// Types of which one has a limit.
    fn types() -> TypeLimits {
        let limited = InstanceType {
            name: "m5.large".into(),
            volume_limits: vec![("ebs.csi.aws.com".into(), 5), ("fsx.csi.aws.com".into(), 1)],
            ..InstanceType::default()
        };
        TypeLimits::of(&[NodePool {
            name: "default".into(),
            weight: 0,
            requirements: Requirements::new(),
            taints: vec![],
            instance_types: [Arc::new(limited), Arc::new(InstanceType::default())].into(),
            remaining: None,
        }])
    }

    /// A node with two volumes, one of which a second pod there uses as well, and a third pod waits for.
    fn busy() -> Cluster {
        ["x", "common"]
            .iter()
            .fold(Cluster::default().with(node("n")), |c, claim| c.with(bound(claim, claim)).with(volume(claim, &[])))
            .with(on(pod("one", &["x", "common"]), "n"))
            .with(on(pod("two", &["common", "deleted"]), "n"))
            .with(on(and(pod("done", &["x"]), "/status", json!({"phase": "Failed"})), "n"))
            .with(pod("waiting", &["common"]))
    }

    fn told(cluster: &Cluster, types: &TypeLimits) -> (Vec<(String, u32)>, Vec<String>) {
        let unsupported = Unsupported::default();
        let snapshot = cluster.0.snapshot();
        let index = VolumeIndex::of(&snapshot, &unsupported);
        let states = nodes::join(&snapshot);
        let mut node = Node::default();
        index.attach(&states[0], types, &mut node);
        let attachable = node.attachable.iter().map(|(driver, n)| (driver.to_string(), *n)).collect();
        (attachable, node.attached.iter().map(|(_, claim)| claim.to_string()).collect())
    }

    fn ebs(n: u32) -> Vec<(String, u32)> {
        vec![("ebs.csi.aws.com".to_owned(), n)]
    }

    #[test]
    fn a_claim_is_attached_once_however_many_pods_use_it() {
        let cluster = busy().with(publishing("n", json!({"count": 3})));
        assert_eq!(told(&cluster, &TypeLimits::default()), (ebs(1), vec!["default/common".to_owned()]));
    }

    #[test]
    fn a_node_with_more_than_its_limit_has_room_for_none() {
        let cluster = busy().with(publishing("n", json!({"count": 1})));
        assert_eq!(told(&cluster, &TypeLimits::default()).0, ebs(0));
    }

    #[test]
    fn a_driver_without_a_number_has_no_limit() {
        for silent in [Value::Null, json!({})] {
            let cluster = busy().with(publishing("n", silent));
            assert_eq!(told(&cluster, &TypeLimits::default()).0, vec![]);
        }
        assert_eq!(told(&busy(), &TypeLimits::default()).0, vec![], "nor has one that is not published");
    }

    #[test]
    fn the_instance_type_says_the_limit_until_the_node_does() {
        let of_type = [ebs(3), vec![("fsx.csi.aws.com".to_owned(), 1)]].concat();
        assert_eq!(told(&busy(), &types()).0, of_type);
        let fsx = vec![("fsx.csi.aws.com".to_owned(), 1)];
        let published = busy().with(publishing("n", json!({"count": 20})));
        assert_eq!(told(&published, &types()).0, [ebs(18), fsx.clone()].concat());
        let unbounded = busy().with(publishing("n", json!({})));
        assert_eq!(told(&unbounded, &types()).0, fsx, "the node's word counts even if it is that there is no limit");
    }
}

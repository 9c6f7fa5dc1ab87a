//! Which images are looked for, which are used, and by which machine.

use super::*;
use crate::faults::Fault;
use crate::testing::kind;
use dovetail_cloudprovider::ec2::well_known;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

const NONE: BTreeMap<String, Vec<Variant>> = BTreeMap::new();

fn names(alias: &str, kubernetes: &str) -> Vec<String> {
    parameters(alias, kubernetes).expect("an alias").into_iter().map(|parameter| parameter.name).collect()
}

fn image(id: &str, architecture: &str, day: u8) -> FoundImage {
    FoundImage {
        id: id.to_owned(),
        name: format!("name-of-{id}"),
        architecture: architecture.to_owned(),
        created: Some(format!("2026-01-{day:02}T00:00:00.000Z")),
        deprecated: None,
    }
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

fn ids(found: &[FoundImage], variants: &BTreeMap<String, Vec<Variant>>) -> Vec<String> {
    select(found, variants, now()).into_iter().map(|ami| ami.id).collect()
}

#[test]
fn every_family_names_its_images_in_ssm() {
    let eks = "/aws/service/eks/optimized-ami";
    assert_eq!(
        names("al2@latest", "1.32"),
        [
            format!("{eks}/1.32/amazon-linux-2/recommended/image_id"),
            format!("{eks}/1.32/amazon-linux-2-arm64/recommended/image_id"),
            format!("{eks}/1.32/amazon-linux-2-gpu/recommended/image_id"),
        ]
    );
    assert_eq!(
        names("al2@v20260101", "1.32")[1],
        format!("{eks}/1.32/amazon-linux-2-arm64/amazon-eks-arm64-node-1.32-v20260101/image_id")
    );
    let al2023 = format!("{eks}/1.35/amazon-linux-2023");
    assert_eq!(names("al2023@latest", "1.35")[0], format!("{al2023}/x86_64/standard/recommended/image_id"));
    assert_eq!(
        names("al2023@v20260101", "1.35")[4],
        format!("{al2023}/arm64/nvidia/amazon-eks-node-al2023-arm64-nvidia-1.35-v20260101/image_id")
    );
    let rocket = "/aws/service/bottlerocket";
    assert_eq!(names("bottlerocket@latest", "1.35")[0], format!("{rocket}/aws-k8s-1.35/x86_64/latest/image_id"));
    assert_eq!(names("bottlerocket@v1.46.0", "1.35"), names("bottlerocket@1.46.0", "1.35"));
    assert_eq!(names("bottlerocket@1.46.0", "1.35")[3], format!("{rocket}/aws-k8s-1.35-nvidia/arm64/1.46.0/image_id"));
    assert_eq!(
        names("windows2022@latest", "1.35"),
        ["/aws/service/ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.35/image_id"]
    );
}

#[test]
fn only_what_follows_releases_can_change() {
    let mutable = |alias| parameters(alias, "1.35").expect("an alias").iter().all(|parameter| parameter.mutable);
    assert!(mutable("al2023@latest") && mutable("windows2025@latest") && !mutable("al2023@v20260101"));
}

#[test]
fn a_family_has_no_images_before_it_began_or_after_it_ended() {
    for (alias, version, supported) in [
        ("al2@latest", "1.32", true),
        ("al2@latest", "1.33", false),
        ("windows2025@latest", "1.34", false),
        ("windows2025@latest", "1.35", true),
        ("al2023@latest", "1.37", true),
    ] {
        let answer = parameters(alias, version);
        assert_eq!(answer.is_ok(), supported, "{alias} on {version}");
        assert!(supported || matches!(answer, Err(AliasError::Unsupported { .. })));
    }
    assert!(matches!(parameters("ubuntu@latest", "1.35"), Err(AliasError::Unknown(_))));
    assert!(matches!(parameters("al2023", "1.35"), Err(AliasError::Unknown(_))));
}

#[test]
fn a_variant_that_does_not_exist_is_left_out_and_one_that_cannot_be_read_is_not() {
    let all = parameters("al2@latest", "1.32").expect("an alias");
    let missing = || Err(Fault::new("ParameterNotFound", ""));
    let answer = |answers: [Result<String, Fault>; 3]| {
        let answers: Vec<_> = all.iter().cloned().zip(answers).collect();
        resolve("al2@latest", &answers)
    };
    let some = answer([Ok("ami-1".to_owned()), missing(), Ok("ami-3".to_owned())]).expect("images");
    assert_eq!(some["ami-3"], [Variant::Neuron, Variant::Nvidia]);
    assert_eq!(some.len(), 2);
    assert_eq!(answer([missing(), missing(), missing()]), Err(AliasError::NothingFound("al2@latest".to_owned())));
    let throttled = answer([Ok("ami-1".to_owned()), Err(Fault::new("ThrottlingException", "slow")), missing()]);
    assert!(matches!(throttled, Err(AliasError::Ssm { .. })), "the image may well be there");
}

#[test]
fn the_newest_image_of_an_architecture_is_used() {
    let found = [image("a", "x86_64", 1), image("b", "x86_64", 3), image("c", "arm64", 2), image("d", "i386", 9)];
    assert_eq!(ids(&found, &NONE), ["b", "c"]);
}

#[test]
fn a_deprecated_image_is_used_only_if_there_is_no_other() {
    let mut new = image("new", "x86_64", 9);
    new.deprecated = Some("2026-05-31T00:00:00Z".to_owned());
    let alone = select(&[new.clone()], &NONE, now());
    assert!(alone[0].deprecated);
    assert_eq!(ids(&[new.clone(), image("old", "x86_64", 1)], &NONE), ["old"]);
    new.deprecated = Some("2026-06-02T00:00:00Z".to_owned());
    assert_eq!(ids(&[new, image("old", "x86_64", 1)], &NONE), ["new"], "it is not deprecated yet");
}

#[test]
fn of_images_of_one_day_the_name_decides_and_then_the_first() {
    let named = |id: &str, name: &str| FoundImage { name: name.to_owned(), ..image(id, "x86_64", 1) };
    assert_eq!(ids(&[named("x", "a"), named("y", "b")], &NONE), ["y"]);
    assert_eq!(ids(&[named("x", "a"), named("y", "a")], &NONE), ["x"]);
    let undated = FoundImage { created: Some("yesterday".to_owned()), ..image("z", "x86_64", 1) };
    assert_eq!(ids(&[undated, image("old", "x86_64", 1)], &NONE), ["old"], "a date that is none is the oldest");
}

#[test]
fn an_image_of_an_alias_is_listed_for_each_of_its_variants() {
    let variants =
        [("gpu".to_owned(), vec![Variant::Neuron, Variant::Nvidia]), ("std".to_owned(), vec![Variant::Standard])];
    let amis = select(&[image("gpu", "x86_64", 2), image("std", "x86_64", 1)], &variants.into(), now());
    let show = |ami: &dovetail_api::ec2_node_class::Ami| {
        let keys: Vec<_> = ami.requirements.iter().map(|r| r.key.rsplit('/').next().unwrap_or_default()).collect();
        format!("{}: {}", ami.id, keys.join(" "))
    };
    let shown: Vec<_> = amis.iter().map(show).collect();
    assert_eq!(
        shown,
        [
            "gpu: arch instance-accelerator-count",
            "gpu: arch instance-gpu-count",
            "std: arch instance-gpu-count instance-accelerator-count"
        ],
        "keys by their length"
    );
}

#[test]
fn a_machine_with_accelerators_boots_another_image() {
    let variants = [
        ("std".to_owned(), vec![Variant::Standard]),
        ("gpu".to_owned(), vec![Variant::Nvidia]),
        ("win".to_owned(), vec![Variant::Windows("10.0.20348")]),
    ];
    let found = [image("std", "x86_64", 1), image("gpu", "x86_64", 2), image("win", "x86_64", 3)];
    let amis = select(&found, &variants.into(), now());
    let boots = |t: &InstanceType| for_type(&amis, t, &well_known()).map(|ami| ami.id.as_str());
    let mut machine = kind("g5.xlarge", vec![]);
    Arc::make_mut(&mut machine).requirements.replace("node.kubernetes.io/windows-build".into(), Requirement::absent());
    assert_eq!(boots(&machine), Some("std"));
    Arc::make_mut(&mut machine)
        .requirements
        .replace("karpenter.k8s.aws/instance-gpu-count".into(), Requirement::exactly("1"));
    assert_eq!(boots(&machine), Some("gpu"));
    Arc::make_mut(&mut machine).requirements.replace("kubernetes.io/arch".into(), Requirement::exactly("arm64"));
    assert_eq!(boots(&machine), None);
}

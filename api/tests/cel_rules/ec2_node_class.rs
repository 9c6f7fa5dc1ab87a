//! The rules of EC2NodeClass.

use serde_json::{Value, json};

use crate::{Rule, rule};

const KIND: &str = "EC2NodeClass";
const AMIS: &str = "spec.amiSelectorTerms";
const SUBNETS: &str = "spec.subnetSelectorTerms";
const GROUPS: &str = "spec.securityGroupSelectorTerms";
const RESERVATIONS: &str = "spec.capacityReservationSelectorTerms";

pub(crate) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    rules.extend(identity());
    rules.extend(subnets());
    rules.extend(security_groups());
    rules.extend(capacity_reservations());
    rules.extend(images());
    rules.extend(aliases());
    rules.extend(families());
    rules.extend(tags());
    rules.extend(hardware());
    rules
}

/// A table of one field: what keeps the rule and what breaks it.
fn field(path: &'static str, message: &str, cases: &[(Value, Value)]) -> Vec<Rule> {
    cases
        .iter()
        .map(|(kept, broken)| rule(KIND, path, message, vec![(path, kept.clone())], vec![(path, broken.clone())]))
        .collect()
}

fn identity() -> Vec<Rule> {
    let message = "must specify exactly one of ['role', 'instanceProfile']";
    let profile = || ("spec.instanceProfile", json!("profile"));
    let no_role = || ("spec.role", Value::Null);
    let mut rules = vec![
        rule(KIND, "spec", message, vec![no_role(), profile()], vec![profile()]),
        rule(KIND, "spec", message, vec![], vec![no_role()]),
    ];
    rules.extend(field("spec.role", "role cannot be empty", &[(json!("a"), json!(""))]));
    rules.push(rule(
        KIND,
        "spec.instanceProfile",
        "instanceProfile cannot be empty",
        vec![no_role(), profile()],
        vec![no_role(), ("spec.instanceProfile", json!(""))],
    ));
    let message = "must specify exactly one of ['name', 'id']";
    let group = "spec.placementGroupSelector";
    rules.extend(field(
        group,
        message,
        &[(json!({ "name": "a" }), json!({})), (json!({ "id": "pg-1" }), json!({ "name": "a", "id": "pg-1" }))],
    ));
    rules
}

/// The rule on the tags of a term.
fn term_tags(list: &'static str, field: &'static str) -> Vec<Rule> {
    let tagged = |tags: Value| vec![(list, json!([{ "tags": tags }]))];
    let kept = || {
        let mut changes = tagged(json!({ "a": "*" }));
        changes.push(("spec.amiFamily", json!("AL2023")));
        changes
    };
    ["", "a"]
        .into_iter()
        .map(|key| {
            let value = if key.is_empty() { "x" } else { "" };
            let mut broken = tagged(json!({ key: value }));
            broken.push(("spec.amiFamily", json!("AL2023")));
            rule(KIND, field, "empty tag keys or values aren't supported", kept(), broken)
        })
        .collect()
}

fn subnets() -> Vec<Rule> {
    let id = || json!({ "id": "subnet-1" });
    let mixed = || json!({ "id": "subnet-1", "tags": { "a": "b" } });
    let mut rules = field(SUBNETS, "subnetSelectorTerms cannot be empty", &[(json!([id()]), json!([]))]);
    rules.extend(field(
        SUBNETS,
        "expected at least one, got none, ['tags', 'id']",
        &[(json!([id()]), json!([id(), {}]))],
    ));
    let message =
        "'id' is mutually exclusive, cannot be set with a combination of other fields in a subnet selector term";
    // One sound term excuses the others: Karpenter accepts that, so it must be accepted.
    rules.extend(field(SUBNETS, message, &[(json!([mixed(), id()]), json!([mixed()]))]));
    rules.extend(term_tags(SUBNETS, "spec.subnetSelectorTerms[].tags"));
    rules
}

fn security_groups() -> Vec<Rule> {
    let id = || json!({ "id": "sg-1" });
    let mut rules = field(GROUPS, "securityGroupSelectorTerms cannot be empty", &[(json!([id()]), json!([]))]);
    let message = "expected at least one, got none, ['tags', 'id', 'name']";
    rules.extend(field(GROUPS, message, &[(json!([id(), { "name": "a" }]), json!([{}]))]));
    let end =
        "is mutually exclusive, cannot be set with a combination of other fields in a security group selector term";
    rules.extend(field(
        GROUPS,
        &format!("'id' {end}"),
        &[
            (json!([{ "id": "sg-1", "name": "a" }, id()]), json!([{ "id": "sg-1", "name": "a" }])),
            (json!([id()]), json!([{ "id": "sg-1", "tags": { "a": "b" } }])),
        ],
    ));
    rules.extend(field(
        GROUPS,
        &format!("'name' {end}"),
        &[
            (json!([{ "name": "a", "tags": { "a": "b" } }, id()]), json!([{ "name": "a", "tags": { "a": "b" } }])),
            (json!([{ "name": "a" }]), json!([{ "name": "a", "id": "sg-1" }])),
        ],
    ));
    rules.extend(term_tags(GROUPS, "spec.securityGroupSelectorTerms[].tags"));
    rules
}

fn capacity_reservations() -> Vec<Rule> {
    let id = || json!({ "id": "cr-1" });
    let message = "expected at least one, got none, ['tags', 'id', 'instanceMatchCriteria']";
    let mut rules = field(
        RESERVATIONS,
        message,
        &[
            (json!([id()]), json!([{}])),
            (
                json!([{ "instanceMatchCriteria": "open", "ownerID": "012345678901" }]),
                json!([{ "ownerID": "012345678901" }]),
            ),
        ],
    );
    let message =
        "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term";
    rules.extend(field(
        RESERVATIONS,
        message,
        &[
            (json!([id(), { "id": "cr-2", "tags": { "a": "b" } }]), json!([{ "id": "cr-1", "tags": { "a": "b" } }])),
            // Every term of an empty list is at fault; only a list that is left out is fine.
            (json!(null), json!([])),
            (json!([id()]), json!([{ "id": "cr-1", "ownerID": "012345678901" }])),
            (
                json!([{ "id": "cr-1", "instanceMatchCriteria": "open" }, id()]),
                json!([{ "id": "cr-1", "instanceMatchCriteria": "open" }]),
            ),
        ],
    ));
    rules.extend(term_tags(RESERVATIONS, "spec.capacityReservationSelectorTerms[].tags"));
    rules
}

fn images() -> Vec<Rule> {
    let of_family = |terms: Value| vec![("spec.amiFamily", json!("AL2023")), (AMIS, terms)];
    let case =
        |message: &str, kept: Value, broken: Value| rule(KIND, AMIS, message, of_family(kept), of_family(broken));
    let message = "expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']";
    let mut rules = vec![
        case(message, json!([{ "ssmParameter": "/a" }]), json!([{ "owner": "self" }])),
        case(message, json!([{ "name": "a", "owner": "self" }]), json!([{ "id": "ami-1" }, {}])),
    ];
    let id = "'id' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms";
    let alias = "'alias' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms";
    for (other, value) in [("name", json!("a")), ("owner", json!("self")), ("tags", json!({ "a": "b" }))] {
        let sound = json!([{ "id": "ami-1" }, { "id": "ami-2" }]);
        rules.push(case(id, sound, json!([{ "id": "ami-1" }, { "id": "ami-2", other: value.clone() }])));
        let sound = json!([{ "alias": "al2023@latest" }]);
        rules.push(case(alias, sound, json!([{ "alias": "al2023@latest", other: value }])));
    }
    let both = || json!([{ "id": "ami-1", "alias": "al2023@latest" }]);
    rules.push(case(id, json!([{ "ssmParameter": "/a", "name": "a" }]), both()));
    rules.push(case(alias, json!([{ "tags": { "a": "b" }, "owner": "self" }]), both()));
    let message = "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms";
    let two = json!([{ "alias": "al2023@latest" }, { "id": "ami-1" }]);
    rules.push(case(message, json!([{ "id": "ami-1" }, { "name": "a" }]), two));
    rules.extend(term_tags(AMIS, "spec.amiSelectorTerms[].tags"));
    rules
}

fn aliases() -> Vec<Rule> {
    let alias = |alias: &str| vec![(AMIS, json!([{ "alias": alias }]))];
    let case = |message: &str, kept: &str, broken: &str| {
        rule(KIND, "spec.amiSelectorTerms[].alias", message, alias(kept), alias(broken))
    };
    let format = "'alias' is improperly formatted, must match the format 'family@version'";
    let family = "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', \
                  'windows2022', 'windows2025'";
    let windows = "windows families may only specify version 'latest'";
    vec![
        case(format, "al2023@v20240807", "al2023"),
        case(format, "bottlerocket@v1.20.5", "al2023@"),
        case(format, "al2@latest", "@latest"),
        case(format, "windows2025@latest", "al-2023@latest"),
        case(family, "al2@v20240807", "ubuntu@latest"),
        case(family, "bottlerocket@latest", "AL2023@latest"),
        case(windows, "windows2019@latest", "windows2019@v1"),
        case(windows, "windows2022@latest", "windows2022@v1"),
        case(windows, "windows2025@latest", "windows2025@v1"),
    ]
}

fn families() -> Vec<Rule> {
    let families = [
        ("al2", "AL2", "an"),
        ("al2023", "AL2023", "an"),
        ("bottlerocket", "Bottlerocket", "a"),
        ("windows2019", "Windows2019", "a"),
        ("windows2022", "Windows2022", "a"),
        ("windows2025", "Windows2025", "a"),
    ];
    let with_alias = |alias: &str, family: &str| {
        vec![(AMIS, json!([{ "alias": format!("{alias}@latest") }])), ("spec.amiFamily", json!(family))]
    };
    let mut rules = Vec::new();
    for (alias, family, article) in families {
        let message = format!("if set, amiFamily must be '{family}' or 'Custom' when using {article} {family} alias");
        for (other_alias, other, _) in families {
            if other_alias != alias {
                rules.push(rule(KIND, "spec", &*message, with_alias(alias, family), with_alias(alias, other)));
                rules.push(rule(KIND, "spec", &*message, with_alias(alias, "Custom"), with_alias(alias, other)));
            }
        }
    }
    let message = "must specify amiFamily if amiSelectorTerms does not contain an alias";
    let by_id = || (AMIS, json!([{ "id": "ami-1" }]));
    rules.push(rule(KIND, "spec", message, vec![by_id(), ("spec.amiFamily", json!("Custom"))], vec![by_id()]));
    rules
}

fn tags() -> Vec<Rule> {
    let tag = |key: &str| vec![("spec.tags", json!({ key: "x" }))];
    let case = |message: &str, kept: &str, broken: &str| rule(KIND, "spec.tags", message, tag(kept), tag(broken));
    let restricted = |reserved: &str| format!("tag contains a restricted tag matching {reserved}");
    vec![
        case("empty tag keys aren't supported", "Name", ""),
        case(&restricted("eks:eks-cluster-name"), "eks:cluster", "eks:eks-cluster-name"),
        case(&restricted("kubernetes.io/cluster/"), "kubernetes.io/name", "kubernetes.io/cluster/a"),
        case(&restricted("kubernetes.io/cluster/"), "x/kubernetes.io/cluster", "kubernetes.io/clusters"),
        case(&restricted("karpenter.sh/nodepool"), "karpenter.sh/discovery", "karpenter.sh/nodepool"),
        case(&restricted("karpenter.sh/nodeclaim"), "karpenter.sh/nodeclaims", "karpenter.sh/nodeclaim"),
        case(&restricted("karpenter.k8s.aws/ec2nodeclass"), "karpenter.k8s.aws/x", "karpenter.k8s.aws/ec2nodeclass"),
    ]
}

fn hardware() -> Vec<Rule> {
    let volume = || json!({ "volumeSize": "20Gi" });
    let message = "must have only one blockDeviceMappings with rootVolume";
    let root = || json!({ "rootVolume": true, "ebs": volume() });
    let mut rules = field(
        "spec.blockDeviceMappings",
        message,
        &[(json!([root(), { "rootVolume": false }, { "ebs": volume() }]), json!([root(), root()]))],
    );
    let ebs = |ebs: Value| vec![("spec.blockDeviceMappings", json!([{ "deviceName": "/dev/xvda", "ebs": ebs }]))];
    let case = |message: &str, kept: Value, broken: Value| {
        rule(KIND, "spec.blockDeviceMappings[].ebs", message, ebs(kept), ebs(broken))
    };
    let message = "snapshotID or volumeSize must be defined";
    rules.push(case(message, volume(), json!({ "encrypted": true })));
    rules.push(case(message, json!({ "snapshotID": "snap-1" }), json!({ "volumeType": "gp3" })));
    let message = "snapshotID must be set when volumeInitializationRate is set";
    let initialised =
        |snapshot: &str| json!({ "snapshotID": snapshot, "volumeInitializationRate": 100, "volumeSize": "1Gi" });
    rules.push(case(message, initialised("snap-1"), initialised("")));
    rules.push(case(message, initialised("snap-1"), json!({ "volumeSize": "1Gi", "volumeInitializationRate": 300 })));

    let interface = |card: i32, device: i32, kind: &str| json!({ "networkCardIndex": card, "deviceIndex": device, "interfaceType": kind });
    let main = || interface(0, 0, "interface");
    let path = "spec.networkInterfaces";
    let message = "networkInterfaces must include networkCardIndex 0 and deviceIndex 0 with interfaceType 'interface'";
    rules.extend(field(
        path,
        message,
        &[
            (json!([]), json!([interface(0, 0, "efa-only")])),
            (json!([main()]), json!([interface(1, 0, "interface"), interface(0, 1, "interface")])),
        ],
    ));
    let message = "networkInterfaces must have unique combinations of networkCardIndex and deviceIndex";
    let twice = json!([main(), interface(1, 1, "interface"), interface(1, 1, "efa-only")]);
    rules.extend(field(path, message, &[(json!([main(), interface(0, 1, "interface")]), twice)]));
    let message = "networkInterfaces must have at most one 'efa-only' interface per networkCardIndex";
    let spread = json!([main(), interface(0, 1, "efa-only"), interface(1, 0, "efa-only")]);
    let crowded = json!([main(), interface(0, 1, "efa-only"), interface(0, 2, "efa-only")]);
    rules.extend(field(path, message, &[(spread, crowded)]));

    let message = "must specify at least one of ['tcpEstablishedTimeout', 'udpStreamTimeout', 'udpTimeout']";
    rules.extend(field("spec.connectionTracking", message, &[(json!({ "udpTimeout": 30 }), json!({}))]));
    rules
}

//! The EC2NodeClass, `karpenter.k8s.aws/v1`: how EC2 machines are made (the Karpenter specification, aws-provider 1.1 to
//! 1.3; v1.15 changes 10.3). It knows shapes, defaults, what the API server checks, and which AMI family a class comes to;
//! it does not know EC2, nor what a kubelet configuration may contain.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]
#![allow(clippy::duplicated_attributes, reason = "every printer column has a type and a path")]

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::fragments;

mod launch;
mod selector;
mod status;

pub use launch::{
    BlockDevice, BlockDeviceMapping, ConnectionTracking, CpuOptions, EnclaveOptions, HttpTokens, InstanceStorePolicy,
    InterfaceType, MetadataOptions, NetworkInterface, Toggle, VolumeType,
};
pub use selector::{
    Alias, AmiSelectorTerm, CapacityReservationSelectorTerm, InstanceMatchCriteria, PlacementGroupSelector,
    SecurityGroupSelectorTerm, SubnetSelectorTerm,
};
pub use status::{
    Ami, CapacityReservation, CapacityReservationState, CapacityReservationType, EC2NodeClassStatus, SecurityGroup,
    Subnet,
};

/// How EC2 machines are made. Absent and empty differ where the drift hash tells them apart.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "karpenter.k8s.aws",
    version = "v1",
    kind = "EC2NodeClass",
    plural = "ec2nodeclasses",
    shortname = "ec2nc",
    shortname = "ec2ncs",
    category = "karpenter",
    status = "EC2NodeClassStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "How EC2 machines are made.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.role", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.role) != has(self.instanceProfile)")
        .message("must specify exactly one of ['role', 'instanceProfile']"),
    validation = selector::family_fits_alias(AmiFamily::AL2, "an AL2"),
    validation = selector::family_fits_alias(AmiFamily::AL2023, "an AL2023"),
    validation = selector::family_fits_alias(AmiFamily::Bottlerocket, "a Bottlerocket"),
    validation = selector::family_fits_alias(AmiFamily::Windows2019, "a Windows2019"),
    validation = selector::family_fits_alias(AmiFamily::Windows2022, "a Windows2022"),
    validation = selector::family_fits_alias(AmiFamily::Windows2025, "a Windows2025"),
    validation = Rule::new("has(self.amiFamily) || self.amiSelectorTerms.exists(x, has(x.alias))")
        .message("must specify amiFamily if amiSelectorTerms does not contain an alias")
)]
pub struct EC2NodeClassSpec {
    /// The subnets that machines may be launched into: every one that some term selects.
    #[schemars(length(max = 30))]
    #[x_kube(
        validation = Rule::new("size(self) != 0").message("subnetSelectorTerms cannot be empty"),
        validation = Rule::new("self.all(x, has(x.tags) || has(x.id))")
            .message("expected at least one, got none, ['tags', 'id']"),
        validation = selector::not_every_term(
            "has(x.id) && has(x.tags)",
            "'id' is mutually exclusive, cannot be set with a combination of other fields in a subnet selector term"
        )
    )]
    pub subnet_selector_terms: Vec<SubnetSelectorTerm>,
    /// The security groups of the machines: every one that some term selects.
    #[schemars(length(max = 30))]
    #[x_kube(
        validation = Rule::new("size(self) != 0").message("securityGroupSelectorTerms cannot be empty"),
        validation = Rule::new("self.all(x, has(x.tags) || has(x.id) || has(x.name))")
            .message("expected at least one, got none, ['tags', 'id', 'name']"),
        validation = selector::not_every_term(
            "has(x.id) && (has(x.tags) || has(x.name))",
            "'id' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term"
        ),
        validation = selector::not_every_term(
            "has(x.name) && (has(x.tags) || has(x.id))",
            "'name' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term"
        )
    )]
    pub security_group_selector_terms: Vec<SecurityGroupSelectorTerm>,
    /// The capacity reservations that machines may be launched into: every one that some term selects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 30))]
    #[x_kube(
        validation = Rule::new("self.all(x, has(x.tags) || has(x.id) || has(x.instanceMatchCriteria))")
            .message("expected at least one, got none, ['tags', 'id', 'instanceMatchCriteria']"),
        validation = selector::not_every_term(
            "has(x.id) && (has(x.tags) || has(x.ownerID) || has(x.instanceMatchCriteria))",
            "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term"
        )
    )]
    pub capacity_reservation_selector_terms: Vec<CapacityReservationSelectorTerm>,
    /// The placement group that machines are launched into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("has(self.name) != has(self.id)").message("must specify exactly one of ['name', 'id']"))]
    pub placement_group_selector: Option<PlacementGroupSelector>,
    /// Whether machines get public IP addresses. Unset: as their subnet says.
    #[serde(rename = "associatePublicIPAddress", skip_serializing_if = "Option::is_none")]
    pub associate_public_ip_address: Option<bool>,
    /// How many IPv4 prefixes the first network interface gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub ip_prefix_count: Option<i32>,
    /// The machine images: the newest that fits a machine is used, of all that some term selects.
    #[schemars(length(min = 1, max = 30))]
    #[x_kube(
        validation = Rule::new(
            "self.all(x, has(x.tags) || has(x.id) || has(x.name) || has(x.alias) || has(x.ssmParameter))"
        ).message("expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']"),
        validation = Rule::new(
            "!self.exists(x, has(x.id) && (has(x.alias) || has(x.tags) || has(x.name) || has(x.owner)))"
        ).message("'id' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms"),
        validation = Rule::new(
            "!self.exists(x, has(x.alias) && (has(x.id) || has(x.tags) || has(x.name) || has(x.owner)))"
        ).message("'alias' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms"),
        validation = Rule::new("size(self) == 1 || !self.exists(x, has(x.alias))")
            .message("'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms")
    )]
    pub ami_selector_terms: Vec<AmiSelectorTerm>,
    /// The family of the machine images, which decides the format of the user data and the default block devices. Unset: as
    /// the alias of `amiSelectorTerms` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ami_family: Option<AmiFamily>,
    /// User data of the machines, in the format of the AMI family; what the node needs to join is merged into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// The IAM role of the nodes. Excludes `instanceProfile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self != ''").message("role cannot be empty"))]
    pub role: Option<String>,
    /// The instance profile of the nodes. Excludes `role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self != ''").message("instanceProfile cannot be empty"))]
    pub instance_profile: Option<String>,
    /// Tags of everything that is made in EC2 for the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new("self.all(k, k != '')").message("empty tag keys aren't supported"),
        validation = selector::tag_is_free("k != 'eks:eks-cluster-name'", "eks:eks-cluster-name"),
        validation = selector::tag_is_free("!k.startsWith('kubernetes.io/cluster')", "kubernetes.io/cluster/"),
        validation = selector::tag_is_free("k != 'karpenter.sh/nodepool'", "karpenter.sh/nodepool"),
        validation = selector::tag_is_free("k != 'karpenter.sh/nodeclaim'", "karpenter.sh/nodeclaim"),
        validation = selector::tag_is_free("k != 'karpenter.k8s.aws/ec2nodeclass'", "karpenter.k8s.aws/ec2nodeclass")
    )]
    pub tags: Option<BTreeMap<String, String>>,
    /// The kubelet's configuration: fields of KubeletConfiguration `kubelet.config.k8s.io/v1beta1`. Checked by the
    /// controller, not by the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fragments::open_object")]
    pub kubelet: Option<serde_json::Map<String, serde_json::Value>>,
    /// The volumes of the machines. Unset: as the AMI family says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    #[x_kube(
        validation = Rule::new("self.filter(x, has(x.rootVolume) && x.rootVolume).size() <= 1")
            .message("must have only one blockDeviceMappings with rootVolume")
    )]
    pub block_device_mappings: Option<Vec<BlockDeviceMapping>>,
    /// What becomes of the machines' own disks. Unset: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_store_policy: Option<InstanceStorePolicy>,
    /// The network interfaces of the machines. Unset: as the machine's type and its pods need.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 150))]
    #[x_kube(
        validation = Rule::new(
            "size(self) == 0 || self.exists(x, x.networkCardIndex == 0 && x.deviceIndex == 0 && x.interfaceType == 'interface')"
        ).message("networkInterfaces must include networkCardIndex 0 and deviceIndex 0 with interfaceType 'interface'"),
        validation = Rule::new(
            "self.all(x, self.exists_one(y, y.networkCardIndex == x.networkCardIndex && y.deviceIndex == x.deviceIndex))"
        ).message("networkInterfaces must have unique combinations of networkCardIndex and deviceIndex"),
        validation = Rule::new(
            "self.all(x, x.interfaceType != 'efa-only' || self.exists_one(y, y.interfaceType == 'efa-only' && y.networkCardIndex == x.networkCardIndex))"
        ).message("networkInterfaces must have at most one 'efa-only' interface per networkCardIndex")
    )]
    pub network_interfaces: Option<Vec<NetworkInterface>>,
    /// Whether machines report to CloudWatch every minute instead of every five.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_monitoring: Option<bool>,
    /// How machines can reach their metadata.
    #[serde(default = "default_metadata_options", skip_serializing_if = "Option::is_none")]
    pub metadata_options: Option<MetadataOptions>,
    /// When connections that nothing moves on are forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new("has(self.tcpEstablishedTimeout) || has(self.udpStreamTimeout) || has(self.udpTimeout)")
            .message("must specify at least one of ['tcpEstablishedTimeout', 'udpStreamTimeout', 'udpTimeout']")
    )]
    pub connection_tracking: Option<ConnectionTracking>,
    /// Passed to EC2 CreateFleet as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Features of the machines' processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_options: Option<CpuOptions>,
    /// Whether machines can run Nitro enclaves. Unset: they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enclave_options: Option<EnclaveOptions>,
}

impl Default for EC2NodeClassSpec {
    /// The spec of a manifest that says nothing; it is not one that the API server accepts.
    fn default() -> Self {
        Self {
            subnet_selector_terms: Vec::new(),
            security_group_selector_terms: Vec::new(),
            capacity_reservation_selector_terms: Vec::new(),
            placement_group_selector: None,
            associate_public_ip_address: None,
            ip_prefix_count: None,
            ami_selector_terms: Vec::new(),
            ami_family: None,
            user_data: None,
            role: None,
            instance_profile: None,
            tags: None,
            kubelet: None,
            block_device_mappings: None,
            instance_store_policy: None,
            network_interfaces: None,
            detailed_monitoring: None,
            metadata_options: default_metadata_options(),
            connection_tracking: None,
            context: None,
            cpu_options: None,
            enclave_options: None,
        }
    }
}

fn default_metadata_options() -> Option<MetadataOptions> {
    Some(MetadataOptions::default())
}

impl EC2NodeClassSpec {
    /// The alias that selects the machine images, if one does and it has the form `family@version`.
    #[must_use]
    pub fn alias(&self) -> Option<Alias<'_>> {
        self.ami_selector_terms.iter().find_map(|term| Alias::parse(term.alias.as_deref()?))
    }

    /// The AMI family that the machines have: the one that is set, else the alias's, else Custom (aws-provider 1.3).
    #[must_use]
    pub fn effective_ami_family(&self) -> AmiFamily {
        self.ami_family.or_else(|| self.alias()?.family()).unwrap_or(AmiFamily::Custom)
    }
}

/// A family of machine images: the format of their user data and their default block devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AmiFamily {
    /// Amazon Linux 2.
    AL2,
    /// Amazon Linux 2023.
    AL2023,
    /// Bottlerocket.
    Bottlerocket,
    /// Images that need nothing merged into their user data.
    Custom,
    /// Windows Server 2019.
    Windows2019,
    /// Windows Server 2022.
    Windows2022,
    /// Windows Server 2025.
    Windows2025,
}

impl AmiFamily {
    /// Every family, in the order in which the CRD lists them.
    pub const ALL: [Self; 7] = [
        Self::AL2,
        Self::AL2023,
        Self::Bottlerocket,
        Self::Custom,
        Self::Windows2019,
        Self::Windows2022,
        Self::Windows2025,
    ];

    /// The family as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AL2 => "AL2",
            Self::AL2023 => "AL2023",
            Self::Bottlerocket => "Bottlerocket",
            Self::Custom => "Custom",
            Self::Windows2019 => "Windows2019",
            Self::Windows2022 => "Windows2022",
            Self::Windows2025 => "Windows2025",
        }
    }

    /// The family as an alias writes it: in lower case. Custom images have no alias.
    #[must_use]
    pub fn alias(self) -> Option<&'static str> {
        match self {
            Self::AL2 => Some("al2"),
            Self::AL2023 => Some("al2023"),
            Self::Bottlerocket => Some("bottlerocket"),
            Self::Custom => None,
            Self::Windows2019 => Some("windows2019"),
            Self::Windows2022 => Some("windows2022"),
            Self::Windows2025 => Some("windows2025"),
        }
    }

    /// Whether the family is one of the Windows families.
    #[must_use]
    pub fn is_windows(self) -> bool {
        matches!(self, Self::Windows2019 | Self::Windows2022 | Self::Windows2025)
    }
}

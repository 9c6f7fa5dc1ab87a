//! Parts of an EC2NodeClass that end up in launch templates: volumes, network interfaces, access to metadata, processor
//! options (the Karpenter specification, aws-provider 1.2; v1.15 changes 10.3). It does not know what EC2 makes of them.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function, `pub` and all")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::fragments;
use crate::quantity::Quantity;

/// A volume of the machines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockDeviceMapping {
    /// Device name, such as `/dev/xvda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The EBS volume behind the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new("has(self.snapshotID) || has(self.volumeSize)")
            .message("snapshotID or volumeSize must be defined"),
        validation = Rule::new("!has(self.volumeInitializationRate) || (has(self.snapshotID) && self.snapshotID != '')")
            .message("snapshotID must be set when volumeInitializationRate is set")
    )]
    pub ebs: Option<BlockDevice>,
    /// Whether the kubelet keeps its data here. At most one volume may say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub root_volume: bool,
}

/// An EBS volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockDevice {
    /// Whether the volume goes when the machine goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_on_termination: Option<bool>,
    /// Whether the volume is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// I/O operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<i64>,
    /// The KMS key that the volume is encrypted with: an id, alias or ARN.
    #[serde(rename = "kmsKeyID", skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// The snapshot that the volume starts from.
    #[serde(rename = "snapshotID", skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Throughput in MiB per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i64>,
    /// How fast the snapshot is copied into the volume, in MiB per second, 100 to 300. Needs `snapshotID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 300))]
    pub volume_initialization_rate: Option<i32>,
    /// Size of the volume, in Gi, G, Ti or T. Unset: as the snapshot is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "fragments::volume_size")]
    pub volume_size: Option<Quantity>,
    /// Kind of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<VolumeType>,
}

/// A kind of EBS volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    /// Magnetic, of the previous generation.
    Standard,
    /// Provisioned IOPS, of the previous generation.
    Io1,
    /// Provisioned IOPS.
    Io2,
    /// General purpose, of the previous generation.
    Gp2,
    /// Cold magnetic.
    Sc1,
    /// Throughput-optimised magnetic.
    St1,
    /// General purpose.
    Gp3,
}

impl VolumeType {
    /// The kind as it is written in a manifest and in the EC2 API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
            Self::Gp2 => "gp2",
            Self::Sc1 => "sc1",
            Self::St1 => "st1",
            Self::Gp3 => "gp3",
        }
    }
}

/// What becomes of the machines' own disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum InstanceStorePolicy {
    /// They are joined into one, which holds pods and images.
    RAID0,
}

impl InstanceStorePolicy {
    /// The policy as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RAID0 => "RAID0",
        }
    }
}

/// A network interface of the machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInterface {
    /// The network card that the interface belongs to.
    #[schemars(range(min = 0))]
    pub network_card_index: i32,
    /// The interface's place on its card.
    #[schemars(range(min = 0))]
    pub device_index: i32,
    /// What the interface does.
    pub interface_type: InterfaceType,
}

/// What a network interface does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceType {
    /// It carries IP traffic.
    Interface,
    /// It carries traffic of the Elastic Fabric Adapter and no IP.
    EfaOnly,
}

impl InterfaceType {
    /// The type as it is written in a manifest and in the EC2 API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::EfaOnly => "efa-only",
        }
    }
}

/// On or off, as EC2 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Toggle {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

impl Toggle {
    /// The state as it is written in a manifest and in the EC2 API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// Whether metadata is only given to those who present a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpTokens {
    /// A token is needed: IMDSv2.
    Required,
    /// It is given without one too.
    Optional,
}

impl HttpTokens {
    /// The setting as it is written in a manifest and in the EC2 API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// How machines can reach their metadata. Reading a manifest fills in every field; one that is `None` was made in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetadataOptions {
    /// Whether metadata is served at all.
    #[serde(default = "enabled", skip_serializing_if = "Option::is_none")]
    pub http_endpoint: Option<Toggle>,
    /// Whether metadata is served over IPv6.
    #[serde(rename = "httpProtocolIPv6", default = "disabled", skip_serializing_if = "Option::is_none")]
    pub http_protocol_ipv6: Option<Toggle>,
    /// How many hops an answer may travel, 1 to 64. With 1, pods that do not use the host's network get none.
    #[serde(default = "one_hop", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub http_put_response_hop_limit: Option<i64>,
    /// Whether metadata is only given to those who present a session token.
    #[serde(default = "tokens_required", skip_serializing_if = "Option::is_none")]
    pub http_tokens: Option<HttpTokens>,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            http_endpoint: enabled(),
            http_protocol_ipv6: disabled(),
            http_put_response_hop_limit: one_hop(),
            http_tokens: tokens_required(),
        }
    }
}

fn enabled() -> Option<Toggle> {
    Some(Toggle::Enabled)
}

fn disabled() -> Option<Toggle> {
    Some(Toggle::Disabled)
}

fn one_hop() -> Option<i64> {
    Some(1)
}

fn tokens_required() -> Option<HttpTokens> {
    Some(HttpTokens::Required)
}

/// When connections that nothing moves on are forgotten, in seconds. At least one field is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTracking {
    /// Established TCP connections, 60 to 432000 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 432000))]
    pub tcp_established_timeout: Option<i32>,
    /// UDP flows with more than one request and response, 60 to 180 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 180))]
    pub udp_stream_timeout: Option<i32>,
    /// Other UDP flows, 30 to 60 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 60))]
    pub udp_timeout: Option<i32>,
}

/// Features of the machines' processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuOptions {
    /// Whether machines can run virtual machines themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested_virtualization: Option<Toggle>,
}

/// Whether machines can run Nitro enclaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnclaveOptions {
    /// Whether they can. Only types that support enclaves are then used.
    pub enabled: bool,
}

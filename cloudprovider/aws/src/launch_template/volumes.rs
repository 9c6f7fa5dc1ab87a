//! The volumes of a machine in the terms of EC2: the class's, or else its AMI family's (spec aws-provider 3.2, 5.5; v1.15
//! changes 10.6).

use dovetail_api::ec2_node_class::{BlockDeviceMapping, EC2NodeClassSpec, VolumeType};
use dovetail_cloudprovider::ec2::family_rules;
use serde::Serialize;

const GIB: i64 = 1 << 30;

/// A volume. What is `None` is left to EC2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Device name, such as `/dev/xvda`.
    pub device: Option<String>,
    /// Whether it goes with the machine.
    pub delete_on_termination: Option<bool>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// I/O operations per second.
    pub iops: Option<i64>,
    /// The key that it is encrypted with.
    pub kms_key: Option<String>,
    /// The snapshot that it starts from.
    pub snapshot: Option<String>,
    /// MiB per second.
    pub throughput: Option<i64>,
    /// MiB per second at which the snapshot is copied.
    pub initialization_rate: Option<i32>,
    /// Size in GiB.
    pub gib: Option<i64>,
    /// Kind, such as `gp3`.
    pub kind: Option<&'static str>,
}

/// The volumes of the class's machines; none at all if the image decides.
pub(super) fn volumes(spec: &EC2NodeClassSpec) -> Vec<Volume> {
    match &spec.block_device_mappings {
        Some(mappings) if !mappings.is_empty() => mappings.iter().map(volume).collect(),
        _ => family_rules(spec.effective_ami_family())
            .default_devices
            .iter()
            .map(|(device, gib)| Volume {
                device: Some((*device).to_owned()),
                encrypted: Some(true),
                gib: Some(*gib),
                kind: Some(VolumeType::Gp3.as_str()),
                ..Volume::default()
            })
            .collect(),
    }
}

fn volume(mapping: &BlockDeviceMapping) -> Volume {
    let device = mapping.device_name.clone();
    let Some(ebs) = &mapping.ebs else { return Volume { device, ..Volume::default() } };
    Volume {
        device,
        delete_on_termination: ebs.delete_on_termination,
        encrypted: ebs.encrypted,
        // Zero means that EC2 is to choose, which it does if nothing is said.
        iops: ebs.iops.filter(|n| *n != 0),
        kms_key: ebs.kms_key_id.clone(),
        snapshot: ebs.snapshot_id.clone(),
        throughput: ebs.throughput.filter(|n| *n != 0),
        initialization_rate: ebs.volume_initialization_rate,
        gib: ebs.volume_size.as_ref().map(|size| gib_rounded_up(size.value())),
        kind: ebs.volume_type.map(VolumeType::as_str),
    }
}

const fn gib_rounded_up(bytes: i64) -> i64 {
    bytes.div_euclid(GIB) + (bytes.rem_euclid(GIB) > 0) as i64
}

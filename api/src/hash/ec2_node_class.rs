//! The hash of an EC2NodeClass: the fields that are fixed at launch, the AMI family it comes to, the cluster's CA bundle
//! and the kubelet's configuration. Selectors are left out: what they select is compared with what a node has.

use super::go_json;
use super::structure::{self as hash, Struct};
use crate::ec2_node_class::{
    BlockDevice, BlockDeviceMapping, ConnectionTracking, CpuOptions, EC2NodeClassSpec, EnclaveOptions, MetadataOptions,
    NetworkInterface, PlacementGroupSelector,
};

/// Hash of an EC2NodeClass, as the annotation `karpenter.k8s.aws/ec2nodeclass-hash` carries it (spec aws-provider 1.8).
///
/// `ca_bundle` is the cluster's certificate authority as launch templates carry it, in base64.
#[must_use]
pub fn ec2_node_class(spec: &EC2NodeClassSpec, ca_bundle: Option<&str>) -> String {
    let kubelet = spec.kubelet.as_ref().filter(|kubelet| !kubelet.is_empty());
    hash::set([
        hashed_fields(spec),
        hash::string(spec.effective_ami_family().as_str()),
        hash::string(ca_bundle.unwrap_or_default()),
        hash::string(&kubelet.map_or_else(|| "null".to_owned(), go_json::object)),
    ])
    .to_string()
}

fn hashed_fields(spec: &EC2NodeClassSpec) -> u64 {
    let text = |text: &Option<String>| text.as_deref().map(hash::string);
    // Every field is named, so that a new one cannot be forgotten here.
    let EC2NodeClassSpec {
        subnet_selector_terms: _,
        security_group_selector_terms: _,
        capacity_reservation_selector_terms: _,
        placement_group_selector,
        associate_public_ip_address,
        ip_prefix_count: _,
        ami_selector_terms: _,
        ami_family: _,
        user_data,
        role,
        instance_profile,
        tags,
        kubelet: _,
        block_device_mappings,
        instance_store_policy,
        network_interfaces,
        detailed_monitoring,
        metadata_options: metadata,
        connection_tracking: tracking,
        context,
        cpu_options: cpu,
        enclave_options,
    } = spec;
    // The order counts. That of ConnectionTracking and EnclaveOptions is the one thing that no figure of Karpenter's settles:
    // it shows only in a class that sets both.
    Struct::named("EC2NodeClassSpec")
        .field("PlacementGroupSelector", placement_group_selector.as_ref().map(placement_group))
        .field("AssociatePublicIPAddress", associate_public_ip_address.map(hash::boolean))
        .field("UserData", text(user_data))
        .field("Role", role.as_deref().filter(|role| !role.is_empty()).map(hash::string))
        .field("InstanceProfile", text(instance_profile))
        .field("Tags", tags.as_ref().map(hash::map))
        .field(
            "BlockDeviceMappings",
            block_device_mappings.as_ref().map(|mappings| hash::set(mappings.iter().map(block_device_mapping))),
        )
        .field("InstanceStorePolicy", instance_store_policy.map(|policy| hash::string(policy.as_str())))
        .field(
            "NetworkInterfaces",
            network_interfaces.as_ref().map(|interfaces| hash::set(interfaces.iter().map(network_interface))),
        )
        .field("DetailedMonitoring", detailed_monitoring.map(hash::boolean))
        .field("MetadataOptions", metadata.as_ref().map(metadata_options))
        .field("ConnectionTracking", tracking.as_ref().map(connection_tracking))
        .field("EnclaveOptions", enclave_options.as_ref().map(enclave))
        .field("Context", text(context))
        .field("CPUOptions", cpu.as_ref().map(cpu_options))
        .hash()
}

fn placement_group(selector: &PlacementGroupSelector) -> u64 {
    let PlacementGroupSelector { name, id } = selector;
    Struct::named("PlacementGroupSelector")
        .field("Name", name.as_deref().map(hash::string))
        .field("ID", id.as_deref().map(hash::string))
        .hash()
}

fn block_device_mapping(mapping: &BlockDeviceMapping) -> u64 {
    let BlockDeviceMapping { device_name, ebs, root_volume } = mapping;
    Struct::named("BlockDeviceMapping")
        .field("DeviceName", device_name.as_deref().map(hash::string))
        .field("EBS", ebs.as_ref().map(block_device))
        .field("RootVolume", root_volume.then(|| hash::boolean(true)))
        .hash()
}

fn block_device(device: &BlockDevice) -> u64 {
    let BlockDevice {
        delete_on_termination,
        encrypted,
        iops,
        kms_key_id,
        snapshot_id,
        throughput,
        volume_initialization_rate,
        volume_size,
        volume_type,
    } = device;
    Struct::named("BlockDevice")
        .field("DeleteOnTermination", delete_on_termination.map(hash::boolean))
        .field("Encrypted", encrypted.map(hash::boolean))
        .field("IOPS", iops.map(hash::int64))
        .field("KMSKeyID", kms_key_id.as_deref().map(hash::string))
        .field("SnapshotID", snapshot_id.as_deref().map(hash::string))
        .field("Throughput", throughput.map(hash::int64))
        .field("VolumeInitializationRate", volume_initialization_rate.map(hash::int32))
        .field("VolumeSize", volume_size.as_ref().map(|size| hash::string(&size.to_kubernetes_string())))
        .field("VolumeType", volume_type.map(|kind| hash::string(kind.as_str())))
        .hash()
}

/// The indexes are plain numbers in Go, so that a zero is left out.
fn network_interface(interface: &NetworkInterface) -> u64 {
    let NetworkInterface { network_card_index, device_index, interface_type } = interface;
    let index = |index: i32| (index != 0).then(|| hash::int32(index));
    Struct::named("NetworkInterface")
        .field("NetworkCardIndex", index(*network_card_index))
        .field("DeviceIndex", index(*device_index))
        .field("InterfaceType", Some(hash::string(interface_type.as_str())))
        .hash()
}

fn metadata_options(options: &MetadataOptions) -> u64 {
    let MetadataOptions { http_endpoint, http_protocol_ipv6, http_put_response_hop_limit, http_tokens } = options;
    Struct::named("MetadataOptions")
        .field("HTTPEndpoint", http_endpoint.map(|toggle| hash::string(toggle.as_str())))
        .field("HTTPProtocolIPv6", http_protocol_ipv6.map(|toggle| hash::string(toggle.as_str())))
        .field("HTTPPutResponseHopLimit", http_put_response_hop_limit.map(hash::int64))
        .field("HTTPTokens", http_tokens.map(|tokens| hash::string(tokens.as_str())))
        .hash()
}

fn connection_tracking(tracking: &ConnectionTracking) -> u64 {
    let ConnectionTracking { tcp_established_timeout, udp_stream_timeout, udp_timeout } = tracking;
    Struct::named("ConnectionTracking")
        .field("TCPEstablishedTimeout", tcp_established_timeout.map(hash::int32))
        .field("UDPStreamTimeout", udp_stream_timeout.map(hash::int32))
        .field("UDPTimeout", udp_timeout.map(hash::int32))
        .hash()
}

fn cpu_options(options: &CpuOptions) -> u64 {
    let CpuOptions { nested_virtualization } = options;
    Struct::named("CPUOptions")
        .field("NestedVirtualization", nested_virtualization.map(|toggle| hash::string(toggle.as_str())))
        .hash()
}

/// A plain boolean in Go: `false` is left out, but the options as such still count.
fn enclave(options: &EnclaveOptions) -> u64 {
    let EnclaveOptions { enabled } = options;
    Struct::named("EnclaveOptions").field("Enabled", enabled.then(|| hash::boolean(true))).hash()
}

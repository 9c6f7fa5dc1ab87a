//! The network interfaces of a machine: those of the class, else as many fabric adapters as the machine has if its pods ask
//! for them, else one (spec aws-provider 5.5).

use dovetail_api::ec2_node_class::{ConnectionTracking, EC2NodeClassSpec, InterfaceType};
use serde::Serialize;

/// A network interface, in the terms of EC2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// The card that it belongs to.
    pub card: i32,
    /// Its place on the card.
    pub device: i32,
    /// What it does.
    pub kind: InterfaceKind,
    /// The security groups, by id.
    pub security_groups: Vec<String>,
    /// Whether it gets a public address; none to leave that to the subnet.
    pub public_address: Option<bool>,
    /// How many IPv4 prefixes it gets.
    pub ipv4_prefixes: Option<i32>,
    /// How many IPv6 prefixes it gets.
    pub ipv6_prefixes: Option<i32>,
    /// How many IPv6 addresses it gets.
    pub ipv6_addresses: Option<i32>,
    /// Whether its first IPv6 address stays with it.
    pub primary_ipv6: Option<bool>,
    /// Seconds after which idle connections are forgotten: established TCP, UDP streams, other UDP.
    pub tracking: Option<[Option<i32>; 3]>,
}

/// What a network interface does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum InterfaceKind {
    /// It carries IP traffic.
    Interface,
    /// It carries IP and fabric traffic.
    Efa,
    /// It carries fabric traffic alone.
    EfaOnly,
}

impl InterfaceKind {
    /// The kind as the EC2 API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Efa => "efa",
            Self::EfaOnly => "efa-only",
        }
    }
}

/// The interfaces of a machine of which `efa` are fabric adapters that its pods ask for.
pub(super) fn interfaces(spec: &EC2NodeClassSpec, groups: &[String], efa: i32, ipv6: bool) -> Vec<Interface> {
    let with_ip = |card: i32, device: i32, kind: InterfaceKind| Interface {
        card,
        device,
        kind,
        security_groups: groups.to_vec(),
        public_address: spec.associate_public_ip_address,
        ipv4_prefixes: spec.ip_prefix_count.filter(|_| !ipv6),
        ipv6_prefixes: spec.ip_prefix_count.filter(|_| ipv6),
        ipv6_addresses: ipv6.then_some(1),
        primary_ipv6: ipv6.then_some(true),
        tracking: spec.connection_tracking.as_ref().map(seconds),
    };
    let named = spec.network_interfaces.as_deref().unwrap_or_default();
    if !named.is_empty() {
        return named
            .iter()
            .map(|one| match one.interface_type {
                InterfaceType::Interface => with_ip(one.network_card_index, one.device_index, InterfaceKind::Interface),
                InterfaceType::EfaOnly => Interface {
                    public_address: None,
                    ipv4_prefixes: None,
                    ipv6_prefixes: None,
                    ipv6_addresses: None,
                    primary_ipv6: None,
                    tracking: None,
                    ..with_ip(one.network_card_index, one.device_index, InterfaceKind::EfaOnly)
                },
            })
            .collect();
    }
    if efa > 0 {
        // The first interface of all is the machine's primary one and must be device 0.
        return (0..efa).map(|card| with_ip(card, i32::from(card > 0), InterfaceKind::Efa)).collect();
    }
    vec![with_ip(0, 0, InterfaceKind::Interface)]
}

const fn seconds(tracking: &ConnectionTracking) -> [Option<i32>; 3] {
    [tracking.tcp_established_timeout, tracking.udp_stream_timeout, tracking.udp_timeout]
}

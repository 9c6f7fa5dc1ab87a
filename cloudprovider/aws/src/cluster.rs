//! What every machine must know of the cluster that it joins, and what the provider itself goes by. Where the facts were
//! found out (options, EKS, the API server) is not known here (spec aws-provider 11.1, 11.2).

use std::net::IpAddr;

/// The cluster, as far as its machines are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Name in EKS.
    pub name: String,
    /// URL of the API server.
    pub endpoint: String,
    /// Certificate authority of the API server: PEM in base64. None where the provider could not find it out.
    pub ca_bundle: Option<String>,
    /// The addresses of Services, such as `10.100.0.0/16`; known once somebody needed it.
    pub service_cidr: Option<String>,
    /// Address of the cluster's name server, if there is one.
    pub dns: Option<IpAddr>,
    /// The AWS region.
    pub region: String,
    /// Version of Kubernetes, the two numbers only: `1.35`.
    pub kubernetes_version: String,
}

impl Cluster {
    /// Whether machines get IPv6 addresses: they do if the cluster's name server has one.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.dns.is_some_and(|address| address.is_ipv6())
    }

    /// The minor number of the version of Kubernetes, if the version has the form `1.35`.
    #[must_use]
    pub fn kubernetes_minor(&self) -> Option<u32> {
        self.kubernetes_version.split_once('.').and_then(|(_, minor)| minor.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;
    use std::net::IpAddr;

    #[test]
    fn the_name_server_s_address_decides_the_family_of_addresses() {
        let mut cluster = testing::cluster();
        assert!(!cluster.is_ipv6());
        cluster.dns = Some("fd4e:9d5c::a".parse::<IpAddr>().expect("an address"));
        assert!(cluster.is_ipv6());
        cluster.dns = None;
        assert!(!cluster.is_ipv6(), "without a name server IPv4 is assumed");
    }

    #[test]
    fn a_version_that_is_none_has_no_minor_number() {
        let mut cluster = testing::cluster();
        assert_eq!(cluster.kubernetes_minor(), Some(35));
        cluster.kubernetes_version = "unknown".to_owned();
        assert_eq!(cluster.kubernetes_minor(), None);
    }
}

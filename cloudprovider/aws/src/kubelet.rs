//! The kubelet's configuration as a machine gets it: what the node class says, and what follows from the machine's type and
//! from the cluster where it says nothing (spec aws-provider 6.4). Whether the node class's settings make sense was
//! decided before; what the AMI family makes of them is decided in the user data.

use dovetail_api::duration::Duration;
use dovetail_api::quantity::Quantity;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A kubelet's settings, resolved for one kind of machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubelet {
    /// Everything that the class says, as it says it.
    pub raw: Map<String, Value>,
    /// The name servers of pods, the first one first.
    pub cluster_dns: Vec<String>,
    /// The most pods.
    pub max_pods: u32,
    /// The most pods per vCPU.
    pub pods_per_core: Option<i64>,
    /// What is kept for the operating system, if the class says so.
    pub system_reserved: BTreeMap<String, String>,
    /// What is kept for the kubelet, if the class says so.
    pub kube_reserved: BTreeMap<String, String>,
    /// Thresholds below which pods are evicted at once.
    pub eviction_hard: BTreeMap<String, String>,
    /// Thresholds below which pods are evicted after a grace period.
    pub eviction_soft: BTreeMap<String, String>,
    /// These grace periods, as Go writes durations.
    pub eviction_soft_grace_period: BTreeMap<String, String>,
    /// The most seconds that a pod evicted softly gets.
    pub eviction_max_pod_grace_period: Option<i64>,
    /// Per cent of disk usage at which images are collected.
    pub image_gc_high_threshold_percent: Option<i64>,
    /// Per cent of disk usage down to which images are collected.
    pub image_gc_low_threshold_percent: Option<i64>,
    /// Whether CPU limits are enforced.
    pub cpu_cfs_quota: Option<bool>,
}

/// A field of `spec.kubelet` that cannot be passed on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("spec.kubelet.{field} of the EC2NodeClass is {found}, and not {expected}: correct it there")]
pub struct KubeletFieldError {
    /// The field.
    pub field: String,
    /// What it should be.
    pub expected: &'static str,
    /// What it is, as JSON.
    pub found: String,
}

impl Kubelet {
    /// The settings of a machine that takes `pods` pods unless the class says otherwise, and whose pods ask `dns` unless the
    /// class names other name servers.
    ///
    /// Entries that are expressions count as not set: the gate NodeClassCEL is off (spec aws-provider 1.5).
    ///
    /// # Errors
    /// If a field is of another type than the kubelet's. The class's validation says so as well; this is what happens when
    /// a launch comes first.
    pub fn resolve(
        raw: Option<&Map<String, Value>>,
        pods: u32,
        dns: Option<IpAddr>,
    ) -> Result<Self, KubeletFieldError> {
        let empty = Map::new();
        let fields = Fields(raw.unwrap_or(&empty));
        let max_pods = match fields.0.get("maxPods") {
            Some(Value::String(_)) => None,
            _ => fields.integer("maxPods")?,
        };
        let named = fields.texts("clusterDNS")?;
        Ok(Self {
            raw: fields.0.clone(),
            cluster_dns: if named.is_empty() { dns.iter().map(ToString::to_string).collect() } else { named },
            max_pods: max_pods.map_or(Ok(pods), |n| u32::try_from(n).map_err(|_| fields.fault("maxPods", NUMBER)))?,
            pods_per_core: fields.integer("podsPerCore")?,
            system_reserved: fields.reserved("systemReserved")?,
            kube_reserved: fields.reserved("kubeReserved")?,
            eviction_hard: fields.map("evictionHard")?,
            eviction_soft: fields.map("evictionSoft")?,
            eviction_soft_grace_period: fields.durations("evictionSoftGracePeriod")?,
            eviction_max_pod_grace_period: fields.integer("evictionMaxPodGracePeriod")?,
            image_gc_high_threshold_percent: fields.integer("imageGCHighThresholdPercent")?,
            image_gc_low_threshold_percent: fields.integer("imageGCLowThresholdPercent")?,
            cpu_cfs_quota: fields.boolean("cpuCFSQuota")?,
        })
    }

    /// Whether the first name server has an IPv6 address.
    #[must_use]
    pub fn asks_ipv6(&self) -> bool {
        self.cluster_dns.first().and_then(|dns| dns.parse::<IpAddr>().ok()).is_some_and(|dns| dns.is_ipv6())
    }
}

const NUMBER: &str = "a whole number";

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn fault(&self, field: &str, expected: &'static str) -> KubeletFieldError {
        let found = self.0.get(field).map(ToString::to_string).unwrap_or_default();
        KubeletFieldError { field: field.to_owned(), expected, found }
    }

    fn present(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn integer(&self, field: &str) -> Result<Option<i64>, KubeletFieldError> {
        self.present(field).map(|value| value.as_i64().ok_or_else(|| self.fault(field, NUMBER))).transpose()
    }

    fn boolean(&self, field: &str) -> Result<Option<bool>, KubeletFieldError> {
        self.present(field).map(|value| value.as_bool().ok_or_else(|| self.fault(field, "true or false"))).transpose()
    }

    fn texts(&self, field: &str) -> Result<Vec<String>, KubeletFieldError> {
        let fault = || self.fault(field, "a list of texts");
        let Some(value) = self.present(field) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(fault)?;
        list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(fault)).collect()
    }

    fn map(&self, field: &str) -> Result<BTreeMap<String, String>, KubeletFieldError> {
        let fault = || self.fault(field, "a map of texts");
        let Some(value) = self.present(field) else { return Ok(BTreeMap::new()) };
        let entry = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        value.as_object().ok_or_else(fault)?.iter().map(|one| entry(one).ok_or_else(fault)).collect()
    }

    fn reserved(&self, field: &str) -> Result<BTreeMap<String, String>, KubeletFieldError> {
        let mut map = self.map(field)?;
        map.retain(|_, value| value.parse::<Quantity>().is_ok());
        Ok(map)
    }

    fn durations(&self, field: &str) -> Result<BTreeMap<String, String>, KubeletFieldError> {
        let mut map = self.map(field)?;
        for value in map.values_mut() {
            let duration: Duration = value.parse().map_err(|_| self.fault(field, "a map of durations"))?;
            *value = duration.to_go_string();
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolve(raw: &Value) -> Result<Kubelet, KubeletFieldError> {
        Kubelet::resolve(raw.as_object(), 29, Some("10.100.0.10".parse().expect("an address")))
    }

    #[test]
    fn what_the_class_leaves_open_follows_from_type_and_cluster() {
        let kubelet = resolve(&json!({})).expect("nothing is wrong with nothing");
        assert_eq!(kubelet.max_pods, 29);
        assert_eq!(kubelet.cluster_dns, ["10.100.0.10"]);
        assert!(kubelet.kube_reserved.is_empty(), "defaults are the AMI's business");
    }

    #[test]
    fn what_the_class_says_stands() {
        let kubelet = resolve(&json!({
            "maxPods": 58, "clusterDNS": ["fd00::a", "10.0.0.1"], "kubeReserved": {"cpu": "100m"},
            "evictionSoftGracePeriod": {"memory.available": "120s"}, "cpuCFSQuota": false
        }))
        .expect("a configuration");
        assert_eq!((kubelet.max_pods, kubelet.asks_ipv6(), kubelet.cpu_cfs_quota), (58, true, Some(false)));
        assert_eq!(kubelet.kube_reserved["cpu"], "100m");
        assert_eq!(kubelet.eviction_soft_grace_period["memory.available"], "2m0s");
    }

    #[test]
    fn expressions_count_as_not_set() {
        let kubelet = resolve(&json!({"maxPods": "vcpus * 10", "kubeReserved": {"cpu": "vcpus * 5", "memory": "1Gi"}}));
        let kubelet = kubelet.expect("a configuration");
        assert_eq!(kubelet.max_pods, 29);
        assert_eq!(kubelet.kube_reserved.into_keys().collect::<Vec<_>>(), ["memory"]);
    }

    #[test]
    fn a_field_of_another_type_is_named() {
        let error = resolve(&json!({"evictionHard": ["memory.available"]})).expect_err("a list is no map");
        let text = "spec.kubelet.evictionHard of the EC2NodeClass is [\"memory.available\"], and not a map of texts: \
                    correct it there";
        assert_eq!(error.to_string(), text);
        for bad in [json!({"maxPods": -1}), json!({"maxPods": 1.5}), json!({"clusterDNS": "10.0.0.1"})] {
            assert!(resolve(&bad).is_err(), "{bad}");
        }
    }
}

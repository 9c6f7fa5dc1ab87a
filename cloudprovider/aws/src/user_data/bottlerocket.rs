//! User data of Bottlerocket: settings in TOML, the class's own with the node's laid over them (spec aws-provider 6.7). Keys of
//! `settings.kubernetes` that nobody here has heard of are passed on: Karpenter drops them, and a setting that a newer
//! Bottlerocket knows would get lost without a word.

use super::{Request, UserDataError, value_and_effect};
use dovetail_api::ec2_node_class::AmiSelectorTerm;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use toml::{Table, Value};

/// A release of Bottlerocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BottlerocketVersion {
    /// By its number.
    Release {
        /// The first part of the number.
        major: u64,
        /// The second.
        minor: u64,
        /// The third.
        patch: u64,
    },
    /// The newest there is.
    Latest,
}

/// A text that is no release of Bottlerocket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no release of Bottlerocket, such as v1.46.0 or latest")]
pub struct NoVersion(String);

impl FromStr for BottlerocketVersion {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        // What follows the number, such as a commit, does not count.
        let number = text.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let parts: Vec<u64> = number.split('.').map(str::parse).collect::<Result<_, _>>().unwrap_or_default();
        match parts.as_slice() {
            [major, minor] => Ok(Self::Release { major: *major, minor: *minor, patch: 0 }),
            [major, minor, patch] => Ok(Self::Release { major: *major, minor: *minor, patch: *patch }),
            _ => Err(NoVersion(text.to_owned())),
        }
    }
}

impl fmt::Display for BottlerocketVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release { major, minor, patch } => write!(f, "{major}.{minor}.{patch}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl BottlerocketVersion {
    /// From this release on the machine's disks are bound to all that belongs there without being told which that is.
    const BINDS_BY_ITSELF: Self = Self::Release { major: 1, minor: 46, patch: 0 };

    /// The release that a class's images are of: as its terms say, else as the names of the images found say. `found` are
    /// ids and names.
    #[must_use]
    pub fn of<'a>(
        terms: &[AmiSelectorTerm],
        found: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Option<Self> {
        let alias = || terms.iter().find_map(|term| term.alias.as_deref()?.split_once('@')?.1.parse().ok());
        let by_name = || terms.iter().find_map(|term| Self::in_name(term.name.as_deref()?));
        let by_id = || {
            let names = |id: &str| found.clone().into_iter().find(|(found, _)| *found == id).map(|(_, name)| name);
            terms.iter().find_map(|term| Self::in_name(names(term.id.as_deref()?)?))
        };
        let any = || {
            let mut names = found.clone().into_iter().map(|(_, name)| name);
            names.find_map(|name| name.contains("bottlerocket").then(|| Self::in_name(name)).flatten())
        };
        alias().or_else(by_name).or_else(by_id).or_else(any)
    }

    /// The release in the name of an image, such as `bottlerocket-aws-k8s-1.35-x86_64-v1.46.0-1a2b3c4d`.
    fn in_name(name: &str) -> Option<Self> {
        let numbered = |piece: &&str| piece.starts_with('v') && piece.contains('.');
        name.split('-').find(numbered)?.parse().ok()
    }
}

pub(super) fn text(request: &Request<'_>) -> Result<String, UserDataError> {
    let custom = request.custom.unwrap_or_default();
    let mut document: Table = custom.parse().map_err(|e: toml::de::Error| UserDataError::Toml(e.to_string()))?;
    let settings = table(&mut document, "settings", "settings")?;
    kubernetes(table(settings, "kubernetes", "settings.kubernetes")?, request)?;
    if request.raid0 {
        let commands = table(settings, "bootstrap-commands", "settings.bootstrap-commands")?;
        commands.insert("000-mount-instance-storage".to_owned(), Value::Table(storage(request.bottlerocket)));
    }
    toml::to_string(&document).map_err(|e| UserDataError::Write(e.to_string()))
}

fn table<'a>(parent: &'a mut Table, key: &str, path: &str) -> Result<&'a mut Table, UserDataError> {
    let entry = parent.entry(key).or_insert_with(|| Value::Table(Table::new()));
    entry.as_table_mut().ok_or_else(|| UserDataError::NoTable(path.to_owned()))
}

fn kubernetes(settings: &mut Table, request: &Request<'_>) -> Result<(), UserDataError> {
    let (cluster, kubelet) = (request.cluster, request.kubelet);
    let labels = table(settings, "node-labels", "settings.kubernetes.node-labels")?;
    labels.extend(request.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))));

    let mut taints: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for taint in request.taints {
        taints.entry(&taint.key).or_default().push(Value::from(value_and_effect(taint)));
    }
    let taints: Table = taints.into_iter().map(|(key, values)| (key.to_owned(), Value::Array(values))).collect();

    let texts = |map: &BTreeMap<String, String>| {
        let entries = map.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        (!map.is_empty()).then(|| Value::Table(entries.collect()))
    };
    let percent = |n: Option<i64>| n.map(|n| Value::from(n.to_string()));
    let own = [
        ("cluster-name", Some(Value::from(cluster.name.as_str()))),
        ("api-server", Some(Value::from(cluster.endpoint.as_str()))),
        ("cluster-certificate", cluster.ca_bundle.as_deref().map(Value::from)),
        ("node-taints", Some(Value::Table(taints))),
        ("max-pods", Some(Value::from(i64::from(kubelet.max_pods)))),
        ("cluster-dns-ip", kubelet.cluster_dns.first().map(|dns| Value::from(dns.as_str()))),
        ("system-reserved", texts(&kubelet.system_reserved)),
        ("kube-reserved", texts(&kubelet.kube_reserved)),
        ("eviction-hard", texts(&kubelet.eviction_hard)),
        ("eviction-soft", texts(&kubelet.eviction_soft)),
        ("eviction-soft-grace-period", texts(&kubelet.eviction_soft_grace_period)),
        ("eviction-max-pod-grace-period", kubelet.eviction_max_pod_grace_period.map(Value::from)),
        ("image-gc-high-threshold-percent", percent(kubelet.image_gc_high_threshold_percent)),
        ("image-gc-low-threshold-percent", percent(kubelet.image_gc_low_threshold_percent)),
        ("cpu-cfs-quota-enforced", kubelet.cpu_cfs_quota.map(Value::from)),
    ];
    settings.extend(own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    if cluster.ca_bundle.is_none() {
        // It is the provider's to say which authority the cluster has.
        settings.remove("cluster-certificate");
    }
    Ok(())
}

/// A command before everything else that joins the machine's disks and puts what pods need there. An unknown release is
/// taken for an old one: what it is told, a new one understands too.
fn storage(version: Option<&BottlerocketVersion>) -> Table {
    let words = |words: &[&str]| Value::Array(words.iter().map(|word| Value::from(*word)).collect());
    let bind = match version {
        Some(version) if *version >= BottlerocketVersion::BINDS_BY_ITSELF => {
            words(&["apiclient", "ephemeral-storage", "bind"])
        }
        _ => words(&[
            "apiclient",
            "ephemeral-storage",
            "bind",
            "--dirs",
            "/var/lib/containerd",
            "/var/lib/kubelet",
            "/var/log/pods",
        ]),
    };
    let commands = Value::Array(vec![words(&["apiclient", "ephemeral-storage", "init"]), bind]);
    [("commands", commands), ("mode", Value::from("always")), ("essential", Value::from(true))]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

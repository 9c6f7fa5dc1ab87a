//! User data of Amazon Linux 2023: a NodeConfig, as the last part of a MIME archive; of several NodeConfigs nodeadm lets the
//! later one win (spec aws-provider 6.6).

use super::archive::{Archive, NODE_CONFIG, Part, SHELL_SCRIPT};
use super::{Request, UserDataError, node_labels_flag};
use dovetail_api::ec2_node_class::InstanceStorePolicy;
use serde_json::{Map, Value, json};

pub(super) fn text(request: &Request<'_>) -> Result<String, UserDataError> {
    let mut archive = Archive::default();
    if let Some(custom) = request.custom.filter(|custom| !custom.trim().is_empty()) {
        match Archive::read(custom)? {
            Some(theirs) => archive.parts.extend(theirs.parts.into_iter().map(Part::with_content_headers_only)),
            None if is_yaml_map(custom) => archive.parts.push(Part::new(NODE_CONFIG, custom)),
            None => archive.parts.push(Part::new(SHELL_SCRIPT, custom)),
        }
    }
    let config = serde_saphyr::to_string(&node_config(request)?).map_err(|e| UserDataError::Write(e.to_string()))?;
    archive.parts.push(Part::new(NODE_CONFIG, &format!("# Karpenter Generated NodeConfig\n{config}")));
    Ok(archive.write())
}

/// Whether the text is a document for nodeadm rather than a script. What names its interpreter is a script, even if YAML
/// could take it for a comment and a map.
fn is_yaml_map(text: &str) -> bool {
    !text.trim_start().starts_with("#!") && serde_saphyr::from_str::<Map<String, Value>>(text).is_ok()
}

fn node_config(request: &Request<'_>) -> Result<Value, UserDataError> {
    let cluster = request.cluster;
    let cidr = cluster.service_cidr.as_deref().ok_or(UserDataError::NoServiceCidr)?;
    let mut identity = json!({ "name": cluster.name, "apiServerEndpoint": cluster.endpoint, "cidr": cidr });
    if let Some(authority) = &cluster.ca_bundle {
        identity["certificateAuthority"] = json!(authority);
    }
    let storage = match request.raid0 {
        true => json!({ "strategy": InstanceStorePolicy::RAID0.as_str() }),
        false => json!({}),
    };
    Ok(json!({
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "metadata": {},
        "spec": {
            "cluster": identity,
            "containerd": {},
            "instance": { "localStorage": storage },
            "kubelet": { "config": kubelet_config(request), "flags": [node_labels_flag(request.labels)] },
        },
    }))
}

/// The class's settings as they are, and over them what was resolved for this machine.
fn kubelet_config(request: &Request<'_>) -> Value {
    let kubelet = request.kubelet;
    let mut config = kubelet.raw.clone();
    let mut set = |field: &str, value: Value| config.insert(field.to_owned(), value);
    if !kubelet.cluster_dns.is_empty() {
        set("clusterDNS", json!(kubelet.cluster_dns));
    }
    set("maxPods", json!(kubelet.max_pods));
    for (field, reserved) in [("kubeReserved", &kubelet.kube_reserved), ("systemReserved", &kubelet.system_reserved)] {
        // An entry that was an expression is gone; where nothing is left, nothing is said.
        match reserved.is_empty() {
            true => config.remove(field),
            false => config.insert(field.to_owned(), json!(reserved)),
        };
    }
    let taints = request.taints.iter().map(|taint| {
        let mut written = json!({ "key": taint.key, "effect": taint.effect.as_str() });
        if let Some(value) = taint.value.as_deref().filter(|value| !value.is_empty()) {
            written["value"] = json!(value);
        }
        written
    });
    config.insert("registerWithTaints".to_owned(), taints.collect());
    Value::Object(config)
}

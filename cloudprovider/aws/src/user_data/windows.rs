//! User data of Windows: a PowerShell block that calls the image's bootstrap script (spec aws-provider 6.8). The machine's
//! own disks are left alone, and there is no IPv6.

use super::Request;
use super::kubelet_flags::flags;

const OPEN: &str = "<powershell>";
const CLOSE: &str = "</powershell>";

pub(super) fn text(request: &Request<'_>) -> String {
    let (cluster, kubelet) = (request.cluster, request.kubelet);
    let mut call = format!(
        "& $EKSBootstrapScriptFile -EKSClusterName {} -APIServerEndpoint {}",
        single_quoted(&cluster.name),
        single_quoted(&cluster.endpoint)
    );
    let mut argument = |name: &str, value: &str| {
        call.push_str(&format!(" {name} {}", single_quoted(value)));
    };
    if let Some(authority) = &cluster.ca_bundle {
        argument("-Base64ClusterCA", authority);
    }
    argument("-KubeletExtraArgs", &flags(request));
    if let Some(dns) = kubelet.cluster_dns.first() {
        argument("-DNSClusterIP", dns);
    }
    let mut script = format!("{OPEN}\n");
    if let Some(custom) = request.custom.map(unwrapped).filter(|custom| !custom.is_empty()) {
        script.push_str(custom);
        script.push('\n');
    }
    let variable = r#"[string]$EKSBootstrapScriptFile = "$env:ProgramFiles\Amazon\EKS\Start-EKSBootstrap.ps1""#;
    script.push_str(&format!("{variable}\n{call}\n{CLOSE}"));
    script
}

/// The script without tags of its own: a second pair would end the block before the node has joined.
fn unwrapped(custom: &str) -> &str {
    let custom = custom.trim();
    custom.strip_prefix(OPEN).and_then(|inner| inner.strip_suffix(CLOSE)).map_or(custom, str::trim)
}

/// The text as a verbatim string of PowerShell.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

//! User data of Amazon Linux 2: a call of the image's bootstrap script, as the last part of a MIME archive (spec
//! aws-provider 6.5).

use super::archive::{Archive, Part, SHELL_SCRIPT};
use super::kubelet_flags::flags;
use super::{Request, UserDataError};

pub(super) fn text(request: &Request<'_>) -> Result<String, UserDataError> {
    let mut archive = Archive::default();
    if let Some(custom) = request.custom.filter(|custom| !custom.trim().is_empty()) {
        match Archive::read(custom)? {
            Some(theirs) => archive.parts.extend(theirs.parts),
            None => archive.parts.push(Part::new(SHELL_SCRIPT, custom)),
        }
    }
    archive.parts.push(Part::new(SHELL_SCRIPT, &script(request)));
    Ok(archive.write())
}

fn script(request: &Request<'_>) -> String {
    let (cluster, kubelet) = (request.cluster, request.kubelet);
    let quoted = |option: &str, text: &str| format!("{option} {}", single_quoted(text));
    let authority = cluster.ca_bundle.as_deref().map(|ca| format!(" {}", quoted("--b64-cluster-ca", ca)));
    let options = [
        kubelet.asks_ipv6().then(|| "--ip-family ipv6".to_owned()),
        kubelet.cluster_dns.first().map(|dns| quoted("--dns-cluster-ip", dns)),
        Some("--use-max-pods false".to_owned()),
        Some(quoted("--kubelet-extra-args", &flags(request))),
        request.raid0.then(|| "--local-disks raid0".to_owned()),
    ];
    let mut script = format!(
        "#!/bin/bash -xe\nexec > >(tee /var/log/user-data.log|logger -t user-data -s 2>/dev/console) 2>&1\n\
         /etc/eks/bootstrap.sh {} --apiserver-endpoint {}{}",
        single_quoted(&cluster.name),
        single_quoted(&cluster.endpoint),
        authority.unwrap_or_default(),
    );
    for option in options.into_iter().flatten() {
        script.push_str(" \\\n");
        script.push_str(&option);
    }
    script
}

/// The text as one word of a POSIX shell, whatever it contains.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

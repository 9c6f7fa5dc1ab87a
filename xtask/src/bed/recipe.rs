//! How a control plane is put together: the command line of each program and the files that they read, from where the bed
//! lies, its ports and its token. It starts and writes nothing.

use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::ports::Ports;

/// The programs of a control plane, in the order in which they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Keeps the objects.
    Etcd,
    /// Serves them.
    ApiServer,
    /// Deployments, Jobs, DaemonSets, garbage, and the life of nodes.
    Controllers,
    /// Binds pods to nodes.
    Scheduler,
    /// Plays the kubelets.
    Kwok,
}

/// All of them.
pub(crate) const PARTS: [Part; 5] = [Part::Etcd, Part::ApiServer, Part::Controllers, Part::Scheduler, Part::Kwok];

/// More than any client here asks, so that what is measured is the client and not a limit of the bed.
const QPS: u32 = 1_000;

impl Part {
    /// The program's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Etcd => "etcd",
            Part::ApiServer => "kube-apiserver",
            Part::Controllers => "kube-controller-manager",
            Part::Scheduler => "kube-scheduler",
            Part::Kwok => "kwok",
        }
    }

    /// Where it listens once it works.
    pub(crate) fn port(self, ports: &Ports) -> u16 {
        match self {
            Part::Etcd => ports.etcd,
            Part::ApiServer => ports.apiserver,
            Part::Controllers => ports.controllers,
            Part::Scheduler => ports.scheduler,
            Part::Kwok => ports.kwok,
        }
    }

    /// Its arguments. `stages` are KWOK's files.
    pub(crate) fn arguments(self, folder: &Folder, ports: &Ports, stages: &[PathBuf]) -> Vec<String> {
        match self {
            Part::Etcd => etcd(folder, ports),
            Part::ApiServer => apiserver(folder, ports),
            Part::Controllers => controllers(folder, ports),
            Part::Scheduler => scheduler(folder, ports),
            Part::Kwok => kwok(folder, ports, stages),
        }
    }
}

/// A file to write before the programs start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Where.
    pub(crate) path: PathBuf,
    /// What.
    pub(crate) text: String,
}

/// The files that the programs and people read.
pub(crate) fn files(folder: &Folder, ports: &Ports, token: &str) -> Vec<Written> {
    let written = |path: PathBuf, text: String| Written { path, text };
    vec![
        written(tokens(folder), format!("{token},admin,admin,\"system:masters\"\n")),
        written(folder.kubeconfig(), kubeconfig(folder, ports, token)),
        written(scheduler_configuration(folder), scheduler_settings(&folder.kubeconfig())),
    ]
}

/// The key that tokens of ServiceAccounts are signed with.
pub(crate) fn key(folder: &Folder) -> PathBuf {
    folder.file("service-accounts.key")
}

fn tokens(folder: &Folder) -> PathBuf {
    folder.file("tokens.csv")
}

fn scheduler_configuration(folder: &Folder) -> PathBuf {
    folder.file("scheduler.yaml")
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn at(path: &Path) -> String {
    path.display().to_string()
}

fn local(scheme: &str, port: u16) -> String {
    format!("{scheme}://127.0.0.1:{port}")
}

fn etcd(folder: &Folder, ports: &Ports) -> Vec<String> {
    let (clients, peers) = (local("http", ports.etcd), local("http", ports.etcd_peers));
    vec![
        flag("name", "bed"),
        flag("data-dir", at(&folder.data().join("etcd"))),
        flag("listen-client-urls", &clients),
        flag("advertise-client-urls", &clients),
        flag("listen-peer-urls", &peers),
        flag("initial-advertise-peer-urls", &peers),
        flag("initial-cluster", format!("bed={peers}")),
        // What is lost when the machine stops is a test's; what a disk would take is everybody's time.
        "--unsafe-no-fsync".into(),
        flag("quota-backend-bytes", 4_u64 << 30),
        flag("auto-compaction-mode", "periodic"),
        flag("auto-compaction-retention", "5m"),
        flag("log-level", "warn"),
    ]
}

fn apiserver(folder: &Folder, ports: &Ports) -> Vec<String> {
    vec![
        flag("etcd-servers", local("http", ports.etcd)),
        flag("bind-address", "127.0.0.1"),
        flag("secure-port", ports.apiserver),
        flag("cert-dir", at(&folder.certificates())),
        flag("token-auth-file", at(&tokens(folder))),
        flag("authorization-mode", "Node,RBAC"),
        // Pods here run nowhere, so none needs the token that this plugin would insist on.
        flag("disable-admission-plugins", "ServiceAccount"),
        flag("service-account-issuer", "https://kubernetes.default.svc"),
        flag("service-account-key-file", at(&key(folder))),
        flag("service-account-signing-key-file", at(&key(folder))),
        flag("service-cluster-ip-range", "10.96.0.0/16"),
        // The Service `kubernetes` gets no endpoint: nothing inside of the cluster could use it, and a loopback
        // address is not allowed to be one.
        flag("advertise-address", "127.0.0.1"),
        flag("endpoint-reconciler-type", "none"),
        flag("allow-privileged", true),
        flag("enable-priority-and-fairness", false),
        flag("max-requests-inflight", 3_000),
        flag("max-mutating-requests-inflight", 1_000),
        flag("profiling", false),
        flag("event-ttl", "3h"),
        // A bed that is stopped has nobody to hand over to.
        flag("shutdown-delay-duration", "0s"),
    ]
}

fn controllers(folder: &Folder, ports: &Ports) -> Vec<String> {
    // Those that hand out certificates and tokens for machines to join are of no use without machines.
    const UNUSED: &[&str] = &[
        "bootstrap-signer-controller",
        "token-cleaner-controller",
        "certificatesigningrequest-signing-controller",
        "certificatesigningrequest-approving-controller",
        "certificatesigningrequest-cleaner-controller",
        "kube-apiserver-serving-clustertrustbundle-publisher-controller",
    ];
    let chosen = UNUSED.iter().map(|name| format!(",-{name}")).collect::<String>();
    vec![
        flag("kubeconfig", at(&folder.kubeconfig())),
        flag("bind-address", "127.0.0.1"),
        flag("secure-port", ports.controllers),
        flag("authentication-skip-lookup", true),
        flag("authorization-always-allow-paths", "/healthz,/readyz,/livez,/metrics"),
        flag("controllers", format!("*{chosen}")),
        flag("service-account-private-key-file", at(&key(folder))),
        // It makes this folder if it is not there, by default among the system's.
        flag("flex-volume-plugin-dir", at(&folder.data().join("volume-plugins"))),
        flag("leader-elect", false),
        flag("kube-api-qps", QPS),
        flag("kube-api-burst", 2 * QPS),
        flag("profiling", false),
    ]
}

fn scheduler(folder: &Folder, ports: &Ports) -> Vec<String> {
    vec![
        flag("config", at(&scheduler_configuration(folder))),
        flag("bind-address", "127.0.0.1"),
        flag("secure-port", ports.scheduler),
        flag("authentication-skip-lookup", true),
        flag("authorization-always-allow-paths", "/healthz,/readyz,/livez,/metrics"),
    ]
}

fn scheduler_settings(kubeconfig: &Path) -> String {
    let (kubeconfig, burst) = (quoted(&at(kubeconfig)), 2 * QPS);
    format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\n\
         kind: KubeSchedulerConfiguration\n\
         clientConnection:\n  kubeconfig: {kubeconfig}\n  qps: {QPS}\n  burst: {burst}\n\
         leaderElection:\n  leaderElect: false\n\
         enableProfiling: false\n"
    )
}

fn kwok(folder: &Folder, ports: &Ports, stages: &[PathBuf]) -> Vec<String> {
    let mut arguments = vec![
        flag("kubeconfig", at(&folder.kubeconfig())),
        // Every node of a bed is KWOK's: there are no others.
        flag("manage-all-nodes", true),
        flag("node-ip", "127.0.0.1"),
        flag("cidr", "10.0.0.0/8"),
        flag("server-address", format!("127.0.0.1:{}", ports.kwok)),
        flag("node-lease-duration-seconds", 40),
    ];
    arguments.extend(stages.iter().map(|stage| flag("config", at(stage))));
    arguments
}

fn kubeconfig(folder: &Folder, ports: &Ports, token: &str) -> String {
    let server = local("https", ports.apiserver);
    // The API server's certificate is signed by a key that it makes and forgets; the file holds both certificates.
    let authority = quoted(&at(&folder.certificates().join("apiserver.crt")));
    let name = format!("bed-{}", folder.name());
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n- name: {name}\n  cluster:\n    server: {server}\n    certificate-authority: {authority}\n\
         users:\n- name: admin\n  user:\n    token: {token}\n\
         contexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: admin\n\
         current-context: {name}\n"
    )
}

/// A string of YAML, whatever characters a path has.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { etcd: 1, etcd_peers: 2, apiserver: 3, controllers: 4, scheduler: 5, kwok: 6 };

    fn folder() -> Folder {
        Folder::below(Path::new("some target"), "one")
    }

    fn arguments(part: Part) -> Vec<String> {
        part.arguments(&folder(), &PORTS, &[PathBuf::from("stages/a.yaml"), PathBuf::from("stages/b.yaml")])
    }

    #[test]
    fn all_parts_listen_on_loopback_alone_and_on_their_own_port() {
        for part in PARTS {
            let line = arguments(part).join(" ");
            let port = part.port(&PORTS);
            let listens = line.contains(&format!("127.0.0.1:{port}"))
                || line.contains("--bind-address=127.0.0.1") && line.contains(&format!("--secure-port={port}"));
            assert!(listens, "{line}");
            assert!(!line.contains("0.0.0.0:"), "{line}");
        }
    }

    #[test]
    fn the_token_in_the_kubeconfig_is_the_one_that_the_api_server_knows() {
        let files = files(&folder(), &PORTS, "secret");
        let text = |path: PathBuf| files.iter().find(|file| file.path == path).map(|file| file.text.clone());
        let config = text(folder().kubeconfig()).expect("a kubeconfig is written");
        assert!(config.contains("token: secret") && config.contains("https://127.0.0.1:3"));
        assert!(
            config.contains(r#"certificate-authority: "some target/bed/beds/one/data/certificates/apiserver.crt""#)
        );
        let tokens = text(folder().file("tokens.csv")).expect("a token file is written");
        assert_eq!(tokens, "secret,admin,admin,\"system:masters\"\n");
        assert!(arguments(Part::ApiServer).iter().any(|word| word.ends_with("beds/one/tokens.csv")));
    }

    #[test]
    fn whoever_talks_to_the_api_server_reads_the_same_kubeconfig() {
        let wanted = at(&folder().kubeconfig());
        for part in [Part::Controllers, Part::Kwok] {
            assert!(arguments(part).contains(&format!("--kubeconfig={wanted}")), "{part:?}");
        }
        assert!(scheduler_settings(&folder().kubeconfig()).contains(&quoted(&wanted)));
    }

    #[test]
    fn kwok_reads_every_stage() {
        let stages: Vec<String> =
            arguments(Part::Kwok).into_iter().filter(|word| word.starts_with("--config=")).collect();
        assert_eq!(stages, ["--config=stages/a.yaml", "--config=stages/b.yaml"]);
    }
}

//! What machines read at their first boot, against golden files where the whole text counts.

use super::*;
use crate::testing::{cluster, taint};
use dovetail_api::node_pool::TaintEffect;
use serde_json::json;

/// A machine with everything that can be said about it.
struct Machine {
    cluster: Cluster,
    kubelet: Kubelet,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    raid0: bool,
    version: Option<BottlerocketVersion>,
}

fn machine(kubelet: &serde_json::Value) -> Machine {
    let cluster = cluster();
    Machine {
        kubelet: Kubelet::resolve(kubelet.as_object(), 29, cluster.dns).expect("a configuration"),
        cluster,
        labels: [("karpenter.sh/nodepool", "default"), ("team", "a")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        taints: vec![
            taint("dedicated", Some("gpu"), TaintEffect::NoSchedule),
            taint("karpenter.sh/unregistered", None, TaintEffect::NoExecute),
        ],
        raid0: false,
        version: None,
    }
}

impl Machine {
    fn try_boot(&self, family: AmiFamily, custom: Option<&str>) -> Result<String, UserDataError> {
        text(&Request {
            family,
            cluster: &self.cluster,
            kubelet: &self.kubelet,
            labels: &self.labels,
            taints: &self.taints,
            raid0: self.raid0,
            custom,
            bottlerocket: self.version.as_ref(),
        })
    }

    fn boot(&self, family: AmiFamily, custom: Option<&str>) -> String {
        self.try_boot(family, custom).expect("user data")
    }
}

fn thorough() -> Machine {
    let mut machine = machine(&json!({
        "maxPods": 110, "podsPerCore": 10, "clusterDNS": ["fd00::a"],
        "systemReserved": {"memory": "200Mi", "cpu": "100m"}, "kubeReserved": {"cpu": "90m"},
        "evictionHard": {"memory.available": "5%", "nodefs.available": "10%"},
        "evictionSoft": {"memory.available": "8%"}, "evictionSoftGracePeriod": {"memory.available": "2m"},
        "evictionMaxPodGracePeriod": 300, "imageGCHighThresholdPercent": 80, "imageGCLowThresholdPercent": 50,
        "cpuCFSQuota": false
    }));
    machine.raid0 = true;
    machine
}

const SHELL: &str = "#!/bin/bash\necho \"hello\"";
const ARCHIVE: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"BOUNDARY\"\r\n\r\n--BOUNDARY\r\n\
    Content-Type: text/x-shellscript; charset=\"us-ascii\"\r\nContent-Disposition: attachment; filename=\"a.sh\"\r\n\r\n\
    #!/bin/bash\r\necho one\r\n\r\n--BOUNDARY\r\nContent-Type: text/cloud-config\r\nContent-Transfer-Encoding: base64\r\n\
    \r\nI2Nsb3VkLWNvbmZpZwo=\r\n--BOUNDARY--\r\n";
const NODE_CONFIG: &str =
    "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n      maxPods: 42";
const TOML: &str = "[settings.kubernetes]\nmax-pods = 5\nkube-api-qps = 30\nsome-future-key = true\n\
    [settings.kubernetes.node-labels]\nteam = 'b'\nmine = 'x'\n[settings.kubernetes.node-taints]\nold = ['v:NoSchedule']\n\
    [settings.motd]\ntext = 'hi'\n";

macro_rules! golden {
    ($text:expr, $file:literal) => {
        assert_eq!($text, include_str!(concat!("testdata/", $file)), "testdata/{}", $file)
    };
}

#[test]
fn amazon_linux_2_calls_its_bootstrap_script() {
    golden!(machine(&json!({})).boot(AmiFamily::AL2, None), "al2_alone.txt");
    golden!(thorough().boot(AmiFamily::AL2, None), "al2_thorough.txt");
    golden!(machine(&json!({})).boot(AmiFamily::AL2, Some(SHELL)), "al2_shell.txt");
    golden!(machine(&json!({})).boot(AmiFamily::AL2, Some(ARCHIVE)), "al2_archive.txt");
}

#[test]
fn amazon_linux_2023_reads_a_node_config() {
    golden!(machine(&json!({})).boot(AmiFamily::AL2023, None), "al2023_alone.txt");
    golden!(thorough().boot(AmiFamily::AL2023, None), "al2023_thorough.txt");
    golden!(machine(&json!({})).boot(AmiFamily::AL2023, Some(SHELL)), "al2023_shell.txt");
    golden!(machine(&json!({})).boot(AmiFamily::AL2023, Some(ARCHIVE)), "al2023_archive.txt");
    golden!(machine(&json!({})).boot(AmiFamily::AL2023, Some(NODE_CONFIG)), "al2023_node_config.txt");
}

#[test]
fn bottlerocket_reads_settings() {
    golden!(machine(&json!({})).boot(AmiFamily::Bottlerocket, None), "bottlerocket_alone.toml");
    golden!(thorough().boot(AmiFamily::Bottlerocket, None), "bottlerocket_thorough.toml");
    golden!(machine(&json!({})).boot(AmiFamily::Bottlerocket, Some(TOML)), "bottlerocket_merged.toml");
}

#[test]
fn windows_calls_its_bootstrap_script() {
    golden!(machine(&json!({})).boot(AmiFamily::Windows2022, None), "windows_alone.txt");
    golden!(thorough().boot(AmiFamily::Windows2019, None), "windows_thorough.txt");
    golden!(machine(&json!({})).boot(AmiFamily::Windows2025, Some("Write-Host 'hi'")), "windows_merged.txt");
}

#[test]
fn an_image_of_one_s_own_boots_with_what_was_given() {
    let machine = thorough();
    assert_eq!(machine.boot(AmiFamily::Custom, Some("anything\r\n")), "anything\r\n");
    assert_eq!(machine.boot(AmiFamily::Custom, None), "");
}

#[test]
fn a_script_that_yaml_could_read_as_a_map_stays_a_script() {
    let text = machine(&json!({})).boot(AmiFamily::AL2023, Some("#!/usr/bin/env nu\nlet: 1"));
    assert!(text.contains("x-shellscript"), "{text}");
}

#[test]
fn an_archive_may_begin_with_its_content_type() {
    let archive = "\n Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\nContent-Type: text/x-shellscript\n\necho two\n--b--\n";
    let text = machine(&json!({})).boot(AmiFamily::AL2, Some(archive.trim_start_matches('\n')));
    assert!(text.contains("--//\nContent-Type: text/x-shellscript\n\necho two\n--//\n"), "{text}");
}

#[test]
fn what_looks_like_an_archive_and_is_none_is_refused() {
    let refuse = |text| machine(&json!({})).try_boot(AmiFamily::AL2, Some(text)).expect_err("no archive");
    for (text, why) in [
        ("MIME-Version: 1.0\nContent-Type: text/plain\n\nhello", "it is not of several parts"),
        ("MIME-Version: 1.0\n\nhello", "it has no Content-Type"),
        ("Content-Type: multipart/mixed\n\n--b\n\nx\n--b--", "names no boundary"),
        ("Content-Type: multipart/mixed; boundary=\"b\"\n\nnothing", "it has no parts"),
    ] {
        let said = refuse(text).to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_boundary_inside_of_a_script_ends_nothing() {
    let text = machine(&json!({})).boot(AmiFamily::AL2, Some("#!/bin/bash\ncat <<E\n--//\nE"));
    assert!(text.starts_with("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"///\"\n"), "{text}");
    assert!(text.ends_with("--///--\n"));
}

#[test]
fn what_is_merged_once_can_be_merged_again() {
    let machine = machine(&json!({}));
    let once = machine.boot(AmiFamily::AL2023, Some(SHELL));
    let twice = machine.boot(AmiFamily::AL2023, Some(&once));
    assert_eq!(twice.matches("kind: NodeConfig").count(), 2);
    assert_eq!(twice.matches("echo \"hello\"").count(), 1);
}

#[test]
fn texts_that_yaml_takes_for_something_else_are_quoted() {
    let mut machine = machine(&json!({"kubeReserved": {"cpu": "1", "pid": "1e3"}}));
    machine.cluster.name = "yes".to_owned();
    let text = machine.boot(AmiFamily::AL2023, None);
    for line in ["cpu: \"1\"", "pid: \"1e3\"", "name: \"yes\""] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn amazon_linux_2023_waits_for_the_service_cidr() {
    let mut machine = machine(&json!({}));
    machine.cluster.service_cidr = None;
    assert_eq!(machine.try_boot(AmiFamily::AL2023, None), Err(UserDataError::NoServiceCidr));
    assert!(machine.try_boot(AmiFamily::AL2, None).is_ok());
}

#[test]
fn settings_that_are_no_toml_are_refused() {
    let refuse = |text| machine(&json!({})).try_boot(AmiFamily::Bottlerocket, Some(text)).expect_err("unusable");
    assert!(matches!(refuse("#!/bin/bash\necho hi"), UserDataError::Toml(_)));
    assert_eq!(refuse("settings = 1"), UserDataError::NoTable("settings".to_owned()));
    assert_eq!(refuse("[settings]\nkubernetes = 'x'"), UserDataError::NoTable("settings.kubernetes".to_owned()));
}

#[test]
fn bottlerocket_is_told_which_folders_to_bind_unless_it_knows() {
    let mut machine = thorough();
    for (version, told) in [(None, true), (Some("v1.45.9"), true), (Some("1.46.0"), false), (Some("latest"), false)] {
        machine.version = version.map(|text| text.parse().expect("a release"));
        assert_eq!(machine.boot(AmiFamily::Bottlerocket, None).contains("/var/log/pods"), told, "{version:?}");
    }
}

#[test]
fn the_release_of_bottlerocket_comes_from_where_it_is_named() {
    let term = |json: serde_json::Value| serde_json::from_value(json).expect("a term");
    let found = [("ami-1", "my-image-v1.2.3-x"), ("ami-2", "bottlerocket-aws-k8s-1.35-x86_64-v1.46.1-abc")];
    let of = |terms: &[_]| BottlerocketVersion::of(terms, found).map(|version| version.to_string());
    assert_eq!(of(&[term(json!({"alias": "bottlerocket@v1.50.0"}))]).as_deref(), Some("1.50.0"));
    assert_eq!(of(&[term(json!({"alias": "bottlerocket@latest"}))]).as_deref(), Some("latest"));
    assert_eq!(of(&[term(json!({"name": "bottlerocket-aws-k8s-1.35-x86_64-v1.40.0-abc"}))]).as_deref(), Some("1.40.0"));
    assert_eq!(of(&[term(json!({"id": "ami-1"}))]).as_deref(), Some("1.2.3"));
    assert_eq!(of(&[term(json!({"tags": {"a": "b"}}))]).as_deref(), Some("1.46.1"));
    assert_eq!(BottlerocketVersion::of(&[], []), None);
}

#[test]
fn nothing_can_leave_its_quotes() {
    let mut machine = machine(&json!({}));
    machine.cluster.name = "a'; reboot; '".to_owned();
    assert!(machine.boot(AmiFamily::AL2, None).contains(r"bootstrap.sh 'a'\''; reboot; '\''' --"));
    assert!(machine.boot(AmiFamily::Windows2022, None).contains("-EKSClusterName 'a''; reboot; ''' -"));
}

#[test]
fn tags_around_a_powershell_script_are_taken_off() {
    let text = machine(&json!({})).boot(AmiFamily::Windows2022, Some("<powershell>\nWrite-Host hi\n</powershell>\n"));
    assert_eq!(text.matches("powershell>").count(), 2);
    assert!(text.starts_with("<powershell>\nWrite-Host hi\n[string]"));
}

#[test]
fn the_limit_of_ec2_counts_before_the_encoding() {
    assert_eq!(excess(&"x".repeat(LIMIT_BYTES)), None);
    assert_eq!(excess(&"x".repeat(LIMIT_BYTES + 7)), Some(7));
    assert_eq!(NEAR_LIMIT_BYTES, 14_745);
    assert_eq!(encode("hi"), "aGk=");
}

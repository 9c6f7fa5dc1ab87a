//! What the provider is told, and what it makes of it.

use super::*;
use clap::{CommandFactory, Parser};

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    flags: Flags,
}

fn try_read(flags: &[&str], variables: &[(&str, &str)]) -> Result<Read, Vec<SettingsError>> {
    let words = ["program"].iter().chain(flags);
    let flags = Program::try_parse_from(words).expect("flags that exist").flags;
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Settings::read(&flags, |name| variables.get(name).map(|text| (*text).to_owned()))
}

fn read(flags: &[&str], variables: &[(&str, &str)]) -> Settings {
    let named = [&["--cluster-name", "demo"], flags].concat();
    try_read(&named, variables).expect("settings").settings
}

/// Flag, variable and default of every setting, as the specification has them.
const TABLE: [(&str, &str, &str); 13] = [
    ("cluster-name", "CLUSTER_NAME", ""),
    ("cluster-endpoint", "CLUSTER_ENDPOINT", ""),
    ("cluster-ca-bundle", "CLUSTER_CA_BUNDLE", ""),
    ("isolated-vpc", "ISOLATED_VPC", "false"),
    ("eks-control-plane", "EKS_CONTROL_PLANE", "false"),
    ("vm-memory-overhead-percent", "VM_MEMORY_OVERHEAD_PERCENT", "0.075"),
    ("interruption-queue", "INTERRUPTION_QUEUE", ""),
    ("reserved-enis", "RESERVED_ENIS", "0"),
    ("disable-dry-run", "DISABLE_DRY_RUN", "false"),
    ("enable-zonal-shift", "ENABLE_ZONAL_SHIFT", "false"),
    ("ami-refresh-interval", "AMI_REFRESH_INTERVAL", "1m"),
    ("subnet-refresh-interval", "SUBNET_REFRESH_INTERVAL", "1m"),
    ("aws-feature-gates", "AWS_FEATURE_GATES", "NodeClassCEL=false"),
];

#[test]
fn every_setting_has_karpenter_s_names_and_says_its_default() {
    let command = Program::command();
    let flags: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).filter(|f| *f != "help").collect();
    assert_eq!(flags, TABLE.map(|(flag, _, _)| flag));
    for (flag, variable, default) in TABLE {
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag)).expect("a flag");
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains(&format!("[variable: {variable}]")), "{flag}: {help}");
        assert!(default.is_empty() || help.contains(&format!("[default: {default}]")), "{flag}: {help}");
    }
}

#[test]
fn a_cluster_s_name_is_all_that_is_needed() {
    let expected = Settings {
        cluster_name: "demo".to_owned(),
        cluster_endpoint: None,
        cluster_ca_bundle: None,
        isolated_vpc: false,
        eks_control_plane: false,
        vm_memory_overhead: MemoryShare::DEFAULT,
        interruption_queue: None,
        reserved_enis: 0,
        disable_dry_run: false,
        enable_zonal_shift: false,
        ami_refresh_interval: SignedDuration::from_mins(1),
        subnet_refresh_interval: SignedDuration::from_mins(1),
        node_class_cel: false,
    };
    assert_eq!(read(&[], &[]), expected);
    assert_eq!(try_read(&[], &[]), Err(vec![SettingsError::NoClusterName]));
    let from_variables = try_read(&[], &[("CLUSTER_NAME", "demo")]).expect("settings").settings;
    assert_eq!(from_variables, expected);
}

#[test]
fn every_variable_is_heard_and_a_flag_beats_it() {
    let variables = [
        ("CLUSTER_ENDPOINT", "https://a.test"),
        ("CLUSTER_CA_BUNDLE", "Y2E="),
        ("ISOLATED_VPC", "true"),
        ("EKS_CONTROL_PLANE", "1"),
        ("VM_MEMORY_OVERHEAD_PERCENT", "0.1"),
        ("INTERRUPTION_QUEUE", "demo"),
        ("RESERVED_ENIS", "2"),
        ("DISABLE_DRY_RUN", "T"),
        ("ENABLE_ZONAL_SHIFT", "True"),
        ("AMI_REFRESH_INTERVAL", "5m"),
        ("SUBNET_REFRESH_INTERVAL", "90s"),
        ("AWS_FEATURE_GATES", "NodeClassCEL=true"),
    ];
    let settings = read(&[], &variables);
    assert_eq!(
        (settings.cluster_endpoint.as_deref(), settings.cluster_ca_bundle.as_deref()),
        (Some("https://a.test"), Some("Y2E="))
    );
    assert!(settings.isolated_vpc && settings.eks_control_plane && settings.disable_dry_run);
    assert!(settings.enable_zonal_shift && settings.node_class_cel);
    assert_eq!((settings.interruption_queue.as_deref(), settings.reserved_enis), (Some("demo"), 2));
    assert_eq!(settings.subnet_refresh_interval, SignedDuration::from_secs(90));
    let flags = ["--isolated-vpc=false", "--reserved-enis", "1", "--ami-refresh-interval", "2m", "--eks-control-plane"];
    let settings = read(&flags, &variables);
    assert!(!settings.isolated_vpc && settings.eks_control_plane);
    assert_eq!((settings.reserved_enis, settings.ami_refresh_interval), (1, SignedDuration::from_mins(2)));
    let catalogue = settings.for_catalogue(BTreeMap::new());
    assert_eq!((catalogue.reserved_enis, catalogue.vm_memory_overhead), (1, "0.1".parse().expect("a share")));
}

#[test]
fn everything_that_makes_no_sense_is_told_at_once() {
    let flags = [
        "--cluster-endpoint=not a url",
        "--vm-memory-overhead-percent=-0.1",
        "--reserved-enis=-1",
        "--ami-refresh-interval=30s",
        "--subnet-refresh-interval=59s",
        "--aws-feature-gates=NodeClassCEL",
    ];
    let errors = try_read(&flags, &[]).expect_err("nothing is right");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 7, "{texts:#?}");
    assert!(texts[0].starts_with("missing field, cluster-name"));
    assert!(texts.contains(&"ami-refresh-interval is 30s, and must be at least 1m".to_owned()), "{texts:#?}");
}

#[test]
fn an_endpoint_is_a_url_with_a_host() {
    for good in ["https://abc.gr7.us-west-2.eks.amazonaws.com", "http://127.0.0.1:8443/path", "https://[::1]:443"] {
        assert!(is_url(good), "{good}");
    }
    for bad in ["abc.eks.amazonaws.com", "https://", "://host", "https:///path", "https://a b"] {
        assert!(!is_url(bad), "{bad}");
    }
}

#[test]
fn a_variable_that_says_nothing_changes_nothing() {
    let variables = [
        ("CLUSTER_NAME", "demo"),
        ("RESERVED_ENIS", "many"),
        ("ISOLATED_VPC", "perhaps"),
        ("AMI_REFRESH_INTERVAL", "soon"),
    ];
    let read = try_read(&[], &variables).expect("settings");
    assert_eq!((read.settings.reserved_enis, read.settings.isolated_vpc), (0, false));
    assert_eq!(read.warnings.len(), 3, "{:?}", read.warnings);
    assert!(
        try_read(&[], &[("CLUSTER_NAME", "demo"), ("INTERRUPTION_QUEUE", "")])
            .expect("settings")
            .settings
            .interruption_queue
            .is_none()
    );
}

#[test]
fn gates_that_nobody_knows_are_told_and_ignored() {
    let read = try_read(&["--cluster-name=demo", "--aws-feature-gates= NodeClassCEL=true , Other=false"], &[])
        .expect("settings");
    assert!(read.settings.node_class_cel);
    assert_eq!(read.warnings, ["aws-feature-gates names \"Other\", which is no gate known here"]);
}

//! What the provider is told at its start: flags and environment variables with Karpenter's names, defaults and checks (spec
//! aws-provider 10.1). A flag beats its variable, and a variable beats the default. As with the controller's own settings, a
//! variable that is no number, switch or duration where one is wanted counts as not set, with a warning; a flag is an error.

use dovetail_api::duration::Duration;
use dovetail_cloudprovider::ec2::{Ec2Settings, MemoryShare};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The flags, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "AWS")]
pub struct Flags {
    /// Name of the EKS cluster; required [variable: CLUSTER_NAME]
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// URL of the API server; read from EKS if it is not set [variable: CLUSTER_ENDPOINT]
    #[arg(long, value_name = "URL")]
    pub cluster_endpoint: Option<String>,
    /// Certificate authority of the API server, PEM in base64; found out if it is not set [variable: CLUSTER_CA_BUNDLE]
    #[arg(long, value_name = "BASE64")]
    pub cluster_ca_bundle: Option<String>,
    /// The VPC reaches no AWS service but those it has endpoints for [variable: ISOLATED_VPC] [default: false]
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub isolated_vpc: Option<bool>,
    /// The version of Kubernetes is read from EKS [variable: EKS_CONTROL_PLANE] [default: false]
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub eks_control_plane: Option<bool>,
    /// Share of memory that the hypervisor takes [variable: VM_MEMORY_OVERHEAD_PERCENT] [default: 0.075]
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    pub vm_memory_overhead_percent: Option<String>,
    /// Name of the SQS queue of interruptions; none are listened for if it is not set [variable: INTERRUPTION_QUEUE]
    #[arg(long, value_name = "NAME")]
    pub interruption_queue: Option<String>,
    /// Network interfaces that are not for pods [variable: RESERVED_ENIS] [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub reserved_enis: Option<i64>,
    /// Node classes are not validated by trial calls [variable: DISABLE_DRY_RUN] [default: false]
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disable_dry_run: Option<bool>,
    /// Zones that ARC shifts away from are avoided [variable: ENABLE_ZONAL_SHIFT] [default: false]
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub enable_zonal_shift: Option<bool>,
    /// How long images are taken as they were found [variable: AMI_REFRESH_INTERVAL] [default: 1m]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub ami_refresh_interval: Option<Duration>,
    /// How long subnets are taken as they were found [variable: SUBNET_REFRESH_INTERVAL] [default: 1m]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub subnet_refresh_interval: Option<Duration>,
    /// Feature gates of the AWS provider, `Name=true,...` [variable: AWS_FEATURE_GATES] [default: NodeClassCEL=false]
    #[arg(long, value_name = "TEXT")]
    pub aws_feature_gates: Option<String>,
}

/// The settings, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of its own
pub struct Settings {
    /// Name of the EKS cluster.
    pub cluster_name: String,
    /// URL of the API server, if it was set.
    pub cluster_endpoint: Option<String>,
    /// Certificate authority of the API server, PEM in base64, if it was set.
    pub cluster_ca_bundle: Option<String>,
    /// Whether prices on demand and instance profiles are not asked for, since the VPC reaches neither (11.3).
    pub isolated_vpc: bool,
    /// Whether the version of Kubernetes is read from EKS.
    pub eks_control_plane: bool,
    /// Share of memory that the hypervisor takes.
    pub vm_memory_overhead: MemoryShare,
    /// Name of the queue of interruptions, if they are listened for.
    pub interruption_queue: Option<String>,
    /// Network interfaces that are not for pods.
    pub reserved_enis: u32,
    /// Whether node classes are not validated by trial calls.
    pub disable_dry_run: bool,
    /// Whether zones that ARC shifts away from are avoided.
    pub enable_zonal_shift: bool,
    /// How long images are taken as they were found.
    pub ami_refresh_interval: SignedDuration,
    /// How long subnets are taken as they were found.
    pub subnet_refresh_interval: SignedDuration,
    /// Whether expressions in kubelet configurations are allowed (gate NodeClassCEL).
    pub node_class_cel: bool,
}

/// Why the settings make no sense. The controller does not start then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It has to be set.
    #[error("missing field, cluster-name: set --cluster-name or CLUSTER_NAME to the cluster's name in EKS")]
    NoClusterName,
    /// It is no URL.
    #[error(
        "{0:?} is not a valid cluster-endpoint URL: write for instance https://ABC.gr7.us-west-2.eks.amazonaws.com"
    )]
    Endpoint(String),
    /// It is no share.
    #[error("vm-memory-overhead-percent is {0:?}, and cannot be negative or anything else than a decimal number")]
    MemoryOverhead(String),
    /// There cannot be so many.
    #[error("reserved-enis is {0}, and must be a whole number from 0 on")]
    ReservedEnis(i64),
    /// It is too short.
    #[error("{setting} is {given}, and must be at least 1m")]
    TooShort {
        /// Which one.
        setting: &'static str,
        /// What it is.
        given: String,
    },
    /// A gate that is neither on nor off.
    #[error("aws-feature-gates has {0:?}: write Name=true or Name=false, with commas between")]
    Gates(String),
}

/// Settings that hold, with what is worth telling about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The settings.
    pub settings: Settings,
    /// Variables and gates that were not understood and change nothing.
    pub warnings: Vec<String>,
}

const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const NODE_CLASS_CEL: &str = "NodeClassCEL";

impl Settings {
    /// Brings flags, environment and defaults together. `variable` answers what an environment variable says, if it is set.
    ///
    /// # Errors
    /// Everything that is wrong, one by one.
    pub fn read(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Result<Read, Vec<SettingsError>> {
        let mut sources = Sources { variable, warnings: Vec::new() };
        let mut errors = Vec::new();
        let cluster_name = sources.text(flags.cluster_name.as_ref(), "CLUSTER_NAME").unwrap_or_default();
        if cluster_name.is_empty() {
            errors.push(SettingsError::NoClusterName);
        }
        let cluster_endpoint = sources.text(flags.cluster_endpoint.as_ref(), "CLUSTER_ENDPOINT");
        errors.extend(cluster_endpoint.iter().filter(|url| !is_url(url)).cloned().map(SettingsError::Endpoint));

        let share = sources.text(flags.vm_memory_overhead_percent.as_ref(), "VM_MEMORY_OVERHEAD_PERCENT");
        let vm_memory_overhead = share
            .map_or(Ok(MemoryShare::DEFAULT), |text| text.parse().map_err(|_| SettingsError::MemoryOverhead(text)));
        let enis = sources.value(flags.reserved_enis, "RESERVED_ENIS").unwrap_or(0);
        let reserved_enis = u32::try_from(enis).map_err(|_| SettingsError::ReservedEnis(enis));

        let mut interval = |flag: Option<&Duration>, variable: &str, setting: &'static str| {
            let given = sources.value(flag.cloned(), variable).map_or(SHORTEST, |given| given.to_signed());
            let short = || SettingsError::TooShort { setting, given: format!("{given:#}") };
            if given < SHORTEST { Err(short()) } else { Ok(given) }
        };
        let ami = interval(flags.ami_refresh_interval.as_ref(), "AMI_REFRESH_INTERVAL", "ami-refresh-interval");
        let subnet =
            interval(flags.subnet_refresh_interval.as_ref(), "SUBNET_REFRESH_INTERVAL", "subnet-refresh-interval");
        let gates = sources.text(flags.aws_feature_gates.as_ref(), "AWS_FEATURE_GATES").unwrap_or_default();
        let gates = sources.gates(&gates);

        let settings = Self {
            cluster_name,
            cluster_endpoint,
            cluster_ca_bundle: sources.text(flags.cluster_ca_bundle.as_ref(), "CLUSTER_CA_BUNDLE"),
            isolated_vpc: sources.switch(flags.isolated_vpc, "ISOLATED_VPC"),
            eks_control_plane: sources.switch(flags.eks_control_plane, "EKS_CONTROL_PLANE"),
            vm_memory_overhead: or(vm_memory_overhead, &mut errors),
            interruption_queue: sources.text(flags.interruption_queue.as_ref(), "INTERRUPTION_QUEUE"),
            reserved_enis: or(reserved_enis, &mut errors),
            disable_dry_run: sources.switch(flags.disable_dry_run, "DISABLE_DRY_RUN"),
            enable_zonal_shift: sources.switch(flags.enable_zonal_shift, "ENABLE_ZONAL_SHIFT"),
            ami_refresh_interval: or(ami, &mut errors),
            subnet_refresh_interval: or(subnet, &mut errors),
            node_class_cel: or(gates, &mut errors),
        };
        if errors.is_empty() { Ok(Read { settings, warnings: sources.warnings }) } else { Err(errors) }
    }

    /// The settings that the capacity of instance types depends on. `reservations` is how many more machines each capacity
    /// reservation takes.
    #[must_use]
    pub const fn for_catalogue(&self, reservations: BTreeMap<String, u32>) -> Ec2Settings {
        Ec2Settings { vm_memory_overhead: self.vm_memory_overhead, reserved_enis: self.reserved_enis, reservations }
    }
}

fn or<T: Default>(value: Result<T, SettingsError>, errors: &mut Vec<SettingsError>) -> T {
    value.unwrap_or_else(|error| {
        errors.push(error);
        T::default()
    })
}

/// Whether the text is an absolute URL with a host.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(of_scheme)
            && !host.is_empty()
            && !host.contains(char::is_whitespace)
    })
}

struct Sources<F> {
    variable: F,
    warnings: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Sources<F> {
    /// What a flag or its variable says. An empty text is the same as none, as Helm charts write it.
    fn text(&self, flag: Option<&String>, variable: &str) -> Option<String> {
        flag.cloned().or_else(|| (self.variable)(variable)).filter(|text| !text.is_empty())
    }

    fn value<T: FromStr<Err: fmt::Display>>(&mut self, flag: Option<T>, variable: &str) -> Option<T> {
        if flag.is_some() {
            return flag;
        }
        let text = (self.variable)(variable).filter(|text| !text.is_empty())?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.warnings.push(format!("{variable} is {text:?} and counts as not set: {error}"));
                None
            }
        }
    }

    fn switch(&mut self, flag: Option<bool>, variable: &str) -> bool {
        self.value(flag.map(Switch), variable).is_some_and(|switch| switch.0)
    }

    /// Whether the gate NodeClassCEL is on. Gates that nobody knows are told.
    fn gates(&mut self, text: &str) -> Result<bool, SettingsError> {
        let mut on = false;
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let fault = || SettingsError::Gates(item.to_owned());
            let (name, value) = item.split_once('=').ok_or_else(fault)?;
            let value = value.trim().parse::<Switch>().map_err(|_| fault())?.0;
            match name.trim() {
                NODE_CLASS_CEL => on = value,
                other => self.warnings.push(format!("aws-feature-gates names {other:?}, which is no gate known here")),
            }
        }
        Ok(on)
    }
}

/// A switch as Go reads it.
struct Switch(bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Self(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Self(false)),
            _ => Err("write true or false"),
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;

//! What pods are planned against: the flags that name a catalogue, a region and the way in which rules are read, and how
//! objects become a round with them. Which objects, and who decides, is the command's business.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use dovetail_cloudprovider::ec2::{Catalogue, Ec2Settings};
use dovetail_cloudprovider::kwok;
use dovetail_cloudprovider::source::{Ec2Source, InstanceTypeSource};
use dovetail_engine::default_spread::DefaultSpread;
use dovetail_engine::provisioning::{self, Options, Round};
use dovetail_scheduler::problem::{MinValuesPolicy, PreferencePolicy, Settings};

use super::{BadObject, CommandError};
use crate::input::{self, Input, default_pools};

/// What can be bought where, and how strictly rules are read.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClusterArgs {
    /// What can be bought: ec2, the catalogue inside this program, or a file in the JSON of the KWOK provider
    #[arg(long, value_name = "ec2|FILE", default_value = "ec2")]
    catalog: PathBuf,
    /// The region to buy in; it does not matter to a catalogue file
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1")]
    region: String,
    /// Whether preferences are tried as requirements first, or not looked at
    #[arg(long, value_enum, default_value_t = Preferences::Respect)]
    preference_policy: Preferences,
    /// Whether minValues must be kept, or lowered to what can be had
    #[arg(long, value_enum, default_value_t = MinValues::Strict)]
    min_values_policy: MinValues,
    /// How the cluster's kube-scheduler spreads pods that say nothing about it: YAML or JSON with
    /// podTopologySpread.defaultConstraints
    #[arg(long, value_name = "FILE")]
    scheduler_config: Option<PathBuf>,
}

/// As Karpenter spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum Preferences {
    Respect,
    Ignore,
}

/// As Karpenter spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum MinValues {
    Strict,
    BestEffort,
}

/// What can be bought, and how strictly rules are read, ready to be asked about any number of clusters.
pub(crate) struct Market {
    source: Box<dyn InstanceTypeSource>,
    options: Options,
}

impl Market {
    /// The round of these objects.
    ///
    /// # Errors
    /// When some of them make no sense.
    pub(crate) fn round(&self, input: &Input) -> Result<Round, CommandError> {
        let round = provisioning::assemble(&input.objects.snapshot(), &*self.source, &self.options);
        if round.bad_input.is_empty() { Ok(round) } else { Err(CommandError::Objects(located(input, &round))) }
    }
}

impl ClusterArgs {
    /// Reads the catalogue and the scheduler's configuration.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub(crate) fn market(&self) -> Result<Market, CommandError> {
        Ok(Market { options: self.options()?, source: self.source()? })
    }

    /// Gives pods that come without NodePools those that a trace is planned with.
    pub(crate) fn add_default_pools(&self, input: &mut Input) {
        let (pools, what) = if self.is_ec2() {
            (default_pools::for_ec2(), "the families c, m, r and g4dn, on demand, amd64, more than 3 vCPUs")
        } else {
            (default_pools::for_file(), "all of the catalogue that is on demand and amd64")
        };
        input.objects.node_pools = pools;
        input.notes.push(format!("no NodePool was given: nodes are bought from {what}"));
    }

    fn is_ec2(&self) -> bool {
        self.catalog == Path::new("ec2")
    }

    fn source(&self) -> Result<Box<dyn InstanceTypeSource>, CommandError> {
        if self.is_ec2() {
            return Ok(Box::new(Ec2Source::new(Catalogue::embedded()?, &self.region, Ec2Settings::default())?));
        }
        let bad = |why: String| CommandError::CatalogueFile { file: self.catalog.clone(), why };
        let text = std::fs::read_to_string(&self.catalog)
            .map_err(|e| bad(format!("{e}: name a file, or ec2 for the catalogue inside this program")))?;
        Ok(Box::new(kwok::read(&text).map_err(|e| bad(e.to_string()))?))
    }

    fn options(&self) -> Result<Options, CommandError> {
        let settings = Settings {
            preferences: match self.preference_policy {
                Preferences::Respect => PreferencePolicy::Respect,
                Preferences::Ignore => PreferencePolicy::Ignore,
            },
            min_values: match self.min_values_policy {
                MinValues::Strict => MinValuesPolicy::Strict,
                MinValues::BestEffort => MinValuesPolicy::BestEffort,
            },
        };
        let default_spread = match &self.scheduler_config {
            Some(file) => input::scheduler_config::read(file)
                .map_err(|why| CommandError::SchedulerConfig { file: file.clone(), why })?,
            None => DefaultSpread::default(),
        };
        Ok(Options { settings, default_spread, ..Options::default() })
    }
}

/// The objects that make no sense, with their places: a workload once, however many pods it has.
fn located(input: &Input, round: &Round) -> Vec<BadObject> {
    let mut told = HashSet::new();
    let mut bad = Vec::new();
    for (title, why) in &round.bad_input {
        let origin = input.origin(title);
        let why = match origin.pod_spec {
            Some(pod_spec) => in_pod_spec(pod_spec, why),
            None => why.clone(),
        };
        if told.insert((origin.title, why.clone())) {
            bad.push(BadObject { place: origin.place.cloned(), title: origin.title.to_owned(), why });
        }
    }
    bad
}

/// What is wrong with a pod, with the path of the field from the root of the object that holds the pod's spec.
fn in_pod_spec(pod_spec: &str, why: &str) -> String {
    const FIELDS: [&str; 6] =
        ["containers[", "initContainers[", "resources.", "overhead.", "topologySpreadConstraints[", "affinity."];
    if FIELDS.iter().any(|field| why.starts_with(field)) {
        format!("{pod_spec}.{why}")
    } else if why.starts_with("containerStatuses[") {
        format!("status.{why}")
    } else {
        format!("{pod_spec}: {why}")
    }
}

//! `dovetail catalog`: makes an EC2 catalogue from what AWS publishes, and shows what is in one. How a catalogue is made is
//! not known here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use dovetail_cloudprovider::ec2::Catalogue;
use dovetail_cloudprovider::ec2::builder::{self, Paths};

use super::CommandError;
use crate::output;

/// Make or show an EC2 catalogue
#[derive(Args, Debug)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Build(Build),
    Show(Show),
}

/// Make a catalogue from the lists that AWS publishes, plain or gzipped
#[derive(Args, Debug)]
struct Build {
    /// The records of DescribeInstanceTypes, a JSON list
    #[arg(long, value_name = "FILE")]
    instance_types: PathBuf,
    /// Availability zones by type by region, JSON
    #[arg(long, value_name = "FILE")]
    offerings: PathBuf,
    /// On-demand prices, CSV
    #[arg(long, value_name = "FILE")]
    prices: PathBuf,
    /// Savings of spot capacity, CSV
    #[arg(long, value_name = "FILE")]
    spot: PathBuf,
    /// VPC limits, CSV
    #[arg(long, value_name = "FILE")]
    vpc_limits: PathBuf,
    /// Baseline network bandwidth, CSV
    #[arg(long, value_name = "FILE")]
    bandwidth: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Show what is in the catalogue inside this program, or in a file
#[derive(Args, Debug)]
struct Show {
    /// A file that `catalog build` wrote
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Catalog {
    /// Makes or shows.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the lists contradict each other.
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        match &self.action {
            Action::Build(build) => build.run(),
            Action::Show(show) => show.run(),
        }
    }
}

impl Build {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let paths = Paths {
            instance_types: self.instance_types.clone(),
            offerings: self.offerings.clone(),
            prices: self.prices.clone(),
            spot: self.spot.clone(),
            limits: self.vpc_limits.clone(),
            bandwidth: self.bandwidth.clone(),
        };
        let (catalogue, notes) = builder::build_from_files(&paths)?;
        for note in notes {
            output::note(&note.to_string());
        }
        let bytes = catalogue.encode()?;
        std::fs::write(&self.output, &bytes).map_err(|e| self.unwritable(&e))?;
        output::note(&format!(
            "{}: {} instance types, {} regions, {} bytes",
            self.output.display(),
            catalogue.types().len(),
            catalogue.regions().count(),
            bytes.len()
        ));
        Ok(ExitCode::SUCCESS)
    }

    fn unwritable(&self, error: &std::io::Error) -> CommandError {
        CommandError::CatalogueFile {
            file: self.output.clone(),
            why: format!("{error}: choose a file that can be written"),
        }
    }
}

impl Show {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = match &self.file {
            None => Catalogue::embedded()?,
            Some(file) => {
                let bad = |why: String| CommandError::CatalogueFile { file: file.clone(), why };
                let bytes = std::fs::read(file).map_err(|e| bad(e.to_string()))?;
                Catalogue::decode(&bytes).map_err(|e| bad(e.to_string()))?
            }
        };
        let mut text = format!("{} instance types\n", catalogue.types().len());
        for region in catalogue.regions() {
            text.push_str(region);
            text.push('\n');
        }
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

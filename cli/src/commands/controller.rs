//! `dovetail controller`: the controller as a process. It reads the command line and the environment, makes the runtime, and
//! leaves the rest to the operator.

use std::process::ExitCode;

use clap::Args;
use dovetail_operator::controller::{self, Build};
use dovetail_operator::kwok;
use dovetail_operator::settings::{Flags, Settings};
use dovetail_operator::shutdown::Shutdown;

use super::CommandError;

/// Run the controller: watch a cluster, buy nodes for pods that wait, and end nodes that are not needed
///
/// Takes Karpenter's flags and environment variables, and its lease: of all replicas, Karpenter's included, one acts.
#[derive(Args, Debug)]
pub(crate) struct Controller {
    #[command(flatten)]
    flags: Flags,
}

impl Controller {
    /// Runs until it is asked to end.
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        let read = Settings::read(&self.flags, |name| std::env::var(name).ok()).map_err(CommandError::Settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let build =
            Build { version: env!("CARGO_PKG_VERSION"), commit: option_env!("DOVETAIL_COMMIT").unwrap_or_default() };
        runtime.block_on(async {
            let shutdown = Shutdown::default();
            let signal = shutdown.clone();
            tokio::spawn(async move { signal.on_signal().await });
            controller::run(read, build, shutdown, kwok::cloud).await
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

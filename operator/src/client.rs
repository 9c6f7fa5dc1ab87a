//! How the cluster is reached: which configuration, and what its clients have in common. What is asked of the cluster is not
//! known here.

use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// Why there is no way to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file that was named cannot be used.
    #[error("the kubeconfig {file} cannot be used: {source}; name another one with --kubeconfig")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        #[source]
        source: Box<KubeconfigError>,
    },
    /// None was named, and there is none in any usual place.
    #[error("no cluster is configured: {0}; name a kubeconfig with --kubeconfig, or run in a pod")]
    Nothing(#[source] Box<kube::config::InferConfigError>),
    /// The configuration cannot be turned into a client.
    #[error("the cluster's configuration cannot be used: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// How long it may take to open a connection, and to send a request.
const CONNECT: Duration = Duration::from_secs(10);

/// The configuration in `file`, or if none is named, that of the pod or of the user.
///
/// # Errors
/// If there is none that can be used.
pub async fn config(file: Option<&str>) -> Result<Config, ClientError> {
    let mut config = match file {
        Some(file) => {
            let failed = |source| ClientError::File { file: file.to_owned(), source: Box::new(source) };
            let kubeconfig = Kubeconfig::read_from(Path::new(file)).map_err(failed)?;
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(failed)?
        }
        None => match Config::incluster() {
            Ok(config) => config,
            Err(_) => Config::infer().await.map_err(|error| ClientError::Nothing(Box::new(error)))?,
        },
    };
    config.connect_timeout = Some(CONNECT);
    config.write_timeout = Some(CONNECT);
    // A refusal for lack of room is the answer of an eviction, and for all else we have a patience of our own.
    config.default_retry = false;
    Ok(config)
}

/// A client of its own: none of them waits for another one's requests.
///
/// # Errors
/// If the configuration names keys or certificates that cannot be read.
pub fn client(config: &Config) -> Result<Client, ClientError> {
    Client::try_from(config.clone()).map_err(|error| ClientError::Client(Box::new(error)))
}

//! The controller as a process: it puts together what the settings ask for, starts everyone, and ends them in the right order.
//! It decides who runs when, and nothing about the cluster.
//!
//! The order of the end matters: first no new actions, then those under way end, then the lease is given back, so that the
//! next leader never meets one of ours.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dovetail_engine::cluster::Kind;
use dovetail_engine::engine::Engine;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::client::{self, ClientError};
use crate::cloud::Cloud;
use crate::executor::Executor;
use crate::kinds::{NodeClaim, NodePool};
use crate::lease::{self, Election, ElectionLost, Leadership, Timing};
use crate::logs::{LogError, Logs, Tracing};
use crate::metrics::{Metrics, Shape};
use crate::pace::Pace;
use crate::pump::Pump;
use crate::recorder::{self, Recorder};
use crate::serve::{self, PortError, Readiness};
use crate::settings::{Read, Settings};
use crate::shutdown::Shutdown;
use crate::watches;

/// How often it is looked whether the CRDs are there, until they are.
const CRD_RETRY: Duration = Duration::from_secs(5);

/// Which program runs.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Its version.
    pub version: &'static str,
    /// The commit that it was built from, empty if that is not known.
    pub commit: &'static str,
}

/// Why the controller ended without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A port cannot be had.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}: this is a mistake in the table of metrics or in a provider's labels")]
    Metrics(String),
    /// The lease has gone to somebody else.
    #[error(transparent)]
    Lost(#[from] ElectionLost),
    /// The provider cannot work.
    #[error("{0}")]
    Cloud(String),
    /// A part of the process has ended that must not.
    #[error("{0} ended before its time")]
    Ended(&'static str),
}

/// Runs the controller until `shutdown` or until it cannot go on. `cloud` makes the provider from the settings and a client.
///
/// # Errors
/// If it cannot start, or has lost the lease: then another replica acts, and this process should be started anew.
pub async fn run(
    read: Read,
    build: Build,
    shutdown: Shutdown,
    cloud: impl AsyncFnOnce(&Settings, Client) -> Result<Cloud, String>,
) -> Result<(), ControllerError> {
    let Read { settings, warnings } = read;
    let logs =
        Logs::open(&settings.log_level, build.commit, &settings.log_output_paths, &settings.log_error_output_paths)?;
    // Somebody else may have set one up, as tests do; then it is theirs.
    let _ = tracing_subscriber::registry().with(Tracing(logs.clone())).try_init();
    for warning in warnings {
        tracing::error!("{warning}");
    }
    tracing::info!(version = build.version, provider = settings.provider, "starting");

    let config = client::config(settings.kubeconfig.as_deref()).await?;
    let mut cloud = cloud(&settings, client::client(&config)?).await.map_err(ControllerError::Cloud)?;
    let metrics = metrics(&settings, &cloud, build)?;
    let missing = Arc::new(Mutex::new(Some("the API server has not answered yet".to_owned())));
    let readiness = readiness(Arc::clone(&missing));

    let mut tasks = JoinSet::new();
    let probes = serve::listen(settings.health_probe_port, "probes", "health-probe-port").await?;
    tasks.spawn(served("the server of probes", probes, serve::probes(readiness), shutdown.clone()));
    let exposition = serve::listen(settings.metrics_port, "metrics", "metrics-port").await?;
    let router = serve::metrics(Arc::clone(&metrics), settings.enable_profiling);
    tasks.spawn(served("the server of metrics", exposition, router, shutdown.clone()));
    let reader = client::client(&config)?;
    let nominates = tokio::select! {
        () = look_for_crds(reader.clone(), missing) => server_nominates(&reader).await,
        () = shutdown.requested() => return Ok(()),
    };

    let timing = Timing::default();
    // The election ends last, when everything else has.
    let farewell = Shutdown::default();
    let leadership = if settings.disable_leader_election {
        Leadership::always()
    } else {
        let namespace = lease_namespace(&settings, &config.default_namespace);
        // A client of its own: however many writes wait, renewals do not.
        let api: Api<Lease> = Api::namespaced(client::client(&config)?, &namespace);
        let (teller, leadership) = Leadership::told();
        let name = settings.leader_election_name.clone();
        let (mut random, end) = (fastrand::Rng::new(), farewell.clone());
        let election = Election::new(identity(&mut random), timing, random.u64(..));
        tasks.spawn(async move {
            lease::hold(&api, &name, timing, election, &teller, end.requested()).await?;
            Ok(())
        });
        leadership
    };
    let name = settings.leader_election_name.clone();
    tasks.spawn(show_leadership(leadership.clone(), Arc::clone(&metrics), name, shutdown.clone()));

    let (recorder, notices) = Recorder::new(Arc::clone(&metrics));
    tokio::spawn(recorder::write(client::client(&config)?, notices));
    let (sender, events) = mpsc::channel(watches::WAITING_MAX);
    let executor = Executor {
        client: client::client(&config)?,
        provider: Arc::clone(&cloud.provider),
        leadership: leadership.clone(),
        pace: settings.kube_client_qps.map(|qps| Mutex::new(Pace::new(qps, settings.kube_client_burst))),
        write_patience: timing.grace(),
        metrics: Arc::clone(&metrics),
        start: Instant::now(),
    };
    let engine_settings = settings.for_engine(&cloud, nominates, fastrand::u64(..));
    let kinds = engine_settings.watched.clone();
    let pump = Pump {
        engine: Engine::new(engine_settings),
        executor: Arc::new(executor),
        events,
        outcomes: sender.clone(),
        recorder,
        logs,
        metrics: Arc::clone(&metrics),
        leadership: leadership.clone(),
        node_labels: (!settings.disable_cluster_state_observability).then(|| cloud.node_labels.clone().into()),
        shutdown: shutdown.clone(),
    };
    let waits = settings.disable_controller_warmup && !settings.disable_leader_election;
    let on_lead = cloud.on_lead.take();
    if let Some(on_lead) = on_lead {
        let mut leadership = leadership.clone();
        tokio::spawn(async move {
            leadership.acquired().await;
            on_lead.await;
        });
    }
    let work = work(pump, reader, kinds, sender, metrics, waits.then_some(leadership), shutdown.clone());
    let mut work = std::pin::pin!(work);
    let ended = tokio::select! {
        () = &mut work => None,
        ended = first_failure(&mut tasks) => Some(ended),
    };
    shutdown.request();
    if ended.is_none() {
        farewell.request();
        while let Some(task) = tasks.join_next().await {
            if let Ok(Err(error)) = task {
                return Err(error);
            }
        }
        tracing::info!("stopped");
        return Ok(());
    }
    // Nothing is written any more without the lease; what is under way may end.
    work.await;
    farewell.request();
    while tasks.join_next().await.is_some() {}
    ended.map_or(Ok(()), Err)
}

/// Listens to the cluster and acts on it, once it is our turn.
async fn work(
    pump: Pump,
    reader: Client,
    kinds: Vec<Kind>,
    sender: mpsc::Sender<dovetail_engine::event::Event>,
    metrics: Arc<Metrics>,
    wait_for: Option<Leadership>,
    shutdown: Shutdown,
) {
    if let Some(mut leadership) = wait_for {
        tokio::select! {
            () = leadership.acquired() => {}
            () = shutdown.requested() => return,
        }
    }
    let mut watching = JoinSet::new();
    for watch in watches::watch_all(&reader, &kinds, &sender, &metrics) {
        watching.spawn(watch);
    }
    drop(sender);
    // The engine computes; on a thread of its own it keeps nobody else waiting.
    let runtime = tokio::runtime::Handle::current();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        runtime.block_on(pump.run());
        let _ = done.send(());
    });
    if let Err(error) = thread {
        tracing::error!(%error, "the engine's thread cannot be started");
    }
    // An error says that the thread has ended without saying so, by a panic that it has told of.
    let _ = is_done.await;
}

async fn served(
    what: &'static str,
    listener: tokio::net::TcpListener,
    router: axum::Router,
    shutdown: Shutdown,
) -> Result<(), ControllerError> {
    let end = shutdown.clone();
    let served = serve::serve(listener, router, async move { end.requested().await }).await;
    if let Err(error) = served {
        tracing::error!(%error, "{what} failed");
    }
    if shutdown.is_requested() { Ok(()) } else { Err(ControllerError::Ended(what)) }
}

/// Waits for the first task that ends with an error; the others may end as they like.
async fn first_failure(tasks: &mut JoinSet<Result<(), ControllerError>>) -> ControllerError {
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(_) => return ControllerError::Ended("a task"),
        }
    }
    std::future::pending().await
}

async fn show_leadership(
    mut leadership: Leadership,
    metrics: Arc<Metrics>,
    name: String,
    shutdown: Shutdown,
) -> Result<(), ControllerError> {
    let show = |leads| metrics.set("leader_election_master_status", &[("name", &name)], leads);
    show(0.0);
    tokio::select! {
        () = leadership.acquired() => show(1.0),
        () = shutdown.requested() => {}
    }
    Ok(())
}

fn metrics(settings: &Settings, cloud: &Cloud, build: Build) -> Result<Arc<Metrics>, ControllerError> {
    let shape = Shape {
        node_labels: cloud.node_labels.clone(),
        claim_labels: cloud
            .provider
            .supported_node_classes()
            .iter()
            .map(|class| format!("{}/{}", class.group, class.kind.to_lowercase()))
            .collect(),
        no_objects: settings.disable_cluster_state_observability,
        buffers: settings.gates.capacity_buffer,
    };
    let metrics = Metrics::new(&shape).map_err(|error| ControllerError::Metrics(error.to_string()))?;
    let labels = [("version", build.version), ("goarch", std::env::consts::ARCH), ("commit", build.commit)];
    metrics.set("karpenter_build_info", &labels, 1.0);
    Ok(Arc::new(metrics))
}

/// Ready means: the API server answers and knows our kinds (the Karpenter specification, scheduling 9.1). Whether the cluster
/// has been read is not asked: a replica that waits for the lease has not, and is ready to take over.
fn readiness(missing: Arc<Mutex<Option<String>>>) -> Readiness {
    Arc::new(move || missing.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err))
}

/// Waits until NodePools and NodeClaims can be listed.
async fn look_for_crds(client: Client, missing: Arc<Mutex<Option<String>>>) {
    let one = ListParams::default().limit(1);
    loop {
        let (pools, claims) = (Api::<NodePool>::all(client.clone()), Api::<NodeClaim>::all(client.clone()));
        let problem = match (pools.list(&one).await, claims.list(&one).await) {
            (Ok(_), Ok(_)) => None,
            (Err(error), _) => Some(format!("NodePools cannot be listed: {error}")),
            (_, Err(error)) => Some(format!("NodeClaims cannot be listed: {error}")),
        };
        let is_over = problem.is_none();
        if let Some(problem) = &problem {
            tracing::error!(problem, "waiting for the CRDs: `dovetail crds` prints them");
        }
        *missing.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        if is_over {
            return;
        }
        tokio::time::sleep(CRD_RETRY).await;
    }
}

/// Whether the API server honours nominations from outside: Kubernetes 1.35 and later.
async fn server_nominates(client: &Client) -> bool {
    match client.apiserver_version().await {
        Ok(info) => {
            let nominates = is_at_least(&info.major, &info.minor, (1, 35));
            let version = format!("{}.{}", info.major, info.minor);
            tracing::debug!(version, nominates, "the API server's version");
            nominates
        }
        Err(error) => {
            tracing::error!(%error, "the API server does not tell its version; pods are not nominated");
            false
        }
    }
}

/// Whether a version such as `1` and `36+` is at least another one.
fn is_at_least(major: &str, minor: &str, least: (u32, u32)) -> bool {
    let number = |text: &str| {
        text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().unwrap_or_default()
    };
    (number(major), number(minor)) >= least
}

fn lease_namespace(settings: &Settings, own: &str) -> String {
    if settings.leader_election_namespace.is_empty() {
        own.to_owned()
    } else {
        settings.leader_election_namespace.clone()
    }
}

/// Who we are in the election: the machine's name and a number that no other start has, as client-go makes it.
fn identity(random: &mut fastrand::Rng) -> String {
    let host = std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "dovetail".to_owned());
    let bytes = random.u128(..).to_be_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{host}_{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_write_them() {
        for (major, minor, nominates) in
            [("1", "36", true), ("1", "35+", true), ("1", "34", false), ("2", "0", true), ("", "", false)]
        {
            assert_eq!(is_at_least(major, minor, (1, 35)), nominates, "{major}.{minor}");
        }
    }

    #[test]
    fn two_starts_on_one_machine_are_two_in_the_election() {
        let (one, two) = (identity(&mut fastrand::Rng::with_seed(1)), identity(&mut fastrand::Rng::with_seed(2)));
        assert_ne!(one, two);
        let (host, number) = one.rsplit_once('_').expect("a name and a number");
        assert!(!host.is_empty() && number.len() == 32, "{one}");
    }

    #[test]
    fn readiness_says_what_is_missing() {
        let missing = Arc::new(Mutex::new(Some("NodePools cannot be listed: 404".to_owned())));
        let ready = readiness(Arc::clone(&missing));
        assert_eq!(ready(), Err("NodePools cannot be listed: 404".to_owned()));
        *missing.lock().expect("no panic") = None;
        assert_eq!(ready(), Ok(()));
    }
}

//! The election on a real API server: it performs the steps, keeps the time, and tells everybody until when this replica
//! leads. What the steps are is decided by [`Election`].

use std::future::Future;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams, PostParams};
use tokio::sync::watch;
use tokio::time;

use super::{Attempt, Election, Failure, Seen, Step, Timing};

/// Whether this process may act. It is asked before each write.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    /// One that always holds, for a controller without election.
    #[must_use]
    pub fn always() -> Self {
        let far = Instant::now() + Duration::from_secs(100 * 365 * 86_400);
        Self(watch::channel(Some(far)).1)
    }

    /// Leadership until the moment that the sender tells.
    #[must_use]
    pub fn told() -> (watch::Sender<Option<Instant>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// Whether this replica leads now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits until this replica leads. It never returns if the election ends before.
    pub async fn acquired(&mut self) {
        if self.0.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// This replica led and has lost the lease: what it knows may be out of date, and another one acts.
#[derive(Debug, thiserror::Error)]
#[error(
    "leader election lost: the lease was not renewed in time, or another replica has taken it; starting anew is safe"
)]
pub struct ElectionLost;

/// Takes part in the election until `shutdown` comes, and then gives the lease back.
///
/// `leads` is told the moment until which this replica leads each time it changes.
///
/// # Errors
/// If this replica led and the lease has been lost. Nothing may be written after that.
pub async fn hold(
    api: &Api<Lease>,
    name: &str,
    timing: Timing,
    mut election: Election,
    leads: &watch::Sender<Option<Instant>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ElectionLost> {
    let start = Instant::now();
    let mut shutdown = std::pin::pin!(shutdown);
    // A request must not outlast the time in which it could still help.
    let patience = timing.renew_deadline / 2;
    loop {
        match election.step(start.elapsed()) {
            Step::Wait(until) => {
                tokio::select! {
                    () = &mut shutdown => break,
                    () = time::sleep(until.saturating_sub(start.elapsed())) => {}
                }
            }
            Step::Read => {
                let answer = time::timeout(patience, read(api, name)).await.unwrap_or(Err(Failure::Unknown));
                let before = election.holder().map(str::to_owned);
                election.read(answer, start.elapsed());
                if let Some(holder) = election.holder().filter(|holder| Some(*holder) != before.as_deref()) {
                    tracing::info!(holder, lease = name, "waiting for the lease");
                }
            }
            Step::Write(attempt) => {
                let begun = start.elapsed();
                let answer = time::timeout(patience, write(api, name, &attempt)).await.unwrap_or(Err(Failure::Unknown));
                let led = election.leads_until().is_some();
                election.wrote(answer, begun, start.elapsed());
                if !led && election.leads_until().is_some() {
                    tracing::info!(identity = attempt.holder, lease = name, "successfully acquired lease");
                }
            }
            Step::Lost => {
                leads.send_replace(None);
                return Err(ElectionLost);
            }
        }
        leads.send_replace(election.leads_until().map(|until| start + until));
    }
    leads.send_replace(None);
    if let Some(attempt) = election.release(start.elapsed()) {
        match time::timeout(patience, write(api, name, &attempt)).await {
            Ok(Ok(_)) => tracing::info!(lease = name, "released lease"),
            _ => tracing::info!(lease = name, "lease not released, the next leader waits until it runs out"),
        }
    }
    Ok(())
}

async fn read(api: &Api<Lease>, name: &str) -> Result<Option<Seen>, Failure> {
    let lease = api.get_opt(name).await.map_err(failure)?;
    Ok(lease.as_ref().map(Seen::of))
}

async fn write(api: &Api<Lease>, name: &str, attempt: &Attempt) -> Result<Seen, Failure> {
    let manifest = attempt.manifest(name, Timestamp::now());
    let lease = if attempt.version.is_some() {
        api.patch(name, &PatchParams::default(), &Patch::Merge(manifest)).await
    } else {
        let lease = serde_json::from_value(manifest).map_err(|_| Failure::Unknown)?;
        api.create(&PostParams::default(), &lease).await
    };
    lease.map(|lease| Seen::of(&lease)).map_err(failure)
}

fn failure(error: kube::Error) -> Failure {
    match &error {
        kube::Error::Api(status) if status.code == 409 => Failure::Conflict,
        _ => {
            tracing::error!(error = %error, "lease cannot be read or written");
            Failure::Unknown
        }
    }
}

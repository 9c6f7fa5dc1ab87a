//! What others may ask this process over HTTP: whether it lives, whether it is ready, its metrics, and its profiles. Each
//! answer comes from somebody else; here is only under which path, and how the servers begin and end.

mod profile;

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::Metrics;

/// Whether the controller is ready to work, or what it waits for.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("port {port} for {purpose} cannot be opened: {source}; choose another one with --{flag}")]
pub struct PortError {
    /// The port.
    pub port: u16,
    /// What it was for.
    pub purpose: &'static str,
    /// The flag that says which.
    pub flag: &'static str,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// `/healthz` answers as long as the process lives; `/readyz` once it can work (the Karpenter specification, disruption 10).
pub fn probes(readiness: Readiness) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(readiness)
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    match readiness() {
        Ok(()) => "ok".into_response(),
        // The code that Karpenter's answer has; a probe takes any from 400 on.
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("not ready: {why}\n")).into_response(),
    }
}

/// `/metrics`, and profiles below `/debug/pprof` if they are wanted.
pub fn metrics(metrics: Arc<Metrics>, with_profiles: bool) -> Router {
    let router = Router::new().route("/metrics", get(exposition)).with_state(metrics);
    if with_profiles { router.merge(profile::router()) } else { router }
}

async fn exposition(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics cannot be written: {error}\n")).into_response()
        }
    }
}

/// Opens a port on all addresses, of both families where the machine has both.
///
/// # Errors
/// If it cannot be had.
pub async fn listen(port: u16, purpose: &'static str, flag: &'static str) -> Result<TcpListener, PortError> {
    let on = |address: IpAddr| TcpListener::bind(SocketAddr::new(address, port));
    match on(Ipv6Addr::UNSPECIFIED.into()).await {
        Ok(listener) => Ok(listener),
        // A machine without IPv6; a port that is taken is refused here as well.
        Err(_) => on(Ipv4Addr::UNSPECIFIED.into()).await.map_err(|source| PortError { port, purpose, flag, source }),
    }
}

/// Answers until `shutdown`, and then finishes what it has begun.
///
/// # Errors
/// If the operating system takes the port away.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

#[cfg(test)]
mod tests;

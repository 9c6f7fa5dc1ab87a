//! Profiles of this process, for people who look for what it spends: CPU time as `pprof` reads it, and memory as the kernel
//! counts it. There is no heap profile: it would need an allocator that keeps books on every allocation.
//!
//! `go tool pprof http://HOST:8080/debug/pprof/profile?seconds=30` and other readers of the format show the CPU profile.

use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pprof::ProfilerGuardBuilder;
use pprof::protos::Message;
use serde::Deserialize;

/// Samples per second of CPU time; a prime beside the usual periods of programs.
const FREQUENCY: i32 = 99;
/// The longest profile that one may ask for, in seconds: whoever asks keeps a connection.
const SECONDS_MAX: u64 = 600;

const INDEX: &str = "\
/debug/pprof/profile?seconds=30  CPU profile in the format of pprof
/debug/pprof/cmdline             how this process was started
/debug/pprof/memory              memory and threads, as the kernel counts them
";

/// The profiles' paths.
pub(super) fn router() -> Router {
    Router::new()
        .route("/debug/pprof/", get(|| async { INDEX }))
        .route("/debug/pprof/profile", get(cpu))
        .route("/debug/pprof/cmdline", get(cmdline))
        .route("/debug/pprof/memory", get(memory))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    seconds: Option<u64>,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
enum ProfileError {
    #[error("a CPU profile takes from 1 to {SECONDS_MAX} seconds: ask for ?seconds=30")]
    Seconds,
    #[error("the profiler cannot be used: {0}; only one profile can be taken at a time")]
    Profiler(#[from] pprof::Error),
    #[error("the profile cannot be written: {0}")]
    Write(String),
}

impl IntoResponse for ProfileError {
    fn into_response(self) -> Response {
        let code = match self {
            Self::Seconds => StatusCode::BAD_REQUEST,
            Self::Profiler(_) | Self::Write(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (code, format!("{self}\n")).into_response()
    }
}

async fn cpu(Query(wanted): Query<Wanted>) -> Result<Response, ProfileError> {
    let seconds = wanted.seconds.unwrap_or(30);
    if !(1..=SECONDS_MAX).contains(&seconds) {
        return Err(ProfileError::Seconds);
    }
    // Frames of these libraries cannot be walked while a signal is handled.
    let unwalkable = ["libc", "libgcc", "pthread", "vdso"];
    let guard = ProfilerGuardBuilder::default().frequency(FREQUENCY).blocklist(&unwalkable).build()?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let profile = guard.report().build()?.pprof()?;
    let mut bytes = Vec::new();
    profile.encode(&mut bytes).map_err(|error| ProfileError::Write(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"profile\""),
    ];
    Ok((headers, bytes).into_response())
}

async fn cmdline() -> String {
    std::env::args().collect::<Vec<_>>().join("\0")
}

async fn memory() -> Response {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => status
            .lines()
            .filter(|line| line.starts_with("Vm") || line.starts_with("Rss") || line.starts_with("Threads"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .into_response(),
        Err(error) => (StatusCode::NOT_IMPLEMENTED, format!("the kernel does not say: {error}\n")).into_response(),
    }
}

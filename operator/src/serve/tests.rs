//! The servers as a probe and a scraper see them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::metrics::Shape;
use crate::shutdown::Shutdown;

/// Asks a server on this machine and gives back the code and the body.
async fn ask(port: u16, path: &'static str) -> (u16, Vec<u8>) {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("somebody listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it can be asked");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    });
    let answer = asked.await.expect("no panic");
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let code = std::str::from_utf8(&answer[9..12]).expect("a code").parse().expect("a code");
    (code, answer[head + 4..].to_vec())
}

fn on_a_runtime<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test)
}

async fn started(router: Router, shutdown: &Shutdown) -> (u16, tokio::task::JoinHandle<io::Result<()>>) {
    let listener = listen(0, "tests", "metrics-port").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let shutdown = shutdown.clone();
    (port, tokio::spawn(serve(listener, router, async move { shutdown.requested().await })))
}

#[test]
fn it_lives_at_once_and_is_ready_when_the_controller_says_so_and_ends_when_asked() {
    on_a_runtime(async {
        let shutdown = Shutdown::default();
        let is_ready = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_ready);
        let readiness: Readiness =
            Arc::new(
                move || {
                    if asked.load(Ordering::Relaxed) { Ok(()) } else { Err("the CRD of NodePool is missing".into()) }
                },
            );
        let (port, server) = started(probes(readiness), &shutdown).await;
        assert_eq!(ask(port, "/healthz").await, (200, b"ok".to_vec()));
        assert_eq!(ask(port, "/readyz").await, (500, b"not ready: the CRD of NodePool is missing\n".to_vec()));
        is_ready.store(true, Ordering::Relaxed);
        assert_eq!(ask(port, "/readyz").await.0, 200);
        assert_eq!(ask(port, "/metrics").await.0, 404, "metrics have a port of their own");
        shutdown.request();
        server.await.expect("no panic").expect("it ends well");
    });
}

#[test]
fn metrics_are_shown_and_profiles_only_where_they_are_wanted() {
    on_a_runtime(async {
        let shutdown = Shutdown::default();
        let registry = Arc::new(Metrics::new(&Shape::default()).expect("the table is sound"));
        registry.set("karpenter_cluster_state_node_count", &[], 7.0);
        let (shut, _) = started(metrics(Arc::clone(&registry), false), &shutdown).await;
        let (code, text) = ask(shut, "/metrics").await;
        assert_eq!(code, 200);
        assert!(String::from_utf8_lossy(&text).contains("\nkarpenter_cluster_state_node_count 7\n"));
        assert_eq!(ask(shut, "/debug/pprof/").await.0, 404);

        let (open, _) = started(metrics(registry, true), &shutdown).await;
        assert_eq!(ask(open, "/debug/pprof/").await.0, 200);
        assert_eq!(ask(open, "/debug/pprof/profile?seconds=0").await.0, 400);
        assert!(!ask(open, "/debug/pprof/cmdline").await.1.is_empty());
        // A profile is a protobuf message whose first field, number 1, is a list of value types.
        let (code, profile) = ask(open, "/debug/pprof/profile?seconds=1").await;
        assert_eq!((code, profile.first().copied()), (200, Some(0x0a)));
        shutdown.request();
    });
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    on_a_runtime(async {
        let first = listen(0, "probes", "health-probe-port").await.expect("a free port");
        let port = first.local_addr().expect("an address").port();
        let error = listen(port, "probes", "health-probe-port").await.expect_err("it is taken").to_string();
        assert!(error.contains(&port.to_string()) && error.contains("--health-probe-port"), "{error}");
    });
}

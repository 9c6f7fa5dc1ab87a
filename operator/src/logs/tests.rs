//! Lines as somebody who searches Karpenter's logs finds them.

use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// Something that keeps what was written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logs(lowest: Level) -> (Logs, Kept) {
    let kept = Kept::default();
    (Logs::to(lowest, "abc123", vec![Box::new(kept.clone())], vec![]), kept)
}

#[test]
fn a_line_has_karpenter_s_keys_in_karpenter_s_order() {
    let fields = [
        ("NodeClaim", line::value("NodeClaim", "default-x7k")),
        ("Pod", line::value("Pod", "web/api-0")),
        ("pods", line::value("pods", "5")),
        ("instance-type", line::value("instance-type", "m5.large")),
    ];
    let time = Timestamp::from_millisecond(1_700_000_000_123).expect("a moment");
    let text = line::text(Level::Info, time, "controller", "created nodeclaim", "abc123", &fields);
    assert_eq!(
        text,
        "{\"level\":\"INFO\",\"time\":\"2023-11-14T22:13:20.123Z\",\"logger\":\"controller\",\"message\":\"created \
         nodeclaim\",\"commit\":\"abc123\",\"NodeClaim\":{\"name\":\"default-x7k\"},\"Pod\":{\"name\":\"api-0\",\
         \"namespace\":\"web\"},\"pods\":5,\"instance-type\":\"m5.large\"}\n"
    );
}

#[test]
fn what_is_less_grave_than_asked_for_is_not_written() {
    let (logs, kept) = logs(Level::Info);
    for level in [Level::Debug, Level::Info, Level::Error] {
        logs.write(&Line { level, message: "x", fields: vec![] });
    }
    let levels: Vec<_> = kept.lines().iter().map(|line| line["level"].clone()).collect();
    assert_eq!(levels, ["INFO", "ERROR"]);
}

#[test]
fn what_is_said_through_tracing_is_a_line_too_and_libraries_are_heard_from_warnings_on() {
    let (logs, kept) = logs(Level::Debug);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(Tracing(logs)), || {
        tracing::info!(NodeClaim = "a", attempts = 3, "said");
        tracing::info!(target: "hyper::client", "chatter");
        tracing::warn!(target: "kube_client", "trouble");
    });
    let lines = kept.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["message"], &lines[0]["attempts"]), (&Value::from("said"), &Value::from(3)));
    assert_eq!(lines[0]["NodeClaim"]["name"], "a");
    assert_eq!((&lines[1]["logger"], &lines[1]["level"]), (&Value::from("kube_client"), &Value::from("ERROR")));
}

#[test]
fn the_same_line_again_and_again_is_thinned_out() {
    let mut sampler = Sampler::default();
    let now = Duration::from_millis(1_500);
    let written = (0..1000).filter(|_| sampler.passes(Level::Info, "x", now)).count();
    assert_eq!(written, 109, "a hundred, and nine of the other nine hundred");
    assert!(sampler.passes(Level::Info, "y", now), "other lines are not touched");
    assert!(sampler.passes(Level::Info, "x", now + Duration::from_secs(1)), "and the next second begins anew");
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let error = Logs::open("info", "", &["/does/not/exist/x.log".to_owned()], &[]).err().expect("no such folder");
    assert!(error.to_string().contains("/does/not/exist/x.log"));
    let folder = std::env::temp_dir().join(format!("dovetail-logs-{}", std::process::id()));
    let path = folder.to_string_lossy().into_owned();
    let logs = Logs::open("info", "", &[path], &[]).expect("a new file");
    logs.write(&Line { level: Level::Info, message: "kept", fields: vec![] });
    let text = std::fs::read_to_string(&folder).expect("it was written");
    std::fs::remove_file(&folder).expect("it can be removed");
    assert!(text.contains("kept"));
}

use std::time::Duration;

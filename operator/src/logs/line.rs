//! One line of the log: its keys in Karpenter's order, and values as Karpenter's readers expect them, objects as references
//! and counts as numbers.

use dovetail_engine::fact::Level;
use jiff::Timestamp;
use serde::Serializer;
use serde::ser::SerializeMap;
use serde_json::{Value, json};

/// Fields that name an object, which is shown as a reference with its name and namespace.
const OBJECTS: &[&str] = &[
    "CapacityBuffer",
    "EC2NodeClass",
    "KWOKNodeClass",
    "Node",
    "NodeClaim",
    "NodeOverlay",
    "NodePool",
    "Pod",
    "PersistentVolumeClaim",
    "VolumeAttachment",
];

/// Fields that count something.
const COUNTS: &[&str] = &[
    "candidates_evaluated",
    "count",
    "deleting-pods",
    "last_batch_size",
    "nodeclaims",
    "nodes",
    "pending-pods",
    "pods",
    "volume-count",
    "volume-limit",
];

/// The value of a field as it is shown.
pub(super) fn value(key: &str, text: &str) -> Value {
    if OBJECTS.contains(&key) {
        return match text.split_once('/') {
            Some((namespace, name)) => json!({ "name": name, "namespace": namespace }),
            None => json!({ "name": text }),
        };
    }
    if COUNTS.contains(&key)
        && let Ok(count) = text.parse::<u64>()
    {
        return json!(count);
    }
    Value::from(text)
}

/// The line, with its end.
pub(super) fn text(
    level: Level,
    time: Timestamp,
    logger: &str,
    message: &str,
    commit: &str,
    fields: &[(&str, Value)],
) -> String {
    let level = match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Error => "ERROR",
    };
    let mut bytes = Vec::with_capacity(256);
    let mut json = serde_json::Serializer::new(&mut bytes);
    let written = json.serialize_map(None).and_then(|mut map| {
        map.serialize_entry("level", level)?;
        map.serialize_entry("time", &format!("{time:.3}"))?;
        map.serialize_entry("logger", logger)?;
        map.serialize_entry("message", message)?;
        map.serialize_entry("commit", commit)?;
        for (key, value) in fields {
            map.serialize_entry(key, value)?;
        }
        map.end()
    });
    match (written, String::from_utf8(bytes)) {
        (Ok(()), Ok(text)) => text + "\n",
        // Maps of strings to JSON values in memory can always be written; should that change, the message must not be lost.
        _ => format!("{}\n", json!({ "level": level, "message": message })),
    }
}

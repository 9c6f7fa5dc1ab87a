//! What libraries and this crate say through `tracing`, as lines of the same log. Libraries are heard from warnings on.

use std::fmt;

use dovetail_engine::fact::Level;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{LOGGER, Logs};

/// Writes events of `tracing` to the log.
#[derive(Clone)]
pub struct Tracing(pub Logs);

impl<S: Subscriber> Layer<S> for Tracing {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = metadata.target().starts_with("dovetail");
        (own || *metadata.level() <= tracing::Level::WARN) && self.0.shows(level(*metadata.level()))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let target = event.metadata().target();
        let logger = if target.starts_with("dovetail") { LOGGER } else { target };
        self.0.say(level(*event.metadata().level()), logger, &fields.message, &fields.others);
    }
}

/// Karpenter has no warnings; what is one elsewhere is an error there.
fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR | tracing::Level::WARN => Level::Error,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, super::line::value(field.name(), value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::from(value));
    }
}

//! Messages of the interruption queue: EventBridge events, as EventBridge and AWS Health write them (spec aws-provider 8.2).
//! A message of a kind that nobody here waits for says nothing, and one that cannot be read is an error; neither may stay on
//! the queue.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What happened or will.
    pub kind: Kind,
    /// The instances that it happens to, by id.
    pub instances: Vec<String>,
    /// When it was written, if it says so.
    pub time: Option<Timestamp>,
}

/// What happens to instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Spot capacity is taken back in two minutes.
    SpotInterrupted,
    /// Spot capacity may be taken back soon.
    RebalanceRecommendation,
    /// AWS has planned something, such as the end of the hardware.
    ScheduledChange,
    /// Somebody stops it.
    InstanceStopped,
    /// Somebody terminates it.
    InstanceTerminated,
    /// The owner of reserved capacity takes it back.
    CapacityReservationInterrupted,
    /// Nothing that matters.
    NoOp,
}

impl Kind {
    /// The value of the label `message_type`, and the reason for a disruption, in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpotInterrupted => "spot_interrupted",
            Self::RebalanceRecommendation => "rebalance_recommendation",
            Self::ScheduledChange => "scheduled_change",
            Self::InstanceStopped => "instance_stopped",
            Self::InstanceTerminated => "instance_terminated",
            Self::CapacityReservationInterrupted => "capacity_reservation_interrupted",
            Self::NoOp => "no_op",
        }
    }
}

/// A message that cannot be read. It should be told and deleted: it will not be readable later either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// It is no event of EventBridge.
    #[error("the message is no EventBridge event: {0}")]
    NoEvent(String),
    /// It lacks what events of its kind have.
    #[error("the event {detail_type:?} of {source_} has no {field}")]
    Lacks {
        /// Its detail-type.
        detail_type: String,
        /// Its source.
        source_: String,
        /// The field.
        field: &'static str,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    version: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: String,
    detail: Value,
}

/// The only version of events that is known.
const VERSION: &str = "0";

/// Reads the body of a message.
///
/// # Errors
/// If it is no event, or one of a known kind that lacks what its kind has.
pub fn read(body: &str) -> Result<Message, BadMessage> {
    // EventBridge writes objects; that JSON has other values too must not make an empty event of them.
    let object: Map<String, Value> = serde_json::from_str(body).map_err(|e| BadMessage::NoEvent(e.to_string()))?;
    let event: Envelope =
        serde_json::from_value(Value::Object(object)).map_err(|e| BadMessage::NoEvent(e.to_string()))?;
    let time = event.time.parse().ok();
    let (kind, instances) = match event.version.as_str() {
        VERSION => event.meaning()?,
        _ => (Kind::NoOp, Vec::new()),
    };
    Ok(Message { kind, instances, time })
}

impl Envelope {
    fn meaning(&self) -> Result<(Kind, Vec<String>), BadMessage> {
        let one = |kind: Kind| Ok((kind, vec![self.text("instance-id")?.to_owned()]));
        match (self.source.as_str(), self.detail_type.as_str()) {
            ("aws.ec2", "EC2 Spot Instance Interruption Warning") => one(Kind::SpotInterrupted),
            ("aws.ec2", "EC2 Instance Rebalance Recommendation") => one(Kind::RebalanceRecommendation),
            ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning") => {
                one(Kind::CapacityReservationInterrupted)
            }
            ("aws.ec2", "EC2 Instance State-change Notification") => {
                match self.text("state")?.to_ascii_lowercase().as_str() {
                    "stopping" | "stopped" => one(Kind::InstanceStopped),
                    "shutting-down" | "terminated" => one(Kind::InstanceTerminated),
                    _ => Ok((Kind::NoOp, Vec::new())),
                }
            }
            ("aws.health", "AWS Health Event") => Ok(self.health()),
            _ => Ok((Kind::NoOp, Vec::new())),
        }
    }

    /// A planned change to instances. One that is over drains nobody; Karpenter does not look.
    fn health(&self) -> (Kind, Vec<String>) {
        let is = |field: &str, wanted: &str| self.detail.get(field).and_then(Value::as_str) == Some(wanted);
        if !is("service", "EC2") || !is("eventTypeCategory", "scheduledChange") || is("statusCode", "closed") {
            return (Kind::NoOp, Vec::new());
        }
        let entities = self.detail.get("affectedEntities").and_then(Value::as_array).into_iter().flatten();
        let id = |entity: &Value| entity.get("entityValue")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        (Kind::ScheduledChange, entities.filter_map(id).collect())
    }

    fn text(&self, field: &'static str) -> Result<&str, BadMessage> {
        let text = self.detail.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| BadMessage::Lacks {
            detail_type: self.detail_type.clone(),
            source_: self.source.clone(),
            field,
        })
    }
}

//! Machines that are about to be taken away, or that EC2 finds fault with: what a message on the interruption queue says
//! ([`message`]), what EC2's own checks say ([`health`]), and what either makes happen ([`response`]) (spec aws-provider 8).
//! Receiving, deleting and carrying out is the caller's business.

pub mod health;
pub mod message;
pub mod response;

use jiff::SignedDuration;

/// How many messages are received at once; SQS gives no more.
pub const MESSAGES_AT_ONCE: i32 = 10;
/// How long nobody else sees a message that was received. It comes again then, unless it was deleted.
pub const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_secs(20);
/// How long a call waits for messages.
pub const WAIT: SignedDuration = SignedDuration::from_secs(20);
/// How often EC2's own checks are read.
pub const HEALTH_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
#[path = "interruption/tests.rs"]
mod tests;

//! What a source takes and how it answers, as configured.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::hl7::Charset;
use crate::hl7::acknowledgment::Mode;

/// What a source takes and how it answers. It can change while the source runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Intake {
    /// Message types to take; empty means every type of HL7 table 0076.
    pub accept: Vec<TypePattern>,
    /// Processing IDs (MSH-11.1) to take; empty means all.
    pub processing_ids: Vec<String>,
    /// How messages are acknowledged.
    pub mode: Mode,
    /// The character set of messages that name none in MSH-18.
    pub charset: Option<Charset>,
    /// For how long a re-sent message is recognised; zero means not at all.
    pub dedup: Duration,
    /// How a batch is acknowledged.
    pub batch: BatchReply,
    /// What to answer to a message that no route sends anywhere.
    pub unrouted: Unrouted,
    /// Our name in MSH-3, where a message cannot be read and hence does not say who we are.
    pub application: Arc<str>,
    /// The zone of the times that we write.
    pub zone: TimeZone,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            accept: Vec::new(),
            processing_ids: Vec::new(),
            mode: Mode::Auto,
            charset: None,
            dedup: Duration::from_hours(24),
            batch: BatchReply::Each,
            unrouted: Unrouted::Accept,
            application: Arc::from("WARDWIRE"),
            zone: TimeZone::UTC,
        }
    }
}

/// How a batch (FHS, BHS) is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchReply {
    /// An acknowledgment for each message.
    Each,
    /// One for the batch, with the worst of the codes and the batch's control ID (BHS-11).
    Summary,
}

/// What to answer to a message that no route sends anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrouted {
    /// A positive acknowledgment: it was received and there is nothing to do.
    Accept,
    /// AR: the sender is to know.
    Reject,
}

/// A message type in a source's `accept`: `ADT` (every event of it) or `ORM^O01`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePattern {
    /// Message code, MSH-9.1.
    pub code: String,
    /// Trigger event, MSH-9.2; `None` for every one.
    pub event: Option<String>,
}

impl FromStr for TypePattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id = |part: &str| {
            let fine = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
            (part.len() == 3 && part.chars().all(fine))
                .then(|| part.to_owned())
                .ok_or(())
        };
        let (code, event) = match text.split_once('^') {
            Some((code, event)) => (id(code)?, Some(id(event)?)),
            None => (id(text)?, None),
        };
        Ok(Self { code, event })
    }
}

//! The one table of refusals: why a message is not taken, and how that is said in MSA-1 and ERR-3.

use super::Outcome;
use crate::hl7::path::Path;

/// ERR-3, message error condition codes (table 0357).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// 0
    Accepted,
    /// 100
    SegmentSequence,
    /// 101
    RequiredFieldMissing,
    /// 102
    DataType,
    /// 103
    TableValueNotFound,
    /// 200
    UnsupportedMessageType,
    /// 201
    UnsupportedEventCode,
    /// 202
    UnsupportedProcessingId,
    /// 203
    UnsupportedVersionId,
    /// 204
    UnknownKeyIdentifier,
    /// 205
    DuplicateKeyIdentifier,
    /// 206
    ApplicationRecordLocked,
    /// 207
    ApplicationInternalError,
}

impl Condition {
    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The table's text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().1
    }

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Accepted => ("0", "Message accepted"),
            Self::SegmentSequence => ("100", "Segment sequence error"),
            Self::RequiredFieldMissing => ("101", "Required field missing"),
            Self::DataType => ("102", "Data type error"),
            Self::TableValueNotFound => ("103", "Table value not found"),
            Self::UnsupportedMessageType => ("200", "Unsupported message type"),
            Self::UnsupportedEventCode => ("201", "Unsupported event code"),
            Self::UnsupportedProcessingId => ("202", "Unsupported processing id"),
            Self::UnsupportedVersionId => ("203", "Unsupported version id"),
            Self::UnknownKeyIdentifier => ("204", "Unknown key identifier"),
            Self::DuplicateKeyIdentifier => ("205", "Duplicate key identifier"),
            Self::ApplicationRecordLocked => ("206", "Application record locked"),
            Self::ApplicationInternalError => ("207", "Application internal error"),
        }
    }
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// MSH-18 names UTF-16 or UTF-32.
    CharacterSet,
    /// A value of a type it should not have.
    DataType,
    /// The disk is nearly full.
    DiskFloor,
    /// A rule says that messages like this are refused.
    Filtered,
    /// Something went wrong in the engine.
    Internal,
    /// A record it refers to is locked.
    Locked,
    /// A key that exists already.
    DuplicateKey,
    /// MSH-10 is empty, so nothing can be acknowledged.
    NoControlId,
    /// Another processing ID than this source takes.
    ProcessingId,
    /// Too much is waiting.
    QueueFull,
    /// A field that must have a value has none.
    RequiredField,
    /// A segment that does not belong where it stands.
    SegmentSequence,
    /// The journal cannot be written.
    Storage,
    /// A code that is not in its table.
    TableValue,
    /// A trigger event this source does not take.
    TriggerEvent,
    /// The frame was cut: another one began inside it.
    Truncated,
    /// A message code this source does not take.
    MessageType,
    /// A key that refers to nothing.
    UnknownKey,
    /// No MSH that could be read.
    Unreadable,
    /// A version this source does not take.
    Version,
}

impl Refusal {
    /// How MSA-1 says it.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        self.row().0
    }

    /// How ERR-3 says it.
    #[must_use]
    pub const fn condition(self) -> Condition {
        self.row().1
    }

    /// MSA-3: a short sentence without content.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().2
    }

    /// Where the fault is, for those that are always in one place.
    #[must_use]
    pub const fn path(self) -> Option<Path> {
        Some(match self {
            Self::MessageType => Path::field(*b"MSH", 9).component(1),
            Self::TriggerEvent => Path::field(*b"MSH", 9).component(2),
            Self::NoControlId => Path::field(*b"MSH", 10),
            Self::ProcessingId => Path::field(*b"MSH", 11).component(1),
            Self::Version => Path::field(*b"MSH", 12).component(1),
            Self::CharacterSet => Path::field(*b"MSH", 18),
            _ => return None,
        })
    }

    /// The table.
    const fn row(self) -> (Outcome, Condition, &'static str) {
        use Condition as C;
        use Outcome::{Error, Reject};
        match self {
            Self::MessageType => (
                Reject,
                C::UnsupportedMessageType,
                "message type not accepted here",
            ),
            Self::TriggerEvent => (
                Reject,
                C::UnsupportedEventCode,
                "trigger event not accepted here",
            ),
            Self::ProcessingId => (
                Reject,
                C::UnsupportedProcessingId,
                "processing ID not accepted here",
            ),
            Self::Version => (Reject, C::UnsupportedVersionId, "version not accepted here"),
            Self::CharacterSet => (
                Reject,
                C::TableValueNotFound,
                "UTF-16 and UTF-32 cannot be received",
            ),
            Self::Filtered => (Reject, C::ApplicationInternalError, "refused by a rule"),
            Self::Unreadable => (Reject, C::SegmentSequence, "no readable MSH segment"),
            Self::SegmentSequence => (
                Error,
                C::SegmentSequence,
                "segments not in the expected order",
            ),
            Self::RequiredField => (Error, C::RequiredFieldMissing, "a required field is empty"),
            Self::NoControlId => (
                Error,
                C::RequiredFieldMissing,
                "message control ID is empty",
            ),
            Self::DataType => (Error, C::DataType, "a value does not have its data type"),
            Self::TableValue => (Error, C::TableValueNotFound, "a code is not in its table"),
            Self::UnknownKey => (Error, C::UnknownKeyIdentifier, "unknown key"),
            Self::DuplicateKey => (Error, C::DuplicateKeyIdentifier, "duplicate key"),
            Self::Locked => (Error, C::ApplicationRecordLocked, "record locked"),
            Self::Truncated => (
                Error,
                C::ApplicationInternalError,
                "message cut short on its way",
            ),
            Self::Storage => (
                Error,
                C::ApplicationInternalError,
                "message could not be stored",
            ),
            Self::DiskFloor => (Error, C::ApplicationInternalError, "storage is nearly full"),
            Self::QueueFull => (
                Error,
                C::ApplicationInternalError,
                "too many messages are waiting",
            ),
            Self::Internal => (Error, C::ApplicationInternalError, "internal error"),
        }
    }
}

/// One thing that is wrong with a message: one ERR segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub condition: Condition,
    /// Where, if it is in one place.
    pub path: Option<Path>,
    /// For people; never content.
    pub text: &'static str,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self {
            condition: refusal.condition(),
            path: refusal.path(),
            text: refusal.text(),
        }
    }
}

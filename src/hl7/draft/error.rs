//! Why an edit cannot be made.

use crate::hl7::path::Path;

/// Why an edit cannot be made. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// MSH-1 and MSH-2 stay as the sender declared them, and MSH stays the first segment.
    #[error("{path} declares the delimiters and cannot be edited")]
    Header {
        /// Where the edit was meant to go.
        path: Path,
    },
    /// The path goes to a level for which the message declares no separator.
    #[error("{path} needs a separator that MSH-2 does not declare")]
    NoSeparator {
        /// Where the edit was meant to go.
        path: Path,
    },
    /// There is no such segment.
    #[error("{path} is not in the message (add the segment first)")]
    NoSegment {
        /// Where the edit was meant to go.
        path: Path,
    },
    /// What was to become a segment does not begin with the ID of one that can be added (MSH, FHS, BHS, BTS and FTS
    /// cannot), or contains a segment terminator or a start or end block.
    #[error("this cannot be a segment of the message (byte {offset})")]
    NotASegment {
        /// Byte offset in the segment, from 0.
        offset: usize,
    },
    /// The path goes to a segment and not into it, or to number 0, or to a repetition beyond 65535.
    #[error("{path} is not a place for a value")]
    NotAPlace {
        /// Where the edit was meant to go.
        path: Path,
    },
    /// The value would end the segment or the frame.
    #[error("the value for {path} contains a segment terminator or an MLLP block byte")]
    Terminator {
        /// Where the edit was meant to go.
        path: Path,
    },
    /// The text cannot be said in the message's character set, or not without an escape character.
    #[error("the text for {path} cannot be written in this message's character set or delimiters")]
    Unwritable {
        /// Where the edit was meant to go.
        path: Path,
    },
}

//! The steps of a case.

use std::time::Duration;

use super::answer::{Answer, Rank};
use super::specimen::Specimen;

/// One step. Those about a connection mean the one in use: the first, until another is opened or chosen.
pub(super) enum Step {
    /// Opens one more connection and uses it from now on; what it counts as if that is refused.
    Open(Rank),
    /// Uses connection `n`, from 0 in the order they were opened.
    Use(usize),
    /// Writes bytes in one go.
    Write(Vec<u8>),
    /// Writes pieces with a pause before each but the first.
    Dribble(Vec<Vec<u8>>, Duration),
    /// Waits.
    Pause(Duration),
    /// Says that no more will be written.
    EndWriting,
    /// Closes the connection.
    Close,
    /// The next reply must be this.
    Answer(Answer),
    /// Sends `marker`, an ordinary message. What comes before its acknowledgment is the answer to what was sent before;
    /// the marker itself must be accepted, on a new connection if this one was closed.
    Odd { answer: Answer, marker: Specimen },
    /// As `Odd`, for the acknowledgments that an enhanced-mode message asks for.
    Asked { asked: Asked, marker: Specimen },
}

/// The acknowledgments that a message asks for.
pub(super) struct Asked {
    /// Of which message.
    pub(super) of: Specimen,
    /// The codes, in order, any of the lists is right.
    pub(super) wanted: Vec<&'static [&'static str]>,
    /// Lists of codes that are put up with, and why.
    pub(super) tolerated: Vec<(&'static [&'static str], &'static str)>,
}

impl Step {
    /// A frame with this message.
    pub(super) fn send(message: &Specimen) -> Self {
        Self::Write(message.frame())
    }

    /// How many bytes it writes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Write(bytes) => bytes.len(),
            Self::Dribble(pieces, _) => pieces.iter().map(Vec::len).sum(),
            Self::Odd { marker, .. } | Self::Asked { marker, .. } => marker.frame().len(),
            _ => 0,
        }
    }

    /// How long it waits on purpose, whatever the receiver does.
    pub(super) fn pauses(&self) -> Duration {
        match self {
            Self::Dribble(pieces, pause) => {
                *pause * u32::try_from(pieces.len()).unwrap_or(u32::MAX)
            }
            Self::Pause(pause) => *pause,
            _ => Duration::ZERO,
        }
    }
}

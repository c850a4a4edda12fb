//! Where an entry lies: a physical address, so that finding an entry is one read and no lookup.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An entry's address in the journal and the message ID that people see: segment file number and byte offset.
///
/// Written `3-1f40`: decimal segment, hexadecimal offset. Later entries have greater positions.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(u64);

impl Position {
    /// Before every entry.
    pub const ZERO: Self = Self(0);

    /// The byte at `offset` of segment file `segment`.
    #[must_use]
    pub const fn new(segment: u32, offset: u32) -> Self {
        Self((segment as u64) << 32 | offset as u64)
    }

    /// The number of the segment file, from 1.
    #[must_use]
    pub const fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The byte offset in the segment file.
    #[must_use]
    pub const fn offset(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// The same as one number, in the same order: for tables and metrics.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The inverse of [`Position::to_u64`].
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}", self.segment(), self.offset())
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no position; the right form is `3-1f40`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message ID looks like 3-1f40 (segment, hyphen, hexadecimal offset)")]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (segment, offset) = text.split_once('-').ok_or(PositionError)?;
        let segment = segment.parse().map_err(|_| PositionError)?;
        let offset = u32::from_str_radix(offset, 16).map_err(|_| PositionError)?;
        Ok(Self::new(segment, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_reads_back_as_it_was_shown_and_keeps_the_order() {
        let position = Position::new(3, 0x1f40);
        assert_eq!(position.to_string(), "3-1f40");
        assert_eq!("3-1f40".parse(), Ok(position));
        assert!(Position::new(3, u32::MAX) < Position::new(4, 0));
        for wrong in ["", "3", "3-", "x-1", "3-1g", "99999999999-1"] {
            assert_eq!(wrong.parse::<Position>(), Err(PositionError));
        }
    }
}

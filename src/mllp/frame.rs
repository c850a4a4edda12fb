//! What comes out of the framing: a message's bytes, and what was odd about the wrapper around them.

use std::fmt;

use bytes::Bytes;

/// The start block, a vertical tab.
pub const VT: u8 = 0x0B;
/// The end block, a file separator; it ends a frame together with the [`CR`] behind it.
pub const FS: u8 = 0x1C;
/// The carriage return behind the end block.
pub const CR: u8 = 0x0D;
/// The line feed some senders put behind a frame.
pub const LF: u8 = 0x0A;

/// What one frame held. Its bytes are not looked at: whether they are a message is the receiver's to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The bytes between start block and end block, exactly. Of a frame that was too large, only the beginning.
    pub body: Bytes,
    /// What was odd, in order of offset; each code at most once. Oddities between two frames are told with the second.
    pub warnings: Vec<FrameWarning>,
    /// Part of the message is missing, or may be: another frame began inside it, the connection ended before it did,
    /// it was too large, or its start block is missing. Such a body is never delivered and never answered
    /// positively; it is here so that it can be refused by its control ID.
    pub truncated: bool,
}

impl Frame {
    /// A frame with nothing odd about it.
    #[must_use]
    pub const fn whole(body: Bytes) -> Self {
        Self {
            body,
            warnings: Vec::new(),
            truncated: false,
        }
    }

    /// Whether one of the warnings is `code`.
    #[must_use]
    pub fn warned(&self, code: WarningCode) -> bool {
        self.warnings.iter().any(|warning| warning.code == code)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes", self.body.len())?;
        if self.truncated {
            f.write_str(", truncated")?;
        }
        for warning in &self.warnings {
            write!(f, ", {warning}")?;
        }
        f.write_str(")")
    }
}

/// An oddity of the framing, and where in the connection's bytes it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameWarning {
    /// What it is.
    pub code: WarningCode,
    /// How many bytes the peer had sent on this connection before the odd one.
    pub offset: u64,
    /// The framing bytes at that place, at most four; never content.
    pub framing: &'static [u8],
}

impl fmt::Display for FrameWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.code.as_str(), self.offset)?;
        for (index, byte) in self.framing.iter().enumerate() {
            f.write_str(if index == 0 { " (" } else { " " })?;
            write!(f, "{byte:02X}")?;
        }
        f.write_str(if self.framing.is_empty() { "" } else { ")" })
    }
}

/// The oddities of framing, each with a stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WarningCode {
    /// The connection ended inside the frame.
    CutOff,
    /// Nothing between start block and end block.
    EmptyFrame,
    /// More bytes than a frame may have.
    FrameTooLarge,
    /// An end block without a CR behind it, inside the body; taken as data.
    FsInBody,
    /// An end block without a CR behind it that ended the frame: another frame followed, or silence.
    FsWithoutCr,
    /// Bytes before the connection's first frame, or a doubled start block.
    LeadingJunk,
    /// A line feed behind the frame's end.
    LfAfterFs,
    /// `MSH` where a start block was due.
    MissingStart,
    /// Bytes between two frames.
    TrailingBytes,
    /// A start block inside the body: the frame's end is missing, or its content cannot travel in MLLP.
    VtInBody,
}

impl WarningCode {
    /// The name used in logs, counters and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut_off",
            Self::EmptyFrame => "empty_frame",
            Self::FrameTooLarge => "frame_too_large",
            Self::FsInBody => "fs_in_body",
            Self::FsWithoutCr => "fs_without_cr",
            Self::LeadingJunk => "leading_junk",
            Self::LfAfterFs => "lf_after_fs",
            Self::MissingStart => "missing_start",
            Self::TrailingBytes => "trailing_bytes",
            Self::VtInBody => "vt_in_body",
        }
    }
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_frame_shows_its_size_and_framing_and_nothing_of_the_patient() {
        let frame = Frame {
            body: Bytes::from_static(b"PID|1||ROE^RICHARD"),
            warnings: vec![FrameWarning {
                code: WarningCode::FsWithoutCr,
                offset: 19,
                framing: &[FS, VT],
            }],
            truncated: true,
        };
        assert_eq!(
            format!("{frame:?}"),
            "Frame(18 bytes, truncated, fs_without_cr at byte 19 (1C 0B))"
        );
    }
}

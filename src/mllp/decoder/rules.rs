//! What of the framing rules may be broken, and how it is said when too much is.

use crate::mllp::frame::WarningCode;

/// Which deviations from the framing rules are put up with. What is not tolerated is a [`FrameError`], or, for
/// `missing_start` and `fs_without_cr`, a frame that counts as truncated.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches, as the operator sets them"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Take `MSH … FS CR` for a frame although its start block is missing. Off: it is refused.
    pub missing_start: bool,
    /// Take FS without CR for the end of a frame when a start block or silence follows.
    pub fs_without_cr: bool,
    /// Skip a line feed behind a frame.
    pub lf_after_fs: bool,
    /// Skip whatever lies between frames.
    pub leading_junk: bool,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            missing_start: false,
            fs_without_cr: true,
            lf_after_fs: true,
            leading_junk: true,
        }
    }
}

/// Why a connection's bytes cannot be cut into frames any further. The peer's fault; the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A deviation that the settings do not tolerate.
    #[error("{code} at byte {offset} is not tolerated by the settings")]
    NotTolerated {
        /// What it is.
        code: WarningCode,
        /// How many bytes the peer had sent before it.
        offset: u64,
    },
    /// Bytes that belong to no frame, without end.
    #[error("more than {limit} bytes outside of any frame, at byte {offset}")]
    TooMuchJunk {
        /// How many are let pass between two frames.
        limit: u64,
        /// How many bytes the peer had sent before the one too many.
        offset: u64,
    },
}

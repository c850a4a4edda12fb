//! Where the frame that the buffer begins with ends.

use bytes::BytesMut;
use memchr::memchr2;

use super::{Decoder, State};
use crate::mllp::frame::{CR, FS, LF, VT, WarningCode};

/// What may follow a start block that is taken for a start block although a frame has not ended.
const HEADERS: [&[u8]; 3] = [b"MSH", b"FHS", b"BHS"];

/// What a search of the body came to.
pub(super) enum Found {
    /// Neither end nor start: all of it is body so far, up to what `searched` says.
    Nothing,
    /// The frame ends at `at`, and its end block is `length` bytes long.
    End {
        at: usize,
        length: usize,
        warning: Option<&'static [u8]>,
    },
    /// The start block of another frame is at `at`.
    Start { at: usize },
    /// The body is longer than it may be.
    TooLarge,
}

impl Decoder {
    /// Searches from where the last search stopped. Leaves `searched` at the first byte that is still to be decided.
    pub(super) fn search(&mut self, buffer: &BytesMut) -> Found {
        let skipping = self.state == State::Skipping;
        while let Some(found) = buffer
            .get(self.searched..)
            .and_then(|rest| memchr2(VT, FS, rest))
        {
            let at = self.searched + found;
            if at > self.max_frame && !skipping {
                return Found::TooLarge;
            }
            self.searched = at;
            let is_start = buffer.get(at) == Some(&VT);
            let behind = buffer.get(at + 1..).unwrap_or_default();
            if is_start {
                if at == 0 && !skipping || HEADERS.iter().any(|header| behind.starts_with(header)) {
                    return Found::Start { at };
                }
                if HEADERS.iter().any(|header| header.starts_with(behind)) {
                    return Found::Nothing;
                }
                if let State::Body { damaged } = &mut self.state {
                    *damaged = true;
                    self.note(WarningCode::VtInBody, self.offset + at as u64, &[VT]);
                }
            } else {
                if let Some(found) = self.end_behind(at, behind) {
                    return found;
                }
                if !skipping {
                    self.note(WarningCode::FsInBody, self.offset + at as u64, &[FS]);
                }
            }
            self.searched = at + 1;
        }
        self.searched = buffer.len();
        if self.searched > self.max_frame && !skipping {
            return Found::TooLarge;
        }
        Found::Nothing
    }

    /// Whether the FS at `at`, with these bytes behind it, ends the frame; `None` when it is data.
    const fn end_behind(&self, at: usize, behind: &[u8]) -> Option<Found> {
        let alone = self.tolerance.fs_without_cr;
        let line_end = alone && self.tolerance.lf_after_fs;
        let (length, warning): (_, Option<&'static [u8]>) = match behind {
            [CR, ..] => (2, None),
            [VT, ..] if alone => (1, Some(&[FS, VT])),
            [LF, VT, ..] if line_end => (2, Some(&[FS, LF, VT])),
            [] => return Some(Found::Nothing),
            [LF] if line_end => return Some(Found::Nothing),
            _ => return None,
        };
        Some(Found::End {
            at,
            length,
            warning,
        })
    }
}

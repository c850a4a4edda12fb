//! The framing itself: bytes in, frames out, in whatever pieces the bytes arrive. No I/O and no clock.
//!
//! What ends a frame: FS CR. An FS with anything else behind it is data, except that it ends the frame when the next
//! start block follows it, or when the caller has waited long enough for the CR ([`Decoder::grace_elapsed`]).
//!
//! What a VT inside a body means: if a message or batch header follows it, the end of the frame before was lost, and
//! a new frame begins there; otherwise it is a byte that MLLP cannot carry, and the frame goes on to its end but
//! counts as damaged. Either way one frame is refused, and the one behind it is read.

mod fuzz;
mod gap;
mod rules;
mod search;
#[cfg(test)]
mod tests;

use bytes::{Buf, Bytes, BytesMut};

use super::frame::{CR, FS, Frame, FrameWarning, LF, VT, WarningCode};
pub use fuzz::fuzz_decoder;
pub use rules::{FrameError, Tolerance};
use search::Found;

/// How much of an oversize frame is kept, to find its control ID.
const OVERSIZE_HEAD: usize = 4096;
/// Bodies up to this size are copied out of the read buffer, so that a small message never keeps a large buffer alive.
const COPIED_BODY: usize = 16 * 1024;

/// Cuts a byte stream into frames. The caller owns the buffer, appends what it reads, and calls [`Decoder::next`]
/// until that has nothing more; the decoder takes bytes off the buffer's front. One decoder, one buffer, one stream.
#[derive(Debug)]
pub struct Decoder {
    tolerance: Tolerance,
    /// Greatest length of a body; at least 1.
    max_frame: usize,
    state: State,
    /// The buffer's first byte is this one of the stream.
    offset: u64,
    /// How many bytes of the buffer hold neither the end of this frame nor a place that is still to be decided.
    /// Invariant: 0 unless in `Body`, `Unstarted` or `Skipping`; never more than the buffer holds between two calls.
    searched: usize,
    /// Told with the next frame. Invariant: no code twice, so it cannot grow with the stream.
    warnings: Vec<FrameWarning>,
    /// Bytes outside of any frame since the last one. Invariant: at most `gap::MOST_JUNK` unless `Failed`.
    junk: u64,
    /// Whether any of those was more than a blank.
    noise: bool,
    /// Frames begun by a start block so far.
    starts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between frames, where one may begin. `lf`: a line feed here stands right behind a frame's end.
    Between { lf: bool },
    /// Between frames, in bytes that are none; a frame begins only with a start block or behind an FS CR.
    Junk,
    /// The buffer begins with a body whose start block has been taken off. `damaged`: a stray VT was in it.
    Body { damaged: bool },
    /// The buffer begins with `MSH` where a start block was due.
    Unstarted,
    /// In the rest of a frame that was too large.
    Skipping,
    /// Beyond repair; says the same from now on.
    Failed(FrameError),
}

enum Step {
    Frame(Frame),
    Again,
    NeedMore,
}

impl Decoder {
    /// A decoder for one connection. Bodies longer than `max_frame` bytes are refused.
    #[must_use]
    pub fn new(tolerance: Tolerance, max_frame: usize) -> Self {
        Self {
            tolerance,
            max_frame: max_frame.max(1),
            state: State::Between { lf: false },
            offset: 0,
            searched: 0,
            warnings: Vec::new(),
            junk: 0,
            noise: false,
            starts: 0,
        }
    }

    /// The next frame in `buffer`, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The stream cannot be followed any further, see [`FrameError`]; from then on every call says so.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        loop {
            let step = match self.state {
                State::Between { lf } => self.between(buffer, lf),
                State::Junk => self.junk(buffer),
                State::Body { .. } | State::Unstarted => Ok(self.body(buffer)),
                State::Skipping => Ok(self.skip(buffer)),
                State::Failed(error) => Err(error),
            };
            match step {
                Ok(Step::Frame(frame)) => return Ok(Some(frame)),
                Ok(Step::Again) => {}
                Ok(Step::NeedMore) => return Ok(None),
                Err(error) => {
                    self.state = State::Failed(error);
                    self.searched = 0;
                    return Err(error);
                }
            }
        }
    }

    /// Whether a frame has begun and not ended: the time it may take is running.
    #[must_use]
    pub const fn in_frame(&self) -> bool {
        matches!(
            self.state,
            State::Body { .. } | State::Unstarted | State::Skipping
        )
    }

    /// Whether the last byte is an FS that ends the frame if nothing follows it soon.
    #[must_use]
    pub fn awaits_cr(&self, buffer: &BytesMut) -> bool {
        self.in_frame()
            && self.tolerance.fs_without_cr
            && matches!(buffer.get(self.searched..), Some([FS] | [FS, LF]))
    }

    /// The CR behind the FS has been waited for long enough: the frame ends there. Nothing happens unless
    /// [`Decoder::awaits_cr`].
    pub fn grace_elapsed(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        if !self.awaits_cr(buffer) {
            return None;
        }
        let length = buffer.len() - self.searched;
        match self.end(buffer, self.searched, length, Some(&[FS])) {
            Step::Frame(frame) => Some(frame),
            Step::Again | Step::NeedMore => None,
        }
    }

    /// The stream has ended: what was begun is given back as truncated. Call [`Decoder::next`] until it has nothing
    /// more before this.
    pub fn finish(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        if let Some(frame) = self.grace_elapsed(buffer) {
            return Some(frame);
        }
        let State::Body { .. } = self.state else {
            if self.state == State::Unstarted {
                self.note(WarningCode::MissingStart, self.offset, &[]);
            }
            self.advance(buffer, buffer.len());
            return None;
        };
        self.note(WarningCode::CutOff, self.offset + buffer.len() as u64, &[]);
        let body = self.take(buffer, buffer.len());
        self.state = State::Between { lf: false };
        Some(self.frame(body, true))
    }

    /// Warnings that no frame has carried away: what was odd behind the last one.
    pub fn take_warnings(&mut self) -> Vec<FrameWarning> {
        std::mem::take(&mut self.warnings)
    }

    /// Whether more than blanks has come since the last frame, outside of any.
    #[must_use]
    pub const fn has_noise(&self) -> bool {
        self.noise
    }

    /// How many start blocks have begun a frame.
    #[must_use]
    pub const fn starts(&self) -> u64 {
        self.starts
    }

    /// Looks on for the end of the frame the buffer begins with.
    fn body(&mut self, buffer: &mut BytesMut) -> Step {
        match self.search(buffer) {
            Found::Nothing => Step::NeedMore,
            Found::End {
                at,
                length,
                warning,
            } => self.end(buffer, at, length, warning),
            Found::Start { at: 0 } => {
                // A doubled start block: the frame begins at the second.
                self.note(WarningCode::LeadingJunk, self.offset, &[VT, VT]);
                self.state = State::Between { lf: false };
                Step::Again
            }
            Found::Start { at } if self.state == State::Unstarted => {
                self.note(WarningCode::MissingStart, self.offset, &[]);
                self.advance(buffer, at);
                self.state = State::Between { lf: false };
                Step::Again
            }
            Found::Start { at } => {
                self.note(WarningCode::VtInBody, self.offset + at as u64, &[VT]);
                let body = self.take(buffer, at);
                self.state = State::Between { lf: false };
                Step::Frame(self.frame(body, true))
            }
            Found::TooLarge => {
                if self.state == State::Unstarted {
                    self.note(WarningCode::MissingStart, self.offset, &[]);
                }
                let limit = self.max_frame;
                self.note(WarningCode::FrameTooLarge, self.offset + limit as u64, &[]);
                let head = buffer.get(..limit.min(OVERSIZE_HEAD)).unwrap_or_default();
                let head = Bytes::copy_from_slice(head);
                self.advance(buffer, limit);
                self.state = State::Skipping;
                Step::Frame(self.frame(head, true))
            }
        }
    }

    /// Lets the rest of an oversize frame go.
    fn skip(&mut self, buffer: &mut BytesMut) -> Step {
        match self.search(buffer) {
            Found::Nothing | Found::TooLarge => {
                self.advance(buffer, self.searched);
                return Step::NeedMore;
            }
            Found::End { at, length, .. } => return self.end(buffer, at, length, None),
            Found::Start { at } => self.advance(buffer, at),
        }
        self.state = State::Between { lf: false };
        Step::Again
    }

    /// The frame's body is the first `at` bytes, and the next `length` bytes are its end block.
    fn end(
        &mut self,
        buffer: &mut BytesMut,
        at: usize,
        length: usize,
        warning: Option<&'static [u8]>,
    ) -> Step {
        let end = self.offset + at as u64;
        let state = self.state;
        let begin = self.offset;
        let body = if state == State::Skipping {
            self.advance(buffer, at);
            Bytes::new()
        } else {
            self.take(buffer, at)
        };
        self.advance(buffer, length);
        self.state = State::Between {
            lf: warning.is_none(),
        };
        let truncated = match state {
            State::Skipping => return Step::Again,
            State::Unstarted => {
                self.note(WarningCode::MissingStart, begin, &[]);
                !self.tolerance.missing_start
            }
            State::Body { damaged } => damaged,
            State::Between { .. } | State::Junk | State::Failed(_) => false,
        };
        if body.is_empty() {
            self.note(WarningCode::EmptyFrame, end, &[VT, FS, CR]);
        }
        if let Some(framing) = warning {
            self.note(WarningCode::FsWithoutCr, end, framing);
        }
        Step::Frame(self.frame(body, truncated))
    }

    fn frame(&mut self, body: Bytes, truncated: bool) -> Frame {
        self.junk = 0;
        self.noise = false;
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|warning| warning.offset);
        Frame {
            body,
            warnings,
            truncated,
        }
    }

    fn note(&mut self, code: WarningCode, offset: u64, framing: &'static [u8]) {
        if !self.warnings.iter().any(|warning| warning.code == code) {
            self.warnings.push(FrameWarning {
                code,
                offset,
                framing,
            });
        }
    }

    fn advance(&mut self, buffer: &mut BytesMut, count: usize) {
        buffer.advance(count);
        self.offset += count as u64;
        self.searched = 0;
    }

    /// Takes the first `count` bytes out as a body.
    fn take(&mut self, buffer: &mut BytesMut, count: usize) -> Bytes {
        self.offset += count as u64;
        self.searched = 0;
        if count > COPIED_BODY {
            return buffer.split_to(count).freeze();
        }
        let body = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
        buffer.advance(count);
        body
    }
}

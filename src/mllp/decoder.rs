//! The framing itself: bytes in, frames out, in whatever pieces the bytes arrive. No I/O and no clock.
//!
//! What ends a frame: FS CR. An FS with anything else behind it is data, except that it ends the frame when the next
//! start block follows it, or when the caller has waited long enough for the CR ([`Decoder::grace_elapsed`]).
//!
//! What a VT inside a body means: if a message or batch header follows it, the end of the frame before was lost, and
//! a new frame begins there; otherwise it is a byte that MLLP cannot carry, and the frame goes on to its end but
//! counts as damaged. Either way one frame is refused, and the one behind it is read.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

use super::frame::{CR, FS, Frame, FrameWarning, LF, VT, WarningCode};

/// What may follow a start block that is taken for a start block although a frame has not ended.
const HEADERS: [&[u8]; 3] = [b"MSH", b"FHS", b"BHS"];
/// How many bytes that belong to no frame are let pass before the connection is given up.
const MOST_JUNK: u64 = 64 * 1024;
/// How much of an oversize frame is kept, to find its control ID.
const OVERSIZE_HEAD: usize = 4096;
/// Bodies up to this size are copied out of the read buffer, so that a small message never keeps a large buffer alive.
const COPIED_BODY: usize = 16 * 1024;

/// Which deviations from the framing rules are put up with. What is not tolerated is a [`FrameError`], or, for
/// `missing_start` and `fs_without_cr`, a frame that counts as truncated.
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
    /// Bytes outside of any frame since the last one. Invariant: at most [`MOST_JUNK`] unless `Failed`.
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

/// What a search of the body came to.
enum Found {
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

    fn between(&mut self, buffer: &mut BytesMut, lf: bool) -> Result<Step, FrameError> {
        let Some(&first) = buffer.first() else {
            return Ok(Step::NeedMore);
        };
        if first == VT {
            self.advance(buffer, 1);
            self.starts += 1;
            self.state = State::Body { damaged: false };
            return Ok(Step::Again);
        }
        if first == LF && lf {
            if !self.tolerance.lf_after_fs {
                return Err(self.not_tolerated(WarningCode::LfAfterFs));
            }
            self.note(WarningCode::LfAfterFs, self.offset, &[FS, CR, LF]);
            self.advance(buffer, 1);
            self.state = State::Between { lf: false };
            return Ok(Step::Again);
        }
        if buffer.starts_with(b"MSH") {
            self.noise = true;
            self.state = State::Unstarted;
            return Ok(Step::Again);
        }
        if b"MSH".starts_with(buffer) {
            return Ok(Step::NeedMore);
        }
        if is_blank(first) {
            self.drop_junk(buffer, 1)?;
        } else {
            self.noise = true;
            self.state = State::Junk;
        }
        Ok(Step::Again)
    }

    fn junk(&mut self, buffer: &mut BytesMut) -> Result<Step, FrameError> {
        let Some(at) = memchr2(VT, FS, buffer) else {
            self.drop_junk(buffer, buffer.len())?;
            return Ok(Step::NeedMore);
        };
        self.drop_junk(buffer, at)?;
        match buffer.get(..2) {
            _ if buffer.first() == Some(&VT) => self.state = State::Between { lf: false },
            None => return Ok(Step::NeedMore),
            Some([FS, CR]) => {
                self.drop_junk(buffer, 2)?;
                self.state = State::Between { lf: true };
            }
            Some(_) => self.drop_junk(buffer, 1)?,
        }
        Ok(Step::Again)
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

    /// Searches from where the last search stopped. Leaves `searched` at the first byte that is still to be decided.
    fn search(&mut self, buffer: &BytesMut) -> Found {
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
        let lone = self.tolerance.fs_without_cr;
        let line = lone && self.tolerance.lf_after_fs;
        let (length, warning): (_, Option<&'static [u8]>) = match behind {
            [CR, ..] => (2, None),
            [VT, ..] if lone => (1, Some(&[FS, VT])),
            [LF, VT, ..] if line => (2, Some(&[FS, LF, VT])),
            [] => return Some(Found::Nothing),
            [LF] if line => return Some(Found::Nothing),
            _ => return None,
        };
        Some(Found::End {
            at,
            length,
            warning,
        })
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
        Frame {
            body,
            warnings: std::mem::take(&mut self.warnings),
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

    const fn not_tolerated(&self, code: WarningCode) -> FrameError {
        FrameError::NotTolerated {
            code,
            offset: self.offset,
        }
    }

    fn drop_junk(&mut self, buffer: &mut BytesMut, count: usize) -> Result<(), FrameError> {
        if count == 0 {
            return Ok(());
        }
        let code = if self.starts == 0 {
            WarningCode::LeadingJunk
        } else {
            WarningCode::TrailingBytes
        };
        if !self.tolerance.leading_junk {
            return Err(self.not_tolerated(code));
        }
        self.note(code, self.offset, &[]);
        self.junk += count as u64;
        if self.junk > MOST_JUNK {
            return Err(FrameError::TooMuchJunk {
                limit: MOST_JUNK,
                offset: self.offset + count as u64 - (self.junk - MOST_JUNK),
            });
        }
        self.advance(buffer, count);
        Ok(())
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

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | LF | CR | b' ')
}

/// The fuzz target's body: however the bytes are cut, the same frames, warnings and errors come out. The first two
/// bytes of `data` choose the cuts and the settings.
#[doc(hidden)]
pub fn fuzz_decoder(data: &[u8]) {
    let Some((&[step, flags], stream)) = data.split_first_chunk::<2>() else {
        return;
    };
    let tolerance = Tolerance {
        missing_start: flags & 1 != 0,
        fs_without_cr: flags & 2 != 0,
        lf_after_fs: flags & 4 != 0,
        leading_junk: flags & 8 != 0,
    };
    let max_frame = if flags & 16 == 0 { 64 } else { 1 << 20 };
    let whole = decode_in_pieces(stream, stream.len(), tolerance, max_frame);
    let pieces = decode_in_pieces(stream, usize::from(step), tolerance, max_frame);
    assert_eq!(whole, pieces, "pieces of {step} bytes decode differently");
}

/// All that comes out of `stream` when it arrives in pieces of `step` bytes.
fn decode_in_pieces(
    stream: &[u8],
    step: usize,
    tolerance: Tolerance,
    max_frame: usize,
) -> (Vec<Frame>, Vec<FrameWarning>, Option<FrameError>) {
    let mut decoder = Decoder::new(tolerance, max_frame);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(step.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, decoder.take_warnings(), Some(error)),
            }
        }
    }
    frames.extend(decoder.finish(&mut buffer));
    (frames, decoder.take_warnings(), None)
}

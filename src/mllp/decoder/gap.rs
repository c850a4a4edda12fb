//! What lies between two frames: nothing, a line feed, or bytes that belong to none.

use bytes::BytesMut;
use memchr::memchr2;

use super::{Decoder, FrameError, State, Step};
use crate::mllp::frame::{CR, FS, LF, VT, WarningCode};

/// How many bytes that belong to no frame are let pass before the connection is given up.
pub(super) const MOST_JUNK: u64 = 64 * 1024;

impl Decoder {
    pub(super) fn between(&mut self, buffer: &mut BytesMut, lf: bool) -> Result<Step, FrameError> {
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

    pub(super) fn junk(&mut self, buffer: &mut BytesMut) -> Result<Step, FrameError> {
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
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | LF | CR | b' ')
}

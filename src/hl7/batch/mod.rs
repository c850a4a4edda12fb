//! Batches (HL7 v2.9.1 §2.10.3): one input with several messages, in FHS/BHS…BTS/FTS or simply one after the other.
//!
//! Whatever is wrong with the envelope, the messages in it are found. Findings say what was wrong, and where.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use memchr::memchr2;

use super::delimiters::Delimiters;

/// More findings than this are not kept for one input; the messages are found all the same.
const MOST_FINDINGS: usize = 1000;

/// What an input holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Where the messages lie in the input, in order, each from its MSH to the end of its last segment.
    pub messages: Vec<Range<usize>>,
    /// What is wrong around them, in order.
    pub findings: Vec<Finding>,
    /// Whether there is an FHS or BHS.
    pub enveloped: bool,
}

/// Something wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Byte offset in the input, from 0.
    pub offset: usize,
    /// What it is.
    pub kind: FindingKind,
}

/// What can be wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// BTS-1 is not the number of messages since BHS.
    BatchCount {
        /// What BTS-1 says.
        declared: u64,
        /// How many there are.
        found: u64,
    },
    /// BHS and BTS without a message between them.
    EmptyBatch,
    /// FHS and FTS without a message between them.
    EmptyFile,
    /// FTS-1 is not the number of batches since FHS.
    FileCount {
        /// What FTS-1 says.
        declared: u64,
        /// How many there are.
        found: u64,
    },
    /// BHS without BTS.
    MissingBatchTrailer,
    /// FHS without FTS.
    MissingFileTrailer,
    /// One or more lines that belong to no message.
    StrayLine,
    /// BTS without BHS.
    UnexpectedBatchTrailer,
    /// FTS without FHS.
    UnexpectedFileTrailer,
    /// BTS-1 or FTS-1 is there and is no number.
    UnreadableCount,
    /// FHS or BHS whose delimiters cannot be used.
    UnreadableHeader,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::BatchCount { declared, found } => {
                return write!(f, "BTS-1 says {declared} messages, the batch has {found}");
            }
            Self::FileCount { declared, found } => {
                return write!(f, "FTS-1 says {declared} batches, the file has {found}");
            }
            Self::EmptyBatch => "a batch without messages",
            Self::EmptyFile => "a batch file without messages",
            Self::MissingBatchTrailer => "BHS without BTS",
            Self::MissingFileTrailer => "FHS without FTS",
            Self::StrayLine => "a line that belongs to no message",
            Self::UnexpectedBatchTrailer => "BTS without BHS",
            Self::UnexpectedFileTrailer => "FTS without FHS",
            Self::UnreadableCount => "a count that is no number",
            Self::UnreadableHeader => "FHS or BHS with unusable delimiters",
        };
        f.write_str(text)
    }
}

/// Finds the messages in `input`. A line that begins with MSH and a field separator begins one, whatever ends the lines
/// around it; the next MSH, FHS, BHS, BTS or FTS ends it.
#[must_use]
pub fn split(input: &[u8]) -> Batch {
    let mut splitter = Splitter::default();
    let mut from = 0;
    while from < input.len() {
        let rest = input.get(from..).unwrap_or_default();
        let length = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        splitter.line(input, from, from + length);
        from += length + 1;
    }
    splitter.finish(input.len())
}

#[derive(Default)]
struct Splitter {
    found: Batch,
    /// Start of the message in hand, and the end of its last line with its terminator.
    message: Option<Range<usize>>,
    file: Option<Envelope>,
    batch: Option<Envelope>,
    /// Whether the line before was stray: a run of them is one finding.
    stray: bool,
}

/// An FHS or BHS that is open.
struct Envelope {
    offset: usize,
    messages: u64,
    batches: u64,
}

impl Splitter {
    /// One line, `from..to`, terminator not included.
    fn line(&mut self, input: &[u8], from: usize, to: usize) {
        let line = input.get(from..to).unwrap_or_default();
        let text = trim_framing(line);
        if text.is_empty() {
            return;
        }
        let offset = to - text.len();
        let was_stray = std::mem::take(&mut self.stray);
        match Kind::of(text, self.file.is_some() || self.batch.is_some()) {
            Kind::Message => {
                self.close_message();
                for envelope in [&mut self.file, &mut self.batch].into_iter().flatten() {
                    envelope.messages += 1;
                }
                self.message = Some(offset..end_of_line(input, to));
            }
            Kind::FileHeader => {
                self.close_file(offset, None);
                self.file = Some(self.open(text, offset));
            }
            Kind::BatchHeader => {
                self.close_batch(offset, None);
                if let Some(file) = &mut self.file {
                    file.batches += 1;
                }
                self.batch = Some(self.open(text, offset));
            }
            Kind::BatchTrailer => self.close_batch(offset, Some(text)),
            Kind::FileTrailer => self.close_file(offset, Some(text)),
            Kind::Other => {
                if let Some(message) = &mut self.message {
                    message.end = end_of_line(input, to);
                    return;
                }
                self.stray = true;
                if !was_stray {
                    self.report(offset, FindingKind::StrayLine);
                }
            }
        }
    }

    fn open(&mut self, header: &[u8], offset: usize) -> Envelope {
        self.found.enveloped = true;
        if let Err(error) = Delimiters::parse(header, offset) {
            self.report(error.offset, FindingKind::UnreadableHeader);
        }
        Envelope {
            offset,
            messages: 0,
            batches: 0,
        }
    }

    fn close_message(&mut self) {
        self.found.messages.extend(self.message.take());
    }

    fn close_batch(&mut self, offset: usize, trailer: Option<&[u8]>) {
        self.close_message();
        let Some(batch) = self.batch.take() else {
            if trailer.is_some() {
                self.report(offset, FindingKind::UnexpectedBatchTrailer);
            }
            return;
        };
        match trailer {
            None => self.report(batch.offset, FindingKind::MissingBatchTrailer),
            Some(trailer) => match count(trailer) {
                Some(Ok(declared)) if declared != batch.messages => {
                    let found = batch.messages;
                    self.report(offset, FindingKind::BatchCount { declared, found });
                }
                Some(Err(())) => self.report(offset, FindingKind::UnreadableCount),
                _ => {}
            },
        }
        if batch.messages == 0 {
            self.report(batch.offset, FindingKind::EmptyBatch);
        }
    }

    fn close_file(&mut self, offset: usize, trailer: Option<&[u8]>) {
        self.close_batch(offset, None);
        let Some(file) = self.file.take() else {
            if trailer.is_some() {
                self.report(offset, FindingKind::UnexpectedFileTrailer);
            }
            return;
        };
        match trailer {
            None => self.report(file.offset, FindingKind::MissingFileTrailer),
            Some(trailer) => match count(trailer) {
                // Messages that stand in a file without BHS and BTS are one batch.
                Some(Ok(1)) if file.batches == 0 && file.messages > 0 => {}
                Some(Ok(declared)) if declared != file.batches => {
                    let found = file.batches;
                    self.report(offset, FindingKind::FileCount { declared, found });
                }
                Some(Err(())) => self.report(offset, FindingKind::UnreadableCount),
                _ => {}
            },
        }
        if file.messages == 0 && file.batches == 0 {
            self.report(file.offset, FindingKind::EmptyFile);
        }
    }

    fn report(&mut self, offset: usize, kind: FindingKind) {
        if self.found.findings.len() < MOST_FINDINGS {
            self.found.findings.push(Finding { offset, kind });
        }
    }

    fn finish(mut self, end: usize) -> Batch {
        self.close_file(end, None);
        self.close_message();
        self.found.findings.sort_by_key(|finding| finding.offset);
        self.found
    }
}

enum Kind {
    Message,
    FileHeader,
    BatchHeader,
    BatchTrailer,
    FileTrailer,
    Other,
}

impl Kind {
    /// What a line is; a bare `BTS` or `FTS` ends something only where something is `open`.
    fn of(line: &[u8], open: bool) -> Self {
        let separated = line.get(3).is_some_and(u8::is_ascii_punctuation);
        match line.first_chunk::<3>() {
            Some(b"MSH") if separated => Self::Message,
            Some(b"FHS") if separated => Self::FileHeader,
            Some(b"BHS") if separated => Self::BatchHeader,
            Some(b"BTS") if separated || (open && line.len() == 3) => Self::BatchTrailer,
            Some(b"FTS") if separated || (open && line.len() == 3) => Self::FileTrailer,
            _ => Self::Other,
        }
    }
}

/// The line without what files cut out of captures have before it: a byte order mark, start and end blocks, blanks.
fn trim_framing(line: &[u8]) -> &[u8] {
    let mut rest = line;
    loop {
        rest = match rest {
            [0xEF, 0xBB, 0xBF, after @ ..] | [0x0B | 0x1C | b' ' | b'\t', after @ ..] => after,
            _ => return rest,
        };
    }
}

/// Behind the terminator of a line that ends at `to`: CR, LF or CR LF.
fn end_of_line(input: &[u8], to: usize) -> usize {
    match input.get(to..) {
        Some([b'\r', b'\n', ..]) => to + 2,
        Some([_, ..]) => to + 1,
        _ => to,
    }
}

/// The first field of a trailer: nothing, a number, or something that is none.
fn count(trailer: &[u8]) -> Option<Result<u64, ()>> {
    let separator = *trailer.get(3)?;
    let field = trailer
        .split(|&byte| byte == separator)
        .nth(1)?
        .trim_ascii();
    if field.is_empty() {
        return None;
    }
    let number = std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok());
    Some(number.ok_or(()))
}

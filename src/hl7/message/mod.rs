//! A message: raw bytes plus the offsets of its segments.

mod oddity;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use memchr::{memchr, memchr_iter};

use super::charset::{self, Charset, Resolved};
use super::delimiters::Delimiters;
use super::header::Header;
use super::segment::{Segment, Segments};
pub use oddity::{ParseError, ParseErrorKind, ParseWarning, WarningCode};

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// MLLP's start block, stray in files that were cut out of a capture.
pub(super) const START_BLOCK: u8 = 0x0B;
/// MLLP's end block.
pub(super) const END_BLOCK: u8 = 0x1C;
const FRAMING: [u8; 2] = [START_BLOCK, END_BLOCK];
/// More warnings than this are not kept for one message: a hostile one costs no more than its size.
const MOST_WARNINGS: usize = 256;
/// How many segments are made room for before they are counted one by one; a hostile message of mere
/// terminators then costs no more than its size.
const MOST_SEGMENTS_AT_ONCE: usize = 1024;

/// What ends the segments of a message. The standard says CR; senders differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// `\r`; a line feed elsewhere is data.
    Cr,
    /// `\r\n`.
    CrLf,
    /// `\n`: only in a message without any CR.
    Lf,
}

impl Terminator {
    /// The bytes it is written as.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Cr => b"\r",
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// One HL7 v2 message. Clones share the bytes.
#[derive(Clone)]
pub struct Message {
    raw: Bytes,
    delimiters: Delimiters,
    terminator: Terminator,
    segments: Vec<Span>,
    warnings: Vec<ParseWarning>,
    default_charset: Option<Charset>,
    /// Found when first asked for: without a label, all bytes have to be looked at.
    charset: OnceLock<Resolved>,
}

/// Where a segment lies in `raw`, without its terminator. Invariant: `start < end <= raw.len()`.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn of(self, raw: &[u8]) -> &[u8] {
        let range = self.start as usize..self.end as usize;
        raw.get(range).unwrap_or_default()
    }
}

impl Message {
    /// Finds the segments of one message. A byte order mark, blanks and stray MLLP bytes around it are left out and
    /// reported; lines that are no segments are kept and reported.
    ///
    /// If there is any CR, CR alone ends segments (one LF right behind it belongs to it) and other LF are data; if there
    /// is none, LF does.
    ///
    /// # Errors
    /// No readable MSH-1 and MSH-2 at the beginning, see [`ParseErrorKind`].
    pub fn parse(input: impl Into<Bytes>) -> Result<Self, ParseError> {
        let input = input.into();
        let mut warnings = Vec::new();
        let (from, to) = outer_bounds(&input, &mut warnings);
        let raw = input.slice(from..to);
        if raw.is_empty() {
            return Err(ParseError::new(from, ParseErrorKind::Empty));
        }
        if u32::try_from(raw.len()).is_err() {
            return Err(ParseError::new(from, ParseErrorKind::TooLarge));
        }
        let terminator = terminator_of(&raw);
        let end_byte = if terminator == Terminator::Lf { LF } else { CR };
        let header_end = memchr(end_byte, &raw).unwrap_or(raw.len());
        let header = raw.get(..header_end).unwrap_or_default();
        if !raw.starts_with(b"MSH") {
            let kind = if is_wide(&raw) {
                ParseErrorKind::WideCharacters
            } else {
                ParseErrorKind::NoHeader
            };
            return Err(ParseError::new(from, kind));
        }
        let (delimiters, _) = Delimiters::parse(header, from)?;
        if terminator != Terminator::Cr {
            warn(&mut warnings, WarningCode::LineFeeds, from + header_end);
        }
        let segments = find_segments(&raw, end_byte, delimiters.field, from, &mut warnings);
        // A stray end block was found before what stands in front of it.
        warnings.sort_by_key(|warning| warning.offset);
        Ok(Self {
            raw,
            delimiters,
            terminator,
            segments,
            warnings,
            default_charset: None,
            charset: OnceLock::new(),
        })
    }

    /// The same message, with the character set that its source says unlabelled messages have.
    #[must_use]
    pub fn with_default_charset(mut self, charset: Option<Charset>) -> Self {
        self.default_charset = charset;
        self.charset = OnceLock::new();
        self
    }

    /// Its character set, who decided on it, and why the label in MSH-18 was not followed if it was not.
    #[must_use]
    pub fn resolved_charset(&self) -> Resolved {
        *self.charset.get_or_init(|| {
            let header = self.header();
            let alternates = header.segment().repetitions(18).skip(1);
            let label = charset::label_of(header.character_set(), alternates);
            charset::resolve(label, self.default_charset, &self.raw)
        })
    }

    /// The message's bytes, without what [`Message::parse`] left out around them.
    #[must_use]
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// What ends its segments.
    #[must_use]
    pub const fn terminator(&self) -> Terminator {
        self.terminator
    }

    /// What was odd and read all the same, in order of offset; the first 256 of it.
    #[must_use]
    pub fn warnings(&self) -> &[ParseWarning] {
        &self.warnings
    }

    /// The MSH segment.
    #[must_use]
    pub fn header(&self) -> Header<'_> {
        let msh = self
            .segments
            .first()
            .map_or(&[][..], |span| span.of(&self.raw));
        Header::new(Segment::new(msh, self.delimiters))
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.segments
    }
}

impl Segments for Message {
    fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    fn count(&self) -> usize {
        self.segments.len()
    }

    fn at(&self, index: usize) -> Option<Segment<'_>> {
        let span = self.segments.get(index)?;
        Some(Segment::new(span.of(&self.raw), self.delimiters))
    }

    fn charset(&self) -> Charset {
        self.resolved_charset().charset
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, segments, bytes) = (self.header().kind(), self.segments.len(), self.raw.len());
        write!(f, "Message({kind}, {segments} segments, {bytes} bytes)")
    }
}

/// Where the message itself begins and ends in `input`.
fn outer_bounds(input: &[u8], warnings: &mut Vec<ParseWarning>) -> (usize, usize) {
    let (mut from, mut to) = (0, input.len());
    let mut warn = |code, offset| warn(warnings, code, offset);
    let rest = |from: usize| input.get(from..).unwrap_or_default();
    loop {
        if rest(from).starts_with(BOM) {
            warn(WarningCode::ByteOrderMark, from);
            from += BOM.len();
        } else if rest(from).first().is_some_and(|b| FRAMING.contains(b)) {
            warn(WarningCode::StrayFraming, from);
            from += 1;
        } else if rest(from).first().is_some_and(u8::is_ascii_whitespace) {
            if from == 0 || !input.get(from - 1).is_some_and(u8::is_ascii_whitespace) {
                warn(WarningCode::LeadingBlank, from);
            }
            from += 1;
        } else {
            break;
        }
    }
    // An end block counts as stray only behind the last segment; inside, it is some field's business.
    let body = rest(from);
    let tail = body
        .iter()
        .rev()
        .take_while(|b| FRAMING.contains(b) || matches!(**b, CR | LF))
        .count();
    let tail_start = input.len() - tail;
    if let Some(stray) = rest(tail_start).iter().position(|b| FRAMING.contains(b)) {
        to = tail_start + stray;
        warn(WarningCode::StrayFraming, to);
    }
    (from, to)
}

/// Whether this looks like a header in UTF-16 or UTF-32.
fn is_wide(raw: &[u8]) -> bool {
    let marks: [&[u8]; 6] = [
        b"\xFF\xFE",
        b"\xFE\xFF",
        b"M\0S\0",
        b"\0M\0S",
        b"M\0\0\0",
        b"\0\0\0M",
    ];
    marks.iter().any(|mark| raw.starts_with(mark))
}

/// Keeps one more warning, up to a limit.
fn warn(warnings: &mut Vec<ParseWarning>, code: WarningCode, offset: usize) {
    if warnings.len() < MOST_WARNINGS {
        warnings.push(ParseWarning { code, offset });
    }
}

fn terminator_of(raw: &[u8]) -> Terminator {
    match memchr(CR, raw) {
        Some(at) if raw.get(at + 1) == Some(&LF) => Terminator::CrLf,
        None if memchr(LF, raw).is_some() => Terminator::Lf,
        Some(_) | None => Terminator::Cr,
    }
}

fn find_segments(
    raw: &[u8],
    end_byte: u8,
    field: u8,
    base: usize,
    warnings: &mut Vec<ParseWarning>,
) -> Vec<Span> {
    let expected = memchr_iter(end_byte, raw).count() + 1;
    let mut segments = Vec::with_capacity(expected.min(MOST_SEGMENTS_AT_ONCE));
    let mut start = 0;
    let mut blank: Option<usize> = None;
    for end in memchr_iter(end_byte, raw).chain([raw.len()]) {
        // The LF of a CR LF belongs to the terminator before it.
        if end_byte == CR && start > 0 && raw.get(start) == Some(&LF) {
            start += 1;
        }
        if start < end {
            if let Some(offset) = blank.take() {
                warn(warnings, WarningCode::BlankLine, offset);
            }
            let line = raw.get(start..end).unwrap_or_default();
            if !Segment::is_well_named(line, field) {
                warn(warnings, WarningCode::NotASegment, base + start);
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "parse refuses 4 GiB and more"
            )]
            segments.push(Span {
                start: start as u32,
                end: end as u32,
            });
        } else if blank.is_none() {
            blank = Some(base + start);
        }
        start = end + 1;
    }
    // By the rule these line feeds are data, but a sender that mixes line ends means segments: say so.
    if end_byte == CR {
        for at in memchr_iter(LF, raw).filter(|&at| at == 0 || raw.get(at - 1) != Some(&CR)) {
            let rest = raw.get(at + 1..).unwrap_or_default();
            if Segment::is_well_named(rest, field) {
                warn(warnings, WarningCode::LineFeedInSegment, base + at);
            }
        }
    }
    segments
}

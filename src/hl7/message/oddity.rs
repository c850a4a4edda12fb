//! What makes a message unreadable, and what is odd and read all the same.

/// Why bytes are no HL7 v2 message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// Byte offset in the input, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

impl ParseError {
    pub(crate) const fn new(offset: usize, kind: ParseErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// What makes a message unreadable. Everything else is read and, where odd, flagged with a [`ParseWarning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// There is nothing but blanks.
    #[error("an empty message")]
    Empty,
    /// MSH-2 has no or more than five characters.
    #[error("MSH-2 with {count} encoding characters (1 to 5 expected)")]
    EncodingCharacters {
        /// How many there are.
        count: usize,
    },
    /// Two delimiters are the same character.
    #[error("a delimiter declared twice in MSH-1 and MSH-2")]
    EqualDelimiters,
    /// The header ends before its delimiters.
    #[error("a header that ends before MSH-2")]
    HeaderTooShort,
    /// The first segment is not MSH.
    #[error("no MSH segment (a message begins with MSH)")]
    NoHeader,
    /// More than 4 GiB.
    #[error("a message too large to address (4 GiB at most)")]
    TooLarge,
    /// A delimiter is a letter, a digit, a blank or a control character.
    #[error("a delimiter that is no punctuation character")]
    UnusableDelimiter,
    /// UTF-16 or UTF-32.
    #[error("two or four bytes a character (UTF-16 and UTF-32 collide with the bytes of MLLP)")]
    WideCharacters,
}

/// An oddity that was read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseWarning {
    /// What it is.
    pub code: WarningCode,
    /// Byte offset in the input, from 0.
    pub offset: usize,
}

/// The oddities that are tolerated, each with a stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningCode {
    /// An empty line between two segments; kept when the message is written.
    BlankLine,
    /// A byte order mark before MSH; not part of the message.
    ByteOrderMark,
    /// Blanks or line ends before MSH; not part of the message.
    LeadingBlank,
    /// An LF with a segment ID behind it, in a message whose segments end in CR: data, though perhaps not meant so.
    LineFeedInSegment,
    /// Segments end in LF or CR LF and not in CR.
    LineFeeds,
    /// A line without a segment ID; kept and addressable by its place only.
    NotASegment,
    /// Start or end blocks of MLLP around the message; not part of it.
    StrayFraming,
}

impl WarningCode {
    /// The name used in reports, metrics and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BlankLine => "blank_line",
            Self::ByteOrderMark => "byte_order_mark",
            Self::LeadingBlank => "leading_blank",
            Self::LineFeedInSegment => "line_feed_in_segment",
            Self::LineFeeds => "line_feeds",
            Self::NotASegment => "not_a_segment",
            Self::StrayFraming => "stray_framing",
        }
    }
}

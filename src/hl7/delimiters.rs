//! The delimiters a sender declares in MSH-1 and MSH-2 (HL7 v2.9.1 §2.4.4).
//!
//! They are taken as they come: one to five encoding characters, any printable ASCII set. A separator that was not
//! declared does not exist for that message; nothing is filled in.

use nom::Parser;
use nom::bytes::complete::take;
use nom::error::Error;

use super::message::{ParseError, ParseErrorKind};

/// The characters that structure one message. `None` means that the sender did not declare that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// MSH-1, usually `|`.
    pub field: u8,
    /// First character of MSH-2, usually `^`.
    pub component: Option<u8>,
    /// Second character of MSH-2, usually `~`.
    pub repetition: Option<u8>,
    /// Third character of MSH-2, usually `\`.
    pub escape: Option<u8>,
    /// Fourth character of MSH-2, usually `&`.
    pub subcomponent: Option<u8>,
    /// Fifth character of MSH-2, usually `#`: the truncation character (v2.7 and later, accepted in any version).
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// The recommended set, `|^~\&`.
    pub const STANDARD: Self = Self {
        field: b'|',
        component: Some(b'^'),
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads a header segment's first bytes (`MSH|^~\&|…`, also `FHS` and `BHS`), and gives the length of MSH-2.
    ///
    /// # Errors
    /// A header that ends too soon, and separators that are equal, blank, letters, digits or control characters;
    /// the offset is that of the offending byte, counted from `base`.
    pub(crate) fn parse(header: &[u8], base: usize) -> Result<(Self, usize), ParseError> {
        let mut start = (take::<_, _, Error<&[u8]>>(3_usize), take(1_usize));
        let Ok((rest, (_, field))) = start.parse(header) else {
            return Err(ParseError::new(
                base + header.len(),
                ParseErrorKind::HeaderTooShort,
            ));
        };
        let field = field.first().copied().unwrap_or_default();
        check(field, base + 3)?;
        let length = memchr::memchr(field, rest).unwrap_or(rest.len());
        let (characters, _) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if characters.is_empty() || characters.len() > 5 {
            let kind = ParseErrorKind::EncodingCharacters {
                count: characters.len(),
            };
            return Err(ParseError::new(base + 4, kind));
        }
        for (at, &character) in characters.iter().enumerate() {
            check(character, base + 4 + at)?;
            if characters
                .iter()
                .take(at)
                .any(|&earlier| earlier == character)
            {
                return Err(ParseError::new(
                    base + 4 + at,
                    ParseErrorKind::EqualDelimiters,
                ));
            }
        }
        let nth = |n: usize| characters.get(n).copied();
        let delimiters = Self {
            field,
            component: nth(0),
            repetition: nth(1),
            escape: nth(2),
            subcomponent: nth(3),
            truncation: nth(4),
        };
        Ok((delimiters, length))
    }

    /// MSH-2 as it was declared, two to five characters in practice (`^~\&`).
    #[must_use]
    pub fn encoding_characters(&self) -> Vec<u8> {
        [
            self.component,
            self.repetition,
            self.escape,
            self.subcomponent,
            self.truncation,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether `byte` separates something in this message or begins an escape sequence.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        let byte_is = |d: Option<u8>| d == Some(byte);
        self.field == byte
            || byte_is(self.component)
            || byte_is(self.repetition)
            || byte_is(self.escape)
            || byte_is(self.subcomponent)
    }
}

fn check(character: u8, offset: usize) -> Result<(), ParseError> {
    if character.is_ascii_punctuation() {
        return Ok(());
    }
    Err(ParseError::new(offset, ParseErrorKind::UnusableDelimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &[u8]) -> Result<(Delimiters, usize), ParseError> {
        Delimiters::parse(header, 0)
    }

    #[test]
    fn the_standard_set_and_any_other_are_taken_as_declared() {
        assert_eq!(parse(b"MSH|^~\\&|A").unwrap(), (Delimiters::STANDARD, 4));
        let (odd, _) = parse(b"MSH#@*!%#A").unwrap();
        assert_eq!(
            (odd.field, odd.component, odd.subcomponent),
            (b'#', Some(b'@'), Some(b'%'))
        );
        let (seven, length) = parse(b"MSH|^~\\&#|A").unwrap();
        assert_eq!((seven.truncation, length), (Some(b'#'), 5));
    }

    #[test]
    fn separators_that_were_not_declared_do_not_exist() {
        let (two, _) = parse(b"MSH|^~|A").unwrap();
        assert_eq!(
            (two.repetition, two.escape, two.subcomponent),
            (Some(b'~'), None, None)
        );
    }

    #[test]
    fn unusable_sets_are_refused_at_the_offending_byte() {
        let offset = |header: &[u8]| parse(header).unwrap_err().offset;
        assert_eq!(offset(b"MSH|^^\\&|"), 5, "equal");
        assert_eq!(offset(b"MSH|^~\\^|"), 7, "the same again");
    }

    #[test]
    fn letters_digits_blanks_and_too_many_are_refused() {
        for header in [
            &b"MSHA^~\\&A"[..],
            b"MSH ^~\\& ",
            b"MSH|A~\\&|",
            b"MSH|^~\\&#!|",
            b"MSH||",
            b"MSH|",
            b"MSH",
        ] {
            assert!(parse(header).is_err(), "{}", header.escape_ascii());
        }
    }
}

//! Paths: the words in which configuration, errors, commands and documents name a place in a message.
//!
//! `PID-3[2].1`, `OBX[3]-5`, `OBX[*]-5`, `PV1-3.1.2`: everything counts from 1; a segment's occurrence stands in
//! brackets behind its ID, a repetition behind the field number. `.` may stand for `-` (`PID.3.1`).

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::opt;
use nom::error::Error;
use nom::sequence::delimited;
use nom::{IResult, Parser};

/// A segment's three-character ID: a capital letter, then capitals or digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentName([u8; 3]);

impl SegmentName {
    /// The message header.
    pub const MSH: Self = Self(*b"MSH");
    /// The acknowledgment.
    pub const MSA: Self = Self(*b"MSA");
    /// An error.
    pub const ERR: Self = Self(*b"ERR");

    pub(super) const fn new(name: [u8; 3]) -> Self {
        Self(name)
    }

    pub(super) const fn is_valid(name: [u8; 3]) -> bool {
        let [a, b, c] = name;
        a.is_ascii_uppercase()
            && (b.is_ascii_uppercase() || b.is_ascii_digit())
            && (c.is_ascii_uppercase() || c.is_ascii_digit())
    }

    /// The three bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 3] {
        &self.0
    }
}

impl FromStr for SegmentName {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(name) if Self::is_valid(name) => Ok(Self(name)),
            _ => Err(PathError {
                offset: 0,
                expected: SEGMENT_EXPECTED,
            }),
        }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&byte| write!(f, "{}", char::from(byte)))
    }
}

impl fmt::Debug for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which of several segments or repetitions is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occurrence {
    /// Nothing was said: the first one (for a field that is not cut further: all its repetitions as one value).
    Unsaid,
    /// `[2]`: the second. From 1.
    Nth(u32),
    /// `[*]`: each.
    All,
}

/// A place in a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Which segments.
    pub segment: SegmentName,
    /// Which of the segments with that ID.
    pub occurrence: Occurrence,
    /// Field number, from 1; `None` means the segment as a whole.
    pub field: Option<u16>,
    /// Which repetition of the field.
    pub repetition: Occurrence,
    /// Component number, from 1.
    pub component: Option<u16>,
    /// Subcomponent number, from 1.
    pub subcomponent: Option<u16>,
}

const SEGMENT_EXPECTED: &str = "a segment ID of three capitals or digits, as in PID-3.1";
const NUMBER_EXPECTED: &str = "a number from 1 to 65535";
const BRACKET_EXPECTED: &str = "[n] from 1, or [*]";
const END_EXPECTED: &str = "the end of the path, or - . [ and a number";

/// A path that cannot be read: where, and what would be right there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at character {}", self.offset + 1)]
pub struct PathError {
    /// Byte offset in the path's text, from 0.
    pub offset: usize,
    /// What is expected there.
    pub expected: &'static str,
}

impl Path {
    /// A path to a whole field of the first segment called `segment`.
    #[must_use]
    pub const fn field(segment: [u8; 3], field: u16) -> Self {
        Self {
            segment: SegmentName(segment),
            occurrence: Occurrence::Unsaid,
            field: Some(field),
            repetition: Occurrence::Unsaid,
            component: None,
            subcomponent: None,
        }
    }

    /// The same place, one level down: component `number` of the field.
    #[must_use]
    pub const fn component(self, number: u16) -> Self {
        Self {
            component: Some(number),
            ..self
        }
    }

    /// Reads the longest path at the beginning of `text` and gives what is left of it: for languages that have
    /// paths as words.
    ///
    /// # Errors
    /// Where in `text` the path goes wrong and what was expected there.
    pub fn parse_prefix(text: &str) -> Result<(Self, &str), PathError> {
        let at = |rest: &str, expected| PathError {
            offset: text.len() - rest.len(),
            expected,
        };
        let name = text.as_bytes().first_chunk::<3>().copied();
        let (Some(name), Some(mut rest)) = (name, text.get(3..)) else {
            return Err(at(text, SEGMENT_EXPECTED));
        };
        if !SegmentName::is_valid(name) {
            return Err(at(text, SEGMENT_EXPECTED));
        }
        let occurrence = bracket(&mut rest).map_err(|rest| at(rest, BRACKET_EXPECTED))?;
        let mut path = Self {
            segment: SegmentName(name),
            occurrence,
            field: None,
            repetition: Occurrence::Unsaid,
            component: None,
            subcomponent: None,
        };
        path.field = number(&mut rest, "-.").map_err(|rest| at(rest, NUMBER_EXPECTED))?;
        if path.field.is_some() {
            path.repetition = bracket(&mut rest).map_err(|rest| at(rest, BRACKET_EXPECTED))?;
            path.component = number(&mut rest, ".-").map_err(|rest| at(rest, NUMBER_EXPECTED))?;
        }
        if path.component.is_some() {
            path.subcomponent =
                number(&mut rest, ".-").map_err(|rest| at(rest, NUMBER_EXPECTED))?;
        }
        Ok((path, rest))
    }

    /// Whether the path has a `[*]` and so may lead to several values.
    #[must_use]
    pub fn is_wild(&self) -> bool {
        self.occurrence == Occurrence::All || self.repetition == Occurrence::All
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        match Self::parse_prefix(text)? {
            (path, "") => Ok(path),
            (_, rest) => Err(PathError {
                offset: text.len() - rest.len(),
                expected: END_EXPECTED,
            }),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.segment, self.occurrence)?;
        if let Some(field) = self.field {
            write!(f, "-{field}{}", self.repetition)?;
        }
        for number in [self.component, self.subcomponent].into_iter().flatten() {
            write!(f, ".{number}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => Ok(()),
            Self::Nth(n) => write!(f, "[{n}]"),
            Self::All => f.write_str("[*]"),
        }
    }
}

type Failed<'a> = &'a str;

/// Takes `[n]` or `[*]` off `rest` if it begins with a bracket.
fn bracket<'a>(rest: &mut &'a str) -> Result<Occurrence, Failed<'a>> {
    if !rest.starts_with('[') {
        return Ok(Occurrence::Unsaid);
    }
    let inside = alt((tag("*"), digits));
    let parsed: IResult<&str, &str> = delimited(char('['), inside, char(']')).parse(*rest);
    let (after, inside) = parsed.map_err(|_| *rest)?;
    let occurrence = match inside {
        "*" => Occurrence::All,
        number => match number.parse() {
            Ok(n) if n > 0 => Occurrence::Nth(n),
            _ => return Err(*rest),
        },
    };
    *rest = after;
    Ok(occurrence)
}

/// Takes a separator out of `separators` and a number off `rest` if a separator and a digit stand there.
fn number<'a>(rest: &mut &'a str, separators: &'static str) -> Result<Option<u16>, Failed<'a>> {
    let parsed: IResult<&str, Option<char>> = opt(one_of(separators)).parse(*rest);
    let Ok((after, Some(_))) = parsed else {
        return Ok(None);
    };
    let (behind, number) = digits(after).map_err(|_| after)?;
    match number.parse() {
        Ok(number) if number > 0 => {
            *rest = behind;
            Ok(Some(number))
        }
        _ => Err(after),
    }
}

fn digits(text: &str) -> IResult<&str, &str> {
    take_while1::<_, _, Error<&str>>(|c: char| c.is_ascii_digit()).parse(text)
}

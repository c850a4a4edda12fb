//! Steps on whole segments: add, drop, keep.

use super::edit::Work;
use super::error::StepErrorKind;
use super::run::Fault;
use crate::condition::Scope;
use crate::hl7::{Delimiters, Occurrence, Path, SegmentName, Segments, escape};
use crate::route::text::Text;

/// A segment as it is written in the configuration, with the recommended delimiters (`ZPI|1||A^B`). In a message it
/// gets that message's delimiters and character set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSegment {
    text: String,
}

/// A text that is no segment: where, and what would be right there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at character {}", self.offset + 1)]
pub struct NewSegmentError {
    /// Offset in characters from 0.
    pub offset: usize,
    /// What is expected there.
    pub expected: &'static str,
}

impl NewSegment {
    /// Reads a segment.
    ///
    /// # Errors
    /// A text that does not begin with a segment ID and `|`, one that is a header or trailer, and line ends.
    pub fn parse(text: &str) -> Result<Self, NewSegmentError> {
        let fault = |offset, expected| Err(NewSegmentError { offset, expected });
        let (name, rest) = text.split_at_checked(3).unwrap_or((text, ""));
        let Ok(name) = name.parse::<SegmentName>() else {
            return fault(0, "a segment ID of three capitals or digits, as in ZPI|1");
        };
        if matches!(name.bytes(), b"MSH" | b"FHS" | b"BHS" | b"BTS" | b"FTS") {
            return fault(0, "a segment that is no header and no trailer");
        }
        if !(rest.is_empty() || rest.starts_with('|')) {
            return fault(3, "|");
        }
        match text.chars().position(char::is_control) {
            Some(offset) => fault(offset, "a character that can be printed"),
            None => Ok(Self {
                text: text.to_owned(),
            }),
        }
    }

    /// Its ID.
    #[must_use]
    pub fn name(&self) -> Option<SegmentName> {
        self.text.get(..3)?.parse().ok()
    }

    /// The segment in a message's own delimiters and character set.
    fn raw(&self, text: Text<'_>) -> Result<Vec<u8>, StepErrorKind> {
        let ours = Delimiters::STANDARD;
        let theirs = *text.delimiters();
        let mut out = Vec::with_capacity(self.text.len() + 16);
        let mut value = String::new();
        for character in self.text.chars() {
            let separator = match character {
                '|' => Some(Some(theirs.field)),
                '^' => Some(theirs.component),
                '~' => Some(theirs.repetition),
                '&' => Some(theirs.subcomponent),
                _ => None,
            };
            let Some(separator) = separator else {
                value.push(character);
                continue;
            };
            push(&mut out, &std::mem::take(&mut value), ours, text)?;
            out.push(separator.ok_or(StepErrorKind::NoSeparator)?);
        }
        push(&mut out, &value, ours, text)?;
        Ok(out)
    }
}

/// Writes one value of the configuration's segment; `""` is the delete indicator.
fn push(
    out: &mut Vec<u8>,
    value: &str,
    ours: Delimiters,
    text: Text<'_>,
) -> Result<(), StepErrorKind> {
    if value == "\"\"" {
        out.extend_from_slice(value.as_bytes());
        return Ok(());
    }
    let said = escape::decode(value.as_bytes(), &ours);
    let said = String::from_utf8_lossy(&said);
    out.extend(text.encode(&said)?);
    Ok(())
}

impl Work<'_> {
    pub(super) fn add_segment(
        &mut self,
        segment: &NewSegment,
        after: Option<SegmentName>,
    ) -> Result<(), Fault> {
        let raw = segment.raw(self.text)?;
        let index = match after {
            None => self.draft.count(),
            Some(name) => match self.draft.named(name).last() {
                Some((index, _)) => index + 1,
                None => return Err(StepErrorKind::NoAnchor.into()),
            },
        };
        self.draft
            .insert(index, &raw)
            .map_err(|error| StepErrorKind::from(error).into())
    }

    pub(super) fn drop_segment(&mut self, path: &Path) {
        if Scope::of(self.scope, path).is_some() {
            self.dropped = true;
            return;
        }
        let mut seen = 0;
        self.draft.retain(|_, segment| {
            if segment.name() != Some(path.segment) {
                return true;
            }
            seen += 1;
            match path.occurrence {
                Occurrence::Unsaid | Occurrence::All => false,
                Occurrence::Nth(n) => n != seen,
            }
        });
    }

    pub(super) fn keep_segments(&mut self, segments: &[SegmentName]) {
        self.draft
            .retain(|_, segment| segment.name().is_some_and(|name| segments.contains(&name)));
    }
}

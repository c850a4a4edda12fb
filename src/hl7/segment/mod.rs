//! Reading: a segment, its fields, and what is below them, cut out of a slice when asked for.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::escape;
use super::path::{Occurrence, Path, SegmentName};

/// One segment of a message, or a line that is none.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    bytes: &'a [u8],
    delimiters: Delimiters,
}

/// What a field, component or subcomponent says (HL7 v2.9.1 §2.4.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Absent or empty: says nothing.
    NotPopulated,
    /// `""`: delete what you have.
    DeleteIndicator,
    /// Bytes as they were sent: still escaped, in the sender's character set.
    Populated(&'a [u8]),
}

impl<'a> Segment<'a> {
    pub(super) const fn new(bytes: &'a [u8], delimiters: Delimiters) -> Self {
        Self { bytes, delimiters }
    }

    /// Whether a line begins with a segment ID (a capital letter, then two capitals or digits) and ends there or goes
    /// on with the field separator.
    pub(super) fn is_well_named(line: &[u8], field: u8) -> bool {
        let Some((name, rest)) = line.split_first_chunk::<3>() else {
            return false;
        };
        SegmentName::is_valid(*name) && rest.first().is_none_or(|&next| next == field)
    }

    /// Its three-character ID, or `None` for a line that is no segment.
    #[must_use]
    pub fn name(&self) -> Option<SegmentName> {
        if !Self::is_well_named(self.bytes, self.delimiters.field) {
            return None;
        }
        self.bytes
            .first_chunk::<3>()
            .map(|name| SegmentName::new(*name))
    }

    /// The delimiters of its message.
    #[must_use]
    pub const fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    /// Its bytes, without the terminator.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether this segment declares the delimiters, so that its fields 1 and 2 are MSH-1 and MSH-2.
    #[must_use]
    pub fn declares_delimiters(&self) -> bool {
        matches!(
            self.bytes.first_chunk::<3>(),
            Some(b"MSH" | b"FHS" | b"BHS")
        )
    }

    /// Field `number`, from 1, all its repetitions; `None` beyond the last. MSH-1 is the field separator itself.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&'a [u8]> {
        let skip = if self.declares_delimiters() {
            if number == 1 {
                return self.bytes.get(3..4);
            }
            number.checked_sub(1)?
        } else {
            number
        };
        if skip == 0 {
            return None;
        }
        nth(self.bytes, Some(self.delimiters.field), skip + 1)
    }

    /// How many fields there are: the highest number for which [`Segment::field`] gives one.
    #[must_use]
    pub fn field_count(&self) -> usize {
        let separators = memchr_iter(self.delimiters.field, self.bytes).count();
        separators + usize::from(self.declares_delimiters())
    }

    /// The parts of field `number` cut at the repetition separator; MSH-1 and MSH-2 are never cut.
    pub fn repetitions(&self, number: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let separator = match (self.declares_delimiters(), number) {
            (true, 1 | 2) => None,
            _ => self.delimiters.repetition,
        };
        self.field(number)
            .into_iter()
            .flat_map(move |field| parts(field, separator))
    }

    /// What `path` says of this segment: its field, repetition, component and subcomponent (the segment part of the
    /// path is not looked at). A path that stops at a segment gives all of it; one that stops at a field
    /// without a repetition gives all repetitions; one that goes deeper means the first repetition.
    #[must_use]
    pub fn read(&self, path: &Path) -> Option<&'a [u8]> {
        let Some(number) = path.field else {
            return Some(self.bytes);
        };
        let number = usize::from(number);
        let repetition = match path.repetition {
            Occurrence::Nth(n) => n as usize,
            Occurrence::All | Occurrence::Unsaid if path.component.is_none() => {
                return self.field(number);
            }
            Occurrence::All | Occurrence::Unsaid => 1,
        };
        let value = self.repetitions(number).nth(repetition.checked_sub(1)?)?;
        self.read_below(value, number, path)
    }

    /// Every value that `path` says of this segment where `[*]` means each repetition.
    pub(super) fn read_all(&self, path: &Path, found: &mut Vec<&'a [u8]>) {
        match (path.field, path.repetition) {
            (Some(number), Occurrence::All) => {
                let number = usize::from(number);
                let each = self.repetitions(number);
                found.extend(each.filter_map(|value| self.read_below(value, number, path)));
            }
            _ => found.extend(self.read(path)),
        }
    }

    fn read_below(&self, value: &'a [u8], number: usize, path: &Path) -> Option<&'a [u8]> {
        let whole = self.declares_delimiters() && number <= 2;
        let cut_at = |separator: Option<u8>| if whole { None } else { separator };
        let Some(component) = path.component else {
            return Some(value);
        };
        let value = nth(
            value,
            cut_at(self.delimiters.component),
            usize::from(component),
        )?;
        let Some(subcomponent) = path.subcomponent else {
            return Some(value);
        };
        nth(
            value,
            cut_at(self.delimiters.subcomponent),
            usize::from(subcomponent),
        )
    }
}

impl std::fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Segment({name}, {} bytes)", self.bytes.len()),
            None => write!(f, "Segment(unnamed, {} bytes)", self.bytes.len()),
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotPopulated => f.write_str("NotPopulated"),
            Self::DeleteIndicator => f.write_str("DeleteIndicator"),
            Self::Populated(bytes) => write!(f, "Populated({} bytes)", bytes.len()),
        }
    }
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        match bytes {
            None | Some(b"") => Self::NotPopulated,
            Some(b"\"\"") => Self::DeleteIndicator,
            Some(bytes) => Self::Populated(bytes),
        }
    }
}

/// Something that has segments: a message as it came, or a draft of one.
pub trait Segments {
    /// The delimiters that hold for all of it.
    fn delimiters(&self) -> &Delimiters;

    /// How many segments there are, lines that are none included.
    fn count(&self) -> usize;

    /// Segment `index`, from 0.
    fn at(&self, index: usize) -> Option<Segment<'_>>;

    /// The character set its text is in.
    fn charset(&self) -> Charset;

    /// Every segment with its index, in order.
    fn iter(&self) -> impl Iterator<Item = (usize, Segment<'_>)> {
        (0..self.count()).filter_map(|index| Some((index, self.at(index)?)))
    }

    /// The segments called `name`, each with its index.
    fn named(&self, name: SegmentName) -> impl Iterator<Item = (usize, Segment<'_>)> {
        self.iter()
            .filter(move |(_, segment)| segment.name() == Some(name))
    }

    /// The first value `path` leads to: raw bytes, still escaped. `None` where the path leads nowhere; empty where
    /// the place exists and is empty. `[*]` takes the first.
    fn first(&self, path: &Path) -> Option<&[u8]> {
        let skip = match path.occurrence {
            Occurrence::Nth(n) => (n as usize).checked_sub(1)?,
            Occurrence::All | Occurrence::Unsaid => 0,
        };
        let (_, segment) = self.named(path.segment).nth(skip)?;
        segment.read(path)
    }

    /// Every value that `path` leads to: with `[*]`, one for each occurrence and repetition that has the place.
    fn all(&self, path: &Path) -> Vec<&[u8]> {
        let mut found = Vec::new();
        match path.occurrence {
            Occurrence::All => {
                for (_, segment) in self.named(path.segment) {
                    segment.read_all(path, &mut found);
                }
            }
            Occurrence::Unsaid | Occurrence::Nth(_) => {
                let skip = match path.occurrence {
                    Occurrence::Nth(n) => (n as usize).checked_sub(1),
                    Occurrence::Unsaid | Occurrence::All => Some(0),
                };
                let segment = skip.and_then(|skip| self.named(path.segment).nth(skip));
                if let Some((_, segment)) = segment {
                    segment.read_all(path, &mut found);
                }
            }
        }
        found
    }

    /// What the first value `path` leads to says.
    fn value(&self, path: &Path) -> Value<'_> {
        Value::from(self.first(path))
    }

    /// The first value `path` leads to as text: unescaped (formatting such as `\.br\` is kept) and decoded; bytes that
    /// cannot be read show as U+FFFD. A path should lead to something without parts: separators are not text.
    fn text(&self, path: &Path) -> Option<Cow<'_, str>> {
        Some(self.text_of(self.first(path)?))
    }

    /// A raw value of this message as text, as [`Segments::text`] gives it.
    fn text_of<'a>(&self, value: &'a [u8]) -> Cow<'a, str> {
        match escape::decode(value, self.delimiters()) {
            Cow::Borrowed(bytes) => self.charset().decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(self.charset().decode(&bytes).into_owned()),
        }
    }
}

/// Part `number`, from 1, of `bytes` cut at `separator`; without a separator the whole is part 1.
pub(super) fn nth(bytes: &[u8], separator: Option<u8>, number: usize) -> Option<&[u8]> {
    parts(bytes, separator).nth(number.checked_sub(1)?)
}

/// `bytes` cut at `separator`: always at least one part.
pub(super) fn parts(bytes: &[u8], separator: Option<u8>) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let cut = separator.and_then(|separator| memchr(separator, bytes));
        let part = if let Some(at) = cut {
            rest = bytes.get(at + 1..);
            bytes.get(..at)?
        } else {
            rest = None;
            bytes
        };
        Some(part)
    })
}

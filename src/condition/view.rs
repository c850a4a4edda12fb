//! How conditions and steps read a message: values by path, as text, within the segment a step is at.

use std::borrow::Cow;

use super::table::Tables;
use crate::hl7::{Occurrence, Path, Segment, SegmentName, Segments};

/// A message to be asked, with the tables that answers come from.
pub(crate) struct View<'a, S> {
    pub(crate) message: &'a S,
    pub(crate) tables: &'a Tables,
    scope: Option<Scope>,
}

/// The segment that `each` is at: paths to its name without an occurrence mean this one.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) name: SegmentName,
    pub(crate) index: usize,
}

impl Scope {
    /// The index of the segment that `path` means, if it means the one this scope is at.
    pub(crate) fn of(scope: Option<Self>, path: &Path) -> Option<usize> {
        let scope = scope?;
        let meant = path.segment == scope.name && path.occurrence == Occurrence::Unsaid;
        meant.then_some(scope.index)
    }
}

impl<'a, S: Segments> View<'a, S> {
    pub(crate) const fn new(message: &'a S, tables: &'a Tables) -> Self {
        let scope = None;
        Self {
            message,
            tables,
            scope,
        }
    }

    /// The same within the segment that `each` is at.
    pub(crate) const fn within(message: &'a S, tables: &'a Tables, scope: Option<Scope>) -> Self {
        Self {
            message,
            tables,
            scope,
        }
    }

    /// The first value at `path`, raw. `None` where the path leads nowhere.
    pub(crate) fn first(&self, path: &Path) -> Option<&'a [u8]> {
        let mut found = None;
        self.any(path, |raw| {
            found = Some(raw);
            true
        });
        found
    }

    /// Whether `test` holds for a value that `path` leads to; asks no further than the first for which it does.
    /// Nothing is allocated, and each segment is looked at once.
    pub(crate) fn any(&self, path: &Path, mut test: impl FnMut(&'a [u8]) -> bool) -> bool {
        if let Some(index) = Scope::of(self.scope, path) {
            let segment = self.message.at(index);
            return segment.is_some_and(|segment| any_in(&segment, path, &mut test));
        }
        let mut segments = self.message.named(path.segment);
        match path.occurrence {
            Occurrence::All => segments.any(|(_, segment)| any_in(&segment, path, &mut test)),
            Occurrence::Unsaid | Occurrence::Nth(_) => {
                let nth = if let Occurrence::Nth(n) = path.occurrence {
                    n as usize
                } else {
                    1
                };
                let segment = segments.nth(nth.saturating_sub(1));
                segment.is_some_and(|(_, segment)| any_in(&segment, path, &mut test))
            }
        }
    }

    /// A raw value as text: decoded and unescaped.
    pub(crate) fn text(&self, raw: &'a [u8]) -> Cow<'a, str> {
        decode(self.message, raw)
    }
}

fn any_in<'a>(segment: &Segment<'a>, path: &Path, test: &mut impl FnMut(&'a [u8]) -> bool) -> bool {
    let (Some(field), Occurrence::All) = (path.field, path.repetition) else {
        return segment.read(path).is_some_and(test);
    };
    let mut repetitions = segment.repetitions(usize::from(field));
    repetitions.any(|value| below(segment, value, path).is_some_and(&mut *test))
}

/// The component and subcomponent of `path` in one repetition.
fn below<'a>(segment: &Segment<'a>, value: &'a [u8], path: &Path) -> Option<&'a [u8]> {
    let delimiters = segment.delimiters();
    let levels = [
        (path.component, delimiters.component),
        (path.subcomponent, delimiters.subcomponent),
    ];
    let mut value = value;
    for (number, separator) in levels {
        let Some(number) = number else { break };
        value = part(value, separator, number)?;
    }
    Some(value)
}

fn part(value: &[u8], separator: Option<u8>, number: u16) -> Option<&[u8]> {
    let skip = usize::from(number.checked_sub(1)?);
    let Some(separator) = separator else {
        return (skip == 0).then_some(value);
    };
    let mut rest = value;
    for _ in 0..skip {
        let at = memchr::memchr(separator, rest)?;
        rest = rest.get(at + 1..)?;
    }
    let end = memchr::memchr(separator, rest).unwrap_or(rest.len());
    rest.get(..end)
}

/// A raw value as text. Printable ASCII without an escape character is the same in every character set; it is not
/// copied, and the message's character set need not be found out.
pub(crate) fn decode<'v>(message: &impl Segments, raw: &'v [u8]) -> Cow<'v, str> {
    let escape = message.delimiters().escape;
    let plain = |&byte: &u8| matches!(byte, b' '..=b'~') && Some(byte) != escape;
    if raw.iter().all(plain)
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Cow::Borrowed(text);
    }
    message.text_of(raw)
}

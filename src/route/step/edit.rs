//! Editing at a path: every step that changes values goes through [`Work::rewrite`], which looks at each segment once,
//! however many places a path leads to.

use std::borrow::Cow;

use bytes::Bytes;

use super::error::StepErrorKind;
use super::run::{Environment, Fault};
use crate::condition::Shape;
use crate::condition::{Scope, View};
use crate::hl7::{Delimiters, Draft, EditError, Occurrence, Path, Segment, Segments, Value};
use crate::route::text::Text;

/// A draft being worked on by steps.
pub(super) struct Work<'a> {
    pub(super) draft: Draft,
    pub(super) text: Text<'a>,
    pub(super) environment: Environment<'a>,
    /// Where `each` is.
    pub(super) scope: Option<Scope>,
    /// Whether the segment that `each` is at is to be dropped.
    pub(super) dropped: bool,
    /// What a template put in the place of the whole message.
    pub(super) replaced: Option<Bytes>,
}

/// Whether a place that is not there is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    LeaveOut,
}

/// What a place is to say: `None` leaves it as it is.
pub(super) type Change = Result<Option<Vec<u8>>, StepErrorKind>;

impl<'a> Work<'a> {
    pub(super) fn view(&self) -> View<'_, Draft> {
        View::within(&self.draft, self.environment.tables, self.scope)
    }

    /// Asks `change` for the new raw value of each place that `path` leads to.
    pub(super) fn rewrite(
        &mut self,
        path: &Path,
        missing: Missing,
        mut change: impl FnMut(Text<'a>, &[u8]) -> Change,
    ) -> Result<(), Fault> {
        let targets = self.targets(path);
        if targets.is_empty() && missing == Missing::Create && path.occurrence != Occurrence::All {
            return Err(Fault::at(
                *path,
                EditError::NoSegment { path: *path }.into(),
            ));
        }
        let whole_field = Path {
            repetition: Occurrence::Unsaid,
            component: None,
            subcomponent: None,
            ..*path
        };
        for index in targets {
            let Some(segment) = self.draft.at(index) else {
                continue;
            };
            let text = self.text;
            let changed = change_field(&segment, path, missing, &mut |raw| {
                change(text, raw).map_err(|kind| {
                    let shape = Some(Shape::of(Some(raw)));
                    let path = Some(*path);
                    Fault { path, shape, kind }
                })
            })?;
            let Some(field) = changed else { continue };
            self.draft
                .set_at(index, &whole_field, &field)
                .map_err(|error| Fault::at(*path, error.into()))?;
        }
        Ok(())
    }

    /// Puts a raw value at every place `path` leads to. Nothing is created for an empty one.
    pub(super) fn put(&mut self, path: &Path, raw: &[u8]) -> Result<(), Fault> {
        let missing = if raw.is_empty() {
            Missing::LeaveOut
        } else {
            Missing::Create
        };
        self.rewrite(path, missing, |_, old| {
            Ok((old != raw).then(|| raw.to_vec()))
        })
    }

    /// Puts a text there.
    pub(super) fn put_text(&mut self, path: &Path, text: &str) -> Result<(), Fault> {
        let raw = self.text.encode(text);
        let raw = raw.map_err(|kind| Fault::at(*path, kind))?;
        self.put(path, &raw)
    }

    /// The indexes of the segments that `path` means.
    fn targets(&self, path: &Path) -> Vec<usize> {
        if let Some(index) = Scope::of(self.scope, path) {
            return vec![index];
        }
        let found = self.draft.named(path.segment).map(|(index, _)| index);
        match path.occurrence {
            Occurrence::All => found.collect(),
            Occurrence::Unsaid => found.take(1).collect(),
            Occurrence::Nth(n) => found.skip(n.saturating_sub(1) as usize).take(1).collect(),
        }
    }
}

/// A populated value that is one value, as text; `None` where there is nothing to change.
pub(super) fn one_text<'v>(
    text: Text<'_>,
    raw: &'v [u8],
) -> Result<Option<Cow<'v, str>>, StepErrorKind> {
    let Value::Populated(raw) = Value::from(Some(raw)) else {
        return Ok(None);
    };
    if raw.iter().any(|&byte| level(byte, text.delimiters()) > 0) {
        return Err(StepErrorKind::Composite);
    }
    Ok(Some(text.decode(raw)))
}

/// The new raw value for a changed text; `None` if it is the old one, which then keeps its own spelling.
pub(super) fn new_text(text: Text<'_>, old: &str, new: &str) -> Change {
    if old == new {
        return Ok(None);
    }
    text.encode(new).map(Some)
}

/// Which level a delimiter separates: 1 subcomponents, 2 components, 3 repetitions; 0 for any other byte.
pub(super) fn level(byte: u8, delimiters: &Delimiters) -> u8 {
    let is = |separator: Option<u8>| separator == Some(byte);
    if is(delimiters.subcomponent) {
        1
    } else if is(delimiters.component) {
        2
    } else if is(delimiters.repetition) {
        3
    } else {
        0
    }
}

type Change1<'f> = &'f mut dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>, Fault>;

/// The field of `path` with its places changed; `None` if none was.
fn change_field(
    segment: &Segment<'_>,
    path: &Path,
    missing: Missing,
    change: Change1<'_>,
) -> Result<Option<Vec<u8>>, Fault> {
    let Some(number) = path.field else {
        return Ok(None);
    };
    let field = match segment.field(usize::from(number)) {
        Some(field) => field,
        None if missing == Missing::Create => b"",
        None => return Ok(None),
    };
    let delimiters = *segment.delimiters();
    let cut = |separator| Cut {
        separator,
        missing,
        path: *path,
    };
    let mut repetition = |raw: &[u8]| {
        let Some(component) = path.component else {
            return change(raw);
        };
        let component = Some(u32::from(component));
        cut(delimiters.component).change(raw, component, &mut |raw| {
            let Some(subcomponent) = path.subcomponent else {
                return change(raw);
            };
            let subcomponent = Some(u32::from(subcomponent));
            cut(delimiters.subcomponent).change(raw, subcomponent, change)
        })
    };
    let repetitions = cut(delimiters.repetition);
    match path.repetition {
        Occurrence::Unsaid if path.component.is_none() => repetition(field),
        Occurrence::Unsaid => repetitions.change(field, Some(1), &mut repetition),
        Occurrence::Nth(n) => repetitions.change(field, Some(n), &mut repetition),
        Occurrence::All => repetitions.change(field, None, &mut repetition),
    }
}

/// How a value is cut into parts.
struct Cut {
    separator: Option<u8>,
    missing: Missing,
    path: Path,
}

impl Cut {
    /// `raw` with part `number` changed, or each part if `None`.
    fn change(
        &self,
        raw: &[u8],
        number: Option<u32>,
        change: Change1<'_>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let mut out = Vec::with_capacity(raw.len() + 16);
        let mut any = false;
        let mut count = 0_u32;
        let parts = raw.split(|&byte| Some(byte) == self.separator);
        for part in parts {
            count += 1;
            if count > 1 {
                out.extend(self.separator);
            }
            let wanted = number.is_none_or(|number| number == count);
            match if wanted { change(part)? } else { None } {
                Some(new) => {
                    any = true;
                    out.extend(new);
                }
                None => out.extend_from_slice(part),
            }
        }
        let Some(number) = number.filter(|&number| number > count) else {
            return Ok(any.then_some(out));
        };
        if self.missing == Missing::LeaveOut {
            return Ok(None);
        }
        let Some(new) = change(b"")?.filter(|new| !new.is_empty()) else {
            return Ok(None);
        };
        let path = self.path;
        let separator = self
            .separator
            .ok_or_else(|| Fault::at(path, EditError::NoSeparator { path }.into()))?;
        out.extend((count..number).map(|_| separator));
        out.extend(new);
        Ok(Some(out))
    }
}

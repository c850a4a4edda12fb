//! What can be known to be wrong about a step before any message comes.

use super::{NewValue, Step, StepKind, TemplateTarget};
use crate::hl7::{Occurrence, Path, SegmentName};

/// A step that can never work: at which of its keys, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct StepFault {
    /// The key in `config.toml`: the step's own (`map`), or another (`to`, `width`).
    pub key: &'static str,
    /// For `join`'s and `split`'s lists, which entry, from 0.
    pub index: Option<usize>,
    /// What should be there.
    pub expected: &'static str,
}

const A_FIELD: &str =
    "a field, as in PID-3 (for segments there are drop_segment and keep_segments)";
const NOT_A_DELIMITER: &str = "a field other than MSH-1 and MSH-2, which declare the delimiters";
/// A larger one would be a slip and cost memory.
const LAST_REPETITION: u32 = 65_535;
const HEADERS: [&[u8; 3]; 3] = [b"MSH", b"FHS", b"BHS"];

fn expect(holds: bool, key: &'static str, expected: &'static str) -> Result<(), StepFault> {
    if holds {
        return Ok(());
    }
    Err(StepFault {
        key,
        index: None,
        expected,
    })
}

fn is_header(name: SegmentName) -> bool {
    HEADERS.contains(&name.bytes())
}

/// A path to a field that can be read and written as data.
fn field(key: &'static str, path: &Path) -> Result<(), StepFault> {
    expect(path.field.is_some(), key, A_FIELD)?;
    let repetition = !matches!(path.repetition, Occurrence::Nth(n) if n > LAST_REPETITION);
    expect(repetition, key, "a repetition up to 65535")?;
    let delimiters = is_header(path.segment) && path.field.is_some_and(|field| field <= 2);
    expect(!delimiters, key, NOT_A_DELIMITER)
}

fn fields(key: &'static str, paths: &[Path]) -> Result<(), StepFault> {
    expect(!paths.is_empty(), key, "at least one path")?;
    for (index, path) in paths.iter().enumerate() {
        field(key, path).map_err(|fault| StepFault {
            index: Some(index),
            ..fault
        })?;
    }
    Ok(())
}

pub(super) fn check(kind: &StepKind) -> Result<(), StepFault> {
    match kind {
        StepKind::AddSegment { .. } => Ok(()),
        StepKind::Copy { from, to } => field("copy", from).and_then(|()| field("to", to)),
        StepKind::Date(date) => field("date", &date.path),
        StepKind::Default { path, value } => {
            field("default", path)?;
            expect(!value.is_empty(), "value", "a text that is not empty")
        }
        StepKind::DropSegment { segment } => {
            let whole = segment.field.is_none();
            expect(whole, "drop_segment", "a segment, as in NTE or NTE[2]")?;
            let stays = segment.segment.bytes() == b"MSH";
            expect(!stays, "drop_segment", "a segment other than MSH")
        }
        StepKind::Each { segment, steps } => each(*segment, steps),
        StepKind::Join { from, to, .. } => fields("join", from).and_then(|()| field("to", to)),
        StepKind::KeepSegments { segments } => expect(
            !segments.is_empty(),
            "keep_segments",
            "at least one segment",
        ),
        StepKind::Delete { path }
        | StepKind::Lower { path }
        | StepKind::Map { path, .. }
        | StepKind::Trim { path }
        | StepKind::Upper { path } => field(kind.name(), path),
        StepKind::Pad { path, width, .. } => {
            field("pad", path)?;
            let fits = (1..=65_535).contains(width);
            expect(fits, "width", "a number from 1 to 65535")
        }
        StepKind::Repeat { path, value } => {
            field("repeat", path)?;
            let whole = path.repetition == Occurrence::Unsaid && path.component.is_none();
            expect(whole, "repeat", "a field without [ ] and component")?;
            expect(!value.is_empty(), "value", "a text that is not empty")
        }
        StepKind::Replace { path, find, .. } => {
            field("replace", path)?;
            let something = !matches!(find, super::Find::Text(text) if text.is_empty());
            expect(something, "find", "a text that is not empty")
        }
        StepKind::Set { path, value } => {
            field("set", path)?;
            let null = matches!(value, NewValue::Text(text) if text == "\"\"");
            expect(!null, "value", "null = true to write the delete indicator")
        }
        StepKind::Split { path, at, to } => {
            field("split", path)?;
            expect(!at.is_empty(), "at", "a text that is not empty")?;
            fields("to", to)
        }
        StepKind::Substr {
            path,
            start,
            length,
        } => {
            field("substr", path)?;
            expect(*start > 0, "start", "a number from 1")?;
            expect(*length != Some(0), "length", "a number from 1")
        }
        StepKind::Template { to, .. } => match to {
            TemplateTarget::Path(path) => field("to", path),
            TemplateTarget::Message => Ok(()),
        },
    }
}

fn each(segment: SegmentName, steps: &[Step]) -> Result<(), StepFault> {
    expect(!steps.is_empty(), "steps", "at least one step")?;
    for step in steps {
        let allowed = match step.kind() {
            StepKind::DropSegment { segment: dropped } => {
                dropped.segment == segment && dropped.occurrence == Occurrence::Unsaid
            }
            StepKind::AddSegment { .. } | StepKind::Each { .. } | StepKind::KeepSegments { .. } => {
                false
            }
            _ => !step.replaces_message(),
        };
        let expected = "steps that work on the segment at hand (no each, add_segment, keep_segments, whole-message \
                        template; drop_segment only for the segment of each)";
        expect(allowed, "steps", expected)?;
    }
    Ok(())
}

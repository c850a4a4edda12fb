//! Running a list of steps on a message.

use bytes::Bytes;

use super::edit::Work;
use super::error::{StepError, StepErrorKind};
use super::words::{padded, part, replaced};
use super::{Step, StepKind, TemplateTarget};
use crate::condition::Scope;
use crate::condition::Shape;
use crate::condition::Tables;
use crate::hl7::{Draft, Message, Path, SegmentName, Segments};
use crate::route::template::Templates;
use crate::route::text::Text;

/// `each` over more than this many pairs of visited and present segments is refused: within it, every step may look
/// through the whole message.
const MOST_VISITS: usize = 1_000_000_000;

/// What steps may ask.
#[derive(Clone, Copy)]
pub(in crate::route) struct Environment<'a> {
    pub(in crate::route) tables: &'a Tables,
    pub(in crate::route) templates: &'a Templates,
}

/// What steps made of a message.
pub(in crate::route) struct Outcome {
    pub(in crate::route) bytes: Bytes,
    pub(in crate::route) changed: bool,
}

/// What went wrong and where; the step is added by [`run`].
pub(super) struct Fault {
    pub(super) path: Option<Path>,
    pub(super) shape: Option<Shape>,
    pub(super) kind: StepErrorKind,
}

impl Fault {
    pub(super) const fn at(path: Path, kind: StepErrorKind) -> Self {
        let (path, shape) = (Some(path), None);
        Self { path, shape, kind }
    }
}

impl From<StepErrorKind> for Fault {
    fn from(kind: StepErrorKind) -> Self {
        let (path, shape) = (None, None);
        Self { path, shape, kind }
    }
}

/// Runs `steps` in order. A message that no step changes comes back as the very same bytes.
pub(in crate::route) fn run(
    steps: &[Step],
    message: &Message,
    environment: Environment<'_>,
) -> Result<Outcome, Box<StepError>> {
    let mut replaced = None;
    if !steps.is_empty() {
        let mut work = Work {
            draft: Draft::of(message),
            text: Text::of(message),
            environment,
            scope: None,
            dropped: false,
            replaced: None,
        };
        work.all(steps)?;
        if work.replaced.is_some() || work.draft.is_changed() {
            replaced = Some(work.replaced.unwrap_or_else(|| work.draft.write()));
        }
    }
    let changed = replaced.is_some();
    let bytes = replaced.unwrap_or_else(|| message.raw().clone());
    Ok(Outcome { bytes, changed })
}

impl Work<'_> {
    fn all(&mut self, steps: &[Step]) -> Result<(), Box<StepError>> {
        for step in steps {
            if step
                .when
                .as_ref()
                .is_some_and(|when| !when.holds(&self.view()))
            {
                continue;
            }
            if let StepKind::Each { segment, steps } = &step.kind {
                self.each(step, *segment, steps)?;
                continue;
            }
            self.one(&step.kind).map_err(|fault| step.failed(fault))?;
            if self.dropped {
                return Ok(());
            }
        }
        Ok(())
    }

    fn one(&mut self, kind: &StepKind) -> Result<(), Fault> {
        if self.replaced.is_some() {
            return Err(StepErrorKind::NotAMessage.into());
        }
        match kind {
            StepKind::AddSegment { segment, after } => self.add_segment(segment, *after),
            StepKind::Copy { from, to } => self.copy(from, to),
            StepKind::Date(date) => self.date(date),
            StepKind::Default { path, value } => self.fill(path, value),
            StepKind::Delete { path } => self.delete(path),
            StepKind::DropSegment { segment } => {
                self.drop_segment(segment);
                Ok(())
            }
            StepKind::Each { .. } => Ok(()),
            StepKind::Join { from, with, to } => self.join(from, with, to),
            StepKind::KeepSegments { segments } => {
                self.keep_segments(segments);
                Ok(())
            }
            StepKind::Lower { path } => self.each_word(path, |text| text.to_lowercase().into()),
            StepKind::Map { path, table, miss } => self.map(path, table, miss),
            StepKind::Pad {
                path,
                width,
                with,
                side,
            } => self.one_word(path, |text| padded(text, *width, *with, *side)),
            StepKind::Repeat { path, value } => self.repeat(path, value),
            StepKind::Replace { path, find, with } => {
                self.each_word(path, |text| replaced(text, find, with))
            }
            StepKind::Set { path, value } => self.set(path, value),
            StepKind::Split { path, at, to } => self.split(path, at, to),
            StepKind::Substr {
                path,
                start,
                length,
            } => self.one_word(path, |text| part(text, *start, *length)),
            StepKind::Template { template, to } => self.template(template, *to),
            StepKind::Trim { path } => self.each_word(path, |text| text.trim().into()),
            StepKind::Upper { path } => self.each_word(path, |text| text.to_uppercase().into()),
        }
    }

    /// The inner steps at each segment called `name`; those that were dropped go at the end, all at once.
    fn each(
        &mut self,
        step: &Step,
        name: SegmentName,
        steps: &[Step],
    ) -> Result<(), Box<StepError>> {
        let indexes: Vec<usize> = self.draft.named(name).map(|(index, _)| index).collect();
        let (segments, total) = (indexes.len(), self.draft.count());
        if segments.saturating_mul(total) > MOST_VISITS {
            return Err(step.failed(StepErrorKind::TooMany { segments, total }.into()));
        }
        let mut dropped = Vec::new();
        for index in indexes {
            self.scope = Some(Scope { name, index });
            let done = self.all(steps);
            self.scope = None;
            done?;
            if std::mem::take(&mut self.dropped) {
                dropped.push(index);
            }
        }
        let mut dropped = dropped.into_iter().peekable();
        self.draft
            .retain(|index, _| dropped.next_if_eq(&index).is_none());
        Ok(())
    }

    fn template(&mut self, name: &str, to: TemplateTarget) -> Result<(), Fault> {
        let at = |kind: StepErrorKind| match to {
            TemplateTarget::Path(path) => Fault::at(path, kind),
            TemplateTarget::Message => kind.into(),
        };
        let templates = self.environment.templates;
        let text = templates
            .render(name, &self.draft)
            .map_err(|error| at(error.into()))?;
        match to {
            TemplateTarget::Path(path) => self.put_text(&path, &text),
            TemplateTarget::Message => {
                self.replaced = Some(Bytes::from(text));
                Ok(())
            }
        }
    }
}

impl Step {
    fn failed(&self, fault: Fault) -> Box<StepError> {
        Box::new(StepError {
            step: self.name.clone(),
            line: self.line,
            path: fault.path,
            shape: fault.shape,
            kind: fault.kind,
        })
    }
}

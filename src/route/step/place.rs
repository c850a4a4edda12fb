//! Steps that write to places: set, default, copy, delete, repeat, map, split, join.

use super::NewValue;
use super::edit::{Missing, Work, level, new_text, one_text};
use super::error::StepErrorKind;
use super::run::Fault;
use crate::condition::Miss;
use crate::condition::Shape;
use crate::hl7::{Delimiters, EditError, Occurrence, Path, Value};

const NULL: &[u8] = b"\"\"";

impl Work<'_> {
    pub(super) fn set(&mut self, path: &Path, value: &NewValue) -> Result<(), Fault> {
        match value {
            NewValue::Text(text) => self.put_text(path, text),
            NewValue::Null => self.put(path, NULL),
        }
    }

    pub(super) fn fill(&mut self, path: &Path, value: &str) -> Result<(), Fault> {
        self.rewrite(path, Missing::Create, |text, raw| {
            match Value::from(Some(raw)) {
                Value::NotPopulated => text.encode(value).map(Some),
                Value::DeleteIndicator | Value::Populated(_) => Ok(None),
            }
        })
    }

    pub(super) fn copy(&mut self, from: &Path, to: &Path) -> Result<(), Fault> {
        let raw = self.view().first(from).unwrap_or_default().to_vec();
        if !fits(&raw, to, self.text.delimiters()) {
            return Err(Fault {
                path: Some(*to),
                shape: Some(Shape::of(Some(&raw))),
                kind: StepErrorKind::Levels,
            });
        }
        self.put(to, &raw)
    }

    pub(super) fn delete(&mut self, path: &Path) -> Result<(), Fault> {
        self.rewrite(path, Missing::LeaveOut, |_, raw| {
            Ok((!raw.is_empty()).then(Vec::new))
        })
    }

    pub(super) fn repeat(&mut self, path: &Path, value: &str) -> Result<(), Fault> {
        self.rewrite(path, Missing::Create, |text, raw| {
            let added = text.encode(value)?;
            let Value::Populated(old) = Value::from(Some(raw)) else {
                return Ok(Some(added));
            };
            let missing = || EditError::NoSeparator { path: *path };
            let separator = text.delimiters().repetition.ok_or_else(missing)?;
            Ok(Some([old, &[separator], &added].concat()))
        })
    }

    pub(super) fn map(&mut self, path: &Path, name: &str, miss: &Miss) -> Result<(), Fault> {
        let unknown = || StepErrorKind::Unknown {
            what: "table",
            name: name.to_owned(),
        };
        let table = self.environment.tables.get(name);
        let table = table.ok_or_else(|| Fault::at(*path, unknown()))?;
        self.rewrite(path, Missing::LeaveOut, |text, raw| {
            let Some(old) = one_text(text, raw)? else {
                return Ok(None);
            };
            let new = match (table.get(&old), miss) {
                (Some(new), _) => new,
                (None, Miss::Keep) => return Ok(None),
                (None, Miss::Empty) => "",
                (None, Miss::Default(new)) => new,
                (None, Miss::Error) => {
                    let table = name.to_owned();
                    return Err(StepErrorKind::Miss { table });
                }
            };
            new_text(text, &old, new)
        })
    }

    pub(super) fn split(&mut self, path: &Path, at: &str, to: &[Path]) -> Result<(), Fault> {
        let raw = self.view().first(path).unwrap_or_default().to_vec();
        let whole = one_text(self.text, &raw).map_err(|kind| Fault {
            path: Some(*path),
            shape: Some(Shape::of(Some(&raw))),
            kind,
        })?;
        let Some(whole) = whole else { return Ok(()) };
        let mut parts = whole.splitn(to.len(), at);
        to.iter()
            .try_for_each(|to| self.put_text(to, parts.next().unwrap_or_default()))
    }

    pub(super) fn join(&mut self, from: &[Path], with: &str, to: &Path) -> Result<(), Fault> {
        let mut texts: Vec<String> = Vec::new();
        for path in from {
            let mut fault = None;
            self.view().any(path, |raw| {
                match one_text(self.text, raw) {
                    Ok(text) => texts.extend(text.map(std::borrow::Cow::into_owned)),
                    Err(kind) => {
                        fault = Some(Fault {
                            path: Some(*path),
                            shape: Some(Shape::of(Some(raw))),
                            kind,
                        });
                    }
                }
                fault.is_some()
            });
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        if texts.is_empty() {
            return Ok(());
        }
        self.put_text(to, &texts.join(with))
    }
}

/// Whether the delimiters in `raw` mean the same at `to`.
fn fits(raw: &[u8], to: &Path, delimiters: &Delimiters) -> bool {
    let most = match (to.subcomponent, to.component, to.repetition) {
        (Some(_), ..) => 0,
        (None, Some(_), _) => 1,
        (None, None, Occurrence::Nth(_) | Occurrence::All) => 2,
        (None, None, Occurrence::Unsaid) => 3,
    };
    raw.iter().all(|&byte| level(byte, delimiters) <= most)
}

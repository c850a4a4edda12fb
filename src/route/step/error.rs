//! Why a step could not be done to a message: which step, where, and what the value looks like.

use std::fmt;

use crate::condition::Shape;
use crate::hl7::{EditError, Path};
use crate::route::template::TemplateError;

/// A step that failed on a message, which is then parked. It holds no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StepError {
    /// The step's name.
    pub step: String,
    /// Its line in `config.toml`, from 1.
    pub line: u32,
    /// The place it was working on.
    pub path: Option<Path>,
    /// What the value there looks like.
    pub shape: Option<Shape>,
    /// What went wrong.
    #[source]
    pub kind: StepErrorKind,
}

/// What went wrong in a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepErrorKind {
    /// The value has components, repetitions or subcomponents, and the step needs one value.
    #[error("the value has parts, and the step works on one (name it, as in PV1-3.1)")]
    Composite,
    /// The edit cannot be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The copied value has delimiters of a level that the target cannot hold.
    #[error("the copied value has parts that do not fit into the target")]
    Levels,
    /// The value is not in the table and `miss = "error"`.
    #[error("the value is not in table {table}")]
    Miss {
        /// The table's name.
        table: String,
    },
    /// A separator that the new segment needs is not declared in MSH-2.
    #[error("the new segment needs a separator that MSH-2 does not declare")]
    NoSeparator,
    /// The segment that a new one is to follow is not in the message.
    #[error("the message has no segment for the new one to follow")]
    NoAnchor,
    /// A step follows one that replaced the whole message.
    #[error("a template has already taken the place of the message")]
    NotAMessage,
    /// The value is no timestamp in the expected format.
    #[error("the value is not a date or time in the expected format")]
    NotADate,
    /// The template could not be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// `each` over so many segments of so long a message would take too long.
    #[error("the message has too many segments for each ({segments} of {total})")]
    TooMany {
        /// How many segments `each` was to visit.
        segments: usize,
        /// How many segments the message has.
        total: usize,
    },
    /// There is no such table or template; a configuration that was checked has it.
    #[error("there is no {what} called {name}")]
    Unknown {
        /// `table` or `template`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The text has characters that the message's character set does not have.
    #[error("the text has characters that the message's character set (MSH-18) does not have")]
    Unencodable,
    /// The text has delimiters, and the message declares no escape character.
    #[error("the text has delimiters, and the message declares no escape character")]
    Unescapable,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step \"{}\" (line {}) failed", self.step, self.line)?;
        match (self.path, self.shape) {
            (Some(path), Some(shape)) => write!(f, " at {path} ({shape})"),
            (Some(path), None) => write!(f, " at {path}"),
            _ => Ok(()),
        }
    }
}

//! The typed steps: one small change to a message each, with a name that is in errors, metrics and `why`.
//!
//! # Values that are not there
//! Absent, empty and `""` (the delete indicator, HL7 v2.9.1 §2.4.3.1) are told apart, by these rules:
//! - `trim replace pad substr date upper lower map split` change populated values; where there is none they do
//!   nothing, and a delete indicator stays.
//! - `default` fills what is absent or empty; a delete indicator stays.
//! - `set` with an empty text empties; a delete indicator is written only with `null = true`. Any other step that
//!   comes to write the text `""` writes it escaped, as data.
//! - `copy` makes the target say what the source says: a value, a delete indicator, or nothing.
//! - `join` leaves out what is not populated; if nothing is, it does nothing.
//! - `delete` empties (it does not write a delete indicator).
//!
//! # Where steps write
//! Missing fields, repetitions and components are created; a missing segment is not: that is an error, so that nothing
//! is lost in silence (give the step a `when = "ZPI exists"`, or an `add_segment` before it). With an occurrence of
//! `[*]`, no segment is no error.
//!
//! Texts from the configuration, from tables and from templates are written in the message's character set and escaped
//! for its delimiters: no text can make a delimiter or a segment. `copy` copies bytes as they are.
//!
//! Steps that work on text (`trim replace upper lower`) treat each component of a composite field on its own and leave
//! the structure alone; those that need one value (`map pad substr date split join`) fail on a composite one and
//! say so.

mod check;
mod date;
mod edit;
mod error;
mod place;
mod run;
mod segment;
#[cfg(test)]
mod structure_tests;
#[cfg(test)]
mod tests;
mod words;

use regex::Regex;

pub use self::check::StepFault;
pub use self::date::{DateFormat, DatePatternError, DateStep, Offset};
pub use self::error::{StepError, StepErrorKind};
pub(super) use self::run::{Environment, run};
pub use self::segment::{NewSegment, NewSegmentError};
use crate::condition::{Condition, Miss};
use crate::hl7::{Path, SegmentName};

/// One step. [`Step::new`] has checked that it makes sense.
#[derive(Clone, Debug)]
pub struct Step {
    name: String,
    line: u32,
    when: Option<Condition>,
    kind: StepKind,
}

/// What a step does. Each variant is a key of `[[steps.NAME]]` in `config.toml`, see [`StepKind::NAMES`].
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `add_segment`: puts a new segment at the end, or behind the last one called `after`.
    AddSegment {
        /// What it says.
        segment: NewSegment,
        /// Which segment it follows; the message must have one.
        after: Option<SegmentName>,
    },
    /// `copy`: makes `to` say what `from` says, byte for byte.
    Copy {
        /// Where to read; the first value.
        from: Path,
        /// Where to write.
        to: Path,
    },
    /// `date`: rewrites a timestamp.
    Date(DateStep),
    /// `default`: fills a place that is not populated.
    Default {
        /// Where.
        path: Path,
        /// With what.
        value: String,
    },
    /// `delete`: empties a place.
    Delete {
        /// Where.
        path: Path,
    },
    /// `drop_segment`: removes every segment of that name, or one of them. MSH stays.
    DropSegment {
        /// A path without a field: `NTE` and `NTE[*]` mean all, `NTE[2]` the second; within `each`, the one at hand.
        segment: Path,
    },
    /// `each`: runs steps once for every segment of a name. There, a path to that name without an occurrence means
    /// the one at hand, also in `when`.
    Each {
        /// Which segments.
        segment: SegmentName,
        /// What to do at each.
        steps: Vec<Step>,
    },
    /// `join`: writes several values as one.
    Join {
        /// Where to read, in order; `[*]` reads every value.
        from: Vec<Path>,
        /// What to put between two.
        with: String,
        /// Where to write.
        to: Path,
    },
    /// `keep_segments`: removes all others. MSH stays.
    KeepSegments {
        /// Which stay.
        segments: Vec<SegmentName>,
    },
    /// `lower`: writes in small letters.
    Lower {
        /// Where.
        path: Path,
    },
    /// `map`: writes what a table has for the value.
    Map {
        /// Where.
        path: Path,
        /// The table's name.
        table: String,
        /// What to do if the value is not in it.
        miss: Miss,
    },
    /// `pad`: fills up to a width.
    Pad {
        /// Where.
        path: Path,
        /// Least number of characters.
        width: usize,
        /// What to fill with.
        with: char,
        /// Where to fill.
        side: Side,
    },
    /// `repeat`: adds a repetition to a field; the first one if the field is not populated.
    Repeat {
        /// A field.
        path: Path,
        /// What the new repetition says.
        value: String,
    },
    /// `replace`: replaces every match in a value.
    Replace {
        /// Where.
        path: Path,
        /// What to look for.
        find: Find,
        /// What to write for it; for a regular expression `$1` is its first group.
        with: String,
    },
    /// `set`: writes a value.
    Set {
        /// Where.
        path: Path,
        /// What.
        value: NewValue,
    },
    /// `split`: cuts a value and writes the parts to several places.
    Split {
        /// Where to read; the first value.
        path: Path,
        /// Where to cut.
        at: String,
        /// Where the parts go. The last gets the rest, however often it could be cut; places for which no part is
        /// left are emptied.
        to: Vec<Path>,
    },
    /// `substr`: keeps a part of a value.
    Substr {
        /// Where.
        path: Path,
        /// The first character to keep, from 1.
        start: usize,
        /// How many characters to keep; all if `None`.
        length: Option<usize>,
    },
    /// `template`: writes what a template gives.
    Template {
        /// The template's name.
        template: String,
        /// Where to write.
        to: TemplateTarget,
    },
    /// `trim`: removes white space at both ends.
    Trim {
        /// Where.
        path: Path,
    },
    /// `upper`: writes in capitals.
    Upper {
        /// Where.
        path: Path,
    },
}

/// What `set` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewValue {
    /// `value = "…"`: this text; an empty one empties the place.
    Text(String),
    /// `null = true`: the delete indicator, `""`.
    Null,
}

/// Where `pad` fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Before the value, as for numbers.
    #[default]
    Left,
    /// Behind it.
    Right,
}

/// What `replace` looks for.
#[derive(Clone, Debug)]
pub enum Find {
    /// This text.
    Text(String),
    /// What this regular expression matches.
    Regex(Regex),
}

/// Where a template's text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateTarget {
    /// To a place in the message, as a value.
    Path(Path),
    /// In the place of the whole message, as UTF-8. Such a step must be the last.
    Message,
}

impl StepKind {
    /// The keys that say what a step does, for "did you mean".
    pub const NAMES: [&'static str; 20] = [
        "add_segment",
        "copy",
        "date",
        "default",
        "delete",
        "drop_segment",
        "each",
        "join",
        "keep_segments",
        "lower",
        "map",
        "pad",
        "repeat",
        "replace",
        "set",
        "split",
        "substr",
        "template",
        "trim",
        "upper",
    ];

    /// Its key.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddSegment { .. } => "add_segment",
            Self::Copy { .. } => "copy",
            Self::Date(_) => "date",
            Self::Default { .. } => "default",
            Self::Delete { .. } => "delete",
            Self::DropSegment { .. } => "drop_segment",
            Self::Each { .. } => "each",
            Self::Join { .. } => "join",
            Self::KeepSegments { .. } => "keep_segments",
            Self::Lower { .. } => "lower",
            Self::Map { .. } => "map",
            Self::Pad { .. } => "pad",
            Self::Repeat { .. } => "repeat",
            Self::Replace { .. } => "replace",
            Self::Set { .. } => "set",
            Self::Split { .. } => "split",
            Self::Substr { .. } => "substr",
            Self::Template { .. } => "template",
            Self::Trim { .. } => "trim",
            Self::Upper { .. } => "upper",
        }
    }
}

impl Find {
    /// A regular expression to look for.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn regex(text: &str) -> Result<Self, String> {
        Regex::new(text)
            .map(Self::Regex)
            .map_err(|error| crate::condition::regex_fault(&error))
    }
}

impl Step {
    /// A step called `name`, written on `line` of `config.toml`, that runs if `when` holds.
    ///
    /// # Errors
    /// What could never work, and what is meant to be forbidden; see [`StepFault`].
    pub fn new(
        name: impl Into<String>,
        line: u32,
        when: Option<Condition>,
        kind: StepKind,
    ) -> Result<Self, StepFault> {
        check::check(&kind)?;
        let name = name.into();
        Ok(Self {
            name,
            line,
            when,
            kind,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its line in `config.toml`, from 1.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Its condition.
    #[must_use]
    pub const fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> &StepKind {
        &self.kind
    }

    /// The names of the tables that it and its inner steps use, conditions included.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |step| {
            let asked = step.when.iter().flat_map(Condition::tables);
            found.extend(asked.map(|(name, _)| name));
            if let StepKind::Map { table, .. } = &step.kind {
                found.push(table.as_str());
            }
        });
        found
    }

    /// The names of the templates that it and its inner steps use.
    #[must_use]
    pub fn templates(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |step| {
            if let StepKind::Template { template, .. } = &step.kind {
                found.push(template.as_str());
            }
        });
        found
    }

    /// Whether it puts something else in the place of the whole message, so that no step can follow it.
    #[must_use]
    pub const fn replaces_message(&self) -> bool {
        matches!(
            self.kind,
            StepKind::Template {
                to: TemplateTarget::Message,
                ..
            }
        )
    }

    fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        if let StepKind::Each { steps, .. } = &self.kind {
            for step in steps {
                step.visit(see);
            }
        }
    }
}

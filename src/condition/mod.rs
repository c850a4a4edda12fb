//! The language of `when`.
//!
//! ```text
//! MSH-9.2 in ("A01", "A02", "A03") and PV1-3.1 in table(icu_units)
//! PID-8 != "M" and not (PV1-2 = "O" or PV1-44 < "2024")
//! OBX[*]-3.1 matches "^(718|4544)-" and OBX[*]-8 exists
//! ```
//!
//! # Words
//! | write | true if |
//! |---|---|
//! | `PATH = "text"`, `= 4.5`, `= PATH` | the place has this value |
//! | `PATH != …` | not `=` |
//! | `PATH < …`, `<=`, `>`, `>=` | the value comes before, … |
//! | `PATH in ("A", "B")` | the value is one of these |
//! | `PATH in table(name)` | the value is in the first column of the table |
//! | `PATH matches "regex"` | the regular expression is found in the value (`^…$` for all of it) |
//! | `PATH exists` | there is a value or a delete indicator |
//! | `PATH empty` | not `exists`: the place is absent or empty |
//! | `PATH null` | there is the delete indicator, `""` |
//! | `A and B`, `A or B`, `not A`, `( )` | as in speech; `not` binds closest, then `and`, then `or` |
//!
//! `not` may also stand behind the path: `PV1-2 not in ("I", "O")`, `PID-3 not matches "^T"`. Words are lower case.
//! Text stands in `"` or `'`, whichever does not occur in it; there are no escapes, so that a backslash in a regular
//! expression is just that. `ZPI exists` asks for a segment.
//!
//! # Values
//! - A value is compared as text: decoded from the message's character set and unescaped. A path that stops at a field
//!   with components means all of it, delimiters included (`PV1-3 = "4W^101^A"`).
//! - Only a populated value satisfies a comparison, `in` or `matches`. Where a place is absent, empty or says `""`, they
//!   are false; `!=` and `not in` are then true.
//! - Text in quotes equals only itself (`"007"` is not `7`). A number without quotes equals a value that is the same
//!   number (`OBX-5 = 5` holds for `5.0`).
//! - `< <= > >=` compare two times as times, to the precision both have (`PV1-44 <= "20250131"` holds all day, and
//!   `PV1-44 < "2025"` is the years before; offsets are not looked at); else two numbers as numbers; else as
//!   text. A time is year, month, day and perhaps more, and in quotes also a year or a month on its own.
//! - A path on the right side leads to one value: it has no `[*]`.
//! - With `[*]`, a test holds if **any** of the values satisfies it. `!=`, `empty` and `not …` are the negations: true
//!   if none does.

mod compare;
#[cfg(test)]
mod error_tests;
mod evaluate;
mod explained;
mod grammar;
mod hints;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use self::explained::Explained;
pub use self::shape::{Shape, ValueClass};
pub use self::table::{Miss, MissError, Table, TableError, Tables};
pub(crate) use self::view::{Scope, View, decode};

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use self::compare::Literal;
pub(crate) use self::grammar::regex_fault;
use crate::hl7::{Path, Segments};

/// A condition, ready to be evaluated any number of times. See the module's documentation for the language.
#[derive(Clone)]
pub struct Condition {
    text: Arc<str>,
    root: Arc<Node>,
}

/// Why a text is no condition: where, what would be right there, and how to write what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at character {}", self.offset + 1)]
pub struct ConditionError {
    /// Offset in characters (not bytes) from the beginning of the text, from 0.
    pub offset: usize,
    /// What is expected there.
    pub expected: String,
    /// What to write instead, if the fault is a usual one.
    pub hint: Option<String>,
}

/// A part of the condition and where it stands (byte offsets in the text).
struct Node {
    span: Range<usize>,
    kind: Kind,
}

enum Kind {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Test(Path, Test),
}

/// What is asked of the values at a path. Negated words are a [`Kind::Not`] around their test.
enum Test {
    Equals(Operand),
    Order(Order, Operand),
    In(Vec<Literal>),
    InTable(Arc<str>),
    Matches(Regex),
    Exists,
    Null,
}

enum Operand {
    Literal(Literal),
    Path(Path),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first place where the text is none.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let root = Arc::new(grammar::parse(text)?);
        let text = Arc::from(text);
        Ok(Self { text, root })
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for `message`. A table that is not in `tables` has no codes.
    #[must_use]
    pub fn evaluate(&self, message: &impl Segments, tables: &Tables) -> bool {
        self.holds(&View::new(message, tables))
    }

    pub(super) fn holds(&self, view: &View<'_, impl Segments>) -> bool {
        self.root.holds(view)
    }

    /// What each part of it says about `message`; shapes of values, never the values.
    #[must_use]
    pub fn explain(&self, message: &impl Segments, tables: &Tables) -> Explained {
        self.root.explain(&self.text, &View::new(message, tables))
    }

    /// The names of the tables it asks, each with the character offset of its first use.
    #[must_use]
    pub fn tables(&self) -> Vec<(&str, usize)> {
        let mut found: Vec<(&str, usize)> = Vec::new();
        self.root.visit(&mut |node| {
            if let Kind::Test(_, Test::InTable(name)) = &node.kind
                && !found.iter().any(|(known, _)| *known == &**name)
            {
                let part = self.text.get(node.span.clone()).unwrap_or_default();
                let inside = part.rfind(&**name).unwrap_or_default();
                found.push((name, characters(&self.text, node.span.start + inside)));
            }
        });
        found
    }

    /// The paths it reads, in the order of their first use.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        let mut add = |path: Path| {
            if !found.contains(&path) {
                found.push(path);
            }
        };
        self.root.visit(&mut |node| {
            if let Kind::Test(path, test) = &node.kind {
                add(*path);
                if let Test::Equals(Operand::Path(other)) | Test::Order(_, Operand::Path(other)) =
                    test
                {
                    add(*other);
                }
            }
        });
        found
    }
}

impl Node {
    fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        match &self.kind {
            Kind::And(parts) | Kind::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Kind::Not(part) => part.visit(see),
            Kind::Test(..) => {}
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How many characters stand before byte `offset` of `text`.
fn characters(text: &str, offset: usize) -> usize {
    text.get(..offset)
        .map_or_else(|| text.len(), |before| before.chars().count())
}

/// Any bytes as a condition and as a message: the body of the fuzz target.
#[doc(hidden)]
pub fn fuzz_condition(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(condition) = Condition::parse(&text) else {
        return;
    };
    let raw =
        b"MSH|^~\\&|A|B|||20250131||ADT^A01|1|P|2.5\rPID|||1~2&3^4||\"\"\rOBX|1|NM|||5.0\rOBX|2\r";
    if let Ok(message) = crate::hl7::Message::parse(&raw[..]) {
        let tables = Tables::default();
        let explained = condition.explain(&message, &tables);
        assert_eq!(explained.holds, condition.evaluate(&message, &tables));
    }
}

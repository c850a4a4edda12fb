//! Asking a condition of a message: for the answer, and for the reasons.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compare::{Literal, order_values};
use super::{Kind, Node, Operand, Order, Test, characters};
use crate::condition::explained::Explained;
use crate::condition::shape::Shape;
use crate::condition::view::View;
use crate::hl7::{Path, Segments, Value};

impl Node {
    pub(super) fn holds<S: Segments>(&self, view: &View<'_, S>) -> bool {
        match &self.kind {
            Kind::And(parts) => parts.iter().all(|part| part.holds(view)),
            Kind::Or(parts) => parts.iter().any(|part| part.holds(view)),
            Kind::Not(part) => !part.holds(view),
            Kind::Test(path, test) => test.holds(path, view),
        }
    }

    /// Every part with its answer, also those that an evaluation would not have reached.
    pub(super) fn explain<S: Segments>(&self, text: &str, view: &View<'_, S>) -> Explained {
        let (parts, shape) = match &self.kind {
            Kind::And(parts) | Kind::Or(parts) => {
                let parts = parts.iter().map(|part| part.explain(text, view));
                (parts.collect(), None)
            }
            Kind::Not(part) if part.span == self.span => {
                // A negated word (`!=`, `empty`): one test to the reader.
                (Vec::new(), part.shape(view))
            }
            Kind::Not(part) => (vec![part.explain(text, view)], None),
            Kind::Test(..) => (Vec::new(), self.shape(view)),
        };
        let part = text.get(self.span.clone()).unwrap_or_default().trim_end();
        Explained {
            text: part.to_owned(),
            offset: characters(text, self.span.start),
            holds: self.holds(view),
            shape,
            parts,
        }
    }

    fn shape<S: Segments>(&self, view: &View<'_, S>) -> Option<Shape> {
        let Kind::Test(path, _) = &self.kind else {
            return None;
        };
        Some(Shape::of(view.first(path)))
    }
}

impl Test {
    fn holds<S: Segments>(&self, path: &Path, view: &View<'_, S>) -> bool {
        match self {
            Self::Exists => view.any(path, |raw| Value::from(Some(raw)) != Value::NotPopulated),
            Self::Null => view.any(path, |raw| Value::from(Some(raw)) == Value::DeleteIndicator),
            Self::Equals(Operand::Literal(literal)) => any_text(path, view, |v| literal.equals(v)),
            Self::Equals(Operand::Path(other)) => {
                text_at(other, view).is_some_and(|right| any_text(path, view, |left| left == right))
            }
            Self::Order(order, Operand::Literal(literal)) => {
                any_text(path, view, |value| order.allows(literal.order(value)))
            }
            Self::Order(order, Operand::Path(other)) => text_at(other, view).is_some_and(|right| {
                any_text(path, view, |left| order.allows(order_values(left, &right)))
            }),
            Self::In(literals) => any_text(path, view, |value| {
                literals
                    .iter()
                    .any(|literal: &Literal| literal.equals(value))
            }),
            Self::InTable(name) => view
                .tables
                .get(name)
                .is_some_and(|table| any_text(path, view, |value| table.contains(value))),
            Self::Matches(regex) => any_text(path, view, |value| regex.is_match(value)),
        }
    }
}

impl Order {
    const fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Whether a populated value at `path` passes `test` as text.
fn any_text<S: Segments>(path: &Path, view: &View<'_, S>, test: impl Fn(&str) -> bool) -> bool {
    view.any(path, |raw| match Value::from(Some(raw)) {
        Value::Populated(raw) => test(&view.text(raw)),
        Value::NotPopulated | Value::DeleteIndicator => false,
    })
}

/// The populated value at a path that leads to one, as text.
fn text_at<'a, S: Segments>(path: &Path, view: &View<'a, S>) -> Option<Cow<'a, str>> {
    match Value::from(view.first(path)) {
        Value::Populated(raw) => Some(view.text(raw)),
        Value::NotPopulated | Value::DeleteIndicator => None,
    }
}

//! Why a condition holds or does not, part by part.

use serde::Serialize;

use super::shape::Shape;

/// A part of a condition and what it says about a message. It shows the condition's own text and the shape of the
/// message's value, never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The part as it is written.
    pub text: String,
    /// Where it begins in the condition: characters from 0.
    pub offset: usize,
    /// Whether it holds.
    pub holds: bool,
    /// For a test: what the first value at its path looks like.
    pub shape: Option<Shape>,
    /// The parts it consists of.
    pub parts: Vec<Self>,
}

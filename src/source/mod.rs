//! The inbound recipe: bytes → message → journal → acknowledgment.
//!
//! [`Receiver`] is the recipe, on one screen; the kinds of source ([`mllp`], [`directory`]) only bring it bytes. What may be
//! taken is judged in `judge`, what a message can be found by is collected in `keys`.

mod answer;
mod arriving;
mod batch;
pub mod directory;
mod intake;
mod judge;
mod keys;
pub mod mllp;
mod receive;
mod status;
mod verdict;

use std::sync::Arc;

pub use answer::codes_for;
pub use intake::{BatchReply, Intake, TypePattern, Unrouted};
pub use receive::{Arrival, Receiver, Surroundings};
pub use status::{SourceFigures, SourceStatus};
pub use verdict::Verdict;

use crate::mllp::ListenerSettings;

/// A source as configured.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSettings {
    /// Its name: `adt` for `[source.adt]`.
    pub name: Arc<str>,
    /// Where its messages come from.
    pub kind: SourceKind,
    /// Which of them it takes, and how it answers.
    pub intake: Intake,
}

/// The kinds of source.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// A TCP port that speaks MLLP.
    Mllp(ListenerSettings),
    /// A folder that files are dropped into.
    Directory(directory::DirectorySettings),
}

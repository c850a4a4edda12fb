//! What a receiver does on the wire: a list of cases that run against any MLLP receiver, ours or not, and a verdict for
//! each with the bytes that prove it.
//!
//! A case is data: what is sent, and what may come back. It is fair: where the standard or a known tolerance allows
//! several answers, each of them is named with what it counts as ([`Verdict`]). Every message has a fresh control ID, so a run
//! can be repeated, and every wait, every case and the whole run have an end.
//!
//! ```text
//! Kit (messages with fresh control IDs) → Case → steps → Runner (raw bytes on a socket) → Outcome with its evidence
//! ```

mod answer;
mod case;
mod cases;
mod check;
mod collect;
mod judge;
mod outcome;
mod run;
mod specimen;
mod step;
#[cfg(test)]
mod tests;
mod transcript;
mod wire;

pub use case::{Case, Group, Needs};
pub use cases::{all, find};
pub use outcome::{Finding, Outcome, Score, Verdict};
pub use run::{CertifyError, EnhancedMode, Settings, run};
pub use specimen::{Kit, KitError};
pub use transcript::{Direction, Event, Transcript};
pub use wire::Target;

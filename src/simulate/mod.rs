//! A hospital that does not exist, and everything its systems say: admissions, moves, orders, results, appointments, beds.
//!
//! [`Hospital`] is an iterator: it simulates as far as it is asked, holds what is still going on and nothing else, and
//! gives each message with the truth about it. It does no I/O, reads no clock, and repeats exactly for a seed (`random.rs`
//! says why that stays so). What the hospital is like is text: [`Pathways`].
//!
//! Messages of one patient come in the order in which they were sent by the one system that knows him; a message that is
//! late is late for everybody, but is not overtaken by another of the same patient.

mod audit;
mod model;
mod pathways;
mod people;
mod random;
#[cfg(test)]
mod tests;
mod truth;
mod visit;
mod write;

pub use audit::{AnswerReport, Audit, AuditReport, DeliveryReport, Taking};
pub use model::{Hospital, Outgoing, Settings, Told};
pub use pathways::{Pathways, PathwaysError};
pub use random::{Dice, Odds, Spread};
pub use truth::{
    AppointmentRecord, BedRecord, BedRequestRecord, Interval, MergeRecord, MessageRecord,
    MovementRecord, OrderRecord, Record, RoleRecord, Simulation, Since, Stages, StayRecord,
    Summary, SwapRecord, UnitRecord,
};
pub use write::Version;

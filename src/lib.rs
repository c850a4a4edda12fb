//! wardwire: an HL7 v2 interface engine.
//!
//! Data flows one way, and the code is laid out along it:
//!
//! ```text
//! bytes → mllp frame → hl7 message → journal (fsync) → acknowledgment
//!                                       └→ a lane a destination: route (plan) → deliver → outcome
//! ```
//!
//! # Floors
//! A module imports only from the floors below its own (`tests/it/architecture.rs` holds this):
//!
//! ```text
//! phi clock  <  hl7  <  condition  <  grammar mllp journal  <  route learn certify simulate  <  source delivery
//!            <  config  <  engine  <  cli  <  main
//! ```
//!
//! # Glossary
//! - **frame**: one message's bytes between the start block `0x0B` and the end block `0x1C 0x0D` of MLLP.
//! - **message**: HL7 v2 bytes plus the offsets of their segments; the bytes are the truth.
//! - **entry**: a received message as the journal keeps it, with where and when it came and what we answered.
//! - **position**: an entry's address in the journal, and the message ID that people see (`3-1f40`).
//! - **source**, **destination**: the ends of the engine; a **lane** is a destination's ordered reading of the journal.
//! - **plan**: what the routing rules make of an entry for one destination: filtered, or these bytes.
//! - **outcome**: what became of an entry at a destination: delivered, filtered, parked, discarded.
//! - **parked**: set aside with its reason and the partner's reply, until a person replays or discards it.

pub mod certify;
pub mod cli;
pub mod clock;
pub mod condition;
pub mod config;
pub mod delivery;
pub mod engine;
pub mod hl7;
pub mod journal;
pub mod mllp;
pub mod phi;
pub mod route;
pub mod simulate;
pub mod source;

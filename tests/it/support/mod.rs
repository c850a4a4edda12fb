//! An engine to speak to, and the peers that speak to it.

pub mod engine;
pub mod peer;

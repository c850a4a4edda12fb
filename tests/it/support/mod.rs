//! An engine to speak to, and the peers that speak to it.

pub(crate) mod child;
pub(crate) mod dice;
pub(crate) mod engine;
pub(crate) mod feed;
pub(crate) mod loops;
#[allow(dead_code, reason = "the tests of delivery use the rest of it")]
pub(crate) mod partner;
pub(crate) mod peer;
pub(crate) mod receiver;
pub(crate) mod traffic;
pub(crate) mod unsynced;

//! An engine to speak to, and the peers that speak to it.

pub(crate) mod engine;
pub(crate) mod feed;
#[allow(dead_code, reason = "the tests of delivery use the rest of it")]
pub(crate) mod partner;
pub(crate) mod peer;

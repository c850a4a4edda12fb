//! An engine to speak to, and the peers that speak to it.

pub(crate) mod engine;
pub(crate) mod feed;
pub(crate) mod partner;
pub(crate) mod peer;

//! `config.toml` → settings.

mod fault;
mod secret;
mod section;
mod units;

pub use fault::{ConfigError, Fault};

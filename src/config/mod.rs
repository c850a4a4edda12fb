//! `config.toml` → settings.

//! Where the configuration and the data are: what most commands begin with.

use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use crate::config::{self, ConfigError, Origin, Settings};
use crate::journal::{Archive, JournalError};

/// What is read where nothing else is said.
const DEFAULT: &str = "config.toml";

/// Which configuration holds: the one that was named, `./config.toml`, or, where there is none, the built-in one.
pub(super) fn origin(named: Option<PathBuf>) -> Origin {
    match named {
        Some(path) => Origin::File(path),
        None if Path::new(DEFAULT).exists() => Origin::File(PathBuf::from(DEFAULT)),
        None => Origin::Embedded(PathBuf::from(".")),
    }
}

/// The configuration, or all its faults on stderr and 78.
pub(super) fn load(origin: &Origin) -> Result<Settings, Failure> {
    config::load(origin).map_err(|error| unusable(&error))
}

fn unusable(error: &ConfigError) -> Failure {
    let count = error.faults().len();
    let faults = if count == 1 {
        "one fault".to_owned()
    } else {
        format!("{count} faults")
    };
    Failure::said(
        Exit::Config,
        format_args!("the configuration has {faults}\n{error}"),
    )
}

/// The journal, for reading: the engine may be running.
pub(super) fn archive(settings: &Settings) -> Result<Archive, Failure> {
    let journal = &settings.journal;
    if !journal.dir.exists() {
        let words =
            format_args!("there is no journal in {} yet", journal.dir.display()).to_string();
        return Err(Failure::said(Exit::Unavailable, words).hint(
            "it is made when the engine first starts; --config names another configuration",
        ));
    }
    Archive::open(&journal.dir, journal.key.as_ref()).map_err(unreadable)
}

/// A fault of the journal, with the exit code it deserves.
pub(super) fn unreadable(error: JournalError) -> Failure {
    let exit = match &error {
        JournalError::InUse { .. } => Exit::Unavailable,
        JournalError::Corrupt { .. } | JournalError::SegmentMissing { .. } => Exit::Findings,
        JournalError::KeyMissing { .. } | JournalError::KeyWrong { .. } => Exit::Config,
        _ => Exit::Failed,
    };
    Failure::new(exit, error)
}

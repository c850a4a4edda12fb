//! What is wrong with a configuration, all of it at once, each fault with its place and what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};

/// One fault: where it stands, what is wrong, and, where it can be said, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The key's full name (`destination.lab.connect`); empty for a fault of the whole file.
    pub key: String,
    /// One clause.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A configuration that cannot be used. It prints one block a fault: `config.toml:14:9 key: message`, then `hint: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    faults: Vec<Fault>,
}

impl ConfigError {
    /// `faults` are sorted by their place.
    #[must_use]
    pub fn new(file: &Path, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        Self {
            file: file.to_owned(),
            faults,
        }
    }

    /// Every fault, by place.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.faults.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(
                f,
                "{}:{}:{} ",
                self.file.display(),
                fault.line,
                fault.column
            )?;
            if !fault.key.is_empty() {
                write!(f, "{}: ", fault.key)?;
            }
            f.write_str(&fault.message)?;
            if let Some(hint) = &fault.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

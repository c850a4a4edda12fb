//! How a command ends: the exit codes of sysexits.h that scripts can rely on, and what is printed with a bad one.

use std::fmt::Display;
use std::process::ExitCode;

/// What the program's exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, and nothing to say against it.
    Ok,
    /// 1: it could not be done.
    Failed,
    /// 2: it was done and found something: a test that fails, an acknowledgment other than expected, damage.
    Findings,
    /// 64: the command line is wrong.
    Usage,
    /// 69: the other side, or the engine, is not there.
    Unavailable,
    /// 78: the configuration is wrong.
    Config,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Findings => 2,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Config => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// To be told on stderr, with the exit code it has.
    Told {
        exit: Exit,
        error: anyhow::Error,
        /// What to do instead.
        hint: Option<String>,
    },
    /// Whoever read stdout has seen enough (`wardwire … | head`): no fault of anybody.
    ReaderGone,
}

/// How a command ends.
pub(super) type Ending = Result<Exit, Failure>;

impl Failure {
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let (error, hint) = (error.into(), None);
        Self::Told { exit, error, hint }
    }

    /// A failure that is told in these words.
    pub(super) fn said(exit: Exit, words: impl Display) -> Self {
        Self::new(exit, anyhow::anyhow!("{words}"))
    }

    /// The same, with a line that says what to do.
    pub(super) fn hint(self, what: impl Into<String>) -> Self {
        match self {
            Self::Told { exit, error, .. } => Self::Told {
                exit,
                error,
                hint: Some(what.into()),
            },
            Self::ReaderGone => self,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::Failed, error)
    }
}

/// Gives a plain error its exit code.
pub(super) trait OrExit<T> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, error))
    }
}

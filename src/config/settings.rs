//! A whole configuration, checked and resolved.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::delivery::DestinationSettings;
use crate::journal::JournalSettings;
use crate::route::Routes;
use crate::source::SourceSettings;

/// Where a configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file shipped with the program, built into it; relative paths start at this folder.
    Embedded(PathBuf),
    /// A file; relative paths start at its folder.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(_) => f.write_str("the built-in defaults"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A configuration that can be put into force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it comes from.
    pub origin: Origin,
    /// `[engine]`
    pub engine: EngineSettings,
    /// `[journal]` and `[security]`
    pub journal: JournalSettings,
    /// `[source.NAME]`, in the order of the file.
    pub sources: Vec<SourceSettings>,
    /// `[[route]]` with tables, templates and steps.
    pub routes: Arc<Routes>,
    /// `[destination.NAME]`, in the order of the file.
    pub destinations: Vec<DestinationSettings>,
    /// `[[test]]`
    pub tests: Vec<TestCase>,
}

/// `[engine]`
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// MSH-3 of what we originate.
    pub name: String,
    /// MSH-4 of what we originate.
    pub facility: String,
    /// The data folder.
    pub data: PathBuf,
    /// The zone of the times that we write.
    pub zone: TimeZone,
    /// How long a stop may take to finish what is in hand.
    pub drain: Duration,
}

/// One `[[test]]`: messages in, and what must become of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: usize,
    /// The source that receives the messages.
    pub source: String,
    /// Files with messages.
    pub inputs: Vec<PathBuf>,
    /// The code every message must be acknowledged with (`AA`, `CA AA`, `none`).
    pub acknowledgment: Option<String>,
    /// The destinations every message must go to, and no others.
    pub to: Option<Vec<String>>,
    /// Per destination, a file with the bytes it must get.
    pub out: Vec<(String, PathBuf)>,
}

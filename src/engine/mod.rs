//! Settings → running tasks, their life, their drain and their reload.
//!
//! [`Engine::start`] opens the journal, starts a lane for each destination and then opens the sources, in that order, so that
//! nothing is taken in before there is a place for it. [`Engine::drain`] goes the other way.

mod answer;
pub mod control;
mod drain;
mod reload;
mod run;
mod sources;
mod start;
mod status;
mod summary;
pub mod trial;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use answer::settle_by_operator;
pub use drain::Drained;
pub use reload::{ReloadError, Reloaded};
pub use run::run;
pub use start::StartError;
pub use status::{DestinationReport, EngineReport, SourceReport};

use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::{Certificates, DestinationSettings, LaneStatus};
use crate::journal::{Journal, Opened};
use crate::mllp::{Connections, TlsServer};
use crate::route::Routes;
use crate::source::{Receiver, SourceSettings};

/// A running engine.
pub struct Engine {
    clock: Clock,
    journal: Journal,
    opened: Opened,
    routes: Arc<ArcSwap<Routes>>,
    /// What is in force now.
    settings: Mutex<Arc<Settings>>,
    sources: Mutex<BTreeMap<Arc<str>, RunningSource>>,
    lanes: Mutex<BTreeMap<Arc<str>, RunningLane>>,
    /// The control socket's tasks.
    control: Group,
    /// One reload or drain at a time.
    changing: tokio::sync::Mutex<()>,
    /// The engine is to stop: a reload that waits for something waits no longer.
    stopping: CancellationToken,
}

/// Tasks that end together.
#[derive(Clone, Default)]
struct Group {
    tasks: TaskTracker,
    /// Asks them to finish what they have in hand and end.
    cancel: CancellationToken,
    /// Ends them where they wait.
    abandon: CancellationToken,
}

struct RunningSource {
    settings: SourceSettings,
    receiver: Arc<Receiver>,
    /// For a listener: where it listens, who is connected, and its certificates.
    listening: Option<Listening>,
    group: Group,
}

#[derive(Clone)]
struct Listening {
    address: SocketAddr,
    connections: Connections,
    tls: Option<TlsServer>,
}

struct RunningLane {
    settings: DestinationSettings,
    status: Arc<LaneStatus>,
    certificates: Certificates,
    group: Group,
}

impl Engine {
    /// What opening the journal found.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The journal.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The settings now in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&locked(&self.settings))
    }

    /// Where each listening source listens, with the port the system chose.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<Arc<str>, SocketAddr> {
        let sources = locked(&self.sources);
        let listening = sources.iter().filter_map(|(name, source)| {
            Some((Arc::clone(name), source.listening.as_ref()?.address))
        });
        listening.collect()
    }
}

/// The lock's content. A task that panicked while it held one left whole values behind: they are only ever replaced.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sources, lanes) = (locked(&self.sources).len(), locked(&self.lanes).len());
        write!(f, "Engine({sources} sources, {lanes} destinations)")
    }
}

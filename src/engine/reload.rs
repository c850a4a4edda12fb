//! Reload: another configuration in the place of the one in force, whole or not at all.
//!
//! Everything that can fail is tried before anything is changed: the file is read and checked, its `[[test]]` cases run,
//! what cannot change in a running engine is compared, and new addresses are bound. Sockets of sources whose listener did
//! not change stay open, and so do lanes whose destination did not change.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::trial::{self, Failure};
use super::{Engine, StartError, locked};
use crate::config::{self, ConfigError, Settings};
use crate::delivery::DestinationSettings;
use crate::source::{SourceKind, SourceSettings};

/// How long a lane or source that goes or changes may take to finish what it has in hand.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Sources and destinations that were started, changed or stopped, in words.
    pub changes: Vec<String>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("reloaded; routes and tables are as in the file, nothing else changed");
        }
        write!(f, "reloaded: {}", self.changes.join(", "))
    }
}

/// Why the old configuration stays in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The file has faults.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A destination that still has undelivered messages is no longer in the file.
    #[error("destination {name} was removed, but {backlog} messages wait for it and {parked} are parked (deliver them, or reload with --discard {name})")]
    Backlog {
        /// The destination.
        name: String,
        /// Messages without an outcome.
        backlog: u64,
        /// Parked messages.
        parked: usize,
    },
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
    /// `[engine] data` or `[journal]` changed.
    #[error("{0} cannot change while the engine runs (restart it)")]
    Restart(&'static str),
    /// Something new could not be started; everything is as it was.
    #[error("{0}")]
    Start(#[from] StartError),
    /// A `[[test]]` case fails with the new configuration.
    #[error("{} of {total} tests fail: {}", failures.len(), join(failures))]
    Tests {
        /// The failing ones.
        failures: Vec<Failure>,
        /// How many there are.
        total: usize,
    },
}

fn join(failures: &[Failure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Engine {
    /// Reads the configuration file again and puts it into force. `discard` names removed destinations whose waiting messages
    /// may be given up.
    ///
    /// # Errors
    /// See [`ReloadError`]; then nothing has changed.
    pub async fn reload(self: &Engine, discard: &[String]) -> Result<Reloaded, ReloadError> {
        let _alone = self.changing.lock().await;
        let old = self.settings();
        let new = Arc::new(config::load(&old.origin)?);
        if new.engine.data != old.engine.data {
            return Err(ReloadError::Restart("[engine] data"));
        }
        if new.journal != old.journal {
            return Err(ReloadError::Restart("[journal]"));
        }
        if locked(&self.lanes).is_empty() && locked(&self.sources).is_empty() && !old.sources.is_empty() {
            return Err(ReloadError::Stopping);
        }
        let failures = trial::run_all(&new);
        if !failures.is_empty() {
            return Err(ReloadError::Tests { failures, total: new.tests.len() });
        }
        self.check_removed(&new, discard)?;
        self.put_into_force(&old, &new).await
    }

    /// Refuses to drop a destination for which something waits.
    fn check_removed(&self, new: &Settings, discard: &[String]) -> Result<(), ReloadError> {
        for state in self.journal.destinations() {
            let stays = new.destinations.iter().any(|one| *one.name == *state.name);
            let waits = state.backlog > 0 || state.parked > 0 || state.replays > 0;
            let running = locked(&self.lanes).contains_key(&*state.name);
            if running && !stays && waits && !discard.contains(&state.name) {
                let (name, backlog, parked) = (state.name, state.backlog, state.parked);
                return Err(ReloadError::Backlog { name, backlog, parked });
            }
        }
        Ok(())
    }

    async fn put_into_force(&self, old: &Settings, new: &Arc<Settings>) -> Result<Reloaded, ReloadError> {
        let mut done = Reloaded::default();
        self.change_sources(old, new, &mut done).await?;
        // From here on nothing fails for lack of an address; a lane only needs its settings.
        self.routes.store(Arc::clone(&new.routes));
        self.change_lanes(new, &mut done).await?;
        *locked(&self.settings) = Arc::clone(new);
        Ok(done)
    }

    async fn change_sources(
        &self,
        old: &Settings,
        new: &Settings,
        done: &mut Reloaded,
    ) -> Result<(), ReloadError> {
        let mut opened = Vec::new();
        for source in &new.sources {
            let change = self.change_source(source, new).await;
            match change {
                Ok(None) => {}
                Ok(Some(change)) => {
                    opened.push(Arc::clone(&source.name));
                    done.changes.push(change);
                }
                Err(error) => {
                    self.undo_sources(old, &opened, &source.name).await;
                    return Err(error);
                }
            }
        }
        let gone: Vec<Arc<str>> = locked(&self.sources)
            .keys()
            .filter(|name| !new.sources.iter().any(|source| source.name == **name))
            .cloned()
            .collect();
        for name in gone {
            self.stop_source(&name).await;
            done.changes.push(format!("source {name} stopped"));
        }
        for source in &new.sources {
            if let Some(running) = locked(&self.sources).get_mut(&source.name) {
                running.receiver.set_intake(source.intake.clone());
                running.settings = source.clone();
            }
        }
        Ok(())
    }

    /// Opens a new source, reopens one whose listener changed, reads certificates again; says what it did.
    async fn change_source(
        &self,
        source: &SourceSettings,
        new: &Settings,
    ) -> Result<Option<String>, ReloadError> {
        let name = &source.name;
        let running = locked(&self.sources).get(name).map(|running| {
            (running.settings.kind.clone(), Arc::clone(&running.receiver), running.listening.clone())
        });
        let Some((kind, receiver, listening)) = running else {
            self.start_source(source, new)?;
            return Ok(Some(format!("source {name} started")));
        };
        if kind == source.kind {
            if let Some(tls) = listening.and_then(|listening| listening.tls) {
                tls.reload().map_err(|error| unusable_tls(name, &kind, error))?;
            }
            return Ok(None);
        }
        self.stop_source(name).await;
        self.open_source(source, receiver)?;
        Ok(Some(format!("source {name} reopened")))
    }

    /// Puts the sources of the old configuration back: those already changed, and the one that failed.
    async fn undo_sources(&self, old: &Settings, opened: &[Arc<str>], failed: &Arc<str>) {
        for name in opened.iter().chain([failed]) {
            let Some(before) = old.sources.iter().find(|source| source.name == *name) else {
                self.stop_source(name).await;
                continue;
            };
            let unchanged = locked(&self.sources)
                .get(name)
                .is_some_and(|running| running.settings.kind == before.kind);
            if unchanged {
                continue;
            }
            self.stop_source(name).await;
            if let Err(error) = self.start_source(before, old) {
                tracing::error!(source = &**name, %error, "a source could not be put back after a refused reload");
            }
        }
    }

    async fn stop_source(&self, name: &Arc<str>) {
        let running = locked(&self.sources).remove(name);
        if let Some(running) = running {
            running.group.stop(Instant::now() + PATIENCE).await;
        }
    }

    async fn change_lanes(&self, new: &Settings, done: &mut Reloaded) -> Result<(), ReloadError> {
        let gone: Vec<Arc<str>> = locked(&self.lanes)
            .keys()
            .filter(|name| !new.destinations.iter().any(|one| one.name == **name))
            .cloned()
            .collect();
        for name in gone {
            self.stop_lane(&name).await;
            self.journal.forget(&name).await.map_err(StartError::from)?;
            done.changes.push(format!("destination {name} removed"));
        }
        for destination in &new.destinations {
            let name = &destination.name;
            let known = locked(&self.lanes).get(name).map(|lane| lane.settings == *destination);
            match known {
                Some(true) => {}
                Some(false) => {
                    self.stop_lane(name).await;
                    self.start_lane(destination.clone())?;
                    done.changes.push(format!("destination {name} changed"));
                }
                None => {
                    self.register(destination).await?;
                    self.start_lane(destination.clone())?;
                    done.changes.push(format!("destination {name} started"));
                }
            }
        }
        Ok(())
    }

    async fn stop_lane(&self, name: &Arc<str>) {
        let lane = locked(&self.lanes).remove(name);
        if let Some(lane) = lane {
            lane.group.stop(Instant::now() + PATIENCE).await;
        }
    }
}

fn unusable_tls(name: &Arc<str>, kind: &SourceKind, error: crate::mllp::TlsError) -> ReloadError {
    let listen = match kind {
        SourceKind::Mllp(settings) => settings.listen,
        SourceKind::Directory(_) => ([0, 0, 0, 0], 0).into(),
    };
    let source = crate::mllp::ListenError::Tls { listen, source: error };
    ReloadError::Start(StartError::Source { name: Arc::clone(name), source })
}

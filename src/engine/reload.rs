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
use crate::delivery::{Delivery, DestinationSettings};
use crate::journal::JournalSettings;
use crate::source::{SourceKind, SourceSettings};

/// How long a lane or source that goes or changes may take to finish what it has in hand.
const PATIENCE: Duration = Duration::from_mins(1);

/// A lane that is set up and does not run yet.
struct Opening {
    settings: DestinationSettings,
    delivery: Delivery,
    is_new: bool,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Sources and destinations that were started, changed or stopped, in words.
    pub changes: Vec<String>,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f
                .write_str("reloaded; routes and tables are as in the file, nothing else changed");
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
    #[error(
        "destination {name} was removed, but {backlog} messages wait for it and {parked} are parked (deliver them, or reload with --discard {name})"
    )]
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
    failures
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl Engine {
    /// Reads the configuration file again and puts it into force. `discard` names removed destinations whose waiting messages
    /// may be given up.
    ///
    /// # Errors
    /// See [`ReloadError`]; then nothing has changed.
    pub async fn reload(&self, discard: &[String]) -> Result<Reloaded, ReloadError> {
        let _alone = self.changing.lock().await;
        let old = self.settings();
        let new = Arc::new(config::load(&old.origin)?);
        if new.engine.data != old.engine.data {
            return Err(ReloadError::Restart("[engine] data"));
        }
        if !same_journal(&new.journal, &old.journal) {
            return Err(ReloadError::Restart("[journal]"));
        }
        if locked(&self.lanes).is_empty()
            && locked(&self.sources).is_empty()
            && !old.sources.is_empty()
        {
            return Err(ReloadError::Stopping);
        }
        let failures = trial::run_all(&new);
        if !failures.is_empty() {
            return Err(ReloadError::Tests {
                failures,
                total: new.tests.len(),
            });
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
                return Err(ReloadError::Backlog {
                    name,
                    backlog,
                    parked,
                });
            }
        }
        Ok(())
    }

    async fn put_into_force(
        &self,
        old: &Settings,
        new: &Arc<Settings>,
    ) -> Result<Reloaded, ReloadError> {
        let mut done = Reloaded::default();
        let lanes = self.open_lanes(new).await?;
        if let Err(error) = self.change_sources(old, new, &mut done).await {
            self.forget_new(&lanes).await;
            return Err(error);
        }
        // From here on nothing fails: addresses are bound, destinations set up.
        self.routes.store(Arc::clone(&new.routes));
        self.change_lanes(new, lanes, &mut done).await?;
        *locked(&self.settings) = Arc::clone(new);
        Ok(done)
    }

    /// Sets up every destination that is new or changed, and reads the certificates of the others again.
    async fn open_lanes(&self, new: &Settings) -> Result<Vec<Opening>, ReloadError> {
        let mut lanes = Vec::new();
        for destination in &new.destinations {
            let running = locked(&self.lanes)
                .get(&destination.name)
                .map(|lane| (lane.settings == *destination, lane.certificates.clone()));
            let is_new = running.is_none();
            let opened = match running {
                Some((true, certificates)) => {
                    certificates.reload().map(|()| None).map_err(|source| {
                        let name = Arc::clone(&destination.name);
                        StartError::Destination { name, source }
                    })
                }
                _ => self.open_lane(destination).await.map(Some),
            };
            match opened {
                Ok(None) => {}
                Ok(Some(delivery)) => {
                    lanes.push(Opening {
                        settings: destination.clone(),
                        delivery,
                        is_new,
                    });
                }
                Err(error) => {
                    self.forget_new(&lanes).await;
                    return Err(error.into());
                }
            }
        }
        Ok(lanes)
    }

    /// Takes back what the journal was told about destinations that will not come.
    async fn forget_new(&self, lanes: &[Opening]) {
        for lane in lanes.iter().filter(|lane| lane.is_new) {
            let name = &lane.settings.name;
            if let Err(error) = self.journal.forget(name).await {
                tracing::error!(destination = &**name, %error, "cannot undo a refused reload");
            }
        }
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
            (
                running.settings.kind.clone(),
                Arc::clone(&running.receiver),
                running.listening.clone(),
            )
        });
        let Some((kind, receiver, listening)) = running else {
            self.start_source(source, new)?;
            return Ok(Some(format!("source {name} started")));
        };
        if kind == source.kind {
            if let Some(tls) = listening.and_then(|listening| listening.tls) {
                tls.reload()
                    .map_err(|error| unusable_tls(name, &kind, error))?;
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

    async fn change_lanes(
        &self,
        new: &Settings,
        lanes: Vec<Opening>,
        done: &mut Reloaded,
    ) -> Result<(), ReloadError> {
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
        for Opening {
            settings,
            delivery,
            is_new,
        } in lanes
        {
            self.stop_lane(&settings.name).await;
            self.run_lane(&settings, delivery);
            let word = if is_new { "started" } else { "changed" };
            done.changes
                .push(format!("destination {} {word}", settings.name));
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

/// The keys themselves are not compared: a wrong one cannot be told from a new one without opening a segment.
fn same_journal(one: &JournalSettings, other: &JournalSettings) -> bool {
    one.dir == other.dir
        && one.segment_bytes == other.segment_bytes
        && one.disk_floor == other.disk_floor
        && one.keep_age == other.keep_age
        && one.keep_bytes == other.keep_bytes
        && one.key.is_some() == other.key.is_some()
}

fn unusable_tls(name: &Arc<str>, kind: &SourceKind, error: crate::mllp::TlsError) -> ReloadError {
    let listen = match kind {
        SourceKind::Mllp(settings) => settings.listen,
        SourceKind::Directory(_) => ([0, 0, 0, 0], 0).into(),
    };
    let source = crate::mllp::ListenError::Tls {
        listen,
        source: Box::new(error),
    };
    ReloadError::Start(StartError::Source {
        name: Arc::clone(name),
        source,
    })
}

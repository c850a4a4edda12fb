//! Reload: another configuration in the place of the one in force, whole or not at all.
//!
//! Everything that can fail is tried before anything is changed: the file is read and checked, its `[[test]]` cases run,
//! what cannot change in a running engine is compared, and new addresses are bound. Sockets of sources whose listener did
//! not change stay open, and so do lanes whose destination did not change.

use std::fmt;
use std::sync::Arc;

use super::trial::{self, Failure};
use super::{Engine, StartError, locked};
use crate::config::{self, ConfigError, Settings};
use crate::delivery::{Delivery, DestinationSettings};
use crate::journal::{JournalSettings, Secret32};

/// A lane that is set up and does not run yet.
struct Opening {
    settings: DestinationSettings,
    delivery: Delivery,
    is_new: bool,
    /// The journal knew it before, from an earlier configuration.
    known: bool,
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
    #[error(transparent)]
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
    #[error(transparent)]
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
        if self.stopping.is_cancelled() {
            return Err(ReloadError::Stopping);
        }
        let old = self.settings();
        let new = Arc::new(config::load(&old.origin)?);
        if new.engine.data != old.engine.data {
            return Err(ReloadError::Restart("[engine] data"));
        }
        if !same_journal(&new.journal, &old.journal) {
            return Err(ReloadError::Restart("[journal] or [security]"));
        }
        let failures = trial::run_all(&new);
        if !failures.is_empty() {
            return Err(ReloadError::Tests {
                failures,
                total: new.tests.len(),
            });
        }
        self.check_removed(&new, discard)?;
        self.put_into_force(&new, discard).await
    }

    /// Refuses to drop a destination for which something waits.
    fn check_removed(&self, new: &Settings, discard: &[String]) -> Result<(), ReloadError> {
        for state in self.journal.destinations() {
            let stays = new.destinations.iter().any(|one| *one.name == *state.name);
            let waits = state.waits();
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
        new: &Arc<Settings>,
        discard: &[String],
    ) -> Result<Reloaded, ReloadError> {
        let lanes = self.open_lanes(new).await?;
        let sources = match self.prepare_sources(new).await {
            Ok(sources) => sources,
            Err(error) => {
                self.forget_new(&lanes).await;
                return Err(error);
            }
        };
        // From here on nothing fails: addresses are bound, destinations set up.
        let mut changes = self.swap_sources(sources, new).await;
        self.change_lanes(new, lanes, &mut changes).await;
        self.forget_removed(new, discard, &mut changes).await;
        *locked(&self.settings) = Arc::clone(new);
        Ok(Reloaded { changes })
    }

    /// Sets up every destination that is new or changed, and reads the certificates of the others again.
    async fn open_lanes(&self, new: &Settings) -> Result<Vec<Opening>, ReloadError> {
        let mut lanes = Vec::new();
        for destination in &new.destinations {
            let running = locked(&self.lanes)
                .get(&destination.name)
                .map(|lane| (lane.settings == *destination, lane.certificates.clone()));
            let is_new = running.is_none();
            let known = self
                .journal
                .destinations()
                .iter()
                .any(|one| *one.name == *destination.name);
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
                        known,
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
        for lane in lanes.iter().filter(|lane| lane.is_new && !lane.known) {
            let name = &lane.settings.name;
            if let Err(error) = self.journal.forget(name).await {
                tracing::error!(destination = &**name, %error, "cannot undo a refused reload");
            }
        }
    }

    async fn change_lanes(&self, new: &Settings, lanes: Vec<Opening>, changes: &mut Vec<String>) {
        let gone: Vec<Arc<str>> = locked(&self.lanes)
            .keys()
            .filter(|name| !new.destinations.iter().any(|one| one.name == **name))
            .cloned()
            .collect();
        for name in gone {
            self.stop_lane(&name).await;
        }
        for Opening {
            settings,
            delivery,
            is_new,
            ..
        } in lanes
        {
            self.stop_lane(&settings.name).await;
            self.run_lane(&settings, delivery);
            let word = if is_new { "started" } else { "changed" };
            changes.push(format!("destination {} {word}", settings.name));
        }
    }

    /// Takes destinations that are no longer in the file out of the journal: nothing waits for them, or it is to be given up.
    async fn forget_removed(&self, new: &Settings, discard: &[String], changes: &mut Vec<String>) {
        for state in self.journal.destinations() {
            let name = &state.name;
            let stays = new.destinations.iter().any(|one| *one.name == **name);
            if stays || (state.waits() && !discard.contains(name)) {
                continue;
            }
            match self.journal.forget(name).await {
                Ok(()) => changes.push(format!("destination {name} removed")),
                Err(error) => {
                    tracing::error!(destination = &**name, %error, "cannot take a removed destination out of the journal");
                }
            }
        }
    }

    async fn stop_lane(&self, name: &Arc<str>) {
        let lane = locked(&self.lanes).remove(name);
        if let Some(lane) = lane {
            self.end(&lane.group).await;
        }
    }
}

fn same_journal(one: &JournalSettings, other: &JournalSettings) -> bool {
    one.dir == other.dir
        && one.segment_bytes == other.segment_bytes
        && one.disk_floor == other.disk_floor
        && one.keep_age == other.keep_age
        && one.keep_bytes == other.keep_bytes
        && one.key.as_ref().map(Secret32::bytes) == other.key.as_ref().map(Secret32::bytes)
}

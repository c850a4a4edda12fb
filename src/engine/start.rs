//! Starting: journal, then lanes, then sources, then the control socket.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::{Engine, Group, RunningLane, control, locked};
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::{Delivery, DeliveryError, DestinationSettings};
use crate::journal::{Files, Journal, JournalError, check_folder};
use crate::mllp::ListenError;

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The control socket cannot be made.
    #[error("cannot make the control socket in {}", data.display())]
    Control {
        /// The data folder.
        data: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The data folder cannot be made or is not fit to hold patients' messages.
    #[error("cannot use the data folder {}", data.display())]
    Data {
        /// The data folder.
        data: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A destination cannot be set up.
    #[error("destination {name} cannot be set up")]
    Destination {
        /// Its name.
        name: Arc<str>,
        /// Why.
        source: DeliveryError,
    },
    /// The journal cannot be used.
    #[error("cannot open the journal")]
    Journal(#[from] JournalError),
    /// A source cannot listen.
    #[error("source {name} cannot start")]
    Source {
        /// Its name.
        name: Arc<str>,
        /// Why.
        source: ListenError,
    },
}

impl Engine {
    /// Starts an engine. When this returns, every listener is bound and every lane is at work.
    ///
    /// # Errors
    /// See [`StartError`]; whatever had been started is stopped again.
    pub async fn start(
        settings: Arc<Settings>,
        clock: Clock,
        files: Arc<dyn Files>,
    ) -> Result<Arc<Self>, StartError> {
        let data = settings.engine.data.clone();
        make_data_folder(&data)?;
        let (journal, opened) = open_journal(&settings, files, &clock).await?;
        let engine = Arc::new(Self {
            clock,
            journal,
            opened,
            routes: Arc::new(ArcSwap::new(Arc::clone(&settings.routes))),
            settings: Mutex::new(Arc::clone(&settings)),
            sources: Mutex::new(BTreeMap::new()),
            lanes: Mutex::new(BTreeMap::new()),
            control: Group::default(),
            changing: tokio::sync::Mutex::new(()),
            stopping: CancellationToken::new(),
        });
        let started = engine.start_all(&settings, &data).await;
        if let Err(error) = started {
            engine.drain(std::time::Duration::from_secs(1)).await;
            return Err(error);
        }
        Ok(engine)
    }

    async fn start_all(
        self: &Arc<Self>,
        settings: &Settings,
        data: &Path,
    ) -> Result<(), StartError> {
        self.forget_strangers(settings).await?;
        for destination in &settings.destinations {
            let delivery = self.open_lane(destination).await?;
            self.run_lane(destination, delivery);
        }
        for source in &settings.sources {
            self.start_source(source)?;
        }
        let in_data = |source| StartError::Control {
            data: data.to_owned(),
            source,
        };
        let listener = control::bind(data).map_err(in_data)?;
        let engine = Arc::clone(self);
        let answer = Arc::new(move |request| {
            let engine = Arc::clone(&engine);
            async move { engine.answer(request).await }
        });
        let (tasks, cancel) = (self.control.tasks.clone(), self.control.cancel.clone());
        self.control
            .spawn(control::serve(listener, tasks, cancel, answer));
        Ok(())
    }

    /// Sets a destination up; from now on the journal keeps for it what comes in.
    pub(super) async fn open_lane(
        &self,
        destination: &DestinationSettings,
    ) -> Result<Delivery, StartError> {
        let (routes, clock) = (Arc::clone(&self.routes), self.clock.clone());
        let opened = Delivery::open(destination.clone(), self.journal.clone(), routes, clock).await;
        opened.map_err(|source| StartError::Destination {
            name: Arc::clone(&destination.name),
            source,
        })
    }

    /// Sets a destination's lane to work.
    pub(super) fn run_lane(&self, destination: &DestinationSettings, delivery: Delivery) {
        let group = Group::default();
        let lane = RunningLane {
            settings: destination.clone(),
            status: delivery.status(),
            certificates: delivery.certificates(),
            group: group.clone(),
        };
        locked(&self.lanes).insert(Arc::clone(&destination.name), lane);
        let (name, cancel) = (Arc::clone(&destination.name), group.cancel.clone());
        group.spawn(async move {
            if let Err(error) = delivery.run(cancel).await {
                tracing::error!(destination = &*name, %error, "the lane ended, nothing is delivered there until a restart");
            }
        });
    }

    /// What the journal knows of destinations that are no longer configured: forgotten where nothing waits for them, for
    /// they would keep every message from being removed; told where something does.
    async fn forget_strangers(&self, settings: &Settings) -> Result<(), StartError> {
        for state in self.journal.destinations() {
            if settings
                .destinations
                .iter()
                .any(|one| *one.name == *state.name)
            {
                continue;
            }
            let (destination, waiting, parked) = (&*state.name, state.backlog, state.parked);
            if !state.waits() {
                self.journal.forget(destination).await?;
                continue;
            }
            tracing::warn!(
                destination,
                waiting,
                parked,
                "no longer in the configuration, but messages wait for it (put it back, or reload with --discard)"
            );
        }
        Ok(())
    }
}

/// Opening reads segments, so it is done where it may block.
async fn open_journal(
    settings: &Settings,
    files: Arc<dyn Files>,
    clock: &Clock,
) -> Result<(Journal, crate::journal::Opened), StartError> {
    let (journal, clock) = (settings.journal.clone(), clock.clone());
    let opening = tokio::task::spawn_blocking(move || Journal::open(journal, files, clock));
    match opening.await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(StartError::Journal(JournalError::Closed)),
    }
}

/// Makes the data folder, for its owner alone; refuses one that others could look into or put something in.
fn make_data_folder(data: &Path) -> Result<(), StartError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| StartError::Data {
        data: data.to_owned(),
        source,
    })?;
    check_folder(data).map_err(StartError::Journal)
}

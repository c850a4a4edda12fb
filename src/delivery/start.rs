//! Settings → a lane that can run.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, Destination, Dispatch};
use super::error::DeliveryError;
use super::file::FileDestination;
use super::http::{HttpClient, HttpDestination};
use super::lane::{Trouble, Worker};
use super::mllp::MllpDestination;
use super::plan::RoutePlanner;
use super::settings::{DestinationKind, DestinationSettings};
use super::status::{LaneState, LaneStatus};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::mllp::TlsClient;
use crate::route::Routes;

/// A destination that is ready and known to the journal, and whose lane does not run yet.
pub struct Delivery {
    settings: DestinationSettings,
    kind: Kind,
    journal: Journal,
    routes: Arc<ArcSwap<Routes>>,
    clock: Clock,
    status: Arc<LaneStatus>,
}

/// One destination of some kind.
enum Kind {
    Mllp(Box<MllpDestination>),
    File(FileDestination),
    Http(HttpDestination),
}

impl Delivery {
    /// Checks the settings, reads certificates, and makes the destination known to the journal: with `start = now` it
    /// gets every message journaled after this returned. Connects to nobody.
    ///
    /// # Errors
    /// The operator's: addresses, headers, TLS files. Or the journal's.
    pub async fn open(
        settings: DestinationSettings,
        journal: Journal,
        routes: Arc<ArcSwap<Routes>>,
        clock: Clock,
    ) -> Result<Self, DeliveryError> {
        let kind = Kind::open(&settings)?;
        journal.register(&settings.name, settings.start).await?;
        let status = Arc::new(LaneStatus::new(&settings));
        Ok(Self {
            settings,
            kind,
            journal,
            routes,
            clock,
            status,
        })
    }

    /// Checks settings as [`Delivery::open`] does, and does nothing else.
    ///
    /// # Errors
    /// As [`Delivery::open`], but for the journal's.
    pub fn check(settings: &DestinationSettings) -> Result<(), DeliveryError> {
        Kind::open(settings).map(drop)
    }

    /// How the lane is doing, now and as long as it runs.
    #[must_use]
    pub fn status(&self) -> Arc<LaneStatus> {
        Arc::clone(&self.status)
    }

    /// Its certificates, to be read again while the lane runs.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        Certificates(match &self.kind {
            Kind::Mllp(mllp) => mllp.tls().map(Source::Mllp),
            Kind::File(_) => None,
            Kind::Http(http) => Some(Source::Http(http.client())),
        })
    }

    /// Delivers until cancelled. It then waits for the answer to the message in hand and begins no other; drop it when
    /// that takes too long: an unsettled message stays in the journal and is sent again after the next start.
    ///
    /// # Errors
    /// Only the journal's: the lane cannot go on, and neither should the engine.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), DeliveryError> {
        let end = End(Arc::clone(&self.status));
        let result = self.deliver(cancel).await;
        end.0.set(LaneState::Ended {
            reason: match &result {
                Ok(()) => "the engine stops".into(),
                Err(error) => super::mllp::words(error).into(),
            },
        });
        result
    }

    async fn deliver(self, cancel: CancellationToken) -> Result<(), DeliveryError> {
        let template = match &self.settings.kind {
            DestinationKind::Http(http) => http.template.clone(),
            DestinationKind::Mllp(_) | DestinationKind::File(_) => None,
        };
        let planner = RoutePlanner {
            routes: self.routes,
            destination: Arc::clone(&self.settings.name),
            template,
        };
        let worker = Worker {
            lane: self.journal.lane(&self.settings.name)?,
            changes: self.journal.changes(&self.settings.name)?,
            settings: self.settings,
            journal: self.journal,
            destination: self.kind,
            planner,
            clock: self.clock,
            status: self.status,
            cancel,
            trouble: Trouble::default(),
        };
        worker.run().await
    }
}

impl Kind {
    fn open(settings: &DestinationSettings) -> Result<Self, DeliveryError> {
        Ok(match settings.kind.clone() {
            DestinationKind::Mllp(client) => Self::Mllp(Box::new(MllpDestination::open(client)?)),
            DestinationKind::File(file) => {
                Self::File(FileDestination::new(Arc::clone(&settings.name), file))
            }
            DestinationKind::Http(http) => Self::Http(HttpDestination::open(http)?),
        })
    }
}

impl Destination for Kind {
    async fn send(&mut self, dispatch: &Dispatch) -> Attempt {
        match self {
            Self::Mllp(mllp) => mllp.send(dispatch).await,
            Self::File(file) => file.send(dispatch).await,
            Self::Http(http) => http.send(dispatch).await,
        }
    }
}

/// Says that the lane ended, also when it is dropped at the deadline or panics: a lane that is silent about its end
/// looks idle for ever.
struct End(Arc<LaneStatus>);

impl Drop for End {
    fn drop(&mut self) {
        if !matches!(self.0.snapshot().state, LaneState::Ended { .. }) {
            let reason = "it was stopped with a message in hand".into();
            self.0.set(LaneState::Ended { reason });
        }
    }
}

/// The certificates of a running lane. Cheap to clone.
#[derive(Clone)]
pub struct Certificates(Option<Source>);

#[derive(Clone)]
enum Source {
    Mllp(TlsClient),
    Http(HttpClient),
}

impl Certificates {
    /// Reads the files again; connections opened from now on use them. On an error the old ones stay in use.
    ///
    /// # Errors
    /// Names the file that cannot be used and says why.
    pub fn reload(&self) -> Result<(), DeliveryError> {
        match &self.0 {
            None => Ok(()),
            Some(Source::Mllp(tls)) => Ok(tls.reload()?),
            Some(Source::Http(client)) => client.reload(),
        }
    }
}

//! An engine's worth of delivery: a journal in a folder of its own, routes, running lanes.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::condition::{Condition, Tables};
use crate::delivery::attempt::Dispatch;
use crate::delivery::{
    Delivery, DeliveryError, DestinationKind, DestinationSettings, LaneSnapshot, LaneState,
    LaneStatus,
};
use crate::journal::{
    Archive, DiskFiles, Disposition, Journal, JournalSettings, MessageType, NewEntry, Outcome,
    OutcomeKind, Position, SearchKeys, Start,
};
use crate::mllp::ClientSettings;
use crate::route::{Route, Routes, Step, Templates};

/// How long, in real time, a test waits for what should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test stands on. Dropping it stops everything.
pub(super) struct Rig {
    pub(super) folder: tempfile::TempDir,
    pub(super) journal: Journal,
    pub(super) routes: Arc<ArcSwap<Routes>>,
    pub(super) clock: Clock,
    tracker: TaskTracker,
}

/// A lane that runs.
pub(super) struct Running {
    pub(super) status: Arc<LaneStatus>,
    pub(super) cancel: CancellationToken,
    pub(super) task: JoinHandle<Result<(), DeliveryError>>,
}

impl Rig {
    /// A journal, and a route that sends everything of `adt` to each of `to`.
    pub(super) fn new(to: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::frozen("2026-03-01T12:00:00Z".parse().unwrap());
        let mut settings = JournalSettings::at(folder.path().join("journal"));
        settings.disk_floor = 0;
        let files = Arc::new(DiskFiles);
        let (journal, _) = Journal::open(settings, files, clock.clone()).unwrap();
        let all = routes(vec![route(to, None, Vec::new())]);
        Self {
            folder,
            journal,
            routes: Arc::new(ArcSwap::from_pointee(all)),
            clock,
            tracker: TaskTracker::new(),
        }
    }

    /// Journals a message with this control ID, as received from `adt`.
    pub(super) async fn receive(&self, id: &str) -> Position {
        self.receive_bytes(message(id)).await
    }

    pub(super) async fn receive_bytes(&self, raw: Vec<u8>) -> Position {
        let entry = NewEntry {
            source: Arc::from("adt"),
            received: self.clock.now(),
            peer: None,
            disposition: Disposition::Accepted,
            acknowledgments: Vec::new(),
            warnings: Vec::new(),
            message_type: MessageType::new(b"ADT", b"A01"),
            keys: SearchKeys::default(),
            raw: Bytes::from(raw),
        };
        let journal = self.journal.clone();
        really(async move { journal.append(entry).await.unwrap() }).await
    }

    /// What a person does: records an outcome from outside of the lane of `ward`.
    pub(super) async fn person_settles(&self, position: Position, kind: OutcomeKind) {
        let mut outcome = Outcome::new(kind, self.clock.now());
        outcome.reason = Some("a person said so".to_owned());
        let journal = self.journal.clone();
        really(async move { journal.settle("ward", position, outcome).await.unwrap() }).await;
    }

    /// What a person does: asks `ward` to get a message again.
    pub(super) async fn person_replays(&self, position: Position) {
        let journal = self.journal.clone();
        really(async move { journal.request_replay("ward", position).await.unwrap() }).await;
    }

    /// Makes a destination known and starts its lane.
    pub(super) async fn start(&self, settings: DestinationSettings) -> Running {
        let delivery = self.open(settings).await;
        let (status, cancel) = (delivery.status(), CancellationToken::new());
        let task = self.tracker.spawn(delivery.run(cancel.clone()));
        Running {
            status,
            cancel,
            task,
        }
    }

    /// The same for a destination that begins with the oldest entry.
    pub(super) async fn start_from_oldest(&self, mut settings: DestinationSettings) -> Running {
        settings.start = Start::Oldest;
        self.start(settings).await
    }

    pub(super) async fn open(&self, settings: DestinationSettings) -> Delivery {
        let (journal, routes) = (self.journal.clone(), Arc::clone(&self.routes));
        let delivery = Delivery::open(settings, journal, routes, self.clock.clone());
        delivery.await.unwrap()
    }

    /// Waits until `test` holds of the destination's lane; asked whenever something is settled there, and now and then.
    pub(super) async fn until(
        &self,
        running: &Running,
        test: impl Fn(&LaneSnapshot) -> bool,
    ) -> LaneSnapshot {
        let begun = std::time::Instant::now();
        loop {
            let snapshot = running.status.snapshot();
            if test(&snapshot) {
                return snapshot;
            }
            assert!(!running.task.is_finished(), "the lane ended: {snapshot:?}");
            assert!(begun.elapsed() < PATIENCE, "nothing happens: {snapshot:?}");
            // Stopped time: this passes at once when nothing else is to be done.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until `count` messages have left the lane, and gives what became of them, in order.
    pub(super) async fn settled(&self, running: &Running, count: u64) -> LaneSnapshot {
        self.until(running, |s| {
            s.delivered + s.filtered + s.parked >= count && s.state == LaneState::Idle
        })
        .await
    }

    /// The last outcome of a message at a destination.
    pub(super) fn outcome(&self, destination: &str, position: Position) -> Outcome {
        let archive = Archive::open(&self.folder.path().join("journal"), None).unwrap();
        let outcomes = archive.outcomes(position).unwrap();
        let here = outcomes
            .into_iter()
            .filter(|(name, ..)| **name == *destination);
        here.last().unwrap().1
    }

    pub(super) fn outcome_kind(&self, destination: &str, position: Position) -> OutcomeKind {
        self.outcome(destination, position).kind
    }
}

/// Waits for the journal's threads. Stopped time stands still meanwhile, as it does while a blocking task runs; else it
/// would jump to the next timer.
async fn really<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work));
    done.await.unwrap()
}

/// A destination over MLLP with a short temper: 5 s for an acknowledgment, pauses of 1 to 4 s.
pub(super) fn mllp(name: &str, address: impl Into<String>) -> DestinationSettings {
    let mut client = ClientSettings::new(address);
    client.ack_timeout = Duration::from_secs(5);
    let mut settings = DestinationSettings::new(name, DestinationKind::Mllp(client));
    settings.retry.max = Duration::from_secs(4);
    settings
}

pub(super) fn routes(routes: Vec<Route>) -> Routes {
    Routes::new(routes, Tables::default(), Templates::default())
}

pub(super) fn route(to: &[&str], when: Option<&str>, steps: Vec<Step>) -> Route {
    Route {
        name: "all".to_owned(),
        line: 1,
        from: vec!["adt".to_owned()],
        when: when.map(|text| Condition::parse(text).unwrap()),
        steps,
        to: to.iter().map(|&name| name.to_owned()).collect(),
        also: false,
    }
}

/// A message of our invention with this MSH-10.
pub(super) fn message(id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|HIS|MAIN|WARD|MAIN|20260301120000||ADT^A01|{id}|P|2.5.1\rEVN|A01\r\
         PID|1||4711^^^H||DOE^JOHN\rPV1|1|I|4E\r"
    )
    .into_bytes()
}

/// `count` control IDs: `M1`, `M2`, …
pub(super) fn ids(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("M{number}")).collect()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// That message on its way, without a lane.
pub(super) fn dispatch(id: &str) -> Dispatch {
    Dispatch {
        source: Arc::from("adt"),
        received: at("2026-03-01T12:00:00Z"),
        kind: MessageType::new(b"ADT", b"A01"),
        control_id: Bytes::from(id.to_owned()),
        message: Bytes::from(message(id)),
        rendered: None,
    }
}

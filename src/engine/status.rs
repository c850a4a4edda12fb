//! How the engine is doing: words and figures for `status`, the start screen and, later, the console; never content.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::{Engine, locked};
use crate::delivery::{LaneSnapshot, LaneState};
use crate::journal::DestinationState;
use crate::source::{SourceFigures, SourceKind};

/// The whole engine at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// When this was written.
    pub at: Timestamp,
    /// Why the journal takes nothing, if it does not.
    pub journal: Option<String>,
    /// Every source, by name.
    pub sources: Vec<SourceReport>,
    /// Every destination, by name.
    pub destinations: Vec<DestinationReport>,
}

/// One source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// `mllp` or `directory`.
    pub kind: &'static str,
    /// Where it listens, or its folder.
    pub at: String,
    /// Open connections, for a listener.
    pub connections: Option<usize>,
    /// What it counted since the start.
    #[serde(flatten)]
    pub figures: SourceFigures,
}

/// One destination.
#[derive(Clone, Debug, Serialize)]
pub struct DestinationReport {
    /// Its name.
    pub name: String,
    /// `mllp`, `file` or `http`; `removed` if it is no longer configured.
    pub kind: &'static str,
    /// Where it leads, without secrets.
    pub endpoint: String,
    /// What its lane is doing, in a clause.
    pub state: String,
    /// Whether somebody should look at it.
    pub trouble: bool,
    /// Messages without an outcome.
    pub backlog: u64,
    /// When the oldest of them was received, if known.
    pub oldest_waiting: Option<Timestamp>,
    /// Messages set aside.
    pub parked: usize,
    /// Messages delivered since the start.
    pub delivered: u64,
    /// Messages that no route sends here, since the start.
    pub filtered: u64,
    /// Tries that failed and were repeated, since the start.
    pub retries: u64,
    /// When the partner last took a message.
    pub last_success: Option<Timestamp>,
    /// The last acknowledgment code or HTTP status.
    pub last_code: Option<String>,
}

impl Engine {
    /// How everything is now.
    #[must_use]
    pub fn report(&self) -> EngineReport {
        let sources = locked(&self.sources);
        let sources = sources.values().map(|source| {
            let (kind, at) = match (&source.settings.kind, &source.listening) {
                (SourceKind::Mllp(settings), None) => ("mllp", settings.listen.to_string()),
                (SourceKind::Mllp(_), Some(listening)) => ("mllp", listening.address.to_string()),
                (SourceKind::Directory(folder), _) => {
                    ("directory", folder.path.display().to_string())
                }
            };
            SourceReport {
                name: source.settings.name.to_string(),
                kind,
                at,
                connections: source.listening.as_ref().map(|one| one.connections.count()),
                figures: source.receiver.status().figures(),
            }
        });
        let sources = sources.collect();
        let lanes: Vec<LaneSnapshot> = locked(&self.lanes)
            .values()
            .map(|lane| lane.status.snapshot())
            .collect();
        let states = self.journal.destinations();
        let settings = self.settings();
        let configured = |name: &str| settings.destinations.iter().any(|one| *one.name == *name);
        let strangers = states.iter().filter(|state| !configured(&state.name));
        let strangers: Vec<DestinationReport> = strangers.map(report_stranger).collect();
        let destinations = lanes.into_iter().map(|lane| {
            let state = states.iter().find(|state| *state.name == *lane.name);
            report_lane(
                &lane,
                state.map(|s| (s.backlog, s.oldest_waiting, s.parked)),
            )
        });
        EngineReport {
            at: self.clock.now(),
            journal: self.journal.trouble().map(|trouble| trouble.to_string()),
            sources,
            destinations: destinations.chain(strangers).collect(),
        }
    }
}

/// A destination that is no longer configured, and for which something waits.
fn report_stranger(state: &DestinationState) -> DestinationReport {
    DestinationReport {
        name: state.name.clone(),
        kind: "removed",
        endpoint: String::new(),
        state: "no longer in the configuration".to_owned(),
        trouble: true,
        backlog: state.backlog,
        oldest_waiting: state.oldest_waiting,
        parked: state.parked,
        delivered: 0,
        filtered: 0,
        retries: 0,
        last_success: None,
        last_code: None,
    }
}

fn report_lane(
    lane: &LaneSnapshot,
    standing: Option<(u64, Option<Timestamp>, usize)>,
) -> DestinationReport {
    let (backlog, oldest_waiting, parked) = standing.unwrap_or_default();
    let (state, trouble) = match &lane.state {
        LaneState::Idle => ("idle".to_owned(), false),
        LaneState::Delivering => ("delivering".to_owned(), false),
        LaneState::Retrying {
            position,
            attempts,
            reason,
            ..
        } => (
            format!("retrying {position} (tried {attempts} times): {reason}"),
            true,
        ),
        LaneState::Stopped {
            position, parked, ..
        } => (
            format!("stopped: {parked} parked, the first is {position}"),
            true,
        ),
        LaneState::Ended { reason } => (format!("ended: {reason}"), true),
    };
    DestinationReport {
        name: lane.name.to_string(),
        kind: lane.kind,
        endpoint: lane.endpoint.to_string(),
        state,
        trouble: trouble || parked > 0,
        backlog,
        oldest_waiting,
        parked,
        delivered: lane.delivered,
        filtered: lane.filtered,
        retries: lane.retries,
        last_success: lane.last_success,
        last_code: lane
            .last_code
            .as_ref()
            .map(|code: &Arc<str>| code.to_string()),
    }
}

//! Stopping in order: no more connections, finish what is in hand, sync; and say what was still busy at the deadline.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Engine, Group, locked};

/// How a drain ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// What was still busy at the deadline, in words; empty if all went well.
    pub busy: Vec<String>,
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.busy.is_empty() {
            return f.write_str("stopped; everything in hand was finished");
        }
        write!(
            f,
            "stopped at the deadline; still busy: {}",
            self.busy.join(", ")
        )
    }
}

impl Group {
    /// Runs a task of this group.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let abandon = self.abandon.clone();
        self.tasks.spawn(async move {
            abandon.run_until_cancelled(task).await;
        });
    }

    /// Asks the tasks to end and waits for them until `deadline`, when they are ended where they wait; whether they
    /// ended by themselves.
    pub(super) async fn stop(&self, deadline: Instant) -> bool {
        self.cancel.cancel();
        self.tasks.close();
        let in_time = timeout_at(deadline, self.tasks.wait()).await.is_ok();
        self.abandon.cancel();
        in_time
    }
}

/// How long a lane or source that goes or changes at a reload may take to finish what it has in hand.
const PATIENCE: Duration = Duration::from_mins(1);
/// The same when the engine is to stop meanwhile.
const HURRY: Duration = Duration::from_millis(500);

impl Engine {
    /// Lets one source or lane finish what it has in hand, and ends it.
    pub(super) async fn end(&self, group: &Group) {
        tokio::select! {
            _ = group.stop(Instant::now() + PATIENCE) => {}
            () = self.stopping.cancelled() => {
                group.stop(Instant::now() + HURRY).await;
            }
        }
    }

    /// Stops the engine within `patience`: sources first, so that nothing new comes in, then lanes, each of which finishes the
    /// message it is sending, then the journal, which syncs what it has. What is undelivered stays in the
    /// journal and goes out after the next start.
    pub async fn drain(&self, patience: Duration) -> Drained {
        let deadline = Instant::now() + patience;
        self.stopping.cancel();
        let _alone = self.changing.lock().await;
        let mut drained = Drained::default();
        let sources = std::mem::take(&mut *locked(&self.sources));
        let lanes = std::mem::take(&mut *locked(&self.lanes));
        for group in sources.values().map(|source| &source.group) {
            group.cancel.cancel();
        }
        for group in lanes.values().map(|lane| &lane.group) {
            group.cancel.cancel();
        }
        for (name, source) in &sources {
            if !source.group.stop(deadline).await {
                let open = source
                    .listening
                    .iter()
                    .flat_map(|listening| listening.connections.list());
                let peers: Vec<String> = open
                    .map(|one| format!("{} ({})", one.peer, one.state.as_str()))
                    .collect();
                drained
                    .busy
                    .push(format!("source {name}: {}", peers.join(", ")));
            }
        }
        for (name, lane) in &lanes {
            if !lane.group.stop(deadline).await {
                drained.busy.push(format!(
                    "destination {name}: a message without an answer yet"
                ));
            }
        }
        // The journal's own sync is not cut short: acknowledged messages are in it.
        if let Err(error) = self.journal.close().await {
            drained.busy.push(format!("journal: {error}"));
        }
        // Its tasks hold the engine, and with it the journal's lock.
        self.control.stop(Instant::now() + HURRY).await;
        drained
    }
}

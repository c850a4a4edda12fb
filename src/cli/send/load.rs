//! A load: many messages over several connections. It shares the machine with what it measures, so one task a
//! connection does everything, buffers are used again, and nothing is built for a message.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::{Broken, Connection, Endpoint};
use super::input::{Due, Item};
use super::stats::Stats;
use crate::cli::exit::Failure;
use crate::cli::output::tell;
use crate::cli::progress::Progress;
use crate::clock::Clock;

/// What to send, and how hard.
pub(super) struct Load {
    pub(super) endpoint: Endpoint,
    pub(super) templates: Vec<Template>,
    pub(super) count: u64,
    /// Messages a second over all connections.
    pub(super) rate: Option<f64>,
    /// Messages under way at once on one connection.
    pub(super) pipeline: usize,
    /// Whether each message gets a control ID of its own.
    pub(super) unique: bool,
    pub(super) ack_timeout: Duration,
    pub(super) clock: Clock,
}

/// A message, cut around its control ID.
pub(super) struct Template {
    before: Vec<u8>,
    id: Vec<u8>,
    after: Vec<u8>,
}

/// A message under way.
struct Sent {
    id: Id,
    at: Instant,
}

enum Id {
    Own(String),
    Of(usize),
}

/// What all connections share.
struct Run {
    load: Load,
    began: Instant,
    /// The next message to send.
    next: AtomicU64,
    answered: AtomicU64,
}

impl Template {
    /// Cuts a message at MSH-10; `None` for what does not ask for exactly one acknowledgment.
    pub(super) fn of(item: &Item) -> Option<Self> {
        let ([id], true) = (item.ids.as_slice(), item.due == Due { least: 1, most: 1 }) else {
            return None;
        };
        let at = control_id_at(&item.body)?;
        let body: &[u8] = &item.body;
        let after = body.get(at + id.len()..)?;
        Some(Self {
            before: body.get(..at)?.to_vec(),
            id: id.to_vec(),
            after: after.to_vec(),
        })
    }

    fn len(&self, id: usize) -> u64 {
        (self.before.len() + id + self.after.len()) as u64
    }
}

/// Where MSH-10 begins in a message.
fn control_id_at(body: &[u8]) -> Option<usize> {
    let start = body.windows(3).position(|three| three == b"MSH")?;
    let separator = *body.get(start + 3)?;
    let mut separators = (start..body.len()).filter(|&at| body.get(at) == Some(&separator));
    separators.nth(8).map(|at| at + 1)
}

impl Load {
    /// Runs it over `connections`; all of them are open before the first message goes out.
    pub(super) async fn run(self, connections: usize) -> Result<(Stats, Duration), Failure> {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            open.push(self.endpoint.connect().await?);
        }
        let progress = Progress::new(self.count);
        let run = Arc::new(Run {
            began: Instant::now(),
            load: self,
            next: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        let mut lanes = JoinSet::new();
        for connection in open {
            lanes.spawn(lane(Arc::clone(&run), connection));
        }
        let mut total = Stats::new();
        let mut broken = Vec::new();
        let all = async {
            while let Some(ended) = lanes.join_next().await {
                if let Ok((stats, end)) = ended {
                    total.add(&stats);
                    broken.extend(end);
                }
            }
        };
        tokio::select! {
            () = all => {}
            () = progress.follow(&run.answered) => {}
        }
        let took = run.began.elapsed();
        progress.finish();
        let unsent = run.load.count.saturating_sub(total.sent);
        if let Some(first) = broken.first() {
            tell(format_args!(
                "{} of {connections} connections broke: {first}",
                broken.len()
            ));
        }
        if unsent > 0 {
            tell(format_args!("{unsent} messages were not sent"));
        }
        Ok((total, took))
    }
}

/// One connection's share of the run, and why it ended early if it did.
async fn lane(run: Arc<Run>, mut connection: Connection) -> (Stats, Option<Broken>) {
    let mut stats = Stats::new();
    let mut under_way = VecDeque::with_capacity(run.load.pipeline);
    let end = send_all(&run, &mut connection, &mut under_way, &mut stats)
        .await
        .err();
    if let Some(end) = &end {
        let name = if matches!(end, Broken::Timeout) {
            "timeout"
        } else {
            "closed"
        };
        for _ in &under_way {
            stats.count(name);
        }
    }
    (stats, end)
}

async fn send_all(
    run: &Run,
    connection: &mut Connection,
    under_way: &mut VecDeque<Sent>,
    stats: &mut Stats,
) -> Result<(), Broken> {
    let mut ticket = run.ticket();
    loop {
        // As many as may be under way and are due go out in one write.
        let now = Instant::now();
        let mut due = None;
        while under_way.len() < run.load.pipeline
            && let Some(number) = ticket
        {
            due = run.due(number).filter(|&at| at > now);
            if due.is_some() {
                break;
            }
            under_way.push_back(run.push(number, now, connection, stats));
            ticket = run.ticket();
        }
        connection.flush().await?;
        let Some(oldest) = under_way.front() else {
            match due {
                Some(at) => sleep_until(at).await,
                None => return Ok(()),
            }
            continue;
        };
        let patience = oldest.at.max(run.began) + run.load.ack_timeout;
        let until = due.map_or(patience, |at| at.min(patience));
        match connection.fill(until).await {
            Err(Broken::Timeout) if until < patience => {}
            ended => ended?,
        }
        run.credit(connection, under_way, stats);
    }
}

impl Run {
    /// The number of a message that is still to be sent.
    fn ticket(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number < self.load.count {
            return Some(number);
        }
        self.next.store(self.load.count, Ordering::Relaxed);
        None
    }

    /// When a message is due under the wished rate.
    fn due(&self, number: u64) -> Option<Instant> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 messages are enough")]
        let seconds = number as f64 / self.load.rate?;
        Some(self.began + Duration::from_secs_f64(seconds))
    }

    /// Puts a message into the connection's next write. Under a rate its time counts from when it was due, so that a
    /// receiver that stalls does not hide how long the others had to wait.
    fn push(&self, number: u64, now: Instant, to: &mut Connection, stats: &mut Stats) -> Sent {
        let count = self.load.templates.len().max(1) as u64;
        let index = usize::try_from(number % count).unwrap_or_default();
        let at = self.due(number).unwrap_or(now);
        stats.sent += 1;
        let Some(template) = self.load.templates.get(index) else {
            return Sent {
                id: Id::Of(index),
                at,
            };
        };
        let id = if self.load.unique {
            let id = self.load.clock.control_id();
            to.push(&[&template.before, id.as_bytes(), &template.after]);
            stats.bytes += template.len(id.len());
            Id::Own(id)
        } else {
            to.push(&[&template.before, &template.id, &template.after]);
            stats.bytes += template.len(template.id.len());
            Id::Of(index)
        };
        Sent { id, at }
    }

    /// Credits the acknowledgments at hand: each only to the oldest message under way, and only by its control ID.
    fn credit(&self, from: &mut Connection, under_way: &mut VecDeque<Sent>, stats: &mut Stats) {
        let now = Instant::now();
        while let Some(reply) = from.taken() {
            let expected: Option<&[u8]> = match under_way.front() {
                Some(Sent {
                    id: Id::Own(id), ..
                }) => Some(id.as_bytes()),
                Some(Sent {
                    id: Id::Of(index), ..
                }) => self
                    .load
                    .templates
                    .get(*index)
                    .map(|template| &*template.id),
                None => None,
            };
            if expected != Some(reply.control_id()) {
                stats.unmatched += 1;
                continue;
            }
            if let Some(sent) = under_way.pop_front() {
                stats.answered(reply.code(), now.saturating_duration_since(sent.at));
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_id_is_found_whatever_the_delimiters() {
        for text in [
            "MSH|^~\\&|A|B|C|D|20260308||ADT^A01|X7|P|2.5.1\r",
            "\u{feff}MSH#@*!%#A#B#C#D#2026##ADT@A01#X7#P#2.3\r",
        ] {
            let at = control_id_at(text.as_bytes()).unwrap();
            assert!(text.as_bytes()[at..].starts_with(b"X7"));
        }
        assert_eq!(control_id_at(b"PID|1"), None);
    }
}

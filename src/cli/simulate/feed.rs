//! Sends a hospital's messages over several connections: a patient keeps to one of them, each connection has one message
//! under way, and a message about two patients waits for both of theirs. So nothing of a patient overtakes anything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::pacing::Pacing;
use super::report::{Tally, locked};
use super::truth::Truth;
use crate::cli::exit::Failure;
use crate::cli::send::{Broken, Connection, Endpoint, Reply};
use crate::simulate::{Audit, Hospital, Outgoing, Told};

/// How many messages wait for a connection at most.
const WAITING: usize = 16;
/// How long to wait before a message is sent again: doubled each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Where to, and how.
pub(super) struct Feed {
    pub(super) endpoint: Endpoint,
    pub(super) connections: u16,
    pub(super) ack_timeout: Duration,
    /// How often a message is sent again.
    pub(super) retries: u16,
    /// Whether progress is counted in messages, or in simulated minutes.
    pub(super) by_messages: bool,
    pub(super) done: AtomicU64,
    pub(super) audit: Arc<Mutex<Audit>>,
}

/// A connection's end that messages are given to.
struct Lane {
    to: mpsc::Sender<Outgoing>,
    given: u64,
    done: watch::Receiver<u64>,
}

/// A connection, and what it has come to.
struct Sending {
    feed: Arc<Feed>,
    number: u16,
    connection: Option<Connection>,
    answers: BTreeMap<String, u64>,
}

impl Feed {
    /// Sends everything `model` tells, to its end or until Ctrl-C.
    pub(super) async fn run(
        self: Arc<Self>,
        mut model: Hospital,
        truth: &mut Truth,
        mut pacing: Pacing,
    ) -> Result<Tally, Failure> {
        let (mut lanes, mut tasks) = (Vec::new(), JoinSet::new());
        for number in 0..self.connections {
            let connection = Some(self.endpoint.connect().await?);
            let (to, from) = mpsc::channel(WAITING);
            let (tell_done, done) = watch::channel(0);
            let (feed, answers) = (Arc::clone(&self), BTreeMap::new());
            let sending = Sending {
                feed,
                number,
                connection,
                answers,
            };
            tasks.spawn(sending.run(from, tell_done));
            lanes.push(Lane { to, given: 0, done });
        }
        let began = Instant::now();
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let mut stopped = false;
        while let Some(told) = model.next() {
            // What is told after the end is the truth about what is open.
            let Told::Message(message) = told else {
                truth.tell(&told)?;
                continue;
            };
            let given = async {
                pacing.next().await;
                give(&mut lanes, &message).await
            };
            let given = tokio::select! {
                given = given => given,
                _ = &mut interrupted, if !stopped => false,
            };
            if given {
                truth.tell(&Told::Message(message))?;
            } else if !stopped {
                stopped = true;
                model.stop();
            }
            if !self.by_messages {
                self.done.store(model.elapsed() / 60, Ordering::Relaxed);
            }
        }
        drop(lanes);
        let mut tally = Tally::default();
        while let Some(ended) = tasks.join_next().await {
            if let Ok((answers, broken)) = ended {
                for (answer, count) in answers {
                    *tally.answers.entry(answer).or_default() += count;
                }
                tally.broken = tally.broken.take().or(broken);
            }
        }
        tally.seconds = began.elapsed().as_secs_f64();
        Ok(tally)
    }

    /// Counts one message as done with.
    fn count(&self) {
        if self.by_messages {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Gives a message to the connection of its patient. `false`: that connection has given up.
async fn give(lanes: &mut [Lane], message: &Outgoing) -> bool {
    let count = lanes.len().max(1) as u64;
    let of = |key: u64| usize::try_from(key % count).unwrap_or_default();
    let (own, other) = (of(message.key), message.other.map(of));
    if let Some(other) = other
        && (!all_done(lanes, own).await || !all_done(lanes, other).await)
    {
        return false;
    }
    let Some(lane) = lanes.get_mut(own) else {
        return false;
    };
    lane.given += 1;
    if lane.to.send(message.clone()).await.is_err() {
        return false;
    }
    other.is_none() || all_done(lanes, own).await
}

/// Waits until a connection has nothing left to do.
async fn all_done(lanes: &mut [Lane], lane: usize) -> bool {
    let Some(lane) = lanes.get_mut(lane) else {
        return false;
    };
    let given = lane.given;
    lane.done.wait_for(|done| *done >= given).await.is_ok()
}

impl Sending {
    /// Sends what comes, until nothing more does or the receiver is lost for good; gives the answers by their code, and
    /// why it gave up.
    async fn run(
        mut self,
        mut from: mpsc::Receiver<Outgoing>,
        done: watch::Sender<u64>,
    ) -> (BTreeMap<String, u64>, Option<String>) {
        while let Some(message) = from.recv().await {
            if let Err(broken) = self.send(&message).await {
                return (self.answers, Some(broken));
            }
            self.feed.count();
            done.send_modify(|done| *done += 1);
        }
        (self.answers, None)
    }

    /// Sends one message until it is accepted, rejected for good, or has been tried often enough.
    async fn send(&mut self, message: &Outgoing) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..=self.feed.retries {
            if attempt > 0 {
                sleep(PAUSE * 2_u32.pow(u32::from(attempt - 1).min(5))).await;
            }
            let open = match self.connection.take() {
                Some(connection) => Ok(connection),
                None => self.feed.endpoint.connect().await,
            };
            let Ok(connection) = open else {
                last = format!("cannot connect to {} again", self.feed.endpoint.address);
                continue;
            };
            locked(&self.feed.audit).sent(message.number, Some(self.number));
            match self.exchange(connection, message).await {
                Ok(reply) => {
                    let code = reply.code();
                    let accepted = matches!(code, b"AA" | b"CA");
                    locked(&self.feed.audit).answered(message.number, accepted);
                    self.count(&crate::cli::send::shown(code));
                    if accepted || matches!(code, b"AR" | b"CR") {
                        return Ok(());
                    }
                    last.clear();
                }
                Err(broken) => {
                    let timeout = matches!(broken, Broken::Timeout);
                    self.count(if timeout { "timeout" } else { "closed" });
                    last = broken.to_string();
                }
            }
        }
        // A message that is refused again and again does not stop the others; a receiver that is gone does.
        if last.is_empty() { Ok(()) } else { Err(last) }
    }

    /// Sends a message and waits for the answer that names it; a connection that failed is not used again.
    async fn exchange(
        &mut self,
        mut connection: Connection,
        message: &Outgoing,
    ) -> Result<Reply, Broken> {
        connection.push(&[&message.bytes]);
        connection.flush().await?;
        let deadline = Instant::now() + self.feed.ack_timeout;
        loop {
            let reply = connection.reply(deadline).await?;
            if reply.control_id() == message.record.control_id.as_bytes() {
                self.connection = Some(connection);
                return Ok(reply);
            }
            self.count("of another message");
        }
    }

    fn count(&mut self, answer: &str) {
        match self.answers.get_mut(answer) {
            Some(count) => *count += 1,
            None => drop(self.answers.insert(answer.to_owned(), 1)),
        }
    }
}

//! Running the steps of one case over its connections.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::answer::{Answer, Rank};
use super::judge::{self, Seen};
use super::outcome::{Finding, Verdict};
use super::specimen::Specimen;
use super::step::{Asked, Step};
use super::transcript::{Direction, Event, Transcript};
use super::wire::{Heard, Target, Wire};

/// How long what nobody asked for is waited for at the end.
const SETTLE: Duration = Duration::from_millis(60);

const UNFRAMED: &str = "the answer is not between a start block (0B) and an end block (1C 0D)";

/// A case being run.
pub(super) struct Running<'a> {
    target: &'a Target,
    timeout: Duration,
    began: Instant,
    wires: Vec<Option<Wire>>,
    current: usize,
    seen: Seen,
    pub(super) transcript: Transcript,
}

/// What came before a marker's acknowledgment.
struct Before {
    replies: Vec<Bytes>,
    end: End,
}

enum End {
    /// The marker was acknowledged.
    Marker(Bytes),
    Closed,
    Silence,
    Unframed,
}

impl<'a> Running<'a> {
    pub(super) fn new(target: &'a Target, timeout: Duration) -> Self {
        Self {
            target,
            timeout,
            began: Instant::now(),
            wires: Vec::new(),
            current: 0,
            seen: Seen::new(),
            transcript: Transcript::default(),
        }
    }

    /// Runs the steps up to the first that fails or tells nothing.
    pub(super) async fn run(&mut self, steps: Vec<Step>) -> Finding {
        let first = Rank::Fail("cannot connect any more");
        let mut finding = self.open(first).await;
        for step in steps {
            if finding.verdict >= Verdict::Inconclusive {
                return finding;
            }
            let found = self.step(step).await;
            finding = finding.and(found);
        }
        if finding.verdict < Verdict::Inconclusive {
            finding = finding.and(self.nothing_more().await);
        }
        finding
    }

    async fn step(&mut self, step: Step) -> Finding {
        match step {
            Step::Open(refused) => return self.open(refused).await,
            Step::Use(index) => self.current = index,
            Step::Write(bytes) => self.write(&bytes).await,
            Step::Dribble(pieces, pause) => {
                for (index, piece) in pieces.iter().enumerate() {
                    if index > 0 {
                        sleep(pause).await;
                    }
                    self.write(piece).await;
                }
            }
            Step::Pause(pause) => sleep(pause).await,
            Step::EndWriting => {
                if let Some(Some(wire)) = self.wires.get_mut(self.current) {
                    // A connection that is gone already is found out by reading.
                    drop(wire.end_writing().await);
                }
                self.say("we say that no more will be written");
            }
            Step::Close => self.close("closed by us"),
            Step::Answer(answer) => return self.answer(&answer).await,
            Step::Odd { answer, marker } => return self.odd(&answer, &marker).await,
            Step::Asked { asked, marker } => return self.asked(&asked, &marker).await,
        }
        Finding::PASS
    }

    async fn open(&mut self, refused: Rank) -> Finding {
        self.current = self.wires.len();
        match self.target.open(self.timeout).await {
            Ok(wire) => {
                self.wires.push(Some(wire));
                self.say("connected");
                Finding::PASS
            }
            Err(error) => {
                self.wires.push(None);
                self.say(&format!("cannot connect ({})", error.kind()));
                refused.finding()
            }
        }
    }

    fn close(&mut self, how: &str) {
        if let Some(slot) = self.wires.get_mut(self.current)
            && slot.take().is_some()
        {
            self.say(how);
        }
    }

    fn say(&mut self, words: &str) {
        let event = Event::Said(words.to_owned());
        self.transcript
            .push(self.current + 1, self.began.elapsed(), event);
    }

    /// Writes; that it cannot be written is found out by reading.
    async fn write(&mut self, bytes: &[u8]) {
        let at = self.began.elapsed();
        let Some(Some(wire)) = self.wires.get_mut(self.current) else {
            return;
        };
        let written = wire.write(bytes, self.timeout).await;
        self.transcript
            .bytes(self.current + 1, at, Direction::Sent, bytes);
        if let Err(error) = written {
            self.say(&format!("not all of it was taken ({})", error.kind()));
        }
    }

    async fn hear(&mut self, patience: Duration) -> Heard {
        let (began, current) = (self.began, self.current);
        let Some(Some(wire)) = self.wires.get_mut(current) else {
            return Heard::Closed;
        };
        let transcript = &mut self.transcript;
        let heard = wire
            .next(Instant::now() + patience, |bytes| {
                transcript.bytes(current + 1, began.elapsed(), Direction::Received, bytes);
            })
            .await;
        match &heard {
            Heard::Closed => self.close("closed by the receiver"),
            Heard::Silence if patience > SETTLE => {
                self.say(&format!("nothing for {} ms", patience.as_millis()));
            }
            _ => {}
        }
        heard
    }

    async fn answer(&mut self, answer: &Answer) -> Finding {
        match self.hear(self.timeout).await {
            Heard::Reply(body) => answer.judge(&body, &mut self.seen),
            Heard::Closed => answer.closed.finding(),
            Heard::Silence => answer.silent.finding(),
            Heard::Unframed => Finding::fail(UNFRAMED),
        }
    }

    /// Sends the marker, and gives what comes before its acknowledgment.
    async fn before(&mut self, marker: &Specimen) -> Before {
        self.write(&marker.frame()).await;
        let deadline = Instant::now() + self.timeout;
        let mut replies = Vec::new();
        let end = loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            match self.hear(patience).await {
                Heard::Reply(body) => {
                    let is_marker = judge::read(&body)
                        .is_ok_and(|read| judge::is_echo(marker, &read.control_id));
                    if is_marker {
                        break End::Marker(body);
                    }
                    replies.push(body);
                }
                Heard::Closed => break End::Closed,
                Heard::Silence => break End::Silence,
                Heard::Unframed => break End::Unframed,
            }
        };
        Before { replies, end }
    }

    async fn odd(&mut self, answer: &Answer, marker: &Specimen) -> Finding {
        let before = self.before(marker).await;
        let mut finding = match (before.replies.split_first(), &before.end) {
            (None, End::Closed) => answer.closed.finding(),
            (None, End::Unframed) => Finding::fail(UNFRAMED),
            (None, _) => answer.silent.finding(),
            (Some((first, others)), _) => {
                let mut finding = answer.judge(first, &mut self.seen);
                for body in others {
                    finding = finding.and(answer.judge(body, &mut self.seen));
                }
                if before.replies.len() > answer.most {
                    let count = before.replies.len();
                    finding = finding.and(Finding::fail(format!("there were {count} answers")));
                }
                finding
            }
        };
        finding = finding.and(match before.end {
            End::Marker(body) => Answer::accepted(marker).judge(&body, &mut self.seen),
            End::Unframed => Finding::fail(UNFRAMED),
            End::Closed => self.anew(marker).await,
            // Unless it is only this connection that is lost, the receiver is.
            End::Silence => self.anew(marker).await.and(answer.next_lost.finding()),
        });
        finding
    }

    /// An ordinary message on a new connection must be accepted.
    async fn anew(&mut self, marker: &Specimen) -> Finding {
        let lost = "the receiver does not come back: an ordinary message on a new connection was not accepted";
        let opened = self.open(Rank::Fail(lost)).await;
        if opened.verdict == Verdict::Fail {
            return opened;
        }
        self.write(&marker.frame()).await;
        match self.answer(&Answer::accepted(marker)).await {
            found if found.verdict == Verdict::Fail => Finding::fail(lost),
            found => found,
        }
    }

    async fn asked(&mut self, asked: &Asked, marker: &Specimen) -> Finding {
        let before = self.before(marker).await;
        let mut codes: Vec<String> = Vec::new();
        for body in &before.replies {
            match judge::read(body) {
                Err(finding) => return finding,
                Ok(read) if judge::is_echo(&asked.of, &read.control_id) => {
                    codes.push(read.code.to_string());
                }
                Ok(_) => return Finding::fail("MSA-2 of an answer is neither message's MSH-10"),
            }
        }
        match before.end {
            End::Marker(_) => {}
            End::Closed => return Finding::fail("the connection was closed"),
            End::Unframed => return Finding::fail(UNFRAMED),
            End::Silence => {
                return Finding::fail("the ordinary message behind it was not answered in time");
            }
        }
        // An application acknowledgment may come later than that of the message behind it.
        let fits = |list: &&[&str]| list.iter().copied().eq(codes.iter().map(String::as_str));
        if !asked.wanted.iter().any(fits) && codes.len() < 2 {
            while let Heard::Reply(body) = self.hear(SETTLE).await {
                if let Ok(read) = judge::read(&body)
                    && judge::is_echo(&asked.of, &read.control_id)
                {
                    codes.push(read.code.to_string());
                }
            }
        }
        judge_codes(asked, &codes)
    }

    /// Whatever else comes within a moment is too much.
    async fn nothing_more(&mut self) -> Finding {
        for index in 0..self.wires.len() {
            self.current = index;
            match self.hear(SETTLE).await {
                Heard::Reply(_) => {
                    return Finding::fail("there were more answers than messages");
                }
                Heard::Unframed => {
                    return Finding::fail("bytes outside of any frame came behind the answer");
                }
                Heard::Closed | Heard::Silence => {}
            }
        }
        Finding::PASS
    }
}

fn judge_codes(asked: &Asked, codes: &[String]) -> Finding {
    let fits = |list: &[&str]| list.iter().copied().eq(codes.iter().map(String::as_str));
    if asked.wanted.iter().any(|list| fits(list)) {
        return Finding::PASS;
    }
    if let Some((_, why)) = asked.tolerated.iter().find(|(list, _)| fits(list)) {
        return Finding::tolerated(*why);
    }
    let words = |list: &[&str]| match list {
        [] => "nothing".to_owned(),
        list => list.join(" and "),
    };
    let wanted: Vec<String> = asked.wanted.iter().map(|list| words(list)).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    Finding::fail(format!(
        "it was answered with {} where {} is asked for",
        words(&codes),
        wanted.join(" or ")
    ))
}

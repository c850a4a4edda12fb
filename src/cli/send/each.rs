//! One message after the other, one line each: what a person at an interface wants to see.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::connection::{Broken, Connection, Endpoint};
use super::expect::Expectation;
use super::input::Item;
use super::reply::Reply;
use super::stats::{Stats, shown};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Format, Output, printable, tell};
use crate::cli::progress::Progress;

/// How long to listen for acknowledgments that may come and need not.
const QUIET: Duration = Duration::from_millis(300);

/// How to go about it.
pub(super) struct Each<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) ack_timeout: Duration,
    pub(super) expectation: &'a Expectation,
    pub(super) format: Format,
    /// Whether MSA-3 may be shown: the receiver's own words may hold anything.
    pub(super) texts: bool,
}

/// What came back for one frame.
#[derive(Default, Serialize)]
struct Answer {
    file: String,
    #[serde(rename = "type")]
    kind: String,
    codes: Vec<String>,
    /// Table 0357, of the first error.
    error: String,
    ms: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    /// Why it is not as it should be.
    #[serde(skip_serializing_if = "String::is_empty")]
    problem: String,
    #[serde(skip)]
    unmatched: u64,
    #[serde(skip)]
    unanswered: bool,
}

/// How a run ended.
pub(super) struct Tally {
    pub(super) stats: Stats,
    pub(super) exit: Exit,
}

impl Each<'_> {
    pub(super) async fn run(&self, items: &[Item], out: &mut Output) -> Result<Tally, Failure> {
        let width = items
            .iter()
            .map(|item| item.name.chars().count())
            .max()
            .unwrap_or(0);
        if self.format == Format::Csv {
            out.line("file,type,codes,error,ms,text,problem")?;
        }
        let mut stats = Stats::new();
        let (mut unexpected, mut unanswered) = (0_usize, 0_usize);
        let (mut codes, mut error) = (Vec::new(), String::new());
        let mut connection = Some(self.endpoint.connect().await?);
        let progress = Progress::beside_output(items.len());
        for (index, item) in items.iter().enumerate() {
            let mut open = match connection.take() {
                Some(open) => open,
                None => self.endpoint.connect().await?,
            };
            let (mut answer, usable) = self.exchange(&mut open, item, &mut stats).await;
            connection = usable.then_some(open);

            codes.extend(answer.codes.iter().cloned());
            if error.is_empty() {
                error.clone_from(&answer.error);
            }
            let next = items.get(index + 1);
            let file_goes_on = self.expectation.by_file()
                && next.is_some_and(|next| next.file.is_some() && next.file == item.file);
            if !file_goes_on {
                let missed = self
                    .expectation
                    .missed(item.file.as_deref(), &codes, &error);
                unexpected += usize::from(missed.is_some());
                if let Some(missed) = missed {
                    let told = std::mem::take(&mut answer.problem);
                    let parts = [told, missed];
                    let parts: Vec<&str> = parts
                        .iter()
                        .map(String::as_str)
                        .filter(|p| !p.is_empty())
                        .collect();
                    answer.problem = parts.join(", ");
                }
                codes.clear();
                error.clear();
            }
            unanswered += usize::from(answer.unanswered);
            self.write(&answer, width, out)?;
            progress.set(index + 1);
        }
        progress.finish();
        let exit = match (self.expectation, unexpected, unanswered) {
            (Expectation::None, _, 0) | (_, 0, _) if unanswered == 0 => Exit::Ok,
            (Expectation::None, ..) => Exit::Failed,
            (_, 0, _) => Exit::Ok,
            _ => Exit::Findings,
        };
        if unanswered > 0 && matches!(self.expectation, Expectation::None) {
            tell(format_args!(
                "{unanswered} of {} got no acknowledgment",
                items.len()
            ));
        }
        if unexpected > 0 {
            tell(format_args!(
                "{unexpected} got another acknowledgment than expected"
            ));
        }
        Ok(Tally { stats, exit })
    }

    /// Sends one frame and takes what comes back for it; says whether the connection is of further use.
    async fn exchange(
        &self,
        connection: &mut Connection,
        item: &Item,
        stats: &mut Stats,
    ) -> (Answer, bool) {
        let began = Instant::now();
        let mut answer = Answer {
            file: item.name.clone(),
            kind: item.kind.clone(),
            ..Answer::default()
        };
        stats.sent += 1;
        stats.bytes += item.body.len() as u64;
        connection.push(&[&item.body]);
        let broken = match connection.flush().await {
            Ok(()) => self
                .replies(connection, item, began, &mut answer, stats)
                .await
                .err(),
            Err(broken) => Some(broken),
        };
        if answer.unmatched > 0 {
            stats.unmatched += answer.unmatched;
            answer.problem = format!("{} acknowledgments of other messages", answer.unmatched);
        }
        let usable = broken.is_none();
        if let Some(broken) = broken {
            let name = if matches!(broken, Broken::Timeout) {
                "timeout"
            } else {
                "closed"
            };
            stats.count(name);
            answer.unanswered = true;
            answer.problem = broken.to_string();
        }
        (answer, usable)
    }

    async fn replies(
        &self,
        connection: &mut Connection,
        item: &Item,
        began: Instant,
        answer: &mut Answer,
        stats: &mut Stats,
    ) -> Result<(), Broken> {
        let mut refused_at_commit = false;
        loop {
            let count = answer.codes.len();
            if count > 0 && count >= item.due.most {
                return Ok(());
            }
            let enough = count >= item.due.least || refused_at_commit;
            let deadline = if enough {
                Instant::now() + QUIET
            } else {
                began + self.ack_timeout
            };
            let reply = match connection.reply(deadline).await {
                Ok(reply) => reply,
                Err(Broken::Timeout | Broken::Closed) if enough && count > 0 => return Ok(()),
                Err(Broken::Timeout) if enough => return Ok(()),
                Err(broken) => return Err(broken),
            };
            if !belongs(&reply, item) {
                answer.unmatched += 1;
                continue;
            }
            let took = began.elapsed();
            stats.answered(reply.code(), took);
            answer.ms = (took.as_secs_f64() * 1e6).round() / 1e3;
            refused_at_commit = matches!(reply.code(), b"CE" | b"CR");
            answer.codes.push(shown(reply.code()));
            if answer.error.is_empty() {
                answer.error = shown_error(&reply);
            }
            if self.texts && answer.text.is_empty() {
                answer.text = printable(&reply.text());
            }
        }
    }

    fn write(&self, answer: &Answer, width: usize, out: &mut Output) -> Result<(), Failure> {
        match self.format {
            Format::Json => out.json(answer)?,
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(Vec::new());
                let codes = answer.codes.join(" ");
                let ms = answer.ms.to_string();
                let row = [
                    &answer.file,
                    &answer.kind,
                    &codes,
                    &answer.error,
                    &ms,
                    &answer.text,
                    &answer.problem,
                ];
                csv.write_record(row).map_err(anyhow::Error::from)?;
                let row = csv.into_inner();
                out.bytes(&row.map_err(|_| anyhow::anyhow!("cannot write CSV"))?)?;
            }
            Format::Text => out.line(line(answer, width))?,
        }
        out.flush()
    }
}

fn line(answer: &Answer, width: usize) -> String {
    let codes = if answer.codes.is_empty() {
        "none".to_owned()
    } else {
        answer.codes.join(" ")
    };
    let ms = if answer.codes.is_empty() {
        String::new()
    } else {
        format!("{:.3} ms", answer.ms)
    };
    let name = printable(&answer.file);
    let mut line = format!("{name:<width$}  {:<10}  {codes:<8}  {ms:>12}", answer.kind);
    let error = if answer.error.is_empty() {
        String::new()
    } else {
        format!("error {}", answer.error)
    };
    for part in [&error, &answer.text] {
        if !part.is_empty() {
            line.push_str("  ");
            line.push_str(part);
        }
    }
    if !answer.problem.is_empty() {
        line.extend(["  (", &answer.problem, ")"]);
    }
    line
}

/// Whether a reply answers this frame. What could not be read may be answered by anything; a batch may be answered
/// by its own control ID.
fn belongs(reply: &Reply, item: &Item) -> bool {
    match item.ids.as_slice() {
        [one] => reply.control_id() == one,
        _ => true,
    }
}

fn shown_error(reply: &Reply) -> String {
    let error = reply.error();
    if error.is_empty() {
        error
    } else {
        shown(error.as_bytes())
    }
}

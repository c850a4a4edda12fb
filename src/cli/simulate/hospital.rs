//! `wardwire simulate hospital`: sends what a hospital's systems say, or writes it; with the truth, and an audit.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::pacing::Pacing;
use super::partner::Receiver;
use super::report::{self, Tally, locked};
use super::truth::{Sink, Truth};
use crate::cli::exit::{Ending, Exit, Failure, OrExit};
use crate::cli::output::{Format, Output, grouped, tell};
use crate::cli::progress::Progress;
use crate::cli::send::{Endpoint, TlsArgs};
use crate::cli::{partner, values};
use crate::clock::Clock;
use crate::simulate::{Audit, Hospital as Model, Pathways, Settings, Told, Version};

const EXAMPLES: &str = "\
Examples:
  wardwire simulate hospital --days 1 --out feed.hl7 --truth truth.json
  wardwire simulate hospital --seed 7 --days 2 --rate 50 --to 127.0.0.1:2575
  wardwire simulate hospital --fast --count 100000 --connections 8
  wardwire simulate hospital --fast --count 5000 --listen 127.0.0.1:2576
  wardwire simulate hospital --beds 600 --version 2.3 --timezone America/Chicago --out feed/

With --listen it is the partner behind the engine, too, and audits what arrives. The same seed (and the rest) gives the same bytes. An engine that knows repeated messages will recognise them: give each \
run a seed of its own, or none. Times in messages are simulated; the audit tells what was sent, acknowledged, delivered \
once, twice, lost, and out of order on its connection.

Exit codes: 0 clean, 1 not all was sent and accepted, 2 something is lost or out of order, 64 usage, 69 nobody listens, \
78 the pathways are wrong.";

/// Be a hospital: send a consistent feed of admissions, orders, results and appointments
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Hospital {
    /// Makes a run repeatable [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Simulated days [default: 1, without --count]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// How large the hospital is [default: as its pathways say]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    beds: Option<u32>,
    /// What the hospital is like; `wardwire simulate pathways` prints the built-in one
    #[arg(long, value_name = "FILE")]
    pathways: Option<PathBuf>,
    /// HL7 version: 2.3, 2.3.1, 2.4, 2.5 or 2.5.1
    #[arg(long, value_name = "VERSION", default_value_t = Version::V251)]
    version: Version,
    /// Begin of the simulated time
    #[arg(long, value_name = "TIME", default_value = "2026-01-05T00:00")]
    start: DateTime,
    /// Time zone of all times in messages
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    timezone: TimeZone,
    /// Write what really happened: a JSON array, one record a line
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write the messages instead of sending them: one file, a folder (an existing one, or ending in /), or - for standard output
    #[arg(long, value_name = "PATH", conflicts_with_all = ["to", "rate", "fast", "connections", "listen"])]
    out: Option<PathBuf>,
    /// text or json, for the audit
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
    #[command(flatten)]
    sending: SendArgs,
    #[command(flatten)]
    tls: TlsArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
struct SendArgs {
    /// Where to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
    to: String,
    /// Messages a second
    #[arg(long, value_name = "N", default_value = "20", value_parser = values::rate)]
    rate: f64,
    /// As fast as the receiver answers
    #[arg(long, conflicts_with = "rate")]
    fast: bool,
    /// Connections at once; a patient keeps to one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=512))]
    connections: u16,
    /// How long to wait for each acknowledgment
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration)]
    ack_timeout: Duration,
    /// How often a message is sent again that was refused with AE or not answered
    #[arg(long, value_name = "N", default_value_t = 3)]
    retries: u16,
    /// Be the downstream partner too, at this address, and audit what is delivered
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// With --listen: how long to wait for what is missing once nothing comes any more
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::duration)]
    settle: Duration,
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .map_err(|_| "expected a time zone such as UTC or America/Chicago".to_owned())
}

impl Hospital {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        let model = self.model()?;
        let mut truth = Truth::open(self.truth.as_deref())?;
        let ended = match &self.out {
            Some(path) => {
                let sink = Sink::open(path)?;
                self.write(model, &mut truth, sink, out)
            }
            None => self.send(model, &mut truth, clock, out).await,
        };
        truth.close()?;
        ended
    }

    fn model(&self) -> Result<Model, Failure> {
        let mut pathways = match &self.pathways {
            None => {
                Pathways::built_in().map_err(|errors| refused("the built-in pathways", &errors))?
            }
            Some(file) => {
                let name = file.display().to_string();
                let text = fs::read_to_string(file)
                    .with_context(|| format!("cannot read {name}"))
                    .or_exit(Exit::Config)?;
                Pathways::read(&text).map_err(|errors| refused(&name, &errors))?
            }
        };
        if let Some(beds) = self.beds {
            pathways = pathways.scaled(beds);
        }
        let start = self.timezone.to_ambiguous_zoned(self.start).compatible();
        let seed = self.seed.map_or_else(any_seed, Ok)?;
        Ok(Model::new(Settings {
            seed,
            start: start.context("--start is out of range")?,
            days: self.days.or(self.count.is_none().then_some(1)),
            count: self.count,
            version: self.version,
            pathways,
        }))
    }

    /// How long the run is for a progress bar: in messages, or in simulated minutes.
    fn length(&self) -> u64 {
        self.count
            .unwrap_or_else(|| u64::from(self.days.unwrap_or(1)) * 24 * 60)
    }

    /// Writes the messages.
    fn write(
        &self,
        model: Model,
        truth: &mut Truth,
        mut sink: Sink<'_>,
        out: &mut Output,
    ) -> Ending {
        let progress =
            Progress::beside_output(usize::try_from(self.length()).unwrap_or(usize::MAX));
        let (mut count, mut bytes, mut model) = (0_u64, 0_u64, model);
        while let Some(told) = model.next() {
            truth.tell(&told)?;
            if let Told::Message(message) = told {
                count += 1;
                bytes += message.bytes.len() as u64;
                sink.write(&message, out)?;
                if count.is_multiple_of(256) {
                    let far = self.count.map_or(model.elapsed() / 60, |_| count);
                    progress.set(usize::try_from(far).unwrap_or(usize::MAX));
                }
            }
        }
        sink.close()?;
        progress.finish();
        tell(format_args!(
            "{} messages, {} bytes, up to {}",
            grouped(count),
            grouped(bytes),
            model.time()
        ));
        Ok(Exit::Ok)
    }

    /// Sends them, and audits.
    async fn send(
        &self,
        model: Model,
        truth: &mut Truth,
        clock: &Clock,
        out: &mut Output,
    ) -> Ending {
        let audit = Arc::new(Mutex::new(Audit::new(Some(model.tag()))));
        locked(&audit).knows_all();
        let enough = CancellationToken::new();
        let listener = self.sending.listen.map(partner::bind).transpose()?;
        let feed = Arc::new(Feed {
            endpoint: Endpoint {
                address: self.sending.to.clone(),
                tls: self.tls.open()?,
            },
            connections: self.sending.connections,
            ack_timeout: self.sending.ack_timeout,
            retries: self.sending.retries,
            by_messages: self.count.is_some(),
            done: AtomicU64::new(0),
            audit: Arc::clone(&audit),
        });
        let listens = listener.is_some();
        let serving = async {
            if let Some(listener) = listener {
                partner::tell_listening(&listener);
                let receiver =
                    Receiver::faithful(Arc::clone(&audit), clock.clone(), enough.clone());
                partner::serve(listener, Arc::new(receiver), &enough).await;
            }
        };
        let sending = async {
            let progress = Progress::new(self.length());
            let pacing = Pacing::new((!self.sending.fast).then_some(self.sending.rate));
            let fed = tokio::select! {
                fed = Arc::clone(&feed).run(model, truth, pacing) => fed,
                () = progress.follow(&feed.done) => Ok(Tally::default()),
            };
            progress.finish();
            if listens && fed.is_ok() {
                report::settled(&audit, self.sending.settle).await;
            }
            enough.cancel();
            fed
        };
        let (fed, ()) = tokio::join!(sending, serving);
        let fed = fed?;
        let report = locked(&audit).report(true, listens);
        report::write(&report, &fed, self.format, out)?;
        if report.has_findings() {
            return Ok(Exit::Findings);
        }
        let all = report.is_accepted() && fed.broken.is_none();
        Ok(if all { Exit::Ok } else { Exit::Failed })
    }
}

/// A seed nobody asked for, said so that the run can be repeated.
fn any_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let seed = u32::from_le_bytes(bytes).into();
    tell(format_args!("--seed {seed} repeats this run"));
    Ok(seed)
}

/// Pathways that cannot be followed: every fault with its place, its line, and a mark under it.
fn refused(name: &str, errors: &[crate::simulate::PathwaysError]) -> Failure {
    let faults = errors
        .iter()
        .map(|error| format!("{name}:{error}\n{}", error.context()));
    Failure::said(Exit::Config, faults.collect::<Vec<_>>().join("\n"))
}

//! `wardwire send`: sends messages over MLLP and shows what comes back; with `--count` and its kin, a load.

mod connection;
mod each;
mod expect;
mod input;
mod load;
mod reply;
mod stats;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub(super) use self::connection::{Broken, Connection, Endpoint};
use self::each::Each;
use self::expect::Expectation;
use self::load::{Load, Template};
pub(super) use self::reply::Reply;
pub(super) use self::stats::shown;
use super::exit::{Ending, Exit, Failure, OrExit};
use super::output::{Format, Output, content_allowed, tell};
use super::values;
use crate::clock::Clock;
use crate::mllp::{TlsClient, TlsClientSettings};

const EXAMPLES: &str = "\
Examples:
  wardwire send samples/                              every sample, one line each
  wardwire send samples/ --expect-file samples/expected.csv
  wardwire send adt.hl7 --to 10.20.9.4:6661 --expect AA
  cat adt.hl7 | wardwire send -
  wardwire send samples/adt_a01.hl7 --count 100000 --connections 8
  wardwire send feed/ --rate 200 --count 60000 --format json

A file with several messages is sent message by message; a batch (FHS, BHS) as one frame, unless --split. \
With --count, --rate, --connections or --pipeline it is a load: no line a message, the figures at the end.

Exit codes: 0 all answered (and as expected), 1 not all answered, 2 other than expected, 69 nobody listens.";

/// Send messages over MLLP and show the acknowledgments
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Send {
    /// Files, folders (searched for *.hl7 and *.txt), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
    to: String,
    /// Send each message of a batch in a frame of its own
    #[arg(long)]
    split: bool,
    /// How long to wait for each acknowledgment
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration)]
    ack_timeout: Duration,
    /// text, json (one object a message) or csv
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
    /// Show the receiver's own words (MSA-3) when standard output is no terminal, too
    #[arg(long)]
    phi: bool,

    /// Every acknowledgment must have this code (MSA-1), or be "none"
    #[arg(
        long,
        value_name = "CODE",
        help_heading = "Expectations",
        conflicts_with = "expect_file"
    )]
    expect: Option<String>,
    /// A CSV file of what each file must get, with the columns file,acks,error
    #[arg(long, value_name = "FILE", help_heading = "Expectations")]
    expect_file: Option<PathBuf>,

    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    tls: TlsArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
struct LoadArgs {
    /// Messages in all; the files are sent over and over until then
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Connections at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    connections: Option<u16>,
    /// Messages a second over all connections
    #[arg(long, value_name = "N", value_parser = values::rate)]
    rate: Option<f64>,
    /// Messages under way at once on one connection
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pipeline: Option<u16>,
    /// Give every message a control ID of its own (as --count does by itself)
    #[arg(long, conflicts_with = "same_ids")]
    unique: bool,
    /// With --count, leave the control IDs as they are: a receiver that knows repeated messages will say so
    #[arg(long)]
    same_ids: bool,
    /// Print throughput, latencies and processor time at the end (a load always does)
    #[arg(long)]
    stats: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(in crate::cli) struct TlsArgs {
    /// Connect by TLS; the receiver's certificate must be issued by one of these (PEM)
    #[arg(long = "tls-ca", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our own certificate, where the receiver asks for one (PEM)
    #[arg(
        long = "tls-cert",
        value_name = "FILE",
        requires = "ca",
        requires = "key"
    )]
    cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long = "tls-key", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The name in the receiver's certificate, if it is not the host we connect to
    #[arg(long = "tls-name", value_name = "NAME", requires = "ca")]
    name: Option<String>,
}

impl Send {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        let expectation = match (&self.expect, &self.expect_file) {
            (Some(codes), _) => Expectation::Codes(codes.clone()),
            (None, Some(file)) => Expectation::from_file(file)?,
            (None, None) => Expectation::None,
        };
        let endpoint = Endpoint {
            address: self.to.clone(),
            tls: self.tls.open()?,
        };
        let items = input::collect(&self.paths, self.split)?;
        let cpu_before = stats::cpu_time();
        if self.load.is_load() {
            if expectation.by_file() {
                return Err(Failure::said(
                    Exit::Usage,
                    "--expect-file and a load do not go together",
                ));
            }
            return self
                .run_load(&items, endpoint, &expectation, clock, out)
                .await;
        }
        let each = Each {
            endpoint: &endpoint,
            ack_timeout: self.ack_timeout,
            expectation: &expectation,
            format: self.format,
            texts: content_allowed(self.phi).is_ok(),
        };
        let began = tokio::time::Instant::now();
        let tally = each.run(&items, out).await?;
        if self.load.stats {
            let cpu = stats::cpu_time().saturating_sub(cpu_before);
            tally
                .stats
                .figures(began.elapsed(), cpu)
                .write(self.format, out)?;
        }
        Ok(tally.exit)
    }

    async fn run_load(
        self,
        items: &[input::Item],
        endpoint: Endpoint,
        expectation: &Expectation,
        clock: &Clock,
        out: &mut Output,
    ) -> Ending {
        let templates: Vec<Template> = items.iter().filter_map(Template::of).collect();
        let left_out = items.len() - templates.len();
        if templates.is_empty() {
            let words = "there is no message that asks for one acknowledgment: nothing to measure";
            return Err(Failure::said(Exit::Usage, words));
        }
        if left_out > 0 {
            tell(format_args!(
                "{left_out} of {} messages are left out of the load: they ask for none or several acknowledgments",
                items.len()
            ));
        }
        let cpu_before = stats::cpu_time();
        let load = Load {
            endpoint,
            count: self.load.count.unwrap_or(templates.len() as u64),
            templates,
            rate: self.load.rate,
            pipeline: self.load.pipeline.unwrap_or(1).into(),
            unique: self.load.unique || self.load.count.is_some() && !self.load.same_ids,
            ack_timeout: self.ack_timeout,
            clock: clock.clone(),
        };
        let wanted = load.count;
        let connections = self.load.connections.unwrap_or(1).into();
        let (stats, took) = load.run(connections).await?;
        let figures = stats.figures(took, stats::cpu_time().saturating_sub(cpu_before));
        figures.write(self.format, out)?;
        if let Expectation::Codes(expected) = expectation {
            let fine = stats.codes.keys().all(|code| code == expected) && stats.sent == wanted;
            return Ok(if fine { Exit::Ok } else { Exit::Findings });
        }
        let fine = figures.complete() && stats.sent == wanted;
        Ok(if fine { Exit::Ok } else { Exit::Failed })
    }
}

impl LoadArgs {
    const fn is_load(&self) -> bool {
        self.count.is_some()
            || self.connections.is_some()
            || self.rate.is_some()
            || self.pipeline.is_some()
            || self.unique
    }
}

impl TlsArgs {
    /// Reads the files, if TLS is asked for.
    pub(in crate::cli) fn open(&self) -> Result<Option<TlsClient>, Failure> {
        let Some(ca) = self.ca.clone() else {
            return Ok(None);
        };
        let settings = TlsClientSettings {
            ca,
            cert: self.cert.clone(),
            key: self.key.clone(),
            server_name: self.name.clone(),
        };
        TlsClient::open(settings).map(Some).or_exit(Exit::Failed)
    }
}

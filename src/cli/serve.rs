//! `wardwire serve`: the engine, from its start screen to its last word.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use super::exit::{Ending, Exit, Failure, OrExit};
use super::output::tell;
use super::place;
use crate::clock::Clock;
use crate::config::Origin;
use crate::engine::{self, Drained, StartError};
use crate::journal::JournalError;
use crate::mllp::ListenError;

const EXAMPLES: &str = "\
Examples:
  wardwire                                            ./config.toml, or the built-in configuration
  wardwire serve --config /etc/wardwire/config.toml
  wardwire serve --log debug --log-format json 2> log

The start screen and the log go to standard error. The log holds names, sizes, codes and times, never message content. \
SIGTERM and Ctrl-C stop the engine in order: nothing new is taken, what is in hand is finished, the journal is synced; a second \
one does not wait. SIGHUP reloads the configuration.

Exit codes: 0 stopped in order, 1 failed or stopped with work in hand, 69 an address or the data folder is in use, \
78 configuration.";

/// Receive, journal, acknowledge, route, deliver
#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// What is logged: error, warn, info, debug or trace, or a list such as `info,wardwire::mllp=debug`
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// text or json (one object a line)
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Serve {
    pub(super) fn run(self, origin: &Origin, clock: Clock) -> Ending {
        let settings = Arc::new(place::load(origin)?);
        self.start_log()?;
        let runtime = tokio::runtime::Runtime::new().or_exit(Exit::Failed)?;
        let ready = |engine: &engine::Engine| {
            tell(format_args!("{}", engine.summary()));
            if matches!(origin, Origin::Embedded(_)) {
                tell(
                    "there is no config.toml here, so the built-in configuration holds, with its data in ./data",
                );
            }
            tell("ready; Ctrl-C stops in order");
        };
        let drained = runtime
            .block_on(engine::run(settings, clock, ready))
            .map_err(refused)?;
        tell(&drained);
        Ok(end_of(&drained))
    }

    fn start_log(&self) -> Result<(), Failure> {
        let filter =
            EnvFilter::try_new(self.log.as_deref().unwrap_or("info")).map_err(|error| {
                Failure::said(Exit::Usage, format_args!("--log: {error}"))
                    .hint("such as --log debug")
            })?;
        let colours = io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(colours);
        let started = match self.log_format {
            LogFormat::Text => log.try_init(),
            LogFormat::Json => log.json().try_init(),
        };
        started.map_err(|error| Failure::said(Exit::Failed, error))
    }
}

fn end_of(drained: &Drained) -> Exit {
    if drained.busy.is_empty() {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

fn refused(error: StartError) -> Failure {
    match &error {
        StartError::Journal(JournalError::InUse { .. }) => Failure::new(Exit::Unavailable, error)
            .hint("one engine a data folder; `wardwire status` shows the one that runs"),
        StartError::Source {
            source: ListenError::Bind { .. },
            ..
        } => Failure::new(Exit::Unavailable, error)
            .hint("another program listens there, or the address is not this machine's"),
        StartError::Journal(JournalError::Corrupt { .. } | JournalError::SegmentMissing { .. }) => {
            Failure::new(Exit::Findings, error)
        }
        StartError::Journal(JournalError::KeyMissing { .. } | JournalError::KeyWrong { .. }) => {
            Failure::new(Exit::Config, error)
        }
        _ => Failure::new(Exit::Failed, error),
    }
}

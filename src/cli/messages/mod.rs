//! `wardwire messages`: what came, what became of it at each destination, and what a person decides about it.

mod list;
mod settle;
mod show;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::exit::Ending;
use super::output::Output;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::{Disposition, Standing};

const EXAMPLES: &str = "\
Examples:
  wardwire messages list --state parked               what waits for a person
  wardwire messages show 3-1f40                       what happened to one message, and why
  wardwire messages replay 3-1f40 --to lab            send it to lab again
  wardwire messages discard 3-1f40 --to lab --reason \"lab has it on paper\"

Reading works whether the engine runs or not.";

/// List, show, replay, park or discard messages in the journal
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Messages {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(Box<list::List>),
    Show(show::Show),
    Replay(settle::Replay),
    Park(settle::Park),
    Discard(settle::Discard),
}

impl Messages {
    pub(super) async fn run(self, settings: &Settings, clock: &Clock, out: &mut Output) -> Ending {
        match self.command {
            Command::List(list) => list.run(settings, clock, out),
            Command::Show(show) => show.run(settings, out),
            Command::Replay(replay) => replay.run(settings, clock, out).await,
            Command::Park(park) => park.run(settings, clock, out).await,
            Command::Discard(discard) => discard.run(settings, clock, out).await,
        }
    }
}

/// The time of day where the engine's configuration says it is.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S%.3f%:z").to_string()
}

/// What we made of a message on arrival: `accepted`, `refused 200`.
fn disposition(disposition: Disposition) -> String {
    match disposition {
        Disposition::Accepted => "accepted".to_owned(),
        Disposition::Refused(code) => format!("refused {code}"),
        Disposition::UnmatchedAck => "unmatched acknowledgment".to_owned(),
        Disposition::Damaged => "damaged".to_owned(),
    }
}

/// How a message stands at a destination.
fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "waiting",
        Standing::Replaying => "replaying",
        Standing::Settled(kind) => kind.as_str(),
        Standing::Past => "past",
    }
}

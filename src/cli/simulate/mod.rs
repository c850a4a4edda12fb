//! `wardwire simulate`: a hospital that sends, and a partner that receives, both with an audit in the end.

mod feed;
mod hospital;
mod pacing;
mod partner;
mod report;
mod truth;

use clap::{Args, Subcommand};

use super::exit::Ending;
use super::output::Output;
use crate::clock::Clock;
use crate::simulate::Pathways;

/// Be a whole hospital that sends, or a partner at its worst; with an audit
#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Hospital(Box<hospital::Hospital>),
    Partner(partner::Partner),
    Pathways(Describe),
}

const EXAMPLES: &str = "\
Examples:
  wardwire simulate pathways > our.pathways
  wardwire simulate hospital --pathways our.pathways --out feed.hl7";

/// Print the built-in hospital, to be edited and given to `simulate hospital --pathways`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Describe {}

impl Simulate {
    pub(super) async fn run(self, clock: &Clock, out: &mut Output) -> Ending {
        match self.what {
            What::Hospital(hospital) => hospital.run(clock, out).await,
            What::Partner(partner) => partner.run(clock, out).await,
            What::Pathways(Describe {}) => {
                out.bytes(Pathways::text().as_bytes())?;
                Ok(super::Exit::Ok)
            }
        }
    }
}

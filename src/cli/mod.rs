//! The command line: one file a command. Commands say how they end with an [`Exit`]; nothing here holds message content
//! longer than it takes to show it.

mod certify;
mod check;
mod completions;
mod exit;
mod journal;
mod listen;
mod messages;
mod output;
mod partner;
mod place;
mod progress;
mod reload;
mod send;
mod serve;
mod show;
mod simulate;
mod status;
mod test;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::{CommandFactory, Parser, Subcommand};

pub use self::exit::Exit;
use self::exit::{Ending, Failure};
use self::output::{Output, tell};
use crate::clock::Clock;

/// The commands by what one is about to do; clap has no headings for commands.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

Run the engine:
  serve        Receive, journal, acknowledge, route, deliver (also without a command)
  check        Tell everything that is wrong with the configuration
  test         Run the [[test]] cases of the configuration
  reload       Put a changed configuration into force in the running engine
  status       Show what the running engine is doing

Try an interface:
  send         Send messages over MLLP and show the acknowledgments; a load tool, too
  listen       Be a partner that acknowledges
  certify      Find out what an MLLP receiver does, case by case
  show         Show a message as a tree, each value with its path
  simulate     Be a whole hospital that sends, or a partner at its worst; with an audit

Find and settle messages:
  messages     List, show, replay, park or discard messages in the journal
  journal      Check the journal's files, or save what is left of damaged ones

Other:
  completions  Print completions for bash, zsh or fish
  help         Print this, or the help of a command

Options:
{options}{after-help}";

const AFTER_HELP: &str = "\
Examples:
  wardwire                                   serve what ./config.toml says
  wardwire send samples/                     send the samples to it
  wardwire messages list --since 2h          what came in the last two hours
  wardwire messages list --id 4711           everything about one patient, visit or order

Results go to standard output, everything else to standard error.
Exit codes: 0 ok, 1 failed, 2 findings, 64 usage, 69 unavailable, 78 configuration.";

/// An HL7 v2 interface engine: nothing lost, every message explained
#[derive(Debug, Parser)]
#[command(
    name = "wardwire",
    version,
    help_template = HELP,
    after_help = AFTER_HELP,
    max_term_width = 100,
    styles = Styles::plain(),
)]
struct Arguments {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The configuration [default: ./config.toml]"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Test(test::Test),
    Reload(reload::Reload),
    Status(status::Status),
    Send(Box<send::Send>),
    Listen(listen::Listen),
    Certify(Box<certify::Certify>),
    Show(show::Show),
    Simulate(simulate::Simulate),
    Messages(messages::Messages),
    Journal(journal::Journal),
    Completions(completions::Completions),
}

/// Runs the command in `arguments` (the first is the program's name) to its end.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help asked for goes to stdout and is a success; whether anybody reads it is not our affair.
            drop(error.print());
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
        }
    };
    let mut out = Output::stdout();
    let ended = dispatch(arguments, &mut out);
    let flushed = out.flush();
    match ended.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(Failure::ReaderGone) => Exit::Ok,
        Err(Failure::Told { exit, error, hint }) => {
            tell(format_args!("wardwire: {error:#}"));
            if let Some(hint) = hint {
                tell(format_args!("  hint: {hint}"));
            }
            exit
        }
    }
}

fn dispatch(arguments: Arguments, out: &mut Output) -> Ending {
    let clock = Clock::system();
    let Some(command) = arguments.command else {
        return serve::Serve::default().run(&place::origin(arguments.config), clock);
    };
    let config = arguments.config;
    match command {
        Command::Serve(serve) => serve.run(&place::origin(config), clock),
        Command::Check(check) => check.run(&place::origin(config), out),
        Command::Test(test) => test.run(&place::origin(config), out),
        Command::Reload(reload) => {
            let settings = place::load(&place::origin(config))?;
            one_thread(reload.run(&settings, out))
        }
        Command::Status(status) => {
            let settings = place::load(&place::origin(config))?;
            one_thread(status.run(&settings, out))
        }
        Command::Send(send) => one_thread(send.run(&clock, out)),
        Command::Listen(listen) => one_thread(listen.run(&clock, out)),
        Command::Certify(certify) => one_thread(certify.run(&clock, out)),
        Command::Show(show) => show.run(out),
        Command::Simulate(simulate) => one_thread(simulate.run(&clock, out)),
        Command::Messages(messages) => {
            let settings = place::load(&place::origin(config))?;
            one_thread(messages.run(&settings, &clock, out))
        }
        Command::Journal(journal) => one_thread(journal.run(config, out)),
        Command::Completions(completions) => completions.run(Arguments::command(), out),
    }
}

/// Runs a command that mostly waits: it shares the machine with the engine.
fn one_thread(command: impl Future<Output = Ending>) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow::Error::new(error).context("cannot start"))?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests;

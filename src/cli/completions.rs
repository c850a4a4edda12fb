//! `wardwire completions`: what the shell needs to complete our commands.

use clap::{Args, ValueEnum};
use clap_complete::Shell as Known;

use super::exit::{Ending, Exit};
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  wardwire completions bash > ~/.local/share/bash-completion/completions/wardwire
  wardwire completions zsh > ~/.zfunc/_wardwire         # with ~/.zfunc in fpath
  wardwire completions fish > ~/.config/fish/completions/wardwire.fish";

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// bash, zsh or fish
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(&self, mut command: clap::Command, out: &mut Output) -> Ending {
        let shell = match self.shell {
            Shell::Bash => Known::Bash,
            Shell::Zsh => Known::Zsh,
            Shell::Fish => Known::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "wardwire", &mut script);
        out.bytes(&script)?;
        Ok(Exit::Ok)
    }
}

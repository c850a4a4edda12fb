//! `wardwire reload`: a changed configuration into the running engine.

use clap::Args;

use super::exit::{Ending, Exit, OrExit};
use super::output::{Output, tell};
use crate::config::Settings;
use crate::engine::control::{self, Request};

const EXAMPLES: &str = "\
Examples:
  wardwire reload
  wardwire reload --discard old_board                 although messages wait for old_board

All or nothing: the configuration is checked, its tests are run, new addresses are bound; only then does anything change. What \
did not change goes on undisturbed. A refused reload leaves the old configuration serving.

Exit codes: 0 in force, 1 refused, 69 no engine runs, 78 the configuration has faults.";

/// Put a changed configuration into force in the running engine
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reload {
    /// A destination that may go although messages wait for it; they are discarded
    #[arg(long, value_name = "DESTINATION")]
    discard: Vec<String>,
}

impl Reload {
    pub(super) async fn run(self, settings: &Settings, out: &mut Output) -> Ending {
        let request = Request::Reload {
            discard: self.discard,
        };
        let answer = control::call(&settings.engine.data, &request)
            .await
            .or_exit(Exit::Unavailable)?;
        if answer.ok {
            out.line(answer.text)?;
            return Ok(Exit::Ok);
        }
        tell(format_args!(
            "wardwire: refused, the old configuration stays in force\n{}",
            answer.text
        ));
        Ok(Exit::Failed)
    }
}

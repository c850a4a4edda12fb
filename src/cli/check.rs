//! `wardwire check`: everything that is wrong with the configuration, at once.

use clap::Args;
use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::{Format, Output, Table};
use crate::config::{self, ConfigError, Origin, Settings};

const EXAMPLES: &str = "\
Examples:
  wardwire check
  wardwire check --config new.toml && wardwire test --config new.toml

Nothing is opened, bound or sent: it can run beside the engine. A faulty key is told with its place and what to write instead.

Exit codes: 0 it can be put into force, 78 it cannot.";

/// Tell everything that is wrong with the configuration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// text, json (one object a fault) or csv
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

impl Check {
    pub(super) fn run(&self, origin: &Origin, out: &mut Output) -> Ending {
        match config::load(origin) {
            Ok(settings) => {
                if self.format == Format::Text {
                    out.line(fine(&settings))?;
                }
                Ok(Exit::Ok)
            }
            Err(error) => {
                self.write(&error, origin, out)?;
                Ok(Exit::Config)
            }
        }
    }

    fn write(
        &self,
        error: &ConfigError,
        origin: &Origin,
        out: &mut Output,
    ) -> Result<(), super::Failure> {
        if self.format == Format::Text {
            return out.line(error);
        }
        if self.format == Format::Json {
            return error.faults().iter().try_for_each(|fault| {
                out.json(&json!({
                    "file": origin.to_string(), "line": fault.line, "column": fault.column,
                    "key": fault.key, "message": fault.message, "hint": fault.hint,
                }))
            });
        }
        let mut table = Table::new(["line", "column", "key", "message", "hint"]);
        for fault in error.faults() {
            let hint = fault.hint.clone().unwrap_or_default();
            let place = [fault.line, fault.column].map(|number| number.to_string());
            let words = [fault.key.clone(), fault.message.clone(), hint];
            table.row(place.into_iter().chain(words));
        }
        table.write(self.format, out)
    }
}

fn fine(settings: &Settings) -> String {
    let counted = |count: usize, one: &str, several: &str| {
        if count == 1 {
            format!("1 {one}")
        } else {
            format!("{count} {several}")
        }
    };
    let parts = [
        counted(settings.sources.len(), "source", "sources"),
        counted(settings.routes.routes().len(), "route", "routes"),
        counted(settings.destinations.len(), "destination", "destinations"),
        counted(settings.tests.len(), "test", "tests"),
    ];
    format!("{} is right: {}", settings.origin, parts.join(", "))
}

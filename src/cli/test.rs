//! `wardwire test`: the `[[test]]` cases of the configuration.

use clap::Args;
use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::{Format, Output, tell};
use super::place;
use crate::config::{Origin, TestCase};
use crate::engine::trial;

const EXAMPLES: &str = "\
Examples:
  wardwire test
  wardwire test --config new.toml
  wardwire test transfer                              those with \"transfer\" in their name

A case in config.toml:
  [[test]]
  name = \"a cancelled transfer reaches the board\"
  in = [\"samples/adt_a02.hl7\", \"samples/adt_a12.hl7\"]
  expect = { ack = \"AA\", to = [\"ward_board\", \"archive\"] }

The messages go through the same judging, routing and editing as live ones; nothing is stored or sent. A reload that breaks \
a case is refused. What differs is told by name and place, never by content.

Exit codes: 0 all hold, 2 some fail, 64 no case has that name, 78 configuration.";

/// Run the [[test]] cases of the configuration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    /// Only cases with this in their name
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// text or json (one object a case)
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

impl Test {
    pub(super) fn run(&self, origin: &Origin, out: &mut Output) -> Ending {
        let settings = place::load(origin)?;
        let wanted = |case: &&TestCase| {
            self.name
                .as_ref()
                .is_none_or(|name| case.name.contains(name.as_str()))
        };
        let cases: Vec<&TestCase> = settings.tests.iter().filter(wanted).collect();
        if let (Some(name), true) = (&self.name, cases.is_empty()) {
            tell(format_args!("wardwire: no test has \"{name}\" in its name"));
            return Ok(Exit::Usage);
        }
        let mut failed = 0_usize;
        for case in &cases {
            let reasons = trial::run(&settings, case)
                .err()
                .map(|failure| failure.reasons)
                .unwrap_or_default();
            failed += usize::from(!reasons.is_empty());
            self.write(case, &reasons, out)?;
        }
        if self.format == Format::Text {
            let all = cases.len();
            out.line(match (all, failed) {
                (0, _) => format!("there is no [[test]] in {}", settings.origin),
                (_, 0) => format!("{all} of {all} tests hold"),
                _ => format!("{failed} of {all} tests fail"),
            })?;
        }
        Ok(if failed == 0 {
            Exit::Ok
        } else {
            Exit::Findings
        })
    }

    fn write(
        &self,
        case: &TestCase,
        reasons: &[String],
        out: &mut Output,
    ) -> Result<(), super::Failure> {
        if self.format != Format::Text {
            let ok = reasons.is_empty();
            return out.json(
                &json!({"name": case.name, "line": case.line, "ok": ok, "reasons": reasons}),
            );
        }
        let word = if reasons.is_empty() {
            "ok    "
        } else {
            "failed"
        };
        out.line(format_args!("{word}  {} (line {})", case.name, case.line))?;
        reasons
            .iter()
            .try_for_each(|reason| out.line(format_args!("          {reason}")))
    }
}

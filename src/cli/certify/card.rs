//! The score card: a line a case under its clause, evidence below what failed, the score at the end.

use std::cell::{Cell, RefCell};
use std::fmt::Write;

use serde::Serialize;

use super::{CardFormat, junit};
use crate::certify::{self, Case, Event, Group, Needs, Outcome, Score, Verdict};
use crate::cli::exit::Failure;
use crate::cli::output::{Output, printable};
use crate::clock::Clock;

/// How outcomes are shown.
pub(super) struct Card<'a> {
    pub(super) format: CardFormat,
    pub(super) address: &'a str,
    /// Show evidence of all that is no plain pass.
    pub(super) evidence: bool,
    /// Whether what was sent and received may be shown.
    pub(super) content: bool,
    /// The group whose heading was written last.
    pub(super) under: Cell<Option<Group>>,
    /// The reason that was written last.
    pub(super) said: RefCell<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    case: &'a str,
    group: &'a str,
    title: &'a str,
    clause: &'a str,
    expects: &'a str,
    verdict: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    milliseconds: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Happened>,
}

/// An event of a transcript for programs.
#[derive(Serialize)]
struct Happened {
    connection: usize,
    milliseconds: u64,
    event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
}

impl Card<'_> {
    /// Shows one outcome as it comes; `JUnit` is written whole at the end.
    pub(super) fn show(&self, outcome: &Outcome, out: &mut Output) -> Result<(), Failure> {
        match self.format {
            CardFormat::Text => self.show_text(outcome, out)?,
            CardFormat::Json => out.json(&self.line(outcome))?,
            CardFormat::Junit => return Ok(()),
        }
        out.flush()
    }

    /// What comes behind the last outcome.
    pub(super) fn end(
        &self,
        outcomes: &[Outcome],
        clock: &Clock,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let score = Score::of(outcomes);
        match self.format {
            CardFormat::Text => {
                out.line("")?;
                out.line(words(&score))
            }
            CardFormat::Json => out.json(&serde_json::json!({"score": {
                "cases": score.cases, "pass": score.passed, "tolerated": score.tolerated,
                "inconclusive": score.inconclusive, "skipped": score.skipped, "fail": score.failed,
            }})),
            CardFormat::Junit => out.line(junit::document(self, outcomes, clock.now())),
        }
    }

    /// The evidence of an outcome as lines, where there is any to show.
    pub(super) fn proof(&self, outcome: &Outcome) -> Vec<String> {
        if !self.proves(outcome) {
            return Vec::new();
        }
        if !self.content {
            return vec![
                "the bytes are out of --message: shown on a terminal, elsewhere only with --phi"
                    .to_owned(),
            ];
        }
        outcome.transcript.lines()
    }

    fn proves(&self, outcome: &Outcome) -> bool {
        match outcome.finding.verdict {
            Verdict::Fail => true,
            Verdict::Pass | Verdict::Skipped => false,
            Verdict::Tolerated | Verdict::Inconclusive => self.evidence,
        }
    }

    fn show_text(&self, outcome: &Outcome, out: &mut Output) -> Result<(), Failure> {
        let case = outcome.case;
        heading(&self.under, case.group, out)?;
        let verdict = match outcome.finding.verdict {
            Verdict::Fail => "FAIL",
            verdict => verdict.as_str(),
        };
        let took = match outcome.finding.verdict {
            Verdict::Skipped => String::new(),
            _ => format!("{} ms", outcome.took.as_millis()),
        };
        out.line(format_args!(
            "{:>4}  {verdict:<12} {took:>8}  {:<24}  {}",
            outcome.number, case.id, case.title
        ))?;
        // What holds for all cases of a kind is said once.
        let reason = outcome.finding.reason.clone();
        let said = self.said.replace(reason.clone());
        let known = outcome.finding.verdict == Verdict::Skipped && said == reason;
        if !reason.is_empty() && !known {
            out.line(format_args!("{:30}{}", "", printable(&reason)))?;
        }
        if outcome.finding.verdict == Verdict::Fail {
            out.line(format_args!(
                "                    expected: {}",
                case.expects
            ))?;
            out.line(format_args!(
                "                    clause:   {}",
                case.clause
            ))?;
        }
        self.proof(outcome)
            .iter()
            .try_for_each(|line| out.line(format_args!("{:30}{line}", "")))
    }

    fn line<'a>(&self, outcome: &'a Outcome) -> Line<'a> {
        let case = outcome.case;
        let shown = self.proves(outcome) && self.content;
        let events = outcome.transcript.events().filter(|_| shown);
        Line {
            number: outcome.number,
            case: case.id,
            group: case.group.as_str(),
            title: case.title,
            clause: case.clause,
            expects: case.expects,
            verdict: outcome.finding.verdict.as_str(),
            reason: &outcome.finding.reason,
            milliseconds: millis(outcome.took),
            evidence: events
                .map(|(connection, at, event)| happened(connection, at, event))
                .collect(),
        }
    }
}

fn happened(connection: usize, at: std::time::Duration, event: &Event) -> Happened {
    let (words, hex, length) = match event {
        Event::Said(words) => (words.clone(), None, None),
        Event::Bytes {
            direction,
            bytes,
            length,
        } => {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                // Writing to a string cannot fail.
                let _always_fits = write!(hex, "{byte:02x}");
                hex
            });
            (direction.as_str().to_owned(), Some(hex), Some(*length))
        }
    };
    Happened {
        connection,
        milliseconds: millis(at),
        event: words,
        hex,
        length,
    }
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `74 of 78 pass, 2 tolerated, 1 skipped, 1 failed`.
pub(super) fn words(score: &Score) -> String {
    let mut words = format!("{} of {} pass", score.passed, score.cases);
    for (count, what) in [
        (score.tolerated, "tolerated"),
        (score.inconclusive, "inconclusive"),
        (score.skipped, "skipped"),
        (score.failed, "failed"),
    ] {
        if count > 0 {
            let _always_fits = write!(words, ", {count} {what}");
        }
    }
    words
}

fn heading(under: &Cell<Option<Group>>, group: Group, out: &mut Output) -> Result<(), Failure> {
    let before = under.replace(Some(group));
    if before == Some(group) {
        return Ok(());
    }
    if before.is_some() {
        out.line("")?;
    }
    out.line(group.title())
}

/// The cases, for `--list`.
pub(super) fn list(
    cases: &[&'static Case],
    format: CardFormat,
    out: &mut Output,
) -> Result<(), Failure> {
    let under = Cell::new(None);
    for (index, case) in certify::all().enumerate() {
        if !cases.iter().any(|chosen| chosen.id == case.id) {
            continue;
        }
        let number = index + 1;
        let needs = match case.needs {
            Needs::OriginalMode => "original mode",
            Needs::EnhancedMode => "enhanced mode",
            Needs::Patience => "--slow",
        };
        if format != CardFormat::Text {
            out.json(&serde_json::json!({
                "number": number, "case": case.id, "group": case.group.as_str(), "title": case.title,
                "clause": case.clause, "expects": case.expects, "needs": needs,
            }))?;
            continue;
        }
        heading(&under, case.group, out)?;
        out.line(format_args!("{number:>4}  {:<24}  {}", case.id, case.title))?;
        out.line(format_args!("{:32}expected: {}", "", case.expects))?;
        out.line(format_args!("{:32}clause:   {}", "", case.clause))?;
        if case.needs != Needs::OriginalMode {
            out.line(format_args!("{:32}needs:    {needs}", ""))?;
        }
    }
    Ok(())
}

//! The score card as `JUnit` XML, which build servers read. There is no standard for it but the schema that everybody uses:
//! a failure is `failure`, what did not run or told nothing is `skipped`.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::card::Card;
use crate::certify::{Group, Outcome, Score, Verdict};

/// The whole document, without a line end.
pub(super) fn document(card: &Card<'_>, outcomes: &[Outcome], at: Timestamp) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = attributes(outcomes);
    add(
        &mut xml,
        format_args!(
            "<testsuites name=\"wardwire certify {}\"{total}>\n",
            escaped(card.address)
        ),
    );
    let mut rest = outcomes;
    while let Some(first) = rest.first() {
        let group = first.case.group;
        let length = rest
            .iter()
            .take_while(|one| one.case.group == group)
            .count();
        let (suite, behind) = rest.split_at(length);
        add_suite(&mut xml, card, group, suite, at);
        rest = behind;
    }
    xml.push_str("</testsuites>");
    xml
}

fn add_suite(xml: &mut String, card: &Card<'_>, group: Group, suite: &[Outcome], at: Timestamp) {
    let (name, counts) = (escaped(group.title()), attributes(suite));
    let at = at.strftime("%Y-%m-%dT%H:%M:%S");
    add(
        xml,
        format_args!(
            "  <testsuite name=\"{name}\"{counts} timestamp=\"{at}\" hostname=\"{}\">\n",
            escaped(card.address)
        ),
    );
    for outcome in suite {
        let case = outcome.case;
        add(
            xml,
            format_args!(
                "    <testcase classname=\"certify.{}\" name=\"{}\" time=\"{}\">\n",
                group.as_str(),
                escaped(&format!("{}: {}", case.id, case.title)),
                seconds(outcome.took),
            ),
        );
        let reason = escaped(&outcome.finding.reason);
        match outcome.finding.verdict {
            Verdict::Fail => {
                let mut text = format!("expected: {}\nclause: {}\n", case.expects, case.clause);
                for line in card.proof(outcome) {
                    text.push_str(&line);
                    text.push('\n');
                }
                let text = escaped(&text);
                add(
                    xml,
                    format_args!(
                        "      <failure message=\"{reason}\" type=\"fail\">{text}</failure>\n"
                    ),
                );
            }
            Verdict::Skipped | Verdict::Inconclusive => {
                add(xml, format_args!("      <skipped message=\"{reason}\"/>\n"));
            }
            Verdict::Tolerated => {
                add(
                    xml,
                    format_args!("      <system-out>tolerated: {reason}</system-out>\n"),
                );
            }
            Verdict::Pass => {}
        }
        xml.push_str("    </testcase>\n");
    }
    xml.push_str("  </testsuite>\n");
}

fn attributes(outcomes: &[Outcome]) -> String {
    let score = Score::of(outcomes);
    let took = outcomes.iter().map(|outcome| outcome.took).sum();
    format!(
        " tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\"",
        score.cases,
        score.failed,
        score.skipped + score.inconclusive,
        seconds(took)
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

fn add(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _always_fits = xml.write_fmt(text);
}

/// `text` as XML 1.0 may hold it, in an attribute too: characters that it may not hold become `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

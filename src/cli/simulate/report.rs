//! The audit in the end, for people and for programs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::cli::exit::Failure;
use crate::cli::output::{Format, Output, Table, grouped, tell};
use crate::simulate::{Audit, AuditReport, DeliveryReport};

/// What a run came to besides its audit.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Answers got or given, by their code.
    pub(super) answers: BTreeMap<String, u64>,
    pub(super) seconds: f64,
    /// Why it ended before its end.
    pub(super) broken: Option<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    report: &'a AuditReport,
    answers: &'a BTreeMap<String, u64>,
    seconds: f64,
    messages_per_second: f64,
    findings: bool,
}

/// How often it is looked whether everything has come.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn locked(audit: &Mutex<Audit>) -> MutexGuard<'_, Audit> {
    audit.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until all that was accepted has come, or nothing has come for as long as `patience`.
pub(super) async fn settled(audit: &Mutex<Audit>, patience: Duration) {
    let (mut count, mut since) = (locked(audit).count(), Instant::now());
    while !locked(audit).is_all_there(true) && since.elapsed() < patience {
        sleep(LOOK).await;
        let now = locked(audit).count();
        if now != count {
            (count, since) = (now, Instant::now());
        }
    }
    // A repetition may be on its way.
    sleep(LOOK).await;
}

/// Writes the audit: as a table, as CSV, or as one JSON object.
pub(super) fn write(
    report: &AuditReport,
    tally: &Tally,
    format: Format,
    out: &mut Output,
) -> Result<(), Failure> {
    if let Some(broken) = &tally.broken {
        tell(format_args!("the receiver was lost: {broken}"));
    }
    let seconds = tally.seconds.max(1e-9);
    let received = report
        .delivery
        .as_ref()
        .map_or(0, |delivery| delivery.received);
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = report
        .sent
        .map_or(received, |sent| sent + report.sent_again) as f64
        / seconds;
    let rounded = |figure: f64| (figure * 1000.0).round() / 1000.0;
    if format == Format::Json {
        return out.json(&Written {
            report,
            answers: &tally.answers,
            seconds: rounded(seconds),
            messages_per_second: rounded(rate),
            findings: report.has_findings(),
        });
    }
    let answers = tally
        .answers
        .iter()
        .map(|(code, count)| format!("{} {code}", grouped(*count)));
    let answers = answers.collect::<Vec<_>>().join(", ");
    let mut rows = Rows(Table::new(["figure", "value", "remark"]));
    rows.add(
        "sent",
        known(report.sent),
        some(report.sent_again, "more times again"),
    );
    match &report.answers {
        Some(said) => {
            rows.add("acknowledged", grouped(said.acknowledged), answers);
            rows.add("refused", grouped(said.refused), String::new());
            rows.add("unanswered", grouped(said.unanswered), String::new());
        }
        None => rows.add("answered", grouped(tally.answers.values().sum()), answers),
    }
    if let Some(delivery) = &report.delivery {
        rows.add_delivery(delivery);
    }
    let rate = format!("{rate:.1} messages/s");
    rows.add("time", format!("{:.3} s", rounded(seconds)), rate);
    rows.0.write(format, out)
}

/// Figures, one a row.
struct Rows(Table);

impl Rows {
    fn add(&mut self, figure: &str, value: String, remark: String) {
        self.0.row([figure.to_owned(), value, remark]);
    }

    fn add_delivery(&mut self, delivery: &DeliveryReport) {
        let ids = |ids: &[String]| ids.join(" ");
        let ours = delivery.received - delivery.foreign;
        self.add(
            "received",
            grouped(ours),
            some(delivery.foreign, "that are not of this run"),
        );
        self.add("delivered once", grouped(delivery.once), String::new());
        let mut twice = ids(&delivery.twice_ids);
        // Who does not know what was sent does not know whether it was sent twice.
        if delivery.twice > 0 && delivery.lost.is_some() {
            let reason = grouped(delivery.twice_with_reason);
            twice = format!("{reason} of them for a reason (sent twice, answer lost): {twice}");
        }
        self.add("delivered twice", grouped(delivery.twice), twice);
        if delivery.refused > 0 {
            self.add("refused for good", grouped(delivery.refused), String::new());
        }
        self.add("lost", known(delivery.lost), ids(&delivery.lost_ids));
        let disorder = ids(&delivery.out_of_order_ids);
        self.add("out of order", grouped(delivery.out_of_order), disorder);
    }
}

fn known(count: Option<u64>) -> String {
    count.map_or_else(|| "unknown".to_owned(), grouped)
}

/// `and 7 more times again`, or nothing.
fn some(count: u64, what: &str) -> String {
    if count == 0 {
        String::new()
    } else {
        format!("and {} {what}", grouped(count))
    }
}

//! What a run came to: counts, throughput, latencies, and what it cost this process.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::output::{Format, Output, Table, grouped};

/// Counted while sending; one a connection, added up in the end.
pub(super) struct Stats {
    pub(super) sent: u64,
    pub(super) bytes: u64,
    pub(super) unmatched: u64,
    pub(super) codes: BTreeMap<String, u64>,
    /// Microseconds.
    latency: Histogram<u64>,
}

/// The figures, as they are printed.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    sent: u64,
    acknowledged: u64,
    unmatched: u64,
    bytes: u64,
    seconds: f64,
    messages_per_second: f64,
    megabytes_per_second: f64,
    latency_ms: Latency,
    /// Of this process, not of the receiver.
    cpu_seconds: f64,
    cpu_microseconds_per_message: f64,
    codes: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Stats {
    pub(super) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "3 digits are always possible")]
        let latency = Histogram::new(3).expect("a histogram of 3 digits");
        Self {
            sent: 0,
            bytes: 0,
            unmatched: 0,
            codes: BTreeMap::new(),
            latency,
        }
    }

    /// An acknowledgment came, so long after its message was sent (or was due to be sent).
    pub(super) fn answered(&mut self, code: &[u8], after: Duration) {
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let recorded = self.latency.record(micros.max(1));
        debug_assert!(recorded.is_ok(), "a histogram that grows takes any value");
        match self
            .codes
            .iter_mut()
            .find(|(known, _)| known.as_bytes() == code)
        {
            Some((_, count)) => *count += 1,
            None => self.count(shown(code)),
        }
    }

    /// Counts an ending that is no acknowledgment, too: `timeout`, `closed`.
    pub(super) fn count(&mut self, what: impl Into<String>) {
        *self.codes.entry(what.into()).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.bytes += other.bytes;
        self.unmatched += other.unmatched;
        for (code, count) in &other.codes {
            *self.codes.entry(code.clone()).or_default() += count;
        }
        let added = self.latency.add(&other.latency);
        debug_assert!(added.is_ok(), "a histogram that grows takes any other");
    }

    /// The figures after `took` seconds of wall time and `cpu` of processor time.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    pub(super) fn figures(&self, took: Duration, cpu: Duration) -> Figures {
        let seconds = took.as_secs_f64().max(1e-9);
        let ms = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1000.0;
        let acknowledged = self.latency.len();
        Figures {
            sent: self.sent,
            acknowledged,
            unmatched: self.unmatched,
            bytes: self.bytes,
            seconds: rounded(seconds),
            messages_per_second: rounded(acknowledged as f64 / seconds),
            megabytes_per_second: rounded(self.bytes as f64 / seconds / 1e6),
            latency_ms: Latency {
                p50: ms(0.5),
                p90: ms(0.9),
                p99: ms(0.99),
                max: self.latency.max() as f64 / 1000.0,
            },
            cpu_seconds: rounded(cpu.as_secs_f64()),
            cpu_microseconds_per_message: rounded(
                cpu.as_secs_f64() * 1e6 / self.sent.max(1) as f64,
            ),
            codes: self.codes.clone(),
        }
    }
}

impl Figures {
    pub(super) fn write(&self, format: Format, out: &mut Output) -> Result<(), Failure> {
        if format == Format::Json {
            return out.json(self);
        }
        let codes: Vec<String> = self
            .codes
            .iter()
            .map(|(code, count)| format!("{} {code}", grouped(*count)))
            .collect();
        let latency = &self.latency_ms;
        let rows = [
            ("sent", grouped(self.sent)),
            ("acknowledged", grouped(self.acknowledged)),
            ("answers", codes.join(", ")),
            ("time", format!("{:.3} s", self.seconds)),
            (
                "throughput",
                format!(
                    "{:.1} messages/s, {:.2} MB/s",
                    self.messages_per_second, self.megabytes_per_second
                ),
            ),
            (
                "latency",
                format!(
                    "p50 {:.3} ms, p90 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
                    latency.p50, latency.p90, latency.p99, latency.max
                ),
            ),
            (
                "cpu of this sender",
                format!(
                    "{:.2} s, {:.1} µs a message",
                    self.cpu_seconds, self.cpu_microseconds_per_message
                ),
            ),
        ];
        if format == Format::Csv {
            let mut table = Table::new(["figure", "value"]);
            for (name, value) in rows {
                table.row([name.to_owned(), value]);
            }
            return table.write(format, out);
        }
        rows.iter()
            .try_for_each(|(name, value)| out.line(format!("{name:<19} {value}")))
    }

    /// Whether everything that was sent was acknowledged.
    pub(super) const fn complete(&self) -> bool {
        self.sent == self.acknowledged
    }
}

/// A code for people: letters and digits, so that no content passes for a code.
pub(in crate::cli) fn shown(code: &[u8]) -> String {
    if code.is_empty() {
        return "no-MSA-1".to_owned();
    }
    let printable = code.iter().take(8).map(|&b| {
        if b.is_ascii_alphanumeric() {
            char::from(b)
        } else {
            '?'
        }
    });
    printable.collect()
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// Processor time of this process so far.
pub(super) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_connections_add_up() {
        let (mut one, mut two) = (Stats::new(), Stats::new());
        for stats in [&mut one, &mut two] {
            stats.sent += 2;
            stats.answered(b"AA", Duration::from_millis(10));
            stats.answered(b"AR", Duration::from_millis(30));
        }
        two.sent += 1;
        two.count("timeout");
        one.add(&two);
        let figures = one.figures(Duration::from_secs(2), Duration::from_millis(500));
        assert_eq!((figures.sent, figures.acknowledged), (5, 4));
        assert!(!figures.complete());
        assert!((figures.messages_per_second - 2.0).abs() < 1e-9);
        assert!((figures.cpu_microseconds_per_message - 100_000.0).abs() < 1e-9);
        let codes: Vec<_> = figures.codes.into_iter().collect();
        assert_eq!(
            codes,
            [("AA", 2), ("AR", 2), ("timeout", 1)].map(|(c, n)| (c.to_owned(), n))
        );
        assert!((9.9..10.1).contains(&figures.latency_ms.p50));
    }

    #[test]
    fn content_in_place_of_a_code_is_not_printed() {
        assert_eq!(shown(b"AA"), "AA");
        assert_eq!(shown(b"ROE^RICHARD"), "ROE?RICH");
        assert_eq!(shown(b""), "no-MSA-1");
    }
}

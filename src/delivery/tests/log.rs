//! What the log is told: changes, not tries, and nothing of the patient.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::partner::{Does, Partner};
use super::rig::{Rig, ids, mllp};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines at INFO and above of a lane that has to do with this partner.
async fn log_of(script: Vec<Does>, messages: usize) -> String {
    let log = full_log_of(script, messages).await;
    let quiet = |line: &&str| !line.contains("DEBUG") && !line.contains("TRACE");
    log.lines().filter(quiet).collect::<Vec<_>>().join("\n")
}

/// All lines. The level is the same in every test: tracing keeps one for the process.
async fn full_log_of(script: Vec<Does>, messages: usize) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(Level::TRACE)
        .without_time()
        .with_ansi(false)
        .finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let rig = Rig::new(&["ward"]);
    let partner = Partner::start(script).await;
    let lane = rig.start(mllp("ward", partner.address())).await;
    for id in ids(messages) {
        rig.receive(&id).await;
    }
    rig.settled(&lane, messages as u64).await;
    let lines: Vec<_> = log
        .text()
        .lines()
        .filter(|l| l.contains("delivery"))
        .map(str::to_owned)
        .collect();
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_lane_in_good_health_says_nothing() {
    assert_eq!(log_of(Vec::new(), 5).await, "");
}

#[tokio::test(start_paused = true)]
async fn fifty_failures_are_two_lines() {
    let log = log_of(vec![Does::Acks("AE"); 50], 2).await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("retrying"),
        "{log}"
    );
    assert!(lines[0].contains("the partner reports an error"), "{log}");
    assert!(
        lines[1].contains("delivering again") && lines[1].contains("attempts=51"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_of_rejected_messages_is_two_lines() {
    let log = log_of(vec![Does::Acks("AR"); 20], 21).await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains("WARN") && lines[0].contains("parked"),
        "{log}"
    );
    assert!(
        lines[1].contains("delivering again") && lines[1].contains("parked=20"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_line_at_any_level_holds_content() {
    let script = vec![
        Does::Acks("AE"),
        Does::Nonsense,
        Does::Acks("XX"),
        Does::AcksOther("AA", "M77"),
        Does::Acks("AR"),
    ];
    let log = full_log_of(script, 2).await;
    assert!(log.contains("still retrying"), "{log}");
    for content in ["DOE", "4711", "M1", "M77", "hello", "MSA|"] {
        assert!(!log.contains(content), "{content} in {log}");
    }
}

//! `kill -9` at any moment, also while it recovers from the one before: nothing acknowledged is lost, nothing is
//! reordered, and a partner gets at most the one message again that was in flight.
//!
//! `WARDWIRE_KILL_ROUNDS` sets the number of rounds, `WARDWIRE_SEED` repeats a run.

use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use crate::support::child::{Served, lasting_address};
use crate::support::dice::{Dice, number};
use crate::support::traffic::{
    Recorder, Senders, faults_of_arrival, faults_of_journal, ids_in, ids_in_journal,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_acknowledged_and_reorders_nothing() {
    let rounds = number("WARDWIRE_KILL_ROUNDS").unwrap_or(30);
    let mut dice = Dice::new();
    let folder = tempfile::tempdir().unwrap();
    let (quick, slow) = tokio::join!(
        Recorder::start(Duration::ZERO),
        Recorder::start(Duration::from_millis(1)),
    );
    let address = lasting_address();
    let config = format!(
        r#"
[journal]
segment = "1MiB"

[source.adt]
type = "mllp"
listen = "{address}"

[[route]]
name = "all"
from = ["adt"]
to = ["quick", "slow", "archive"]

[destination.quick]
type = "mllp"
connect = "{}"
retry = {{ first = "10ms", max = "50ms" }}

[destination.slow]
type = "mllp"
connect = "{}"
retry = {{ first = "10ms", max = "50ms" }}

[destination.archive]
type = "file"
path = "out/all.hl7"
"#,
        quick.address, slow.address
    );
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    let senders = Senders::start(0..6, address, Duration::from_millis(3));
    let mut kills = 0;
    for _ in 0..rounds {
        let while_it_recovers = dice.below(4).saturating_sub(2) * dice.between(1, 3);
        for _ in 0..while_it_recovers {
            kill_after(folder.path(), dice.between(1, 50)).await;
            kills += 1;
        }
        kill_after(folder.path(), dice.between(20, 500)).await;
        kills += 1;
    }
    let mut engine = Served::start(folder.path());
    engine.ready().await;
    let acknowledged = senders.finish().await;
    let patience = Duration::from_mins(1) + Duration::from_millis(10 * acknowledged.len() as u64);
    engine.until_delivered(patience).await;
    assert!(engine.stop().await.success(), "{}", engine.said());

    let journal = ids_in_journal(&folder.path().join("data/journal"));
    let mut faults = faults_of_journal(&acknowledged, &journal);
    let arrived = [
        ("quick", quick.received()),
        ("slow", slow.received()),
        ("archive", ids_in(&folder.path().join("out/all.hl7"))),
    ];
    for (name, arrived) in &arrived {
        let found = faults_of_arrival(&journal, arrived, kills);
        faults.extend(found.iter().map(|fault| format!("{name}: {fault}")));
    }
    let again = arrived.map(|(name, arrived)| format!("{name} {}", arrived.len() - journal.len()));
    eprintln!(
        "{kills} kills, {} messages acknowledged, {} in the journal, came again: {again:?}",
        acknowledged.len(),
        journal.len()
    );
    assert_eq!(faults, Vec::<String>::new());
    assert!(acknowledged.len() > kills, "hardly anything went through");
}

async fn kill_after(folder: &Path, milliseconds: u64) {
    let mut engine = Served::start(folder);
    sleep(Duration::from_millis(milliseconds)).await;
    engine.kill();
}

#[test]
fn the_checks_of_this_campaign_see_what_is_lost_moved_or_repeated() {
    let ids = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let journal = ids("S0N0 S1N0 S0N1");
    assert!(faults_of_journal(&ids("S0N0 S0N1"), &journal).is_empty());
    for (acknowledged, journal) in [
        ("S0N0 S0N1", "S0N0"),
        ("S0N0 S0N1", "S0N1 S0N0"),
        ("S0N0 S0N1", "S0N0 S0N1 S0N1"),
    ] {
        assert_eq!(
            faults_of_journal(&ids(acknowledged), &ids(journal)).len(),
            1,
            "{journal}"
        );
    }
    assert!(faults_of_arrival(&journal, &ids("S0N0 S0N0 S1N0 S0N1"), 1).is_empty());
    for arrived in [
        "S0N0 S0N0 S1N0 S1N0 S0N1",
        "S0N0 S0N1",
        "S0N0 S0N1 S1N0",
        "S0N0 S1N0 S0N0 S0N1",
        "S0N0 S1N0 S0N1 S9N9",
    ] {
        assert_eq!(
            faults_of_arrival(&journal, &ids(arrived), 1).len(),
            1,
            "{arrived}"
        );
    }
}

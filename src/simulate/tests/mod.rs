//! The hospital: that it repeats, and that what it tells and what is true are one.

mod agree;
mod replay;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use replay::Heard;

fn settings(seed: u64, days: u32) -> Settings {
    Settings {
        seed,
        start: "2026-03-05T00:00:00-06:00[America/Chicago]"
            .parse()
            .unwrap(),
        days: Some(days),
        count: None,
        version: Version::V251,
        pathways: Pathways::built_in().unwrap(),
    }
}

/// A run: its messages in the order of sending, and every line of its truth.
struct Run {
    messages: Vec<Vec<u8>>,
    told: Vec<MessageRecord>,
    truth: Vec<serde_json::Value>,
}

impl Run {
    fn of(settings: Settings) -> Self {
        let mut run = Self {
            messages: Vec::new(),
            told: Vec::new(),
            truth: Vec::new(),
        };
        for told in Hospital::new(settings) {
            match told {
                Told::Message(message) => {
                    run.messages.push(message.bytes.to_vec());
                    run.told.push(message.record);
                }
                Told::Truth(record) => run.truth.push(serde_json::to_value(record).unwrap()),
            }
        }
        run
    }

    fn records(&self, name: &str) -> Vec<&serde_json::Value> {
        self.truth
            .iter()
            .filter(|record| record["record"] == name)
            .collect()
    }
}

/// A hospital in which everything that can go wrong does so often.
fn troubled() -> Pathways {
    let mut pathways = Pathways::built_in().unwrap();
    let rates = &mut pathways.rates;
    let often = Odds::per_million(120_000);
    for rate in [
        &mut rates.cancel_admit,
        &mut rates.cancel_transfer,
        &mut rates.cancel_discharge,
        &mut rates.cancel_preadmit,
        &mut rates.merge,
        &mut rates.late,
        &mut rates.duplicate,
        &mut rates.retold,
        &mut rates.no_show,
    ] {
        rate.odds = often;
    }
    rates.swap.odds = Odds::ALWAYS;
    pathways.scaled(60)
}

#[test]
fn the_same_seed_is_the_same_hospital_to_the_last_byte_and_another_is_another() {
    let one = Run::of(settings(1, 3));
    let same = Run::of(settings(1, 3));
    assert!(one.messages.len() > 1000);
    assert!(one.messages == same.messages && one.truth == same.truth);
    // Another one is not only called something else.
    let what = |run: &Run| run.told.iter().map(|one| one.what).collect::<Vec<_>>();
    assert!(what(&one) != what(&Run::of(settings(2, 3))));
}

#[test]
fn these_bytes_have_been_the_same_since_they_were_written_down() {
    let run = Run::of(settings(42, 1));
    let sum = blake3::hash(&run.messages.concat()).to_hex();
    // Another sum means that a seed no longer repeats what it did before: that is for the change log.
    insta::assert_snapshot!(format!("{} messages, {sum}", run.messages.len()));
}

#[test]
fn the_same_seed_is_the_same_hospital_in_every_version() {
    let shown = |version| {
        let mut run = Run::of(Settings {
            version,
            ..settings(3, 2)
        });
        run.truth.remove(0); // names the version
        for record in &mut run.told {
            record.kind = record.kind.replace("A54", "A08");
        }
        let told = serde_json::to_string(&run.told).unwrap();
        let mut summary = run.truth.pop().unwrap();
        summary["types"] = serde_json::Value::Null;
        (told, run.truth, summary)
    };
    let newest = shown(Version::V251);
    for version in Version::ALL {
        assert!(shown(version) == newest, "{version}");
    }
}

#[test]
fn messages_of_one_patient_are_sent_in_the_order_in_which_they_were_told() {
    let run = Run::of(Settings {
        pathways: troubled(),
        ..settings(4, 4)
    });
    let mut last: BTreeMap<&String, u64> = BTreeMap::new();
    let (mut seq, mut sent) = (0, String::new());
    let mut merged = BTreeMap::new();
    for (record, bytes) in run.told.iter().zip(&run.messages) {
        let heard = Heard::of(bytes);
        assert_eq!(
            (record.seq, record.control_id.as_str()),
            (seq + 1, heard.id())
        );
        seq = record.seq;
        if record.duplicate {
            continue; // the same bytes again, whenever
        }
        let now = replay::time(heard.get("MSH", 7));
        assert!(now >= sent, "MSH-7 goes back at {}", record.control_id);
        sent = now;
        for patient in &record.patients {
            let before = last.insert(patient, heard.number());
            assert!(
                before.is_none_or(|before| before < heard.number()),
                "{}",
                record.control_id
            );
        }
        // After a merge nothing new is told under the number that is gone.
        if heard.kind() == "ADT^A40" && record.retold.is_none() {
            merged.insert(heard.first("MRG", 1).to_owned(), heard.number());
        } else if record.retold.is_none() {
            assert!(
                !merged.contains_key(heard.first("PID", 3)),
                "{}",
                record.control_id
            );
        }
    }
    assert!(merged.len() > 5);
}

#[test]
fn the_truth_about_a_message_is_what_is_in_it() {
    let run = Run::of(Settings {
        pathways: troubled(),
        ..settings(5, 3)
    });
    let mut ids = BTreeMap::new();
    for (record, bytes) in run.told.iter().zip(&run.messages) {
        let heard = Heard::of(bytes);
        assert_eq!(record.kind, heard.kind());
        if record.appointment.is_none() {
            let occurred = replay::time(heard.occurred());
            assert_eq!(record.occurred, occurred, "{}", record.control_id);
        }
        let patients: BTreeSet<&str> = record.patients.iter().map(String::as_str).collect();
        for (segment, field) in [("PID", 3), ("MRG", 1)] {
            let id = heard.first(segment, field);
            assert!(id.is_empty() || patients.contains(id));
        }
        assert_eq!(
            record.order.as_deref().unwrap_or_default(),
            heard.first("ORC", 2)
        );
        assert_eq!(
            record.appointment.as_deref().unwrap_or_default(),
            heard.first("SCH", 1)
        );
        // Another message never has the same control ID, a duplicate always the same bytes.
        let first = ids.entry(record.control_id.clone()).or_insert(bytes);
        assert_eq!(
            (record.duplicate, bytes == *first),
            (record.duplicate, true)
        );
    }
    let summary = run.records("summary")[0];
    let duplicates = run.told.iter().filter(|one| one.duplicate).count();
    let late = run
        .told
        .iter()
        .filter(|one| one.late_seconds.is_some() && !one.duplicate)
        .count();
    assert!(duplicates > 50 && late > 50);
    assert_eq!(summary["messages"], run.messages.len());
    assert_eq!(summary["distinct"], ids.len());
    assert_eq!(summary["duplicates"], duplicates);
    assert_eq!(summary["late"], late);
    assert_eq!(summary["stays"], run.records("stay").len());
    assert_eq!(summary["orders"], run.records("order").len());
    assert_eq!(summary["appointments"], run.records("appointment").len());
    assert_eq!(summary["swaps"], run.records("swap").len());
    assert_eq!(summary["merges"], run.records("merge").len());
    let mut types: BTreeMap<&str, u64> = BTreeMap::new();
    for one in &run.told {
        *types.entry(&one.kind).or_default() += 1;
    }
    assert_eq!(summary["types"], serde_json::to_value(types).unwrap());
}

#[test]
fn a_run_ends_after_its_count_and_when_it_is_stopped() {
    let run = Run::of(Settings {
        days: None,
        count: Some(777),
        ..settings(6, 1)
    });
    assert_eq!((run.messages.len(), run.records("summary").len()), (777, 1));
    let mut hospital = Hospital::new(settings(6, 30));
    assert!(
        hospital
            .find(|told| matches!(told, Told::Message(_)))
            .is_some()
    );
    hospital.stop();
    let rest: Vec<Told> = hospital.collect();
    assert!(rest.iter().all(|told| matches!(told, Told::Truth(_))));
    assert!(matches!(rest.last(), Some(Told::Truth(Record::Summary(_)))));
}

#[test]
fn more_people_come_by_day_than_by_night_and_the_smallest_hospital_works() {
    let run = Run::of(settings(7, 10));
    let arrivals = run.told.iter().filter(|one| one.what == "register");
    let hours: Vec<u32> = arrivals
        .map(|one| one.occurred.get(11..13).unwrap().parse().unwrap())
        .collect();
    let within = |from, to| {
        hours
            .iter()
            .filter(|hour| (from..to).contains(*hour))
            .count()
    };
    assert!(
        within(9, 15) > 3 * within(0, 6),
        "{} {}",
        within(9, 15),
        within(0, 6)
    );
    let tiny = Settings {
        pathways: Pathways::built_in().unwrap().scaled(1),
        ..settings(8, 30)
    };
    assert!(Run::of(tiny).messages.len() > 100);
}

#[test]
fn a_hospital_goes_on_for_months_without_filling_up() {
    let pathways = Pathways::built_in().unwrap().scaled(50);
    let beds = usize::try_from(pathways.beds()).unwrap();
    let run = Run::of(Settings {
        pathways,
        ..settings(9, 120)
    });
    let stays = run.records("stay");
    let count = |name: &str, value: &str| stays.iter().filter(|stay| stay[name] == value).count();
    assert!(
        count("state", "open") < beds + 20,
        "{} open",
        count("state", "open")
    );
    assert!(
        count("state", "expected") < 40,
        "{} expected",
        count("state", "expected")
    );
    assert!(
        count("disposition", "left") * 20 < stays.len(),
        "{} left",
        count("disposition", "left")
    );
    assert!(count("state", "turned_away") * 50 < stays.len());
    // And in the last month as many are brought to a ward as in the second.
    let moved = |month: &str| {
        run.told
            .iter()
            .filter(|one| one.kind == "ADT^A02" && one.sent.starts_with(month))
            .count()
    };
    let (early, late) = (moved("2026-04"), moved("2026-06"));
    assert!(late * 4 > early * 3, "{early} {late}");
}

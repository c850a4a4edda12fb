//! What the messages say, read by somebody else, against the truth: places, beds, orders, appointments.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::replay::{Heard, House, Stretch, in_order, time};
use super::{Run, Settings, settings, troubled};

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn stretches(value: &Value) -> Vec<Stretch> {
    let all = value.as_array().unwrap().iter();
    all.map(|one| {
        (
            text(&one["place"]).unwrap(),
            text(&one["from"]).unwrap(),
            text(&one["to"]),
        )
    })
    .collect()
}

/// Several hospitals: as they usually are, and with everything going wrong.
fn runs() -> &'static [Run] {
    static RUNS: LazyLock<Vec<Run>> = LazyLock::new(all_runs);
    &RUNS
}

fn all_runs() -> Vec<Run> {
    let usual = (10..11).map(|seed| Run::of(settings(seed, 6)));
    let worst = (12..14).map(|seed| {
        Run::of(Settings {
            pathways: troubled(),
            ..settings(seed, 6)
        })
    });
    usual.chain(worst).collect()
}

#[test]
fn patients_are_where_the_messages_put_them_and_no_bed_is_taken_twice() {
    for run in runs() {
        let mut house = House::default();
        for heard in in_order(&run.messages) {
            house.hears(&heard);
        }
        let mut compared = 0;
        for stay in run.records("stay") {
            let visit = stay["visit"].as_str().unwrap();
            let state = stay["state"].as_str().unwrap();
            let Some(heard) = house.stays.remove(visit) else {
                assert!(matches!(state, "expected" | "turned_away"), "{visit}");
                continue;
            };
            assert_eq!(heard.places, stretches(&stay["places"]), "{visit} {state}");
            assert_eq!(
                (heard.open, heard.gone),
                (state == "open", state == "cancelled"),
                "{visit}"
            );
            assert_eq!(heard.patient, stay["patient"], "{visit}");
            let roles = stay["roles"].as_array().unwrap().iter();
            let attending = roles.filter(|one| one["role"] == "attending");
            let attending: Vec<&str> = attending
                .map(|one| one["staff"].as_str().unwrap())
                .collect();
            if state != "expected" {
                assert_eq!(heard.attending, attending, "{visit}");
            }
            for trigger in ["A01", "A02", "A03", "A04", "A17"] {
                let told = stay["movements"].as_array().unwrap().iter();
                let told = told.filter(|one| one["trigger"] == trigger).count();
                assert_eq!(
                    heard.moves.get(trigger).copied().unwrap_or_default(),
                    told,
                    "{visit} {trigger}"
                );
            }
            compared += 1;
        }
        assert!(compared > 100 && house.stays.is_empty());
        for merge in run.records("merge") {
            assert_eq!(house.merged[merge["from"].as_str().unwrap()], merge["into"]);
        }
    }
}

#[test]
fn a_bed_is_one_thing_at_a_time_and_occupied_by_whom_the_stays_say() {
    for run in runs() {
        let mut beds: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for bed in run.records("bed") {
            beds.entry(bed["bed"].as_str().unwrap())
                .or_default()
                .push(bed);
        }
        let mut occupied: Vec<(String, Stretch)> = Vec::new();
        for (name, states) in beds {
            for pair in states.windows(2) {
                let (before, after) = (
                    pair[0]["to"].as_str().unwrap(),
                    pair[1]["from"].as_str().unwrap(),
                );
                assert!(before <= after, "{name}: {before} {after}");
                // Who has lain in a bed leaves it to be cleaned, or to whom he swapped it with.
                if pair[0]["state"] == "occupied" && pair[1]["state"] != "occupied" {
                    assert_eq!(
                        (&pair[1]["state"], before),
                        (&Value::from("dirty"), after),
                        "{name}"
                    );
                }
            }
            let taken = states.iter().filter(|one| one["state"] == "occupied");
            occupied.extend(taken.map(|one| {
                let stretch = (
                    name.to_owned(),
                    text(&one["from"]).unwrap(),
                    text(&one["to"]),
                );
                (text(&one["visit"]).unwrap(), stretch)
            }));
        }
        let mut stayed: Vec<(String, Stretch)> = Vec::new();
        for stay in run.records("stay") {
            let places = stretches(&stay["places"]).into_iter();
            let in_bed = places.filter(|(place, ..)| place.matches('^').count() == 2);
            stayed.extend(in_bed.map(|stretch| (text(&stay["visit"]).unwrap(), stretch)));
        }
        occupied.sort();
        stayed.sort();
        assert!(occupied == stayed && stayed.len() > 50);
        let mut house = House::default();
        for heard in in_order(&run.messages) {
            house.hears(&heard);
        }
        for (bed, told) in house.bed_status {
            let expected = ["K", "H", "U"].iter().cycle();
            assert!(
                told.iter().zip(expected).all(|(one, other)| one == other),
                "{bed}: {told:?}"
            );
        }
    }
}

#[test]
fn every_order_goes_through_its_stages_in_order_and_at_the_times_of_the_truth() {
    for run in runs() {
        let mut heard: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
        for one in in_order(&run.messages) {
            if one.get("ORC", 1).is_empty() {
                continue;
            }
            let stages = heard.entry(one.first("ORC", 2).to_owned()).or_default();
            let stage = stage(&one);
            let first = stages.insert(stage, time(one.occurred()));
            assert_eq!(first, None, "{stage} twice: {}", one.id());
            if one.kind() == "ORU^R01" {
                assert_eq!(one.get("OBR", 22), one.occurred());
                stages.insert("collected", time(one.get("OBR", 7)));
                let received = if one.get("OBR", 14).is_empty() {
                    one.get("OBR", 8)
                } else {
                    one.get("SPM", 18)
                };
                stages.insert("received", time(received));
            }
        }
        let mut complete = 0;
        for order in run.records("order") {
            let mut told = heard.remove(order["order"].as_str().unwrap()).unwrap();
            if told.remove("fulfilled").is_some() {
                assert_eq!(
                    (&order["kind"], &order["state"]),
                    (&"bed".into(), &"complete".into())
                );
            }
            let mut last = String::new();
            let order_of = [
                "ordered",
                "accepted",
                "collected",
                "received",
                "preliminary",
                "resulted",
                "verified",
                "corrected",
                "cancelled",
            ];
            for stage in order_of {
                let truth = text(&order["stages"][stage]);
                if let Some(at) = &truth {
                    assert!(*at >= last, "{order}");
                    last.clone_from(at);
                }
                // What nobody has told yet is not known: a specimen is told with its receipt or its result.
                let told = told.get(stage).cloned();
                let untold = told.is_none() && matches!(stage, "collected" | "received");
                assert!(untold || told == truth, "{stage} {told:?} {order}");
            }
            complete += usize::from(order["state"] == "complete");
        }
        assert!(complete > 100 && heard.is_empty());
    }
}

fn stage(one: &Heard) -> &'static str {
    match (one.get("ORC", 1), one.get("ORC", 5), one.get("OBR", 25)) {
        ("NW", _, _) => "ordered",
        ("SC", "SC", _) => "accepted",
        ("SC", "CM", _) => "fulfilled",
        // An examination begins with it, a specimen is received with it.
        ("SC", "IP", "I") if one.get("OBR", 14).is_empty() => "collected",
        ("SC", "IP", "I") => "received",
        ("CA", _, _) => "cancelled",
        ("RE", "IP", "P") => "preliminary",
        ("RE", "IP", "R") => "resulted",
        ("RE", "CM", "F") => "verified",
        ("RE", "CM", "C") => "corrected",
        other => panic!("{other:?}"),
    }
}

#[test]
fn appointments_become_what_their_messages_say() {
    for run in runs() {
        let mut heard: BTreeMap<String, Vec<Heard>> = BTreeMap::new();
        for one in in_order(&run.messages) {
            if one.kind().starts_with("SIU") {
                heard
                    .entry(one.first("SCH", 1).to_owned())
                    .or_default()
                    .push(one);
            }
        }
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for appointment in run.records("appointment") {
            let told = &heard[appointment["appointment"].as_str().unwrap()];
            let triggers: Vec<String> = told
                .iter()
                .map(|one| one.kind().replace("SIU^", ""))
                .collect();
            assert_eq!(triggers[0], "S12");
            let moved = triggers.iter().filter(|one| *one == "S13").count();
            assert_eq!(appointment["rescheduled"].as_array().unwrap().len(), moved);
            let last = told.last().unwrap();
            let status = last.first("SCH", 25);
            let expected = match appointment["state"].as_str().unwrap() {
                "booked" => "Booked",
                "started" => "Started",
                "complete" => "Complete",
                "cancelled" => "Cancelled",
                "no_show" => "Noshow",
                other => panic!("{other}"),
            };
            assert_eq!(status, expected, "{appointment}");
            let start = last.get("AIS", 4);
            assert_eq!(
                appointment["starts"].as_array().unwrap().last().unwrap(),
                &time(start)
            );
            *states.entry(expected.to_owned()).or_default() += 1;
        }
        assert!(states.len() >= 4, "{states:?}");
    }
}

//! What somebody who edits pathways is told.

use super::*;

/// A hospital as small as can be, to be broken line by line.
const SMALL: &str = "\
unit ED emergency beds 4 service EMR response 5m clean 10m..20m
unit MED ward beds 8 service MED response 5m clean 10m
unit OPD clinic service PUL
order CBC laboratory section HM name \"Blood count\" accept 1m collect 5m receive 5m result 5m verify 5m cancelled 2%
  observe 718-7 \"Hemoglobin\" g/dL 12.0..15.5
arrivals emergency 10 by hour 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
pathway minor from emergency weight 3
  register ED
  bed
  50% order CBC stat   # a comment
  follow ward
  discharge home
pathway ward
  request MED
  wait 1d..2d
rate late 1% after 10m..4h
";

/// What is written instead of what, and what is said about it first.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "request MED",
        "request MDE",
        "14:11: expected a unit: ED, MED or OPD; did you mean MED?",
    ),
    (
        "request MED",
        "requst MED",
        "14:3: expected a statement: register, bed, admit, preadmit, wait, order, request, move, consult, handoff, update, depart, leave, book, follow, discharge, unit, order, arrivals, pathway or rate; did you mean request?",
    ),
    (
        "wait 1d..2d",
        "wait 2d..1d",
        "15:8: expected a duration such as 30m, or a range such as 10m..2h",
    ),
    (
        "wait 1d..2d",
        "wait 5",
        "15:8: expected a duration such as 30m, or a range such as 10m..2h",
    ),
    (
        "wait 1d..2d",
        "wait",
        "15:7: expected a duration such as 30m, or a range such as 10m..2h",
    ),
    (
        "wait 1d..2d",
        "wait 1d 2d",
        "15:11: expected the end of the line",
    ),
    (
        "rate late 1%",
        "rate late 101%",
        "16:11: expected a share such as 5% or 0.5%",
    ),
    (
        "rate late",
        "rate lat",
        "16:6: expected a rate: cancel_admit, cancel_transfer, cancel_discharge, cancel_preadmit, update, handoff, swap, merge, reschedule, cancel_appointment, no_show, late, duplicate, retold, patience, give_up, assign or transport; did you mean late?",
    ),
    (
        "ward beds 8",
        "wrd beds 8",
        "2:10: expected a level: emergency, ward, intensive, imaging or clinic; did you mean ward?",
    ),
    (
        "ward beds 8",
        "ward beds x",
        "2:20: expected how many beds: a number up to 10000",
    ),
    (
        "\"Blood count\"",
        "\"Blood count",
        "4:38: expected a closing quotation mark in this line",
    ),
    (
        "12.0..15.5",
        "15.5..12.0",
        "5:35: expected a range such as 4.0..11.0",
    ),
    (
        "  register ED\n",
        "",
        "8:3: expected register, admit, preadmit or book as the first step of a pathway that people arrive on",
    ),
    (
        "  register ED\n",
        "  50% register ED\n",
        "8:3: expected a first step without a share: it always happens",
    ),
    (
        "register ED",
        "register MED",
        "8:3: expected an emergency unit",
    ),
    (
        "  request MED",
        "  admit MED",
        "14:3: expected register, admit and preadmit only as the first step of a pathway with `from`",
    ),
    (
        "request MED",
        "request OPD",
        "14:3: expected a unit with beds",
    ),
    (
        "wait 1d..2d",
        "follow minor",
        "11:3: expected a pathway that does not lead back to this one",
    ),
    (
        "pathway ward\n",
        "pathway minor\n",
        "11:10: expected a pathway: minor",
    ),
    (
        "weight 3",
        "weight 0",
        "6:1: expected a `pathway … from emergency weight 1` for these arrivals",
    ),
    (
        "1 1 1 1 1\n",
        "1 1 1 1\n",
        "6:76: expected 24 weights, one an hour: a number up to 1000000",
    ),
];

fn errors(text: &str) -> Vec<String> {
    let errors = Pathways::read(text).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_built_in_can_be_read_and_edited() {
    let built_in = Pathways::built_in().unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert!(built_in.beds() > 100);
    assert!(Pathways::read(Pathways::text()).is_ok());
}

#[test]
fn a_small_hospital_is_read_as_it_is_written() {
    let read = Pathways::read(SMALL).unwrap();
    assert_eq!(read.beds(), 12);
    let hemoglobin = &read.orders[0].observations[0];
    assert_eq!(
        (hemoglobin.low, hemoglobin.high, hemoglobin.decimals),
        (120, 155, 1)
    );
    let steps: Vec<Action> = read.pathways[0]
        .steps
        .iter()
        .map(|step| step.action)
        .collect();
    assert_eq!(
        steps[2],
        Action::Order {
            kind: 0,
            priority: Priority::Stat
        }
    );
    assert_eq!(steps[3], Action::Follow { pathway: 1 });
    assert_eq!(read.pathways[0].steps[2].odds.parts(), 500_000);
    assert_eq!(read.rates.late.after, Spread::new(600, 4 * 3600));
}

#[test]
fn a_hospital_can_be_scaled() {
    let large = Pathways::read(SMALL).unwrap().scaled(120);
    assert_eq!((large.beds(), large.arrivals[0].a_day), (120, 100));
    let tiny = Pathways::read(SMALL).unwrap().scaled(1);
    assert_eq!((tiny.beds(), tiny.arrivals[0].a_day), (2, 1));
}

#[test]
fn every_fault_is_told_with_its_place_and_what_would_be_right() {
    for (from, to, expected) in FAULTS {
        let broken = SMALL.replacen(from, to, 1);
        assert_ne!(broken, SMALL, "{from}");
        assert_eq!(
            errors(&broken).first().map(String::as_str),
            Some(*expected),
            "{to}"
        );
    }
}

#[test]
fn all_faults_are_told_at_once_and_each_shows_its_line() {
    let broken = SMALL
        .replace("request MED", "request MDE")
        .replace("late 1%", "late x");
    let errors = Pathways::read(&broken).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0].context(), "  request MDE\n          ^");
    assert!(Pathways::read("").is_err());
}

#[test]
fn any_text_is_read_or_refused_without_fail() {
    use proptest::prelude::*;
    proptest!(|(cut in 0..SMALL.len(), junk in "[ -~\\n\"]{0,20}")| {
        let (before, after) = SMALL.split_at(cut);
        drop(Pathways::read(&format!("{before}{junk}{after}")));
    });
}

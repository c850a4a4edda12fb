//! Every step in users' words: what it does to a value, to a delete indicator and to nothing.

use bytes::Bytes;

use super::*;
use crate::condition::{Shape, Table, Tables, ValueClass};
use crate::hl7::timestamp::Precision;
use crate::hl7::{Message, Path};
use crate::route::{TemplateFormat, Templates};

pub(super) const ADMISSION: &str = "MSH|^~\\&|HIS|MAIN|||20250131120000||ADT^A01|4711|P|2.5\r\
    PID|1||007^^^MAIN^MR~T99^^^LAB||Roe^Ann^\"\"|\"\"|19500607|f\r\
    PV1|1|I| 4W ^101^A|||12~13\r\
    OBX|1|NM|718-7^HB||5.0\r\
    OBX|2|ST|4544-3^HCT||high\r\
    NTE|1||late\r";

pub(super) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(super) fn step(kind: StepKind) -> Step {
    Step::new("test", 7, None, kind).unwrap()
}

pub(super) fn run_on(raw: &[u8], steps: &[Step]) -> Result<Bytes, Box<StepError>> {
    let units = Table::from_csv(b"4W,WEST\nf,F\nnothing,\n").unwrap();
    let tables: Tables = [("units".to_owned(), units)].into_iter().collect();
    let mut templates = Templates::new();
    let note = "{{ v('PID-5.2') }}|{% for o in segments('OBX') %}{{ o['OBX-5'] }};{% endfor %}";
    let add = templates.add("note", TemplateFormat::Text, note.to_owned());
    add.unwrap();
    let environment = Environment {
        tables: &tables,
        templates: &templates,
    };
    let message = Message::parse(Bytes::copy_from_slice(raw)).unwrap();
    run(steps, &message, environment).map(|outcome| outcome.bytes)
}

/// What the steps make of the admission: the lines that changed.
pub(super) fn changes(kinds: impl IntoIterator<Item = StepKind>) -> String {
    let steps: Vec<Step> = kinds.into_iter().map(step).collect();
    let written = run_on(ADMISSION.as_bytes(), &steps).unwrap();
    let written = String::from_utf8(written.to_vec()).unwrap();
    let old: Vec<&str> = ADMISSION.split('\r').collect();
    let new = written.split('\r').filter(|line| !old.contains(line));
    new.collect::<Vec<_>>().join("\n")
}

pub(super) fn failure(kind: StepKind) -> Box<StepError> {
    run_on(ADMISSION.as_bytes(), &[step(kind)]).unwrap_err()
}

pub(super) fn text(path_text: &str, value: &str) -> StepKind {
    StepKind::Set {
        path: path(path_text),
        value: NewValue::Text(value.to_owned()),
    }
}

#[test]
fn set_writes_a_text_escaped_and_creates_what_is_missing() {
    assert_eq!(
        changes([text("NTE-5.2", "a|b^c")]),
        "NTE|1||late||^a\\F\\b\\S\\c"
    );
    assert_eq!(
        changes([text("PV1-3[2].1", "ICU")]),
        "PV1|1|I| 4W ^101^A~ICU|||12~13"
    );
    assert_eq!(changes([text("OBX[*]-11", "F")]).lines().count(), 2);
}

#[test]
fn set_empties_with_an_empty_text_and_deletes_only_with_null() {
    assert_eq!(changes([text("NTE-3", "")]), "NTE|1||");
    let null = StepKind::Set {
        path: path("NTE-3"),
        value: NewValue::Null,
    };
    assert_eq!(changes([null]), "NTE|1||\"\"");
    let kind = text("NTE-3", "\"\"");
    let fault = Step::new("x", 1, None, kind).unwrap_err();
    assert_eq!(
        (fault.key, fault.to_string().contains("null = true")),
        ("value", true)
    );
}

#[test]
fn a_hostile_value_cannot_make_a_delimiter_or_a_segment() {
    let written = changes([text("NTE-3", "x\rZZZ|1\n\x0B\x1C\\H\\~&")]);
    assert_eq!(
        written,
        "NTE|1||x\\X0D\\ZZZ\\F\\1\\X0A\\\\X0B\\\\X1C\\\\E\\H\\E\\\\R\\\\T\\"
    );
}

#[test]
fn a_text_that_cannot_be_written_is_an_error_and_not_something_else() {
    let latin = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1\rPID|1\r";
    let written = run_on(latin, &[step(text("PID-2", "Jörg"))]).unwrap();
    assert!(written.ends_with(b"PID|1|J\xF6rg\r"));
    let error = run_on(latin, &[step(text("PID-2", "漢"))]).unwrap_err();
    assert_eq!(error.kind, StepErrorKind::Unencodable);
    let unescapable = b"MSH|^~|||||||ADT^A01|1|P|2.5\rPID|1\r";
    let error = run_on(unescapable, &[step(text("PID-2", "a|b"))]).unwrap_err();
    assert_eq!(error.kind, StepErrorKind::Unescapable);
    let error = run_on(unescapable, &[step(text("PID-3.1.2", "a"))]).unwrap_err();
    assert!(matches!(error.kind, StepErrorKind::Edit(_)), "no & there");
}

#[test]
fn setting_in_a_segment_that_is_missing_fails_and_with_a_star_does_nothing() {
    let error = failure(text("ZPI-1", "x"));
    insta::assert_snapshot!(error, @r#"step "test" (line 7) failed at ZPI-1"#);
    insta::assert_snapshot!(error.kind, @"ZPI-1 is not in the message (add the segment first)");
    assert_eq!(changes([text("ZPI[*]-1", "x")]), "");
}

pub(super) fn copy(from: &str, to: &str) -> StepKind {
    StepKind::Copy {
        from: path(from),
        to: path(to),
    }
}

#[test]
fn copy_makes_the_target_say_what_the_source_says() {
    assert_eq!(changes([copy("PID-3[1]", "NTE-3")]), "NTE|1||007^^^MAIN^MR");
    assert_eq!(
        changes([copy("PID-6", "NTE-3")]),
        "NTE|1||\"\"",
        "delete indicator"
    );
    assert_eq!(changes([copy("PID-9", "NTE-3")]), "NTE|1||", "nothing");
    assert_eq!(changes([copy("ZPI-9", "NTE-7")]), "", "nothing to nothing");
    let escaped = "MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|a\\X41\\\\Zq\\\r";
    let written = run_on(escaped.as_bytes(), &[step(copy("PID-1", "PID-3"))]).unwrap();
    assert!(
        written.ends_with(b"PID|a\\X41\\\\Zq\\||a\\X41\\\\Zq\\\r"),
        "raw"
    );
}

#[test]
fn copy_refuses_parts_that_would_mean_something_else() {
    let error = failure(copy("PID-3", "NTE-3.1"));
    assert_eq!(error.kind, StepErrorKind::Levels);
    assert!(matches!(
        error.shape,
        Some(Shape::Populated { bytes: 23, .. })
    ));
}

#[test]
fn default_fills_nothing_and_only_nothing() {
    let fill = |at: &str| {
        changes([StepKind::Default {
            path: path(at),
            value: "U".to_owned(),
        }])
    };
    assert_eq!(fill("NTE-2"), "NTE|1|U|late");
    assert_eq!(fill("NTE-5"), "NTE|1||late||U");
    assert_eq!(fill("NTE-3"), "", "there is a value");
    assert_eq!(fill("PID-6"), "", "there is a delete indicator");
    assert_eq!(
        fill("PID-3[*].5"),
        "PID|1||007^^^MAIN^MR~T99^^^LAB^U||Roe^Ann^\"\"|\"\"|19500607|f"
    );
}

#[test]
fn delete_empties_what_is_there_and_creates_nothing() {
    let delete = |at: &str| changes([StepKind::Delete { path: path(at) }]);
    assert_eq!(delete("NTE-3"), "NTE|1||");
    assert_eq!(delete("NTE-9.2"), "");
    assert_eq!(
        delete("PID-3[*].4"),
        "PID|1||007^^^^MR~T99^^^||Roe^Ann^\"\"|\"\"|19500607|f"
    );
}

#[test]
fn repeat_adds_a_repetition_or_the_first_one() {
    let repeat = |at: &str| {
        changes([StepKind::Repeat {
            path: path(at),
            value: "X".to_owned(),
        }])
    };
    assert_eq!(repeat("NTE-3"), "NTE|1||late~X");
    assert_eq!(repeat("NTE-2"), "NTE|1|X|late");
    assert!(
        repeat("PID-6").contains("|X|19500607"),
        "instead of a delete indicator"
    );
}

#[test]
fn map_writes_what_the_table_has() {
    let map = |at: &str, miss: Miss| StepKind::Map {
        path: path(at),
        table: "units".to_owned(),
        miss,
    };
    let trimmed = StepKind::Trim {
        path: path("PV1-3"),
    };
    let west = changes([trimmed, map("PV1-3.1", Miss::Error)]);
    assert_eq!(west, "PV1|1|I|WEST^101^A|||12~13");
    assert_eq!(changes([map("NTE-3", Miss::Keep)]), "");
    assert_eq!(changes([map("NTE-3", Miss::Empty)]), "NTE|1||");
    let other = Miss::Default("O&T".to_owned());
    assert_eq!(changes([map("NTE-3", other.clone())]), "NTE|1||O\\T\\T");
    assert_eq!(
        changes([map("PID-6", other.clone()), map("PID-9", other)]),
        "",
        "no value"
    );
    let error = failure(map("NTE-3", Miss::Error));
    insta::assert_snapshot!(error, @r#"step "test" (line 7) failed at NTE-3 (4 bytes, letters)"#);
    insta::assert_snapshot!(error.kind, @"the value is not in table units");
    let error = failure(map("PV1-3", Miss::Keep));
    insta::assert_snapshot!(error.kind, @"the value has parts, and the step works on one (name it, as in PV1-3.1)");
}

#[test]
fn trim_upper_lower_and_replace_leave_the_structure_alone() {
    assert_eq!(
        changes([StepKind::Trim {
            path: path("PV1-3")
        }]),
        "PV1|1|I|4W^101^A|||12~13"
    );
    assert!(
        changes([StepKind::Upper {
            path: path("PID-5")
        }])
        .contains("|ROE^ANN^\"\"|\"\"|")
    );
    assert!(
        changes([StepKind::Lower {
            path: path("PID-5.1")
        }])
        .contains("|roe^Ann^\"\"|")
    );
    let replace = |find: Find, with: &str| {
        changes([StepKind::Replace {
            path: path("OBX[*]-3"),
            find,
            with: with.to_owned(),
        }])
    };
    let plain = replace(Find::Text("H".to_owned()), "^");
    assert_eq!(
        plain,
        "OBX|1|NM|718-7^\\S\\B||5.0\nOBX|2|ST|4544-3^\\S\\CT||high"
    );
    let groups = replace(Find::regex(r"^(\d+)-(\d)$").unwrap(), "$2/$1");
    assert_eq!(groups, "OBX|1|NM|7/718^HB||5.0\nOBX|2|ST|3/4544^HCT||high");
}

#[test]
fn what_a_step_does_not_change_keeps_its_spelling() {
    let raw = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|\\X41\\BC^d|\xFF\r";
    let steps = [step(StepKind::Upper {
        path: path("PID-1"),
    })];
    let written = run_on(raw, &steps).unwrap();
    assert!(written.ends_with(b"PID|\\X41\\BC^D|\xFF\r"));
}

#[test]
fn pad_and_substr_count_characters() {
    let pad = |with: char, side: Side| {
        changes([StepKind::Pad {
            path: path("NTE-3"),
            width: 6,
            with,
            side,
        }])
    };
    assert_eq!(pad('0', Side::Left), "NTE|1||00late");
    assert_eq!(pad('|', Side::Right), "NTE|1||late\\F\\\\F\\");
    let substr = |start: usize, length: Option<usize>| {
        changes([StepKind::Substr {
            path: path("NTE-3"),
            start,
            length,
        }])
    };
    assert_eq!(substr(2, Some(2)), "NTE|1||at");
    assert_eq!(substr(3, None), "NTE|1||te");
    assert_eq!(substr(9, None), "NTE|1||");
    assert_eq!(substr(1, None), "");
}

#[test]
fn split_and_join_take_values_apart_and_together() {
    let to = vec![path("NTE-4"), path("NTE-5")];
    let split = |at: &str| StepKind::Split {
        path: path("OBX-3.1"),
        at: at.to_owned(),
        to: to.clone(),
    };
    assert_eq!(changes([split("-")]), "NTE|1||late|718|7");
    assert_eq!(changes([split("x")]), "NTE|1||late|718-7", "one part");
    let join = |from: &[&str]| StepKind::Join {
        from: from.iter().map(|text| path(text)).collect(),
        with: " & ".to_owned(),
        to: path("NTE-3"),
    };
    assert_eq!(
        changes([join(&["PID-5.1", "PID-6", "PID-9", "OBX[*]-5"])]),
        "NTE|1||Roe \\T\\ 5.0 \\T\\ high"
    );
    assert_eq!(changes([join(&["PID-6", "PID-9"])]), "");
    assert_eq!(failure(join(&["PID-3"])).kind, StepErrorKind::Composite);
}

fn date(reads: DateFormat, writes: DateFormat, precision: Option<Precision>) -> DateStep {
    DateStep {
        path: path("PID-7"),
        reads,
        writes,
        precision,
        offset: Offset::Keep,
        from_zone: None,
        to_zone: None,
    }
}

#[test]
fn date_changes_precision_and_format() {
    let hl7 = || DateFormat::Hl7;
    let us = || DateFormat::pattern("%m/%d/%Y").unwrap();
    let to_us = changes([StepKind::Date(date(hl7(), us(), None))]);
    assert!(to_us.contains("|06/07/1950|"), "{to_us}");
    let and_back = [date(hl7(), us(), None), date(us(), hl7(), None)];
    assert_eq!(changes(and_back.map(StepKind::Date)), "");
    let offset = DateFormat::pattern("%Y %z").unwrap();
    let error = failure(StepKind::Date(date(hl7(), offset, None)));
    assert_eq!(error.kind, StepErrorKind::NotADate, "no offset is made up");
    let minutes = date(hl7(), hl7(), Some(Precision::Minute));
    assert!(changes([StepKind::Date(minutes)]).contains("|195006070000|"));
    let error = failure(StepKind::Date(date(us(), hl7(), None)));
    assert_eq!(error.kind, StepErrorKind::NotADate);
    assert_eq!(
        error.shape,
        Some(Shape::Populated {
            bytes: 8,
            class: ValueClass::Digits
        })
    );
    assert!(DateFormat::pattern("%!").is_err() && DateFormat::pattern("day").is_err());
}

#[test]
fn date_moves_times_between_zones_and_leaves_days_alone() {
    let zone = |hours: i8| Some(jiff::tz::TimeZone::fixed(jiff::tz::offset(hours)));
    let moved = |at: &str, offset: Offset| {
        changes([StepKind::Date(DateStep {
            path: path(at),
            from_zone: zone(-6),
            to_zone: zone(1),
            offset,
            ..date(DateFormat::Hl7, DateFormat::Hl7, None)
        })])
    };
    assert!(moved("MSH-7", Offset::Keep).contains("|20250131190000+0100|"));
    assert!(moved("MSH-7", Offset::Drop).contains("|20250131190000|"));
    assert_eq!(moved("PID-7", Offset::Keep), "");
}

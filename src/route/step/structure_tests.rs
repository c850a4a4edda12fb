//! Steps on whole segments, `each`, templates, and what is refused at load, in users' words.

use super::tests::{ADMISSION, changes, copy, failure, path, run_on, step, text};
use super::*;

#[test]
fn segments_are_added_dropped_and_kept() {
    let add = |text: &str, after: Option<&str>| StepKind::AddSegment {
        segment: NewSegment::parse(text).unwrap(),
        after: after.map(|name| name.parse().unwrap()),
    };
    let lines = |kind: StepKind| {
        let written = run_on(ADMISSION.as_bytes(), &[step(kind)]).unwrap();
        let names = written
            .split(|&b| b == b'\r')
            .filter_map(|line| line.get(..3));
        names
            .map(|n| n.escape_ascii().to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(lines(add("ZPI|1", None)), "MSH PID PV1 OBX OBX NTE ZPI");
    assert_eq!(
        lines(add("ZPI|1", Some("OBX"))),
        "MSH PID PV1 OBX OBX ZPI NTE"
    );
    let drop = |text: &str| StepKind::DropSegment {
        segment: path(text),
    };
    assert_eq!(lines(drop("OBX")), "MSH PID PV1 NTE");
    assert_eq!(lines(drop("OBX[2]")), "MSH PID PV1 OBX NTE");
    assert_eq!(lines(drop("ZPI")), "MSH PID PV1 OBX OBX NTE");
    let segments = vec!["PID".parse().unwrap(), "NTE".parse().unwrap()];
    assert_eq!(lines(StepKind::KeepSegments { segments }), "MSH PID NTE");
    let no_anchor = failure(add("ZPI|1", Some("DG1")));
    assert_eq!(no_anchor.kind, StepErrorKind::NoAnchor);
}

#[test]
fn a_new_segment_speaks_the_messages_delimiters() {
    let raw = b"MSH#@*!%#A#######ADT@A01#1\r";
    let segment = NewSegment::parse("ZPI|a^b&c~d#\\T\\|\"\"").unwrap();
    let add = StepKind::AddSegment {
        segment,
        after: None,
    };
    let written = run_on(raw, &[step(add)]).unwrap();
    assert_eq!(&written[27..], b"ZPI#a@b%c*d!F!&#\"\"\r");
    let few = b"MSH|^|A||||||ADT^A01|1\r";
    let segment = NewSegment::parse("ZPI|a~b").unwrap();
    let add = StepKind::AddSegment {
        segment,
        after: None,
    };
    let error = run_on(few, &[step(add)]).unwrap_err();
    assert_eq!(error.kind, StepErrorKind::NoSeparator);
}

#[test]
fn each_works_on_the_segment_at_hand() {
    let when = |text: &str| Some(Condition::parse(text).unwrap());
    let each = |steps: Vec<Step>| StepKind::Each {
        segment: "OBX".parse().unwrap(),
        steps,
    };
    let inner = Step::new(
        "a",
        8,
        when("OBX-2 = 'ST' and PID-8 = 'f'"),
        copy("OBX-1", "OBX-8"),
    );
    assert_eq!(
        changes([each(vec![inner.unwrap()])]),
        "OBX|2|ST|4544-3^HCT||high|||2"
    );
    let drop = StepKind::DropSegment {
        segment: path("OBX"),
    };
    let drop = Step::new("b", 9, when("OBX-5 matches '^[0-9.]+$'"), drop).unwrap();
    let written = run_on(ADMISSION.as_bytes(), &[step(each(vec![drop]))]).unwrap();
    assert!(!written.windows(5).any(|w| w == b"718-7") && written.windows(4).any(|w| w == b"4544"));
    let fails = Step::new("inner", 11, None, copy("PID-3", "OBX-5.1")).unwrap();
    let error = failure(each(vec![fails]));
    assert_eq!((error.step.as_str(), error.line), ("inner", 11));
}

#[test]
fn a_template_writes_to_a_place_or_in_the_place_of_the_message() {
    let template = |to: TemplateTarget| StepKind::Template {
        template: "note".to_owned(),
        to,
    };
    let placed = changes([template(TemplateTarget::Path(path("NTE-3")))]);
    assert_eq!(placed, "NTE|1||Ann\\F\\5.0;high;");
    let whole = step(template(TemplateTarget::Message));
    let written = run_on(ADMISSION.as_bytes(), std::slice::from_ref(&whole)).unwrap();
    assert_eq!(written, "Ann|5.0;high;");
    let late = [whole, step(text("NTE-3", "x"))];
    let error = run_on(ADMISSION.as_bytes(), &late).unwrap_err();
    assert_eq!(error.kind, StepErrorKind::NotAMessage);
}

#[test]
fn a_step_that_cannot_work_is_refused_at_load() {
    let fault = |kind: StepKind| {
        let fault = Step::new("x", 1, None, kind).unwrap_err();
        format!("{}: {fault}", fault.key)
    };
    insta::assert_snapshot!(fault(text("PID", "x")), @"set: expected a field, as in PID-3 (for segments there are drop_segment and keep_segments)");
    insta::assert_snapshot!(fault(text("MSH-2", "x")), @"set: expected a field other than MSH-1 and MSH-2, which declare the delimiters");
    insta::assert_snapshot!(fault(text("PID-3[70000]", "x")), @"set: expected a repetition up to 65535");
    insta::assert_snapshot!(fault(copy("PID-3", "MSH")), @"to: expected a field, as in PID-3 (for segments there are drop_segment and keep_segments)");
    insta::assert_snapshot!(fault(StepKind::DropSegment { segment: path("MSH") }), @"drop_segment: expected a segment other than MSH");
    insta::assert_snapshot!(fault(StepKind::DropSegment { segment: path("PID-3") }), @"drop_segment: expected a segment, as in NTE or NTE[2]");
    insta::assert_snapshot!(fault(StepKind::Repeat { path: path("PID-3.1"), value: "x".to_owned() }), @"repeat: expected a field without [ ] and component");
    insta::assert_snapshot!(fault(StepKind::KeepSegments { segments: Vec::new() }), @"keep_segments: expected at least one segment");
    insta::assert_snapshot!(fault(StepKind::Each { segment: "OBX".parse().unwrap(), steps: Vec::new() }), @"steps: expected at least one step");
    let nested = StepKind::Each {
        segment: "OBX".parse().unwrap(),
        steps: vec![step(StepKind::DropSegment {
            segment: path("NTE"),
        })],
    };
    assert!(fault(nested).starts_with("steps: expected steps that work on the segment at hand"));
    let parse = |text: &str| NewSegment::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(parse("zpi|1"), @"expected a segment ID of three capitals or digits, as in ZPI|1 at character 1");
    insta::assert_snapshot!(parse("ZPI^1"), @"expected | at character 4");
    insta::assert_snapshot!(parse("MSH|^~"), @"expected a segment that is no header and no trailer at character 1");
    insta::assert_snapshot!(parse("ZPI|é\n"), @"expected a character that can be printed at character 6");
}

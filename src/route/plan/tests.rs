//! Routes in users' words: who gets what, why not, and that it is the same at any time.

use proptest::prelude::*;

use super::*;
use crate::condition::{Miss, Table};
use crate::hl7::Path;
use crate::route::{Find, NewValue, Side, StepErrorKind, StepKind};

const ADMISSION: &[u8] = b"MSH|^~\\&|HIS|MAIN|||20250131||ADT^A01|4711|P|2.5\rPID|1||007||Roe^Ann||19500607|F\rPV1|1|I|4W\r";

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn step(kind: StepKind) -> Step {
    Step::new("unit codes", 31, None, kind).unwrap()
}

fn map(miss: Miss) -> Step {
    step(StepKind::Map {
        path: path("PV1-3.1"),
        table: "units".to_owned(),
        miss,
    })
}

fn route(name: &str, when: &str, to: &[&str]) -> Route {
    Route {
        name: name.to_owned(),
        line: 10,
        from: vec!["adt".to_owned()],
        when: (!when.is_empty()).then(|| Condition::parse(when).unwrap()),
        steps: Vec::new(),
        to: to.iter().map(|&to| to.to_owned()).collect(),
        also: false,
    }
}

fn routes(routes: Vec<Route>) -> Routes {
    let units = Table::from_csv(b"ICU,INT\n").unwrap();
    let tables = [("units".to_owned(), units)].into_iter().collect();
    Routes::new(routes, tables, Templates::new())
}

fn message() -> Message {
    Message::parse(ADMISSION).unwrap()
}

/// The name of the route that takes the message to the destination.
fn via(routes: &Routes, destination: &str) -> Result<String, FilterReason> {
    match routes.plan("adt", &message(), destination) {
        Plan::Deliver { route, .. } => Ok(routes.route(route).unwrap().name.clone()),
        Plan::Filtered(reason) => Err(reason),
        Plan::Failed { error, .. } => panic!("{error}"),
    }
}

#[test]
fn the_first_route_that_applies_ends_the_search() {
    let routes = routes(vec![
        route("a02", "MSH-9.2 = 'A02'", &["board"]),
        route("a01", "MSH-9.2 = 'A01'", &["board", "archive"]),
        route("rest", "", &["board", "rest"]),
    ]);
    assert_eq!(via(&routes, "board"), Ok("a01".to_owned()));
    assert_eq!(via(&routes, "archive"), Ok("a01".to_owned()));
    assert_eq!(via(&routes, "rest"), Err(FilterReason::NotMatched));
    assert_eq!(via(&routes, "nowhere"), Err(FilterReason::NoRoute));
    assert_eq!(routes.destinations("adt", &message()), ["board", "archive"]);
    let other = routes.plan("lab", &message(), "board");
    assert!(matches!(other, Plan::Filtered(FilterReason::NoRoute)));
}

#[test]
fn also_goes_on_and_a_destination_is_served_once() {
    let mut first = route("first", "PID-8 = 'F'", &["board"]);
    first.also = true;
    let mut second = route("second", "", &["board", "archive"]);
    second.steps = vec![map(Miss::Error)];
    let routes = routes(vec![first, second]);
    assert_eq!(via(&routes, "board"), Ok("first".to_owned()));
    assert_eq!(routes.destinations("adt", &message()), ["board", "archive"]);
    let decisions = routes.explain("adt", &message());
    assert_eq!(decisions[1].already_served, ["board"]);
}

#[test]
fn a_message_that_no_step_changes_goes_out_as_the_very_same_bytes() {
    let mut unchanged = route("all", "", &["board"]);
    unchanged.steps = vec![
        map(Miss::Keep),
        step(StepKind::Trim {
            path: path("PID-5"),
        }),
    ];
    let message = message();
    let plan = routes(vec![unchanged]).plan("adt", &message, "board");
    let Plan::Deliver { bytes, changed, .. } = plan else {
        panic!("{plan:?}");
    };
    assert!(!changed);
    assert_eq!(bytes.as_ptr(), message.raw().as_ptr(), "not even a copy");
}

#[test]
fn steps_change_what_is_delivered_and_nothing_else() {
    let mut edited = route("all", "", &["board"]);
    edited.steps = vec![map(Miss::Default("WARD".to_owned()))];
    let plan = routes(vec![edited]).plan("adt", &message(), "board");
    let Plan::Deliver { bytes, changed, .. } = plan else {
        panic!("{plan:?}");
    };
    assert!(changed);
    let expected = String::from_utf8_lossy(ADMISSION).replace("|4W", "|WARD");
    assert_eq!(bytes, expected);
}

#[test]
fn a_failing_step_is_named_with_its_line_and_no_content() {
    let mut strict = route("all", "", &["board"]);
    strict.steps = vec![map(Miss::Error)];
    let plan = routes(vec![strict]).plan("adt", &message(), "board");
    let Plan::Failed { route: 0, error } = plan else {
        panic!("{plan:?}");
    };
    insta::assert_snapshot!(error, @r#"step "unit codes" (line 31) failed at PV1-3.1 (2 bytes, letters and digits)"#);
    insta::assert_snapshot!(error.kind, @"the value is not in table units");
}

#[test]
fn an_explanation_says_of_every_route_whether_it_was_asked_and_what_it_said() {
    let mut other = route("other feed", "", &["board"]);
    other.from = vec!["lab".to_owned()];
    let routes = routes(vec![
        other,
        route("males", "PID-8 = 'M' and PV1-2 = 'I'", &["board"]),
        route("females", "PID-8 = 'F'", &["archive"]),
        route("rest", "PID-8 = 'F'", &["rest"]),
    ]);
    let said: Vec<_> = routes.explain("adt", &message());
    let asked: Vec<_> = said
        .iter()
        .map(|d| (d.from_matches, d.asked, d.applies))
        .collect();
    let expected = [
        (false, false, false),
        (true, true, false),
        (true, true, true),
        (true, false, false),
    ];
    assert_eq!(asked, expected);
    let parts = &said[1].condition.as_ref().unwrap().parts;
    assert_eq!((parts[0].holds, parts[1].holds), (false, true));
    assert!(!format!("{said:?}").contains("Roe"));
}

#[test]
fn a_plan_does_not_print_content() {
    let routes = routes(vec![route("all", "", &["board"])]);
    let shown = format!("{:?}", routes.plan("adt", &message(), "board"));
    assert_eq!(
        shown,
        format!(
            "Deliver(route 0, {} bytes, changed: false)",
            ADMISSION.len()
        )
    );
}

#[test]
fn a_route_names_the_tables_and_templates_it_uses() {
    let mut all = route("all", "PV1-3.1 in table(wards)", &["board"]);
    let template = StepKind::Template {
        template: "note".to_owned(),
        to: crate::route::TemplateTarget::Message,
    };
    all.steps = vec![map(Miss::Keep), step(template)];
    assert_eq!(all.tables(), ["wards", "units"]);
    assert_eq!(all.templates(), ["note"]);
    let Plan::Failed { error, .. } = routes(vec![all]).plan("adt", &message(), "board") else {
        return;
    };
    assert!(matches!(error.kind, StepErrorKind::Template(_)));
}

#[test]
fn a_million_repetitions_cost_no_more_than_their_size() {
    let mut hostile = ADMISSION.to_vec();
    hostile.extend(b"ZZZ|");
    hostile.extend(std::iter::repeat_n(b'~', 1_000_000));
    let mut all = route("all", "ZZZ[*]-1[*].2 = 'x' or ZZZ-1 exists", &["board"]);
    all.steps = vec![
        step(StepKind::Default {
            path: path("ZZZ[*]-1[*]"),
            value: "x".to_owned(),
        }),
        step(StepKind::Upper {
            path: path("ZZZ-1"),
        }),
    ];
    let message = Message::parse(hostile).unwrap();
    let plan = routes(vec![all]).plan("adt", &message, "board");
    let Plan::Deliver { bytes, .. } = plan else {
        panic!("{plan:?}");
    };
    assert!(bytes.ends_with(b"~X~X~X"));
}

fn any_path() -> impl Strategy<Value = Path> {
    "(PID|OBX|ZZZ|MSH)(\\[(\\*|[1-3])\\])?-[3-9](\\[(\\*|[1-3])\\])?(\\.[1-3](\\.[1-3])?)?"
        .prop_map(|text| path(&text))
}

fn any_step() -> impl Strategy<Value = StepKind> {
    let texts = "[a|^~&\\\\\\r\\n\"é]{1,4}";
    (any_path(), any_path(), texts, 0..14_u8).prop_map(|(path, to, text, kind)| match kind {
        0 => StepKind::Copy { from: path, to },
        1 => StepKind::Default { path, value: text },
        2 => StepKind::Delete { path },
        3 => StepKind::Join {
            from: vec![path, to],
            with: text,
            to,
        },
        4 => StepKind::Lower { path },
        5 => StepKind::Map {
            path,
            table: "units".to_owned(),
            miss: Miss::Default(text),
        },
        6 => StepKind::Pad {
            path,
            width: 9,
            with: '|',
            side: Side::Left,
        },
        7 => StepKind::Replace {
            path,
            find: Find::Text(text),
            with: "~".to_owned(),
        },
        8 => StepKind::Split {
            path,
            at: text,
            to: vec![to, path],
        },
        9 => StepKind::Substr {
            path,
            start: 2,
            length: Some(1),
        },
        10 => StepKind::Repeat { path, value: text },
        11 => StepKind::Set {
            path,
            value: NewValue::Null,
        },
        12 => StepKind::Trim { path },
        _ => StepKind::Set {
            path,
            value: NewValue::Text(text),
        },
    })
}

proptest! {
    #[test]
    fn any_steps_on_any_message_end_and_leave_a_message(
        body in proptest::collection::vec("(PID|OBX|ZZZ|)[|^~&\\\\\"a-cé#\\x0B]{0,20}", 0..6),
        header in "MSH\\|\\^~?\\\\?&?#?\\|",
        kinds in proptest::collection::vec(any_step(), 0..6),
    ) {
        let raw = format!("{header}A\r{}", body.join("\r"));
        prop_assume!(Message::parse(raw.clone()).is_ok());
        let message = Message::parse(raw).unwrap();
        let steps: Vec<Step> = kinds
            .into_iter()
            .filter_map(|kind| Step::new("s", 1, None, kind).ok())
            .collect();
        let mut all = route("all", "", &["board"]);
        let untouched = steps.is_empty();
        all.steps = steps;
        match routes(vec![all]).plan("adt", &message, "board") {
            Plan::Deliver { bytes, changed, .. } => {
                prop_assert!(changed || bytes == *message.raw());
                prop_assert!(!(untouched && changed));
                let again = Message::parse(bytes).unwrap();
                let names = |m: &Message| -> Vec<_> {
                    crate::hl7::Segments::iter(m).map(|(_, s)| s.name()).collect()
                };
                prop_assert_eq!(names(&again), names(&message), "no step made a segment");
            }
            Plan::Failed { .. } => {}
            Plan::Filtered(reason) => prop_assert!(false, "{reason}"),
        }
    }
}

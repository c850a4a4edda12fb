//! What routing costs a message: a plan for a route of three comparisons on a 1 KB ADT, filtered, passed on and edited.

#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wardwire::condition::{Condition, Miss, Table};
use wardwire::hl7::Message;
use wardwire::route::{Route, Routes, Step, StepKind, Templates};

const HEADER: &str =
    "MSH|^~\\&|HIS|MAIN|WARDWIRE|MAIN|20250131120000||ADT^A01^ADT_A01|MSG00001|P|2.5.1\r";

fn admission() -> Message {
    let contact =
        "NK1|1|Roe^Max^^^Mr.|SPO^Spouse|12 Elm Street^^Springfield^IL^62701|(555)555-0101||EC\r";
    let raw = format!(
        "{HEADER}EVN|A01|20250131120000|||U1^Doe^Jane\r\
         PID|1||100007^^^MAIN^MR~T99^^^LAB^PI||Roe^Ann^B^^Mrs.||19500607|F||2106-3|1 Oak Street^^Springfield^IL^62701||\
         (555)555-0100|||M|NON|900001^^^MAIN^AN\r{contact}{contact}{contact}{contact}\
         PV1|1|I|4W^101^A^MAIN||||D1^Who^John^^^Dr.|||MED||||7|||D1^Who^John|INP|900001|||||||||||||||||||||||||20250131\r\
         PV2||2|^Chest pain|||||20250131|20250203\rAL1|1|DA|1545^Penicillin|SV|Rash\rDG1|1||I20.0^Unstable angina^I10|||A\r\
         GT1|1||Roe^Ann||1 Oak Street^^Springfield^IL^62701|(555)555-0100\rIN1|1|A1|I1|Good Health|PO Box 1^^Springfield^IL\r"
    );
    Message::parse(raw).expect("a message")
}

fn routes(when: &str, steps: Vec<Step>) -> Routes {
    let units = Table::from_csv(b"4W,WEST4\nICU,INT\n").expect("a table");
    let route = Route {
        name: "icu transfers".to_owned(),
        line: 1,
        from: vec!["adt".to_owned()],
        when: Some(Condition::parse(when).expect("a condition")),
        steps,
        to: vec!["board".to_owned()],
        also: false,
    };
    let tables = [("units".to_owned(), units)].into_iter().collect();
    Routes::new(vec![route], tables, Templates::new())
}

fn plans(c: &mut Criterion) {
    let message = admission();
    let holds = r#"MSH-9.2 in ("A01", "A02") and PV1-2 = "I" and PV1-3.1 in table(units)"#;
    let fails = r#"MSH-9.2 in ("A01", "A02") and PV1-2 = "I" and PV1-3.1 = "ICU""#;
    let map = StepKind::Map {
        path: "PV1-3.1".parse().expect("a path"),
        table: "units".to_owned(),
        miss: Miss::Keep,
    };
    let edit = vec![Step::new("unit codes", 1, None, map).expect("a step")];
    let mut group = c.benchmark_group("plan");
    group.throughput(Throughput::Bytes(message.raw().len() as u64));
    for (name, routes) in [
        ("filtered", routes(fails, Vec::new())),
        ("passed on", routes(holds, Vec::new())),
        ("edited", routes(holds, edit)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| routes.plan(black_box("adt"), black_box(&message), black_box("board")));
        });
    }
    group.finish();
    let condition = Condition::parse(holds).expect("a condition");
    let tables = routes(holds, Vec::new()).tables().clone();
    c.bench_function("condition", |b| {
        b.iter(|| condition.evaluate(black_box(&message), &tables));
    });
}

criterion_group!(benches, plans);
criterion_main!(benches);

//! Parsing and six reads, ours and hl7-parser's, in one run: `cargo bench --bench parse`.
#![expect(
    clippy::expect_used,
    reason = "a benchmark of something that fails has no result"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wardwire::hl7::{Message, Path, Segments};

const READS: [&str; 6] = [
    "MSH-9.1", "MSH-9.2", "MSH-10", "PID-3.1", "PID-5.1", "PV1-3.1",
];

/// An admission of about 1 KB, 10 segments.
fn admission() -> String {
    let mut text = String::from(
        "MSH|^~\\&|REG|MAIN|ENGINE|MAIN|20261122071459-0600||ADT^A01^ADT_A01|REG0000000001|P|2.5.1|||AL|NE||UNICODE UTF-8\r\
         EVN|A01|20261122071459-0600|||CLERK7^DOE^DANA^^^^^^MAIN\r\
         PID|1||1000017^^^MAIN^MR~987654321^^^GOV^SS||ROE^RICHARD^Q^JR^MR^^L||19700131|M||2106-3^White^CDCREC|12 MAIN ST^APT 4^SPRINGFIELD^IL^62701^USA^H||^PRN^PH^^1^217^5550123|^WPN^PH^^1^217^5550456|ENG|M|CHR|V20001^^^MAIN^VN|||||||0\r\
         PD1||||1234^WELBY^MARCUS^^^DR\r\
         NK1|1|ROE^RHONDA^^^MS|SPO^Spouse^HL70063|12 MAIN ST^APT 4^SPRINGFIELD^IL^62701|^PRN^PH^^1^217^5550124||EC\r\
         PV1|1|I|ICU^12^A^MAIN^^^^2|E|||4321^HOUSE^GREGORY^^^DR|5678^WILSON^JAMES^^^DR||MED||||7|||4321^HOUSE^GREGORY^^^DR|IN|V20001|COM||||||||||||||||||MAIN||A|||20261122070000-0600\r\
         PV2|||R07.9^Chest pain^I10\r\
         AL1|1|DA|7980^Penicillin^RXNORM|SV|Hives|20100101\r\
         DG1|1||R07.9^Chest pain, unspecified^I10||20261122|A\r",
    );
    text.push_str("IN1|1|PPO1|INS7|GOOD HEALTH INSURANCE^L|PO BOX 7^^SPRINGFIELD^IL^62702\r");
    text
}

/// A result of about 5 KB: 40 OBX.
fn result() -> String {
    let mut text = admission().replace("ADT^A01^ADT_A01", "ORU^R01^ORU_R01");
    let keep = text.find("PD1|").unwrap_or_default();
    text.truncate(keep);
    text.push_str("PV1|1|I|ICU^12^A^MAIN\rORC|RE|P100|F100\rOBR|1|P100|F100|24331-1^Panel^LN|||20261122060000-0600\r");
    for n in 1..=40 {
        let line = format!(
            "OBX|{n}|NM|{}-{}^Analyte number {n}^LN^GLU{n}^Local {n}^L||{}.{}|mg/dL^milligram per deciliter^UCUM|70-110|N|||F|||20261122063000-0600||TECH\r",
            2000 + n * 7,
            n % 10,
            80 + n,
            n % 10
        );
        text.push_str(&line);
    }
    text
}

fn parse(criterion: &mut Criterion) {
    let paths: Vec<Path> = READS.iter().filter_map(|path| path.parse().ok()).collect();
    for (name, text) in [("adt", admission()), ("oru", result())] {
        let mut group = criterion.benchmark_group(format!("{name}_{}_bytes", text.len()));
        group.throughput(Throughput::Bytes(text.len() as u64));
        let raw = Bytes::from(text.clone());
        group.bench_function("parse_and_six_reads", |bencher| {
            bencher.iter(|| {
                let message = Message::parse(raw.clone()).expect("a message");
                paths
                    .iter()
                    .map(|path| message.first(black_box(path)).map_or(0, <[u8]>::len))
                    .sum::<usize>()
            });
        });
        group.bench_function("parse_and_six_texts", |bencher| {
            bencher.iter(|| {
                let message = Message::parse(raw.clone()).expect("a message");
                paths
                    .iter()
                    .map(|path| message.text(black_box(path)).map_or(0, |text| text.len()))
                    .sum::<usize>()
            });
        });
        group.bench_function("hl7_parser", |bencher| {
            bencher.iter(|| {
                let message = hl7_parser::Message::parse(black_box(&text)).expect("a message");
                READS
                    .iter()
                    .filter_map(|path| message.query(path.replace('-', ".")))
                    .map(|found| found.raw_value().len())
                    .sum::<usize>()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);

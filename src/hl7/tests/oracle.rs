//! hl7-parser as an independent opinion, on what it reads rightly: CR, ASCII, four encoding characters, well-named
//! segments.

use hl7_parser::Message as Theirs;
use proptest::prelude::*;

use crate::hl7::{Message, Segments};

fn segment() -> impl Strategy<Value = String> {
    let name = "(PID|PV1|OBX|NTE|ZB1)";
    let value = "([a-zA-Z0-9 .-]{0,6}[|^~&]{0,3}){0,10}";
    (name, value).prop_map(|(name, value)| format!("{name}|{value}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn another_parser_finds_the_same_at_every_level(segments in prop::collection::vec(segment(), 1..8)) {
        let text = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\r{}", segments.join("\r"));
        let ours = Message::parse(text.clone()).unwrap();
        let theirs = Theirs::parse(&text).unwrap();
        prop_assert_eq!(ours.count(), theirs.segments().count());
        for ((_, ours), theirs) in ours.iter().zip(theirs.segments()).skip(1) {
            prop_assert_eq!(ours.name().unwrap().to_string(), theirs.name);
            prop_assert_eq!(ours.field_count(), theirs.fields().count());
            for (n, field) in theirs.fields().enumerate() {
                prop_assert_eq!(ours.field(n + 1).unwrap(), field.raw_value().as_bytes());
                let repetitions: Vec<_> = ours.repetitions(n + 1).collect();
                let expected: Vec<_> = field.repeats().map(|r| r.raw_value().as_bytes()).collect();
                // An empty field has one empty repetition for us and none for them.
                if !field.raw_value().is_empty() {
                    prop_assert_eq!(repetitions, expected);
                }
                for (r, repeat) in field.repeats().enumerate() {
                    for (c, component) in repeat.components().enumerate() {
                        for (s, subcomponent) in component.subcomponents().enumerate() {
                            let name = theirs.name;
                            let path = format!("{name}-{}[{}].{}.{}", n + 1, r + 1, c + 1, s + 1).parse().unwrap();
                            prop_assert_eq!(ours.read(&path).unwrap(), subcomponent.raw_value().as_bytes());
                        }
                    }
                }
            }
        }
    }
}

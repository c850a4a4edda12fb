//! Properties that hold for any input.

use bytes::Bytes;
use proptest::prelude::*;

use super::likely_message;
use crate::hl7::fuzz::{fuzz_message, fuzz_path};
use crate::hl7::{Delimiters, Draft, Message, Path, Segments, batch, escape};

fn delimiters() -> impl Strategy<Value = Delimiters> {
    let sets = [
        "|^~\\&", "|^~\\&#", "#@*!%", ":;.,-", "|^~", "|^", "!\"$%&'",
    ];
    prop::sample::select(sets.to_vec()).prop_map(|set| {
        let at = |n: usize| set.as_bytes().get(n).copied();
        Delimiters {
            field: at(0).unwrap(),
            component: at(1),
            repetition: at(2),
            escape: at(3),
            subcomponent: at(4),
            truncation: at(5),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_at_all_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_message(&data);
        fuzz_path(&data);
    }

    #[test]
    fn whatever_looks_like_a_message_is_kept_byte_for_byte_and_answered(data in likely_message()) {
        fuzz_message(&data);
    }

    #[test]
    fn any_text_is_a_path_or_an_error_with_its_place(text in "[A-Z]{0,3}[A-Z0-9\\[\\]*.ü-]{0,12}") {
        fuzz_path(text.as_bytes());
    }

    #[test]
    fn what_was_escaped_reads_back_the_same_and_separates_nothing(
        value in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'|'), Just(b'\r')], 0..60),
        delimiters in delimiters(),
    ) {
        let encoded = escape::encode(&value, &delimiters);
        let separates = |b: &u8| b.is_ascii_control() || (delimiters.contains(*b) && delimiters.escape != Some(*b));
        prop_assert!(!encoded.iter().any(separates));
        if delimiters.escape.is_some() {
            prop_assert_eq!(&*escape::decode(&encoded, &delimiters), &value[..]);
            prop_assert_eq!(escape::first_fault(&encoded, &delimiters), None);
        }
    }

    #[test]
    fn a_value_put_anywhere_is_read_there_and_changes_nothing_else(
        text in "[ -~\r\n\u{b}\u{1c}äß]{0,30}",
        field in 1..12_u16,
        repetition in 1..4_u32,
        component in 1..5_u16,
        subcomponent in prop::option::of(1..4_u16),
    ) {
        let raw = "MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rEVN|x\rPID|1||a^b&c~d|\\X0d\\|e\rPV1|1|I|\r";
        let message = Message::parse(raw).unwrap();
        let path: Path = match subcomponent {
            Some(s) => format!("PID-{field}[{repetition}].{component}.{s}"),
            None => format!("PID-{field}[{repetition}].{component}"),
        }.parse().unwrap();
        let mut draft = Draft::of(&message);
        draft.set_text(&path, &text).unwrap();
        prop_assert_eq!(draft.text(&path).unwrap(), text.as_str());
        let again = Message::parse(draft.write()).unwrap();
        prop_assert_eq!(again.count(), message.count());
        prop_assert_eq!(again.text(&path).unwrap(), text.as_str());
        for n in 1..=message.at(2).unwrap().field_count() {
            if n != usize::from(field) {
                prop_assert_eq!(again.at(2).unwrap().field(n), message.at(2).unwrap().field(n));
            }
        }
        for other in [0, 1, 3] {
            prop_assert_eq!(again.at(other).unwrap().bytes(), message.at(other).unwrap().bytes());
        }
        prop_assert_eq!(Draft::of(&again).write(), draft.write());
    }

    #[test]
    fn messages_put_one_behind_the_other_are_found_again(
        lines in prop::collection::vec("(PID|OBX|ZZZ|wrapped)[|^a-z]{0,20}", 0..5),
        count in 1..6_usize,
        end in prop::sample::select(vec!["\r", "\n", "\r\n"]),
    ) {
        let lines: String = lines.iter().flat_map(|line| [line, end]).collect();
        let one = format!("MSH|^~\\&|A||||2026||ADT^A01|1|P|2.5{end}{lines}");
        let found = batch::split(one.repeat(count).as_bytes());
        prop_assert_eq!(found.messages.len(), count);
        let all: Vec<usize> = found.messages.iter().map(ExactSizeIterator::len).collect();
        prop_assert_eq!(all, vec![one.len(); count]);
        prop_assert_eq!(found.findings, vec![]);
    }

    #[test]
    fn a_message_does_not_depend_on_the_buffer_it_came_in(data in likely_message(), before in 0..20_usize) {
        let buffer = Bytes::from([vec![b'?'; before], data.clone()].concat());
        let (a, b) = (Message::parse(buffer.slice(before..)), Message::parse(data));
        prop_assert_eq!(a.is_ok(), b.is_ok());
        if let (Ok(a), Ok(b)) = (a, b) {
            prop_assert_eq!(a.raw(), b.raw());
            prop_assert_eq!(a.warnings(), b.warnings());
        }
    }
}

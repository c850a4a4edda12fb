//! Conditions in users' words: what each word of the language promises, and what a faulty text is answered.

use proptest::prelude::*;

use super::{Condition, fuzz_condition};
use crate::condition::{Shape, Table, Tables};
use crate::hl7::Message;

const ADMISSION: &[u8] = b"MSH|^~\\&|HIS|MAIN|||20250131120000||ADT^A01^ADT_A01|4711|P|2.5\r\
    EVN|A01|20250131120000\r\
    PID|1||007^^^MAIN^MR~T99^^^LAB^PI||R\\T\\B^ANN|\"\"|19500607|F\r\
    PV1|1|I|4W^101^A|||||||||||||||||||||||||||||||||||||||||202501310830\r\
    OBX|1|NM|718-7^HB||5.0|g/dL|||H\r\
    OBX|2|ST|4544-3^HCT||high|||\r";

fn message() -> Message {
    Message::parse(ADMISSION).unwrap()
}

fn tables() -> Tables {
    let set = Table::from_csv(b"4W\nICU\n").unwrap();
    [("units".to_owned(), set)].into_iter().collect()
}

fn holds(text: &str) -> bool {
    Condition::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .evaluate(&message(), &tables())
}

fn all_hold(texts: &[&str]) {
    for text in texts {
        assert!(holds(text), "{text} should hold");
        let (path, negated) = (format!("not ({text})"), format!("not {text}"));
        assert!(!holds(&path), "{path} should not");
        if !text.contains(" and ") && !text.contains(" or ") {
            assert!(!holds(&negated), "{negated} should not");
        }
    }
}

#[test]
fn equals_compares_the_text_at_a_place() {
    all_hold(&[
        r#"MSH-9.2 = "A01""#,
        "MSH-9.2='A01'",
        r#"PID-3 = "007^^^MAIN^MR~T99^^^LAB^PI""#,
        r#"PV1-3 = "4W^101^A""#,
        r#"PID-5.1 = "R&B""#,
        r#"PID-8 != "M""#,
        "MSH-9.2 = EVN-1",
        "MSH-7 = EVN-2",
        r#"PID-3[2].1 = "T99""#,
        r#"OBX[2]-2 = "ST""#,
    ]);
}

#[test]
fn quoted_text_is_only_itself_and_a_bare_number_is_any_spelling_of_it() {
    all_hold(&[
        r#"PID-3.1 = "007""#,
        r#"not PID-3.1 = "7""#,
        "PID-3.1 = 7",
        "OBX-5 = 5",
        "OBX-5 = +5.00",
        "OBX[2]-5 != 5",
    ]);
}

#[test]
fn order_is_by_number_by_time_or_by_text() {
    all_hold(&[
        "OBX-5 > 4.5",
        "OBX-5 < 10",
        r#"OBX-5 < "10""#,
        r#"PID-7 < "1951""#,
        r#"PID-7 < "195007""#,
        r#"MSH-7 > "2024""#,
        r#"PV1-44 <= "20250131""#,
        r#"PV1-44 >= "20250131""#,
        "PV1-44 < MSH-7",
        "MSH-7 >= EVN-2",
        r#"PID-8 < "M""#,
    ]);
}

#[test]
fn in_asks_a_list_or_a_table() {
    all_hold(&[
        r#"MSH-9.2 in ("A01", "A02")"#,
        r#"MSH-9.2 in("A01")"#,
        r#"PV1-2 not in ("O", 'E')"#,
        "PID-3.1 in (6, 7)",
        "PV1-3.1 in table(units)",
        "PV1-3.2 not in table(units)",
        "PV1-3.1 not in table(nowhere)",
    ]);
}

#[test]
fn matches_finds_a_regular_expression_in_the_text() {
    all_hold(&[
        r#"PID-3.1 matches "^\d+$""#,
        r#"PID-3.1 not matches "^T""#,
        "OBX[*]-3.1 matches '^(4544|1)-'",
        r#"PID-5.1 matches "^R&B$""#,
    ]);
}

#[test]
fn absent_empty_and_the_delete_indicator_are_told_apart() {
    all_hold(&[
        "PID-8 exists",
        "PID-6 exists and PID-6 null",
        "PID-9 empty",
        "PID-2 empty and PID-2 not exists",
        "ZPI empty and ZPI-1 empty",
        "EVN exists",
        "PID-6 not empty",
        "PID-8 not null and PID-9 not null",
    ]);
}

#[test]
fn what_is_not_populated_satisfies_no_comparison() {
    all_hold(&[
        r#"PID-9 != "X""#,
        r#"PID-6 != "X""#,
        r#"PID-9 not in ("X")"#,
        "PID-9 != PID-10",
        r#"not PID-9 < "5" and not PID-9 >= "5""#,
        r#"PID-9 not matches "^$""#,
    ]);
    assert!(holds("PID-6 not matches '\"'"));
}

#[test]
fn with_a_star_one_value_is_enough_and_negations_need_all() {
    all_hold(&[
        r#"OBX[*]-5 = "high""#,
        "OBX[*]-5 > 4",
        r#"PID-3[*].5 = "PI""#,
        "OBX[*]-8 exists or OBX[*]-9 exists",
        r#"OBX[*]-2 not in ("ED", "RP")"#,
        "NTE[*]-3 empty",
    ]);
    assert!(!holds(r#"OBX[*]-5 != "high""#), "one is");
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    all_hold(&[
        r#"PID-8 = "F" or PID-8 = "M" and PID-8 = "X""#,
        r#"not PID-8 = "M" and PID-8 = "F""#,
        r#"(PID-8 = "M" or PID-8 = "F") and PV1-2 = "I""#,
        r#"not (PID-8 = "M" or not PV1-2 = "I")"#,
    ]);
}

#[test]
fn text_is_compared_in_the_senders_character_set() {
    let raw = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5||||||8859/1\rPID|||||M\xFCller^J\\XF6\\rg\r";
    let message = Message::parse(&raw[..]).unwrap();
    let condition = Condition::parse(r#"PID-5.1 = "Müller" and PID-5.2 = "Jörg""#).unwrap();
    assert!(condition.evaluate(&message, &Tables::default()));
}

#[test]
fn a_place_is_counted_in_characters() {
    let error = Condition::parse("PID-5.1 = 'Müller' und").map(|_| ());
    assert_eq!(error.unwrap_err().offset, 19);
}

#[test]
fn a_condition_names_its_tables_and_paths() {
    let text = "PV1-3.1 in table(units) or PV1-6.1 in table( wards ) and PID-8 = PID-9";
    let condition = Condition::parse(text).unwrap();
    assert_eq!(condition.tables(), [("units", 17), ("wards", 45)]);
    let paths: Vec<String> = condition.paths().iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["PV1-3.1", "PV1-6.1", "PID-8", "PID-9"]);
}

#[test]
fn an_explanation_shows_every_part_and_no_content() {
    let condition = Condition::parse(r#"MSH-9.2 = "A02" or (PID-5.1 exists and PID-6 != "X")"#);
    let explained = condition.unwrap().explain(&message(), &tables());
    assert!(explained.holds);
    let [first, second] = &explained.parts[..] else {
        panic!("two parts");
    };
    assert_eq!(
        (first.text.as_str(), first.holds),
        (r#"MSH-9.2 = "A02""#, false)
    );
    assert_eq!((second.offset, second.holds), (20, true));
    let [exists, differs] = &second.parts[..] else {
        panic!("two parts");
    };
    assert_eq!(exists.text, "PID-5.1 exists");
    assert_eq!(differs.text, r#"PID-6 != "X""#);
    assert_eq!(differs.shape, Some(Shape::DeleteIndicator));
    let all = format!("{explained:?}");
    assert!(!all.contains("R&B") && !all.contains("R\\\\T"), "{all}");
}

#[test]
fn asking_plain_values_allocates_nothing() {
    let text = "MSH-9.2 in ('A01', 'A02') and PV1-3.1 in table(units) and OBX[*]-5 > 4 and PID-7 < '1951' and ZPI empty";
    let (condition, message, tables) = (Condition::parse(text).unwrap(), message(), tables());
    let cost = allocation_counter::measure(|| assert!(condition.evaluate(&message, &tables)));
    assert_eq!(cost.count_total, 0);
}

const WORDS: [&str; 30] = [
    "PID-3",
    "OBX[*]-5",
    "PID-3[*].1",
    "ZPI",
    "MSH-2",
    "=",
    "!=",
    "<",
    ">=",
    "in",
    "matches",
    "exists",
    "empty",
    "null",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "table(",
    "units",
    "\"A\"",
    "'['",
    "\"",
    "5.0",
    "-",
    "é",
    "~",
    "\u{0}",
];

proptest! {
    #[test]
    fn no_text_can_make_reading_or_asking_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        fuzz_condition(&bytes);
    }

    #[test]
    fn no_heap_of_words_can_either(words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..14)) {
        fuzz_condition(words.join(" ").as_bytes());
    }
}

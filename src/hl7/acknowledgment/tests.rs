//! Who gets which acknowledgment, and its bytes.

use super::*;
use jiff::Zoned;

fn message(text: impl Into<String>) -> Message {
    Message::parse(text.into()).unwrap()
}

fn at() -> Zoned {
    "2026-11-22T07:14:59-06:00[-06:00]".parse().unwrap()
}

fn answered(message: &Message, code: Code, faults: &[Fault]) -> String {
    let at = at();
    let text = faults.first().map_or("", |fault| fault.text);
    let reply = Reply {
        code,
        text,
        faults,
        control_id: "OWN1",
        at: &at,
    };
    let bytes = build(message, &reply);
    bytes.iter().map(|&b| char::from(b)).collect()
}

fn version(version: &str) -> Message {
    message(format!(
        "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|7|P|{version}\r"
    ))
}

/// What C7.1 and C7.2 say, written as a reader would: one row a pair, columns accept, error, reject;
/// `-` for no acknowledgment.
const AUTO: &[(&str, &str, [&str; 3])] = &[
    ("", "", ["- AA", "- AE", "- AR"]),
    ("", "AL", ["- AA", "- AE", "- AR"]),
    ("", "NE", ["- -", "- -", "- -"]),
    ("", "ER", ["- -", "- AE", "- AR"]),
    ("", "SU", ["- AA", "- -", "- -"]),
    ("AL", "", ["CA AA", "CE AE", "CR AR"]),
    ("AL", "AL", ["CA AA", "CE AE", "CR AR"]),
    ("AL", "NE", ["CA -", "CE -", "CR -"]),
    ("AL", "ER", ["CA -", "CE AE", "CR AR"]),
    ("AL", "SU", ["CA AA", "CE -", "CR -"]),
    ("NE", "", ["- AA", "- AE", "- AR"]),
    ("NE", "AL", ["- AA", "- AE", "- AR"]),
    ("NE", "NE", ["- -", "- -", "- -"]),
    ("NE", "ER", ["- -", "- AE", "- AR"]),
    ("NE", "SU", ["- AA", "- -", "- -"]),
    ("ER", "", ["- AA", "CE AE", "CR AR"]),
    ("ER", "AL", ["- AA", "CE AE", "CR AR"]),
    ("ER", "NE", ["- -", "CE -", "CR -"]),
    ("ER", "ER", ["- -", "CE AE", "CR AR"]),
    ("ER", "SU", ["- AA", "CE -", "CR -"]),
    ("SU", "", ["CA AA", "- AE", "- AR"]),
    ("SU", "AL", ["CA AA", "- AE", "- AR"]),
    ("SU", "NE", ["CA -", "- -", "- -"]),
    ("SU", "ER", ["CA -", "- AE", "- AR"]),
    ("SU", "SU", ["CA AA", "- -", "- -"]),
];

fn due(msh15: &str, msh16: &str, mode: Mode) -> [String; 3] {
    [Outcome::Accept, Outcome::Error, Outcome::Reject].map(|outcome| {
        let requested = requested(msh15.as_bytes(), msh16.as_bytes(), mode, outcome);
        assert!(!requested.unknown);
        let show = |code: Option<Code>| code.map_or("-", Code::as_str);
        format!("{} {}", show(requested.accept), show(requested.application))
    })
}

#[test]
fn every_pair_of_msh_15_and_16_gets_exactly_the_acknowledgments_it_asks_for() {
    assert_eq!(AUTO.len(), 25);
    for (msh15, msh16, expected) in AUTO {
        assert_eq!(
            due(msh15, msh16, Mode::Auto),
            *expected,
            "MSH-15 {msh15:?}, MSH-16 {msh16:?}"
        );
        assert_eq!(due(msh15, msh16, Mode::Original), ["- AA", "- AE", "- AR"]);
        assert_eq!(due(msh15, msh16, Mode::None), ["- -", "- -", "- -"]);
    }
}

#[test]
fn commit_only_gives_the_commit_half_and_always_one_where_nothing_is_said() {
    for (msh15, msh16, _) in AUTO {
        let expected = match *msh15 {
            "" | "AL" => ["CA -", "CE -", "CR -"],
            "NE" => ["- -", "- -", "- -"],
            "ER" => ["- -", "CE -", "CR -"],
            _ => ["CA -", "- -", "- -"],
        };
        assert_eq!(due(msh15, msh16, Mode::CommitOnly), expected);
    }
}

#[test]
fn enhanced_gives_a_commit_acknowledgment_to_one_that_asks_for_nothing() {
    assert_eq!(due("", "", Mode::Enhanced), ["CA -", "CE -", "CR -"]);
    for (msh15, msh16, expected) in AUTO.iter().skip(1) {
        assert_eq!(due(msh15, msh16, Mode::Enhanced), *expected);
    }
}

#[test]
fn a_value_that_table_0155_lacks_counts_as_empty_and_is_reported() {
    let of = |a: &[u8], b: &[u8]| requested(a, b, Mode::Auto, Outcome::Accept);
    let original = Requested {
        accept: None,
        application: Some(Code::ApplicationAccept),
        unknown: true,
    };
    assert_eq!(of(b"YES", b""), original);
    assert_eq!(of(b"YES", b"AL"), original);
    assert_eq!(of(b"al", b"x"), original);
    let half = of(b"AL", b"??");
    assert_eq!(
        (half.accept, half.application),
        (Some(Code::CommitAccept), Some(Code::ApplicationAccept))
    );
    assert!(
        !of(b"AL ", b"\"\"").unknown,
        "blanks around it and the delete indicator are no fault"
    );
}

#[test]
fn whole_fields_change_places_and_the_control_id_comes_back() {
    let message = message(
        "MSH|^~\\&|A^1.2.3^ISO|B^x&y|C~c|D|20260101||ADT^A01^ADT_A01|7 ^a\\F\\b^|T^A|2.5.1^USA|||AL|NE\r",
    );
    assert_eq!(
        answered(&message, Code::CommitAccept, &[]),
        "MSH|^~\\&|C~c|D|A^1.2.3^ISO|B^x&y|20261122071459-0600||ACK^A01^ACK|OWN1|T^A|2.5.1^USA\r\
         MSA|CA|7 ^a\\F\\b^\r"
    );
}

#[test]
fn msh_9_is_ack_alone_up_to_2_3_1_and_names_event_and_structure_from_2_4() {
    for (of, kind) in [
        ("2.1", "ACK"),
        ("2.2", "ACK"),
        ("2.3", "ACK"),
        ("2.3.1", "ACK"),
        ("2.4", "ACK^A01^ACK"),
        ("2.5.1", "ACK^A01^ACK"),
        ("2.10", "ACK^A01^ACK"),
        ("9.9", "ACK^A01^ACK"),
        ("", "ACK^A01^ACK"),
        ("junk", "ACK^A01^ACK"),
    ] {
        let bytes = answered(&version(of), Code::ApplicationAccept, &[]);
        assert_eq!(bytes.split('|').nth(8), Some(kind), "{of}");
    }
    let bare = message("MSH|^~\\&|A||||1||ACK|7|P|2.5\r");
    assert_eq!(
        answered(&bare, Code::ApplicationAccept, &[])
            .split('|')
            .nth(8),
        Some("ACK")
    );
}

#[test]
fn the_senders_delimiters_hold_and_segments_end_in_cr() {
    let odd = message("MSH#@*!%#A@1#B#C#D#20260101##ADT@A01#7|^#P#2.5\n");
    assert_eq!(
        answered(&odd, Code::ApplicationAccept, &[]),
        "MSH#@*!%#C#D#A@1#B#20261122071459-0600##ACK@A01@ACK#OWN1#P#2.5\rMSA#AA#7|^\r"
    );
    let seven = message("MSH|^~\\&#|A|B|C|D|20260101||ADT^A01|7|P|2.7\r\n");
    assert!(answered(&seven, Code::ApplicationAccept, &[]).starts_with("MSH|^~\\&#|C|D|A|B|"));
}

#[test]
fn the_character_set_is_echoed_and_bytes_of_the_sender_are_not_touched() {
    let raw = b"MSH|^~\\&|Gr\xFCn|B|C|D|1||ADT^A01|7\x8B|P|2.5|||AL|AL||8859/1~x\r";
    let message = Message::parse(&raw[..]).unwrap();
    let bytes = answered(&message, Code::ApplicationAccept, &[]);
    assert!(bytes.contains("|C|D|Gr\u{FC}n|B|"), "{bytes}");
    assert!(
        bytes.ends_with("|P|2.5||||||8859/1~x\rMSA|AA|7\u{8B}\r"),
        "no MSH-15 and 16: {bytes}"
    );
    let nonsense = self::message("MSH|^~\\&|A||||1||ADT^A01|7|P|2.5||||||KLINGON\r");
    assert!(answered(&nonsense, Code::ApplicationAccept, &[]).contains("||||||KLINGON\r"));
    let wide = self::message("MSH|^~\\&|A||||1||ADT^A01|7|P|2.5||||||UNICODE UTF-16\r");
    assert!(!answered(&wide, Code::ApplicationAccept, &[]).contains("UTF-16"));
}

#[test]
fn from_2_5_each_fault_is_an_err_segment_of_its_own() {
    let faults = [
        Fault::from(Refusal::MessageType),
        Fault::from(Refusal::Storage),
    ];
    let bytes = answered(&version("2.5.1"), Code::ApplicationReject, &faults);
    let (_, rest) = bytes.split_once('\r').unwrap();
    assert_eq!(
        rest,
        "MSA|AR|7|message type not accepted here\r\
         ERR||MSH^1^9^1^1|200^Unsupported message type^HL70357^^^^^^message type not accepted here|E\r\
         ERR|||207^Application internal error^HL70357^^^^^^message could not be stored|E\r"
    );
}

#[test]
fn before_2_5_the_faults_are_repetitions_of_err_1() {
    let faults = [
        Fault::from(Refusal::TriggerEvent),
        Fault {
            path: Some("OBX[3]-5[2].1".parse().unwrap()),
            ..Fault::from(Refusal::TableValue)
        },
    ];
    for of in ["2.2", "2.3.1", "2.4"] {
        let bytes = answered(&version(of), Code::ApplicationReject, &faults);
        assert!(
            bytes.ends_with(
                "ERR|MSH^^9^201&Unsupported event code&HL70357&&trigger event not accepted here\
             ~OBX^3^5^103&Table value not found&HL70357&&a code is not in its table\r"
            ),
            "{bytes}"
        );
    }
    let later = answered(&version("2.5"), Code::ApplicationError, &faults[1..]);
    assert!(later.contains("ERR||OBX^3^5^2^1|103^"), "{later}");
}

#[test]
fn faults_are_said_even_where_few_separators_are_declared() {
    let bare = message("MSH|^|A|B|C|D|1||ADT^A01|7|P|2.3\r");
    let faults = [
        Fault::from(Refusal::Version),
        Fault::from(Refusal::Internal),
    ];
    let bytes = answered(&bare, Code::ApplicationReject, &faults);
    assert!(bytes.ends_with("ERR|MSH^^12^203\r"), "{bytes}");
}

#[test]
fn every_refusal_has_its_row_in_the_table() {
    use Refusal as R;
    for (refusal, code, condition) in [
        (R::MessageType, "AR", "200"),
        (R::TriggerEvent, "AR", "201"),
        (R::ProcessingId, "AR", "202"),
        (R::Version, "AR", "203"),
        (R::CharacterSet, "AR", "103"),
        (R::Filtered, "AR", "207"),
        (R::Unreadable, "AR", "100"),
        (R::SegmentSequence, "AE", "100"),
        (R::RequiredField, "AE", "101"),
        (R::NoControlId, "AE", "101"),
        (R::DataType, "AE", "102"),
        (R::TableValue, "AE", "103"),
        (R::UnknownKey, "AE", "204"),
        (R::DuplicateKey, "AE", "205"),
        (R::Locked, "AE", "206"),
        (R::Truncated, "AE", "207"),
        (R::Storage, "AE", "207"),
        (R::DiskFloor, "AE", "207"),
        (R::QueueFull, "AE", "207"),
        (R::Internal, "AE", "207"),
    ] {
        assert_eq!(
            Code::application(refusal.outcome()).as_str(),
            code,
            "{refusal:?}"
        );
        assert_eq!(refusal.condition().code(), condition, "{refusal:?}");
        assert!(refusal.text().len() <= 80, "MSA-3 has 80 characters");
    }
    assert_eq!(Condition::Accepted.code(), "0");
}

#[test]
fn an_empty_control_id_is_refused_in_its_place_with_an_empty_msa_2() {
    let message = message("MSH|^~\\&|A|B|C|D|1||ADT^A01||P|2.5\r");
    let bytes = answered(
        &message,
        Code::ApplicationError,
        &[Refusal::NoControlId.into()],
    );
    assert!(
        bytes.contains("\rMSA|AE||message control ID is empty\rERR||MSH^1^10^1|101^"),
        "{bytes}"
    );
}

fn unreadable(input: &[u8]) -> String {
    String::from_utf8(
        build_unreadable(input, "ENGINE", Code::ApplicationReject, "OWN1", &at()).to_vec(),
    )
    .unwrap()
}

#[test]
fn without_a_readable_msh_the_answer_is_a_rejection_with_the_control_id_if_one_is_found() {
    let head = "MSH|^~\\&|ENGINE||||20261122071459-0600||ACK|OWN1|P|2.5.1\r";
    for (input, id) in [
        ("MSH|^^\\&|A|B|C|D|1||ADT^A01|77^x|P|2.5\r", "77^x"),
        ("junk\rMSH#@@!%#A#B#C#D#1##ADT@A01#88#P\r", "88"),
        ("PID|1||7\r", ""),
        ("MSH", ""),
        ("MSH|^^\\&|A\rPID|2|3|4|5|6|7|8|9|10\r", ""),
        ("MSH#@@!%#A#B#C#D#1##ADT@A01#8|9#P\r", ""),
        ("MSH|^^|3|4|5|6|7|8|9|\u{1c}|", ""),
        ("", ""),
    ] {
        let msa = if id.is_empty() {
            "MSA|AR\r".into()
        } else {
            format!("MSA|AR|{id}\r")
        };
        assert_eq!(
            unreadable(input.as_bytes()),
            format!("{head}{msa}"),
            "{input:?}"
        );
    }
    let long = format!("MSH|^^|3|4|5|6|7|8|9|{}|", "9".repeat(200));
    assert!(unreadable(long.as_bytes()).ends_with("MSA|AR\r"));
}

#[test]
fn what_we_answer_is_itself_recognised_and_read() {
    let request = version("2.5.1");
    let bytes = answered(
        &request,
        Code::ApplicationReject,
        &[Refusal::Version.into()],
    );
    let reply = message(bytes);
    assert!(is_acknowledgment(&reply) && !is_acknowledgment(&request));
    let answer = Answer::of(&reply).unwrap();
    assert_eq!(
        (answer.code, answer.control_id),
        (Some(Code::ApplicationReject), &b"7"[..])
    );
    assert!(Answer::of(&request).is_none());
    assert_eq!(reply.header().accept_acknowledgment_type(), b"");
}

#[test]
fn a_reply_is_known_by_its_msa_or_by_its_message_code() {
    for text in [
        "MSH|^~\\&|A||||1||ACK^A01|7|P|2.5\r",
        "MSH|^~\\&|A||||1||ADR^A19|7|P|2.3\rSFT|x\rMSA|AA|1\r",
        "MSH|^~\\&|A||||1||ACK|7|P|2.5\rMSA|XX|1\r",
    ] {
        assert!(is_acknowledgment(&message(text)));
    }
    let odd = message("MSH|^~\\&|A||||1||ACK|7|P|2.5\rMSA|XX|1\r");
    assert_eq!(Answer::of(&odd).unwrap().code, None);
}

//! What a message may hold: line ends, segments and fields nobody knows, letters of other alphabets, batches.

use crate::certify::answer::{Answer, Rank};
use crate::certify::case::{Case, Group};
use crate::certify::specimen::{Kit, Specimen};
use crate::certify::step::Step;

const IGNORED: &str = "HL7 v2.9.1 §2.5.2 a): what a receiver does not expect it ignores";
const SEGMENTS: &str = "HL7 v2.9.1 §2.4: each segment ends in a carriage return";
const CHARSET: &str = "HL7 v2.9.1 §2.13.9.18: MSH-18, table 0211";

const GROUP: Group = Group::Content;

pub(super) const CASES: &[Case] = &[
    GROUP.case(
        "line-feeds",
        "segments that end in line feeds are answered",
        SEGMENTS,
        "accepted; a refusal is put up with, silence is not",
        |kit| {
            line_ends(
                kit,
                b"\n",
                "the receiver wants carriage returns between segments",
            )
        },
    ),
    GROUP.case(
        "cr-lf",
        "segments that end in CR LF are answered",
        SEGMENTS,
        "accepted; a refusal is put up with, silence is not",
        |kit| {
            line_ends(
                kit,
                b"\r\n",
                "the receiver wants carriage returns alone between segments",
            )
        },
    ),
    GROUP.case(
        "line-feed-in-value",
        "a line feed inside a value does not break the message",
        SEGMENTS,
        "accepted; a refusal is put up with",
        |kit| {
            with_note(
                kit,
                b"FIRST\nSECOND",
                Some("the receiver refuses a line feed in a value"),
            )
        },
    ),
    GROUP.case(
        "last-segment-open",
        "a last segment without its carriage return is taken",
        SEGMENTS,
        "accepted; a refusal is put up with",
        |kit| {
            let message = kit
                .message()
                .changed(|body| body.strip_suffix(b"\r").unwrap_or(body).to_vec());
            let why = "the receiver wants a carriage return behind the last segment";
            exchange(&message, Some(why))
        },
    ),
    GROUP.case(
        "z-segment",
        "a Z segment is ignored by who does not know it",
        IGNORED,
        "accepted",
        |kit| {
            let message = kit.with_segments(&[b"ZWW|1|LOCAL^VALUE|2"]);
            exchange(&message, None)
        },
    ),
    GROUP.case(
        "unknown-segment",
        "a segment that no version has is ignored",
        IGNORED,
        "accepted; a refusal is put up with where the receiver checks structures",
        |kit| {
            let message = kit.with_segments(&[b"QXQ|1|NOBODY^KNOWS|2"]);
            exchange(
                &message,
                Some("the receiver refuses a segment that it does not know"),
            )
        },
    ),
    GROUP.case(
        "more-fields",
        "fields beyond those of its version are ignored",
        IGNORED,
        "accepted; a refusal is put up with where the receiver checks fields",
        |kit| {
            let more = [&b"NTE|1||TEXT"[..], &b"|".repeat(60), b"BEYOND"].concat();
            let message = kit.with_segments(&[&more]);
            exchange(
                &message,
                Some("the receiver refuses a field that it does not know"),
            )
        },
    ),
    GROUP.case(
        "more-components",
        "components beyond those of a data type are ignored",
        IGNORED,
        "accepted; a refusal is put up with where the receiver checks data types",
        |kit| {
            with_note(
                kit,
                b"A^B^C&D&E^^^^^^^^^^^^^^^^^^^^Z",
                Some("the receiver refuses a component that it does not know"),
            )
        },
    ),
    GROUP.case(
        "empty-fields",
        "empty fields at the end of a segment say nothing",
        IGNORED,
        "accepted",
        |kit| {
            let message = kit.with_segments(&[b"NTE|1||TEXT|||||"]);
            exchange(&message, None)
        },
    ),
    GROUP.case(
        "delete-indicator",
        "the delete indicator is a value",
        "HL7 v2.9.1 §2.4.3.1: two double quotes",
        "accepted",
        |kit| with_note(kit, b"\"\"", None),
    ),
    GROUP.case(
        "escapes",
        "escape sequences are data, also those that are none",
        "HL7 v2.9.1 §2.6: escape sequences",
        "accepted; a refusal is put up with for the unfinished one",
        |kit| {
            let mut steps = with_note(
                kit,
                b"\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\.br\\ \\H\\X\\N\\ \\X0D0A\\",
                None,
            );
            steps.extend(with_note(
                kit,
                b"C:\\TEMP",
                Some("the receiver refuses an unfinished escape sequence"),
            ));
            steps
        },
    ),
    GROUP.case(
        "letters-8859-1",
        "letters of ISO 8859-1 are taken",
        CHARSET,
        "accepted; a refusal of the character set is put up with",
        |kit| letters(kit, b"8859/1", b"M\xFCller"),
    ),
    GROUP.case(
        "letters-8859-2",
        "letters of ISO 8859-2 are taken",
        CHARSET,
        "accepted; a refusal of the character set is put up with",
        |kit| letters(kit, b"8859/2", b"\xE8erven\xFD"),
    ),
    GROUP.case(
        "letters-utf-8",
        "letters of UTF-8 are taken",
        CHARSET,
        "accepted; a refusal of the character set is put up with",
        |kit| letters(kit, b"UNICODE UTF-8", "Žluťoučký κόσμος 病院".as_bytes()),
    ),
    GROUP.case(
        "letters-1250",
        "a name of a character set that the table lacks and senders use does not cost the answer",
        CHARSET,
        "accepted; a refusal is put up with",
        |kit| letters(kit, b"WINDOWS-1250", b"\x8Eluna"),
    ),
    GROUP.case(
        "letters-unknown",
        "a character set that does not exist does not cost the answer",
        CHARSET,
        "accepted or refused; silence is not",
        |kit| letters(kit, b"KLINGON", b"Muller"),
    ),
    GROUP.case(
        "letters-undeclared",
        "letters beyond ASCII without a character set do not cost the answer",
        CHARSET,
        "accepted; a refusal is put up with",
        |kit| {
            with_note(
                kit,
                b"M\xFCller",
                Some("the receiver refuses letters beyond ASCII without MSH-18"),
            )
        },
    ),
    GROUP.case(
        "byte-order-mark",
        "a byte order mark before MSH does not cost the answer",
        "MLLP Release 1: the data begin behind the start block",
        "accepted; a refusal is put up with",
        |kit| {
            let message = kit
                .message()
                .changed(|body| [b"\xEF\xBB\xBF", body].concat());
            let refused = "the receiver refuses a byte order mark before MSH";
            let marker = kit.message();
            let answer = Answer::rather_accepted(&message, refused);
            vec![Step::send(&message), Step::Odd { answer, marker }]
        },
    ),
    GROUP.case(
        "zero-byte",
        "a zero byte inside a value does no harm",
        "MLLP Release 1: of the bytes below 20 only the carriage return is data",
        "an answer, positive or negative, or a closed connection; the next message is taken",
        |kit| {
            let message = kit.with_segments(&[b"NTE|1||ZERO\0BYTE"]);
            let marker = kit.message();
            let answer = Answer::accepted(&message)
                .negative(Rank::Pass)
                .closed(Rank::Tolerated("the receiver closes the connection"));
            vec![Step::send(&message), Step::Odd { answer, marker }]
        },
    ),
    GROUP.case(
        "batch",
        "a batch of three messages in one frame is answered",
        "HL7 v2.9.1 §2.10.3: FHS, BHS, messages, BTS, FTS",
        "an answer to each message, or one to the batch; a refusal, or none, is put up with: not every receiver takes batches",
        batch,
    ),
];

/// A message must be accepted, or, with a reason, rather than refused.
fn exchange(message: &Specimen, refusable: Option<&'static str>) -> Vec<Step> {
    let answer = match refusable {
        Some(why) => Answer::rather_accepted(message, why),
        None => Answer::accepted(message),
    };
    vec![Step::send(message), Step::Answer(answer)]
}

fn line_ends(kit: &mut Kit, end: &[u8], why: &'static str) -> Vec<Step> {
    let message = kit.message().changed(|body| {
        let lines: Vec<&[u8]> = body.split(|&byte| byte == b'\r').collect();
        lines.join(end)
    });
    let marker = kit.message();
    // A receiver that reads it as one segment may find the control ID all the same, and much else.
    let answer = Answer::rather_accepted(&message, why);
    vec![Step::send(&message), Step::Odd { answer, marker }]
}

/// A message with a note that says this.
fn with_note(kit: &mut Kit, text: &[u8], refusable: Option<&'static str>) -> Vec<Step> {
    let message = kit.with_segments(&[&[b"NTE|1||", text].concat()]);
    exchange(&message, refusable)
}

fn letters(kit: &mut Kit, charset: &[u8], name: &[u8]) -> Vec<Step> {
    let message = kit.with_both(&[(18, charset)], &[&[b"NTE|1||", name].concat()]);
    exchange(&message, Some("the receiver refuses this character set"))
}

fn batch(kit: &mut Kit) -> Vec<Step> {
    let messages = [kit.message(), kit.message(), kit.message()];
    let id = kit.message().id;
    let head = kit.in_its_delimiters(
        b"FHS|^~\\&|CERTIFY|WARDWIRE\rBHS|^~\\&|CERTIFY|WARDWIRE|||20260102030405||||",
    );
    let tail = kit.in_its_delimiters(b"BTS|3\rFTS|1\r");
    let mut body = [&head[..], &id, b"\r"].concat();
    for message in &messages {
        body.extend_from_slice(&message.body);
    }
    body.extend_from_slice(&tail);
    let batch = Specimen::by_hand(&id, body);
    let marker = kit.message();
    let unknown = Rank::Tolerated("the receiver takes no batches");
    let answer = Answer::never_positive(&batch, Rank::Pass)
        .negative(unknown)
        .silent(unknown)
        .closed(unknown)
        .most(3);
    vec![Step::send(&batch), Step::Odd { answer, marker }]
}

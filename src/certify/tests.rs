//! Tests of the cases themselves: what is sent is what they say, fresh each time, and bounded.

use std::collections::BTreeSet;
use std::time::Duration;

use super::answer::Answer;
use super::outcome::{Finding, Verdict};
use super::specimen::{Kit, KitError};
use super::step::Step;
use super::transcript::{Direction, Event, Transcript};
use super::{Needs, all, find};
use crate::clock::Clock;
use crate::hl7::{Message, Segments};

fn kit() -> Kit {
    Kit::synthetic(Clock::system())
}

const CUSTOM: &str = "MSH#@*!%#A@1#B#C#D#2026##ADT@A08@ADT_A01#1#P#2.4###AL#NE\nPID#1##7|8@x\n";

fn custom() -> Kit {
    Kit::of(&Message::parse(CUSTOM).unwrap(), Clock::system()).unwrap()
}

#[test]
fn every_case_has_a_name_and_a_number_of_its_own() {
    let names: BTreeSet<&str> = all().map(|case| case.id).collect();
    assert!(names.len() >= 40 && names.len() == all().count());
    for (index, case) in all().enumerate() {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(
            case.id.len() <= 24 && case.id.chars().all(fine),
            "{}",
            case.id
        );
        assert_eq!(find(case.id).unwrap().id, case.id);
        assert_eq!(find(&(index + 1).to_string()).unwrap().id, case.id);
    }
    assert_eq!(all().next().unwrap().id, "plain");
    assert!(find("0").is_none() && find("no such case").is_none());
}

#[test]
fn cases_of_a_group_stand_together() {
    let mut groups: Vec<_> = all().map(|case| case.group).collect();
    groups.dedup();
    let distinct: BTreeSet<_> = groups.iter().copied().collect();
    assert_eq!(groups.len(), distinct.len());
}

/// The bounds that `--help` states.
#[test]
fn a_run_is_bounded_as_its_help_says() {
    let mut kit = kit();
    let (mut bytes, mut connections, mut slow_bytes) = (0, 0, 0);
    for case in all() {
        let steps = (case.steps)(&mut kit);
        let pauses: Duration = steps.iter().map(Step::pauses).sum();
        let size: usize = steps.iter().map(Step::bytes).sum();
        // Each of these may have to connect anew.
        connections += 1 + steps
            .iter()
            .filter(|step| matches!(step, Step::Open(_) | Step::Odd { .. }))
            .count();
        let slow = case.needs == Needs::Patience;
        assert!(
            pauses <= Duration::from_secs(if slow { 15 } else { 3 }),
            "{}",
            case.id
        );
        slow_bytes += size;
        bytes += if slow { 0 } else { size };
    }
    assert!(kit.made() < 250, "{} messages", kit.made());
    assert!(connections < 200, "{connections} connections");
    assert!(bytes < 2_000_000, "{bytes} bytes");
    assert!(slow_bytes < 23_000_000, "{slow_bytes} bytes");
}

#[test]
fn no_control_id_comes_twice_in_a_run_or_in_the_next() {
    let mut seen = BTreeSet::new();
    for mut kit in [kit(), kit()] {
        for case in all() {
            let mut own = BTreeSet::new();
            for step in (case.steps)(&mut kit) {
                let (Step::Odd {
                    marker: message, ..
                }
                | Step::Answer(Answer { to: message, .. })) = step
                else {
                    continue;
                };
                own.insert(message.id.to_vec());
            }
            own.remove(&b""[..]);
            for id in own {
                assert!(seen.insert(id), "{}", case.id);
            }
        }
    }
}

#[test]
fn every_message_is_in_original_mode_unless_its_case_says_otherwise() {
    let mut kit = custom();
    let message = Message::parse(kit.message().body).unwrap();
    assert_eq!(message.header().accept_acknowledgment_type(), b"");
    assert_eq!(message.header().application_acknowledgment_type(), b"");
    let asking = Message::parse(kit.with(&[(15, b"AL")]).body).unwrap();
    assert_eq!(asking.header().accept_acknowledgment_type(), b"AL");
}

#[test]
fn a_base_message_keeps_its_delimiters_and_its_content() {
    let mut kit = custom();
    let made = kit.with_segments(&[b"NTE|1||A^B&C"]);
    let message = Message::parse(made.body.clone()).unwrap();
    assert_eq!(message.at(1).unwrap().bytes(), b"PID#1##7|8@x");
    assert_eq!(message.at(2).unwrap().bytes(), b"NTE#1##A@B%C");
    assert_eq!(message.header().control_id(), &made.id[..]);
    assert!(!made.body.contains(&b'\n'));
}

#[test]
fn other_delimiters_change_places_with_the_old_ones_and_no_data_becomes_one() {
    let mut kit = kit();
    let plain = kit.with_segments(&[b"NTE|1||#@*!%"]);
    let new = *custom().base().delimiters();
    let message = Message::parse(plain.in_delimiters(&new).body).unwrap();
    assert_eq!(message.delimiters(), &new);
    assert_eq!(message.header().message_structure(), b"ADT_A01");
    let note = message.at(message.count() - 1).unwrap();
    assert_eq!(note.field(3), Some(&b"|^~\\&"[..]));
    let back = plain
        .in_delimiters(&new)
        .in_delimiters(kit.base().delimiters());
    assert_eq!(back.body, plain.body);
}

#[test]
fn a_reply_or_a_message_with_too_few_delimiters_is_no_base() {
    let of = |text: &str| Kit::of(&Message::parse(text.to_owned()).unwrap(), Clock::system()).err();
    assert_eq!(
        of("MSH|^~\\&|||||2026||ACK|1|P|2.3\rMSA|AA|1\r"),
        Some(KitError::Acknowledgment)
    );
    assert_eq!(
        of("MSH|^~|||||2026||ADT^A01|1|P|2.3\r"),
        Some(KitError::Delimiters)
    );
}

fn judged(answer: &Answer, reply: &str) -> Finding {
    let body = bytes::Bytes::copy_from_slice(reply.as_bytes());
    answer.judge(&body, &mut BTreeSet::new())
}

#[test]
fn an_acknowledgment_is_credited_to_the_message_it_names_and_no_other() {
    let message = kit().with(&[(10, b"ID 1 ")]);
    let reply =
        |code: &str, id: &str| format!("MSH|^~\\&|||||2026||ACK|9|P|2.5.1\rMSA|{code}|{id}\r");
    let verdict = |answer: &Answer, code, id| judged(answer, &reply(code, id)).verdict;
    let exact = Answer::accepted(&message);
    assert_eq!(verdict(&exact, "AA", "ID 1 "), Verdict::Pass);
    assert_eq!(verdict(&exact, "AA", "ID 1"), Verdict::Fail);
    assert_eq!(verdict(&exact, "AE", "ID 1 "), Verdict::Fail);
    let lenient = exact.clone().echo(super::answer::Echo::WithoutTail);
    assert_eq!(verdict(&lenient, "AA", "ID 1"), Verdict::Tolerated);
    assert_eq!(verdict(&lenient, "AA", "ID"), Verdict::Fail);
    assert_eq!(verdict(&exact, "OK", "ID 1 "), Verdict::Fail);
    assert_eq!(judged(&exact, "hello").verdict, Verdict::Fail);
    assert_eq!(
        judged(&exact, "MSH|^~\\&|||||2026||ACK|9|P|2.5.1\r").verdict,
        Verdict::Fail
    );
}

#[test]
fn evidence_shows_control_bytes_as_hex_and_joins_bytes_that_follow_one_another() {
    let mut transcript = Transcript::default();
    for byte in b"\x0BMSH\x1C\r" {
        transcript.bytes(1, Duration::ZERO, Direction::Sent, &[*byte]);
    }
    transcript.push(
        1,
        Duration::ZERO,
        Event::Said("closed by the receiver".into()),
    );
    transcript.bytes(1, Duration::ZERO, Direction::Received, &vec![b'x'; 600]);
    let lines = transcript.lines();
    assert_eq!(lines[0], "    0 ms  #1  sent 6 bytes");
    assert!(
        lines[1].ends_with("0b 4d 53 48 1c 0d                                .MSH.."),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "    0 ms  #1  closed by the receiver");
    assert_eq!(lines.last().unwrap(), "    …     88 more bytes");
    assert!(!format!("{transcript:?}").contains("MSH"));
}

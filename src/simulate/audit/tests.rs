//! What an audit says of runs that go well and badly.

use super::*;

fn id(number: u64) -> Vec<u8> {
    format!("ABCDEF-{number:09}").into_bytes()
}

/// Three messages, sent and accepted.
fn three() -> Audit {
    let mut audit = Audit::new(Some("ABCDEF"));
    for number in 1..=3 {
        audit.sent(number, None);
        audit.answered(number, true);
    }
    audit
}

#[test]
fn what_comes_once_and_in_order_is_clean() {
    let mut audit = three();
    for number in 1..=3 {
        assert!(!audit.is_all_there(true));
        audit.received(&id(number), &[0], Taking::Taken);
    }
    assert!(audit.is_all_there(true));
    let report = audit.report(true, true);
    assert_eq!(report.sent, Some(3));
    assert!(report.is_accepted());
    let delivery = report.delivery.as_ref().unwrap();
    assert_eq!(
        (delivery.once, delivery.twice, delivery.lost),
        (3, 0, Some(0))
    );
    assert!(!report.has_findings());
}

#[test]
fn an_accepted_message_that_never_comes_is_lost_and_one_never_accepted_is_not() {
    let mut audit = three();
    audit.sent(4, None);
    audit.sent(5, None);
    audit.answered(5, false);
    audit.received(&id(1), &[0], Taking::Taken);
    audit.received(&id(3), &[0], Taking::Taken);
    let report = audit.report(true, true);
    let answers = report.answers.as_ref().unwrap();
    assert_eq!(
        (answers.acknowledged, answers.refused, answers.unanswered),
        (3, 1, 1)
    );
    assert!(!report.is_accepted());
    assert_eq!(
        report.delivery.as_ref().unwrap().lost_ids,
        ["ABCDEF-000000002"]
    );
    assert!(report.has_findings());
}

#[test]
fn order_counts_within_a_lane_and_only_for_the_first_time_a_message_comes() {
    let mut audit = three();
    audit.received(&id(3), &[1], Taking::Taken);
    audit.received(&id(1), &[2], Taking::Taken);
    assert!(
        !audit
            .report(true, true)
            .delivery
            .unwrap()
            .out_of_order_ids
            .contains(&"ABCDEF-000000001".into())
    );
    audit.received(&id(2), &[1], Taking::Taken);
    audit.received(&id(1), &[1], Taking::Taken);
    let delivery = audit.report(true, true).delivery.unwrap();
    assert_eq!(delivery.out_of_order_ids, ["ABCDEF-000000002"]);
    assert_eq!(
        (
            delivery.out_of_order,
            delivery.twice,
            delivery.twice_with_reason
        ),
        (1, 1, 0)
    );
}

#[test]
fn a_repetition_has_a_reason_when_it_was_sent_twice_or_its_answer_was_lost() {
    let mut audit = three();
    audit.sent(1, None);
    for number in [1, 1, 2, 2, 3, 3] {
        let taking = if number == 2 {
            Taking::Unanswered
        } else {
            Taking::Taken
        };
        audit.received(&id(number), &[number], taking);
    }
    let delivery = audit.report(true, true).delivery.unwrap();
    assert_eq!((delivery.twice, delivery.twice_with_reason), (3, 2));
}

#[test]
fn a_receiver_alone_counts_what_it_sees_and_claims_no_loss() {
    let mut audit = Audit::new(None);
    audit.received(&id(7), &[1], Taking::Taken);
    audit.received(b"other", &[1], Taking::Taken);
    audit.received(b"GHIJKL-000000001", &[1], Taking::Taken);
    audit.received(&id(6), &[1], Taking::Taken);
    audit.received(&id(9), &[2], Taking::Refused);
    let report = audit.report(false, true);
    assert_eq!(report.sent, None);
    let delivery = report.delivery.as_ref().unwrap();
    assert_eq!(
        (
            delivery.lost,
            delivery.foreign,
            delivery.out_of_order,
            delivery.refused
        ),
        (None, 2, 1, 1)
    );
    assert!(report.has_findings());
}

#[test]
fn a_control_id_with_a_huge_number_takes_no_more_room_than_another() {
    let mut audit = Audit::new(None);
    audit.received(&id(999_999_999), &[0], Taking::Taken);
    audit.received(&id(1), &[1], Taking::Taken);
    assert_eq!(audit.tracks.len(), 2);
    // Where it is known what there is, a stranger takes none at all.
    let mut audit = three();
    audit.knows_all();
    audit.received(&id(999_999_999), &[0], Taking::Taken);
    assert_eq!(audit.tracks.len(), 3);
    let delivery = audit.report(true, true).delivery.unwrap();
    assert_eq!((delivery.foreign, delivery.once), (1, 0));
}

#[test]
fn whether_all_is_there_is_known_at_every_moment() {
    let mut dice = crate::simulate::Dice::new(3);
    let mut audit = Audit::new(Some("ABCDEF"));
    for _ in 0..3000 {
        let number = dice.below(40);
        match dice.below(4) {
            0 => audit.sent(number, None),
            1 => audit.answered(number, dice.below(2) == 0),
            2 => audit.received(&id(number), &[0], Taking::Refused),
            _ => audit.received(&id(number), &[0], Taking::Taken),
        }
        for asked in [true, false] {
            let all = |track: &Track| track.taken > 0 || !track.is_due(asked);
            assert_eq!(audit.is_all_there(asked), audit.tracks.values().all(all));
        }
    }
}

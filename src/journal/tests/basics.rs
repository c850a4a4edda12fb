//! Append, read, lanes, outcomes, replays over restarts.

use super::*;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let positions = fill(&journal, 0..300, 900).await;
    assert!(
        positions.is_sorted() && positions.last().unwrap().segment() > 2,
        "several files"
    );
    journal.close().await.unwrap();
    drop(journal);
    let (journal, opened) = open_with(settings(dir.path()));
    assert_eq!(
        (opened.entries, opened.clean, opened.cut),
        (300, true, None)
    );
    for (number, position) in positions.iter().enumerate() {
        let entry = journal.read(*position).await.unwrap();
        let sent = message(number, 900);
        assert_eq!(
            (entry.ordinal, &entry.raw, &entry.keys),
            (number as u64, &sent.raw, &sent.keys)
        );
        assert_eq!(
            (&entry.acknowledgments, entry.received),
            (&sent.acknowledgments, sent.received)
        );
        assert_eq!(
            (&*entry.source, &entry.peer, &entry.warnings),
            ("adt", &sent.peer, &sent.warnings)
        );
    }
    let nowhere = Position::new(1, 4097);
    assert!(journal.read(nowhere).await.is_err());
    assert!(matches!(
        journal.read(Position::new(9999, 4096)).await,
        Err(JournalError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_lane_gives_every_entry_in_order_until_it_is_settled_also_over_restarts() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..200, 700).await;
    let mut lane = journal.lane("lab").unwrap();
    for position in &positions[..80] {
        assert_eq!(soon(&mut lane).await.entry.position, *position);
        assert_eq!(
            soon(&mut lane).await.entry.position,
            *position,
            "until it is settled"
        );
        journal
            .settle("lab", *position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
    }
    for position in &positions[80..100] {
        assert_eq!(soon(&mut lane).await.entry.position, *position);
        journal
            .settle_nowait("lab", *position, outcome(OutcomeKind::Filtered))
            .unwrap();
    }
    assert_eq!(soon(&mut lane).await.entry.position, positions[100]);
    journal
        .settle("lab", positions[100], outcome(OutcomeKind::Delivered))
        .await
        .unwrap();
    drop((lane, journal));
    let journal = open(dir.path());
    assert_eq!(journal.destinations()[0].backlog, 99);
    let mut lane = journal.lane("lab").unwrap();
    for position in &positions[101..] {
        assert_eq!(soon(&mut lane).await.entry.position, *position);
        journal
            .settle("lab", *position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
    }
    assert_eq!(journal.destinations()[0].backlog, 0);
    let one_more = fill(&journal, 200..201, 100).await;
    assert_eq!(soon(&mut lane).await.entry.position, one_more[0]);
}

#[tokio::test]
async fn a_lane_waits_for_the_next_entry_and_wakes_for_it() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let mut lane = journal.lane("lab").unwrap();
    let (next, position) = tokio::join!(lane.next(), journal.append(message(1, 100)));
    assert_eq!(next.unwrap().entry.position, position.unwrap());
    assert!(matches!(
        journal.lane("nobody"),
        Err(JournalError::UnknownDestination { .. })
    ));
}

#[tokio::test]
async fn a_new_destination_starts_now_or_with_the_oldest_and_a_forgotten_one_is_gone() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let positions = fill(&journal, 0..150, 700).await;
    journal.register("late", Start::Now).await.unwrap();
    journal.register("all", Start::Oldest).await.unwrap();
    let more = fill(&journal, 150..151, 700).await;
    assert_eq!(
        soon(&mut journal.lane("late").unwrap())
            .await
            .entry
            .position,
        more[0]
    );
    assert_eq!(
        soon(&mut journal.lane("all").unwrap()).await.entry.position,
        positions[0]
    );
    let backlogs: Vec<_> = journal
        .destinations()
        .into_iter()
        .map(|d| (d.name, d.backlog))
        .collect();
    assert_eq!(backlogs, [("all".to_owned(), 151), ("late".to_owned(), 1)]);
    journal.forget("all").await.unwrap();
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(journal.destinations().len(), 1);
    assert_eq!(
        soon(&mut journal.lane("late").unwrap())
            .await
            .entry
            .position,
        more[0]
    );
}

#[tokio::test]
async fn only_accepted_messages_reach_a_lane() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    for disposition in [
        Disposition::Refused(207),
        Disposition::UnmatchedAck,
        Disposition::Damaged,
    ] {
        let kept = journal
            .append(NewEntry {
                disposition,
                ..message(0, 100)
            })
            .await
            .unwrap();
        assert_eq!(journal.read(kept).await.unwrap().disposition, disposition);
    }
    let good = journal.append(message(1, 100)).await.unwrap();
    assert_eq!(
        soon(&mut journal.lane("lab").unwrap()).await.entry.position,
        good
    );
    assert_eq!(journal.destinations()[0].backlog, 1);
}

#[tokio::test]
async fn a_parked_message_keeps_its_place_until_a_person_replays_or_discards_it() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..3, 100).await;
    let mut lane = journal.lane("lab").unwrap();
    for position in &positions[..2] {
        soon(&mut lane).await;
        journal
            .settle("lab", *position, outcome(OutcomeKind::Parked))
            .await
            .unwrap();
    }
    assert_eq!(journal.parked("lab"), positions[..2]);
    journal.request_replay("lab", positions[1]).await.unwrap();
    assert!(!journal.is_settled("lab", positions[1]));
    drop((lane, journal));

    let journal = open(dir.path());
    let mut lane = journal.lane("lab").unwrap();
    let next = soon(&mut lane).await;
    assert_eq!(
        (next.entry.position, next.replay),
        (positions[1], true),
        "replays first"
    );
    journal
        .settle("lab", positions[1], outcome(OutcomeKind::Delivered))
        .await
        .unwrap();
    let next = soon(&mut lane).await;
    assert_eq!((next.entry.position, next.replay), (positions[2], false));
    journal
        .settle("lab", positions[0], outcome(OutcomeKind::Discarded))
        .await
        .unwrap();
    assert!(journal.parked("lab").is_empty());
}

#[tokio::test]
async fn a_lane_in_retry_learns_that_a_person_settled_its_entry() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..2, 100).await;
    let mut lane = journal.lane("lab").unwrap();
    soon(&mut lane).await;
    let mut changes = journal.changes("lab").unwrap();
    let both = tokio::join!(
        changes.changed(),
        journal.settle("lab", positions[0], outcome(OutcomeKind::Parked))
    );
    both.0.unwrap();
    both.1.unwrap();
    assert!(journal.is_settled("lab", positions[0]));
    assert_eq!(soon(&mut lane).await.entry.position, positions[1]);
}

#[tokio::test]
async fn an_entry_larger_than_a_segment_file_gets_a_larger_file() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let sizes = [100, 500_000, 100, 70_000, 1_200_000, 50];
    let mut positions = Vec::new();
    for (number, size) in sizes.into_iter().enumerate() {
        positions.push(journal.append(message(number, size)).await.unwrap());
    }
    drop(journal);
    let journal = open(dir.path());
    let mut lane = journal.lane("lab").unwrap();
    for (number, size) in sizes.into_iter().enumerate() {
        let next = soon(&mut lane).await;
        assert_eq!(
            (next.entry.position, &next.entry.raw),
            (positions[number], &message(number, size).raw)
        );
        journal
            .settle_nowait("lab", next.entry.position, outcome(OutcomeKind::Delivered))
            .unwrap();
    }
}

#[tokio::test]
async fn a_re_sent_message_is_found_wherever_it_lies() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let positions = fill(&journal, 0..300, 700).await;
    let day = Duration::from_hours(24);
    let found = |journal: Journal, number: usize, hash: u64, window| async move {
        let key = format!("WARD/MAIN/ID{number}");
        journal
            .duplicate("adt", key.as_bytes(), hash, window)
            .await
            .unwrap()
    };
    for number in [0, 57, 299] {
        let same = Duplicate {
            position: positions[number],
            same_body: true,
        };
        assert_eq!(
            found(journal.clone(), number, number as u64, day).await,
            Some(same)
        );
    }
    let reused = found(journal.clone(), 5, 0, day).await.unwrap();
    assert_eq!((reused.position, reused.same_body), (positions[5], false));
    assert_eq!(found(journal.clone(), 300, 0, day).await, None);
    assert_eq!(
        journal
            .duplicate("other", b"WARD/MAIN/ID5", 5, day)
            .await
            .unwrap(),
        None
    );
    journal.core.clock.advance(Duration::from_hours(25));
    assert_eq!(
        found(journal.clone(), 5, 5, day).await,
        None,
        "too long ago"
    );
    journal.close().await.unwrap();
    drop(journal);
    for name in std::fs::read_dir(settings(dir.path()).dir).unwrap() {
        let path = name.unwrap().path();
        if path.extension().is_some_and(|end| end == "idx") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let journal = open(dir.path());
    let again = found(journal.clone(), 57, 57, day).await.unwrap();
    assert_eq!(
        again.position, positions[57],
        "also when the index files are gone"
    );
}

#[tokio::test]
async fn a_second_engine_is_refused_with_the_first_ones_process_id() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let second = Journal::open(settings(dir.path()), Arc::new(DiskFiles), clock());
    let Err(JournalError::InUse { pid, .. }) = second else {
        panic!("refused")
    };
    assert_eq!(pid, Some(std::process::id()));
    journal.close().await.unwrap();
    let after = journal.append(message(0, 10)).await;
    assert!(matches!(after, Err(JournalError::Closed)));
    drop(journal);
    open(dir.path());
}

#[tokio::test]
async fn a_lane_goes_on_behind_a_message_larger_than_what_it_reads_at_once() {
    let dir = TempDir::new().unwrap();
    let settings = || JournalSettings {
        segment_bytes: 4 << 20,
        ..settings(dir.path())
    };
    let (journal, _) = open_with(settings());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..3, 300_000).await;
    journal
        .settle("lab", positions[0], outcome(OutcomeKind::Delivered))
        .await
        .unwrap();
    drop(journal);
    let (journal, _) = open_with(settings());
    let mut lane = journal.lane("lab").unwrap();
    assert_eq!(soon(&mut lane).await.entry.position, positions[1]);
}

//! Torn ends, damage, failing disks, power cuts.

use std::path::PathBuf;

use super::*;
use crate::journal::faults::{FaultFiles, Operation};

/// The segment files, oldest first.
fn logs(dir: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(settings(dir).dir)
        .unwrap()
        .map(|item| item.unwrap().path());
    let mut logs: Vec<_> = names
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs
}

fn flip(path: &Path, offset: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[usize::try_from(offset).unwrap()] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

fn refused(dir: &Path) -> JournalError {
    Journal::open(settings(dir), Arc::new(DiskFiles), clock()).expect_err("refused")
}

/// Opens, expecting the offset of damage.
fn damage(dir: &Path) -> (PathBuf, u64) {
    match refused(dir) {
        JournalError::Corrupt { file, offset } => (file, offset),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_torn_end_that_nobody_was_told_of_is_cut_and_said() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let positions = fill(&journal, 0..5, 500).await;
    drop(journal);
    let path = logs(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let start = positions[4].offset() as usize;
    let used = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    // The first half of one more record.
    let record = bytes[start..used - 100].to_vec();
    let end = used.next_multiple_of(8);
    bytes[end..end + record.len()].copy_from_slice(&record);
    std::fs::write(&path, &bytes).unwrap();
    let (journal, opened) = open_with(settings(dir.path()));
    let cut = opened.cut.unwrap();
    assert_eq!(
        (cut.position.offset() as usize, cut.bytes),
        (end, record.len() as u64)
    );
    assert_eq!(opened.entries, 5);
    for (number, position) in positions.iter().enumerate() {
        assert_eq!(
            journal.read(*position).await.unwrap().raw,
            message(number, 500).raw
        );
    }
}

#[tokio::test]
async fn one_flipped_bit_in_acknowledged_bytes_is_refused_with_its_place_even_in_the_last_record() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    let positions = fill(&journal, 0..20, 500).await;
    let last = journal.append(message(20, 500)).await.unwrap();
    drop(journal);
    let path = logs(dir.path()).pop().unwrap();
    for position in [positions[0], positions[7], last] {
        // Head, description and body alike.
        for within in [0, 5, 9, 17, 21, 60, 400] {
            flip(&path, u64::from(position.offset()) + within);
            assert_eq!(
                damage(dir.path()),
                (path.clone(), u64::from(position.offset()))
            );
            assert_eq!(verify(&path.with_file_name("")).unwrap().faults.len(), 1);
            flip(&path, u64::from(position.offset()) + within);
        }
    }
    flip(&path, 4096 + 30);
    assert_eq!(damage(dir.path()).1, 4096, "the checkpoint");
    flip(&path, 4096 + 30);
    flip(&path, 17);
    assert_eq!(damage(dir.path()).1, 0, "the head");
    flip(&path, 17);
    assert!(verify(&path.with_file_name("")).unwrap().faults.is_empty());
    assert_eq!(open_with(settings(dir.path())).1.entries, 21);
}

#[tokio::test]
async fn damage_in_an_older_file_is_named_when_read_and_by_verify() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..300, 700).await;
    journal.close().await.unwrap();
    drop(journal);
    let victim = positions[30];
    let path = logs(dir.path()).remove(0);
    flip(&path, u64::from(victim.offset()) + 100);
    let report = verify(&settings(dir.path()).dir).unwrap();
    assert_eq!(
        report.faults.iter().map(|f| f.offset).collect::<Vec<_>>(),
        [u64::from(victim.offset())]
    );
    let journal = open(dir.path());
    assert!(matches!(
        journal.read(victim).await,
        Err(JournalError::Corrupt { .. })
    ));
    let mut lane = journal.lane("lab").unwrap();
    assert!(
        matches!(lane.next().await, Err(JournalError::Corrupt { .. })),
        "never skipped in silence"
    );
    drop((lane, journal));

    let lost = salvage(&settings(dir.path()).dir).unwrap().lost;
    assert_eq!(
        (lost.len(), lost[0].offset),
        (1, u64::from(victim.offset()))
    );
    assert!(verify(&settings(dir.path()).dir).unwrap().faults.is_empty());
    let journal = open(dir.path());
    let mut lane = journal.lane("lab").unwrap();
    for position in positions.iter().filter(|position| **position != victim) {
        assert_eq!(soon(&mut lane).await.entry.position, *position);
        journal
            .settle("lab", *position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
    }
    let state = &journal.destinations()[0];
    assert_eq!(
        (state.backlog, state.done_to),
        (0, positions[299]),
        "nobody waits for what is lost"
    );
}

#[tokio::test]
async fn salvage_mends_the_last_file_too() {
    for (number, within) in [(0_usize, 0_u64), (10, 30), (19, 30)] {
        let dir = TempDir::new().unwrap();
        let journal = open(dir.path());
        journal.register("lab", Start::Now).await.unwrap();
        let positions = fill(&journal, 0..20, 500).await;
        journal
            .settle("lab", positions[0], outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
        journal.append(message(20, 10)).await.unwrap();
        drop(journal);
        let path = logs(dir.path()).pop().unwrap();
        let at = if within == 0 {
            4100
        } else {
            u64::from(positions[number].offset()) + within
        };
        flip(&path, at);
        damage(dir.path());
        salvage(&settings(dir.path()).dir).unwrap();
        let (journal, _) = open_with(settings(dir.path()));
        for (at, position) in positions
            .iter()
            .enumerate()
            .filter(|(at, _)| within == 0 || *at != number)
        {
            assert_eq!(
                journal.read(*position).await.unwrap().raw,
                message(at, 500).raw
            );
        }
    }
}

#[tokio::test]
async fn a_missing_or_swapped_file_is_noticed() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    fill(&journal, 0..300, 700).await;
    journal.close().await.unwrap();
    drop(journal);
    let paths = logs(dir.path());
    let aside = paths[1].with_extension("aside");
    std::fs::rename(&paths[1], &aside).unwrap();
    assert!(
        matches!(refused(dir.path()), JournalError::SegmentMissing { file } if file == paths[1])
    );
    std::fs::copy(&paths[2], &paths[1]).unwrap();
    assert!(
        matches!(refused(dir.path()), JournalError::SegmentMissing { file } if file == paths[1])
    );
    std::fs::rename(&aside, &paths[1]).unwrap();
    let last = paths.last().unwrap();
    std::fs::rename(last, &aside).unwrap();
    assert!(
        matches!(refused(dir.path()), JournalError::SegmentMissing { file } if file == *last),
        "the newest"
    );
    std::fs::rename(&aside, last).unwrap();
    open(dir.path());
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let path = logs(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..4092]).to_le_bytes();
    bytes[4092..4096].copy_from_slice(&crc);
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        refused(dir.path()),
        JournalError::NewerFormat {
            found: 9,
            known: 1,
            ..
        }
    ));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn whatever_operation_fails_nothing_is_acknowledged_after_it_and_all_acknowledged_is_there() {
    use Operation::{Create, Rename, Sync, SyncDir, Unlink, Write};
    for operation in [Write, Sync, SyncDir, Rename, Create, Unlink] {
        for n in (1..12).chain((12..400).step_by(11)) {
            let dir = TempDir::new().unwrap();
            let files = FaultFiles::default();
            files.fail(operation, n);
            let mut acknowledged = Vec::new();
            if let Ok((journal, _)) =
                Journal::open(settings(dir.path()), Arc::new(files.clone()), clock())
            {
                let mut dead = false;
                for number in 0..120 {
                    match journal.append(message(number, 1500)).await {
                        Ok(position) => {
                            assert!(!dead, "{operation:?} {n}: acknowledged after the failure");
                            acknowledged.push((number, position));
                        }
                        Err(JournalError::Poisoned { .. }) => dead = true,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            let (journal, _) = open_with(settings(dir.path()));
            for (number, position) in acknowledged {
                assert_eq!(
                    journal.read(position).await.unwrap().raw,
                    message(number, 1500).raw
                );
            }
            if files.hits() == 0 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_power_cut_takes_nothing_that_was_acknowledged() {
    let mut seed = 7_u64;
    for round in 0..40 {
        let dir = TempDir::new().unwrap();
        let mut kept = Vec::new();
        for life in 0..3 {
            let files = FaultFiles::default();
            let opened = Journal::open(settings(dir.path()), Arc::new(files.clone()), clock());
            let (journal, _) =
                opened.unwrap_or_else(|error| panic!("round {round} life {life}: {error}"));
            for (number, position) in &kept {
                assert_eq!(
                    journal.read(*position).await.unwrap().raw,
                    message(*number, 900).raw
                );
            }
            let from = life * 60;
            let positions = fill(&journal, from..from + 20 + round, 900).await;
            kept.extend((from..).zip(positions));
            // More is on its way when the power fails.
            let pending = fill(&journal, 500..520, 900);
            drop(tokio::time::timeout(Duration::from_micros(200 * life as u64), pending).await);
            drop(journal);
            files
                .power_cut(|| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    seed >> 63 == 1
                })
                .unwrap();
        }
    }
}

#[tokio::test]
async fn below_the_disk_floor_entries_are_refused_outcomes_are_taken_and_it_ends_by_itself() {
    let dir = TempDir::new().unwrap();
    let files = FaultFiles::default();
    let settings = JournalSettings {
        disk_floor: 1 << 20,
        ..settings(dir.path())
    };
    files.pretend_free(Some(2 << 20));
    let (journal, _) = Journal::open(settings, Arc::new(files.clone()), clock()).unwrap();
    journal.register("lab", Start::Now).await.unwrap();
    let position = journal.append(message(0, 100)).await.unwrap();
    soon(&mut journal.lane("lab").unwrap()).await;
    files.pretend_free(Some(1 << 19));
    journal.core.keeping.rouse();
    let mut number = 1;
    while journal.append(message(number, 5000)).await.is_ok() {
        number += 1;
    }
    assert!(matches!(
        journal.trouble(),
        Some(JournalError::DiskFloor { .. })
    ));
    journal
        .settle("lab", position, outcome(OutcomeKind::Delivered))
        .await
        .unwrap();
    files.pretend_free(None);
    while journal.append(message(number, 100)).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_poisons_nothing() {
    let dir = TempDir::new().unwrap();
    let files = FaultFiles::default();
    let (journal, _) =
        Journal::open(settings(dir.path()), Arc::new(files.clone()), clock()).unwrap();
    files.pretend_full(true);
    let mut stored = Vec::new();
    loop {
        match journal.append(message(stored.len(), 3000)).await {
            Ok(position) => stored.push(position),
            Err(error) => {
                assert!(matches!(error, JournalError::DiskFloor { .. }), "{error}");
                break;
            }
        }
    }
    files.pretend_full(false);
    while journal.append(message(0, 10)).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(journal.trouble().is_none());
    drop(journal);
    let journal = open(dir.path());
    for (number, position) in stored.iter().enumerate() {
        assert_eq!(
            journal.read(*position).await.unwrap().raw,
            message(number, 3000).raw
        );
    }
}

//! Retention, encryption, the folder, searching from outside.

use std::collections::BTreeMap;

use super::*;

fn key(byte: u8) -> Secret32 {
    Secret32::new([byte; 32])
}

fn names(dir: &Path, ending: &str) -> Vec<String> {
    let names = std::fs::read_dir(settings(dir).dir).unwrap();
    let mut names: Vec<_> = names
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name.ends_with(ending));
    names.sort();
    names
}

/// Days pass, and the engine looks at the clock as it does every ten minutes; what that removed in all, in bytes.
async fn go_on(journal: &Journal, days: u64) -> u64 {
    let mut removed = 0;
    for _ in 0..days {
        journal.core.clock.advance(Duration::from_hours(24));
        removed += journal.retain().await.unwrap();
    }
    removed
}

async fn settle_all(journal: &Journal, positions: &[Position]) {
    for position in positions {
        journal
            .settle("lab", *position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_parked_message_keeps_its_own_file_and_no_other() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..400, 700).await;
    let parked = positions[150];
    settle_all(&journal, &positions[..150]).await;
    journal
        .settle("lab", parked, outcome(OutcomeKind::Parked))
        .await
        .unwrap();
    settle_all(&journal, &positions[151..380]).await;
    assert!(go_on(&journal, 31).await > 0);
    let young = NewEntry {
        received: journal.core.clock.now(),
        ..message(400, 100)
    };
    let young = journal.append(young).await.unwrap();
    let kept = names(dir.path(), ".log");
    assert!(
        kept.contains(&format!("{:08}.log", parked.segment())),
        "{kept:?}"
    );
    assert!(
        !kept.contains(&"00000001.log".to_owned()) && kept.len() < 8,
        "{kept:?}"
    );
    assert_eq!(
        journal.read(parked).await.unwrap().raw,
        message(150, 700).raw
    );
    assert!(matches!(
        journal.read(positions[0]).await,
        Err(JournalError::NotFound { .. })
    ));
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(journal.destinations()[0].backlog, 21);
    let mut lane = journal.lane("lab").unwrap();
    for position in positions[380..].iter().chain([&young]) {
        assert_eq!(soon(&mut lane).await.entry.position, *position);
        journal
            .settle("lab", *position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
    }
    // A destination that comes late gets what is left, over the hole.
    journal.register("late", Start::Oldest).await.unwrap();
    let mut lane = journal.lane("late").unwrap();
    let (mut seen, mut left) = (0, journal.destinations()[1].backlog);
    while left > 0 {
        let next = soon(&mut lane).await;
        journal
            .settle("late", next.entry.position, outcome(OutcomeKind::Delivered))
            .await
            .unwrap();
        (seen, left) = (seen + 1, journal.destinations()[1].backlog);
    }
    assert!(seen > 20 && seen < 150, "{seen}");
}

#[tokio::test]
async fn after_a_clock_jump_nothing_is_removed_by_age() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    fill(&journal, 0..200, 700).await;
    journal
        .core
        .clock
        .advance(Duration::from_hours(10 * 365 * 24));
    assert_eq!(journal.retain().await.unwrap(), 0);
    // A message that comes meanwhile makes all before it look ancient; so does a start of the engine.
    let late = NewEntry {
        received: journal.core.clock.now(),
        ..message(200, 100)
    };
    journal.append(late).await.unwrap();
    assert_eq!(journal.retain().await.unwrap(), 0);
    let clock = journal.core.clock.clone();
    drop(journal);
    let (journal, _) = Journal::open(settings(dir.path()), Arc::new(DiskFiles), clock).unwrap();
    assert_eq!(journal.retain().await.unwrap(), 0);
    assert!(
        go_on(&journal, 1).await > 0,
        "a clock that goes on is believed"
    );
}

#[tokio::test]
async fn too_many_bytes_go_as_soon_as_they_are_settled() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = open_with(JournalSettings {
        keep_bytes: Some(128 << 10),
        ..settings(dir.path())
    });
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..400, 700).await;
    journal.retain().await.unwrap();
    assert_eq!(
        journal.read(positions[0]).await.unwrap().ordinal,
        0,
        "not before it is settled"
    );
    settle_all(&journal, &positions).await;
    journal.retain().await.unwrap();
    assert!(journal.read(positions[0]).await.is_err());
    assert!(names(dir.path(), ".log").len() <= 5);
}

#[tokio::test]
async fn nothing_readable_is_on_the_disk_with_a_key_and_a_wrong_one_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let sealed = JournalSettings {
        key: Some(key(1)),
        ..settings(dir.path())
    };
    let (journal, _) = open_with(sealed.clone());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..150, 700).await;
    let reply = Outcome {
        reply: Some("MSA|AR|MRN-IN-REPLY".into()),
        ..outcome(OutcomeKind::Parked)
    };
    journal.settle("lab", positions[0], reply).await.unwrap();
    journal.close().await.unwrap();
    drop(journal);
    let all = || -> BTreeMap<_, _> {
        let files = std::fs::read_dir(&sealed.dir)
            .unwrap()
            .map(|item| item.unwrap().path());
        files
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    };
    let before = all();
    for canary in ["MRN", "ID1", "WARD/MAIN", "ADT^A01"] {
        for (path, bytes) in &before {
            assert!(
                memchr::memmem::find(bytes, canary.as_bytes()).is_none(),
                "{canary} in {}",
                path.display()
            );
        }
    }
    let wrong = JournalSettings {
        key: Some(key(2)),
        ..sealed.clone()
    };
    let refused = Journal::open(wrong, Arc::new(DiskFiles), clock());
    assert!(matches!(refused, Err(JournalError::KeyWrong { .. })));
    let refused = Journal::open(settings(dir.path()), Arc::new(DiskFiles), clock());
    assert!(matches!(refused, Err(JournalError::KeyMissing { .. })));
    let mut after = all();
    after.remove(&sealed.dir.join("lock"));
    assert!(after.iter().all(|(path, bytes)| before[path] == *bytes));
    assert!(
        verify(&sealed.dir).unwrap().faults.is_empty(),
        "checking needs no key"
    );
    let (journal, opened) = open_with(sealed.clone());
    assert_eq!(opened.entries, 150);
    for (number, position) in positions.iter().enumerate() {
        assert_eq!(
            journal.read(*position).await.unwrap().raw,
            message(number, 700).raw
        );
    }
    let archive = Archive::open(&sealed.dir, sealed.key.as_ref()).unwrap();
    let found = archive
        .search(&Query {
            id: Some(b"MRN77".to_vec()),
            ..Query::default()
        })
        .unwrap();
    assert_eq!(found[0].position, positions[77]);
}

#[tokio::test]
async fn sealed_records_cannot_be_swapped() {
    let dir = TempDir::new().unwrap();
    let sealed = JournalSettings {
        key: Some(key(1)),
        ..settings(dir.path())
    };
    let (journal, _) = open_with(sealed.clone());
    let positions = fill(&journal, 0..4, 300).await;
    journal.close().await.unwrap();
    drop(journal);
    let path = sealed.dir.join("00000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let [one, two, three] = [0, 1, 2].map(|n| positions[n].offset() as usize);
    assert_eq!(two - one, three - two, "of one size");
    let id: [u8; 16] = bytes[16..32].try_into().unwrap();
    // The body of the first under the head of the second, with a checksum that fits.
    let body = bytes[one + 24..two].to_vec();
    let len = u32::from_le_bytes(bytes[two + 4..two + 8].try_into().unwrap()) as usize;
    bytes[two + 24..three].copy_from_slice(&body);
    let head: [u8; 20] = bytes[two..two + 20].try_into().unwrap();
    let crc = record::checksum(&head, &id, [&bytes[two + 24..two + 24 + len]]);
    bytes[two + 20..two + 24].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(
        verify(&sealed.dir).unwrap().faults.is_empty(),
        "the checksum alone does not tell"
    );
    let refused = Journal::open(sealed, Arc::new(DiskFiles), clock());
    assert!(matches!(refused, Err(JournalError::Corrupt { offset, .. }) if offset == two as u64));
}

#[test]
fn a_folder_that_others_can_enter_or_that_is_a_link_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let journal = settings(dir.path()).dir;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&journal), 0o700);
    for name in std::fs::read_dir(&journal).unwrap() {
        assert_eq!(mode(&name.unwrap().path()), 0o600);
    }
    let refused = || {
        Journal::open(settings(dir.path()), Arc::new(DiskFiles), clock())
            .unwrap_err()
            .to_string()
    };
    std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(refused().ends_with("chmod 700 it"));
    std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o700)).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&journal, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &journal).unwrap();
    assert!(refused().contains("symbolic link"));
}

#[tokio::test]
async fn the_archive_finds_what_a_walk_over_everything_finds_while_the_engine_runs() {
    let dir = TempDir::new().unwrap();
    let journal = open(dir.path());
    journal.register("lab", Start::Now).await.unwrap();
    let positions = fill(&journal, 0..300, 700).await;
    settle_all(&journal, &positions[..100]).await;
    journal
        .settle("lab", positions[100], outcome(OutcomeKind::Parked))
        .await
        .unwrap();
    let look = || Archive::open(&settings(dir.path()).dir, None).unwrap();
    for round in 0..2 {
        let archive = look();
        let all = archive.search(&Query::default()).unwrap();
        assert!(
            all.iter()
                .map(|row| row.position)
                .eq(positions.iter().rev().copied())
        );
        for id in ["ID17", "MRN99", "V50", "V149", "ID3000", "WARD/MAIN/ID1"] {
            let found = archive
                .search(&Query {
                    id: Some(id.into()),
                    ..Query::default()
                })
                .unwrap();
            let scanned = positions.iter().rev().filter(|position| {
                let keys = archive.entry(**position).unwrap().keys;
                let all = keys
                    .control_id
                    .iter()
                    .chain(&keys.patient_ids)
                    .chain(&keys.visits);
                all.into_iter().any(|value| value == id)
            });
            assert!(
                found.iter().map(|row| &row.position).eq(scanned),
                "{id} in round {round}"
            );
        }
        let standing = |standing| {
            let query = Query {
                standing: Some(standing),
                ..Query::default()
            };
            archive.search(&query).unwrap().len()
        };
        assert_eq!(standing(Standing::Settled(OutcomeKind::Delivered)), 100);
        assert_eq!(standing(Standing::Settled(OutcomeKind::Parked)), 1);
        assert_eq!(standing(Standing::Waiting), 199);
        let (name, told) = archive.outcomes(positions[100]).unwrap().remove(0);
        assert_eq!(
            (&*name, told.kind, told.code.as_deref()),
            ("lab", OutcomeKind::Parked, Some("AA"))
        );
        let none = Query {
            source: Some("other".into()),
            ..Query::default()
        };
        assert!(archive.search(&none).unwrap().is_empty());
        let typed = |trigger: &[u8]| {
            let message_type = Some(MessageType::new(b"ADT", trigger));
            archive
                .search(&Query {
                    message_type,
                    limit: 7,
                    ..Query::default()
                })
                .unwrap()
                .len()
        };
        assert_eq!((typed(b"A01"), typed(b""), typed(b"A02")), (7, 7, 0));
        assert_eq!(archive.destinations()[0].backlog, 199);
        // Again without the index files.
        for name in names(dir.path(), ".idx") {
            std::fs::remove_file(settings(dir.path()).dir.join(name)).unwrap();
        }
    }
}

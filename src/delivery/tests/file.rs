//! What stands in the files, and what is left of a write that failed.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;

use super::rig::{dispatch, message};
use crate::delivery::attempt::{Answer, Attempt, Destination, Dispatch};
use crate::delivery::file::{Appendable, FileDestination, append};
use crate::delivery::{FileSettings, PathTemplate};
use crate::hl7::batch;

fn destination(folder: &Path, template: &str) -> FileDestination {
    let settings = FileSettings {
        path: PathTemplate::parse(template, folder).unwrap(),
        timezone: TimeZone::UTC,
    };
    FileDestination::new(Arc::from("archive"), settings)
}

async fn deliver(destination: &mut FileDestination, dispatch: &Dispatch) {
    let attempt = destination.send(dispatch).await;
    assert_eq!(attempt.answer, Answer::Accepted, "{}", attempt.reason);
}

fn of_bytes(bytes: &[u8]) -> Dispatch {
    let mut dispatch = dispatch("M1");
    dispatch.message = Bytes::copy_from_slice(bytes);
    dispatch
}

#[tokio::test]
async fn messages_stand_in_the_file_byte_for_byte_in_order_and_split_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = destination(folder.path(), "out/{source}/{date}.hl7");
    let unended = b"MSH|^~\\&|A||||||ADT^A01|2|P|2.5\rPID|1||\xFC\nx";
    let line_feeds = b"MSH|^~\\&|A||||||ADT^A01|3|P|2.5\nPID|1\n";
    let messages = [&message("M1")[..], unended, line_feeds, &message("M4")];
    for bytes in messages {
        deliver(&mut archive, &of_bytes(bytes)).await;
    }
    let file = std::fs::read(folder.path().join("out/adt/2026-03-01.hl7")).unwrap();
    let expected = [messages[0], unended, b"\r", line_feeds, b"\r", messages[3]].concat();
    assert_eq!(file, expected);
    let found = batch::split(&file);
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let starts: Vec<_> = found
        .messages
        .into_iter()
        .map(|range| &file[range])
        .collect();
    assert_eq!(starts.len(), 4);
    for (found, sent) in starts.iter().zip(messages) {
        assert!(found.starts_with(sent));
    }
}

#[tokio::test]
async fn nobody_else_can_read_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    deliver(
        &mut destination(folder.path(), "a/b/{type}-{event}.hl7"),
        &dispatch("M1"),
    )
    .await;
    let mode = |path: &str| {
        let metadata = std::fs::metadata(folder.path().join(path)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!([mode("a"), mode("a/b")], [0o700, 0o700]);
    assert_eq!(mode("a/b/ADT-A01.hl7"), 0o600);
}

#[tokio::test]
async fn a_fragment_left_by_a_crash_does_not_damage_the_next_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.hl7");
    let torn = &message("M1")[..70];
    std::fs::write(&path, torn).unwrap();
    let mut archive = destination(folder.path(), "out.hl7");
    deliver(&mut archive, &dispatch("M1")).await;
    deliver(&mut archive, &dispatch("M2")).await;
    let file = std::fs::read(&path).unwrap();
    let expected = [torn, b"\r", &message("M1"), &message("M2")].concat();
    assert_eq!(file, expected);
    let found = batch::split(&file).messages;
    assert_eq!(&file[found[1].clone()], message("M1"));
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.hl7");
    let mut archive = destination(folder.path(), "out.hl7");
    deliver(&mut archive, &dispatch("M1")).await;
    std::fs::rename(&path, folder.path().join("taken.hl7")).unwrap();
    deliver(&mut archive, &dispatch("M2")).await;
    assert_eq!(
        std::fs::read(folder.path().join("taken.hl7")).unwrap(),
        message("M1")
    );
    assert_eq!(std::fs::read(&path).unwrap(), message("M2"));
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_holds_the_lane_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"x").unwrap();
    std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for wrong in ["file/x.hl7", "link", "folder"] {
        let Attempt { answer, reason, .. } = destination(folder.path(), wrong)
            .send(&dispatch("M1"))
            .await;
        assert_eq!(answer, Answer::Unavailable, "{wrong}");
        assert!(reason.contains(wrong), "{reason}");
    }
    assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"x");
}

/// A file on a disk with room for so many bytes, whose sync may fail.
struct Full {
    file: std::fs::File,
    room: usize,
    syncs: bool,
}

impl Appendable for Full {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = bytes.len().min(self.room);
        self.file.write(&bytes[..fits])?;
        self.room -= fits;
        if fits < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let failed = || io::Error::other("the disk is gone");
        self.syncs.then_some(()).ok_or_else(failed)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }
}

#[test]
fn a_full_disk_or_a_failed_sync_is_no_delivery_and_leaves_no_half_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.hl7");
    let options = || {
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
    };
    let mut file = options().unwrap();
    append(&mut file, &message("M1")).unwrap();
    for (room, syncs) in [
        (0, true),
        (40, true),
        (message("M2").len(), true),
        (9999, false),
    ] {
        let file = options().unwrap();
        let unended = message("M2").strip_suffix(b"\r").unwrap().repeat(2);
        assert!(append(&mut Full { file, room, syncs }, &unended).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), message("M1"), "{room}");
    }
}

//! The journal's folder: ours alone, and used by one engine at a time.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

use super::cipher::{Secret32, unwrap, wrap};
use super::index::IndexKey;
use super::{Files, JournalError, Position, syncer};

/// Whether the folder is fit to hold patients' messages: a folder and no symbolic link, ours, and closed to others.
///
/// # Errors
/// [`JournalError::Folder`] says what is wrong and what to do; [`JournalError::Io`] if it cannot be looked at.
pub fn check_folder(path: &Path) -> Result<(), JournalError> {
    let found = check_kind(path)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse(
            path,
            "belongs to another user: run the engine as its owner, or chown it",
        );
    }
    if found.mode() & 0o077 != 0 {
        return refuse(path, "can be entered by other users: chmod 700 it");
    }
    Ok(())
}

fn check_kind(path: &Path) -> Result<std::fs::Metadata, JournalError> {
    let found = std::fs::symlink_metadata(path).map_err(JournalError::io("look at", path))?;
    if found.is_symlink() {
        return refuse(path, "is a symbolic link: name the folder itself");
    }
    if !found.is_dir() {
        return refuse(path, "is not a folder");
    }
    Ok(found)
}

fn refuse<T>(path: &Path, problem: &'static str) -> Result<T, JournalError> {
    Err(JournalError::Folder {
        path: path.to_owned(),
        problem,
    })
}

/// Makes the folder if it is not there; refuses one that others can enter, that is not ours, or is a symbolic link.
pub(crate) fn prepare(dir: &Path) -> Result<(), JournalError> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    for path in parent.into_iter().chain([dir]) {
        match check_kind(path) {
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let mut builder = std::fs::DirBuilder::new();
                builder
                    .recursive(true)
                    .mode(0o700)
                    .create(path)
                    .map_err(JournalError::io("make", path))?;
            }
            other => {
                other?;
            }
        }
    }
    check_folder(dir)
}

/// How long a lock that somebody holds is asked for: half a second.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Takes the lock that keeps a second engine out; held until the file is dropped.
pub(crate) fn take_lock(dir: &Path) -> Result<std::fs::File, JournalError> {
    let path = dir.join("lock");
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(&path)
        .map_err(JournalError::io("open", &path))?;
    match lock_soon(&file) {
        Ok(true) => {}
        Ok(false) => {
            let mut text = String::new();
            let pid = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            return Err(JournalError::InUse {
                dir: dir.to_owned(),
                pid,
            });
        }
        Err(error) => return Err(JournalError::io("lock", &path)(error)),
    }
    let told = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    told.map_err(JournalError::io("write", &path))?;
    Ok(file)
}

/// Takes the lock unless somebody holds it for longer than an engine that ends, or a program that is just being started
/// by the process that held it, may need to let it go.
fn lock_soon(file: &std::fs::File) -> std::io::Result<bool> {
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// How far the log was durable when the last engine ended, from the marker file; nothing if that is not known.
pub(crate) fn marker(files: &dyn Files, dir: &Path) -> Option<Position> {
    let mut bytes = [0; 12];
    let read = files
        .open(&dir.join("durable"), false)
        .ok()?
        .read_at(&mut bytes, 0)
        .ok()?;
    (read == bytes.len()).then(|| syncer::decode_marker(&bytes))?
}

/// Plain: tag 0 and the key. Sealed: tag 1, an owner ID of zeros is implied, and the wrapped key.
const KEY_FILE: &str = "index.key";

/// The key of the index; none if there is none yet.
pub(crate) fn index_key(
    files: &dyn Files,
    dir: &Path,
    key: Option<&Secret32>,
) -> Result<Option<IndexKey>, JournalError> {
    let path = dir.join(KEY_FILE);
    let file = match files.open(&path, false) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(JournalError::io("open", &path))?,
    };
    let mut bytes = [0; 73];
    let read = file
        .read_at(&mut bytes, 0)
        .map_err(JournalError::io("read", &path))?;
    let found = match bytes.split_first() {
        Some((0, rest)) if read == 33 => rest.first_chunk().map(|plain| Secret32::new(*plain)),
        Some((1, wrapped)) if read == 73 => {
            let key = key.ok_or(JournalError::KeyMissing { file: path.clone() })?;
            let wrapped = wrapped.first_chunk().ok_or(JournalError::Corrupt {
                file: path.clone(),
                offset: 0,
            })?;
            // If the key is not the right one, then the segment files say so before anything is written.
            unwrap(key, &[0; 16], wrapped)
        }
        // Derived data: a damaged key only means that the index files are made again.
        _ => None,
    };
    Ok(found.map(IndexKey))
}

/// A new key, in memory only.
pub(crate) fn new_index_key(dir: &Path) -> Result<IndexKey, JournalError> {
    let mut made = Secret32::new([0; 32]);
    getrandom::fill(made.bytes_mut()).map_err(|_| {
        JournalError::io("find random bytes for", &dir.join(KEY_FILE))(ErrorKind::Other.into())
    })?;
    Ok(IndexKey(made))
}

/// Writes the index key, sealed if there is a `key`.
pub(crate) fn keep_index_key(
    files: &dyn Files,
    dir: &Path,
    kept: &IndexKey,
    key: Option<&Secret32>,
) -> Result<(), JournalError> {
    let (path, making) = (dir.join(KEY_FILE), dir.join("index.key.tmp"));
    let bytes = match key {
        Some(key) => [&[1][..], &wrap(key, &[0; 16], &kept.0, &path)?].concat(),
        None => [&[0][..], kept.0.bytes()].concat(),
    };
    let write = || -> std::io::Result<()> {
        if files.open(&making, false).is_ok() {
            files.unlink(&making)?;
        }
        let file = files.create(&making)?;
        file.write_at(&mut [IoSlice::new(&bytes)], 0)?;
        file.sync_data()?;
        files.rename(&making, &path)?;
        files.sync_dir(dir)
    };
    write().map_err(JournalError::io("write", &path))
}

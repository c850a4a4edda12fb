//! Delivery into files: a message counts as delivered when its bytes are synced.
//!
//! # What is in such a file
//! Messages in the order of the lane, byte for byte as the route made them, each followed by a CR if it does not end in
//! one: `hl7::batch::split`, and every tool that reads messages one after the other, takes them apart at `MSH`. Files
//! are made with mode 0600 and folders with 0700; what is there already keeps its mode.
//!
//! # What a crash leaves
//! A message that a power cut tore stays as the fragment it is; the next one, most often the same again, begins on a
//! line of its own. A write that fails while the engine runs, as on a full disk, is taken back.
//!
//! A file that is moved or removed while the engine runs is made anew. Only one destination should write to a file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::OFlags;

use super::attempt::{Answer, Attempt, Destination, Dispatch};
use super::settings::FileSettings;

const CR: u8 = b'\r';

/// Appends to the file each message's path template leads to.
pub(super) struct FileDestination {
    name: Arc<str>,
    settings: FileSettings,
    /// The file of the last message; most often also of the next.
    open: Option<Open>,
}

/// A file that ends at the end of a line, or is empty.
struct Open {
    path: PathBuf,
    file: File,
}

impl FileDestination {
    pub(super) fn new(name: Arc<str>, settings: FileSettings) -> Self {
        Self {
            name,
            settings,
            open: None,
        }
    }
}

impl Destination for FileDestination {
    async fn send(&mut self, dispatch: &Dispatch) -> Attempt {
        let FileSettings { path, timezone } = &self.settings;
        let path = path.path(&self.name, dispatch, timezone);
        let (open, message) = (self.open.take(), dispatch.message.clone());
        let named = path.clone();
        let done = tokio::task::spawn_blocking(move || deliver(open, &named, &message)).await;
        let error = match done {
            Ok(Ok(open)) => {
                self.open = Some(open);
                return Attempt::new(Answer::Accepted, "");
            }
            Ok(Err(error)) => error,
            Err(error) => io::Error::other(error),
        };
        let reason = format!("cannot append to {}: {error}", path.display());
        Attempt::new(Answer::Unavailable, reason)
    }
}

/// Appends and syncs; gives the file back for the next message.
fn deliver(open: Option<Open>, path: &Path, message: &Bytes) -> io::Result<Open> {
    let mut open = match open {
        Some(open) if open.path == path && still_there(&open) => open,
        _ => Open {
            path: path.to_owned(),
            file: open_at_line(path)?,
        },
    };
    append(&mut open.file, message)?;
    Ok(open)
}

/// Whether the path still leads to the file that is open: somebody may have moved it away.
fn still_there(open: &Open) -> bool {
    let (Ok(here), Ok(there)) = (open.file.metadata(), std::fs::symlink_metadata(&open.path))
    else {
        return false;
    };
    (here.dev(), here.ino()) == (there.dev(), there.ino())
}

/// What an append needs of a file; a test puts one that fails in its place.
pub(super) trait Appendable {
    fn length(&self) -> io::Result<u64>;
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
    fn cut(&self, length: u64) -> io::Result<()>;
}

impl Appendable for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Writes the message and what separates it from the next, and syncs. Whatever fails, no part of it is left.
pub(super) fn append(file: &mut impl Appendable, message: &[u8]) -> io::Result<()> {
    let before = file.length()?;
    let ended = message.last() == Some(&CR);
    let separator: &[u8] = if ended { b"" } else { b"\r" };
    let written = file
        .write(message)
        .and_then(|()| file.write(separator))
        .and_then(|()| file.sync());
    if let Err(error) = written {
        // Should this fail too, then the next open begins a new line behind the fragment.
        drop(file.cut(before).and_then(|()| file.sync()));
        return Err(error);
    }
    Ok(())
}

/// Opens or makes a file to append to, and ends a line that was cut off.
fn open_at_line(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    make_folders(folder)?;
    let open = |new| {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(new)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)
    };
    let mut file = match open(false) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = open(true)?;
            sync_folder(folder)?;
            file
        }
        other => other?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != [CR] {
            file.write_all(&[CR])?;
        }
    }
    Ok(file)
}

/// Makes a folder and those above it, so that they survive a power cut.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or_else(|| Path::new("/"));
    make_folders(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let folder = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

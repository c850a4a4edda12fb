//! A folder as a source: files dropped into it are read as messages, then moved to `done/` or `failed/`.
//!
//! A file counts as complete when neither its size nor its time of change differ between two looks at the folder. Names that
//! begin with a dot or end in `.part` or `.tmp` are left alone, so a writer can also rename when it is done. If the engine
//! dies between journaling and moving, the file is read again and its messages are recognised as duplicates.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::receive::Receiver;
use super::verdict::Verdict;

/// A watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySettings {
    /// The folder; created if it is missing.
    pub path: PathBuf,
    /// Time between two looks at it.
    pub every: Duration,
    /// A larger file is moved to `failed/` unread; in bytes.
    pub max_file: u64,
}

/// What tells one state of a file from the next.
type Look = (u64, Option<SystemTime>);

/// Watches the folder until `cancel`; a file in hand is finished first.
pub async fn watch(
    settings: DirectorySettings,
    receiver: Arc<Receiver>,
    cancel: CancellationToken,
) {
    let mut seen = HashMap::new();
    let mut reachable = true;
    // Read, and still where they were.
    let mut stuck = HashSet::new();
    while !cancel.is_cancelled() {
        match ready_files(&settings.path, &mut seen) {
            Ok(files) => {
                if !reachable {
                    tracing::info!(source = receiver.name(), "the folder can be read again");
                    reachable = true;
                }
                for file in files {
                    if cancel.is_cancelled() {
                        return;
                    }
                    if !stuck.contains(&file) {
                        take(&settings, &receiver, &file, &mut stuck).await;
                    }
                }
            }
            Err(error) => {
                if reachable {
                    let folder = settings.path.display();
                    tracing::error!(source = receiver.name(), %folder, %error, "cannot read the folder");
                    reachable = false;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(settings.every) => {}
        }
    }
}

/// The files that did not change since the last look, oldest first, then by name.
fn ready_files(folder: &Path, seen: &mut HashMap<PathBuf, Look>) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut now = HashMap::new();
    let mut ready = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if !metadata.is_file() || is_unfinished(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let look = (metadata.len(), metadata.modified().ok());
        if seen.get(&entry.path()) == Some(&look) {
            ready.push((look.1, entry.path()));
        }
        now.insert(entry.path(), look);
    }
    *seen = now;
    ready.sort();
    Ok(ready.into_iter().map(|(_, path)| path).collect())
}

fn is_unfinished(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    let unfinished = ["part", "tmp"]
        .iter()
        .any(|word| extension.eq_ignore_ascii_case(word));
    name.starts_with('.') || unfinished
}

/// Reads one file, hands its messages over in order, and moves it. One that cannot be moved is not read again, or its
/// messages would be looked up for ever; its name is remembered in `stuck`.
async fn take(
    settings: &DirectorySettings,
    receiver: &Receiver,
    file: &Path,
    stuck: &mut HashSet<PathBuf>,
) {
    let verdicts = match read(settings, file) {
        Ok(bytes) => receiver.receive_file(bytes).await,
        Err(reason) => vec![Verdict::Refused(reason)],
    };
    if verdicts
        .iter()
        .any(|verdict| matches!(verdict, Verdict::Unsafe))
    {
        // The journal could not take it: the file stays where it is and is tried again.
        return;
    }
    let reasons: Vec<String> = verdicts
        .into_iter()
        .enumerate()
        .filter_map(|(number, verdict)| match verdict {
            Verdict::Refused(reason) => Some(format!("message {}: {reason}\n", number + 1)),
            Verdict::Accepted | Verdict::Unsafe => None,
        })
        .collect();
    if let Err(error) = put_away(&settings.path, file, &reasons) {
        let folder = settings.path.display();
        tracing::error!(source = receiver.name(), %folder, %error, "cannot move a file that was read; it stays until a restart");
        stuck.insert(file.to_owned());
    }
}

fn read(settings: &DirectorySettings, file: &Path) -> Result<Bytes, String> {
    let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > settings.max_file {
        return Err(format!(
            "the file has {size} bytes, max_file is {}",
            settings.max_file
        ));
    }
    fs::read(file)
        .map(Bytes::from)
        .map_err(|error| error.to_string())
}

/// Moves a file that was read: to `done/`, or to `failed/` with the reasons in `NAME.error.txt` beside it.
fn put_away(folder: &Path, file: &Path, reasons: &[String]) -> io::Result<()> {
    let target = folder.join(if reasons.is_empty() { "done" } else { "failed" });
    fs::create_dir_all(&target)?;
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut moved = target.join(&name);
    let mut number = 0_u64;
    while moved.exists() {
        number += 1;
        moved = target.join(format!("{name}.{number}"));
    }
    if !reasons.is_empty() {
        let mut report = moved.clone().into_os_string();
        report.push(".error.txt");
        fs::write(report, reasons.concat())?;
    }
    fs::rename(file, moved)
}

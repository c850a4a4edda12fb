//! Files of a run: the truth, written as it comes about and read again line by line, and the messages.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::cli::exit::{Exit, Failure, OrExit};
use crate::cli::output::Output;
use crate::simulate::{Audit, MessageRecord, Outgoing, Told};

/// A JSON array with one record a line; nothing where nobody asked for it.
pub(super) struct Truth(Option<(BufWriter<File>, PathBuf, bool)>);

impl Truth {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(Some((
            BufWriter::with_capacity(256 * 1024, file),
            path.to_owned(),
            false,
        ))))
    }

    pub(super) fn tell(&mut self, told: &Told) -> Result<(), Failure> {
        let Some((file, path, begun)) = &mut self.0 else {
            return Ok(());
        };
        let mut write = || {
            file.write_all(if *begun { b",\n" } else { b"[\n" })?;
            *begun = true;
            match told {
                Told::Message(message) => serde_json::to_writer(
                    &mut *file,
                    &Tagged {
                        record: "message",
                        message: &message.record,
                    },
                ),
                Told::Truth(record) => serde_json::to_writer(&mut *file, record),
            }
            .map_err(std::io::Error::from)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        if let Some((mut file, path, begun)) = self.0 {
            let end: &[u8] = if begun { b"\n]\n" } else { b"[]\n" };
            let written = file.write_all(end).and_then(|()| file.flush());
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// A `Record::Message` without a copy of the message's record.
#[derive(serde::Serialize)]
struct Tagged<'a> {
    record: &'static str,
    #[serde(flatten)]
    message: &'a MessageRecord,
}

/// What of the truth an audit needs.
#[derive(Deserialize)]
struct Announced {
    record: String,
    #[serde(default)]
    control_id: String,
}

/// Announces to `audit` every message that the truth in `path` tells of.
pub(super) fn announce(path: &Path, audit: &mut Audit) -> Result<(), Failure> {
    let unreadable = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(unreadable)?;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(unreadable)?;
        let line = line.trim().trim_end_matches(',');
        if matches!(line, "" | "[" | "]") {
            continue;
        }
        let record: Announced = serde_json::from_str(line)
            .with_context(|| format!("{}:{number} is no record of a truth", path.display()))
            .or_exit(Exit::Usage)?;
        if record.record == "message" {
            audit.announce(record.control_id.as_bytes());
        }
    }
    audit.knows_all();
    Ok(())
}

/// Where messages are written to instead of being sent.
pub(super) enum Sink<'a> {
    Stdout,
    File(BufWriter<File>, &'a Path),
    Folder(&'a Path),
}

impl<'a> Sink<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if folder {
            fs::create_dir_all(path)
                .with_context(|| format!("cannot make the folder {}", path.display()))?;
            return Ok(Self::Folder(path));
        }
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(BufWriter::with_capacity(256 * 1024, file), path))
    }

    pub(super) fn write(&mut self, message: &Outgoing, out: &mut Output) -> Result<(), Failure> {
        let told = |path: &Path| format!("cannot write {}", path.display());
        match self {
            Self::Stdout => out.bytes(&message.bytes),
            Self::File(file, path) => {
                Ok(file.write_all(&message.bytes).with_context(|| told(path))?)
            }
            Self::Folder(folder) => {
                let path = folder.join(format!("{:09}.hl7", message.record.seq));
                Ok(fs::write(&path, &message.bytes).with_context(|| told(&path))?)
            }
        }
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        if let Self::File(mut file, path) = self {
            file.flush()
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

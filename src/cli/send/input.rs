//! What is sent: files, folders and standard input, cut into frames.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;

use crate::cli::exit::{Exit, Failure, OrExit};
use crate::hl7::acknowledgment::{self, Code, Mode, Outcome};
use crate::hl7::{Message, batch};

/// One frame to be sent.
pub(super) struct Item {
    /// Which file it is out of; `None` for standard input.
    pub(super) file: Option<PathBuf>,
    /// What it is called in the output: `adt_a01.hl7`, `several.hl7#2`.
    pub(super) name: String,
    /// `ADT^A01`, or `-` for what cannot be read.
    pub(super) kind: String,
    /// The bytes between start and end block.
    pub(super) body: Bytes,
    /// The control IDs of the messages in it.
    pub(super) ids: Vec<Bytes>,
    /// How many acknowledgments it asks for.
    pub(super) due: Due,
}

/// How many acknowledgments a frame asks for (MSH-15, MSH-16; HL7 v2.9.1 §2.9.2, §2.9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// So many come in any case, if the receiver does as asked.
    pub(super) least: usize,
    /// No more than so many come.
    pub(super) most: usize,
}

impl Due {
    const ONE: Self = Self { least: 1, most: 1 };

    fn of(message: &Message) -> Self {
        if acknowledgment::is_acknowledgment(message) {
            return Self::default();
        }
        let header = message.header();
        let count = |outcome| {
            let asked = acknowledgment::requested(
                header.accept_acknowledgment_type(),
                header.application_acknowledgment_type(),
                Mode::Auto,
                outcome,
            );
            let replies: [Option<Code>; 2] = [asked.accept, asked.application];
            replies.iter().flatten().count()
        };
        let counts = [Outcome::Accept, Outcome::Error, Outcome::Reject].map(count);
        Self {
            least: counts.into_iter().min().unwrap_or(1),
            most: counts.into_iter().max().unwrap_or(1),
        }
    }
}

/// Everything that `paths` lead to, in order; folders are searched for `*.hl7` and `*.txt`, by name.
pub(super) fn collect(paths: &[PathBuf], split: bool) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin()
                .read_to_end(&mut bytes)
                .context("cannot read standard input")?;
            cut(None, "-", &bytes.into(), split, &mut items);
            continue;
        }
        let mut files = Vec::new();
        find(path, true, &mut files).or_exit(Exit::Failed)?;
        for file in files {
            let bytes =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let name = file.display().to_string();
            cut(Some(&file), &name, &bytes.into(), split, &mut items);
        }
    }
    if items.is_empty() {
        return Err(Failure::said(Exit::Usage, "there is no message to send")
            .hint("in folders, only files called *.hl7 or *.txt are taken"));
    }
    Ok(items)
}

fn find(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    let kind = fs::metadata(path).with_context(unreadable)?;
    if !kind.is_dir() {
        let ours = path.extension().is_some_and(|e| e == "hl7" || e == "txt");
        if named || ours {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    // A linked folder may lead back up; only one that was named is followed.
    if !named
        && fs::symlink_metadata(path)
            .with_context(unreadable)?
            .is_symlink()
    {
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(unreadable)?;
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(unreadable)?;
    entries.sort();
    entries
        .iter()
        .try_for_each(|entry| find(entry, false, files))
}

/// Cuts one file into frames: a batch in an envelope travels as one, several messages without one travel alone, and
/// what holds no message goes as it is, so that the receiver's answer to it can be seen.
fn cut(file: Option<&Path>, name: &str, bytes: &Bytes, split: bool, items: &mut Vec<Item>) {
    let found = batch::split(bytes);
    let messages: Vec<Bytes> = found
        .messages
        .iter()
        .map(|at| bytes.slice(at.clone()))
        .collect();
    let whole = found.enveloped && !split || messages.len() < 2;
    let frames = if whole {
        vec![without_framing(bytes)]
    } else {
        messages.clone()
    };
    let several = frames.len() > 1;
    for (index, body) in frames.into_iter().enumerate() {
        let inside = if whole {
            messages.clone()
        } else {
            vec![body.clone()]
        };
        let read: Vec<Message> = inside
            .into_iter()
            .filter_map(|message| Message::parse(message).ok())
            .collect();
        items.push(Item {
            file: file.map(Path::to_owned),
            name: if several {
                format!("{name}#{}", index + 1)
            } else {
                name.to_owned()
            },
            kind: kind(&read),
            ids: read
                .iter()
                .map(|message| Bytes::copy_from_slice(message.header().control_id()))
                .collect(),
            due: due(&read),
            body,
        });
    }
}

/// What answers are due for the messages of one frame. A receiver may answer a batch once or message by message.
fn due(messages: &[Message]) -> Due {
    match messages {
        [] => Due::ONE,
        [one] => Due::of(one),
        several => {
            let most = several.iter().map(|message| Due::of(message).most).sum();
            let least = usize::from(several.iter().any(|message| Due::of(message).least > 0));
            Due { least, most }
        }
    }
}

fn kind(messages: &[Message]) -> String {
    match messages {
        [] => "-".to_owned(),
        [one] => {
            let kind = one.header().kind().to_string();
            if kind.is_empty() {
                "-".to_owned()
            } else {
                kind
            }
        }
        several => format!("batch of {}", several.len()),
    }
}

/// Without the start and end block of a frame that was cut out of a capture.
fn without_framing(bytes: &Bytes) -> Bytes {
    let start = bytes.iter().take_while(|&&b| b == 0x0B).count();
    let tail = bytes
        .iter()
        .rev()
        .take_while(|b| matches!(b, 0x1C | b'\r' | b'\n'));
    let tail: Vec<u8> = tail.copied().collect();
    let stray = tail.iter().rposition(|&b| b == 0x1C).map_or(0, |at| at + 1);
    bytes.slice(start..(bytes.len() - stray).max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "MSH|^~\\&|A|B|C|D|20260308||ADT^A01|1|P|2.5.1\rPID|1\r";
    const TWO: &str = "MSH|^~\\&|A|B|C|D|20260308||ADT^A02|2|P|2.5.1\rPID|1\r";

    fn items(text: &str, split: bool) -> Vec<Item> {
        let mut items = Vec::new();
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        cut(None, "x", &bytes, split, &mut items);
        items
    }

    #[test]
    fn messages_without_an_envelope_travel_alone_and_a_batch_as_one_frame() {
        let loose = items(&format!("{ONE}{TWO}"), false);
        let names: Vec<_> = loose
            .iter()
            .map(|i| (i.name.as_str(), i.kind.as_str()))
            .collect();
        assert_eq!(names, [("x#1", "ADT^A01"), ("x#2", "ADT^A02")]);
        assert_eq!(loose[1].body, TWO);

        let text = format!("FHS|^~\\&\rBHS|^~\\&\r{ONE}{TWO}BTS|2\rFTS|1\r");
        let batch = items(&text, false);
        assert_eq!(batch.len(), 1);
        assert_eq!(batch[0].body, text);
        assert_eq!(
            (batch[0].kind.as_str(), batch[0].ids.len()),
            ("batch of 2", 2)
        );
        assert_eq!(batch[0].due, Due { least: 1, most: 2 });
        assert_eq!(items(&text, true).len(), 2);
    }

    #[test]
    fn what_is_no_message_is_sent_as_it_is() {
        let broken = items("PID|1||4711\r", false);
        assert_eq!((broken.len(), broken[0].kind.as_str()), (1, "-"));
        assert_eq!(broken[0].body, "PID|1||4711\r");
        assert_eq!(broken[0].due, Due::ONE);
    }

    #[test]
    fn mllp_bytes_out_of_a_capture_are_left_out_and_nothing_else() {
        let captured = items(&format!("\u{b}{ONE}\u{1c}\r"), false);
        assert_eq!(captured[0].body, ONE);
        let marked = items(&format!("\u{feff}{ONE}"), false);
        assert_eq!(marked[0].body, format!("\u{feff}{ONE}"));
    }

    #[test]
    fn the_sender_says_how_many_acknowledgments_come() {
        for (asked, least, most) in [
            ("", 1, 1),
            ("|||AL|NE", 1, 1),
            ("|||NE|NE", 0, 0),
            ("|||AL|AL", 2, 2),
            ("|||ER|SU", 1, 1),
            ("|||ER|NE", 0, 1),
        ] {
            let text = format!("MSH|^~\\&|A|B|C|D|20260308||ADT^A01|1|P|2.5.1{asked}\rPID|1\r");
            assert_eq!(items(&text, false)[0].due, Due { least, most }, "{asked}");
        }
        let answer = "MSH|^~\\&|A|B|C|D|20260308||ACK|9|P|2.5.1\rMSA|AA|1\r";
        assert_eq!(items(answer, false)[0].due, Due::default());
    }

    #[test]
    fn a_folder_gives_its_messages_by_name_and_no_other_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("odd")).unwrap();
        for name in ["b.hl7", "a.txt", "README.md", "odd/c.hl7"] {
            fs::write(folder.path().join(name), ONE).unwrap();
        }
        let items = collect(&[folder.path().to_owned()], false).unwrap();
        let names: Vec<_> = items
            .iter()
            .map(|item| {
                item.file
                    .as_ref()
                    .unwrap()
                    .strip_prefix(folder.path())
                    .unwrap()
            })
            .collect();
        assert_eq!(names, ["a.txt", "b.hl7", "odd/c.hl7"].map(Path::new));
    }
}

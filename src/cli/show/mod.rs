//! `wardwire show`: a message as a person reads it.

mod tree;

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;

use super::exit::{Ending, Exit, Failure};
use super::output::{Format, Output, content_allowed};
use crate::hl7::{Message, batch};

pub(super) use self::tree::Tree;

const EXAMPLES: &str = "\
Examples:
  wardwire show samples/adt_a01.hl7
  wardwire show samples/odd/batch.hl7                 every message of a batch
  wardwire show samples/adt_a01.hl7 --phi | grep PID-3
  wardwire show samples/adt_a01.hl7 --phi --format json

Each value stands beside its path, the word that conditions and steps in config.toml use. Oddities come first, with their \
byte offsets. Content is shown on a terminal, elsewhere only with --phi; control bytes are escaped.

Exit codes: 0 shown, 1 cannot be read, 2 it holds something that is no message.";

/// Show a message as a tree, each value with its path
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// A file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show content when standard output is no terminal, too
    #[arg(long)]
    phi: bool,
    /// Write the bytes as they are
    #[arg(long, conflicts_with_all = ["format", "full"])]
    raw: bool,
    /// Show long values in full
    #[arg(long)]
    full: bool,
    /// text, json (one object a message) or csv (one line a value)
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        default_value_t
    )]
    format: Format,
}

impl Show {
    pub(super) fn run(&self, out: &mut Output) -> Ending {
        content_allowed(self.phi)?;
        let bytes = self.read()?;
        if self.raw {
            out.bytes(&bytes)?;
            return Ok(Exit::Ok);
        }
        show_all(&bytes, self.format, self.full, out)
    }

    fn read(&self) -> Result<Bytes, Failure> {
        let mut bytes = Vec::new();
        if self.file.as_os_str() == "-" {
            std::io::stdin()
                .read_to_end(&mut bytes)
                .context("cannot read standard input")?;
        } else {
            bytes = std::fs::read(&self.file)
                .with_context(|| format!("cannot read {}", self.file.display()))?;
        }
        Ok(bytes.into())
    }
}

/// Shows every message in `bytes`, with the findings about a batch around them.
pub(super) fn show_all(bytes: &Bytes, format: Format, full: bool, out: &mut Output) -> Ending {
    let found = batch::split(bytes);
    let several = found.messages.len() > 1 || found.enveloped;
    if several && format == Format::Text {
        out.line(match found.messages.len() {
            1 => "1 message".to_owned(),
            count => format!("{count} messages"),
        })?;
        for finding in &found.findings {
            out.line(format_args!(
                "finding at byte {}: {}",
                finding.offset, finding.kind
            ))?;
        }
        out.line("")?;
    }
    if format == Format::Csv {
        out.line("message,path,value")?;
    }
    let parts = if several {
        found
            .messages
            .iter()
            .map(|at| (at.start, bytes.slice(at.clone())))
            .collect()
    } else {
        vec![(0, bytes.clone())]
    };
    let mut exit = Exit::Ok;
    for (index, (offset, part)) in parts.into_iter().enumerate() {
        match Message::parse(part) {
            Ok(message) => {
                if index > 0 && format == Format::Text {
                    out.line("")?;
                }
                Tree {
                    message: &message,
                    number: index + 1,
                    offset,
                    full,
                }
                .write(format, out)?;
            }
            Err(error) => {
                exit = Exit::Findings;
                super::tell(format_args!(
                    "wardwire: no HL7 v2 message: {} at byte {}",
                    error.kind,
                    offset + error.offset
                ));
            }
        }
    }
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Printed;

    /// What `show` prints for `message`.
    fn shown(message: &[u8], format: Format) -> String {
        let printed = Printed::default();
        let mut out = Output::into(printed.clone());
        show_all(&Bytes::copy_from_slice(message), format, false, &mut out).unwrap();
        printed.text()
    }

    const MESSAGE: &[u8] = b"MSH|^~\\&|LSGADT|LSG|||20260308||ADT^A01|M1|P|2.5.1||||||8859/1\r\
        PID|1||100311^^^LSG&1.2.3&ISO^MR~4711||M\xFCller^Jane\\T\\Ann||\"\"|F\r\
        what is this\r\
        OBX|1|TX|||line\x0bone\\.br\\two\rOBX|2|NM|||7\r";

    #[test]
    fn a_message_is_shown_value_by_value_with_paths() {
        insta::assert_snapshot!(shown(MESSAGE, Format::Text));
    }

    #[test]
    fn machines_get_the_same_as_json_and_csv() {
        insta::assert_snapshot!("json", shown(MESSAGE, Format::Json));
        insta::assert_snapshot!("csv", shown(MESSAGE, Format::Csv));
    }

    #[test]
    fn a_letter_that_holds_a_delimiters_byte_is_not_cut() {
        // ISO-2022-JP: the second byte of this letter is that of the escape character.
        let text =
            b"MSH|^~\\&|A|B|||2026||ADT^A08|1|P|2.5.1||||||ISO IR87\rPID|1||7||\x1b$B%\\\x1b(B^X\r";
        let shown = shown(text, Format::Csv);
        assert!(shown.contains("1,PID-5.1,\u{30dc}\n"), "{shown}");
        assert!(shown.contains("1,PID-5.2,X\n"), "{shown}");
    }

    #[test]
    fn a_batch_is_shown_with_what_is_wrong_with_it() {
        let text = "BHS|^~\\&\rMSH|^~\\&|A|B|||20260308||ADT^A01|1|P|2.3\rBTS|2\r";
        insta::assert_snapshot!(shown(text.as_bytes(), Format::Text));
    }
}

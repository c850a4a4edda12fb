//! stdout is data: one line after the other, as text for people or as JSON or CSV for programs. What is only for
//! people goes to stderr.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::exit::{Exit, Failure};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON value a result, one a line.
    Json,
    /// Comma-separated, the first line names the columns.
    Csv,
}

/// Standard output, buffered; a reader that has gone away ends the command quietly.
pub(super) struct Output(Box<dyn Write + Send>);

impl Output {
    pub(super) fn stdout() -> Self {
        let stdout: BufWriter<Stdout> = BufWriter::with_capacity(64 * 1024, io::stdout());
        Self(Box::new(stdout))
    }

    pub(super) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.0, "{line}").map_err(failed)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes).map_err(failed)
    }

    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(anyhow::Error::from)?;
        self.line(text)
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(failed)
    }
}

#[cfg(test)]
impl Output {
    pub(super) fn into(to: impl Write + Send + 'static) -> Self {
        Self(Box::new(to))
    }
}

/// What a command printed, for tests.
#[cfg(test)]
#[derive(Clone, Default)]
pub(super) struct Printed(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Printed {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::ReaderGone;
    }
    Failure::new(
        Exit::Failed,
        anyhow::Error::new(error).context("cannot write to standard output"),
    )
}

/// Says something to the person at the terminal. That nobody can hear it is no reason to stop.
pub(super) fn tell(line: impl Display) {
    let _nobody_there = writeln!(io::stderr().lock(), "{line}");
}

/// Whether stderr is a terminal: only there is progress shown.
pub(super) fn people_watch() -> bool {
    io::stderr().is_terminal()
}

/// May patients' data be written? To a terminal always (somebody asked for it), elsewhere only if that was said.
pub(super) fn content_allowed(phi: bool) -> Result<(), Failure> {
    allowed(phi, io::stdout().is_terminal())
}

fn allowed(phi: bool, terminal: bool) -> Result<(), Failure> {
    if phi || terminal {
        return Ok(());
    }
    let words = "message content is shown on a terminal only, and standard output is none";
    Err(Failure::said(Exit::Usage, words)
        .hint("add --phi if whoever gets this output may see patients' data"))
}

/// Rows under a head, in columns wide enough for what is in them.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self {
            head: head.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it as aligned text, as CSV, or as one JSON object a row whose keys are the column names.
    pub(super) fn write(&self, format: Format, out: &mut Output) -> Result<(), Failure> {
        match format {
            Format::Text => self.write_text(out),
            Format::Csv => self.write_csv(out),
            Format::Json => self.rows.iter().try_for_each(|row| {
                let pairs = self.head.iter().map(|name| key_of(name)).zip(row);
                let object: serde_json::Map<_, _> = pairs
                    .map(|(key, cell)| (key, serde_json::Value::String(cell.clone())))
                    .collect();
                out.json(&object)
            }),
        }
    }

    fn write_text(&self, out: &mut Output) -> Result<(), Failure> {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| width(cell)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let head = self.head.iter().map(|name| name.to_uppercase());
        out.line(aligned(&head.collect::<Vec<_>>(), &widths))?;
        self.rows
            .iter()
            .try_for_each(|row| out.line(aligned(row, &widths)))
    }

    fn write_csv(&self, out: &mut Output) -> Result<(), Failure> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let told = |error| anyhow::Error::new(error).context("cannot write CSV");
        csv.write_record(self.head.iter().map(|name| key_of(name)))
            .map_err(told)?;
        for row in &self.rows {
            csv.write_record(row).map_err(told)?;
        }
        let bytes = csv
            .into_inner()
            .map_err(|_| anyhow::anyhow!("cannot write CSV"))?;
        out.bytes(&bytes)
    }
}

/// `oldest waiting` → `oldest_waiting`.
fn key_of(name: &str) -> String {
    name.replace(' ', "_")
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (index, (cell, widest)) in cells.iter().zip(widths).enumerate() {
        if index > 0 {
            line.push_str("  ");
        }
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell))));
    }
    line.truncate(line.trim_end().len());
    line
}

/// `text` for a terminal: control characters, and those that turn or hide text, are written as `\x0B` or `\u202E`.
pub(super) fn printable(text: &str) -> String {
    let shown = |c: char| {
        let hidden = matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        match u32::from(c) {
            code if c.is_ascii_control() => format!("\\x{code:02X}"),
            code if c.is_control() || hidden => format!("\\u{code:04X}"),
            _ => c.to_string(),
        }
    };
    if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return text.to_owned();
    }
    text.chars().map(shown).collect()
}

/// `1234567` → `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_byte_that_could_drive_it() {
        assert_eq!(
            printable("\u{1b}[2J\r\n\u{202e}Müller\u{9b}"),
            "\\x1B[2J\\x0D\\x0A\\u202EMüller\\u009B"
        );
    }

    #[test]
    fn content_goes_to_a_terminal_or_where_phi_says_that_it_may() {
        assert!(allowed(false, true).is_ok());
        assert!(allowed(true, false).is_ok());
        let Err(Failure::Told { exit, hint, .. }) = allowed(false, false) else {
            panic!("content went into a pipe unasked");
        };
        assert_eq!(exit, Exit::Usage);
        assert!(hint.unwrap().contains("--phi"));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        assert_eq!(
            aligned(&["a".into(), "ü".into(), String::new()], &[3, 2, 4]),
            "a    ü"
        );
    }
}

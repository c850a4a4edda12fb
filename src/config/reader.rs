//! The text of a configuration file, places in it, and the faults found so far.

use std::cell::RefCell;
use std::ops::Range;

use super::fault::Fault;

/// The file's text and the faults found in it so far.
pub(super) struct Reader<'a> {
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            faults: RefCell::new(Vec::new()),
        }
    }

    /// Keeps a fault, once.
    pub(super) fn fault(&self, at: usize, key: &str, message: String, hint: Option<String>) {
        let (line, column) = self.place(at);
        let fault = Fault {
            line,
            column,
            key: key.to_owned(),
            message,
            hint,
        };
        let mut faults = self.faults.borrow_mut();
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// Line and column, both from 1, of byte `at`.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |last| last.chars().count())
            + 1;
        (line, column)
    }

    /// Byte offset of the first character of `line`, from 1, that is no blank.
    pub(super) fn line_start(&self, line: usize) -> usize {
        let before: usize = self
            .text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = self.text.get(before..).unwrap_or_default();
        before + (rest.len() - rest.trim_start().len())
    }

    /// The text between two byte offsets, as it stands in the file.
    pub(super) fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Where byte `offset` of the value stands whose source is `span`: behind the quotes, the line end that a text of several
    /// lines may begin with, and escapes.
    pub(super) fn inside(&self, span: &Range<usize>, offset: usize) -> usize {
        let source = self.source(span);
        let many = source.starts_with("\"\"\"") || source.starts_with("'''");
        let quotes = match source.chars().next() {
            Some('"' | '\'') if many => 3,
            Some('"' | '\'') => 1,
            _ => 0,
        };
        let mut rest = source.get(quotes..).unwrap_or_default();
        if many {
            rest = rest
                .strip_prefix("\r\n")
                .or_else(|| rest.strip_prefix('\n'))
                .unwrap_or(rest);
        }
        let escapes = source.starts_with('"');
        let mut left = offset;
        while left > 0 && !rest.is_empty() {
            let (taken, means) = match rest.strip_prefix('\\').filter(|_| escapes) {
                Some(escaped) => escape(escaped),
                None => rest
                    .chars()
                    .next()
                    .map_or((1, 1), |c| (c.len_utf8(), c.len_utf8())),
            };
            rest = rest.get(taken..).unwrap_or_default();
            left = left.saturating_sub(means);
        }
        span.end - rest.len()
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// How many bytes an escape takes in the file, with its backslash, and how many it stands for.
fn escape(behind: &str) -> (usize, usize) {
    let digits = match behind.chars().next() {
        Some('u') => 4,
        Some('U') => 8,
        Some('x') => 2,
        Some(' ' | '\t' | '\r' | '\n') => {
            // A backslash at the end of a line takes the blanks of the next with it.
            return (1 + behind.len() - behind.trim_start().len(), 0);
        }
        Some(other) => return (1 + other.len_utf8(), 1),
        None => return (1, 1),
    };
    let code = behind
        .get(1..=digits)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let meant = code.and_then(char::from_u32).map_or(1, char::len_utf8);
    (2 + digits, meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_value_is_found_behind_quotes_line_ends_and_escapes() {
        for (source, offset) in [
            ("'abX'", 2),
            ("\"abX\"", 2),
            ("'''\nabX'''", 2),
            ("\"\"\"\r\nabX\"\"\"", 2),
            ("\"a\\\"X\"", 2),
            ("\"\\u00FCX\"", 2),
            ("'üX'", 2),
            ("\"\"\"a\\\n   bX\"\"\"", 2),
        ] {
            let text = format!("key = {source}");
            let found = Reader::new(&text).inside(&(6..text.len()), offset);
            assert_eq!(text.get(found..=found), Some("X"), "{source}");
        }
    }
}

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

    pub(super) fn fault(&self, at: usize, key: &str, message: String, hint: Option<String>) {
        let (line, column) = self.place(at);
        self.faults.borrow_mut().push(Fault {
            line,
            column,
            key: key.to_owned(),
            message,
            hint,
        });
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

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

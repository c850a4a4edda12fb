//! Reading tables of a TOML file key by key, gathering every fault instead of stopping at the first.
//!
//! A [`Section`] hands out values by name and remembers which names were asked for: those are the keys there are, so
//! whatever else stands in the table is unknown, and the nearest of them is the "did you mean".

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::units;

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
        let before: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = self.text.get(before..).unwrap_or_default();
        before + (rest.len() - rest.trim_start().len())
    }

    /// The text between two byte offsets, as it stands in the file.
    fn source(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// One table. [`Section::finish`] must be called when everything it may hold was asked for.
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    /// Full name, `destination.lab`; empty for the file itself.
    name: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

/// A value with its place.
#[derive(Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    /// Byte offset of the value (inside the quotes for a text).
    pub(super) at: usize,
    /// The key's full name.
    pub(super) key: String,
}

type Value<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Section<'a> {
    pub(super) fn root(reader: &'a Reader<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::new(reader, String::new(), table.get_ref(), table.span())
    }

    fn new(
        reader: &'a Reader<'a>,
        name: String,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self {
            reader,
            name,
            table,
            span,
            asked: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Line of the table's head, from 1.
    pub(super) fn line(&self) -> usize {
        self.reader.place(self.span.start).0
    }

    pub(super) const fn reader(&self) -> &'a Reader<'a> {
        self.reader
    }

    fn key(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn raw(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// Whether the key stands in the table.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.raw(key).is_some()
    }

    /// Where the value of `key` stands, or the table's head if there is none.
    pub(super) fn at(&self, key: &'static str) -> usize {
        self.raw(key)
            .map_or(self.span.start, |value| value.span().start)
    }

    /// Reports a fault at the value of `key`, or at the table's head where it has no such key.
    pub(super) fn fault(
        &self,
        key: &'static str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.reader
            .fault(self.at(key), &self.key(key), message.into(), hint);
    }

    /// Reports a fault at the table `[key.name]`.
    pub(super) fn fault_in(&self, key: &'static str, name: &str, message: String) {
        let inner = self.raw(key).and_then(|value| value.get_ref().as_table());
        let found = inner.and_then(|table| table.iter().find(|(known, _)| known.get_ref() == name));
        let at = found.map_or_else(|| self.at(key), |(known, _)| known.span().start);
        self.reader.fault(at, &format!("{key}.{name}"), message, None);
    }

    /// Reports a fault of the table as a whole, at its head.
    pub(super) fn fault_here(&self, message: &str, hint: Option<String>) {
        self.reader.fault(self.span.start, &self.name, message.to_owned(), hint);
    }

    /// Reports a missing key; `None` if it is missing.
    pub(super) fn required_key(&self, key: &'static str) -> Option<()> {
        if self.has(key) {
            return Some(());
        }
        self.fault_here(&format!("{key} is missing"), None);
        None
    }

    /// The keys that stand in the table.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.table.iter().map(|(key, _)| key.get_ref().to_string())
    }

    fn wrong_type(&self, key: &str, value: Value<'_>, expected: &str) {
        let found = value.get_ref().type_str();
        let message = format!("expected {expected}, found {}", with_article(found));
        self.reader
            .fault(value.span().start, &self.key(key), message, None);
    }

    /// A text, with its place.
    pub(super) fn text(&self, key: &'static str) -> Option<Placed<String>> {
        let value = self.raw(key)?;
        self.as_text(key, value)
    }

    fn as_text(&self, key: &str, value: Value<'a>) -> Option<Placed<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a text in quotes");
            return None;
        };
        let span = value.span();
        let quotes = if self.reader.source(&span).starts_with(['"', '\'']) {
            1
        } else {
            0
        };
        Some(Placed {
            value: text.to_owned(),
            at: span.start + quotes,
            key: self.key(key),
        })
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str, example: &str) -> Option<Placed<String>> {
        if !self.has(key) {
            let hint = format!("write {key} = {example}");
            let message = format!("{key} is missing");
            self.reader
                .fault(self.span.start, &self.name, message, Some(hint));
            return None;
        }
        self.text(key)
    }

    /// A text that [`std::str::FromStr`] reads; `expected` says what it must be.
    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        key: &'static str,
        expected: &str,
    ) -> Option<T> {
        let text = self.text(key)?;
        let parsed = text.value.parse().ok();
        if parsed.is_none() {
            self.fault(key, format!("expected {expected}"), None);
        }
        parsed
    }

    /// A list of texts; one text stands for a list of one.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let value = self.raw(key)?;
        if let Some(list) = value.get_ref().as_array() {
            return Some(
                list.iter()
                    .filter_map(|item| self.as_text(key, item))
                    .collect(),
            );
        }
        self.as_text(key, value).map(|one| vec![one])
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    /// A whole number within `range`.
    pub(super) fn integer(&self, key: &'static str, range: Range<u64>) -> Option<u64> {
        let value = self.raw(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number");
            return None;
        };
        let parsed = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let found = parsed.filter(|number| range.contains(number));
        if found.is_none() {
            let (from, to) = (range.start, range.end - 1);
            self.fault(
                key,
                format!("expected a whole number from {from} to {to}"),
                None,
            );
        }
        found
    }

    /// A duration such as `"30s"`.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        self.unit(key, units::duration, units::DURATION_EXPECTED)
    }

    /// A size such as `"16MiB"`, in bytes.
    pub(super) fn size(&self, key: &'static str) -> Option<u64> {
        self.unit(key, units::size, units::SIZE_EXPECTED)
    }

    fn unit<T>(
        &self,
        key: &'static str,
        parse: fn(&str) -> Option<T>,
        expected: &str,
    ) -> Option<T> {
        let value = self.raw(key)?;
        let parsed = value.get_ref().as_str().and_then(parse);
        if parsed.is_none() {
            self.fault(key, format!("expected {expected}"), None);
        }
        parsed
    }

    /// One word out of a closed list.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text.value)
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = did_you_mean(&text.value, names.iter().copied());
            self.fault(key, format!("expected one of {}", names.join(", ")), hint);
        }
        found
    }

    /// A table inside this one.
    pub(super) fn section(&self, key: &'static str) -> Option<Self> {
        let value = self.raw(key)?;
        self.as_section(self.key(key), key, value)
    }

    fn as_section(&self, name: String, key: &str, value: Value<'a>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(Self::new(self.reader, name, table, value.span()))
    }

    /// The tables `[key.NAME]` in the order of the file, each with its name.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(Placed<String>, Self)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut found: Vec<_> = all
            .table
            .iter()
            .filter_map(|(name, value)| {
                let full = format!("{}.{}", all.name, name.get_ref());
                let section = all.as_section(full.clone(), name.get_ref(), value)?;
                let name = Placed {
                    value: name.get_ref().to_string(),
                    at: name.span().start,
                    key: full,
                };
                Some((name, section))
            })
            .collect();
        found.sort_by_key(|(name, _)| name.at);
        found
    }

    /// The keys and values of a table whose keys are free: texts only.
    pub(super) fn entries(&self, key: &'static str) -> Option<Vec<(String, Placed<String>)>> {
        let section = self.section(key)?;
        let texts = section.table.iter().filter_map(|(name, value)| {
            Some((
                name.get_ref().to_string(),
                section.as_text(name.get_ref(), value)?,
            ))
        });
        Some(texts.collect())
    }

    /// The tables of `[[key]]`, in order.
    pub(super) fn list(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        self.as_list(self.key(key), key, value)
    }

    fn as_list(&self, name: String, key: &str, value: Value<'a>) -> Vec<Self> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(key, value, &format!("a list of tables, as in [[{key}]]"));
            return Vec::new();
        };
        let sections = array
            .iter()
            .filter_map(|item| self.as_section(name.clone(), key, item));
        sections.collect()
    }

    /// The lists of `[[key.NAME]]` in the order of the file, each with its name.
    pub(super) fn named_lists(&self, key: &'static str) -> Vec<(Placed<String>, Vec<Self>)> {
        let Some(all) = self.section(key) else {
            return Vec::new();
        };
        let mut found: Vec<_> = all
            .table
            .iter()
            .map(|(name, value)| {
                let full = format!("{}.{}", all.name, name.get_ref());
                let list = all.as_list(full.clone(), name.get_ref(), value);
                let at = name.span().start;
                (
                    Placed {
                        value: name.get_ref().to_string(),
                        at,
                        key: full,
                    },
                    list,
                )
            })
            .collect();
        found.sort_by_key(|(name, _)| name.at);
        found
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if !asked.contains(&name) {
                let hint = did_you_mean(name, asked.iter().copied()).or_else(|| {
                    let mut known: Vec<&str> = asked.clone();
                    known.sort_unstable();
                    known.dedup();
                    Some(format!("known here: {}", known.join(", ")))
                });
                let at = key.span().start;
                self.reader
                    .fault(at, &self.key(name), "unknown key".to_owned(), hint);
            }
        }
    }
}

/// `did you mean NAME?` for the nearest of `known`, if one is near.
pub(super) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let near = known
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= (name.len().max(3) / 3))
        .min()?;
    Some(format!("did you mean {}?", near.1))
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

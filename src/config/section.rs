//! Reading tables of a TOML file key by key, gathering every fault instead of stopping at the first.
//!
//! A [`Section`] hands out values by name and remembers which names were asked for: those are the keys there are, so
//! whatever else stands in the table is unknown, and the nearest of them is the "did you mean".

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use zeroize::Zeroizing;

use super::reader::Reader;
use super::{secret, units};

/// One table. [`Section::finish`] must be called when everything it may hold was asked for.
pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    /// Full name, `destination.lab`; empty for the file itself.
    pub(super) name: String,
    pub(super) table: &'a DeTable<'a>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

/// A value with its place.
#[derive(Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    /// Byte offset of the value (inside the quotes for a text).
    pub(super) at: usize,
    /// The value in the file, quotes and all; empty for names.
    pub(super) span: Range<usize>,
    /// The key's full name.
    pub(super) key: String,
}

pub(super) type Value<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Section<'a> {
    pub(super) fn root(reader: &'a Reader<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::new(reader, String::new(), table.get_ref(), table.span())
    }

    pub(super) fn new(
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

    /// Line of the table's head, from 1.
    pub(super) fn line(&self) -> usize {
        self.reader.place(self.span.start).0
    }

    pub(super) const fn reader(&self) -> &'a Reader<'a> {
        self.reader
    }

    pub(super) fn key(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    pub(super) fn raw(&self, key: &'static str) -> Option<Value<'a>> {
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

    /// Reports a fault at byte `offset` of the text `placed`.
    pub(super) fn fault_inside(
        &self,
        placed: &Placed<String>,
        offset: usize,
        message: String,
        hint: Option<String>,
    ) {
        let at = self.reader.inside(&placed.span, offset);
        self.reader.fault(at, &placed.key, message, hint);
    }

    /// Reports a fault at the table `[key.name]`.
    pub(super) fn fault_in(&self, key: &'static str, name: &str, message: String) {
        let inner = self.raw(key).and_then(|value| value.get_ref().as_table());
        let found = inner.and_then(|table| table.iter().find(|(known, _)| known.get_ref() == name));
        let at = found.map_or_else(|| self.at(key), |(known, _)| known.span().start);
        self.reader
            .fault(at, &format!("{key}.{name}"), message, None);
    }

    /// Reports a fault of the table as a whole, at its head.
    pub(super) fn fault_here(&self, message: &str, hint: Option<String>) {
        self.reader
            .fault(self.span.start, &self.name, message.to_owned(), hint);
    }

    /// Reports a missing key; `None` if it is missing.
    pub(super) fn required_key(&self, key: &'static str, example: &str) -> Option<()> {
        if self.has(key) {
            return Some(());
        }
        self.fault_here(
            &format!("{key} is missing"),
            Some(format!("write {key} = {example}")),
        );
        None
    }

    /// The keys that stand in the table.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.table.iter().map(|(key, _)| key.get_ref().to_string())
    }

    pub(super) fn wrong_type(&self, key: &str, value: Value<'_>, expected: &str) {
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

    pub(super) fn as_text(&self, key: &str, value: Value<'a>) -> Option<Placed<String>> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "a text in quotes");
            return None;
        };
        let span = value.span();
        let at = self.reader.inside(&span, 0);
        Some(Placed {
            value: text.to_owned(),
            at,
            span,
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

    /// Whether a duration is there and zero.
    pub(super) fn duration_is_zero(&self, key: &'static str) -> bool {
        let text = self.raw(key).and_then(|value| value.get_ref().as_str());
        text.and_then(units::duration)
            .is_some_and(|time| time.is_zero())
    }

    /// A secret: `env:NAME` or `file:PATH`.
    pub(super) fn secret(&self, key: &'static str, folder: &Path) -> Option<Zeroizing<String>> {
        self.resolve_secret(&self.text(key)?, folder)
    }

    /// What the secret reference `text` leads to.
    pub(super) fn resolve_secret(
        &self,
        text: &Placed<String>,
        folder: &Path,
    ) -> Option<Zeroizing<String>> {
        match secret::resolve(&text.value, folder) {
            Ok(secret) => Some(secret),
            Err(error) => {
                self.reader
                    .fault(text.at, &text.key, error.to_string(), None);
                None
            }
        }
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

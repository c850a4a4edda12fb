//! A line of pathways, word by word: what is expected where.

use std::sync::Arc;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::PathwaysError;
use crate::simulate::random::{Odds, Spread};

pub(super) const SPREAD: &str = "a duration such as 30m, or a range such as 10m..2h";

/// A word and where it begins (in characters, from 1).
#[derive(Clone, Debug)]
struct Word {
    text: String,
    column: u32,
}

/// The words of one line that have not been read yet.
pub(super) struct Line<'a> {
    number: u32,
    text: &'a str,
    words: Vec<Word>,
    next: usize,
}

impl<'a> Line<'a> {
    /// Cuts a line at blanks; `"…"` is one word, `#` ends the line.
    pub(super) fn cut(number: u32, text: &'a str) -> Result<Self, PathwaysError> {
        let mut words: Vec<Word> = Vec::new();
        let mut word: Option<Word> = None;
        let mut quoted = false;
        for (column, c) in (1..).zip(text.chars()) {
            let begun = |text: String| Word { text, column };
            match c {
                '"' if quoted => {
                    quoted = false;
                    words.extend(word.take());
                }
                '"' if word.is_none() => {
                    quoted = true;
                    word = Some(begun(String::new()));
                }
                '#' if !quoted => break,
                _ if c.is_whitespace() && !quoted => words.extend(word.take()),
                _ => word
                    .get_or_insert_with(|| begun(String::new()))
                    .text
                    .push(c),
            }
        }
        let line = |words| Self {
            number,
            text,
            words,
            next: 0,
        };
        if let (true, Some(open)) = (quoted, &word) {
            return Err(
                line(Vec::new()).error(open.column, "a closing quotation mark in this line")
            );
        }
        words.extend(word);
        Ok(line(words))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn has_more(&self) -> bool {
        self.next < self.words.len()
    }

    /// Where the next word begins, or the line's end.
    pub(super) fn column(&self) -> u32 {
        let end = || u32::try_from(self.text.trim_end().chars().count()).unwrap_or(u32::MAX) + 1;
        self.words
            .get(self.next)
            .map_or_else(end, |word| word.column)
    }

    pub(super) fn error(&self, column: u32, expected: impl Into<String>) -> PathwaysError {
        PathwaysError {
            line: self.number,
            column,
            expected: expected.into(),
            text: self.text.to_owned(),
        }
    }

    /// The error that something else is expected where the next word begins.
    pub(super) fn here(&self, expected: impl Into<String>) -> PathwaysError {
        self.error(self.column(), expected)
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.ahead(0)
    }

    /// The word that comes `count` words after the next.
    pub(super) fn ahead(&self, count: usize) -> Option<&str> {
        self.words.get(self.next + count).map(|word| &*word.text)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// The next word, read by `read`.
    pub(super) fn value<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, PathwaysError> {
        let value = self.peek().and_then(read);
        let value = value.ok_or_else(|| self.here(expected))?;
        self.skip();
        Ok(value)
    }

    /// The next word must be this one.
    pub(super) fn word(&mut self, wanted: &str) -> Result<(), PathwaysError> {
        self.value(&format!("`{wanted}`"), |word| {
            (word == wanted).then_some(())
        })
    }

    /// A name: letters, digits and `_`.
    pub(super) fn name(&mut self, what: &str) -> Result<Arc<str>, PathwaysError> {
        self.value(&format!("{what}: letters, digits and _"), |word| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!word.is_empty() && word.chars().all(fits)).then(|| word.into())
        })
    }

    /// Any word, as for a title.
    pub(super) fn text(&mut self, what: &str) -> Result<Arc<str>, PathwaysError> {
        self.value(what, |word| (!word.is_empty()).then(|| word.into()))
    }

    pub(super) fn number(&mut self, what: &str, most: u32) -> Result<u32, PathwaysError> {
        self.value(&format!("{what}: a number up to {most}"), |word| {
            word.parse().ok().filter(|number| *number <= most)
        })
    }

    pub(super) fn odds(&mut self) -> Result<Odds, PathwaysError> {
        self.value("a share such as 5% or 0.5%", Odds::read)
    }

    pub(super) fn spread(&mut self) -> Result<Spread, PathwaysError> {
        self.value(SPREAD, spread)
    }

    /// One of `known`, by its place; what is not among them is told with the likeliest.
    pub(super) fn one_of<'b>(
        &mut self,
        what: &str,
        known: impl Iterator<Item = &'b str> + Clone,
    ) -> Result<usize, PathwaysError> {
        let word = self.peek().unwrap_or_default();
        if let Some(at) = known.clone().position(|name| name == word) {
            self.skip();
            return Ok(at);
        }
        Err(self.here(among(what, word, known)))
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), PathwaysError> {
        if self.has_more() {
            return Err(self.here("the end of the line"));
        }
        Ok(())
    }
}

/// `a unit: ED, MED or ICU; did you mean MED?`
fn among<'b>(what: &str, word: &str, known: impl Iterator<Item = &'b str> + Clone) -> String {
    let likely = known
        .clone()
        .map(|name| (strsim::osa_distance(name, word), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    let names: Vec<&str> = known.collect();
    let listed = match names.split_last() {
        None => return format!("{what}, and there is none yet"),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    };
    match likely {
        Some((_, name)) if !word.is_empty() => format!("{what}: {listed}; did you mean {name}?"),
        _ => format!("{what}: {listed}"),
    }
}

/// `30m` or `10m..2h`.
fn spread(text: &str) -> Option<Spread> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (seconds(least)?, seconds(most)?);
    (least <= most).then_some(Spread { least, most })
}

/// `90s`, `30m`, `2h`, `1d`: not negative, 400 days at most.
fn seconds(text: &str) -> Option<i64> {
    const MOST: i64 = 400 * 24 * 3600;
    let span: Span = text.parse().ok()?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let seconds = duration.as_secs();
    (0..=MOST).contains(&seconds).then_some(seconds)
}

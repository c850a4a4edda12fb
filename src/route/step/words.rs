//! Steps that change text: trim, upper, lower, replace, pad, substr.

use std::borrow::Cow;

use super::edit::{Change, Missing, Work, level, new_text, one_text};
use super::run::Fault;
use super::{Find, Side};
use crate::hl7::{Path, Value};
use crate::route::text::Text;

impl Work<'_> {
    /// Changes the text of every component and subcomponent in the value, one by one.
    pub(super) fn each_word(
        &mut self,
        path: &Path,
        change: impl for<'v> Fn(&'v str) -> Cow<'v, str>,
    ) -> Result<(), Fault> {
        self.rewrite(path, Missing::LeaveOut, |text, raw| {
            change_words(text, raw, &change)
        })
    }

    /// Changes the text of the value, which must be one.
    pub(super) fn one_word(
        &mut self,
        path: &Path,
        change: impl Fn(&str) -> String,
    ) -> Result<(), Fault> {
        self.rewrite(path, Missing::LeaveOut, |text, raw| {
            match one_text(text, raw)? {
                Some(old) => new_text(text, &old, &change(&old)),
                None => Ok(None),
            }
        })
    }
}

fn change_words(
    text: Text<'_>,
    raw: &[u8],
    change: impl for<'v> Fn(&'v str) -> Cow<'v, str>,
) -> Change {
    let delimiters = text.delimiters();
    let mut out = Vec::with_capacity(raw.len());
    let mut any = false;
    let mut rest = raw;
    loop {
        let end = rest.iter().position(|&byte| level(byte, delimiters) > 0);
        let (word, after) = rest
            .split_at_checked(end.unwrap_or(rest.len()))
            .unwrap_or((rest, &[]));
        let changed = match Value::from(Some(word)) {
            Value::Populated(word) => {
                let old = text.decode(word);
                new_text(text, &old, &change(&old))?
            }
            Value::NotPopulated | Value::DeleteIndicator => None,
        };
        any |= changed.is_some();
        out.extend_from_slice(changed.as_deref().unwrap_or(word));
        let Some((separator, after)) = after.split_first() else {
            return Ok(any.then_some(out));
        };
        out.push(*separator);
        rest = after;
    }
}

/// `text` with every match replaced.
pub(super) fn replaced<'v>(text: &'v str, find: &Find, with: &str) -> Cow<'v, str> {
    match find {
        Find::Text(find) => Cow::Owned(text.replace(find.as_str(), with)),
        Find::Regex(regex) => regex.replace_all(text, with),
    }
}

/// `text` filled up to `width` characters.
pub(super) fn padded(text: &str, width: usize, filler: char, side: Side) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let fill = std::iter::repeat_n(filler, missing);
    match side {
        Side::Left => fill.chain(text.chars()).collect(),
        Side::Right => text.chars().chain(fill).collect(),
    }
}

/// `length` characters of `text` from character `start`, counted from 1.
pub(super) fn part(text: &str, start: usize, length: Option<usize>) -> String {
    let kept = text.chars().skip(start.saturating_sub(1));
    kept.take(length.unwrap_or(usize::MAX)).collect()
}

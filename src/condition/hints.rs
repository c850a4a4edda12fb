//! What the writer of a faulty condition probably meant.

use nom::Parser;
use nom::bytes::complete::take_while;

use super::grammar::Parsed;
use crate::hl7::Path;

/// The characters up to the next blank, quote or bracket.
fn next(at: &str) -> &str {
    let parsed: Parsed<'_, &str> =
        take_while(|c: char| !c.is_whitespace() && !"\"'()".contains(c)).parse(at);
    parsed.map_or("", |(_, token)| token)
}

fn lower_case(token: &str, words: &[&str]) -> Option<String> {
    let lower = token.to_ascii_lowercase();
    let known = words.contains(&lower.as_str()) && lower != token;
    known.then(|| format!("write {lower} in lower case"))
}

/// Where a path, `not` or `(` should be.
pub(super) fn testing(at: &str) -> Option<String> {
    let token = next(at);
    if token.starts_with('!') {
        return Some("write not".to_owned());
    }
    if token.is_empty() && at.starts_with(['"', '\'']) {
        return Some("the path comes first: PID-8 = \"F\"".to_owned());
    }
    let upper = token.to_ascii_uppercase();
    let readable = upper != token && upper.parse::<Path>().is_ok();
    lower_case(token, &["not"]).or_else(|| readable.then(|| format!("write {upper}")))
}

/// Where a word behind a path should be.
pub(super) fn asking(at: &str) -> Option<String> {
    const WORDS: [&str; 5] = ["in", "matches", "exists", "empty", "null"];
    let token = next(at);
    let starts = |with: &str| at.starts_with(with);
    if starts("==") {
        return Some("use = to compare".to_owned());
    }
    if starts("=~") || starts("~") || token == "like" || token == "contains" {
        return Some("use matches \"regex\"".to_owned());
    }
    if starts("<>") {
        return Some("use !=".to_owned());
    }
    if starts("is") {
        return Some("leave is out: PID-8 empty, PID-8 null, PID-8 = \"F\"".to_owned());
    }
    if token == "absent" || token == "missing" {
        return Some("write empty".to_owned());
    }
    let close = |word: &&str| strsim::damerau_levenshtein(word, token) <= 2;
    let near = || WORDS.into_iter().filter(|_| token.len() > 2).find(close);
    lower_case(token, &["in", "not", "matches", "exists", "empty", "null"])
        .or_else(|| near().map(|word| format!("did you mean {word}?")))
}

/// Where `and`, `or` or an end should be.
pub(super) fn joining(at: &str) -> Option<String> {
    let token = next(at);
    if at.starts_with('&') || at.starts_with(',') {
        return Some("write and".to_owned());
    }
    if at.starts_with('|') {
        return Some("write or".to_owned());
    }
    if at.starts_with(')') {
        return Some("there is no ( for this )".to_owned());
    }
    lower_case(token, &["and", "or"])
}

/// Where a segment stands alone and a field should be.
pub(super) fn segment(at: &str) -> Option<String> {
    let token = next(at);
    lower_case(token, &["and", "not"]).or_else(|| {
        Some(format!(
            "only exists and empty can be asked of a segment: {token} exists"
        ))
    })
}

/// Where a set should be.
pub(super) fn set(at: &str) -> Option<String> {
    let token = next(at);
    if at.starts_with(['"', '\'', '[']) {
        return Some("put the values in round brackets: in (\"A\", \"B\")".to_owned());
    }
    (!token.is_empty()).then(|| format!("write table({token}) for a table of that name"))
}

/// Where a value should be.
pub(super) fn quotes(at: &str) -> Option<String> {
    let token = next(at).trim_end_matches(',');
    if at.starts_with([
        '\u{201C}', '\u{201D}', '\u{201E}', '\u{2018}', '\u{2019}', '`',
    ]) {
        return Some("use straight quotes: \" or '".to_owned());
    }
    if token == "null" || token == "empty" {
        return Some(format!("write {token} right behind the path"));
    }
    if token == "=" || token.starts_with('=') {
        return Some("use a single sign".to_owned());
    }
    (!token.is_empty()).then(|| format!("put text in quotes: \"{token}\""))
}

//! Rust source as the house rules see it: without comments and literals, and as the paths it names.
//!
//! No parser, only as much reading as the rules of `architecture.rs` need: a doc comment that mentions a module is no
//! import, and neither is a string.

/// `text` with comments, string and character literals turned into blanks, byte for byte, so that offsets stay.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(text, at);
        for byte in out.iter_mut().take(end).skip(at) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none does.
fn literal_end(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    let find = |from: usize, what: &[u8]| {
        let found = rest[from..].windows(what.len()).position(|w| w == what);
        at + found.map_or(rest.len(), |p| from + p + what.len())
    };
    let in_word = at > 0 && is_word(text.as_bytes()[at - 1]);
    match rest {
        [b'/', b'/', ..] => find(0, b"\n").min(text.len()),
        [b'/', b'*', ..] => find(2, b"*/"),
        [b'"', ..] => quoted_end(rest, at, 1),
        [b'b' | b'c', b'"', ..] if !in_word => quoted_end(rest, at, 2),
        [b'r', b'"' | b'#', ..] if !in_word => raw_end(rest, at, 1),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => raw_end(rest, at, 2),
        [b'\'', b'\\', _, ..] => find(3, b"'"),
        // 'x' is a character, 'x without a quote behind it a lifetime.
        [b'\'', ..] => {
            let width = text[at + 1..].chars().next().map_or(0, char::len_utf8);
            let closed = rest.get(1 + width) == Some(&b'\'');
            if closed { at + width + 2 } else { at }
        }
        _ => at,
    }
}

fn quoted_end(rest: &[u8], at: usize, open: usize) -> usize {
    let mut i = open;
    while i < rest.len() && rest[i] != b'"' {
        i += if rest[i] == b'\\' { 2 } else { 1 };
    }
    (at + i + 1).min(at + rest.len())
}

fn raw_end(rest: &[u8], at: usize, letters: usize) -> usize {
    let hashes = rest[letters..].iter().take_while(|b| **b == b'#').count();
    if rest.get(letters + hashes) != Some(&b'"') {
        return at; // r#keyword
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let body = letters + hashes + 1;
    let found = rest[body..].windows(close.len()).position(|w| w == close);
    at + found.map_or(rest.len(), |p| body + p + close.len())
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The line, counted from 1, of a byte offset.
pub(crate) fn line(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

/// Every path in `code` (`crate::hl7::Message`), with its offset; `use a::{b, c::d}` gives `a::b` and `a::c::d`.
pub(crate) fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(code);
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (offset, token) = tokens[at];
        let begins = is_word(token.as_bytes()[0]) && (at == 0 || tokens[at - 1].1 != "::");
        let used = at > 0 && tokens[at - 1].1 == "use";
        if begins && (used || tokens.get(at + 1).is_some_and(|t| t.1 == "::")) {
            at = tree(&tokens, at, &[], offset, &mut out);
        } else {
            at += 1;
        }
    }
    out
}

fn tokens(code: &str) -> Vec<(usize, &str)> {
    let bytes = code.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| is_word(**b)).count();
        let length = match length {
            0 if bytes[at..].starts_with(b"::") => 2,
            0 => 1,
            n => n,
        };
        if !code.is_char_boundary(at) || bytes[at].is_ascii_whitespace() || !bytes[at].is_ascii() {
            at += 1;
            continue;
        }
        out.push((at, &code[at..at + length]));
        at += length;
    }
    out
}

/// One path or use tree from token `at`, behind `prefix`; gives the token after it.
fn tree(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    offset: usize,
    out: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    let is = |at: usize, what: &str| tokens.get(at).is_some_and(|t| t.1 == what);
    while let Some((_, token)) = tokens.get(at) {
        if *token == "{" {
            at += 1;
            while at < tokens.len() && !is(at, "}") {
                at = if is(at, ",") {
                    at + 1
                } else {
                    tree(tokens, at, &path, tokens[at].0, out).max(at + 1)
                };
            }
            return at + 1;
        }
        if !is_word(token.as_bytes()[0]) && *token != "*" {
            break;
        }
        path.push((*token).to_owned());
        at += 1;
        if !is(at, "::") {
            break;
        }
        at += 1;
    }
    if is(at, "as") {
        at += 2;
    }
    out.push((offset, path));
    at
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = "a /* b */ \"c\\\"c\" r#\"d\"# 'e' '\\'' <'f> // g\nb\"h\" 'é' r#type";
    let left = code(text);
    assert_eq!(left.len(), text.len());
    let words: Vec<_> = left.split_whitespace().collect();
    assert_eq!(words, ["a", "<'f>", "r#type"]);
}

#[test]
fn use_trees_are_taken_apart() {
    let found = paths(
        "use crate::{hl7, route::{Plan, *}, mllp::Frame as F}; x(std::fs::read(p)); use toml;",
    );
    let found: Vec<_> = found.into_iter().map(|(_, p)| p.join("::")).collect();
    assert_eq!(
        found,
        [
            "crate::hl7",
            "crate::route::Plan",
            "crate::route::*",
            "crate::mllp::Frame",
            "std::fs::read",
            "toml"
        ]
    );
}

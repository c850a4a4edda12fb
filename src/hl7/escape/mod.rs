//! Escape sequences (HL7 v2.9.1 §2.6): from the bytes of one value to what they say, and back.
//!
//! Everything here works on bytes in the sender's character set and on the smallest unit: a component or subcomponent
//! that has already been cut out. What is not understood stays as it is; nothing is dropped.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::memchr;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::map_opt;
use nom::error::Error;
use nom::sequence::delimited;
use nom::{IResult, Parser};

use super::delimiters::Delimiters;

/// More lines or blanks than this are not rendered for one `\.sp\` or `\.sk\`, whatever number it has.
const MOST_BLANKS: usize = 100;

/// What stands between two escape characters.
enum Sequence<'a> {
    /// `\F\ \S\ \T\ \R\ \E\ \P\`: a character that would otherwise separate.
    Character(u8),
    /// `\X0D0A\`: pairs of hexadecimal digits.
    Hexadecimal(&'a [u8]),
    /// Formatting: `\H\ \N\ \.br\ \.sp2\`. Part of the value.
    Formatting(&'a [u8]),
    /// Recognised and left alone: `\Cxxyy\`, `\Mxxyyzz\`, `\Z…\`, a `\X…\` that is no pairs of digits.
    Kept(&'a [u8]),
}

/// What a value says: `\F\ \S\ \T\ \R\ \E\ \P\` and `\Xhh…\` are decoded, everything else is kept as sent: formatting
/// (`\.br\`, `\H\`), other character sets (`\C…\`, `\M…\`), local sequences (`\Z…\`), and escape characters
/// that begin no sequence (`C:\x`). Not copied if there is nothing to decode.
///
/// An escaped separator that the message does not declare means the recommended one; `\P\` is `#` then.
#[must_use]
pub fn decode<'a>(value: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    rewrite(value, delimiters, |sequence, out| match sequence {
        Sequence::Formatting(_) | Sequence::Kept(_) => None,
        said => say(&said, delimiters, out),
    })
}

/// The value for people: as [`decode`], with formatting rendered: line breaks for `\.br\ \.sp\ \.ce\`, blanks for
/// `\.sk\`, nothing for the others. Never write the result back.
#[must_use]
pub fn plain_text<'a>(value: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    rewrite(value, delimiters, |sequence, out| match sequence {
        Sequence::Formatting(command) => {
            render(command, out);
            Some(())
        }
        said => say(&said, delimiters, out),
    })
}

/// The value written so that [`decode`] gives it back and nothing in it can end a component, field, segment or frame:
/// delimiters become `\F\` and so on, control bytes (CR, LF, VT, FS, …) `\X0D\`, and a value that is just `""`, which
/// would mean "delete", `\X2222\`. Not copied if there is nothing to escape.
///
/// In a message that declares no escape character there is no such spelling: every byte in question becomes a blank.
/// Where that matters, use [`encode_exact`].
#[must_use]
pub fn encode<'a>(value: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    encode_exact(value, delimiters).unwrap_or_else(|| {
        let harmless = |&byte: &u8| {
            if is_special(byte, delimiters) {
                b' '
            } else {
                byte
            }
        };
        Cow::Owned(value.iter().map(harmless).collect())
    })
}

/// As [`encode`], and `None` where the message declares no escape character and the value needs one.
#[must_use]
pub fn encode_exact<'a>(value: &'a [u8], delimiters: &Delimiters) -> Option<Cow<'a, [u8]>> {
    let first = value.iter().position(|&b| is_special(b, delimiters));
    let deletes = value == b"\"\"";
    if first.is_none() && !deletes {
        return Some(Cow::Borrowed(value));
    }
    let escape = delimiters.escape?;
    if deletes {
        return Some(Cow::Owned([&[escape], &b"X2222"[..], &[escape]].concat()));
    }
    let mut out = Vec::with_capacity(value.len() + 16);
    for &byte in value {
        if !is_special(byte, delimiters) {
            out.push(byte);
            continue;
        }
        out.push(escape);
        match letter(byte, delimiters) {
            Some(letter) => out.push(letter),
            None => out.extend([b'X', hexadecimal(byte >> 4), hexadecimal(byte & 15)]),
        }
        out.push(escape);
    }
    Some(Cow::Owned(out))
}

/// Where the first escape character stands that begins no sequence known to the standard, if there is one.
#[must_use]
pub fn first_fault(value: &[u8], delimiters: &Delimiters) -> Option<usize> {
    let escape = delimiters.escape?;
    let mut from = 0;
    loop {
        let rest = value.get(from..)?;
        let at = memchr(escape, rest)?;
        let here = rest.get(at..)?;
        match sequence(here, escape) {
            Ok((_, Sequence::Kept([b'X', ..]))) | Err(_) => return Some(from + at),
            Ok((after, _)) => from = value.len() - after.len(),
        }
    }
}

/// Copies `value`, giving each sequence to `replace`; where that gives `None`, the sequence is copied as it is.
fn rewrite<'a>(
    value: &'a [u8],
    delimiters: &Delimiters,
    replace: impl Fn(Sequence<'_>, &mut Vec<u8>) -> Option<()>,
) -> Cow<'a, [u8]> {
    let Some((escape, first)) = delimiters
        .escape
        .and_then(|escape| Some((escape, memchr(escape, value)?)))
    else {
        return Cow::Borrowed(value);
    };
    let mut out = Vec::with_capacity(value.len());
    let (mut rest, mut next) = (value, Some(first));
    while let Some((plain, here)) = next.and_then(|at| rest.split_at_checked(at)) {
        out.extend_from_slice(plain);
        if let Ok((after, sequence)) = sequence(here, escape) {
            if replace(sequence, &mut out).is_none() {
                let length = here.len() - after.len();
                out.extend_from_slice(here.get(..length).unwrap_or_default());
            }
            rest = after;
        } else {
            // No sequence: the character stands for itself, and what follows may begin one.
            out.push(escape);
            rest = here.get(1..).unwrap_or_default();
        }
        next = memchr(escape, rest);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// One sequence at the beginning of `input`.
fn sequence(input: &[u8], escape: u8) -> IResult<&[u8], Sequence<'_>, Error<&[u8]>> {
    let edge = [escape];
    let body = take_while1(move |byte| byte != escape);
    map_opt(delimited(tag(&edge[..]), body, tag(&edge[..])), classify).parse(input)
}

fn classify(body: &[u8]) -> Option<Sequence<'_>> {
    let alphanumeric = |rest: &[u8]| !rest.is_empty() && rest.iter().all(u8::is_ascii_alphanumeric);
    let digits = |rest: &[u8]| rest.iter().all(u8::is_ascii_hexdigit);
    Some(match body {
        [letter @ (b'F' | b'S' | b'T' | b'R' | b'E' | b'P')] => Sequence::Character(*letter),
        [b'X', pairs @ ..] if !pairs.is_empty() && pairs.len() % 2 == 0 && digits(pairs) => {
            Sequence::Hexadecimal(pairs)
        }
        [b'H' | b'N'] => Sequence::Formatting(body),
        [b'.', command @ ..] if is_command(command) => Sequence::Formatting(body),
        [b'C', rest @ ..] if rest.len() == 4 && digits(rest) => Sequence::Kept(body),
        [b'M', rest @ ..] if matches!(rest.len(), 4 | 6) && digits(rest) => Sequence::Kept(body),
        [b'X' | b'Z', rest @ ..] if alphanumeric(rest) => Sequence::Kept(body),
        _ => return None,
    })
}

/// Two letters and perhaps a signed number: `br`, `sp3`, `in+4`, `ti-2`.
fn is_command(command: &[u8]) -> bool {
    let Some((name, number)) = command.split_at_checked(2) else {
        return false;
    };
    let number = number
        .strip_prefix(b"+")
        .or_else(|| number.strip_prefix(b"-"))
        .unwrap_or(number);
    name.iter().all(u8::is_ascii_alphabetic) && number.iter().all(u8::is_ascii_digit)
}

/// Appends what a sequence stands for; `None` where it stands for itself.
fn say(sequence: &Sequence<'_>, delimiters: &Delimiters, out: &mut Vec<u8>) -> Option<()> {
    match sequence {
        Sequence::Character(letter) => out.push(character(*letter, delimiters)?),
        Sequence::Hexadecimal(pairs) => {
            for pair in pairs.chunks_exact(2) {
                let nibbles = pair
                    .iter()
                    .filter_map(|&digit| char::from(digit).to_digit(16));
                let byte = nibbles.fold(0, |byte, nibble| byte * 16 + nibble);
                out.push(u8::try_from(byte).ok()?);
            }
        }
        Sequence::Formatting(_) | Sequence::Kept(_) => return None,
    }
    Some(())
}

/// Appends what people see of a formatting command.
fn render(command: &[u8], out: &mut Vec<u8>) {
    let [b'.', a, b, number @ ..] = command else {
        return;
    };
    let number = std::str::from_utf8(number)
        .ok()
        .and_then(|n| n.parse().ok());
    let times = number.unwrap_or(1_usize).min(MOST_BLANKS);
    let (what, times) = match (a, b) {
        (b'b', b'r') | (b'c', b'e') => (b'\n', 1),
        (b's', b'p') => (b'\n', times),
        (b's', b'k') => (b' ', times),
        _ => return,
    };
    out.extend(std::iter::repeat_n(what, times));
}

fn character(letter: u8, delimiters: &Delimiters) -> Option<u8> {
    Some(match letter {
        b'F' => delimiters.field,
        b'S' => delimiters.component.unwrap_or(b'^'),
        b'T' => delimiters.subcomponent.unwrap_or(b'&'),
        b'R' => delimiters.repetition.unwrap_or(b'~'),
        b'E' => delimiters.escape.unwrap_or(b'\\'),
        b'P' => delimiters.truncation.unwrap_or(b'#'),
        _ => return None,
    })
}

fn letter(byte: u8, delimiters: &Delimiters) -> Option<u8> {
    let is = |declared: Option<u8>| declared == Some(byte);
    let table = [
        (delimiters.field == byte, b'F'),
        (is(delimiters.component), b'S'),
        (is(delimiters.subcomponent), b'T'),
        (is(delimiters.repetition), b'R'),
        (is(delimiters.escape), b'E'),
        (is(delimiters.truncation), b'P'),
    ];
    table
        .into_iter()
        .find_map(|(is, letter)| is.then_some(letter))
}

fn is_special(byte: u8, delimiters: &Delimiters) -> bool {
    byte.is_ascii_control() || delimiters.contains(byte) || delimiters.truncation == Some(byte)
}

fn hexadecimal(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'A' + nibble - 10
    }
}

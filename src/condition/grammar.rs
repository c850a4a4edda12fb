//! The grammar of conditions (nom). Every fault knows its place and what would be right there.

use std::borrow::Cow;
use std::sync::Arc;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::character::complete::{char, multispace0, one_of};
use nom::combinator::{not, opt, recognize, value};
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{delimited, preceded, terminated};
use nom::{Err, IResult, Parser};
use regex::Regex;

use super::compare::Literal;
use super::{ConditionError, Kind, Node, Operand, Order, Test, characters, hints};
use crate::hl7::Path;

/// Parts within parts; more than this is refused, so that no text can exhaust the stack.
const MOST_DEPTH: usize = 64;

const A_TEST: &str = "a path such as PID-3.1, not, or (";
const A_WORD: &str = "= != < <= > >= in matches exists empty or null";
const AN_OPERAND: &str = "a text in quotes, a number or a path";
const A_TEXT: &str = "a text in quotes";
const A_FIELD: &str = "a field, as in PID-3";

pub(super) type Parsed<'a, T> = IResult<&'a str, T, Fault<'a>>;

/// What went wrong before `rest`.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    rest: &'a str,
    expected: Cow<'static, str>,
    hint: Option<String>,
}

impl<'a> ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Self {
        Self {
            rest,
            expected: Cow::Borrowed(A_TEST),
            hint: None,
        }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

fn fault<T>(
    rest: &str,
    expected: impl Into<Cow<'static, str>>,
    hint: Option<String>,
) -> Parsed<'_, T> {
    let expected = expected.into();
    Err(Err::Failure(Fault {
        rest,
        expected,
        hint,
    }))
}

/// Reads all of `text`.
pub(super) fn parse(text: &str) -> Result<Node, ConditionError> {
    let grammar = Grammar {
        length: text.len(),
        depth: MOST_DEPTH,
    };
    let parsed = grammar.either(text).and_then(|(rest, node)| {
        let rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(node);
        }
        fault(rest, "and, or, or the end", hints::joining(rest)).map(|(_, node)| node)
    });
    parsed.map_err(|error| match error {
        Err::Error(fault) | Err::Failure(fault) => ConditionError {
            offset: characters(text, text.len() - fault.rest.len()),
            expected: fault.expected.into_owned(),
            hint: fault.hint,
        },
        Err::Incomplete(_) => ConditionError {
            offset: characters(text, text.len()),
            expected: A_TEST.to_owned(),
            hint: None,
        },
    })
}

#[derive(Clone, Copy)]
struct Grammar {
    /// Bytes in the whole text: with the length of a rest, the offset.
    length: usize,
    /// How much deeper parts may go.
    depth: usize,
}

impl Grammar {
    fn node(self, from: &str, to: &str, kind: Kind) -> Node {
        let span = self.length - from.len()..self.length - to.len();
        Node { span, kind }
    }

    fn deeper(self, at: &str) -> Result<Self, Err<Fault<'_>>> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => fault(at, format!("at most {MOST_DEPTH} parts within parts"), None)
                .map(|(_, grammar)| grammar),
        }
    }

    fn either(self, text: &str) -> Parsed<'_, Node> {
        self.chain(text, "or", Self::both, Kind::Or)
    }

    fn both(self, text: &str) -> Parsed<'_, Node> {
        self.chain(text, "and", Self::part, Kind::And)
    }

    /// One `part` or several with `joint` between them.
    fn chain<'a>(
        self,
        text: &'a str,
        joint: &'static str,
        part: impl Fn(Self, &'a str) -> Parsed<'a, Node>,
        make: fn(Vec<Node>) -> Kind,
    ) -> Parsed<'a, Node> {
        let text = text.trim_start();
        let (mut rest, first) = part(self, text)?;
        let mut parts = vec![first];
        while let Ok((after, ())) = word(joint).parse(rest) {
            let (after, next) = part(self, after)?;
            parts.push(next);
            rest = after;
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok((rest, only)),
            last => {
                parts.extend(last);
                let node = self.node(text, rest, make(parts));
                Ok((rest, node))
            }
        }
    }

    fn part(self, text: &str) -> Parsed<'_, Node> {
        let text = text.trim_start();
        if let Ok((rest, ())) = word("not").parse(text) {
            let (rest, inner) = self.deeper(text)?.part(rest)?;
            let node = self.node(text, rest, Kind::Not(Box::new(inner)));
            return Ok((rest, node));
        }
        let Some(inside) = text.strip_prefix('(') else {
            return self.test(text);
        };
        let (rest, inner) = self.deeper(text)?.either(inside)?;
        let rest = rest.trim_start();
        match rest.strip_prefix(')') {
            Some(rest) => Ok((rest, inner)),
            None => fault(rest, "and, or, or )", hints::joining(rest)),
        }
    }

    /// A path and what is asked of it.
    fn test(self, text: &str) -> Parsed<'_, Node> {
        let (after, path) = path(text, A_TEST)?;
        if path.segment.bytes() == b"NOT" {
            return fault(text, A_TEST, hints::testing(text));
        }
        let at = after.trim_start();
        let (at, negated) = opt(word("not")).parse(at)?;
        let at = at.trim_start();
        let negated = negated.is_some();
        let (rest, (asked, opposite)) = asked(at, negated)?;
        if path.field.is_none() && !matches!(asked, Test::Exists) {
            return fault(text, A_FIELD, hints::segment(text));
        }
        let node = self.node(text, rest, Kind::Test(path, asked));
        if negated == opposite {
            return Ok((rest, node));
        }
        let node = self.node(text, rest, Kind::Not(Box::new(node)));
        Ok((rest, node))
    }
}

/// What is asked, and whether the word means the opposite of the test (`!=`, `empty`). Behind a `not`, signs are not
/// allowed.
fn asked(at: &str, negated: bool) -> Parsed<'_, (Test, bool)> {
    let sign = alt((
        tag("!="),
        tag("<="),
        tag(">="),
        terminated(tag("="), not(one_of("=~"))),
        terminated(tag("<"), not(char('>'))),
        tag(">"),
    ));
    let sign: Parsed<'_, &str> = { sign }.parse(at);
    if let Ok((rest, sign)) = sign {
        if negated {
            return fault(
                at,
                "in matches exists empty or null",
                Some("write not before the path".to_owned()),
            );
        }
        let (rest, operand) = operand(rest)?;
        let order = match sign {
            "=" | "!=" => return Ok((rest, (Test::Equals(operand), sign == "!="))),
            "<" => Order::Less,
            "<=" => Order::LessOrEqual,
            ">" => Order::Greater,
            _ => Order::GreaterOrEqual,
        };
        return Ok((rest, (Test::Order(order, operand), false)));
    }
    let worded: Parsed<'_, &str> = alt((
        value("in", word("in")),
        value("matches", word("matches")),
        value("exists", word("exists")),
        value("empty", word("empty")),
        value("null", word("null")),
    ))
    .parse(at);
    match worded {
        Ok((rest, "in")) => {
            let (rest, test) = set(rest.trim_start())?;
            Ok((rest, (test, false)))
        }
        Ok((rest, "matches")) => {
            let (rest, regex) = pattern(rest.trim_start())?;
            Ok((rest, (Test::Matches(regex), false)))
        }
        Ok((rest, "null")) => Ok((rest, (Test::Null, false))),
        Ok((rest, word)) => Ok((rest, (Test::Exists, word == "empty"))),
        Err(_) => fault(at, A_WORD, hints::asking(at)),
    }
}

/// `("A", "B")` or `table(name)`.
fn set(at: &str) -> Parsed<'_, Test> {
    if let Ok((rest, ())) = word("table").parse(at) {
        let (rest, _) = bracket(rest, '(')?;
        let at = rest.trim_start();
        let name: Parsed<'_, &str> =
            take_while1(|c: char| c.is_alphanumeric() || "_-.".contains(c)).parse(at);
        let Ok((rest, name)) = name else {
            return fault(at, "the name of a table", None);
        };
        let (rest, _) = bracket(rest, ')')?;
        return Ok((rest, Test::InTable(Arc::from(name))));
    }
    let Some(mut rest) = at.strip_prefix('(') else {
        return fault(at, "( or table(name)", hints::set(at));
    };
    let mut literals = Vec::new();
    loop {
        let at = rest.trim_start();
        let (after, operand) = operand(at)?;
        let Operand::Literal(literal) = operand else {
            return fault(at, "a text in quotes or a number", None);
        };
        literals.push(literal);
        let at = after.trim_start();
        rest = match at.strip_prefix(',') {
            Some(rest) => rest,
            None => return bracket(at, ')').map(|(rest, _)| (rest, Test::In(literals))),
        };
    }
}

fn bracket(text: &str, wanted: char) -> Parsed<'_, char> {
    let at = text.trim_start();
    let expected = if wanted == '(' { "(" } else { ", or )" };
    match at.strip_prefix(wanted) {
        Some(rest) => Ok((rest, wanted)),
        None => fault(at, expected, None),
    }
}

fn pattern(at: &str) -> Parsed<'_, Regex> {
    let (rest, text) = quoted(at, A_TEXT)?;
    match Regex::new(text) {
        Ok(regex) => Ok((rest, regex)),
        Err(error) => fault(at, "a regular expression", Some(regex_fault(&error))),
    }
}

/// What is wrong with a regular expression, in one line.
pub(crate) fn regex_fault(error: &regex::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once("error: ") {
        Some((_, reason)) => reason.trim().to_owned(),
        None => text.lines().next().unwrap_or_default().to_owned(),
    }
}

fn operand(text: &str) -> Parsed<'_, Operand> {
    let at = text.trim_start();
    match at.chars().next() {
        Some('"' | '\'') => {
            let (rest, text) = quoted(at, AN_OPERAND)?;
            if text.is_empty() || text == "\"\"" {
                let hint = "write empty for nothing there, null for the delete indicator";
                return fault(at, "a text that is not empty", Some(hint.to_owned()));
            }
            Ok((rest, Operand::Literal(Literal::text(text))))
        }
        Some('0'..='9' | '-' | '+') => {
            let digits = || take_while1::<_, _, Fault<'_>>(|c: char| c.is_ascii_digit());
            let number = recognize((opt(one_of("+-")), digits(), opt((char('.'), digits()))));
            let bounded = terminated(number, not(one_of(NAME_START)));
            match { bounded }.parse(at) {
                Ok((rest, number)) => Ok((rest, Operand::Literal(Literal::number(number)))),
                Err(_) => fault(at, "a number such as 4 or 4.5", hints::quotes(at)),
            }
        }
        _ => {
            let (rest, path) = path(at, AN_OPERAND)?;
            if path.field.is_none() {
                return fault(at, AN_OPERAND, hints::quotes(at));
            }
            if path.is_wild() {
                let hint = "[*] may stand on the left side only";
                return fault(at, "a path that leads to one value", Some(hint.to_owned()));
            }
            Ok((rest, Operand::Path(path)))
        }
    }
}

const NAME_START: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.:/^";

fn quoted<'a>(at: &'a str, expected: &'static str) -> Parsed<'a, &'a str> {
    let Some(mark @ ('"' | '\'')) = at.chars().next() else {
        return fault(at, expected, hints::quotes(at));
    };
    let inside = take_till(move |c| c == mark);
    let parsed: Parsed<'_, &str> = delimited(char(mark), inside, char(mark)).parse(at);
    if parsed.is_ok() {
        return parsed;
    }
    let end = at.get(at.len()..).unwrap_or_default();
    fault(end, format!("{mark} at the end of the text"), None)
}

fn path<'a>(at: &'a str, expected: &'static str) -> Parsed<'a, Path> {
    match Path::parse_prefix(at) {
        Ok((path, rest)) => {
            if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                return fault(
                    at,
                    expected,
                    hints::quotes(at).or_else(|| hints::testing(at)),
                );
            }
            Ok((rest, path))
        }
        Err(error) if error.offset > 0 => {
            let rest = at.get(error.offset..).unwrap_or_default();
            fault(rest, error.expected, None)
        }
        Err(_) if expected == A_TEST => fault(at, expected, hints::testing(at)),
        Err(_) => fault(at, expected, hints::quotes(at)),
    }
}

/// The word, with blanks before it and no letter behind it.
fn word<'a>(word: &'static str) -> impl Parser<&'a str, Output = (), Error = Fault<'a>> {
    let end = not(take_while1(|c: char| c.is_alphanumeric() || c == '_'));
    value((), (preceded(multispace0, tag(word)), end))
}

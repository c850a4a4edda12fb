//! Comparing two values: as text, as decimal numbers, as times. Exact at any length, without allocating.

use std::cmp::Ordering;

/// A value written in a condition.
pub(super) struct Literal {
    text: String,
    /// In quotes: equal only as text, and a year or a month alone may be a time.
    quoted: bool,
}

impl Literal {
    pub(super) fn text(text: &str) -> Self {
        let text = text.to_owned();
        Self { text, quoted: true }
    }

    pub(super) fn number(text: &str) -> Self {
        let text = text.to_owned();
        Self {
            text,
            quoted: false,
        }
    }

    /// Whether `value` is this one.
    pub(super) fn equals(&self, value: &str) -> bool {
        if self.quoted {
            return self.text == value;
        }
        match (Decimal::of(value), Decimal::of(&self.text)) {
            (Some(value), Some(number)) => value.cmp(&number) == Ordering::Equal,
            _ => self.text == value,
        }
    }

    /// How `value` stands to this one.
    pub(super) fn order(&self, value: &str) -> Ordering {
        order(value, &self.text, self.quoted)
    }
}

/// How two values of a message stand to one another.
pub(super) fn order_values(left: &str, right: &str) -> Ordering {
    order(left, right, false)
}

/// As times, else as numbers, else as text. `short` allows the right side to be a year or a month.
fn order(left: &str, right: &str, short: bool) -> Ordering {
    if let Some(ordering) = times(left, right, short) {
        return ordering;
    }
    match (Decimal::of(left), Decimal::of(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// Both as times, to the precision both have.
fn times(left: &str, right: &str, short: bool) -> Option<Ordering> {
    let left = time_digits(left, 8)?;
    let right = time_digits(right, if short { 4 } else { 8 })?;
    let common = left.len().min(right.len());
    Some(left.get(..common)?.cmp(right.get(..common)?))
}

/// The digits (and fraction) of an HL7 time `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]` (v2.9.1 §2A.3.22) without its
/// offset, if it has at least `least` of them.
fn time_digits(text: &str, least: usize) -> Option<&[u8]> {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|b| matches!(b, b'+' | b'-'));
    let (time, offset) = bytes.split_at_checked(end.unwrap_or(bytes.len()))?;
    if !(offset.is_empty() || offset.len() == 5 && all_digits(offset.get(1..)?)) {
        return None;
    }
    let point = time.iter().position(|&b| b == b'.').unwrap_or(time.len());
    let (digits, fraction) = time.split_at_checked(point)?;
    let fraction_fits = fraction.is_empty() || digits.len() == 14 && all_digits(fraction.get(1..)?);
    let length_fits = matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) && digits.len() >= least;
    if !(fraction_fits && length_fits && all_digits(digits)) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u16> {
        digits.get(from..to).map(|digits| {
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        })
    };
    let fits = |from: usize, range: std::ops::RangeInclusive<u16>| {
        number(from, from + 2).is_none_or(|part| range.contains(&part))
    };
    let plausible = number(0, 4).is_some_and(|year| (1800..2300).contains(&year))
        && fits(4, 1..=12)
        && fits(6, 1..=31)
        && fits(8, 0..=23)
        && fits(10, 0..=59)
        && fits(12, 0..=60);
    plausible.then_some(time)
}

fn all_digits(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// A decimal number in parts, without leading and trailing zeros.
#[derive(PartialEq, Eq)]
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// `-12.50`; blanks around it are left out, as numbers of fixed width have them.
    fn of(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let fits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !fits(whole) || !fits(fraction) || whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            negative: negative && !zero,
            whole,
            fraction,
        })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let size = self
            .whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(other.whole))
            .then_with(|| self.fraction.cmp(other.fraction));
        match (self.negative, other.negative) {
            (false, false) => size,
            (true, true) => size.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_at_any_length() {
        for (less, more) in [
            ("9", "10"),
            ("-10", "-9"),
            ("-0.5", "0"),
            ("1.05", "1.5"),
            ("0007.9", "8"),
            ("99999999999999999999998", "99999999999999999999999"),
        ] {
            assert_eq!(order_values(less, more), Ordering::Less, "{less} < {more}");
            assert_eq!(
                order_values(more, less),
                Ordering::Greater,
                "{more} > {less}"
            );
        }
        for (one, other) in [("5", "5.0"), ("-0", "0"), (" 7", "007"), ("+1.50", "1.5")] {
            assert_eq!(order_values(one, other), Ordering::Equal, "{one} = {other}");
        }
    }

    #[test]
    fn what_is_no_number_compares_as_text() {
        assert_eq!(order_values("10a", "9"), Ordering::Less);
        assert_eq!(order_values(".", "1"), Ordering::Less);
        assert_eq!(order_values("B", "A"), Ordering::Greater);
    }

    #[test]
    fn times_compare_to_the_precision_both_have() {
        let order = |value: &str, literal: &str| Literal::text(literal).order(value);
        assert_eq!(order("202501311230", "20250131"), Ordering::Equal);
        assert_eq!(order("20250131", "202501311230+0100"), Ordering::Equal);
        assert_eq!(order("20241231", "2025"), Ordering::Less);
        assert_eq!(
            order("20250131235959.123", "20250131235959.2"),
            Ordering::Less
        );
        assert_eq!(
            order("20259999", "2025"),
            Ordering::Greater,
            "no time: numbers"
        );
    }

    #[test]
    fn a_year_without_quotes_is_a_number() {
        assert_eq!(Literal::number("2025").order("20241231"), Ordering::Greater);
    }

    #[test]
    fn quoted_text_equals_only_itself_and_a_number_any_spelling_of_it() {
        assert!(!Literal::text("007").equals("7"));
        assert!(Literal::number("7").equals("007"));
        assert!(Literal::number("7").equals("7.00"));
        assert!(!Literal::number("7").equals("7 mg"));
    }
}

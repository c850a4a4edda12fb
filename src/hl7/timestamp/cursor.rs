//! Reading a date or time from left to right, each part where the one before it ended.

use jiff::civil;
use nom::bytes::complete::{take_while_m_n, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::opt;
use nom::error::Error;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::{Precision, TimestampError};

pub(super) const MONTH: &str = "a month from 01 to 12";
pub(super) const DAY: &str = "a day of that month";
pub(super) const HOUR: &str = "an hour from 00 to 23";
const MINUTE: &str = "a minute from 00 to 59";
const SECOND: &str = "a second from 00 to 59";
const FRACTION: &str = "1 to 9 digits of a fraction";
const OFFSET: &str = "an offset from -1400 to +1400";
const END: &str = "the end of the value";

/// What is left to read, and where that is.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            length: value.len(),
        }
    }

    pub(super) const fn wrong(&self, expected: &'static str) -> TimestampError {
        TimestampError {
            offset: self.length - self.rest.len(),
            expected,
        }
    }

    /// The next `digits` digits if a digit stands there.
    pub(super) fn number(
        &mut self,
        digits: usize,
        from: i16,
        to: i16,
        expected: &'static str,
    ) -> Result<Option<i16>, TimestampError> {
        if !self.rest.first().is_some_and(u8::is_ascii_digit) {
            return Ok(None);
        }
        let parsed: IResult<&[u8], &[u8]> =
            take_while_m_n(digits, digits, |b: u8| b.is_ascii_digit()).parse(self.rest);
        let (rest, found) = parsed.map_err(|_| self.wrong(expected))?;
        let number = std::str::from_utf8(found).ok().and_then(|n| n.parse().ok());
        match number {
            Some(number) if (from..=to).contains(&number) => {
                self.rest = rest;
                Ok(Some(number))
            }
            _ => Err(self.wrong(expected)),
        }
    }

    /// Hour, minute, second and fraction, as far as they go; no precision where not even an hour is there.
    pub(super) fn time(&mut self) -> Result<(civil::Time, Option<Precision>), TimestampError> {
        let mut time = civil::Time::midnight();
        let Some(hour) = self.number(2, 0, 23, HOUR)? else {
            return Ok((time, None));
        };
        let mut precision = Precision::Hour;
        let (mut minute, mut second, mut nanosecond) = (0, 0, 0);
        if let Some(found) = self.number(2, 0, 59, MINUTE)? {
            (minute, precision) = (found, Precision::Minute);
            if let Some(found) = self.number(2, 0, 59, SECOND)? {
                (second, precision) = (found, Precision::Second);
                if let Some((found, digits)) = self.fraction()? {
                    (nanosecond, precision) = (found, Precision::Fraction(digits));
                }
            }
        }
        if let Ok(found) = civil::Time::new(to_i8(hour), to_i8(minute), to_i8(second), nanosecond) {
            time = found;
        }
        Ok((time, Some(precision)))
    }

    /// Nanoseconds and the number of digits behind a point.
    fn fraction(&mut self) -> Result<Option<(i32, u8)>, TimestampError> {
        let digits = take_while1::<_, _, Error<&[u8]>>(|b: u8| b.is_ascii_digit());
        let Ok((rest, digits)) = preceded(char('.'), digits).parse(self.rest) else {
            return Ok(None);
        };
        let Ok(count @ 1..=9) = u8::try_from(digits.len()) else {
            return Err(self.wrong(FRACTION));
        };
        let digit = |nth: usize| i32::from(digits.get(nth).map_or(0, |d| d - b'0'));
        self.rest = rest;
        Ok(Some((
            (0..9).fold(0, |sum, nth| sum * 10 + digit(nth)),
            count,
        )))
    }

    pub(super) fn offset(&mut self) -> Result<Option<i16>, TimestampError> {
        let sign: IResult<&[u8], Option<char>> = opt(one_of("+-")).parse(self.rest);
        let Ok((rest, Some(sign))) = sign else {
            return Ok(None);
        };
        let start = self.wrong(OFFSET);
        self.rest = rest;
        let hours = self.number(2, 0, 14, OFFSET)?.ok_or(start)?;
        let minutes = self.number(2, 0, 59, OFFSET)?.ok_or(start)?;
        let minutes = hours * 60 + minutes;
        if minutes > 14 * 60 {
            return Err(start);
        }
        Ok(Some(if sign == '-' { -minutes } else { minutes }))
    }

    pub(super) const fn end(&self) -> Result<(), TimestampError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.wrong(END))
    }
}

pub(super) fn to_i8(number: i16) -> i8 {
    i8::try_from(number).unwrap_or(1)
}

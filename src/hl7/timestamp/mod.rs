//! Dates and times (DT, TM, TS, DTM; HL7 v2.9.1 §2.A.21, §2.A.22, §2.A.75): exactly as precise as they were sent.
//!
//! What is not a date is an error with its place, never shifted into one. A date without an offset has none until
//! somebody says which time zone is meant.

mod cursor;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Zoned;
use jiff::civil;
use jiff::tz::TimeZone;

use cursor::{Cursor, DAY, HOUR, MONTH, to_i8};

/// How much of a timestamp was said, coarse before fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `2026`
    Year,
    /// `202611`
    Month,
    /// `20261122`
    Day,
    /// `2026112207`
    Hour,
    /// `202611220714`
    Minute,
    /// `20261122071459`
    Second,
    /// `20261122071459.123`: so many digits, 1 to 9 (the standard has at most 4).
    Fraction(u8),
}

/// A date, with or without a time, with or without an offset. Birth dates are content: `Debug` shows the shape only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    civil: civil::DateTime,
    precision: Precision,
    offset: Option<i16>,
}

/// A time of day (TM).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    civil: civil::Time,
    precision: Precision,
    offset: Option<i16>,
}

/// Why bytes are no timestamp, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at character {}", self.offset + 1)]
pub struct TimestampError {
    /// Byte offset in the value, from 0.
    pub offset: usize,
    /// What is expected there.
    pub expected: &'static str,
}

/// A timestamp that stands for no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstantError {
    /// The clocks of the time zone were set forward over it.
    #[error("this local time does not exist in the time zone")]
    Gap,
    /// Outside the years that can be computed with.
    #[error("the timestamp is out of range")]
    Range,
}

/// Reads `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`.
///
/// # Errors
/// The first place where it is none, with what would be right there.
pub fn parse(value: &[u8]) -> Result<Timestamp, TimestampError> {
    let mut cursor = Cursor::new(value);
    let year = cursor.number(4, 0, 9999, "a year of four digits")?;
    let year = year.ok_or(cursor.wrong("a year of four digits"))?;
    let mut precision = Precision::Year;
    let month = cursor.number(2, 1, 12, MONTH)?;
    let mut date = civil::Date::new(year, to_i8(month.unwrap_or(1)), 1)
        .map_err(|_| cursor.wrong("a year from 0000 to 9999"))?;
    let mut time = civil::Time::midnight();
    if month.is_some() {
        precision = Precision::Month;
        if let Some(day) = cursor.number(2, 1, i16::from(date.days_in_month()), DAY)? {
            precision = Precision::Day;
            date = date
                .with()
                .day(to_i8(day))
                .build()
                .map_err(|_| cursor.wrong(DAY))?;
            let (found, time_precision) = cursor.time()?;
            if let Some(time_precision) = time_precision {
                (time, precision) = (found, time_precision);
            }
        }
    }
    let offset = cursor.offset()?;
    cursor.end()?;
    Ok(Timestamp {
        civil: date.to_datetime(time),
        precision,
        offset,
    })
}

/// Reads `HH[MM[SS[.S…]]][±ZZZZ]`.
///
/// # Errors
/// As [`parse`].
pub fn parse_time(value: &[u8]) -> Result<Time, TimestampError> {
    let mut cursor = Cursor::new(value);
    let (civil, precision) = cursor.time()?;
    let precision = precision.ok_or(cursor.wrong(HOUR))?;
    let offset = cursor.offset()?;
    cursor.end()?;
    Ok(Time {
        civil,
        precision,
        offset,
    })
}

impl Timestamp {
    /// An instant as a clock in its zone shows it, cut to `precision`, with the offset.
    #[must_use]
    pub fn of(at: &Zoned, precision: Precision) -> Self {
        Self {
            civil: at.datetime(),
            precision,
            offset: i16::try_from(at.offset().seconds() / 60).ok(),
        }
    }

    /// Date and time as said; what was not said is 1 or 0.
    #[must_use]
    pub const fn civil(&self) -> civil::DateTime {
        self.civil
    }

    /// How much was said.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// Minutes east of UTC, if said.
    #[must_use]
    pub const fn offset_minutes(&self) -> Option<i16> {
        self.offset
    }

    /// The same without an offset.
    #[must_use]
    pub const fn without_offset(self) -> Self {
        Self {
            offset: None,
            ..self
        }
    }

    /// The (first) instant it stands for: by its own offset, or else in `zone`. Where clocks were set back, the
    /// earlier of the two.
    ///
    /// # Errors
    /// [`InstantError::Gap`] for a time that clocks in `zone` skipped.
    pub fn instant(&self, zone: &TimeZone) -> Result<jiff::Timestamp, InstantError> {
        let fixed;
        let zone = match self.offset {
            Some(minutes) => {
                let offset = jiff::tz::Offset::from_seconds(i32::from(minutes) * 60);
                fixed = TimeZone::fixed(offset.map_err(|_| InstantError::Range)?);
                &fixed
            }
            None => zone,
        };
        let ambiguous = zone.to_ambiguous_timestamp(self.civil);
        if matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
            return Err(InstantError::Gap);
        }
        ambiguous.compatible().map_err(|_| InstantError::Range)
    }

    /// Written in `precision`: cut, or filled with first months and days and zeros. The offset is written with times,
    /// and with dates only in the timestamp's own precision.
    #[must_use]
    pub fn write(&self, precision: Precision) -> String {
        let (date, time) = (self.civil.date(), self.civil.time());
        let mut out = String::with_capacity(24);
        push(&mut out, date.year().unsigned_abs().into(), 4);
        for (from, number) in [
            (Precision::Month, date.month()),
            (Precision::Day, date.day()),
        ] {
            if precision >= from {
                push(&mut out, number.unsigned_abs().into(), 2);
            }
        }
        write_time(&mut out, time, precision);
        if precision >= Precision::Hour || precision == self.precision {
            write_offset(&mut out, self.offset);
        }
        out
    }
}

impl Time {
    /// The time of day.
    #[must_use]
    pub const fn civil(&self) -> civil::Time {
        self.civil
    }

    /// How much was said, [`Precision::Hour`] or finer.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// Minutes east of UTC, if said.
    #[must_use]
    pub const fn offset_minutes(&self) -> Option<i16> {
        self.offset
    }

    /// Written in `precision`.
    #[must_use]
    pub fn write(&self, precision: Precision) -> String {
        let mut out = String::new();
        write_time(&mut out, self.civil, precision.max(Precision::Hour));
        write_offset(&mut out, self.offset);
        out
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(self.precision))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(self.precision))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Timestamp({:?}, offset: {})",
            self.precision,
            self.offset.is_some()
        )
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Time({:?}, offset: {})",
            self.precision,
            self.offset.is_some()
        )
    }
}

/// Appends the last `digits` digits of `number`.
fn push(out: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place.min(9)) % 10;
        out.extend(char::from_digit(digit, 10));
    }
}

fn write_time(out: &mut String, time: civil::Time, precision: Precision) {
    for (from, number) in [
        (Precision::Hour, time.hour()),
        (Precision::Minute, time.minute()),
        (Precision::Second, time.second()),
    ] {
        if precision >= from {
            push(out, number.unsigned_abs().into(), 2);
        }
    }
    if let Precision::Fraction(digits) = precision {
        let digits = u32::from(digits.clamp(1, 9));
        let nanoseconds = time.subsec_nanosecond().unsigned_abs();
        out.push('.');
        push(out, nanoseconds / 10_u32.pow(9 - digits), digits);
    }
}

fn write_offset(out: &mut String, offset: Option<i16>) {
    if let Some(minutes) = offset {
        out.push(if minutes < 0 { '-' } else { '+' });
        let minutes = u32::from(minutes.unsigned_abs());
        push(out, minutes / 60, 2);
        push(out, minutes % 60, 2);
    }
}

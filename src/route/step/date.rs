//! The step `date`: a timestamp in another precision, time zone or format.

use std::fmt;

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::edit::{Missing, Work, new_text, one_text};
use super::error::StepErrorKind;
use super::run::Fault;
use crate::hl7::Path;
use crate::hl7::timestamp::{self, Precision, Timestamp};

/// What `date` does.
///
/// A value that has a time of day is moved to the zone `to_zone`, if one is given; a mere date stays the day it is.
#[derive(Clone)]
pub struct DateStep {
    /// Where.
    pub path: Path,
    /// How the value is written now.
    pub reads: DateFormat,
    /// How it is to be written.
    pub writes: DateFormat,
    /// For HL7 output: how precise; `None` keeps the precision it has.
    pub precision: Option<Precision>,
    /// For HL7 output: whether times have an offset.
    pub offset: Offset,
    /// The zone of values without an offset.
    pub from_zone: Option<TimeZone>,
    /// The zone to write in.
    pub to_zone: Option<TimeZone>,
}

/// How a date or time is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DateFormat {
    /// `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`.
    #[default]
    Hl7,
    /// A format of `strftime` (`%d/%m/%Y %H:%M`).
    Pattern(String),
}

/// Whether a time is written with its offset from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offset {
    /// As it was read; in a time that was moved to another zone, always.
    #[default]
    Keep,
    /// Never.
    Drop,
}

impl DateFormat {
    /// A `strftime` format.
    ///
    /// # Errors
    /// A directive that is unknown, or no directive.
    pub fn pattern(text: &str) -> Result<Self, DatePatternError> {
        let zoned = DateTime::constant(2001, 2, 3, 4, 5, 6, 0).to_zoned(TimeZone::UTC);
        let written = zoned
            .ok()
            .and_then(|zoned| strtime::format(text, &zoned).ok());
        match written {
            Some(_) if text.contains('%') => Ok(Self::Pattern(text.to_owned())),
            _ => Err(DatePatternError),
        }
    }
}

/// A date format that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a date format such as %d/%m/%Y %H:%M")]
pub struct DatePatternError;

impl DateStep {
    fn rewritten(&self, text: &str) -> Result<String, StepErrorKind> {
        let read = self.read(text).ok_or(StepErrorKind::NotADate)?;
        let mut moment = read;
        let timed = read.precision() >= Precision::Hour;
        if let (Some(zone), true) = (&self.to_zone, timed) {
            let from = self.from_zone.as_ref().unwrap_or(zone);
            let instant = read.instant(from).map_err(|_| StepErrorKind::NotADate)?;
            moment = Timestamp::of(
                &instant.to_zoned(zone.clone()),
                read.precision().max(Precision::Minute),
            );
        }
        if self.offset == Offset::Drop {
            moment = moment.without_offset();
        }
        match &self.writes {
            DateFormat::Hl7 => Ok(moment.write(self.precision.unwrap_or(moment.precision()))),
            DateFormat::Pattern(pattern) => {
                let civil = moment.civil();
                let zoned = moment.offset_minutes().and_then(|minutes| {
                    let offset = jiff::tz::Offset::from_seconds(i32::from(minutes) * 60).ok()?;
                    civil.to_zoned(TimeZone::fixed(offset)).ok()
                });
                // Without an offset, a format that asks for one fails: none is made up.
                let written = match &zoned {
                    Some(zoned) => strtime::format(pattern, zoned),
                    None => strtime::format(pattern, civil),
                };
                written.map_err(|_| StepErrorKind::NotADate)
            }
        }
    }

    fn read(&self, text: &str) -> Option<Timestamp> {
        let DateFormat::Pattern(pattern) = &self.reads else {
            return timestamp::parse(text.as_bytes()).ok();
        };
        let parsed = strtime::parse(pattern, text.trim()).ok()?;
        let date = parsed.to_date().ok()?;
        let hl7 = match parsed.to_time() {
            Ok(time) if parsed.hour().is_some() => {
                let second = strtime::format("%Y%m%d%H%M%S", date.to_datetime(time)).ok()?;
                match parsed.offset() {
                    Some(offset) => {
                        let minutes = offset.seconds() / 60;
                        let sign = if minutes < 0 { '-' } else { '+' };
                        let minutes = minutes.abs();
                        format!("{second}{sign}{:02}{:02}", minutes / 60, minutes % 60)
                    }
                    None => second,
                }
            }
            _ => strtime::format("%Y%m%d", date).ok()?,
        };
        timestamp::parse(hl7.as_bytes()).ok()
    }
}

impl Work<'_> {
    pub(super) fn date(&mut self, step: &DateStep) -> Result<(), Fault> {
        self.rewrite(&step.path, Missing::LeaveOut, |text, raw| {
            match one_text(text, raw)? {
                Some(old) => new_text(text, &old, &step.rewritten(&old)?),
                None => Ok(None),
            }
        })
    }
}

impl fmt::Debug for DateStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DateStep({}, {:?} to {:?})",
            self.path, self.reads, self.writes
        )
    }
}

//! A date, and a date with a time: from RFC 3339 in JSON to a DATE or DATETIME(6) column and back. A column holds UTC, and
//! no server converts it: that happens to TIMESTAMP columns only. Reads what `exec` gives; `query` gives text. Knows no other
//! time zone than an offset.

use std::fmt;

use mysql_async::{FromValueError, Value, prelude::FromValue};
use serde::{Serialize, Serializer};
use time::{Month, PrimitiveDateTime, Time, UtcOffset, format_description::well_known::Rfc3339};

/// A day, `2026-11-21` in JSON (RFC 3339, `full-date`). From the year 1000 on, as DATE columns hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(time::Date);

/// A moment, `2026-11-21T09:30:00Z` in JSON (RFC 3339, `date-time`): any offset comes in, UTC goes out, exact to the
/// microsecond. From the year 1000 on, as DATETIME(6) columns hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime(PrimitiveDateTime);

/// The years that MariaDB and MySQL promise to hold.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9999;

impl Date {
    /// Reads a day; `None` if it is something else, or there is no such day.
    pub fn parse(text: &str) -> Option<Date> {
        // What is a date is one with a time behind it too.
        let has_length = text.len() == "2026-11-21".len();
        has_length
            .then(|| DateTime::parse(&format!("{text}T00:00:00Z")))
            .flatten()
            .map(|DateTime(moment)| Date(moment.date()))
    }
}

impl DateTime {
    /// Reads a moment with its offset; `None` if it is something else, a leap second, or finer than a microsecond.
    pub fn parse(text: &str) -> Option<DateTime> {
        // The crate takes anything between the day and the hour.
        matches!(text.as_bytes().get(10), Some(b'T' | b't')).then_some(())?;
        // And drops what is finer than a nanosecond.
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        let finer = fraction.bytes().take_while(u8::is_ascii_digit).skip(6).any(|digit| digit != b'0');
        let moment = time::OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        let moment = PrimitiveDateTime::new(moment.date(), moment.time());
        // A leap second reads as the last nanosecond before it.
        (!finer && moment.nanosecond() % 1000 == 0 && YEARS.contains(&moment.year())).then_some(DateTime(moment))
    }
}

/// The first that there is: what is read in place of one that is wrong.
impl Default for Date {
    fn default() -> Date {
        Date(time::Date::from_ordinal_date(*YEARS.start(), 1).unwrap_or(time::Date::MIN))
    }
}

/// As [`Date`]'s.
impl Default for DateTime {
    fn default() -> DateTime {
        DateTime(PrimitiveDateTime::new(Date::default().0, Time::MIDNIGHT))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second, micro) = self.0.as_hms_micro();
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", Date(self.0.date()))?;
        match micro {
            0 => f.write_str("Z"),
            _ => write!(f, "{}Z", format!(".{micro:06}").trim_end_matches('0')),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Date> for Value {
    fn from(Date(date): Date) -> Value {
        DateTime(PrimitiveDateTime::new(date, Time::MIDNIGHT)).into()
    }
}

impl From<DateTime> for Value {
    fn from(DateTime(moment): DateTime) -> Value {
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second, micro) = moment.as_hms_micro();
        // A year has four digits, see `YEARS`.
        Value::Date(u16::try_from(year).unwrap_or_default(), month.into(), day, hour, minute, second, micro)
    }
}

impl TryFrom<Value> for Date {
    type Error = FromValueError;

    fn try_from(value: Value) -> Result<Date, FromValueError> {
        DateTime::try_from(value).map(|DateTime(moment)| Date(moment.date()))
    }
}

impl TryFrom<Value> for DateTime {
    type Error = FromValueError;

    fn try_from(value: Value) -> Result<DateTime, FromValueError> {
        let Value::Date(year, month, day, hour, minute, second, micro) = value else {
            return Err(FromValueError(value));
        };
        let read = || {
            let date = time::Date::from_calendar_date(year.into(), Month::try_from(month).ok()?, day).ok()?;
            let time = Time::from_hms_micro(hour, minute, second, micro).ok()?;
            Some(DateTime(PrimitiveDateTime::new(date, time)))
        };
        read().ok_or(FromValueError(value))
    }
}

impl FromValue for Date {
    type Intermediate = Date;
}

impl FromValue for DateTime {
    type Intermediate = DateTime;
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_moment_comes_out_as_it_went_in(micros in -30_610_224_000_000_000..=253_402_300_799_999_999_i64) {
            let moment = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap();
            let moment = DateTime(PrimitiveDateTime::new(moment.date(), moment.time()));

            prop_assert_eq!(DateTime::parse(&moment.to_string()), Some(moment));
            prop_assert_eq!(DateTime::try_from(Value::from(moment)).unwrap(), moment);
        }

        #[test]
        fn any_day_comes_out_as_it_went_in(day in 2_086_303..=5_373_484_i32) {
            let day = Date(time::Date::from_julian_day(day).unwrap());

            prop_assert_eq!(Date::parse(&day.to_string()), Some(day));
            prop_assert_eq!(Date::try_from(Value::from(day)).unwrap(), day);
        }

        #[test]
        fn any_text_is_a_moment_or_none(text in "\\PC*|[-+0-9TZ:.]{0,40}|[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-9:.Z+-]{0,20}") {
            let _ = (DateTime::parse(&text), Date::parse(&text));
        }
    }

    #[test]
    fn any_offset_comes_in_and_utc_goes_out() {
        let table = [
            ("2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"),
            ("2026-11-21t09:30:00z", "2026-11-21T09:30:00Z"),
            ("2026-11-21T00:30:00+01:00", "2026-11-20T23:30:00Z"),
            ("2026-12-31T23:30:00-00:30", "2027-01-01T00:00:00Z"),
            ("2024-02-29T12:00:00.000001Z", "2024-02-29T12:00:00.000001Z"),
            ("2024-02-29T12:00:00.500000000-00:00", "2024-02-29T12:00:00.5Z"),
            ("1000-01-01T00:00:00Z", "1000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ];

        for (text, expected) in table {
            assert_eq!(DateTime::parse(text).unwrap().to_string(), expected);
        }
        assert_eq!(Date::parse("2024-02-29").unwrap().to_string(), "2024-02-29");
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let moments = [
            ("2026-11-21", "no time"),
            ("2026-11-21T09:30:00", "no offset"),
            ("2026-11-21 09:30:00Z", "a space, where RFC 3339 wants a T"),
            ("2026-11-21T09:30Z", "no seconds"),
            ("2023-02-29T00:00:00Z", "no such day"),
            ("2026-13-01T00:00:00Z", "no such month"),
            ("2026-11-21T24:00:00Z", "no such hour"),
            ("2016-12-31T23:59:60Z", "a leap second, for which columns have no place"),
            ("2026-11-21T09:30:00.1234567Z", "finer than a microsecond"),
            ("2026-11-21T09:30:00.0000000001Z", "finer than a nanosecond"),
            ("2026-11-21T09:30:00+24:00", "no such offset"),
            ("0999-12-31T23:59:59Z", "before what columns hold"),
            ("1000-01-01T00:00:00+00:01", "the same in UTC"),
            ("9999-12-31T23:59:59-00:01", "after what columns hold"),
            ("+12026-11-21T09:30:00Z", "a year of five digits"),
            ("", "nothing"),
        ];

        for (text, reason) in moments {
            assert_eq!(DateTime::parse(text), None, "{reason}");
        }
        for text in ["2026-11-21T00:00:00Z", "2023-02-29", "2026-1-1", "0999-12-31", "20261121", "2026-11-2é", ""] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert!(DateTime::try_from(Value::Date(0, 0, 0, 0, 0, 0, 0)).is_err(), "MySQL's zero date");
    }
}

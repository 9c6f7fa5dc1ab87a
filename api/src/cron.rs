//! Schedules of disruption budgets: five cron fields or a macro, in UTC, read exactly as `robfig/cron`'s standard parser
//! reads them (spec disruption 2.4). It decides when a schedule comes round; what follows from that is the budget's.
//!
//! No cron library reads this dialect: Sunday is 0 and never 7, ranges must ascend, `N/step` runs from N to the end,
//! `*/2` restricts a field whereas `*` does not, and a day matches either of two restricted day fields.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead a next time is searched for, in years, before a schedule counts as one that never comes round.
const HORIZON_YEARS: i16 = 5;

/// When something happens again and again, to the minute, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    text: Box<str>,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of one field, as bits, and whether the field leaves its values open (`*`, `?`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Field {
    bits: u64,
    open: bool,
}

/// A text that is no schedule: says what is wrong with it and what a schedule looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a schedule: {problem}; write minute, hour, day of month, month and day of week, such as \
     \"0 9 * * mon-fri\", or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"
)]
pub struct ScheduleError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub problem: ScheduleProblem,
}

/// What is wrong with a text that is no schedule. `part` is the piece of a field between commas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum ScheduleProblem {
    #[error("it is empty")]
    Empty,
    #[error("the macro is unknown")]
    UnknownMacro,
    #[error("a time zone cannot be given, schedules are in UTC")]
    TimeZone,
    #[error("it has {0} fields, not 5")]
    FieldCount(usize),
    #[error("{0:?} has more than one hyphen")]
    Hyphens(String),
    #[error("{0:?} has more than one slash")]
    Slashes(String),
    #[error("{value:?} in {part:?} is neither a number nor a name of the {field}")]
    NoNumber { field: &'static str, part: String, value: String },
    #[error("{part:?} lies outside the {field}, {min}-{max}")]
    OutOfRange { field: &'static str, part: String, min: u32, max: u32 },
    #[error("the range {0:?} does not ascend")]
    Descending(String),
    #[error("the step of {0:?} is zero")]
    ZeroStep(String),
}

/// A field: its name, its bounds, and the names of its values.
struct Bounds {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [(&'static str, u32)],
}

const MINUTES: Bounds = Bounds { name: "minutes", min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { name: "hours", min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { name: "days of the month", min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    name: "months",
    min: 1,
    max: 12,
    names: &[
        ("jan", 1),
        ("feb", 2),
        ("mar", 3),
        ("apr", 4),
        ("may", 5),
        ("jun", 6),
        ("jul", 7),
        ("aug", 8),
        ("sep", 9),
        ("oct", 10),
        ("nov", 11),
        ("dec", 12),
    ],
};
const WEEKDAYS: Bounds = Bounds {
    name: "days of the week",
    min: 0,
    max: 6,
    names: &[("sun", 0), ("mon", 1), ("tue", 2), ("wed", 3), ("thu", 4), ("fri", 5), ("sat", 6)],
};

impl Schedule {
    /// The first time strictly after `time` at which the schedule comes round, or `None` if that is not within the next
    /// five calendar years (the 31st of February).
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let start = TimeZone::UTC.to_datetime(time);
        let first = start.date();
        let last_year = first.year().saturating_add(HORIZON_YEARS);
        let mut date = Some(first);
        while let Some(day) = date.filter(|day| day.year() <= last_year) {
            if !self.months.has(day.month()) {
                date = day.last_of_month().tomorrow().ok();
                continue;
            }
            if self.is_on(day) {
                let found = self.times().map(|time| DateTime::from_parts(day, time)).find(|&at| at > start);
                if let Some(at) = found {
                    return TimeZone::UTC.to_timestamp(at).ok();
                }
            }
            date = day.tomorrow().ok();
        }
        None
    }

    /// Whether the schedule comes round at some time of the day. Where both day fields are restricted, either will do.
    fn is_on(&self, day: Date) -> bool {
        let of_month = self.days.has(day.day());
        let of_week = self.weekdays.has(day.weekday().to_sunday_zero_offset());
        if self.days.open || self.weekdays.open { of_month && of_week } else { of_month || of_week }
    }

    /// The times of a day at which the schedule comes round, in order.
    fn times(&self) -> impl Iterator<Item = Time> + '_ {
        let hours = (0..24).filter(|&hour| self.hours.has(hour));
        hours.flat_map(|hour| {
            (0..60)
                .filter(|&minute| self.minutes.has(minute))
                .map(move |minute| Time::midnight() + hour.hours().minutes(minute))
        })
    }
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits >> value & 1 == 1)
    }

    fn all(bounds: &Bounds) -> Self {
        Self { bits: (bounds.min..=bounds.max).fold(0, |bits, value| bits | 1 << value), open: true }
    }

    fn only(value: u32) -> Self {
        Self { bits: 1 << value, open: false }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        parse(text).map_err(|problem| ScheduleError { text: text.to_owned(), problem })
    }
}

/// The text it was read from.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

fn parse(text: &str) -> Result<Schedule, ScheduleProblem> {
    // Karpenter puts a time zone in front, after which leading space no longer counts.
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(ScheduleProblem::Empty);
    }
    if trimmed.starts_with('@') {
        return parse_macro(text, trimmed);
    }
    if trimmed.starts_with("TZ=") || trimmed.starts_with("CRON_TZ=") {
        return Err(ScheduleProblem::TimeZone);
    }
    let fields: Vec<&str> = trimmed.split_whitespace().collect();
    let &[minutes, hours, days, months, weekdays] = fields.as_slice() else {
        return Err(ScheduleProblem::FieldCount(fields.len()));
    };
    Ok(Schedule {
        text: text.into(),
        minutes: parse_field(minutes, &MINUTES)?,
        hours: parse_field(hours, &HOURS)?,
        days: parse_field(days, &DAYS)?,
        months: parse_field(months, &MONTHS)?,
        weekdays: parse_field(weekdays, &WEEKDAYS)?,
    })
}

fn parse_macro(text: &str, name: &str) -> Result<Schedule, ScheduleProblem> {
    let hourly = Schedule {
        text: text.into(),
        minutes: Field::only(0),
        hours: Field::all(&HOURS),
        days: Field::all(&DAYS),
        months: Field::all(&MONTHS),
        weekdays: Field::all(&WEEKDAYS),
    };
    let daily = Schedule { hours: Field::only(0), ..hourly.clone() };
    match name {
        "@hourly" => Ok(hourly),
        "@daily" | "@midnight" => Ok(daily),
        "@weekly" => Ok(Schedule { weekdays: Field::only(0), ..daily }),
        "@monthly" => Ok(Schedule { days: Field::only(1), ..daily }),
        "@yearly" | "@annually" => Ok(Schedule { days: Field::only(1), months: Field::only(1), ..daily }),
        _ => Err(ScheduleProblem::UnknownMacro),
    }
}

/// Reads a list of parts. Commas without anything between them are passed over.
fn parse_field(field: &str, bounds: &Bounds) -> Result<Field, ScheduleProblem> {
    field.split(',').filter(|part| !part.is_empty()).try_fold(Field { bits: 0, open: false }, |field, part| {
        let part = parse_part(part, bounds)?;
        Ok(Field { bits: field.bits | part.bits, open: field.open || part.open })
    })
}

/// Reads `*`, `a`, `a-b`, each with `/step` or without.
fn parse_part(part: &str, bounds: &Bounds) -> Result<Field, ScheduleProblem> {
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((_, step)) if step.contains('/') => return Err(ScheduleProblem::Slashes(part.to_owned())),
        Some((range, step)) => (range, Some(step)),
    };
    let (low, high) = range.split_once('-').map_or((range, None), |(low, high)| (low, Some(high)));
    let open = matches!(low, "*" | "?");
    let (start, mut end) = if open {
        (bounds.min, bounds.max)
    } else {
        if high.is_some_and(|high| high.contains('-')) {
            return Err(ScheduleProblem::Hyphens(part.to_owned()));
        }
        let start = parse_value(low, part, bounds)?;
        (start, high.map_or(Ok(start), |high| parse_value(high, part, bounds))?)
    };
    let mut every = 1;
    if let Some(step) = step {
        every = parse_number(step).ok_or_else(|| no_number(step, part, bounds))?;
        if high.is_none() {
            end = bounds.max;
        }
    }
    if start < bounds.min || end > bounds.max {
        return Err(ScheduleProblem::OutOfRange {
            field: bounds.name,
            part: part.to_owned(),
            min: bounds.min,
            max: bounds.max,
        });
    }
    if start > end {
        return Err(ScheduleProblem::Descending(part.to_owned()));
    }
    if every == 0 {
        return Err(ScheduleProblem::ZeroStep(part.to_owned()));
    }
    let every = usize::try_from(every).unwrap_or(usize::MAX);
    let bits = (start..=end).step_by(every).fold(0, |bits, value| bits | 1 << value);
    Ok(Field { bits, open: open && every == 1 })
}

fn parse_value(text: &str, part: &str, bounds: &Bounds) -> Result<u32, ScheduleProblem> {
    let named = bounds.names.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|&(_, value)| value);
    named.or_else(|| parse_number(text)).ok_or_else(|| no_number(text, part, bounds))
}

/// A number as Go's `Atoi` reads it, held at the end of the range, which lies beyond every field's.
fn parse_number(text: &str) -> Option<u32> {
    let number: i64 = text.parse().ok()?;
    (number >= 0).then(|| u32::try_from(number).unwrap_or(u32::MAX))
}

fn no_number(value: &str, part: &str, bounds: &Bounds) -> ScheduleProblem {
    ScheduleProblem::NoNumber { field: bounds.name, part: part.to_owned(), value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().expect("a schedule")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_schedule_comes_round_when_robfig_says() {
        // Sunday, the 1st of March 2026, a second past nine.
        let now = at("2026-03-01T09:00:01Z");
        for (text, next) in [
            ("* * * * *", "2026-03-01T09:01:00Z"),
            ("0 9 * * mon-fri", "2026-03-02T09:00:00Z"),
            ("0 9 * * SUN", "2026-03-08T09:00:00Z"),
            ("30 8-10/2 * * *", "2026-03-01T10:30:00Z"),
            ("5/20 * * * ?", "2026-03-01T09:05:00Z"),
            ("0 0 13 * 5", "2026-03-06T00:00:00Z"),
            ("0 0 13 * *", "2026-03-13T00:00:00Z"),
            ("0 0 */2 * 2", "2026-03-03T00:00:00Z"),
            ("0 0 * * 2", "2026-03-03T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 0 31 dec,jan *", "2026-12-31T00:00:00Z"),
            ("0,,30 9 * * *", "2026-03-01T09:30:00Z"),
            ("@hourly", "2026-03-01T10:00:00Z"),
            ("@daily", "2026-03-02T00:00:00Z"),
            ("@midnight", "2026-03-02T00:00:00Z"),
            ("@weekly", "2026-03-08T00:00:00Z"),
            ("@monthly", "2026-04-01T00:00:00Z"),
            ("@yearly", "2027-01-01T00:00:00Z"),
            ("@annually", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(schedule(text).next_after(now), Some(at(next)), "{text}");
        }
    }

    #[test]
    fn the_next_time_is_strictly_later() {
        let hourly = schedule("@hourly");
        assert_eq!(hourly.next_after(at("2026-03-01T09:00:00Z")), Some(at("2026-03-01T10:00:00Z")));
        assert_eq!(hourly.next_after(at("2026-03-01T08:59:59.999Z")), Some(at("2026-03-01T09:00:00Z")));
    }

    #[test]
    fn some_schedules_never_come_round() {
        for never in ["0 0 31 2 *", "0 0 30 feb *", ", * * * *"] {
            assert_eq!(schedule(never).next_after(at("2026-03-01T09:00:00Z")), None, "{never}");
        }
        assert_eq!(schedule("@yearly").next_after(Timestamp::MAX), None, "there is no time after the last");
    }

    #[test]
    fn what_is_no_schedule_says_why() {
        let out_of_range =
            |field, part: &str, min, max| ScheduleProblem::OutOfRange { field, part: part.to_owned(), min, max };
        let no_number = |field, part: &str, value: &str| ScheduleProblem::NoNumber {
            field,
            part: part.to_owned(),
            value: value.to_owned(),
        };
        for (text, problem) in [
            ("", ScheduleProblem::Empty),
            ("  ", ScheduleProblem::Empty),
            ("@every 1h", ScheduleProblem::UnknownMacro),
            ("@hourly now", ScheduleProblem::UnknownMacro),
            ("@Daily", ScheduleProblem::UnknownMacro),
            ("TZ=Asia/Tokyo 0 9 * * *", ScheduleProblem::TimeZone),
            ("0 9 * *", ScheduleProblem::FieldCount(4)),
            ("0 0 9 * * *", ScheduleProblem::FieldCount(6)),
            ("60 * * * *", out_of_range("minutes", "60", 0, 59)),
            ("* 24 * * *", out_of_range("hours", "24", 0, 23)),
            ("* * 0 * *", out_of_range("days of the month", "0", 1, 31)),
            ("* * * 13 *", out_of_range("months", "13", 1, 12)),
            ("* * * * 7", out_of_range("days of the week", "7", 0, 6)),
            ("* * * * fri-mon", ScheduleProblem::Descending("fri-mon".to_owned())),
            ("* * * * L", no_number("days of the week", "L", "L")),
            ("-1 * * * *", no_number("minutes", "-1", "")),
            ("* mon * * *", no_number("hours", "mon", "mon")),
            ("*/x * * * *", no_number("minutes", "*/x", "x")),
            ("*/-2 * * * *", no_number("minutes", "*/-2", "-2")),
            ("*/0 * * * *", ScheduleProblem::ZeroStep("*/0".to_owned())),
            ("1-2-3 * * * *", ScheduleProblem::Hyphens("1-2-3".to_owned())),
            ("*/2/3 * * * *", ScheduleProblem::Slashes("*/2/3".to_owned())),
        ] {
            assert_eq!(text.parse::<Schedule>().expect_err(text).problem, problem, "{text}");
        }
        let error = "0 9 * * 7".parse::<Schedule>().expect_err("there is no day 7").to_string();
        assert!(error.contains("\"0 9 * * 7\"") && error.contains("0-6") && error.contains("@daily"), "{error}");
    }

    proptest! {
        #[test]
        fn the_next_time_is_one_of_the_schedules_and_none_lies_between(
            minute in 0u32..60, hour in 0u32..24, weekday in 0u32..7, seconds in 1_700_000_000i64..1_900_000_000,
        ) {
            // given a schedule once a week
            let weekly = schedule(&format!("{minute} {hour} * * {weekday}"));
            let now = Timestamp::from_second(seconds).expect("in range");
            // when it comes round next
            let next = weekly.next_after(now).expect("every week");
            // then that is within a week, on that day, at that time
            prop_assert!(next > now && next.as_second() - now.as_second() <= 7 * 24 * 3600);
            let next = TimeZone::UTC.to_datetime(next);
            let found = (next.minute(), next.hour(), next.weekday().to_sunday_zero_offset(), next.second());
            prop_assert_eq!(found, (minute as i8, hour as i8, weekday as i8, 0));
        }

        #[test]
        fn no_text_panics(text in "[-*?/,0-9a-z@ ]{0,30}", seconds in 1_700_000_000i64..1_900_000_000) {
            if let Ok(schedule) = text.parse::<Schedule>() {
                let _ = schedule.next_after(Timestamp::from_second(seconds).expect("in range"));
            }
        }
    }
}

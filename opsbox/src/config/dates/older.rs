//! Spellings of moments that the original took for fields of type datetime: scripts of its users hold them.
//!
//! Left out are those that are no whole date and change their meaning from day to day: `January 2024`, `monday`, `10:00`.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822;
use jiff::{Timestamp, ToSpan, Zoned};

/// A moment, with what is known of its offset.
pub(super) enum Moment {
    /// Counted from now.
    Zoned(Zoned),
    /// As a clock shows it.
    Local(DateTime),
    /// With an offset.
    Utc(Timestamp),
}

/// Numbers above this are milliseconds, as pydantic has it.
const MOST_SECONDS: f64 = 2e10;

/// Reads a moment as the original did.
pub(super) fn moment(text: &str, now: &Zoned) -> Option<Moment> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let lower = words.join(" ");
    // There these kept the time of day.
    let days = match lower.trim_start_matches("the ") {
        "today" => Some(0),
        "yesterday" => Some(-1),
        "tomorrow" => Some(1),
        "day before yesterday" => Some(-2),
        _ => None,
    };
    if let Some(days) = days {
        return now.checked_add(days.days()).ok().map(Moment::Zoned);
    }
    if let Some(zoned) = super::relative(&lower, now) {
        return Some(Moment::Zoned(zoned));
    }
    // Every letter that could make it a number (`inf`, `1e9`) is none of a moment.
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    if let Some(number) = plain.then(|| text.parse().ok()).flatten() {
        return of_number(number).map(Moment::Utc);
    }
    // "90 days" and "-90 days" were both in the past.
    if let Some(span) = super::spelled(lower.strip_prefix('-').unwrap_or(&lower)) {
        return now.checked_sub(span).ok().map(Moment::Zoned);
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(Moment::Utc(zoned.timestamp()));
    }
    of_calendar(&lower).map(Moment::Local)
}

/// Reads seconds or milliseconds since 1970; small numbers are more likely a mistake.
fn of_number(number: f64) -> Option<Timestamp> {
    let seconds = match number {
        100_000_000.0..=MOST_SECONDS => number,
        _ if number > MOST_SECONDS => number / 1e3,
        _ => return None,
    };
    // What is out of range becomes the last number, which the type refuses.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// Reads a date with a month's name, or with slashes or dots, and perhaps a time after it.
fn of_calendar(text: &str) -> Option<DateTime> {
    let plain = text.replace(',', " ");
    let mut words: Vec<&str> = plain.split_whitespace().collect();
    let time = match words.last().filter(|word| word.contains(':')) {
        Some(word) => {
            let time: Time = word.parse().ok()?;
            words.pop();
            time
        }
        None => Time::midnight(),
    };
    let date = match words[..] {
        [date] => numeric(date)?,
        [one, two, year] => {
            let (month, day) = match month(one) {
                Some(month) => (month, two),
                None => (month(two)?, one),
            };
            let ordinal = ["st", "nd", "rd", "th"]
                .iter()
                .find_map(|end| day.strip_suffix(end));
            date_of(year, month, ordinal.unwrap_or(day).parse().ok()?)?
        }
        _ => return None,
    };
    Some(date.to_datetime(time))
}

/// Reads `2024/01/31`, `01/31/2024` with the month first, or `31/01/2024` where it cannot be first.
fn numeric(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let [one, two, three] = parts[..] else { return None };
    if one.len() == 4 {
        return date_of(one, two.parse().ok()?, three.parse().ok()?);
    }
    let (first, second): (i8, i8) = (one.parse().ok()?, two.parse().ok()?);
    let (month, day) = if first <= 12 {
        (first, second)
    } else {
        (second, first)
    };
    date_of(three, month, day)
}

fn date_of(year: &str, month: i8, day: i8) -> Option<Date> {
    let whole = year.len() == 4;
    whole.then(|| Date::new(year.parse().ok()?, month, day).ok())?
}

fn month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let short = word.trim_end_matches('.');
    let at = NAMES
        .iter()
        .position(|name| short.len() >= 3 && name.starts_with(short))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::super::moment;

    fn read(text: &str) -> Option<String> {
        moment(text, &"2026-03-31T12:00:00+02:00[+02:00]".parse().unwrap(), true)
    }

    /// The expected moments are those of dateparser 1.2, which the original used.
    #[test]
    fn spellings_of_the_original_mean_what_they_meant() {
        let check = |text: &str, expected: &str| assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        for text in ["90 days", "90d", "-90 days", "90 days ago", "90 day ago"] {
            check(text, "2025-12-31T12:00:00");
        }
        check("1w", "2026-03-24T12:00:00");
        check("6 months", "2025-09-30T12:00:00");
        check("yesterday", "2026-03-30T12:00:00");
        check("the day before yesterday", "2026-03-29T12:00:00");
        check("tomorrow", "2026-04-01T12:00:00");
        for text in [
            "Jan 2 2024",
            "Jan 2, 2024",
            "2 January 2024",
            "January 2nd, 2024",
            "01/02/2024",
            "2024/01/02",
        ] {
            check(text, "2024-01-02T00:00:00");
        }
        check("01.02.2024", "2024-01-02T00:00:00");
        check("01-02-2024", "2024-01-02T00:00:00");
        check("31/01/2024", "2024-01-31T00:00:00");
        check("Jan 2 2024 10:30", "2024-01-02T10:30:00");
        check("01/02/2024 10:30:15", "2024-01-02T10:30:15");
        check("Mon, 01 Jan 2024 10:00:00 GMT", "2024-01-01T10:00:00Z");
        check("1700000000", "2023-11-14T22:13:20Z");
        check("1700000000.5", "2023-11-14T22:13:20.5Z");
        check("1700000000000", "2023-11-14T22:13:20Z");
    }

    #[test]
    fn what_is_no_date_stays_refused() {
        for text in [
            "sa-east-1",
            "no",
            "may",
            "12:30",
            "v2",
            "90",
            "January 2024",
            "monday",
            "2 Jan",
            "1/2/24",
            "32/01/2024",
            "2024-02-30",
            "02/30/2024",
            "ja 2 2024",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

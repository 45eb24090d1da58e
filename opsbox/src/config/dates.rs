//! Moments and days as people write them: ISO 8601, `now`, `yesterday`, `90 days ago`.

mod older;

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp, Zoned};

/// Returns a moment as RFC 3339; with `legacy`, local time without offset unless the text has one.
///
/// Old plugins got moments without offset from the original and compare them with such, which Python refuses to mix. For them
/// the spellings count too that the original took and that say less than they should: `90 days`, `01/31/2026`.
pub(crate) fn moment(text: &str, now: &Zoned, legacy: bool) -> Option<String> {
    let text = text.trim();
    if text.parse::<Timestamp>().is_ok() {
        // Years before the first are written with a sign, which nobody else reads.
        return (!text.starts_with(['-', '+'])).then(|| text.replacen(' ', "T", 1));
    }
    // What is counted from now is counted in seconds.
    let now = &now.with().subsec_nanosecond(0).build().ok()?;
    let local = |local: DateTime| local.to_zoned(now.time_zone().clone()).ok();
    let zoned = match text.parse::<DateTime>().ok() {
        Some(found) => local(found)?,
        None if legacy => match older::moment(text, now)? {
            older::Moment::Zoned(zoned) => zoned,
            older::Moment::Local(found) => local(found)?,
            older::Moment::Utc(found) => return Some(found.to_string()),
        },
        None => relative(text, now)?,
    };
    if zoned.year() < 1 {
        return None;
    }
    let written = zoned.datetime().strftime("%Y-%m-%dT%H:%M:%S%.f");
    Some(if legacy {
        written.to_string()
    } else {
        format!("{written}{}", zoned.strftime("%:z"))
    })
}

/// Returns a day as `YYYY-MM-DD`.
pub(crate) fn day(text: &str, now: &Zoned) -> Option<String> {
    let text = text.trim();
    let date = match text.parse::<Date>() {
        Ok(date) => date,
        Err(_) => relative(text, now)?.date(),
    };
    (date.year() >= 1).then(|| date.to_string())
}

/// Reads a moment that counts from now, with its direction.
fn relative(text: &str, now: &Zoned) -> Option<Zoned> {
    let lower = text.to_ascii_lowercase();
    let midnight = || now.start_of_day().ok();
    match lower.as_str() {
        "now" => return Some(now.clone()),
        "today" => return midnight(),
        "yesterday" => return midnight()?.yesterday().ok(),
        "tomorrow" => return midnight()?.tomorrow().ok(),
        _ => {}
    }
    let ago = lower.strip_suffix(" ago");
    let ahead = lower.strip_prefix("in ").or(lower.strip_suffix(" from now"));
    let last = lower.strip_prefix("last ").filter(|unit| is_unit(unit));
    let next = lower.strip_prefix("next ").filter(|unit| is_unit(unit));
    let span = match (ago, ahead, last, next) {
        (Some(rest), None, None, None) => spelled(rest)?.negate(),
        (None, Some(rest), None, None) => spelled(rest)?,
        (None, None, Some(unit), None) => spelled(&format!("1 {unit}"))?.negate(),
        (None, None, None, Some(unit)) => spelled(&format!("1 {unit}"))?,
        // Without "in" or "ago" nobody can tell the direction.
        _ => return None,
    };
    now.checked_add(span).ok()
}

fn is_unit(word: &str) -> bool {
    ["day", "week", "month", "year"].contains(&word)
}

/// Reads `90 days`, `1 month 2 days`, `2 days and 3 hours`, `a week`.
fn spelled(text: &str) -> Option<Span> {
    const NUMBERS: [&str; 13] = [
        "a", "an", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve",
    ];
    const VALUES: [&str; 13] = ["1", "1", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12"];
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "and")
        .map(|word| {
            let at = NUMBERS.iter().position(|number| *number == word);
            at.map_or(word, |at| VALUES[at])
        })
        .collect();
    let counted = words.join(" ");
    // An ISO period may carry its own sign, which would turn "ago" around.
    if counted.starts_with(|c: char| c.is_ascii_digit()) {
        counted.parse::<Span>().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-03-31T12:00:00.75+02:00[+02:00]".parse().unwrap()
    }

    #[test]
    fn moments_in_every_spelling() {
        let check = |text: &str, expected: &str| {
            assert_eq!(moment(text, &now(), false).as_deref(), Some(expected), "{text}");
        };
        check("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z");
        check("2026-01-02 03:04:05+01:00", "2026-01-02T03:04:05+01:00");
        check("2026-01-02", "2026-01-02T00:00:00+02:00");
        check("2026-01-02T03:04", "2026-01-02T03:04:00+02:00");
        check("2026-01-02 03:04:05.25", "2026-01-02T03:04:05.25+02:00");
        check("90 days ago", "2025-12-31T12:00:00+02:00");
        check("90  Days  Ago", "2025-12-31T12:00:00+02:00");
        check("90d ago", "2025-12-31T12:00:00+02:00");
        check("1 month 2 days ago", "2026-02-26T12:00:00+02:00");
        check("1 day, 2 hours ago", "2026-03-30T10:00:00+02:00");
        check("2 days and 3 hrs ago", "2026-03-29T09:00:00+02:00");
        check("1.5 hours ago", "2026-03-31T10:30:00+02:00");
        check("a week ago", "2026-03-24T12:00:00+02:00");
        check("two weeks ago", "2026-03-17T12:00:00+02:00");
        check("last month", "2026-02-28T12:00:00+02:00");
        check("next year", "2027-03-31T12:00:00+02:00");
        check("in 2 hours", "2026-03-31T14:00:00+02:00");
        check("2 days from now", "2026-04-02T12:00:00+02:00");
        check("yesterday", "2026-03-30T00:00:00+02:00");
        check("Now", "2026-03-31T12:00:00+02:00");
    }

    #[test]
    fn moments_of_old_plugins_keep_local_time() {
        let check = |text: &str, expected: &str| {
            assert_eq!(moment(text, &now(), true).as_deref(), Some(expected), "{text}");
        };
        check("90 days ago", "2025-12-31T12:00:00");
        check("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z");
        check("2026-01-02", "2026-01-02T00:00:00");
    }

    #[test]
    fn nothing_is_guessed() {
        let vague = [
            "sa-east-1",
            "no",
            "may",
            "1d",
            "12:30",
            "v2",
            "90",
            "90 days",
            "-3 days ago",
            "",
            "ago",
            "last 2",
            "01/02/2026",
            "1700000000",
        ];
        for text in vague {
            assert_eq!(moment(text, &now(), false), None, "{text}");
        }
    }

    #[test]
    fn days() {
        assert_eq!(day("2026-01-02", &now()).as_deref(), Some("2026-01-02"));
        assert_eq!(day("2 days ago", &now()).as_deref(), Some("2026-03-29"));
        assert_eq!(day("soon", &now()), None);
        assert_eq!(day("3000 years ago", &now()), None);
    }

    #[test]
    fn years_before_the_first_are_no_moments() {
        for text in ["3000 years ago", "-000001-01-01T00:00:00Z", "-000001-01-01"] {
            for legacy in [false, true] {
                assert_eq!(moment(text, &now(), legacy), None, "{text}");
            }
        }
        assert_eq!(moment("-99y99999mo", &now(), true), None);
    }
}

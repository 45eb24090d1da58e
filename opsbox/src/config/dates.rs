//! Moments and days as people write them: ISO 8601, `now`, `yesterday`, `90 days ago`.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp, Zoned};

/// Returns a moment as RFC 3339; with `naive`, local time without offset unless the text has one.
///
/// Old plugins got moments without offset from the original and compare them with such, which Python refuses to mix.
pub(super) fn moment(text: &str, now: &Zoned, naive: bool) -> Option<String> {
    let text = text.trim();
    if text.parse::<Timestamp>().is_ok() {
        return Some(text.replacen(' ', "T", 1));
    }
    if let Some(since) = since_1970(text) {
        return Some(since.to_string());
    }
    let zoned = match text.parse::<DateTime>().ok() {
        Some(local) => local.to_zoned(now.time_zone().clone()).ok()?,
        None => relative(text, now)?.with().subsec_nanosecond(0).build().ok()?,
    };
    let local = zoned.datetime().strftime("%Y-%m-%dT%H:%M:%S%.f");
    Some(if naive {
        local.to_string()
    } else {
        format!("{local}{}", zoned.strftime("%:z"))
    })
}

/// Reads seconds since 1970, or milliseconds where they are so many that seconds would lie centuries ahead, as pydantic does.
///
/// A number of less than nine digits is none: `2024` is meant as a year, and `90` is short of a unit.
fn since_1970(text: &str) -> Option<Timestamp> {
    const LAST_SECOND: f64 = 2e10;
    let whole = text.split('.').next().unwrap_or_default();
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() < 9 || !is_number(whole) || !text.split('.').skip(1).all(is_number) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let seconds = if number > LAST_SECOND { number / 1e3 } else { number };
    // The bound keeps it far inside the type; what is lost is less than a microsecond.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// Returns a day as `YYYY-MM-DD`.
pub(super) fn day(text: &str, now: &Zoned) -> Option<String> {
    let text = text.trim();
    let date = match text.parse::<Date>() {
        Ok(date) => date,
        Err(_) => relative(text, now)?.date(),
    };
    Some(date.to_string())
}

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
    let ahead = lower.strip_prefix("in ");
    let span = match (ahead, lower.ends_with(" ago")) {
        (Some(rest), false) => spelled(rest)?,
        (None, true) => spelled(lower.strip_suffix(" ago")?)?.negate(),
        // Without "in" or "ago" nobody can tell the direction.
        _ => return None,
    };
    now.checked_add(span).ok()
}

/// Reads `90 days`, `1 month 2 days`, `a week`.
fn spelled(text: &str) -> Option<Span> {
    let text = text.trim();
    let counted = match text.strip_prefix("a ").or_else(|| text.strip_prefix("an ")) {
        Some(unit) => format!("1 {unit}"),
        None => text.to_owned(),
    };
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
        "2026-03-31T12:00:00+02:00[+02:00]".parse().unwrap()
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
        check("1717200000", "2024-06-01T00:00:00Z");
        check("1717200000.5", "2024-06-01T00:00:00.5Z");
        check("1717200000500", "2024-06-01T00:00:00.5Z");
        check("90 days ago", "2025-12-31T12:00:00+02:00");
        check("1 month 2 days ago", "2026-02-26T12:00:00+02:00");
        check("a week ago", "2026-03-24T12:00:00+02:00");
        check("in 2 hours", "2026-03-31T14:00:00+02:00");
        check("yesterday", "2026-03-30T00:00:00+02:00");
        check("Now", "2026-03-31T12:00:00+02:00");
    }

    #[test]
    fn naive_moments_keep_local_time() {
        assert_eq!(
            moment("90 days ago", &now(), true).as_deref(),
            Some("2025-12-31T12:00:00")
        );
        assert_eq!(
            moment("2026-01-02T03:04:05Z", &now(), true).as_deref(),
            Some("2026-01-02T03:04:05Z")
        );
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
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
        ] {
            assert_eq!(moment(text, &now(), false), None, "{text}");
        }
    }

    #[test]
    fn days() {
        assert_eq!(day("2026-01-02", &now()).as_deref(), Some("2026-01-02"));
        assert_eq!(day("2 days ago", &now()).as_deref(), Some("2026-03-29"));
        assert_eq!(day("soon", &now()), None);
    }
}

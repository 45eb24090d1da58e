//! Lengths of time and times of the day as people write them: ISO 8601, `1h 30m`, `01:30:00`, seconds as a plain number.

use jiff::Span;

/// The seconds of a day; a time of the day is below.
const DAY: f64 = 86_400.0;

/// What a length of time may look like, for messages.
pub(super) const DURATIONS: &str = "such as `PT1H`, `1h 30m`, `01:30:00`, or a number of seconds";

/// What a time of the day may look like, for messages.
pub(super) const TIMES: &str = "such as `10:30` or `10:30:00`, or a number of seconds since midnight";

/// Returns a length of time in ISO 8601; what has colons, or is in it already, stays as it is, for the plugin to judge.
pub(super) fn duration(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(seconds) = seconds(text) {
        let sign = if seconds < 0.0 { "-" } else { "" };
        return Some(format!("{sign}PT{}S", short(seconds.abs())));
    }
    let digits = text.contains(|c: char| c.is_ascii_digit());
    if digits && (text.contains(':') || text.trim_start_matches(['+', '-']).starts_with('P')) {
        return Some(text.to_owned());
    }
    let span: Span = text.parse().ok()?;
    // A month has no length of its own.
    (span.get_months() == 0 && span.get_years() == 0).then(|| span.to_string())
}

/// Returns a time of the day; seconds since midnight are of UTC, as the original took them.
pub(super) fn clock(text: &str) -> Option<String> {
    let text = text.trim();
    let Some(seconds) = seconds(text) else {
        return (text.contains(':') && text.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| text.to_owned());
    };
    if !(0.0..DAY).contains(&seconds) {
        return None;
    }
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    let (minutes, rest) = ((rest / 60.0).floor(), rest % 60.0);
    let fraction = short(rest);
    let fraction = match fraction.split_once('.') {
        Some((_, digits)) => format!(".{digits}"),
        None => String::new(),
    };
    Some(format!("{hours:02}:{minutes:02}:{:02}{fraction}Z", rest.floor()))
}

/// Reads a plain number: digits, a sign, a fraction.
fn seconds(text: &str) -> Option<f64> {
    let plain = |c: char| c.is_ascii_digit() || ['+', '-', '.'].contains(&c);
    text.chars().all(plain).then(|| text.parse().ok()).flatten()
}

/// Writes seconds to the microsecond, which is all that plugins tell apart.
fn short(seconds: f64) -> String {
    let text = format!("{seconds:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_every_spelling_that_has_one_meaning() {
        for (given, expected) in [
            ("3600", "PT3600S"),
            ("1.5", "PT1.5S"),
            ("-90", "-PT90S"),
            ("0", "PT0S"),
            ("PT1H", "PT1H"),
            ("-P1DT2H", "-P1DT2H"),
            ("01:30:00", "01:30:00"),
            ("1 day, 02:00:00", "1 day, 02:00:00"),
            ("1 hour", "PT1H"),
            ("1h 30m", "PT1H30M"),
            ("2 days", "P2D"),
        ] {
            assert_eq!(duration(given).as_deref(), Some(expected), "{given}");
        }
        for given in ["", "nonsense", "P", "1 month", "soon", "1e3", "-", "."] {
            assert_eq!(duration(given), None, "{given}");
        }
    }

    #[test]
    fn times_of_the_day_are_texts_with_colons_or_seconds_since_midnight() {
        for (given, expected) in [
            ("10:00", "10:00"),
            ("10:00:00+02:00", "10:00:00+02:00"),
            ("36000", "10:00:00Z"),
            ("10", "00:00:10Z"),
            ("86399.5", "23:59:59.5Z"),
        ] {
            assert_eq!(clock(given).as_deref(), Some(expected), "{given}");
        }
        for given in ["", "noon", "86400", "-1", "PT1H", ":"] {
            assert_eq!(clock(given), None, "{given}");
        }
    }
}

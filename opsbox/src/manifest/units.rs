//! Durations and sizes as manifests and flags spell them: `30s`, `5m`, `1h`, `512MiB`.

use std::time::Duration;

/// Returns the duration of a text such as `30s`, `1.5m`, `1h30m` or `250ms`; a bare number counts seconds, zero means "no limit".
///
/// # Errors
/// A sentence that says what is allowed.
pub fn duration(text: &str) -> Result<Duration, String> {
    let explain = || "a duration such as \"30s\", \"5m\", \"1h\" or a number of seconds".to_owned();
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds_of(seconds).ok_or_else(explain);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let split = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(explain)?;
        let number = rest[..split].parse::<f64>().map_err(|_| explain())?;
        let unit_end = rest[split..]
            .find(|c: char| !c.is_ascii_alphabetic())
            .map_or(rest.len(), |at| split + at);
        let unit = match &rest[split..unit_end] {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(explain()),
        };
        total += number * unit;
        rest = rest[unit_end..].trim_start();
    }
    if text.is_empty() {
        Err(explain())
    } else {
        seconds_of(total).ok_or_else(explain)
    }
}

/// Returns a long time in words: days, hours or minutes, rounded down.
pub fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Returns the bytes of a text such as `512MiB`, `64k` or `1 GB`; a bare number counts bytes.
///
/// # Errors
/// A sentence that says what is allowed.
pub fn size(text: &str) -> Result<u64, String> {
    let explain = || "a size such as \"512MiB\", \"64KiB\" or a number of bytes".to_owned();
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..split].parse::<u64>().map_err(|_| explain())?;
    let unit: u64 = match text[split..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(explain()),
    };
    number.checked_mul(unit).ok_or_else(explain)
}

fn seconds_of(seconds: f64) -> Option<Duration> {
    // A year is more than any wait here needs, and far from the end of `Duration`.
    if (0.0..=31_536_000.0).contains(&seconds) {
        Duration::try_from_secs_f64(seconds).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_every_spelling() {
        let check = |text: &str, millis: u64| assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
        check("30s", 30_000);
        check("5m", 300_000);
        check("1h", 3_600_000);
        check("1h30m", 5_400_000);
        check("250ms", 250);
        check("1.5m", 90_000);
        check("0", 0);
        check("7", 7_000);
        for bad in ["", "s", "5x", "-1", "1h 2", "NaN", "inf", "9999d", "1e30"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_in_every_spelling() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("64 k"), Ok(64 << 10));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        assert_eq!(size("123"), Ok(123));
        for bad in ["", "MiB", "1.5G", "-1", "5 apples", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}

//! What happened between two looks, a second; and figures, short. Pure.

use std::time::Duration;

/// How many a second. None if the count went down, as it does when something else has taken the
/// name, nor if no time has passed.
pub(crate) fn per_second(before: u64, now: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds == 0.0 {
        return 0.0;
    }
    now.saturating_sub(before) as f64 / seconds
}

/// How many milliseconds of each second.
pub(crate) fn millis_per_second(before: Duration, now: Duration, time: Duration) -> f64 {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    per_second(micros(before), micros(now), time) / 1000.0
}

/// Which part of `offered` was lost, from 0 to 1.
pub(crate) fn share(lost: u64, offered: u64) -> f64 {
    if lost == 0 {
        return 0.0;
    }
    (lost as f64 / offered.max(1) as f64).min(1.0)
}

/// Three digits and a unit, at most five characters: `0`, `9.5`, `1.23k`, `123M`.
pub(crate) fn short(n: f64) -> String {
    let units = ["", "k", "M", "G", "T", "P", "E"];
    let mut scaled = n;
    for unit in units {
        // What would be rounded to 1000 is one of the next.
        if scaled < 999.5 {
            return format!("{}{unit}", three_digits(scaled, !unit.is_empty()));
        }
        scaled /= 1000.0;
    }
    format!("{n:.0e}")
}

fn three_digits(n: f64, is_scaled: bool) -> String {
    if n == 0.0 || n >= 99.95 {
        format!("{n:.0}")
    } else if n >= 9.995 || !is_scaled {
        format!("{n:.1}")
    } else {
        format!("{n:.2}")
    }
}

/// A count, exact while it is short.
pub(crate) fn count(n: u64) -> String {
    if n < 10_000 {
        n.to_string()
    } else {
        short(n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn rates_are_by_the_time_between() {
        assert_eq!(per_second(100, 150, SECOND), 50.0);
        assert_eq!(per_second(100, 150, SECOND / 4), 200.0);
        assert_eq!(per_second(100, 150, SECOND * 10), 5.0);
        assert_eq!(per_second(0, u64::MAX, SECOND), u64::MAX as f64);
    }

    #[test]
    fn rates_are_never_negative_nor_infinite() {
        assert_eq!(per_second(150, 100, SECOND), 0.0);
        assert_eq!(per_second(u64::MAX, 0, SECOND), 0.0);
        assert_eq!(per_second(100, 150, Duration::ZERO), 0.0);
        assert_eq!(millis_per_second(SECOND, Duration::ZERO, SECOND), 0.0);
        assert_eq!(millis_per_second(SECOND, SECOND * 2, Duration::ZERO), 0.0);
    }

    #[test]
    fn time_spent_is_in_milliseconds_of_a_second() {
        let half = SECOND / 2;
        assert_eq!(millis_per_second(SECOND, SECOND + half, SECOND), 500.0);
        assert_eq!(millis_per_second(SECOND, SECOND + half, half), 1000.0);
        // Two that wait at once, or a wait that began before.
        assert_eq!(millis_per_second(SECOND, SECOND * 3, SECOND), 2000.0);
    }

    #[test]
    fn shares_are_from_none_to_all() {
        assert_eq!(share(0, 0), 0.0);
        assert_eq!(share(1, 4), 0.25);
        assert_eq!(share(4, 4), 1.0);
        // Lost of what was offered before.
        assert_eq!(share(5, 4), 1.0);
        assert_eq!(share(5, 0), 1.0);
    }

    #[test]
    fn figures_are_short_whatever_they_are() {
        let shown = [
            (0.0, "0"),
            (0.04, "0.0"),
            (9.5, "9.5"),
            (99.94, "99.9"),
            (99.96, "100"),
            (999.4, "999"),
            (999.5, "1.00k"),
            (1234.0, "1.23k"),
            (12_345.0, "12.3k"),
            (999_499.0, "999k"),
            (999_500.0, "1.00M"),
            (u64::MAX as f64, "18.4E"),
        ];
        for (n, text) in shown {
            assert_eq!(short(n), text);
        }
        for power in 0..64 {
            let n = (1u64 << power) as f64;
            assert!(short(n).len() <= 5, "{}", short(n));
        }
        assert_eq!(count(9999), "9999");
        assert_eq!(count(10_000), "10.0k");
    }
}

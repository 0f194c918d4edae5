//! Dates in the two shapes of the log, in UTC, by hand.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment in the calendar (proleptic Gregorian, no leap seconds).
struct Civil {
    year: u64,
    /// 1 to 12.
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millisecond: u64,
}

impl Civil {
    /// Days are counted from 1 March of year 0, so that the leap day is the last of its year.
    fn of(unix_time_us: u64) -> Self {
        let seconds = unix_time_us / 1_000_000;
        let (days, in_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            hour: in_day / 3_600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            millisecond: unix_time_us / 1_000 % 1_000,
        }
    }
}

/// `2026-01-02T03:04:05.678Z` (RFC 3339).
pub(super) fn write_rfc3339(unix_time_us: u64, out: &mut Vec<u8>) {
    let at = Civil::of(unix_time_us);
    year(at.year, out);
    for (mark, part) in
        [(b'-', at.month), (b'-', at.day), (b'T', at.hour), (b':', at.minute), (b':', at.second)]
    {
        out.push(mark);
        two_digits(part, out);
    }
    out.extend_from_slice(&[b'.', digit(at.millisecond / 100)]);
    two_digits(at.millisecond % 100, out);
    out.push(b'Z');
}

/// `02/Jan/2026:03:04:05 +0000`.
pub(super) fn write_combined(unix_time_us: u64, out: &mut Vec<u8>) {
    let at = Civil::of(unix_time_us);
    two_digits(at.day, out);
    let name = usize::try_from(at.month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"???");
    out.push(b'/');
    out.extend_from_slice(name.as_bytes());
    out.push(b'/');
    year(at.year, out);
    for part in [at.hour, at.minute, at.second] {
        out.push(b':');
        two_digits(part, out);
    }
    out.extend_from_slice(b" +0000");
}

/// Four digits up to the year 9999; the clock of no honest machine is past it.
fn year(year: u64, out: &mut Vec<u8>) {
    if year > 9999 {
        out.extend_from_slice(itoa::Buffer::new().format(year).as_bytes());
    } else {
        two_digits(year / 100, out);
        two_digits(year % 100, out);
    }
}

fn two_digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}

/// The last digit.
fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{write_combined, write_rfc3339};

    fn both(seconds: u64) -> (String, String) {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        write_rfc3339(seconds * 1_000_000 + 678_900, &mut one);
        write_combined(seconds * 1_000_000, &mut two);
        (String::from_utf8(one).unwrap(), String::from_utf8(two).unwrap())
    }

    #[test]
    fn known_moments_have_their_dates() {
        // From `date -u -d @SECONDS`.
        for (seconds, rfc, combined) in [
            (0, "1970-01-01T00:00:00.678Z", "01/Jan/1970:00:00:00 +0000"),
            (951_782_400, "2000-02-29T00:00:00.678Z", "29/Feb/2000:00:00:00 +0000"),
            (1_709_251_199, "2024-02-29T23:59:59.678Z", "29/Feb/2024:23:59:59 +0000"),
            (1_735_689_599, "2024-12-31T23:59:59.678Z", "31/Dec/2024:23:59:59 +0000"),
            (4_107_542_400, "2100-03-01T00:00:00.678Z", "01/Mar/2100:00:00:00 +0000"),
        ] {
            assert_eq!(both(seconds), (rfc.to_owned(), combined.to_owned()));
        }
    }

    #[test]
    fn the_last_moment_that_fits_does_not_overflow() {
        let mut out = Vec::new();
        write_rfc3339(u64::MAX, &mut out);
        assert!(out.ends_with(b"Z"));
    }
}

//! Dates in field values (RFC 9110 §5.6.7).

use crate::UnixTime;

const DAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];
const LONG_DAYS: [&[u8]; 7] =
    [b"Sunday", b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

const DAY_S: i64 = 86_400;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const RANGE: (i64, i64) = (-62_167_219_200, 253_402_300_799);

/// Writes `time` as IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. Times outside the years 0 to 9999 are moved
/// to the nearest that has four digits.
pub fn format(time: UnixTime, out: &mut [u8; 29]) {
    let seconds = time.0.clamp(RANGE.0, RANGE.1);
    let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S) as u32);
    let (year, month, day) = civil(days);
    // 1970-01-01 was a Thursday.
    let weekday = days.saturating_add(4).rem_euclid(7) as usize;
    *out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    put(out, 0, DAYS.get(weekday).copied().unwrap_or(b"Thu"));
    put(out, 5, &two(day));
    put(out, 8, MONTHS.get(month.wrapping_sub(1) as usize).copied().unwrap_or(b"Jan"));
    put(out, 12, &two(year / 100));
    put(out, 14, &two(year % 100));
    put(out, 17, &two(second / 3600));
    put(out, 20, &two(second / 60 % 60));
    put(out, 23, &two(second % 60));
}

/// Reads a date in any of the three forms: IMF-fixdate, RFC 850 (`Sunday, 06-Nov-94 08:49:37 GMT`) and
/// asctime (`Sun Nov  6 08:49:37 1994`). `None` if it is none of them or names no day of the calendar; the
/// name of the weekday must be one, but need not be the right one.
///
/// A year of two digits is taken as less than 50 years from `now`; without a clock 70 to 99 mean 19xx.
pub fn parse(value: &[u8], now: Option<UnixTime>) -> Option<UnixTime> {
    match value.iter().position(|&byte| byte == b',') {
        Some(3) => imf_fixdate(value),
        Some(_) => rfc850(value, now),
        None => asctime(value),
    }
}

fn imf_fixdate(value: &[u8]) -> Option<UnixTime> {
    let mut cursor = Cursor(value);
    cursor.short_day()?;
    cursor.literal(b", ")?;
    let day = cursor.digits(2)?;
    cursor.literal(b" ")?;
    let month = cursor.month()?;
    cursor.literal(b" ")?;
    let year = cursor.digits(4)?;
    cursor.literal(b" ")?;
    let second = cursor.time_of_day()?;
    cursor.literal(b" GMT")?;
    cursor.end()?;
    unix_time(year, month, day, second)
}

fn rfc850(value: &[u8], now: Option<UnixTime>) -> Option<UnixTime> {
    let mut cursor = Cursor(value);
    LONG_DAYS.iter().find_map(|day| cursor.literal(day))?;
    cursor.literal(b", ")?;
    let day = cursor.digits(2)?;
    cursor.literal(b"-")?;
    let month = cursor.month()?;
    cursor.literal(b"-")?;
    let year = cursor.digits(2)?;
    cursor.literal(b" ")?;
    let second = cursor.time_of_day()?;
    cursor.literal(b" GMT")?;
    cursor.end()?;
    unix_time(full_year(year, now), month, day, second)
}

fn asctime(value: &[u8]) -> Option<UnixTime> {
    let mut cursor = Cursor(value);
    cursor.short_day()?;
    cursor.literal(b" ")?;
    let month = cursor.month()?;
    cursor.literal(b" ")?;
    let day = if cursor.literal(b" ").is_some() { cursor.digits(1)? } else { cursor.digits(2)? };
    cursor.literal(b" ")?;
    let second = cursor.time_of_day()?;
    cursor.literal(b" ")?;
    let year = cursor.digits(4)?;
    cursor.end()?;
    unix_time(year, month, day, second)
}

/// The year that two digits stand for: not more than 50 years ahead, else the last one that had them.
fn full_year(two_digits: u32, now: Option<UnixTime>) -> u32 {
    let Some(now) = now else {
        return two_digits.saturating_add(if two_digits >= 70 { 1900 } else { 2000 });
    };
    let (this_year, _, _) = civil(now.0.clamp(RANGE.0, RANGE.1).div_euclid(DAY_S));
    let latest = this_year.saturating_add(50);
    let year = (latest / 100).saturating_mul(100).saturating_add(two_digits);
    if year > latest { year.saturating_sub(100) } else { year }
}

fn unix_time(year: u32, month: u32, day: u32, second: u32) -> Option<UnixTime> {
    let month_days = match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=month_days).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    Some(UnixTime(days.saturating_mul(DAY_S).saturating_add(i64::from(second))))
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970-01-01 to 0000-03-01: counted from a March, years end with their leap day.
const FIRST_MARCH: i64 = -719_468;
const DAYS_IN_400_YEARS: i64 = 146_097;

/// Year, month 1–12 and day 1–31 of a day counted from 1970-01-01, in the years 0 to 9999.
fn civil(days: i64) -> (u32, u32, u32) {
    let days = days.saturating_sub(FIRST_MARCH);
    let (era, day) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
    // Leap days before this one: every 1,460 days, but not every 36,524, but at the end of the 400 years.
    let leap_days = day / 1_460 - day / 36_524 + day / 146_096;
    let year = (day - leap_days) / 365;
    let day_of_year = day - (year * 365 + year / 4 - year / 100);
    // Five months from March or from August have 153 days.
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era.saturating_mul(400).saturating_add(year + next_year);
    (u32::try_from(year).unwrap_or(0), month as u32, day_of_month as u32)
}

/// The other way: days from 1970-01-01.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * DAYS_IN_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year + FIRST_MARCH
}

fn two(number: u32) -> [u8; 2] {
    [b'0'.wrapping_add((number / 10 % 10) as u8), b'0'.wrapping_add((number % 10) as u8)]
}

fn put<const N: usize>(out: &mut [u8; 29], at: usize, text: &[u8; N]) {
    if let Some(room) = out.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *room = *text;
    }
}

/// What is left to read.
struct Cursor<'v>(&'v [u8]);

impl Cursor<'_> {
    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn short_day(&mut self) -> Option<()> {
        DAYS.iter().find_map(|day| self.literal(*day))
    }

    fn month(&mut self) -> Option<u32> {
        (1..).zip(MONTHS).find_map(|(number, name)| self.literal(name).map(|()| number))
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0u32, |number, &byte| {
            let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
            number.checked_mul(10)?.checked_add(u32::from(digit))
        })
    }

    /// `hour:minute:second`, as seconds of the day; a leap second counts as the second after it.
    fn time_of_day(&mut self) -> Option<u32> {
        let hour = self.digits(2)?;
        self.literal(b":")?;
        let minute = self.digits(2)?;
        self.literal(b":")?;
        let second = self.digits(2)?;
        (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second)
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn formatted(seconds: i64) -> alloc::string::String {
        let mut out = [0; 29];
        format(UnixTime(seconds), &mut out);
        core::str::from_utf8(&out).expect("ASCII").into()
    }

    const EXAMPLE: UnixTime = UnixTime(784_111_777);

    #[test]
    fn dates_are_written_as_imf_fixdate() {
        for (seconds, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (i64::MIN, "Sat, 01 Jan 0000 00:00:00 GMT"),
        ] {
            assert_eq!(formatted(seconds), text);
        }
    }

    #[test]
    fn all_three_forms_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text.as_bytes(), Some(EXAMPLE)), Some(EXAMPLE), "{text}");
            assert_eq!(parse(text.as_bytes(), None), Some(EXAMPLE), "{text}");
        }
        assert_eq!(parse(b"Wed Nov 16 08:49:37 1994", None), Some(UnixTime(784_975_777)));
        assert_eq!(parse(b"Sat, 31 Dec 2016 23:59:60 GMT", None), Some(UnixTime(1_483_228_800)));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "0",
            "Sun",
            "Sun,",
            ",",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            " Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 00:00:00 GMT",
            "Sun, 29 Feb 2023 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Sun, 06 Nov 1994 0x:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes(), None), None, "{text}");
        }
    }

    #[test]
    fn two_digit_years_are_never_more_than_fifty_years_ahead() {
        let year_of = |digits: &str, now: i64| {
            let text = alloc::format!("Sunday, 06-Nov-{digits} 08:49:37 GMT");
            parse(text.as_bytes(), Some(UnixTime(now))).map(|time| civil(time.0 / DAY_S).0)
        };
        let in_2026 = 1_767_225_600;
        assert_eq!(year_of("26", in_2026), Some(2026));
        assert_eq!(year_of("76", in_2026), Some(2076));
        assert_eq!(year_of("77", in_2026), Some(1977));
        assert_eq!(year_of("99", in_2026), Some(1999));
        assert_eq!(year_of("00", in_2026), Some(2000));
        let in_2060 = 2_840_140_800;
        assert_eq!(year_of("10", in_2060), Some(2110));
        assert_eq!(year_of("11", in_2060), Some(2011));
    }

    proptest! {
        #[test]
        fn a_date_reads_back_as_it_was_written(seconds in RANGE.0..=RANGE.1) {
            prop_assert_eq!(parse(formatted(seconds).as_bytes(), None), Some(UnixTime(seconds)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(value in prop::collection::vec(any::<u8>(), 0..40), now: i64) {
            let read = parse(&value, Some(UnixTime(now)));
            prop_assert!(read.is_none_or(|time| (RANGE.0..=RANGE.1 + 60).contains(&time.0)));
        }
    }
}

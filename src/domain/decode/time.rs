//! Instants as the log writes them, to UTC microseconds.
//!
//! The normal form `2026-05-06T04:06:06.6547905Z` is read by hand, since it stands twice in every
//! record; the US form of some exporters (`12/12/2025 3:03:58 PM`), that of Defender's exports
//! (`Dec 12, 2025 3:03:58 PM`), counts since 1970 and offsets follow. A time without a zone is UTC: Microsoft documents the log's times so.

use super::oddity::{Oddities, Oddity};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// The first instant taken for a sign-in: 2000-01-01; no sign-in log is older.
const EARLIEST: i64 = 10_957 * DAY;
/// The first instant no longer taken: 2100-01-01.
const LATEST: i64 = 47_482 * DAY;

/// Reads an instant; `None` when it is not one, or lies outside the years 2000 to 2099.
#[must_use]
pub fn instant(text: &str) -> Option<i64> {
    noted_instant(text, &mut Oddities::default())
}

/// The same, noting what was odd about how it was written.
#[must_use]
pub fn noted_instant(text: &str, oddities: &mut Oddities) -> Option<i64> {
    let text = text.trim();
    let micros = iso(text.as_bytes(), oddities).or_else(|| unusual(text, oddities))?;
    let usable = (EARLIEST..LATEST).contains(&micros);
    oddities.note_if(!usable, Oddity::TimeOutOfRange);
    usable.then_some(micros)
}

/// The forms that are read, for people.
pub(super) const FORMS: &str = "2026-05-04T16:26:07Z, 5/4/2026 4:26:07 PM, May 4, 2026 4:26:07 PM, \
                                or a count of seconds or of parts of them since 1970";

#[cold]
fn unusual(text: &str, oddities: &mut Oddities) -> Option<i64> {
    if let Some(micros) = us(text) {
        oddities.note(Oddity::UsTime);
        return Some(micros);
    }
    if let Some((micros, has_zone)) = with_month_name(text) {
        oddities.note_if(!has_zone, Oddity::TimeWithoutZone);
        return Some(micros);
    }
    let micros = epoch(text)?;
    oddities.note(Oddity::EpochTime);
    Some(micros)
}

/// A count since 1970, by its length of seconds, milli-, micro- or nanoseconds, perhaps with a fraction.
fn epoch(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (part, []) = fraction(rest.as_bytes())? else {
        return None;
    };
    let count: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => count.checked_mul(SECOND)?.checked_add(part),
        12 | 13 => count.checked_mul(1000)?.checked_add(part / 1000),
        15 | 16 => Some(count),
        18 | 19 => Some(count / 1000),
        _ => None,
    }
}

/// Days since 1970 of the instant's UTC date.
#[must_use]
pub fn date(micros: i64) -> i32 {
    // In range: instants lie within the years 2000 to 2099.
    micros.div_euclid(DAY) as i32
}

/// `YYYY-MM-DD[T ]HH:MM:SS[.f…][zone]`.
fn iso(text: &[u8], oddities: &mut Oddities) -> Option<i64> {
    if text.len() < 19
        || text[4] != b'-'
        || text[7] != b'-'
        || !matches!(text[10], b'T' | b't' | b' ')
    {
        return None;
    }
    let (year, month, day) = (
        number(&text[0..4])?,
        number(&text[5..7])?,
        number(&text[8..10])?,
    );
    let time = clock(&text[11..19])?;
    let (fraction, zone) = fraction(&text[19..])?;
    let micros = civil(year, month, day)? * DAY + time + fraction - offset(zone)?;
    oddities.note_if(zone.is_empty(), Oddity::TimeWithoutZone);
    oddities.note_if(text[17..19] == *b"60", Oddity::LeapSecond);
    Some(micros)
}

/// `HH:MM:SS` as microseconds of the day; a leap second counts as the second before it.
fn clock(text: &[u8]) -> Option<i64> {
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (
        number(&text[0..2])?,
        number(&text[3..5])?,
        number(&text[6..8])?,
    );
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(hour * HOUR + minute * MINUTE + second.min(59) * SECOND)
}

/// An optional `.f…` of any length, cut to microseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length == 0 {
        return None;
    }
    let kept = digits[..length]
        .iter()
        .copied()
        .chain(std::iter::repeat(b'0'))
        .take(6);
    let micros = kept.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
    Some((micros, &digits[length..]))
}

/// `Z`, nothing, or `±HH[:]MM`, as microseconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (number(rest)?, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        _ => return None,
    };
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * HOUR + minutes * MINUTE))
}

/// `M/D/YYYY[,] H:MM:SS[.f] [AM|PM] [zone]`, month first as Azure writes it.
fn us(text: &str) -> Option<i64> {
    let mut parts = text.split_whitespace();
    let mut date = parts.next()?.trim_end_matches(',').splitn(3, '/');
    let (month, day, year) = (date.next()?, date.next()?, date.next()?);
    let day_start = civil(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?)? * DAY;

    let (time, zone) = clock_and_zone(parts)?;
    Some(day_start + time - offset(zone.unwrap_or("").as_bytes())?)
}

/// `Mon D, YYYY H:MM:SS[.f] [AM|PM] [zone]`, as Defender writes it; whether it has a zone.
fn with_month_name(text: &str) -> Option<(i64, bool)> {
    let mut parts = text.split_whitespace();
    let month = month_of(parts.next()?)?;
    let day = digits(parts.next()?.trim_end_matches(','), 2)?;
    let year = digits(parts.next()?.trim_end_matches(','), 4)?;
    let (time, zone) = clock_and_zone(parts)?;
    let east = offset(zone.unwrap_or("").as_bytes())?;
    Some((civil(year, month, day)? * DAY + time - east, zone.is_some()))
}

/// The number of a month by its English name or the first three letters of that.
fn month_of(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let is_it =
        |month: &&str| name.eq_ignore_ascii_case(month) || name.eq_ignore_ascii_case(&month[..3]);
    (1..)
        .zip(&NAMES)
        .find_map(|(number, month)| is_it(month).then_some(number))
}

/// `H:MM:SS[.f] [AM|PM] [zone]`, and nothing behind it: microseconds of the day, and the zone.
fn clock_and_zone<'a>(mut parts: impl Iterator<Item = &'a str>) -> Option<(i64, Option<&'a str>)> {
    let mut time = parts.next()?.splitn(3, ':');
    let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
    let (second, rest) = second.split_at(second.find('.').unwrap_or(second.len()));
    let (micros, []) = fraction(rest.as_bytes())? else {
        return None;
    };
    let (mut hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let mut next = parts.next();
    let is_pm = next.is_some_and(|half| half.eq_ignore_ascii_case("pm"));
    if is_pm || next.is_some_and(|half| half.eq_ignore_ascii_case("am")) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if is_pm { 12 } else { 0 };
        next = parts.next();
    }
    if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
        return None;
    }
    Some((
        hour * HOUR + minute * MINUTE + second * SECOND + micros,
        next,
    ))
}

fn digits(text: &str, most: usize) -> Option<i64> {
    (text.len() <= most)
        .then(|| number(text.as_bytes()))
        .flatten()
}

fn number(text: &[u8]) -> Option<i64> {
    let mut value = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    (!text.is_empty()).then_some(value)
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-compatible low-level
/// date algorithms").
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_seen_in_real_logs_is_read() {
        let expected = Some(1_778_040_366_654_790);
        assert_eq!(instant("2026-05-06T04:06:06.6547905Z"), expected);
        assert_eq!(instant("2026-05-06T04:06:06.6547905+00:00"), expected);
        assert_eq!(instant("2026-05-05T23:06:06.654790-05:00"), expected);
        assert_eq!(instant("2026-05-06 04:06:06.654790"), expected);
        let whole = Some(1_765_551_838_000_000);
        assert_eq!(instant("12/12/2025 3:03:58 PM"), whole);
        assert_eq!(instant("12/12/2025 15:03:58"), whole);
        assert_eq!(instant("12/12/2025 4:03:58 PM +01:00"), whole);
        assert_eq!(instant("12/12/2025, 3:03:58.000 PM"), whole);
        assert_eq!(instant("Dec 12, 2025 3:03:58 PM"), whole);
        assert_eq!(instant("december 12, 2025, 4:03:58.000 pm +01:00"), whole);
        let midnight = instant("2026-05-04T00:00:01.5Z");
        assert_eq!(instant("May 4, 2026 12:00:01.500 AM"), midnight);
        let noon = instant("2026-05-04T12:00:01Z");
        assert_eq!(instant("May 4, 2026 12:00:01 PM"), noon);
    }

    #[test]
    fn what_is_odd_about_an_instant_is_noted() {
        for (text, micros, odd) in [
            ("2026-05-06T04:06:06Z", 1_778_040_366_000_000, vec![]),
            (
                "2026-05-06T04:06:06",
                1_778_040_366_000_000,
                vec![Oddity::TimeWithoutZone],
            ),
            (
                "2026-05-06T04:06:60Z",
                1_778_040_419_000_000,
                vec![Oddity::LeapSecond],
            ),
            (
                "12/12/2025 3:03:58 PM",
                1_765_551_838_000_000,
                vec![Oddity::UsTime],
            ),
            ("1765551838", 1_765_551_838_000_000, vec![Oddity::EpochTime]),
            (
                "1765551838.5",
                1_765_551_838_500_000,
                vec![Oddity::EpochTime],
            ),
            (
                "1765551838123.4567",
                1_765_551_838_123_456,
                vec![Oddity::EpochTime],
            ),
            (
                "May 4, 2026 4:26:07 PM",
                1_777_911_967_000_000,
                vec![Oddity::TimeWithoutZone],
            ),
            (
                "1765551838123",
                1_765_551_838_123_000,
                vec![Oddity::EpochTime],
            ),
            (
                "1765551838123456",
                1_765_551_838_123_456,
                vec![Oddity::EpochTime],
            ),
            (
                "1765551838123456789",
                1_765_551_838_123_456,
                vec![Oddity::EpochTime],
            ),
        ] {
            let mut noted = Oddities::default();
            assert_eq!(noted_instant(text, &mut noted), Some(micros), "{text}");
            assert_eq!(noted.iter().collect::<Vec<_>>(), odd, "{text}");
        }
        let mut noted = Oddities::default();
        assert_eq!(noted_instant("1601-01-01T00:00:00Z", &mut noted), None);
        assert!(noted.has(Oddity::TimeOutOfRange));
    }

    #[test]
    fn what_is_not_an_instant_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "2026-05-06T24:00:00Z",
            "13/13/2025 3:03:58 PM",
            "2026-05-06T04:06:06.Z",
            "2026-05-06T04:06:06+99:00",
            "12/12/2025 13:03:58 PM",
            "2026-05-06T04:06",
            "1765551838.abc",
            "1765551838.5x",
            "1765551838.",
            "May 4, 2026",
            "May 32, 2026 4:26:07 PM",
            "May 4, 2026 13:26:07 PM",
            "Mayday 4, 2026 4:26:07 PM",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_instant_written_by_another_library_is_read_back(micros in EARLIEST..LATEST) {
            let written = jiff::Timestamp::from_microsecond(micros).expect("in range").to_string();
            prop_assert_eq!(instant(&written), Some(micros));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = instant(&text);
        }
    }
}

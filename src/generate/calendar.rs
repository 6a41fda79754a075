//! Instants as UTC microseconds since 1970, and how the outside world writes them.
//!
//! Owns: the civil calendar and the date formats of events and exports. Must not: read a clock
//! or know zones; a place has a fixed offset, which is given.

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// The instant of a UTC date and hour.
pub(super) const fn utc(year: i64, month: i64, day: i64, hour: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY + hour * HOUR
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Saturday or Sunday, of a day counted from 1970-01-01 (a Thursday).
pub(super) fn is_weekend(day: i64) -> bool {
    (day + 3).rem_euclid(7) >= 5
}

fn push_digits(out: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (value / 10i64.pow(place) % 10) as u8));
    }
}

fn push_second(out: &mut String, instant: i64) {
    let (year, month, day) = civil(instant.div_euclid(DAY));
    let of_day = instant.rem_euclid(DAY);
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (of_day / HOUR, 2, ':'),
        (of_day / MINUTE % 60, 2, ':'),
    ];
    for (value, width, separator) in parts {
        push_digits(out, value, width);
        out.push(separator);
    }
    push_digits(out, of_day / SECOND % 60, 2);
}

/// Seven digits of fraction, as the service writes them; the seventh is below our resolution.
pub(super) fn push_precise(out: &mut String, instant: i64, seventh: u8, zone: &str) {
    push_second(out, instant);
    out.push('.');
    push_digits(out, instant.rem_euclid(SECOND), 6);
    out.push(char::from(b'0' + seventh % 10));
    out.push_str(zone);
}

/// RFC 3339 in UTC to the second.
pub(super) fn rfc3339(instant: i64) -> String {
    let mut out = String::with_capacity(20);
    push_second(&mut out, instant);
    out.push('Z');
    out
}

/// The way a shell with en-US culture exports a date: `3/13/2026 6:04:05 PM`.
pub(super) fn us_date(instant: i64) -> String {
    let (year, month, day) = civil(instant.div_euclid(DAY));
    let of_day = instant.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day / SECOND % 60);
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{month}/{day}/{year} {hour}:{minute:02}:{second:02} {half}")
}

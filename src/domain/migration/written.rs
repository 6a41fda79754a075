//! One date as a shell wrote it: which forms there are and what each leaves open.
//!
//! Understands ISO dates, dates with slashes, hyphens or dots, 24 hours or AM and PM with the
//! spaces and dots of several cultures, and offsets. A date that no calendar has, or that has no
//! time of day, is no date. Fractions below a microsecond are cut off later, in the instant.
//!
//! Must not decide an order or a zone: that takes the whole column (`dates`).

use super::dates::DateOrder;
use super::error::shown;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use std::ops::RangeInclusive;

/// The years in which a mailbox can have been moved; anything else is a slip or an empty value.
const YEARS: RangeInclusive<i16> = 2000..=2099;

/// A date as written: its numbers are known, their meaning may be open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub shape: Shape,
    numbers: [i16; 3],
    pub time: Time,
    pub offset: Option<Offset>,
}

/// What the separators and the place of the year say about the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Year, month, day.
    YearFirst,
    /// Dots: day, month, year.
    Dotted,
    /// Slashes or hyphens with the year last: day and month in either order.
    Open,
}

impl Written {
    /// The order that this date can only have, whatever the rest of the column says.
    pub fn forced_order(&self) -> Option<DateOrder> {
        let [day_first, month_first] = self.readings().map(|date| date.is_some());
        match (self.shape, day_first, month_first) {
            (Shape::YearFirst, ..) => None,
            (Shape::Dotted, ..) | (Shape::Open, true, false) => Some(DateOrder::DayFirst),
            (Shape::Open, false, true) => Some(DateOrder::MonthFirst),
            (Shape::Open, true, true) | (Shape::Open, false, false) => None,
        }
    }

    /// The day that this date is when the day comes first, and when the month does.
    fn readings(&self) -> [Option<Date>; 2] {
        [DateOrder::DayFirst, DateOrder::MonthFirst].map(|order| self.date(Some(order)))
    }

    /// Whether day and month can be taken for each other.
    pub fn is_open(&self) -> bool {
        let [day_first, month_first] = self.readings();
        self.shape == Shape::Open && self.forced_order().is_none() && day_first != month_first
    }

    /// The day of the calendar under an order. Without one, only a date whose readings agree
    /// (6/6) may be asked for.
    pub fn date(&self, order: Option<DateOrder>) -> Option<Date> {
        let [a, b, c] = self.numbers;
        let (year, month, day) = match (self.shape, order) {
            (Shape::YearFirst, _) => (a, b, c),
            (Shape::Dotted, _) => (c, b, a),
            (Shape::Open, Some(DateOrder::MonthFirst)) => (c, a, b),
            (Shape::Open, Some(DateOrder::DayFirst | DateOrder::YearFirst) | None) => (c, b, a),
        };
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }

    /// The day under an order, for people.
    pub fn day_in_words(&self, order: DateOrder) -> String {
        self.date(Some(order))
            .map_or_else(String::new, |day| day.strftime("%-d %B").to_string())
    }
}

/// Takes a cell apart. `None` is an empty value: no text, or the first day of the year 1.
pub(super) fn parse(text: &str) -> Result<Option<Written>, String> {
    let plain: String = text.chars().filter_map(plain_char).collect();
    let plain = plain.trim();
    if plain.is_empty() {
        return Ok(None);
    }
    let unreadable = || format!("{} is not a date and time", shown(text));
    let (shape, numbers, rest) = parse_date(plain).ok_or_else(unreadable)?;
    if matches!(numbers, [1, 1, 1]) {
        return Ok(None);
    }
    if rest.is_empty() {
        return Err(format!("{} has no time of day", shown(text)));
    }
    let (time, offset) = parse_clock(rest).ok_or_else(unreadable)?;
    let written = Written {
        shape,
        numbers,
        time,
        offset,
    };
    let Some(day) = written.readings().into_iter().flatten().next() else {
        return Err(format!("{} is no day of the calendar", shown(text)));
    };
    if !YEARS.contains(&day.year()) {
        let (first, last) = (YEARS.start(), YEARS.end());
        return Err(format!(
            "{} is not between the years {first} and {last}",
            shown(text)
        ));
    }
    Ok(Some(written))
}

/// Cultures put spaces of several widths before AM and PM, and invisible direction marks.
fn plain_char(c: char) -> Option<char> {
    match c {
        '\u{200e}' | '\u{200f}' => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c.to_ascii_lowercase()),
    }
}

/// Three numbers with one separator, and the rest. A year has four digits, first or last.
fn parse_date(text: &str) -> Option<(Shape, [i16; 3], &str)> {
    let (first, rest) = digits(text, 4)?;
    let separator = rest.chars().next().filter(|c| "/-.".contains(*c))?;
    let (second, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    let (third, rest) = digits(rest.strip_prefix(separator)?, 4)?;
    let shape = match (first.len(), third.len(), separator) {
        (4, 1..=2, _) => Shape::YearFirst,
        (1..=2, 4, '.') => Shape::Dotted,
        (1..=2, 4, _) => Shape::Open,
        _ => return None,
    };
    let numbers = [
        first.parse().ok()?,
        second.parse().ok()?,
        third.parse().ok()?,
    ];
    Some((shape, numbers, rest))
}

/// The time of day behind a date, and the offset if one is written.
fn parse_clock(text: &str) -> Option<(Time, Option<Offset>)> {
    let text = text
        .strip_prefix(['t', ','])
        .or_else(|| text.strip_prefix(' '))?
        .trim_start();
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2)?,
        None => ("0", rest),
    };
    let (nanosecond, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => parse_fraction(rest)?,
        None => (0, rest),
    };
    let (half, rest) = parse_half(rest.trim_start());
    let hour = half.hour(hour.parse().ok()?)?;
    let time = Time::new(hour, minute.parse().ok()?, second.parse().ok()?, nanosecond).ok()?;
    Some((time, parse_offset(rest.trim_start())?))
}

fn parse_fraction(text: &str) -> Option<(i32, &str)> {
    let (fraction, rest) = digits(text, 9)?;
    Some((format!("{fraction:0<9}").parse().ok()?, rest))
}

/// Which half of the day the hour counts from.
#[derive(Debug, Clone, Copy)]
enum Half {
    Morning,
    Afternoon,
    /// No mark: the hour counts from 0 to 23.
    Whole,
}

impl Half {
    fn hour(self, written: i8) -> Option<i8> {
        match (self, written) {
            (Half::Whole, hour) => Some(hour),
            (Half::Morning, 1..=12) => Some(written % 12),
            (Half::Afternoon, 1..=12) => Some(written % 12 + 12),
            (Half::Morning | Half::Afternoon, _) => None,
        }
    }
}

fn parse_half(text: &str) -> (Half, &str) {
    let strip = |marks: [&str; 3]| marks.iter().find_map(|mark| text.strip_prefix(mark));
    if let Some(rest) = strip(["am", "a.m.", "a. m."]) {
        return (Half::Morning, rest);
    }
    match strip(["pm", "p.m.", "p. m."]) {
        Some(rest) => (Half::Afternoon, rest),
        None => (Half::Whole, text),
    }
}

/// What ends a date: nothing, a name of UTC, or `+hh:mm`. Anything else is not understood.
fn parse_offset(text: &str) -> Option<Option<Offset>> {
    match text {
        "" => return Some(None),
        "z" | "utc" | "gmt" => return Some(Some(Offset::UTC)),
        _ => {}
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match text[1..].split_once(':') {
        Some(parts) => parts,
        None => text[1..].split_at_checked(2)?,
    };
    let number = |text: &str, max: i32| {
        let (all, rest) = digits(text, 2)?;
        let number = all.parse().ok().filter(|number| *number <= max)?;
        (all.len() == 2 && rest.is_empty()).then_some(number)
    };
    let minutes = if minutes.is_empty() {
        0
    } else {
        number(minutes, 59)?
    };
    Offset::from_seconds(sign * (number(hours, 14)? * 3600 + minutes * 60))
        .ok()
        .map(Some)
}

/// One to `max` ASCII digits and what follows; more digits than that are no match.
fn digits(text: &str, max: usize) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=max).contains(&length).then(|| text.split_at(length))
}

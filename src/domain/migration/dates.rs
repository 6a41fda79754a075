//! A column of dates to instants: the forms that shells of different cultures write.
//!
//! Decides for a column as a whole, because one date with a day after the 12th settles the order
//! of all. What stays open is refused with the setting that decides it; nothing is guessed, and
//! a local time that the clocks skip or repeat refuses its row. What one cell can say is
//! `written`. Must not know whose dates these are.

use super::error::{ImportError, shown};
use super::read::ImportOptions;
use super::written::{Shape, Written, parse};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use std::fmt;
use std::str::FromStr;

/// The order in which the dates of a file name day, month and year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `dmy`: 16/10/2020.
    DayFirst,
    /// `mdy`: 10/16/2020.
    MonthFirst,
    /// `ymd`: 2020/10/16; every date must have its year first.
    YearFirst,
}

impl fmt::Display for DateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DateOrder::DayFirst => "dmy",
            DateOrder::MonthFirst => "mdy",
            DateOrder::YearFirst => "ymd",
        })
    }
}

/// The text is no date order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the date order must be dmy, mdy or ymd")]
pub struct UnknownDateOrder;

impl FromStr for DateOrder {
    type Err = UnknownDateOrder;

    fn from_str(text: &str) -> Result<DateOrder, UnknownDateOrder> {
        match text.to_ascii_lowercase().as_str() {
            "dmy" => Ok(DateOrder::DayFirst),
            "mdy" => Ok(DateOrder::MonthFirst),
            "ymd" => Ok(DateOrder::YearFirst),
            _ => Err(UnknownDateOrder),
        }
    }
}

/// One cell of the column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated<'a> {
    pub line: u64,
    pub text: &'a str,
}

/// What one cell of the column says: an instant, nothing, or the reason why it cannot be read.
pub(super) type Cutover = Result<Option<i64>, String>;

/// Reads the column, cell by cell in the same order; fails when the column leaves something open.
pub(super) fn read_column(
    cells: &[Dated<'_>],
    options: &ImportOptions,
) -> Result<Vec<Cutover>, ImportError> {
    let parsed: Vec<_> = cells.iter().map(|cell| parse(cell.text)).collect();
    let written: Vec<(Dated<'_>, Written)> = cells
        .iter()
        .zip(&parsed)
        .filter_map(|(cell, parsed)| Some((*cell, (*parsed.as_ref().ok()?)?)))
        .collect();
    let order = match options.date_order {
        Some(given) => confirm_order(&written, given, &options.source)?,
        None => infer_order(&written, &options.source)?,
    };
    refuse_open(&written, order, options)?;
    let tz = options.tz.as_ref();
    Ok(cells
        .iter()
        .zip(parsed)
        .map(|(cell, parsed)| match parsed? {
            None => Ok(None),
            Some(written) => resolve(written, order, tz, cell.text).map(Some),
        })
        .collect())
}

/// The given order, unless a date cannot have it.
fn confirm_order(
    written: &[(Dated<'_>, Written)],
    given: DateOrder,
    file: &str,
) -> Result<Option<DateOrder>, ImportError> {
    let contradicts = |date: &Written| match given {
        DateOrder::YearFirst => date.shape != Shape::YearFirst,
        DateOrder::DayFirst | DateOrder::MonthFirst => {
            date.forced_order().is_some_and(|forced| forced != given)
        }
    };
    match written.iter().find(|(_, date)| contradicts(date)) {
        None => Ok(Some(given)),
        Some((cell, date)) => Err(ImportError::OrderWrong {
            file: file.to_owned(),
            line: cell.line,
            text: cell.text.to_owned(),
            given,
            fitting: date.forced_order(),
        }),
    }
}

/// The order that a day after the 12th proves, if there is one. Dots prove only themselves.
fn infer_order(
    written: &[(Dated<'_>, Written)],
    file: &str,
) -> Result<Option<DateOrder>, ImportError> {
    let first = |order| {
        written
            .iter()
            .find(|(_, date)| date.forced_order() == Some(order))
    };
    if let (Some((day_first, _)), Some((month_first, _))) =
        (first(DateOrder::DayFirst), first(DateOrder::MonthFirst))
    {
        return Err(ImportError::OrdersMixed {
            file: file.to_owned(),
            day_first_line: day_first.line,
            day_first: day_first.text.to_owned(),
            month_first_line: month_first.line,
            month_first: month_first.text.to_owned(),
        });
    }
    let open_shapes = written.iter().filter(|(_, date)| date.shape == Shape::Open);
    Ok(open_shapes
        .map(|(_, date)| date)
        .find_map(Written::forced_order))
}

/// Refuses the column when an order or a zone is missing, both at once when both are.
fn refuse_open(
    written: &[(Dated<'_>, Written)],
    order: Option<DateOrder>,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let zoneless = written
        .iter()
        .find(|(_, date)| options.tz.is_none() && date.offset.is_none());
    let open = written
        .iter()
        .find(|(_, date)| order.is_none() && date.is_open());
    let file = options.source.clone();
    match (zoneless, open) {
        (None, None) => Ok(()),
        (Some((Dated { line, text }, _)), None) => Err(ImportError::ZoneNeeded {
            file,
            line: *line,
            text: (*text).to_owned(),
        }),
        (zoneless, Some((Dated { line, text }, date))) => {
            let (line, text) = (*line, (*text).to_owned());
            let day_first = date.day_in_words(DateOrder::DayFirst);
            let month_first = date.day_in_words(DateOrder::MonthFirst);
            Err(match zoneless {
                Some(_) => ImportError::ZoneAndOrderNeeded {
                    file,
                    line,
                    text,
                    day_first,
                    month_first,
                },
                None => ImportError::OrderNeeded {
                    file,
                    line,
                    text,
                    day_first,
                    month_first,
                },
            })
        }
    }
}

/// The instant of a date whose order is decided, in UTC microseconds.
fn resolve(
    written: Written,
    order: Option<DateOrder>,
    tz: Option<&TimeZone>,
    text: &str,
) -> Result<i64, String> {
    let Some(date) = written.date(order) else {
        return Err(format!("{} is no day of the calendar", shown(text)));
    };
    let local = DateTime::from_parts(date, written.time);
    let offset = match (written.offset, tz) {
        (Some(offset), _) => offset,
        (None, Some(tz)) => local_offset(local, tz, text)?,
        (None, None) => return Err(format!("{} has no time zone", shown(text))),
    };
    let instant = offset.to_timestamp(local);
    instant
        .map(|at| at.as_microsecond())
        .map_err(|_| format!("{} is out of range", shown(text)))
}

/// The one offset that a local time has in a zone; none or two refuse the row.
fn local_offset(local: DateTime, tz: &TimeZone, text: &str) -> Result<Offset, String> {
    let zone = tz.iana_name().unwrap_or("the given zone");
    match tz.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Ok(offset),
        AmbiguousOffset::Gap { .. } => {
            let text = shown(text);
            Err(format!(
                "{text} does not exist in {zone}: the clocks were put forward over it"
            ))
        }
        AmbiguousOffset::Fold { before, .. } => {
            let example = before
                .to_timestamp(local)
                .map(|at| at.display_with_offset(before));
            let example = example
                .map(|at| format!(", for example `{at}`"))
                .unwrap_or_default();
            Err(format!(
                "{} happened twice in {zone}: the clocks were put back over it; write it with its \
                 offset{example}",
                shown(text)
            ))
        }
    }
}

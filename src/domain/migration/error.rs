//! Why a whole export was refused.
//!
//! Every message is three sentences: what happened, why, and what to do about it. One bad row is
//! never an error of the file (it is a `RefusedRow`); these are the cases in which no row could
//! be trusted. Text from the file is shortened and stripped of control characters before it is
//! shown, because a message ends on somebody's terminal.

use super::dates::DateOrder;

/// The names of the two headers that are understood, for the message about an unknown one.
const FORMS: &str = "either `user,cutover_at,batch` (batch is optional) or an export of \
                     Get-MoveRequestStatistics with CompletionTimestamp, Status and one of \
                     Alias, DisplayName, ExchangeGuid, Identity";

/// Why no row of the file could be taken. `file` is the name that the caller gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// There is not even a header.
    #[error(
        "{file}: there is nothing to import. The file has no header line. Export it again and \
         check that the command printed mailboxes."
    )]
    Empty { file: String },

    /// The bytes are not text in an encoding that names itself.
    #[error(
        "{file}: the text cannot be read. Line {line} is not valid {encoding}. Save the file as \
         UTF-8 (`Export-Csv -Encoding utf8`, in Excel \"CSV UTF-8\") and import it again."
    )]
    Encoding {
        file: String,
        line: u64,
        encoding: &'static str,
    },

    /// The header is none of those that are understood.
    #[error(
        "{file}: the header is not known. It has the columns {}. Give {FORMS}.",
        listed(columns)
    )]
    UnknownHeader { file: String, columns: Vec<String> },

    /// A date has no zone, and none was given.
    #[error(
        "{file}: the dates have no time zone. Line {line} says {}, which is a different instant \
         in every zone. Import again with the zone of the shell that wrote the file, for example \
         `--tz Europe/Berlin`.",
        shown(text)
    )]
    ZoneNeeded {
        file: String,
        line: u64,
        text: String,
    },

    /// Nothing in the column tells day from month, and no order was given.
    #[error(
        "{file}: the order of day and month is open. Line {line} says {}, which can be \
         {day_first} or {month_first}, and no date of the column has a day after the 12th. Import \
         again with the order, for example `--date-order dmy`.",
        shown(text)
    )]
    OrderNeeded {
        file: String,
        line: u64,
        text: String,
        day_first: String,
        month_first: String,
    },

    /// Both of the above.
    #[error(
        "{file}: the dates have neither a time zone nor a clear order of day and month. Line \
         {line} says {}, which can be {day_first} or {month_first} and is a different instant in \
         every zone. Import again with both, for example `--tz Europe/Berlin --date-order dmy`.",
        shown(text)
    )]
    ZoneAndOrderNeeded {
        file: String,
        line: u64,
        text: String,
        day_first: String,
        month_first: String,
    },

    /// One date can only be day first, another only month first.
    #[error(
        "{file}: the dates contradict each other. Line {day_first_line} says {}, which has the \
         day first, and line {month_first_line} says {}, which has the month first. Export the \
         rows again in one session, or split them into one file for each order.",
        shown(day_first),
        shown(month_first)
    )]
    OrdersMixed {
        file: String,
        day_first_line: u64,
        day_first: String,
        month_first_line: u64,
        month_first: String,
    },

    /// A date cannot be read in the order that was given.
    #[error(
        "{file}: the dates are not in the given order. Line {line} says {}, which cannot be \
         `--date-order {given}`. Leave out `--date-order` or give the order of the file{}.",
        shown(text),
        better(*fitting)
    )]
    OrderWrong {
        file: String,
        line: u64,
        text: String,
        given: DateOrder,
        fitting: Option<DateOrder>,
    },
}

fn better(fitting: Option<DateOrder>) -> String {
    fitting.map_or_else(String::new, |order| format!(", `--date-order {order}`"))
}

/// The longest piece of a file that a message repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;
/// The most columns that a message names: an export has about a hundred.
const LISTED_MAX: usize = 40;

/// A piece of the file as a message may show it: short, in one line, without control characters.
pub(super) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).map(clean).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

fn listed(columns: &[String]) -> String {
    let mut names: Vec<String> = columns
        .iter()
        .take(LISTED_MAX)
        .map(|name| shown(name))
        .collect();
    if columns.len() > LISTED_MAX {
        names.push(format!("and {} more", columns.len() - LISTED_MAX));
    }
    names.join(", ")
}

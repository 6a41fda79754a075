//! The lenient reader: whatever a record may look like, its one meaning or the reason it has none.
//!
//! Reads into a tree, puts right what has one reading, brings every shape to that of the normal record
//! and notes what was odd. Slower than the quick reader by far, which takes nearly everything.

mod fields;
mod sanitise;
mod shapes;
mod tree;

pub(super) use shapes::known_columns;

use std::borrow::Cow;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::oddity::{Oddities, Oddity};
use super::record::Record;
use super::{RECORD_BYTES_MAX, RejectReason};

/// How often JSON may stand inside a text.
const STRINGIFIED_MAX: u32 = 2;

/// A record in normal shape.
#[derive(Debug)]
pub(super) struct Odd {
    value: Value,
    oddities: Oddities,
}

impl Odd {
    /// The record with nothing in it but what is read; some collectors fold the case of its keys.
    fn of(
        map: &Map<String, Value>,
        oddities: Oddities,
        folds_case: bool,
    ) -> Result<Odd, (RejectReason, String)> {
        let mut reading = fields::Reading {
            oddities,
            folds_case,
        };
        let value = reading.record(map.clone())?;
        Ok(Odd {
            value,
            oddities: reading.oddities,
        })
    }

    /// The record, borrowed.
    pub(super) fn record(&self) -> Result<Record<'_>, (RejectReason, String)> {
        let record = Record::deserialize(&self.value);
        let mut record = record.map_err(|error| (RejectReason::InvalidJson, error.to_string()))?;
        record.oddities = self.oddities;
        Ok(record)
    }
}

/// Reads one record.
///
/// # Errors
/// Why it is none, and what exactly.
pub(super) fn read(text: &[u8]) -> Result<Odd, (RejectReason, String)> {
    if text.len() > RECORD_BYTES_MAX {
        let detail = format!("{} bytes, the most taken is {RECORD_BYTES_MAX}", text.len());
        return Err((RejectReason::TooLarge, detail));
    }
    let mut oddities = Oddities::default();
    let text = String::from_utf8_lossy(text);
    oddities.note_if(matches!(text, Cow::Owned(_)), Oddity::BadUtf8);
    let value = parse(&text, &mut oddities)?;
    of_value(value, oddities)
}

/// A row of a table as a record.
pub(super) fn of_row(
    row: Map<String, Value>,
    oddities: Oddities,
) -> Result<Odd, (RejectReason, String)> {
    of_record(row, oddities)
}

/// JSON, put right if it must be.
fn parse(text: &str, oddities: &mut Oddities) -> Result<Value, (RejectReason, String)> {
    let mut noted = *oddities;
    match tree::tree(text, &mut noted) {
        Ok(value) => {
            *oddities = noted;
            Ok(value)
        }
        Err((RejectReason::InvalidJson, error)) => {
            let repaired = sanitise::sanitise(text, oddities);
            tree::tree(&repaired, oddities).map_err(|(reason, repaired)| match reason {
                // What was wrong at first is what people look for.
                RejectReason::InvalidJson => (reason, error),
                _ => (reason, repaired),
            })
        }
        Err(limit) => Err(limit),
    }
}

fn of_value(value: Value, oddities: Oddities) -> Result<Odd, (RejectReason, String)> {
    let Value::Object(map) = value else {
        let detail = "a record must be a JSON object".to_owned();
        return Err((RejectReason::NotAnObject, detail));
    };
    of_record(map, oddities)
}

fn of_record(
    map: Map<String, Value>,
    mut oddities: Oddities,
) -> Result<Odd, (RejectReason, String)> {
    let exact = Odd::of(&map, oddities, false)?;
    let record = exact.record()?;
    let (is_blank, is_bare) = (record.is_blank(), record.is_bare());
    if !is_blank && !is_bare {
        return Ok(exact);
    }
    if let Some(record) = wrapped(&map, &mut oddities) {
        return of_record(record, oddities);
    }
    if let Some(map) = shapes::translated(&map) {
        return Odd::of(&map, oddities.with(Oddity::OtherShape), false);
    }
    if is_blank
        && map
            .get("records")
            .is_some_and(|records| !records.is_array())
    {
        let detail = "`records` holds no list".to_owned();
        return Err((RejectReason::RecordsNotArray, detail));
    }
    Odd::of(&map, oddities, true)
}

/// The record that a collector has put into another one, as text under `_raw`.
fn wrapped(map: &Map<String, Value>, oddities: &mut Oddities) -> Option<Map<String, Value>> {
    let mut noted = oddities.with(Oddity::Unwrapped);
    match parse(map.get("_raw")?.as_str()?, &mut noted) {
        // Not once more: a wrapper in a wrapper is nothing that a collector writes.
        Ok(Value::Object(record)) if !record.contains_key("_raw") => {
            *oddities = noted;
            Some(record)
        }
        Ok(_) | Err(_) => None,
    }
}

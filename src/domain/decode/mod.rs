//! Bytes to records: one broker message or file line in, its records and rejects out.
//!
//! Reads envelopes `{"records":[…]}`, Graph pages `{"value":[…]}`, arrays of either, bare records and
//! several values in a row. There are two readers with one meaning: a quick one for the usual shapes
//! and a lenient one for everything else. A message that neither can read in one go is taken apart,
//! and then a record that is broken is rejected alone. Nothing here judges what a record means:
//! that is [`normalise`]'s work.

pub mod conditions;
pub mod normalise;
mod page;
pub mod record;
mod scan;
pub mod split;
pub mod time;
pub mod values;
pub mod wire;

use std::fmt;

use record::Record;
use scan::{Scanned, Scanner};
use split::{list_items, skip_space, value_end};

/// Why something could not become a sign-in: a closed list, a label of metrics and `rejects`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectReason {
    /// A message or line with nothing in it.
    Empty,
    /// Bytes that are no UTF-8.
    InvalidUtf8,
    /// Not JSON, or cut off.
    InvalidJson,
    /// JSON, but not an object where a record should be.
    NotAnObject,
    /// An object that is neither a sign-in nor a diagnostic record of another category.
    NotASignIn,
    /// A form of sign-in that is not read.
    UnsupportedShape,
    /// Neither the sign-in nor the record says when it happened.
    MissingTime,
    /// A time that is none, or lies outside the years 2000 to 2099.
    InvalidTime,
    /// A record over the size limit.
    TooLarge,
    /// A message that crashed the process three times: no longer read.
    Quarantined,
}

impl RejectReason {
    /// Every reason, for pre-created metrics.
    pub const ALL: [RejectReason; 10] = [
        RejectReason::Empty,
        RejectReason::InvalidUtf8,
        RejectReason::InvalidJson,
        RejectReason::NotAnObject,
        RejectReason::NotASignIn,
        RejectReason::UnsupportedShape,
        RejectReason::MissingTime,
        RejectReason::InvalidTime,
        RejectReason::TooLarge,
        RejectReason::Quarantined,
    ];

    /// The stable name in tables and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RejectReason::Empty => "empty",
            RejectReason::InvalidUtf8 => "invalid_utf8",
            RejectReason::InvalidJson => "invalid_json",
            RejectReason::NotAnObject => "not_an_object",
            RejectReason::NotASignIn => "not_a_sign_in",
            RejectReason::UnsupportedShape => "unsupported_shape",
            RejectReason::MissingTime => "missing_time",
            RejectReason::InvalidTime => "invalid_time",
            RejectReason::TooLarge => "too_large",
            RejectReason::Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One piece of a message, in order.
#[derive(Debug)]
pub enum Piece<'r, 'a> {
    /// A record that could be read.
    Record {
        /// Its fields.
        record: &'r Record<'a>,
        /// Its bytes.
        raw: &'a [u8],
    },
    /// What could not.
    Reject(Reject<'a>),
}

/// Something that could not become a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject<'a> {
    /// Why.
    pub reason: RejectReason,
    /// What exactly, for people.
    pub detail: String,
    /// The bytes, unchanged.
    pub raw: &'a [u8],
}

/// The largest record taken: a message of Event Hubs is at most 1 MiB, a dedicated one 20 MiB.
pub const RECORD_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Takes messages apart. Keeps buffers from one message to the next; one for each thread.
#[derive(Debug, Default)]
pub struct Decoder {
    scanner: Scanner,
}

impl Decoder {
    /// Hands over the pieces of a message in order.
    ///
    /// Every byte that is not white space belongs to a piece or to the frame around the records.
    pub fn decode<'a>(&mut self, message: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
        let message = trim(message);
        if message.is_empty() {
            let detail = "nothing but white space";
            return emit(reject(RejectReason::Empty, detail, message));
        }
        if message[0] == b'{' && self.whole(message, emit) {
            return;
        }
        // Values in a row; what follows a value that never ends belongs to it.
        let end_of = |at| value_end(message, at).unwrap_or(message.len());
        let mut end = end_of(0);
        if message[0] == b'{' && end == message.len() {
            // It has been tried as a whole.
            return self.apart(message, emit);
        }
        let mut at = 0;
        while at < message.len() {
            self.value(&message[at..end], emit);
            at = skip_space(message, end);
            end = end_of(at);
        }
    }

    /// One value, or the items of a list.
    fn value<'a>(&mut self, text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
        if text[0] != b'[' {
            return self.object(text, emit);
        }
        let (items, end) = list_items(text, 0);
        if items.is_empty() && end.is_none() {
            let detail = "a list without an end";
            return emit(reject(RejectReason::InvalidJson, detail, text));
        }
        for (from, to) in items {
            self.object(&text[from..to], emit);
        }
    }

    /// A record or a page; never a list again.
    fn object<'a>(&mut self, text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
        if text[0] != b'{' {
            emit(not_an_object(text));
        } else if !self.whole(text, emit) {
            self.apart(text, emit);
        }
    }

    /// An object read in one go: by the quick reader, or as a single record by the lenient one.
    /// `false` for pages that are broken or odd, and for what is no JSON.
    fn whole<'a>(&mut self, text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) -> bool {
        let mut record = Record::default();
        match self.scanner.read(text, &mut record) {
            Some(Scanned::Record) => emit_record(&record, text, emit),
            Some(Scanned::Page(records)) => {
                for (record, range) in &records {
                    emit_record(record, &text[range.clone()], emit);
                }
            }
            None if page::begins_with_list(text) => return false,
            None => match read(text) {
                // The list of a page may stand behind other keys.
                Ok(record) if !record.is_blank() || page::list_start(text).is_none() => {
                    emit_record(&record, text, emit);
                }
                Ok(_) | Err(_) => return false,
            },
        }
        true
    }

    /// The records of a page one by one, so that a broken one spares its neighbours; else a reject.
    fn apart<'a>(&mut self, text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
        let Some(start) = page::list_start(text) else {
            return record_or_reject(text, emit);
        };
        if page::has_another_list(text, start) {
            let detail = "two lists of records in one";
            return emit(reject(RejectReason::InvalidJson, detail, text));
        }
        let (items, end) = list_items(text, start);
        if items.is_empty() && end.is_none() {
            record_or_reject(text, emit);
        }
        for (from, to) in items {
            self.member(&text[from..to], emit);
        }
    }

    /// An item of a page that was taken apart: a record, never a page again.
    fn member<'a>(&mut self, text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
        let mut record = Record::default();
        if text[0] != b'{' {
            emit(not_an_object(text));
        } else if let Some(Scanned::Record) = self.scanner.read(text, &mut record) {
            emit_record(&record, text, emit);
        } else {
            record_or_reject(text, emit);
        }
    }
}

fn emit_record<'a>(record: &Record<'a>, raw: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
    emit(Piece::Record { record, raw });
}

fn record_or_reject<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'_, 'a>)) {
    match read(text) {
        Ok(record) => emit_record(&record, text, emit),
        Err(reject) => emit(Piece::Reject(reject)),
    }
}

/// The lenient reader: any JSON object there is.
fn read(text: &[u8]) -> Result<Record<'_>, Reject<'_>> {
    let (reason, detail) = if text.len() > RECORD_BYTES_MAX {
        let detail = format!("{} bytes, the most taken is {RECORD_BYTES_MAX}", text.len());
        (RejectReason::TooLarge, detail)
    } else {
        match serde_json::from_slice(text) {
            Ok(record) => return Ok(record),
            Err(error) => match std::str::from_utf8(text) {
                Ok(_) => (RejectReason::InvalidJson, error.to_string()),
                Err(error) => {
                    let detail = format!("no UTF-8 at byte {}", error.valid_up_to());
                    (RejectReason::InvalidUtf8, detail)
                }
            },
        }
    };
    Err(Reject {
        reason,
        detail,
        raw: text,
    })
}

fn not_an_object(text: &[u8]) -> Piece<'_, '_> {
    let detail = "a record must be a JSON object";
    reject(RejectReason::NotAnObject, detail, text)
}

fn reject<'a>(reason: RejectReason, detail: &str, raw: &'a [u8]) -> Piece<'a, 'a> {
    Piece::Reject(Reject {
        reason,
        detail: detail.to_owned(),
        raw,
    })
}

/// Without white space at the ends and without a byte-order mark.
fn trim(message: &[u8]) -> &[u8] {
    let message = message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message);
    message.trim_ascii()
}

#[cfg(test)]
mod tests;

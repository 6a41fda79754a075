//! Bytes to records: one broker message or file line in, its records and rejects out.
//!
//! Reads envelopes `{"records":[…]}`, Graph pages `{"value":[…]}`, arrays of either, bare records and
//! several values in a row. The whole message is first read in one go; only if that fails is it taken
//! apart, and then a record that is broken is rejected alone. Nothing here judges what a record means:
//! that is [`normalise`]'s work.

pub mod conditions;
pub mod normalise;
mod page;
pub mod split;
pub mod time;
pub mod values;
pub mod wire;

use std::fmt;

use split::{list_items, skip_space, value_end};
use wire::Record;

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
}

impl RejectReason {
    /// Every reason, for pre-created metrics.
    pub const ALL: [RejectReason; 9] = [
        RejectReason::Empty,
        RejectReason::InvalidUtf8,
        RejectReason::InvalidJson,
        RejectReason::NotAnObject,
        RejectReason::NotASignIn,
        RejectReason::UnsupportedShape,
        RejectReason::MissingTime,
        RejectReason::InvalidTime,
        RejectReason::TooLarge,
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
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are records, and none is kept"
)]
pub enum Piece<'a> {
    /// A record that could be read.
    Record {
        /// Its fields.
        record: Record<'a>,
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

/// The most brackets that open in what is read in one go. The reader recurses into every container it
/// skips, without a limit of its own; so many levels need at most [`STACK_BYTES`] in any build.
const OPENINGS_MAX: usize = 32_768;

/// The stack that a thread needs which decodes what others have written.
pub const STACK_BYTES: usize = 64 << 20;

/// Takes a message apart and hands over its pieces in order. Needs a stack of [`STACK_BYTES`].
///
/// Every byte that is not white space belongs to a piece or to the frame around the records.
pub fn decode<'a>(message: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    let message = trim(message);
    if message.is_empty() {
        return emit(reject(
            RejectReason::Empty,
            "nothing but white space",
            message,
        ));
    }
    if message[0] == b'{' && value(message, emit) {
        return;
    }
    sequence(message, emit);
}

/// Values in a row; what follows a value that never ends belongs to it.
fn sequence<'a>(message: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    let mut at = 0;
    while at < message.len() {
        let end = value_end(message, at).unwrap_or(message.len());
        item(&message[at..end], emit);
        at = skip_space(message, end);
    }
}

/// One value, or the items of a list.
fn item<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    match text[0] {
        b'{' => {
            if !value(text, emit) {
                broken(text, emit);
            }
        }
        b'[' => {
            let (items, end) = list_items(text, 0);
            if items.is_empty() && end.is_none() {
                return emit(reject(
                    RejectReason::InvalidJson,
                    "a list without an end",
                    text,
                ));
            }
            for (from, to) in items {
                member(&text[from..to], emit);
            }
        }
        _ => emit(reject(
            RejectReason::NotAnObject,
            "a record must be a JSON object",
            text,
        )),
    }
}

/// An item of a list: a record or a page, never a list again.
fn member<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    match text[0] {
        b'{' => item(text, emit),
        _ => emit(reject(
            RejectReason::NotAnObject,
            "a record must be a JSON object",
            text,
        )),
    }
}

/// An object read in one go, as a page or as a record; `false` if it cannot be.
fn value<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) -> bool {
    if !is_readable(text) {
        return false;
    }
    if page::looks_like_page(text) {
        if page::emit_records(text, emit) {
            return true;
        }
        if page::list_start(text).is_some() {
            return false;
        }
    }
    let Some(record) = read(text) else {
        return false;
    };
    if record.first_key.is_none() || record.is_blank() {
        // The list of a page may stand behind other keys.
        if page::list_start(text).is_some() {
            return page::emit_records(text, emit);
        }
    }
    emit(Piece::Record { record, raw: text });
    true
}

/// An object that could not be read: the records of a page one by one, else a reject.
fn broken<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    let Some(start) = page::list_start(text) else {
        return emit(explain(text));
    };
    if page::has_another_list(text, start) {
        return emit(reject(
            RejectReason::InvalidJson,
            "two lists of records in one",
            text,
        ));
    }
    let (items, end) = list_items(text, start);
    for (from, to) in &items {
        let text = &text[*from..*to];
        match text[0] {
            b'{' => single(text, emit),
            _ => emit(reject(
                RejectReason::NotAnObject,
                "a record must be a JSON object",
                text,
            )),
        }
    }
    if items.is_empty() && end.is_none() {
        emit(explain(text));
    }
}

/// A record that stands alone after its page was taken apart.
fn single<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) {
    match read(text) {
        Some(record) => emit(Piece::Record { record, raw: text }),
        None => emit(explain(text)),
    }
}

fn read(text: &[u8]) -> Option<Record<'_>> {
    if text.len() > RECORD_BYTES_MAX || !is_readable(text) {
        return None;
    }
    sonic_rs::from_slice(text).ok()
}

/// Whether nothing in it can nest so deeply that the reader would run out of stack.
fn is_readable(text: &[u8]) -> bool {
    text.len() <= OPENINGS_MAX || openings(text) <= OPENINGS_MAX
}

/// How many brackets open, in strings or not: a bound on the depth.
fn openings(text: &[u8]) -> usize {
    // `[` and `{` differ in one bit. Sums of at most 255 keep the loop in byte-wide registers.
    let opens = |byte: &u8| u8::from(byte | 0x20 == b'{');
    text.chunks(255)
        .map(|chunk| usize::from(chunk.iter().map(opens).sum::<u8>()))
        .sum()
}

/// The reject for an object that could not be read.
fn explain(text: &[u8]) -> Piece<'_> {
    if text.len() > RECORD_BYTES_MAX {
        let detail = format!("{} bytes, the most taken is {RECORD_BYTES_MAX}", text.len());
        return reject(RejectReason::TooLarge, &detail, text);
    }
    if let Err(error) = std::str::from_utf8(text) {
        let detail = format!("no UTF-8 at byte {}", error.valid_up_to());
        return reject(RejectReason::InvalidUtf8, &detail, text);
    }
    let detail = match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        Err(error) => error.to_string(),
        Ok(_) => format!(
            "nested too deeply, more than {OPENINGS_MAX} brackets, or a number out of range"
        ),
    };
    reject(RejectReason::InvalidJson, &detail, text)
}

fn reject<'a>(reason: RejectReason, detail: &str, raw: &'a [u8]) -> Piece<'a> {
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

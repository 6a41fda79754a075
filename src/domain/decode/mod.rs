//! Bytes to records: one broker message or file line in, its records and rejects out.
//!
//! Reads envelopes `{"records":[…]}`, Graph pages `{"value":[…]}`, arrays of either, bare records and
//! several values in a row. There are two readers with one meaning: a quick one for the usual shapes
//! and a lenient one for everything else. A message that neither can read in one go is taken apart,
//! and then a record that is broken is rejected alone. Nothing here judges what a record means:
//! that is [`normalise`]'s work.

pub mod conditions;
mod frame;
pub mod normalise;
mod odd;
pub mod oddity;
mod page;
pub mod record;
mod reject;
mod scan;
pub mod split;
pub mod table;
pub mod time;
pub mod values;
pub mod wire;

use std::borrow::Cow;

use oddity::{Oddities, Oddity};
use record::Record;
pub use reject::{Pointer, Reject, RejectReason};
use scan::{Scanned, Scanner};
use split::{list_items, skip_space, value_end};
use table::Header;

/// One piece of a message, in order.
#[derive(Debug)]
pub enum Piece<'r> {
    /// A record that could be read.
    Record {
        /// Its fields.
        record: &'r Record<'r>,
        /// Its bytes.
        raw: &'r [u8],
        /// Where in its message it stands.
        pointer: Pointer,
    },
    /// What could not.
    Reject(Reject<'r>),
}

/// The largest record taken: a message of Event Hubs is at most 1 MiB, a dedicated one 20 MiB.
pub const RECORD_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Most records taken from one message.
const RECORDS_MAX: usize = 50_000;

/// Takes messages apart. Keeps buffers, and what it has read lately, from one message to the next; one
/// for each thread.
#[derive(Debug, Default)]
pub struct Decoder {
    scanner: Scanner,
    lenient: u64,
    /// What is odd about the place of the records that come next.
    oddities: Oddities,
}

impl Decoder {
    /// Hands over the pieces of a message in order.
    ///
    /// Every byte that is not white space belongs to a piece or to the frame around the records.
    pub fn decode(&mut self, message: &[u8], emit: &mut impl FnMut(Piece)) {
        self.oddities = Oddities::default();
        match frame::opened(message) {
            Ok(text) if text.is_empty() => {
                let detail = "nothing but white space";
                emit(reject(
                    RejectReason::Empty,
                    detail,
                    message,
                    Pointer::default(),
                ));
            }
            Ok(Cow::Borrowed(text)) => self.text(text, emit),
            Ok(Cow::Owned(text)) => self.text(&text, emit),
            Err((reason, detail)) => {
                emit(reject(reason, &detail, message, Pointer::default()));
            }
        }
    }

    /// Hands over a row of a table.
    pub fn table_row(&mut self, header: &Header, raw: &[u8], emit: &mut impl FnMut(Piece)) {
        self.lenient += 1;
        self.oddities = Oddities::default();
        let read = header.row(raw);
        let read = read.and_then(|(row, oddities)| odd::of_row(row, oddities));
        self.emit_odd(read, header.trimmed(raw), Pointer::default(), emit);
    }

    /// Records that the lenient reader has read since the last call.
    pub fn take_lenient(&mut self) -> u64 {
        std::mem::take(&mut self.lenient)
    }

    fn text(&mut self, text: &[u8], emit: &mut impl FnMut(Piece)) {
        if text[0] == b'{' && self.whole(text, Pointer::default(), emit) {
            return;
        }
        let mut at = 0;
        while at < text.len() {
            let end = match text[at] {
                b'{' | b'[' => match value_end(text, at) {
                    Some(end) => {
                        self.value(&text[at..end], emit);
                        end
                    }
                    None => self.cut_off(text, at, emit),
                },
                _ => no_value(text, at, emit),
            };
            at = skip_space(text, end);
            let on_one_line = !text[end..at].contains(&b'\n');
            self.oddities.note_if(on_one_line, Oddity::Concatenated);
        }
    }

    /// A value without an end: a page whose complete records are read, or a line that was cut.
    fn cut_off(&mut self, text: &[u8], at: usize, emit: &mut impl FnMut(Piece)) -> usize {
        let rest = &text[at..];
        if rest[0] == b'[' || page::list_start(rest).is_some() {
            self.value(rest, emit);
            return text.len();
        }
        let end = next_line(text, at).unwrap_or(text.len());
        emit(cut(text[at..end].trim_ascii_end(), Pointer::default()));
        end
    }

    /// One value, or the items of a list.
    fn value(&mut self, text: &[u8], emit: &mut impl FnMut(Piece)) {
        if text[0] != b'[' {
            return self.object(text, Pointer::default(), emit);
        }
        let (items, end) = list_items(text, 0);
        if items.is_empty() && end.is_none() {
            return emit(cut(text, Pointer::default()));
        }
        for (number, (from, to)) in items.iter().enumerate().take(RECORDS_MAX) {
            let item = &text[*from..*to];
            let is_page = item[0] == b'{' && page::list_start(item).is_some();
            let number = Some(number);
            let pointer = if is_page {
                Pointer {
                    outer: number,
                    ..Pointer::default()
                }
            } else {
                Pointer {
                    item: number,
                    ..Pointer::default()
                }
            };
            self.object(item, pointer, emit);
        }
        too_many(text, &items, end, Pointer::default(), emit);
    }

    /// A record or a page; never a list again.
    fn object(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        if text[0] != b'{' {
            emit(not_an_object(text, pointer));
        } else if !self.whole(text, pointer, emit) {
            self.apart(text, pointer, emit);
        }
    }

    /// An object that the quick reader reads in one go, but for records of it that are odd.
    fn whole(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) -> bool {
        let mut record = Record::default();
        match self.scanner.read(text, &mut record) {
            Some(Scanned::Record) => {
                record.oddities = self.oddities;
                emit(Piece::Record {
                    record: &record,
                    raw: text,
                    pointer,
                });
            }
            Some(Scanned::Page(records)) => {
                let list = page::list_key(text);
                for (number, (record, range)) in records.into_iter().enumerate() {
                    let pointer = Pointer {
                        list,
                        item: Some(number),
                        ..pointer
                    };
                    let raw = &text[range];
                    match record {
                        Some(mut record) => {
                            record.oddities = self.oddities;
                            emit(Piece::Record {
                                record: &record,
                                raw,
                                pointer,
                            });
                        }
                        None => self.odd(raw, pointer, emit),
                    }
                }
            }
            None => return false,
        }
        true
    }

    /// The records of a page one by one, so that a broken one spares its neighbours; else one record.
    fn apart(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        let Some(start) = page::list_start(text) else {
            return self.odd(text, pointer, emit);
        };
        if page::has_another_list(text, start) {
            let detail = "two lists of records in one";
            return emit(reject(RejectReason::InvalidJson, detail, text, pointer));
        }
        let (items, end) = list_items(text, start);
        if items.is_empty() && end.is_none() {
            return emit(cut(text, pointer));
        }
        let pointer = Pointer {
            list: page::list_key(text),
            ..pointer
        };
        for (number, (from, to)) in items.iter().enumerate().take(RECORDS_MAX) {
            let pointer = Pointer {
                item: Some(number),
                ..pointer
            };
            self.member(&text[*from..*to], pointer, emit);
        }
        too_many(text, &items, end, pointer, emit);
    }

    /// An item of a page that was taken apart: a record, never a page again.
    fn member(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        let mut record = Record::default();
        if text[0] != b'{' {
            emit(not_an_object(text, pointer));
        } else if let Some(Scanned::Record) = self.scanner.read(text, &mut record) {
            record.oddities = self.oddities;
            emit(Piece::Record {
                record: &record,
                raw: text,
                pointer,
            });
        } else if value_end(text, 0).is_none() {
            emit(cut(text, pointer));
        } else {
            self.odd(text, pointer, emit);
        }
    }

    /// A record for the lenient reader.
    fn odd(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        self.lenient += 1;
        self.emit_odd(odd::read(text), text, pointer, emit);
    }

    fn emit_odd(
        &self,
        read: Result<odd::Odd, (RejectReason, String)>,
        raw: &[u8],
        pointer: Pointer,
        emit: &mut impl FnMut(Piece),
    ) {
        let emitted = read.and_then(|odd| {
            let mut record = odd.record()?;
            record.oddities.join(self.oddities);
            emit(Piece::Record {
                record: &record,
                raw,
                pointer,
            });
            Ok(())
        });
        if let Err((reason, detail)) = emitted {
            emit(reject(reason, &detail, raw, pointer));
        }
    }
}

/// The text of a file that is read as a whole, if it is packed or encoded in a way that is read.
#[must_use]
pub fn plain_text(bytes: Vec<u8>) -> Vec<u8> {
    match frame::opened(&bytes) {
        Ok(Cow::Owned(text)) => text,
        Ok(Cow::Borrowed(_)) | Err(_) => bytes,
    }
}

/// Rejects what stands where a value should begin; where it ends.
fn no_value(text: &[u8], at: usize, emit: &mut impl FnMut(Piece)) -> usize {
    let end = next_line(text, at).unwrap_or(text.len());
    let raw = text[at..end].trim_ascii_end();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(raw).is_ok();
    emit(if is_json {
        not_an_object(raw, Pointer::default())
    } else if at == 0 {
        reject(
            RejectReason::NotJson,
            "no JSON begins here",
            raw,
            Pointer::default(),
        )
    } else {
        let detail = "no JSON follows the values before it";
        reject(
            RejectReason::TrailingGarbage,
            detail,
            raw,
            Pointer::default(),
        )
    });
    end
}

/// The next line that begins like a record.
fn next_line(text: &[u8], at: usize) -> Option<usize> {
    memchr::memmem::find(&text[at..], b"\n{").map(|place| at + place + 1)
}

/// What is beyond the records that are taken, as one reject.
fn too_many(
    text: &[u8],
    items: &[(usize, usize)],
    end: Option<usize>,
    pointer: Pointer,
    emit: &mut impl FnMut(Piece),
) {
    if let Some((from, _)) = items.get(RECORDS_MAX) {
        let raw = &text[*from..end.map_or(text.len(), |end| end - 1)];
        let pointer = Pointer {
            item: Some(RECORDS_MAX),
            ..pointer
        };
        let detail = format!("{} records, the most taken is {RECORDS_MAX}", items.len());
        emit(reject(RejectReason::TooManyRecords, &detail, raw, pointer));
    }
}

/// A value without an end: cut off, or so deep that nobody looked for it.
fn cut(text: &[u8], pointer: Pointer) -> Piece<'_> {
    if split::is_deep(text) {
        return reject(
            RejectReason::TooDeep,
            "nested without an end",
            text,
            pointer,
        );
    }
    reject(
        RejectReason::Truncated,
        "it ends in its middle",
        text,
        pointer,
    )
}

fn not_an_object(text: &[u8], pointer: Pointer) -> Piece<'_> {
    if text.first() == Some(&b'[') && split::is_deep(text) {
        return reject(RejectReason::TooDeep, "lists within lists", text, pointer);
    }
    let detail = "a record must be a JSON object";
    reject(RejectReason::NotAnObject, detail, text, pointer)
}

fn reject<'r>(reason: RejectReason, detail: &str, raw: &'r [u8], pointer: Pointer) -> Piece<'r> {
    Piece::Reject(Reject {
        reason,
        detail: detail.to_owned(),
        raw,
        pointer,
    })
}

#[cfg(test)]
mod tests;

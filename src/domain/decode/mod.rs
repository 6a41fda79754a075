//! Bytes to records: one broker message or file line in, its records and rejects out.
//!
//! Reads envelopes `{"records":[…]}`, Graph pages `{"value":[…]}`, arrays of either, bare records and
//! several values in a row. There are two readers with one meaning: a quick one for the usual shapes
//! and a lenient one for everything else. A message that neither can read in one go is taken apart,
//! and then a record that is broken is rejected alone. Nothing here judges what a record means:
//! that is [`normalise`]'s work.

pub mod code;
pub mod conditions;
mod frame;
pub mod normalise;
mod odd;
pub mod oddity;
mod page;
pub mod record;
mod refuse;
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
use refuse::{cut, next_line, no_value, not_an_object, reject, too_many};
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
/// Values without an end for which a message is searched to its end; after that each ends with its
/// line at the latest, or a message of nothing but beginnings would take the square of its length.
const ENDLESS_MAX: usize = 32;
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

    /// Hands over a row of a table, or its header if that is to be told of.
    pub fn table_row(&mut self, header: &Header, raw: &[u8], emit: &mut impl FnMut(Piece)) {
        if let Some(detail) = header.complaint(raw.trim_ascii()) {
            let (raw, place) = (raw.trim_ascii(), Pointer::default());
            return emit(reject(RejectReason::UnknownColumns, &detail, raw, place));
        }
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
        let (mut at, mut endless) = (0, 0);
        while at < text.len() {
            let end = match text[at] {
                b'{' | b'[' => {
                    let reach = reach(text, at, endless);
                    if let Some(end) = value_end(reach, at) {
                        self.value(&text[at..end], emit);
                        end
                    } else {
                        endless += 1;
                        self.cut_off(reach, at, emit)
                    }
                }
                _ => no_value(text, at, emit),
            };
            at = skip_space(text, end);
            // What is passed over up to the next record ends with its line.
            let between = &text[text[..at].trim_ascii_end().len()..at];
            self.oddities = Oddities::default();
            self.oddities
                .note_if(!between.contains(&b'\n'), Oddity::Concatenated);
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
        let items = list_items(text, 0, RECORDS_MAX);
        if items.count == 0 && items.end.is_none() {
            return emit(cut(text, Pointer::default()));
        }
        for (number, (from, to)) in items.ranges.iter().enumerate() {
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
        too_many(text, &items, Pointer::default(), emit);
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
        let items = list_items(text, start, RECORDS_MAX);
        if items.count == 0 && items.end.is_none() {
            return emit(cut(text, pointer));
        }
        let pointer = Pointer {
            list: page::list_key(text),
            ..pointer
        };
        for (number, (from, to)) in items.ranges.iter().enumerate() {
            let pointer = Pointer {
                item: Some(number),
                ..pointer
            };
            self.member(&text[*from..*to], pointer, emit);
        }
        too_many(text, &items, pointer, emit);
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

/// The part of a text in which the value that begins at `at` must end.
fn reach(text: &[u8], at: usize, endless: usize) -> &[u8] {
    if endless < ENDLESS_MAX {
        return text;
    }
    &text[..next_line(text, at).unwrap_or(text.len())]
}

/// The text of a file that is read as a whole, if it is packed or encoded in a way that is read.
#[must_use]
pub fn plain_text(bytes: Vec<u8>) -> Vec<u8> {
    match frame::opened(&bytes) {
        Ok(Cow::Owned(text)) => text,
        Ok(Cow::Borrowed(_)) | Err(_) => bytes,
    }
}

/// Whether this is the beginning of a packed file that is not unpacked.
#[must_use]
pub fn is_archive(start: &[u8]) -> bool {
    frame::archive(start).is_some()
}

#[cfg(test)]
mod tests;

//! Bytes to records: one broker message or file line in, its records and rejects out.
//!
//! Reads envelopes `{"records":[…]}`, Graph pages `{"value":[…]}`, arrays of either, bare records and
//! several values in a row. There are two readers with one meaning: a quick one for the usual shapes
//! and a lenient one for everything else. A message that neither can read in one go is taken apart,
//! and then a record that is broken is rejected alone. Nothing here judges what a record means:
//! that is [`normalise`]'s work.

mod apart;
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

pub use apart::list_items;
use oddity::Oddities;
use record::Record;
use refuse::reject;
pub use reject::{Pointer, Reject, RejectReason};
use scan::Scanner;
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
                let place = Pointer::default();
                emit(Piece::Reject(reject(
                    RejectReason::Empty,
                    detail,
                    message,
                    place,
                )));
            }
            Ok(Cow::Borrowed(text)) => self.text(text, emit),
            Ok(Cow::Owned(text)) => self.text(&text, emit),
            Err((reason, detail)) => {
                let place = Pointer::default();
                emit(Piece::Reject(reject(reason, &detail, message, place)));
            }
        }
    }

    /// Hands over a row of a table, or its header if that is to be told of.
    pub fn table_row(&mut self, header: &Header, raw: &[u8], emit: &mut impl FnMut(Piece)) {
        if let Some(detail) = header.complaint(raw.trim_ascii()) {
            let (raw, place) = (raw.trim_ascii(), Pointer::default());
            let reject = reject(RejectReason::UnknownColumns, &detail, raw, place);
            return emit(Piece::Reject(reject));
        }
        // Tables put together: the header of the next one.
        if header.is_own(raw) {
            return;
        }
        self.lenient += 1;
        self.oddities = Oddities::default();
        let read = header.row(raw);
        let read = read.and_then(|(row, oddities)| odd::of_row(row, oddities));
        if let Err(reject) = self.emit_odd(read, header.trimmed(raw), Pointer::default(), emit) {
            emit(Piece::Reject(reject));
        }
    }

    /// Records that the lenient reader has read since the last call.
    pub fn take_lenient(&mut self) -> u64 {
        std::mem::take(&mut self.lenient)
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

/// Whether this is the beginning of a packed or binary file that is not read.
#[must_use]
pub fn is_archive(start: &[u8]) -> bool {
    frame::archive(start).or(frame::binary(start)).is_some()
}

#[cfg(test)]
mod tests;

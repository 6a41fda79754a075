//! A stored reject once more: read as if it came in now, under the origin it had.

use std::borrow::Cow;
use std::path::Path;

use super::{Fate, Place, Way, Worker};
use crate::domain::decode::table::Header;
use crate::domain::decode::{Piece, RejectReason, list_items};
use crate::lake::LakeError;
use crate::lake::history::StoredReject;
use crate::lake::resolutions::Resolution;

impl Worker {
    /// Takes in what was rejected before; what has become of it, `None` if any of it still fails.
    ///
    /// The bytes are a message of their own, and every record in them has the origin of the reject.
    /// A reject is stored already and not written again; a row of a table is read with its header.
    /// `now` is the present, UTC microseconds.
    pub fn take_again(
        &mut self,
        reject: &StoredReject,
        now: i64,
    ) -> Result<Option<Resolution>, LakeError> {
        self.made.tally.record(reject.raw.len());
        let place = Place {
            origin: reject.key.origin(),
            way: Way::Reject,
            now,
            arrival: None,
            header: &reject.header,
        };
        // Nothing at all is nothing understood.
        let mut fate = Ok(None);
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut take = |piece: Piece| {
            if let Ok(before) = fate {
                fate = self.piece(&piece, place).map(|is| before.max(Some(is)));
            }
        };
        if let Some(header) = header_of(reject) {
            decoder.table_row(&header, &line_of(reject), &mut take);
        } else if is_list_in_a_list(reject) {
            let item = [b"[", reject.raw.as_slice()].concat();
            decoder.decode(&item, &mut take);
        } else if reject.reason == RejectReason::TooManyRecords.name() {
            for item in list_items(&reject.raw) {
                decoder.decode(item, &mut take);
            }
        } else {
            decoder.decode(&reject.raw, &mut take);
        }
        self.decoder = decoder;
        Ok(fate?.and_then(Fate::resolution))
    }
}

/// The header of the table that the reject is a row of.
fn header_of(reject: &StoredReject) -> Option<Header> {
    if reject.header.is_empty() {
        return None;
    }
    let name = Path::new(&reject.key.stream).file_name()?;
    let table = format!("{}\n", reject.header);
    let (header, _) = Header::read(table.as_bytes(), &name.to_string_lossy())?;
    Some(header)
}

/// The row as it stood in its table: with a line break, unless it may have been without one.
fn line_of(reject: &StoredReject) -> Cow<'_, [u8]> {
    if reject.reason == RejectReason::BrokenRow.name() {
        return Cow::Borrowed(&reject.raw);
    }
    Cow::Owned([&reject.raw[..], b"\n"].concat())
}

/// A list that was no record. A list that stands alone is read, so it must have been in another one:
/// it is judged as an item again. Where the outer list ends does not matter to its items.
fn is_list_in_a_list(reject: &StoredReject) -> bool {
    reject.reason == RejectReason::NotAnObject.name() && reject.raw.starts_with(b"[")
}

impl Fate {
    fn resolution(self) -> Option<Resolution> {
        match self {
            Fate::PassedOver => Some(Resolution::PassedOver),
            Fate::Copy => Some(Resolution::Copy),
            Fate::Revision => Some(Resolution::Revision),
            Fate::SignIn => Some(Resolution::SignIn),
            Fate::Reject => None,
        }
    }
}

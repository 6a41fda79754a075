//! Takes the text of a message apart into records.
//!
//! What the quick reader cannot read in one go is taken apart value by value and item by item. A record
//! with a quote or a bracket too many or too few looks as if it went on into its neighbours; it ends
//! where the next record begins.

use std::ops::Range;

use super::oddity::{Oddities, Oddity};
use super::record::Record;
use super::refuse::{cut, no_value, not_an_object, reject, too_many, unbalanced};
use super::scan::Scanned;
use super::split::{Bounds, Items, skip_space, value_end};
use super::{Decoder, Piece, Pointer, RECORDS_MAX, Reject, RejectReason, odd, page};

/// Lists within lists that are read: pages in a list, and pages in one that was cut off before them.
const DEPTH: usize = 2;

impl Decoder {
    pub(super) fn text(&mut self, text: &[u8], emit: &mut impl FnMut(Piece)) {
        if text[0] == b'{' && self.whole(text, Pointer::default(), emit) {
            return;
        }
        let mut bounds = Bounds::new(text, page::begins_record);
        let mut at = 0;
        while at < text.len() {
            let end = match text[at] {
                b'[' => self.list(&mut bounds, at, emit),
                b'{' => self.value(&mut bounds, at, emit),
                // What a list leaves behind that seemed to end within a broken record.
                b',' if page::begins_record(text, skip_space(text, at + 1)) => at + 1,
                _ => {
                    let end = bounds.next_beginning(at + 1);
                    let raw = text[at..end].trim_ascii_end();
                    emit(Piece::Reject(no_value(raw, at == 0)));
                    end
                }
            };
            at = skip_space(text, end);
            while text[at..].starts_with(page::BYTE_ORDER_MARK) {
                at = skip_space(text, at + page::BYTE_ORDER_MARK.len());
            }
            // What is passed over up to the next record ends with its line.
            let between = &text[text[..end].trim_ascii_end().len()..at];
            self.oddities = Oddities::default();
            self.oddities
                .note_if(!between.contains(&b'\n'), Oddity::Concatenated);
        }
    }

    /// A record or a page; where it ends.
    fn value(&mut self, bounds: &mut Bounds, at: usize, emit: &mut impl FnMut(Piece)) -> usize {
        let (text, place) = (bounds.text(), Pointer::default());
        let end = bounds.end(at);
        // All of the text was tried before.
        if let Some(end) = end
            && (at, end) != (0, text.len())
            && self.whole(&text[at..end], place, emit)
        {
            return end;
        }
        let end = end.unwrap_or_else(|| bounds.next_beginning(at + 1));
        if let Some(list) = page::list_start(&text[at..end]) {
            return self.page(bounds, (at, end), list, (place, 1), emit);
        }
        let Err(reject) = self.record(text[at..end].trim_ascii_end(), place, emit) else {
            return end;
        };
        let is_of_form = reject.reason.is_of_form();
        let next = is_of_form.then(|| bounds.record_within(at, end)).flatten();
        match next {
            Some(next) => self.record_or_reject(text[at..next].trim_ascii_end(), place, emit),
            None => emit(Piece::Reject(reject)),
        }
        next.unwrap_or(end)
    }

    /// The records of a page one by one; where it ends. By its brackets it ends at `until`; `depth` says
    /// in how many lists its records are.
    fn page(
        &mut self,
        bounds: &mut Bounds,
        (at, until): (usize, usize),
        list: usize,
        (pointer, depth): (Pointer, usize),
        emit: &mut impl FnMut(Piece),
    ) -> usize {
        let text = bounds.text();
        let two_lists = |raw| {
            let detail = "two lists of records in one";
            Piece::Reject(reject(RejectReason::InvalidJson, detail, raw, pointer))
        };
        if page::has_another_list(&text[at..until], list) {
            emit(two_lists(&text[at..until]));
            return until;
        }
        let of_page = Pointer {
            list: page::list_key(&text[at..]),
            ..pointer
        };
        let (mut list, mut number, wasted) = (at + list, 0, bounds.wasted());
        loop {
            let mut items = Items::new(bounds, list + 1);
            self.items(&mut items, &mut number, of_page, depth, emit);
            let (end, is_empty) = (items.end(), items.is_empty());
            let Some(end) = end else {
                if is_empty {
                    let begin = if number == 0 { at } else { list };
                    emit(Piece::Reject(cut(&text[begin..], pointer)));
                }
                return text.len();
            };
            let reach = bounds.next_record(end).unwrap_or(text.len());
            // The brackets hid it: what is read is read on.
            if let Some(another) = page::another_list(&text[..reach], end) {
                list = another;
                continue;
            }
            let (behind, is_page) = page::page_end(&text[..reach], end);
            if !is_page && bounds.wasted() > wasted {
                let detail = "no members of a page: the end of a broken record";
                let reason = RejectReason::TrailingGarbage;
                emit(Piece::Reject(reject(
                    reason,
                    detail,
                    &text[end..behind],
                    pointer,
                )));
            }
            bounds.waste(behind, until);
            return behind;
        }
    }

    /// The items of the list that begins at `at`, records and pages; where it ends.
    fn list(&mut self, bounds: &mut Bounds, at: usize, emit: &mut impl FnMut(Piece)) -> usize {
        let text = bounds.text();
        let mut items = Items::new(bounds, at + 1);
        self.items(&mut items, &mut 0, Pointer::default(), 0, emit);
        if items.end().is_none() && items.is_empty() {
            emit(Piece::Reject(cut(&text[at..], Pointer::default())));
        }
        items.end().unwrap_or(text.len())
    }

    fn items(
        &mut self,
        items: &mut Items,
        number: &mut usize,
        list: Pointer,
        depth: usize,
        emit: &mut impl FnMut(Piece),
    ) {
        while let Some(range) = items.next() {
            let pointer = Pointer {
                item: Some(*number),
                ..list
            };
            if *number == RECORDS_MAX {
                return emit(Piece::Reject(too_many(items, range.0, pointer)));
            }
            if depth == DEPTH || !self.is_page(items, range, pointer, depth, emit) {
                self.item(items, range, pointer, emit);
            }
            *number += 1;
        }
    }

    /// Reads a page in a list, if the item is one.
    fn is_page(
        &mut self,
        items: &mut Items,
        (from, to): (usize, usize),
        place: Pointer,
        depth: usize,
        emit: &mut impl FnMut(Piece),
    ) -> bool {
        let raw = &items.bounds.text()[from..to];
        let Some(list) = raw
            .starts_with(b"{")
            .then(|| page::list_start(raw))
            .flatten()
        else {
            return false;
        };
        let pointer = Pointer {
            outer: place.outer.or(place.item),
            ..Pointer::default()
        };
        if !self.whole(raw, pointer, emit) {
            let end = self.page(items.bounds, (from, to), list, (pointer, depth + 1), emit);
            items.go_on_at(end);
        }
        true
    }

    /// An item that is a record, never a page.
    fn item(
        &mut self,
        items: &mut Items,
        range: (usize, usize),
        pointer: Pointer,
        emit: &mut impl FnMut(Piece),
    ) {
        let text = items.bounds.text();
        let raw = &text[range.0..range.1];
        if raw[0] != b'{' {
            return emit(Piece::Reject(not_an_object(raw, pointer)));
        }
        let Err(reject) = self.record(raw, pointer, emit) else {
            return;
        };
        let is_of_form = reject.reason.is_of_form();
        let reject = match is_of_form.then(|| items.end_at_record(range)).flatten() {
            Some((from, to)) => self.record(&text[from..to], pointer, emit).err(),
            None => Some(reject),
        };
        if let Some(reject) = reject {
            let is_last = reject.raw.as_ptr_range().end == text.as_ptr_range().end;
            emit(Piece::Reject(if is_last {
                reject
            } else {
                unbalanced(reject)
            }));
        }
    }

    /// An object that the quick reader reads in one go, but for records of it that are odd.
    fn whole(&mut self, text: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) -> bool {
        let mut record = Record::default();
        match self.scanner.read(text, &mut record) {
            Some(Scanned::Record) => self.emit(record, text, pointer, emit),
            Some(Scanned::Page(records)) => {
                let is_broken = |(record, range): &(Option<Record>, Range<usize>)| {
                    record.is_none() && holds_a_record(&text[range.clone()])
                };
                if records.iter().any(is_broken) {
                    return false;
                }
                let list = page::list_key(text);
                for (number, (record, range)) in records.into_iter().enumerate() {
                    let pointer = Pointer {
                        list,
                        item: Some(number),
                        ..pointer
                    };
                    match record {
                        Some(record) => self.emit(record, &text[range], pointer, emit),
                        None => self.odd_or_reject(&text[range], pointer, emit),
                    }
                }
            }
            None => return false,
        }
        true
    }

    fn record_or_reject(&mut self, raw: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        if let Err(reject) = self.record(raw, pointer, emit) {
            emit(Piece::Reject(reject));
        }
    }

    /// A record by whichever reader reads it.
    fn record<'t>(
        &mut self,
        raw: &'t [u8],
        pointer: Pointer,
        emit: &mut impl FnMut(Piece),
    ) -> Result<(), Reject<'t>> {
        let mut record = Record::default();
        if let Some(Scanned::Record) = self.scanner.read(raw, &mut record) {
            self.emit(record, raw, pointer, emit);
            return Ok(());
        }
        match value_end(raw, 0) {
            Some(_) => self.odd(raw, pointer, emit),
            None => Err(cut(raw, pointer)),
        }
    }

    fn odd_or_reject(&mut self, raw: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        if let Err(reject) = self.odd(raw, pointer, emit) {
            emit(Piece::Reject(reject));
        }
    }

    /// A record for the lenient reader.
    fn odd<'t>(
        &mut self,
        raw: &'t [u8],
        pointer: Pointer,
        emit: &mut impl FnMut(Piece),
    ) -> Result<(), Reject<'t>> {
        self.lenient += 1;
        self.emit_odd(odd::read(raw), raw, pointer, emit)
    }

    /// What the lenient reader made of a record.
    pub(super) fn emit_odd<'t>(
        &self,
        read: Result<odd::Odd, (RejectReason, String)>,
        raw: &'t [u8],
        pointer: Pointer,
        emit: &mut impl FnMut(Piece),
    ) -> Result<(), Reject<'t>> {
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
        emitted.map_err(|(reason, detail)| reject(reason, &detail, raw, pointer))
    }

    fn emit(&self, mut record: Record, raw: &[u8], pointer: Pointer, emit: &mut impl FnMut(Piece)) {
        record.oddities = self.oddities;
        emit(Piece::Record {
            record: &record,
            raw,
            pointer,
        });
    }
}

/// Whether another record begins within what looks like one.
fn holds_a_record(raw: &[u8]) -> bool {
    Bounds::new(raw, page::begins_record)
        .next_record(1)
        .is_some()
}

/// The items of a list without its brackets, however many there are.
pub fn list_items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut bounds = Bounds::new(list, page::begins_record);
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut items = Items::new(&mut bounds, at);
        loop {
            if let Some((from, to)) = items.next() {
                at = to;
                return Some(&list[from..to]);
            }
            // What stands behind a bracket that seems to end the list is not lost either.
            items.go_on_at(items.end()?);
        }
    })
}

//! The quick reader: what nearly every message is, read along an index of its quotes.
//!
//! Accepts a part of JSON and gives those texts exactly the meaning that the lenient reader in
//! [`wire`](super::wire) gives them; everything else it leaves to that one. A key is looked up in a
//! table, a wanted value is cut out of the text, and what nobody wants is only checked and stepped
//! over; what was read before is recognised by its bytes. What that gains is in docs/performance.md.

mod cursor;
mod index;
mod keys;
mod memory;
mod outline;

use std::cell::RefCell;
use std::ops::Range;
use std::sync::LazyLock;

pub(super) use cursor::{Cursor, DEPTH_MAX, KEYS_MAX, LIST_MAX, TEXT_MAX};
pub(super) use keys::{Field, Keys};

use super::code::{Code, Word};
use super::conditions::Conditions;
use super::page::{Others, begins_with_list};
use super::record::{Record, RecordField};
use super::values::{Flag, Int, List, Text, Texts};
use super::wire::{Country, Location, Policy};
use index::Index;
use memory::Memory;

/// Items that a list is made for at first: the policies of most tenants.
const LIST_LENGTH: usize = 8;
/// Most records of a page that is read at once: bounds the memory for them. A page of Graph has as many.
const PAGE_MAX: usize = 1000;
/// Largest text read at once: bounds the index.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// A value of the wire that can be read quickly; `None` leaves the whole text to the lenient reader.
pub(super) trait Scan<'a> {
    /// Takes the value at the cursor; what was there before is gone.
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()>;
}

/// Reads objects quickly. Keeps its buffers, and what it has read lately, from one text to the next.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    index: Index,
    memory: RefCell<Memory>,
}

/// What an object was.
pub(super) enum Scanned<'a> {
    /// One record.
    Record,
    /// A page, its records with their places in the text; the odd ones are not read yet.
    Page(Records<'a>),
}

impl Scanner {
    /// Reads a text that begins with `{`; a single record goes to `record`.
    pub(super) fn read<'a>(
        &mut self,
        text: &'a [u8],
        record: &mut Record<'a>,
    ) -> Option<Scanned<'a>> {
        if text.len() > TEXT_BYTES_MAX || !self.index.build(text) {
            return None;
        }
        let valid = simdutf8::basic::from_utf8(text).ok()?;
        self.memory.get_mut().next_text();
        let start = Cursor::new(valid, &self.index, &self.memory);
        let mut cursor = start;
        let is_read = !begins_with_list(text) && scan_record(record, &mut cursor).is_some();
        let scanned = if !is_read || record.is_blank() {
            // A page; its list may stand behind other keys.
            cursor = start;
            Scanned::Page(page(&mut cursor)?)
        } else if record.is_bare() || record.is_timeless() {
            return None;
        } else {
            Scanned::Record
        };
        cursor.is_at_end().then_some(scanned)
    }
}

type Records<'a> = Vec<(Option<Record<'a>>, Range<usize>)>;

/// The records of a page with one list; one that is odd is left to be read alone.
fn page<'a>(cursor: &mut Cursor<'a, '_>) -> Option<Records<'a>> {
    let mut records = None;
    let mut others = Others::default();
    cursor.every_member(|key, cursor| {
        if matches!(key, b"records" | b"value") {
            return match records {
                None => list(records.insert(Vec::new()), cursor),
                // Two lists in one: which of them counts is not decided here.
                Some(_) => None,
            };
        }
        others.note(key);
        cursor.skip()
    })?;
    let is_empty = records.as_ref().is_none_or(Vec::is_empty);
    records.filter(|_| others.are_of_a_page(is_empty))
}

fn list<'a>(records: &mut Records<'a>, cursor: &mut Cursor<'a, '_>) -> Option<()> {
    cursor.list(|cursor| {
        if records.len() == PAGE_MAX {
            return None;
        }
        let before = *cursor;
        let from = cursor.place();
        records.push((Some(Record::default()), from..from));
        let (slot, range) = records.last_mut()?;
        let record = slot.as_mut()?;
        let is_read = scan_record(record, cursor).is_some();
        if !is_read || record.is_blank() || record.is_bare() || record.is_timeless() {
            *slot = None;
            *cursor = before;
            cursor.skip()?;
        }
        range.end = cursor.place();
        Some(())
    })
}

fn scan_record<'a>(record: &mut Record<'a>, cursor: &mut Cursor<'a, '_>) -> Option<()> {
    static KEYS: LazyLock<Keys<RecordField>> = LazyLock::new(RecordField::keys);
    cursor.object(&KEYS, |key, cursor| record.scan_value(key, cursor))
}

impl<'a> Scan<'a> for Text<'a> {
    #[inline]
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = match cursor.peek()? {
            b'"' => cursor.text()?,
            b'n' => {
                cursor.scalar()?;
                Text::default()
            }
            _ => return None,
        };
        Some(())
    }
}

impl<'a> Scan<'a> for Int {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = match cursor.peek()? {
            b'"' => Int(cursor.plain_text()?.trim().parse().ok()),
            _ => match cursor.scalar()? {
                b"null" => Int(None),
                number => Int(Some(std::str::from_utf8(number).ok()?.parse().ok()?)),
            },
        };
        Some(())
    }
}

impl<'a> Scan<'a> for Code {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = if cursor.peek()? == b'"' {
            Code::of_text(cursor.plain_text()?)
        } else {
            let mut number = Int::default();
            number.scan(cursor)?;
            Code(number.0, Word::None)
        };
        Some(())
    }
}

impl<'a> Scan<'a> for Flag {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = match cursor.scalar()? {
            b"true" => Flag(Some(true)),
            b"false" => Flag(Some(false)),
            b"null" => Flag(None),
            _ => return None,
        };
        Some(())
    }
}

impl<'a> Scan<'a> for Conditions<'a> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = match cursor.peek()? {
            b'"' => {
                let names = cursor.text()?;
                if names.as_str().trim_start().starts_with(['[', '{', '"']) {
                    return None;
                }
                Conditions::of_text(names)
            }
            _ => match cursor.scalar()? {
                b"null" => Conditions::Absent,
                number => Conditions::Mask(std::str::from_utf8(number).ok()?.parse().ok()?),
            },
        };
        Some(())
    }
}

impl<'a> Scan<'a> for Policy<'a> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        if cursor.recall_policy(self).is_some() {
            return Some(());
        }
        let before = cursor.mark();
        self.scan_whole(cursor)?;
        cursor.note_policy(before, self);
        Some(())
    }
}

impl<'a, T: Scan<'a> + Default> Scan<'a> for List<T> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        self.0.clear();
        if cursor.peek()? == b'n' {
            return cursor.scalar().map(|_| ());
        }
        cursor.list(|cursor| {
            if self.0.is_empty() {
                self.0.reserve(LIST_LENGTH);
            } else if self.0.len() == LIST_MAX {
                return None;
            }
            self.0.push(T::default());
            self.0.last_mut()?.scan(cursor)
        })
    }
}

impl<'a> Scan<'a> for Texts<'a> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        *self = Texts::default();
        if cursor.peek()? == b'n' {
            return cursor.scalar().map(|_| ());
        }
        cursor.list(|cursor| {
            let mut text = Text::default();
            text.scan(cursor)?;
            self.push(text);
            (self.len() <= LIST_MAX).then_some(())
        })
    }
}

impl<'a> Scan<'a> for Country<'a> {
    fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
        if cursor.peek()? == b'{' {
            let mut place = Location::default();
            place.scan(cursor)?;
            *self = Country::Place(place);
        } else {
            let mut code = Text::default();
            code.scan(cursor)?;
            if code.as_str().starts_with(['{', '[', ' ']) {
                return None;
            }
            *self = Country::Code(code);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;

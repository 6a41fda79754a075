//! Which field a key names, found without comparing it with every key.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Slots of a table: several times the keys of the largest object.
pub(super) const SLOTS: usize = 256;
const FREE: u8 = u8::MAX;

/// A field of a kind of object.
pub(in super::super) trait Field: Copy {
    /// Its place among them, below 64.
    fn place(self) -> u32;
}

/// Keys of one kind of object and the fields they stand for.
pub(in super::super) struct Keys<F: 'static> {
    slots: [u8; SLOTS],
    entries: Vec<Entry<F>>,
    table: usize,
}

struct Entry<F: 'static> {
    print: Print,
    key: &'static [u8],
    field: F,
}

/// Length, first and last eight bytes: equal for equal keys, and nearly always different otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print {
    length: usize,
    first: u64,
    last: u64,
}

impl Print {
    /// Of the key that stands at `from..to` of the text.
    #[inline]
    fn of(text: &[u8], from: usize, to: usize) -> Print {
        let length = to - from;
        let first = match text.get(from..from + 8) {
            Some(bytes) => eight(bytes) & (u64::MAX >> (64 - 8 * length.clamp(1, 8))),
            None => tail(&text[from..to]),
        };
        let last = if length > 8 {
            eight(&text[to - 8..to])
        } else {
            0
        };
        Print {
            length,
            first: if length == 0 { 0 } else { first },
            last,
        }
    }

    #[inline]
    fn slot(self) -> usize {
        (mix(self.first ^ self.length as u64, self.last) >> 56) as usize
    }
}

/// Spreads the bits of two numbers over one.
#[inline]
pub(super) fn mix(first: u64, last: u64) -> u64 {
    (first ^ last.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[inline]
pub(super) fn eight(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// Fewer than eight bytes are left of the text.
#[cold]
fn tail(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_le_bytes(bytes)
}

impl<F: Copy> Keys<F> {
    /// A table of the keys; of equal keys the first counts. For statics only: each table made takes a
    /// number, and memory is kept by it.
    pub(in super::super) fn new(keys: impl IntoIterator<Item = (&'static str, F)>) -> Keys<F> {
        static TABLES: AtomicUsize = AtomicUsize::new(0);
        let mut table = Keys {
            slots: [FREE; SLOTS],
            entries: Vec::new(),
            table: TABLES.fetch_add(1, Ordering::Relaxed),
        };
        for (key, field) in keys {
            let key = key.as_bytes();
            if table.find(key, 0, key.len()).is_err() {
                let print = Print::of(key, 0, key.len());
                let mut slot = print.slot();
                while table.slots[slot] != FREE {
                    slot = (slot + 1) % SLOTS;
                }
                assert!(table.entries.len() < SLOTS / 2, "a table stays half empty");
                table.slots[slot] = table.entries.len() as u8;
                table.entries.push(Entry { print, key, field });
            }
        }
        table
    }

    /// The field of the key at `from..to` of the text; else the slot at which the search begins.
    #[inline]
    pub(in super::super) fn find(&self, text: &[u8], from: usize, to: usize) -> Result<F, usize> {
        let print = Print::of(text, from, to);
        let first = print.slot();
        let mut slot = first;
        loop {
            let place = self.slots[slot % SLOTS];
            let Some(entry) = self.entries.get(usize::from(place)) else {
                return Err(first);
            };
            if entry.print == print && (print.length <= 16 || entry.key == &text[from..to]) {
                return Ok(entry.field);
            }
            slot += 1;
        }
    }

    /// The number of this table among all.
    pub(super) fn table(&self) -> usize {
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_keys_and_no_others() {
        let names = [
            "id",
            "time",
            "createdDateTime",
            "",
            "appliedConditionalAccessPolicies",
            "location",
        ];
        let keys = Keys::new(names.into_iter().zip(0..));
        for (field, name) in names.into_iter().enumerate() {
            // At the end of a text, and with more behind it.
            assert_eq!(
                keys.find(name.as_bytes(), 0, name.len()),
                Ok(field),
                "{name}"
            );
            let longer = format!("\"{name}\":\"something else\"");
            assert_eq!(
                keys.find(longer.as_bytes(), 1, 1 + name.len()),
                Ok(field),
                "{name}"
            );
        }
        for name in [
            "Id",
            "id ",
            "i",
            "times",
            "createdDateTimE",
            "appliedConditionalAccEssPolicies",
        ] {
            assert!(keys.find(name.as_bytes(), 0, name.len()).is_err(), "{name}");
        }
    }

    #[test]
    fn of_equal_keys_the_first_counts() {
        let keys = Keys::new([("location", 1), ("location", 2)]);
        assert_eq!(keys.find(b"location", 0, 8), Ok(1));
    }
}

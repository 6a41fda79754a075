//! Texts by number, in the order in which they first came.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// Every different text once. The hash is seeded anew each time: who writes the texts cannot make
/// them collide.
#[derive(Default)]
pub struct Dictionary {
    known: HashTable<Known>,
    /// The texts, one behind the other.
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<u32>,
    hasher: foldhash::fast::RandomState,
    /// The text given last: it often comes several times in a row.
    last: Option<Known>,
}

/// A text: its number and where it lies, so that one look compares it, and its hash, so that nothing
/// is read again when the table grows.
#[derive(Clone, Copy)]
struct Known {
    hash: u64,
    number: u32,
    begin: u32,
    end: u32,
}

impl Known {
    #[inline]
    fn text(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.begin as usize..self.end as usize]
    }
}

impl Dictionary {
    /// The number of a text; a new one gets the next.
    pub fn number_of(&mut self, text: &[u8]) -> u32 {
        if let Some(last) = self.last
            && last.text(&self.bytes) == text
        {
            return last.number;
        }
        let hash = self.hasher.hash_one(text);
        let same = |known: &Known| known.hash == hash && known.text(&self.bytes) == text;
        let known = match self.known.find(hash, same) {
            Some(known) => *known,
            None => self.learn(hash, text),
        };
        self.last = Some(known);
        known.number
    }

    fn learn(&mut self, hash: u64, text: &[u8]) -> Known {
        // A row group ends at some hundred MiB (`super::super::file`): far below 2^32.
        let begin = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        let known = Known {
            hash,
            number: self.ends.len() as u32,
            begin,
            end: self.bytes.len() as u32,
        };
        self.ends.push(known.end);
        self.known.insert_unique(hash, known, |known| known.hash);
        known
    }

    /// The texts in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, end)| &self.bytes[begin as usize..*end as usize])
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// What the texts take up, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ends = self.ends.capacity() * size_of::<u32>();
        self.bytes.capacity() + ends + self.known.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_the_same_number() {
        let mut texts = Dictionary::default();
        let numbers =
            ["a", "", "bc", "a", "", "b", "bc"].map(|text| texts.number_of(text.as_bytes()));
        assert_eq!(numbers, [0, 1, 2, 0, 1, 3, 2]);
        assert_eq!(
            texts.texts().collect::<Vec<_>>(),
            [&b"a"[..], b"", b"bc", b"b"]
        );
        for number in 0..5_000u32 {
            texts.number_of(&number.to_le_bytes());
        }
        assert_eq!((texts.len(), texts.number_of(b"bc")), (5_004, 2));
    }
}

//! Where the strings of a text begin and end: the first pass of the quick reader.
//!
//! Works on 64 bytes at a time with the widest vector instructions that the processor has, after the
//! structural index of Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (VLDB Journal 28,
//! 2019). Only quotes are indexed: what stands between two strings is a few bytes, which the second
//! pass looks at one by one.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

const BLOCK: usize = 64;
/// Places written without asking how many there are: about what a block holds.
const EAGER: [usize; 2] = [8, 16];

/// Places in a text, ascending. Reused from text to text.
#[derive(Debug)]
pub(super) struct Index {
    level: Level,
    places: Vec<u32>,
    count: usize,
    /// Backslashes that begin an escape inside a string.
    escapes: Vec<u32>,
}

impl Default for Index {
    fn default() -> Index {
        Index {
            level: Level::new(),
            places: Vec::new(),
            count: 0,
            escapes: Vec::new(),
        }
    }
}

impl Index {
    /// Indexes the text; `false` if it is no JSON or too odd for the quick reader.
    pub(super) fn build(&mut self, text: &[u8]) -> bool {
        self.count = 0;
        self.escapes.clear();
        let level = self.level;
        u32::try_from(text.len()).is_ok() && dispatch!(level, simd => self.blocks(simd, text))
    }

    /// Inlined like everything that it calls often, so that it is compiled for the instructions.
    #[inline(always)]
    fn blocks<S: Simd>(&mut self, simd: S, text: &[u8]) -> bool {
        let mut escaped = false;
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut at = 0;
        for block in blocks {
            if !self.block(simd, block, text, at, &mut escaped) {
                return false;
            }
            at += BLOCK;
        }
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.block(simd, &last, text, at, &mut escaped) && self.count.is_multiple_of(2)
    }

    /// The quotes that are no escapes: a string's first, its last, the next one's first, …
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.count]
    }

    /// The backslashes that begin an escape.
    pub(super) fn escapes(&self) -> &[u32] {
        &self.escapes
    }

    /// `escaped` tells whether the first byte of the block is, and then of the next.
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        simd: S,
        block: &[u8; BLOCK],
        text: &[u8],
        at: usize,
        escaped: &mut bool,
    ) -> bool {
        let bytes = u8x64::from_slice(simd, block);
        let quote = bytes.simd_eq(b'"').to_bitmask();
        let backslash = bytes.simd_eq(b'\\');
        let control = bytes.simd_lt(b' ');
        if (backslash | control).any_true() || *escaped {
            let (backslash, control) = (backslash.to_bitmask(), control.to_bitmask());
            let (starts, hidden) = escapes(backslash, escaped);
            let begins_inside = 0u64.wrapping_sub((self.count % 2) as u64);
            let quote = quote & !hidden;
            self.push(quote, at);
            let inside = prefix_xor(quote) ^ begins_inside;
            // Control characters are not allowed in strings.
            return control & inside == 0 && self.note_escapes(starts, text, at);
        }
        self.push(quote, at);
        true
    }

    /// Appends the places of the bits.
    #[inline(always)]
    fn push(&mut self, mut bits: u64, at: usize) {
        if self.places.len() < self.count + BLOCK {
            self.places.resize((self.count + BLOCK) * 2, 0);
        }
        let count = bits.count_ones() as usize;
        let room = &mut self.places[self.count..self.count + BLOCK];
        let mut take = |place: &mut u32| {
            // A block begins below 2^32 and has 64 bytes: what is written past the last bit is not read.
            *place = (at as u32).wrapping_add(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        };
        room[..EAGER[0]].iter_mut().for_each(&mut take);
        if count > EAGER[0] {
            room[EAGER[0]..EAGER[1]].iter_mut().for_each(&mut take);
        }
        if count > EAGER[1] {
            room[EAGER[1]..count].iter_mut().for_each(&mut take);
        }
        self.count += count;
    }

    /// Keeps where escapes begin; `false` if one of them is none that JSON knows.
    fn note_escapes(&mut self, mut starts: u64, text: &[u8], at: usize) -> bool {
        while starts != 0 {
            let place = at + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if !is_escape(&text[place + 1..]) {
                return false;
            }
            self.escapes.push(place as u32);
        }
        true
    }
}

/// Every bit is the parity of the bits up to it: ones from an opening quote up to its closing one.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Backslashes that begin an escape, and the bytes that are escaped by them.
#[inline(always)]
fn escapes(backslash: u64, escaped: &mut bool) -> (u64, u64) {
    let (mut starts, mut hidden) = (0, u64::from(*escaped));
    let mut left = backslash & !hidden;
    *escaped = false;
    while left != 0 {
        let place = left & left.wrapping_neg();
        starts |= place;
        hidden |= place << 1;
        *escaped = place >> 63 != 0;
        left &= !(place | place << 1);
    }
    (starts, hidden)
}

/// Whether the bytes after a backslash are those of an escape.
fn is_escape(after: &[u8]) -> bool {
    match after.first() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
        Some(b'u') => after
            .get(1..5)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, byte by byte.
    fn slowly(text: &[u8]) -> Vec<u32> {
        let (mut places, mut at) = (Vec::new(), 0);
        while at < text.len() {
            match text[at] {
                b'\\' => at += 1,
                b'"' => places.push(at as u32),
                _ => {}
            }
            at += 1;
        }
        places
    }

    proptest! {
        #[test]
        fn finds_what_reading_byte_by_byte_finds(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec!["\"", "\\\\", "\\\"", "{", "}", "[", "]", ":", "ab", "é", " ", "0123456789"]),
                0..200,
            ),
        ) {
            let text = pieces.concat();
            let mut index = Index::default();
            if index.build(text.as_bytes()) {
                prop_assert_eq!(index.places(), slowly(text.as_bytes()));
            } else {
                // Only a string without an end is refused here.
                prop_assert_eq!(slowly(text.as_bytes()).len() % 2, 1);
            }
        }
    }

    #[test]
    fn refuses_what_json_does_not_know() {
        let mut index = Index::default();
        for text in [r#""\x""#, r#""\u12g4""#, "\"a\nb\"", "\"open", "\"\\"] {
            assert!(!index.build(text.as_bytes()), "{text}");
        }
        for text in [r#""\u12a4\/\"""#, "{\n}", "\"a\" ", "\"\u{7f}é\""] {
            assert!(index.build(text.as_bytes()), "{text}");
        }
    }
}

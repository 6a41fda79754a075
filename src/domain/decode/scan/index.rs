//! Where the quotes and brackets of a text are: the first pass of the quick reader.
//!
//! Works on 64 bytes at a time with vector instructions, after the structural index of Langdale and
//! Lemire, "Parsing Gigabytes of JSON per Second" (VLDB Journal 28, 2019). Commas, colons and scalars
//! are not indexed: they stand between two indexed places, where the second pass looks at them.

use wide::u8x16;

const BLOCK: usize = 64;
/// Places written without asking how many there are: about what a block holds.
const EAGER: [usize; 2] = [8, 16];

/// Places in a text, ascending. Reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: Vec<u32>,
    count: usize,
    /// Backslashes that begin an escape inside a string.
    escapes: Vec<u32>,
}

/// What a block leaves to the next one.
#[derive(Default)]
struct Carry {
    /// All ones inside a string.
    in_string: u64,
    /// One if the first byte of the next block is escaped.
    escaped: u64,
}

/// Where in a block each kind of byte stands, one bit a byte.
struct Masks {
    quote: u64,
    /// Brackets of both kinds, and bytes that cannot stand outside strings.
    bracket: u64,
    /// A backslash or a control character is somewhere.
    has_odd: bool,
}

impl Index {
    /// Indexes the text; `false` if it is no JSON or too odd for the quick reader.
    pub(super) fn build(&mut self, text: &[u8]) -> bool {
        self.count = 0;
        self.escapes.clear();
        if u32::try_from(text.len()).is_err() {
            return false;
        }
        let mut carry = Carry::default();
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut at = 0;
        for block in blocks {
            if !self.block(block, text, at, &mut carry) {
                return false;
            }
            at += BLOCK;
        }
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.block(&last, text, at, &mut carry) && carry.in_string == 0
    }

    /// The quotes that are no escapes, and the brackets outside strings.
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.count]
    }

    /// The backslashes that begin an escape.
    pub(super) fn escapes(&self) -> &[u32] {
        &self.escapes
    }

    #[inline]
    fn block(&mut self, block: &[u8; BLOCK], text: &[u8], at: usize, carry: &mut Carry) -> bool {
        let masks = masks(block);
        let quote = masks.quote;
        if masks.has_odd || carry.escaped != 0 {
            return self.odd_block(block, &masks, text, at, carry);
        }
        let in_string = in_string(quote, carry);
        self.push((masks.bracket & !in_string) | quote, at);
        true
    }

    /// A block with backslashes or control characters.
    #[inline(never)]
    fn odd_block(
        &mut self,
        block: &[u8; BLOCK],
        masks: &Masks,
        text: &[u8],
        at: usize,
        carry: &mut Carry,
    ) -> bool {
        let backslash = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'\\')));
        let (starts, escaped) = escapes(backslash, &mut carry.escaped);
        let quote = masks.quote & !escaped;
        let in_string = in_string(quote, carry);
        self.push((masks.bracket & !in_string) | quote, at);
        let plain = bits(block, |bytes| bytes.max(u8x16::splat(b' ')).simd_eq(bytes));
        !plain & in_string == 0 && self.note_escapes(starts, text, at)
    }

    /// Appends the places of the bits.
    #[inline]
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

#[inline]
fn masks(block: &[u8; BLOCK]) -> Masks {
    let mut odd = u8x16::splat(0);
    let quote = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'"')));
    let bracket = bits(block, |bytes| {
        let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
        let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        odd |= backslash | control;
        // `[ ] { }` differ in these three bits; what else they make equal is found by the reader.
        (bytes | u8x16::splat(0b0010_0110)).simd_eq(u8x16::splat(0x7f))
    });
    Masks {
        quote,
        bracket,
        has_odd: odd.to_bitmask() != 0,
    }
}

/// One bit for each byte of the block that `of` finds.
#[inline]
fn bits(block: &[u8; BLOCK], mut of: impl FnMut(u8x16) -> u8x16) -> u64 {
    let (quarters, _) = block.as_chunks::<16>();
    let mut bits = 0;
    for (number, quarter) in quarters.iter().enumerate() {
        bits |= u64::from(of(u8x16::new(*quarter)).to_bitmask()) << (16 * number);
    }
    bits
}

/// Where strings are, opening quotes included and closing ones not.
#[inline]
fn in_string(quote: u64, carry: &mut Carry) -> u64 {
    let in_string = prefix_xor(quote) ^ carry.in_string;
    carry.in_string = 0u64.wrapping_sub(in_string >> 63);
    in_string
}

/// Every bit is the parity of the bits up to it: ones from an opening quote up to its closing one.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Backslashes that begin an escape, and the bytes that are escaped by them.
#[inline]
fn escapes(backslash: u64, carry: &mut u64) -> (u64, u64) {
    let mut starts = 0;
    let mut escaped = *carry;
    let mut left = backslash & !escaped;
    *carry = 0;
    while left != 0 {
        let place = left & left.wrapping_neg();
        starts |= place;
        if place >> 63 != 0 {
            *carry = 1;
        }
        escaped |= place << 1;
        left &= !(place | place << 1);
    }
    (starts, escaped)
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
        let (mut places, mut in_string, mut at) = (Vec::new(), false, 0);
        while at < text.len() {
            match text[at] {
                b'\\' => at += 1,
                b'"' => {
                    in_string = !in_string;
                    places.push(at as u32);
                }
                b'[' | b']' | b'{' | b'}' if !in_string => places.push(at as u32),
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
                let quotes = slowly(text.as_bytes()).iter().filter(|at| text.as_bytes()[**at as usize] == b'"').count();
                prop_assert_eq!(quotes % 2, 1);
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

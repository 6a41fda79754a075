//! Parquet's hybrid of runs and packed groups (format: `Encodings.md`, "Run Length Encoding /
//! Bit-Packing Hybrid").

/// Values of a packed group.
const GROUP: usize = 8;
/// Packed groups behind one header: its one byte holds no more.
const GROUPS_MAX: usize = 63;

/// Bits that hold every number up to `greatest`.
#[must_use]
pub fn width_of(greatest: u32) -> u8 {
    (u32::BITS - greatest.leading_zeros()) as u8
}

/// Appends the values, each of at most `width` bits: as a run where eight or more are the same, packed
/// in groups of eight otherwise. The last group is filled up with zeros; readers know the count.
pub fn encode<T: Copy + PartialEq + Into<u32>>(values: &[T], width: u8, out: &mut Vec<u8>) {
    let mut at = 0;
    let mut header = None;
    while at < values.len() {
        let value = values[at];
        let same = values[at..].iter().take_while(|other| **other == value);
        let run = if begins_a_run(&values[at..]) {
            same.count()
        } else {
            0
        };
        if run >= GROUP {
            header = None;
            put_run(run, value.into(), width, out);
            at += run;
        } else {
            let group = &values[at..values.len().min(at + GROUP)];
            count_group(&mut header, out);
            put_group(group, width, out);
            at += group.len();
        }
    }
}

#[inline]
fn begins_a_run<T: Copy + PartialEq>(values: &[T]) -> bool {
    values.len() >= GROUP && values[1..GROUP].iter().all(|value| *value == values[0])
}

/// A run: its length without the lowest bit, which says that it is one, and the value in whole bytes.
fn put_run(length: usize, value: u32, width: u8, out: &mut Vec<u8>) {
    let mut length = (length as u64) << 1;
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(&value.to_le_bytes()[..usize::from(width.div_ceil(8))]);
}

/// One group more behind the open header, or behind a new one: its place and its count.
fn count_group(header: &mut Option<(usize, usize)>, out: &mut Vec<u8>) {
    let (place, groups) = match *header {
        Some((place, groups)) if groups < GROUPS_MAX => (place, groups + 1),
        _ => {
            out.push(0);
            (out.len() - 1, 1)
        }
    };
    out[place] = (groups as u8) << 1 | 1;
    *header = Some((place, groups));
}

/// Eight values of `width` bits, the lowest bits first: `width` bytes.
#[inline]
fn put_group<T: Copy + Into<u32>>(values: &[T], width: u8, out: &mut Vec<u8>) {
    let (mut bits, mut held, end) = (0u64, 0u32, out.len() + usize::from(width));
    for value in values {
        bits |= u64::from((*value).into()) << held;
        held += u32::from(width);
        if held >= u32::BITS {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= u32::BITS;
            held -= u32::BITS;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..held.div_ceil(8) as usize]);
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(values: &[u32], width: u8) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, width, &mut out);
        out
    }

    #[test]
    fn the_examples_of_the_format() {
        assert_eq!(
            encoded(&[0, 1, 2, 3, 4, 5, 6, 7], 3),
            [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]
        );
        assert_eq!(encoded(&[1; 100], 1), [0xc8, 1, 1]);
        assert_eq!(encoded(&[300; 9], 9), [18, 44, 1]);
    }

    #[test]
    fn no_bits_and_no_values() {
        assert!(encoded(&[], 5).is_empty());
        assert_eq!(encoded(&[0; 20], 0), [40]);
        assert_eq!(encoded(&[0; 3], 0), [3]);
    }

    #[test]
    fn widths() {
        assert_eq!(
            [0, 1, 2, 3, 4, 255, 256, u32::MAX].map(width_of),
            [0, 1, 2, 2, 3, 8, 9, 32]
        );
    }

    #[test]
    fn a_short_end_is_filled_up_and_a_run_ends_a_packed_part() {
        assert_eq!(encoded(&[1, 2, 3], 2), [3, 0b11_1001, 0]);
        let values: Vec<u32> = [0, 1].repeat(4).into_iter().chain([1; 8]).collect();
        assert_eq!(encoded(&values, 1), [3, 0b1010_1010, 16, 1]);
    }

    #[test]
    fn long_packed_parts_have_several_headers() {
        let values: Vec<u32> = (0..64 * 8).map(|value| value & 1).collect();
        let bytes = encoded(&values, 1);
        assert_eq!((bytes[0], bytes[64], bytes.len()), (127, 3, 66));
    }
}

//! What stands around the text of a message: compression and encoding.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::RejectReason;

/// Most bytes that a message is unpacked to, and that as a multiple of its own.
const UNPACKED_MAX: u64 = 32 << 20;
const RATIO_MAX: u64 = 100;

type Opened<'m> = Result<Cow<'m, [u8]>, (RejectReason, String)>;

/// The text of a message, without white space at its ends or a byte-order mark.
///
/// # Errors
/// If it is packed or encoded in a way that is not read.
pub(super) fn opened(message: &[u8]) -> Opened<'_> {
    // Nearly every message.
    if matches!(message.first(), Some(b'{' | b'[')) && message.get(1) != Some(&0) {
        return Ok(Cow::Borrowed(message.trim_ascii_end()));
    }
    if let Some(format) = archive(message) {
        return not_read(format);
    }
    if let Some(format) = binary(message) {
        let detail = format!("{format}; JSON and CSV are read: convert it");
        return Err((RejectReason::NotJson, detail));
    }
    match message {
        [0x1f, 0x8b, ..] => unpacked(message),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => not_read("zlib"),
        [0xff, 0xfe, 0, 0, text @ ..] => wide::<4>(text, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, text @ ..] => wide::<4>(text, u32::from_be_bytes),
        [0xff, 0xfe, text @ ..] => wide::<2>(text, |unit| u16::from_le_bytes(unit).into()),
        [0xfe, 0xff, text @ ..] => wide::<2>(text, |unit| u16::from_be_bytes(unit).into()),
        [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => {
            let detail = "UTF-16 or UTF-32 without a byte-order mark; write UTF-8";
            Err((RejectReason::Encoding, detail.to_owned()))
        }
        [0xef, 0xbb, 0xbf, text @ ..] => Ok(Cow::Borrowed(text.trim_ascii())),
        text => Ok(Cow::Borrowed(text.trim_ascii())),
    }
}

/// The format of what begins like a packed file that is not unpacked.
pub(super) fn archive(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("7z"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [b'P', b'K', 3, 4, ..] => Some("zip"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzip2"),
        _ => None,
    }
}

/// The format of what begins like a file of rows that is not read.
pub(super) fn binary(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'O', b'b', b'j', 1, ..] => Some("Avro"),
        [b'P', b'A', b'R', b'1', ..] => Some("Parquet"),
        _ => None,
    }
}

fn not_read<'m>(format: &str) -> Opened<'m> {
    let detail = format!("{format}; only gzip is unpacked: unpack it and send what is in it");
    Err((RejectReason::Compressed, detail))
}

fn unpacked<'m>(message: &[u8]) -> Opened<'m> {
    let limit = UNPACKED_MAX.min(message.len() as u64 * RATIO_MAX);
    let mut text = Vec::new();
    if let Err(error) = MultiGzDecoder::new(message)
        .take(limit + 1)
        .read_to_end(&mut text)
    {
        return Err((RejectReason::Compressed, format!("gzip: {error}")));
    }
    if text.len() as u64 > limit {
        let detail = format!("unpacked it is more than {limit} bytes");
        return Err((RejectReason::DecompressionLimit, detail));
    }
    match text.as_slice() {
        [0x1f, 0x8b, ..] => Err((RejectReason::Compressed, "gzip within gzip".to_owned())),
        _ => opened(&text).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// Text of units of two or four bytes as UTF-8; half a surrogate pair becomes a replacement.
fn wide<'m, const UNIT: usize>(text: &[u8], read: impl Fn([u8; UNIT]) -> u32) -> Opened<'m> {
    let (units, rest) = text.as_chunks::<UNIT>();
    let units = units.iter().map(|unit| read(*unit));
    let text: Option<String> = if UNIT == 4 {
        units.map(char::from_u32).collect()
    } else {
        // Each fits, being read from two bytes.
        let units = units.map(|unit| unit as u16);
        Some(
            char::decode_utf16(units)
                .map(|letter| letter.unwrap_or('\u{fffd}'))
                .collect(),
        )
    };
    match text {
        Some(text) if rest.is_empty() => {
            // Tabs at the end may be the empty cells of a table's last row.
            let is_space = |letter: char| letter.is_whitespace() && letter != '\t';
            let text = text.trim_start().trim_end_matches(is_space);
            Ok(Cow::Owned(text.as_bytes().to_vec()))
        }
        _ => Err((
            RejectReason::Encoding,
            "a byte-order mark, then no text of its kind".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(text).expect("memory takes all");
        packed.finish().expect("memory takes all")
    }

    fn reason(message: &[u8]) -> Option<RejectReason> {
        opened(message).err().map(|(reason, _)| reason)
    }

    #[test]
    fn text_in_other_clothes_is_read() {
        let text = "{\"a\":\"Krüger 😀\"}";
        let utf16 = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let utf32: Vec<u8> = text
            .chars()
            .flat_map(|letter| u32::from(letter).to_le_bytes())
            .collect();
        for message in [
            format!("\u{feff}{text}\n").into_bytes(),
            [&[0xff, 0xfe][..], &utf16(u16::to_le_bytes)].concat(),
            [&[0xfe, 0xff][..], &utf16(u16::to_be_bytes)].concat(),
            [&[0xff, 0xfe, 0, 0][..], &utf32].concat(),
            gzip(text.as_bytes()),
            [gzip(&text.as_bytes()[..5]), gzip(&text.as_bytes()[5..])].concat(),
        ] {
            assert_eq!(opened(&message).expect("read").as_ref(), text.as_bytes());
        }
    }

    #[test]
    fn what_is_not_read_says_so() {
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(reason(&utf16), Some(RejectReason::Encoding));
        assert_eq!(reason(&[0xff, 0xfe, b'{']), Some(RejectReason::Encoding));
        assert_eq!(reason(&gzip(b"{}")[..12]), Some(RejectReason::Compressed));
        assert_eq!(reason(&gzip(&gzip(b"{}"))), Some(RejectReason::Compressed));
        assert_eq!(
            reason(&[0x28, 0xb5, 0x2f, 0xfd, 0]),
            Some(RejectReason::Compressed)
        );
        for format in [&b"PK\x03\x04"[..], b"\xfd7zXZ\0", b"7z\xbc\xaf"] {
            assert_eq!(reason(format), Some(RejectReason::Compressed));
        }
        assert_eq!(reason(b"PAR1"), Some(RejectReason::NotJson));
        assert_eq!(reason(b"BZh91AY"), Some(RejectReason::Compressed));
        assert_eq!(reason(b"BZhello"), None);
        assert_eq!(reason(&[0x78, 0x9c, 1, 2]), Some(RejectReason::Compressed));
        assert_eq!(
            reason(&gzip(&vec![b' '; 8 << 20])),
            Some(RejectReason::DecompressionLimit)
        );
    }
}

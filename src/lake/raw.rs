//! A record that is kept whole: bytes in a column of text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as text; those that are none are written as `\xHH`, which no JSON holds.
#[must_use]
pub fn text_of(raw: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len() + 16);
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    Cow::Owned(text)
}

/// The bytes of a record of JSON that [`text_of`] has written.
#[must_use]
pub fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).map(|digits| u8::from_str_radix(digits, 16)) {
            // A backslash that is escaped itself begins nothing, nor does what is no byte above ASCII.
            Some(Ok(byte)) if byte >= 0x80 && !ends_in_escape(before) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.extend_from_slice(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Whether the next backslash is the second of a pair.
fn ends_in_escape(text: &str) -> bool {
    let backslashes = text.bytes().rev().take_while(|byte| *byte == b'\\');
    backslashes.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_told_and_come_back() {
        let raw = b"{\"a\":\"M\xfcnchen \\\\\xff \\n\"}";
        let text = text_of(raw);
        assert_eq!(text, "{\"a\":\"M\\xFCnchen \\\\\\xFF \\n\"}");
        assert_eq!(bytes_of(&text), raw);
        let path = r#"{"path":"C:\\x86","odd":"\\xFF"}"#;
        assert_eq!(bytes_of(&text_of(path.as_bytes())), path.as_bytes());
    }

    proptest! {
        #[test]
        fn json_comes_back(text in ".{0,20}", bytes in proptest::collection::vec(128_u8.., 0..4)) {
            let json = serde_json::to_string(&text).expect("a text is JSON");
            let raw = [&json.as_bytes()[..json.len() - 1], &bytes, b"\""].concat();
            prop_assert_eq!(bytes_of(&text_of(&raw)), raw);
        }
    }
}

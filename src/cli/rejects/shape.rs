//! What rejects of one cause have in common: the reason's detail without what is particular to one
//! record, and what the bytes begin like.
//!
//! Pure. Both are short, on one line, and normalising them again changes nothing.

use crate::cli::report::words::shown;
use crate::domain::decode::split::{skip_space, value_end};

/// Letters of a normalised text.
const LENGTH_MAX: usize = 100;
/// Bytes of a record that are looked at.
const LOOKED_AT: usize = 4096;
/// Keys of an object that are named.
const KEYS_MAX: usize = 4;
/// Letters of a key.
const KEY_MAX: usize = 24;
/// Letters of the beginning of a text.
const TEXT_MAX: usize = 24;
/// First bytes that are shown of what is no text.
const BYTES_SHOWN: usize = 4;
/// What stands for anything left out.
const LEFT_OUT: char = '…';

/// A detail without its numbers, positions and quoted values.
///
/// `"2026-13-45" is no instant of the years 2000 to 2099` → `"…" is no instant of the years # to #`
#[must_use]
pub fn normalised(detail: &str) -> String {
    let text = one_line(detail.chars());
    let mut letters = text.chars();
    let mut out = String::new();
    let mut kept = 0;
    while let Some(letter) = letters.next() {
        if kept == LENGTH_MAX {
            break;
        }
        let in_word = out.ends_with(char::is_alphanumeric);
        kept += 1;
        match letter {
            '"' | '`' => quoted(letter, &mut letters, &mut out),
            '\'' if !in_word => quoted(letter, &mut letters, &mut out),
            _ if is_number(letter) => {
                if !out.ends_with('#') {
                    out.push('#');
                }
            }
            ' ' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            _ => out.push(letter),
        }
    }
    out.trim().to_owned()
}

/// Text with every kind of space as one that can be shown, and nothing that cannot.
fn one_line(letters: impl Iterator<Item = char>) -> String {
    let plain = |letter: char| if letter.is_whitespace() { ' ' } else { letter };
    shown(&letters.map(plain).collect::<String>())
}

fn is_number(letter: char) -> bool {
    letter.is_numeric() || letter == '#'
}

/// Passes over a quoted value, escaped quotes included, to its end or the text's.
fn quoted(quote: char, letters: &mut impl Iterator<Item = char>, out: &mut String) {
    out.push(quote);
    out.push(LEFT_OUT);
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == quote {
            out.push(quote);
            return;
        }
    }
}

/// What bytes begin like: the first keys of an object, the first of a list, the look of a text.
#[must_use]
pub fn beginning(raw: &[u8]) -> String {
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    let start = skip_space(raw, 0);
    let look = &raw[start..raw.len().min(start + LOOKED_AT)];
    match look.first() {
        None => "nothing".to_owned(),
        Some(b'{') => object(look),
        Some(b'[') => match look.get(skip_space(look, 1)) {
            Some(b'{') => format!("[{}", object(&look[skip_space(look, 1)..])),
            Some(_) | None => "[…".to_owned(),
        },
        Some(_) => text(look),
    }
}

/// `{time, category, tenantId, …`: the keys as far as they can be read.
fn object(look: &[u8]) -> String {
    let mut keys = Vec::new();
    let mut at = skip_space(look, 1);
    let mut more = "";
    while look.get(at) == Some(&b'"') {
        if keys.len() == KEYS_MAX {
            more = ", …";
            break;
        }
        let end = value_end(look, at);
        keys.push(key(&look[at + 1..end.map_or(look.len(), |end| end - 1)]));
        match end.and_then(|end| after_value(look, end)) {
            Some(next) => at = next,
            None => break,
        }
    }
    format!("{{{}{more}", keys.join(", "))
}

/// Where the next key begins, after the colon and value of the one that ends here.
fn after_value(look: &[u8], end: usize) -> Option<usize> {
    let colon = skip_space(look, end);
    let value = skip_space(look, (look.get(colon) == Some(&b':')).then_some(colon + 1)?);
    let comma = skip_space(look, value_end(look, value)?);
    (look.get(comma) == Some(&b',')).then(|| skip_space(look, comma + 1))
}

/// A key is a name of a format; what is too long, or has numbers in it, is somebody's data.
fn key(bytes: &[u8]) -> String {
    shortened(String::from_utf8_lossy(bytes).chars(), "# ", KEY_MAX)
}

/// Text with words and numbers as `a` and `#`; other bytes in hexadecimal.
fn text(look: &[u8]) -> String {
    let valid = match std::str::from_utf8(look) {
        Ok(text) => text,
        // Cut off within a letter, or only later no text.
        Err(error) => std::str::from_utf8(&look[..error.valid_up_to()]).unwrap_or(""),
    };
    if valid.chars().count() < BYTES_SHOWN.min(look.len()) {
        let bytes = look.iter().take(BYTES_SHOWN);
        let shown: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
        return format!("bytes {}", shown.join(" "));
    }
    let word = |letter: char| if letter.is_alphabetic() { 'a' } else { letter };
    shortened(valid.chars().map(word), "# a", TEXT_MAX)
}

/// At most so many letters, numbers as `#`, and each of `runs` once however often it follows itself.
fn shortened(letters: impl Iterator<Item = char>, runs: &str, length: usize) -> String {
    let mut out = String::new();
    let mut kept = 0;
    let mut last = None;
    for letter in one_line(letters).chars() {
        let letter = if is_number(letter) { '#' } else { letter };
        if runs.contains(letter) && last == Some(letter) {
            continue;
        }
        if kept == length {
            out.push(LEFT_OUT);
            break;
        }
        out.push(letter);
        (kept, last) = (kept + 1, Some(letter));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn details_of_one_cause_are_one() {
        for (detail, expected) in [
            (
                r#""13.3.\"2026" is no instant of the years 2000 to 2099"#,
                r#""…" is no instant of the years # to #"#,
            ),
            (
                "EOF while parsing a value at line 1 column 131",
                "EOF while parsing a value at line # column #",
            ),
            (
                "invalid type: string \"x\", expected `a` or 'b'",
                "invalid type: string \"…\", expected `…` or '…'",
            ),
            (
                "it doesn't end, nor does \"this",
                "it doesn't end, nor does \"…",
            ),
            (
                "20971521 bytes,\n\tthe most taken is 20971520",
                "# bytes, the most taken is #",
            ),
            ("", ""),
        ] {
            assert_eq!(normalised(detail), expected);
        }
    }

    #[test]
    fn beginnings_tell_what_was_sent() {
        for (raw, expected) in [
            (&b""[..], "nothing"),
            (b" \n", "nothing"),
            (b"{}", "{"),
            (
                br#"{"time":"2026","a":{"b":[1,"}"]},"c" : 1.5,"d":null,"e":1}"#,
                "{time, a, c, d, …",
            ),
            (
                br#"{"time":"2026", "properties":{"id":"#,
                "{time, properties",
            ),
            (br#"{"time":oops, "b":1}"#, "{time, b"),
            (br#"{"time"#, "{time"),
            (br#"{"user 4711":1,"user 4712":2}"#, "{user #, user #"),
            (br#"[{"id":1}]"#, "[{id"),
            (b"[7]", "[…"),
            (b"\xEF\xBB\xBF{\"id\":1}", "{id"),
            (b"\x1f\x8b\x08\x00", "bytes 1f 8b 08 00"),
            (
                b"2026-03-13T16:00:00Z,\"Miller, Ann\",Outlook\r",
                "#-#-#a#:#:#a,\"a, a\",a",
            ),
            (b"<html><body>", "<a><a>"),
            (b"42", "#"),
            ("Grüße".as_bytes(), "a"),
        ] {
            assert_eq!(beginning(raw), expected, "{}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn nothing_of_an_attacker_reaches_the_terminal() {
        let hostile = "\u{1b}]0;title\u{7}\u{202e}\r\n";
        let raw = format!("{{\"{hostile}\":1}}");
        for text in [
            normalised(hostile),
            beginning(raw.as_bytes()),
            beginning(hostile.as_bytes()),
        ] {
            assert!(
                text.chars()
                    .all(|letter| !letter.is_control() && letter != '\u{202e}'),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(detail in "\\PC{0,150}") {
            let once = normalised(&detail);
            prop_assert_eq!(normalised(&once), once);
        }

        #[test]
        fn numbers_and_quoted_values_do_not_count(
            a: u64, b: u64, one in "[^\"\\\\\\n]{0,20}", other in "[^\"\\\\\\n]{0,20}"
        ) {
            let detail = |number: u64, value: &str| {
                normalised(&format!("expected \"{value}\" at line {number} column {number}"))
            };
            prop_assert_eq!(detail(a, &one), detail(b, &other));
        }

        #[test]
        fn any_bytes_have_a_short_beginning_on_one_line(
            raw in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            let shape = beginning(&raw);
            prop_assert!(shape.chars().count() <= KEYS_MAX * (KEY_MAX + 3) + 4, "{}", shape);
            prop_assert!(!shape.contains(char::is_control), "{:?}", shape);
        }

        #[test]
        fn values_do_not_count(a in "[a-z\"\\\\{}\\[\\],:]{0,40}", b: i64) {
            let with = |value: serde_json::Value| {
                let json = format!("{{\"time\":{value},\"id\":{value}");
                beginning(json.as_bytes())
            };
            prop_assert_eq!(with(a.into()), "{time, id");
            prop_assert_eq!(with(b.into()), "{time, id");
        }
    }
}

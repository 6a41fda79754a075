//! Makes JSON of what collectors have made of JSON.
//!
//! Raw control characters in texts, texts in single quotes, half a surrogate pair, numbers that JSON
//! does not know: each has one reading. Everything else that is wrong stays wrong.

use crate::domain::decode::oddity::{Oddities, Oddity};

/// Longest number whose value is looked at; a longer one is beyond all ranges.
const NUMBER_BYTES_MAX: usize = 64;

/// The text, put right where there is one way to do so.
pub(super) fn sanitise(text: &str, oddities: &mut Oddities) -> String {
    oddities.note(Oddity::Sanitized);
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let rest = &text[at..];
        at += match byte {
            b'"' | b'\'' => string(rest, &mut out),
            b'0'..=b'9' | b'-' | b'+' | b'N' | b'n' | b'I' => number(rest, &mut out, oddities),
            _ => {
                let next = rest.chars().next().unwrap_or(' ');
                out.push(next);
                next.len_utf8()
            }
        };
    }
    out
}

/// Copies the text that begins here, in double quotes; how many bytes it took.
fn string(text: &str, out: &mut String) -> usize {
    let quote = text.chars().next().unwrap_or('"');
    out.push('"');
    let mut rest = text[1..].char_indices().peekable();
    while let Some((at, next)) = rest.next() {
        match next {
            _ if next == quote => {
                out.push('"');
                return at + 2;
            }
            '"' => out.push_str("\\\""),
            '\\' => {
                let taken = escape(&text[at + 1..], out);
                for _ in 1..taken {
                    rest.next();
                }
            }
            _ if next < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(next))),
            _ => out.push(next),
        }
    }
    text.len()
}

/// Copies the escape that begins here; how many characters it took.
fn escape(text: &str, out: &mut String) -> usize {
    if let Some(unit) = surrogate(text) {
        let low = text.get(6..).and_then(surrogate);
        if (0xd800..0xdc00).contains(&unit) && low.is_some_and(|low| low >= 0xdc00) {
            out.push_str(&text[..12]);
            return 12;
        }
        out.push_str("\\ufffd");
        return 6;
    }
    match text[1..].chars().next() {
        Some('\'') => out.push('\''),
        // A backslash before the end of a line continues the text.
        Some(next) if next < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(next))),
        Some(next) => {
            out.push('\\');
            out.push(next);
        }
        None => out.push('\\'),
    }
    2
}

/// Half of a surrogate pair, if the escape is one.
fn surrogate(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u32::from_str_radix(hex, 16).ok()?;
    (0xd800..0xe000).contains(&unit).then_some(unit)
}

/// Copies the number or word that begins here as JSON writes it; how many bytes it took.
fn number(text: &str, out: &mut String, oddities: &mut Oddities) -> usize {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    let length = text.bytes().take_while(|byte| is_part(*byte)).count();
    let token = &text[..length];
    if token == "null" {
        out.push_str(token);
    } else if is_no_number(token) || is_out_of_range(token) {
        oddities.note(Oddity::NumberRange);
        out.push_str("null");
    } else {
        out.push_str(&respelled(token).unwrap_or_else(|| token.to_owned()));
    }
    length.max(1)
}

fn is_no_number(token: &str) -> bool {
    let unsigned = token.trim_start_matches(['-', '+']);
    ["nan", "infinity", "inf"]
        .iter()
        .any(|word| unsigned.eq_ignore_ascii_case(word))
}

fn is_out_of_range(token: &str) -> bool {
    let is_decimal = token
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let finite = || token.parse::<f64>().is_ok_and(f64::is_finite);
    is_decimal && (token.len() > NUMBER_BYTES_MAX || token.parse::<f64>().is_ok() && !finite())
}

/// Without a plus, zeros in front or a bare point behind.
fn respelled(token: &str) -> Option<String> {
    let (sign, unsigned) = match token.as_bytes().first()? {
        b'-' => ("-", &token[1..]),
        b'+' => ("", &token[1..]),
        _ => ("", token),
    };
    let whole = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if whole == 0 {
        return None;
    }
    let digits = unsigned[..whole].trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let fraction = unsigned[whole..]
        .strip_suffix('.')
        .unwrap_or(&unsigned[whole..]);
    Some(format!("{sign}{digits}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_right(text: &str) -> (Option<serde_json::Value>, Vec<Oddity>) {
        let mut oddities = Oddities::default();
        let value = serde_json::from_str(&sanitise(text, &mut oddities)).ok();
        (value, oddities.iter().collect())
    }

    #[test]
    fn what_has_one_reading_is_put_right() {
        for (text, meaning) in [
            ("{\"a\":\"b\nc\td\u{1}\"}", r#"{"a":"b\nc\td\u0001"}"#),
            ("{'a':'it\"s','b':'it\\'s'}", r#"{"a":"it\"s","b":"it's"}"#),
            (
                r#"{"a":"\ud800x","b":"\ud83d\ude00","c":"\udc00"}"#,
                r#"{"a":"�x","b":"😀","c":"�"}"#,
            ),
            (
                "{\"a\":007,\"b\":+1,\"c\":1.,\"d\":-00.5,\"e\":0}",
                r#"{"a":7,"b":1,"c":1,"d":-0.5,"e":0}"#,
            ),
            ("[\"é\\\\\",null,true,false]", r#"["é\\",null,true,false]"#),
        ] {
            let expected = serde_json::from_str(meaning).ok();
            assert_eq!(
                put_right(text),
                (expected, vec![Oddity::Sanitized]),
                "{text}"
            );
        }
    }

    #[test]
    fn numbers_beyond_all_ranges_are_absent() {
        let long = "9".repeat(400);
        for number in [
            "NaN",
            "nan",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e999",
            &long,
        ] {
            let (value, oddities) = put_right(&format!("[{number},1]"));
            assert_eq!(value, Some(serde_json::json!([null, 1])), "{number}");
            assert_eq!(oddities, [Oddity::Sanitized, Oddity::NumberRange]);
        }
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        for text in [
            "{a:1}",
            "[1,]",
            "{\"a\":1 // b\n}",
            "[0x10]",
            "{\"a\":\"",
            "[\"\\x\"]",
            "\\",
            "'\\",
        ] {
            assert_eq!(put_right(text).0, None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn json_keeps_its_meaning(text in "\\PC{0,20}", number in proptest::prelude::any::<i64>()) {
            let value = serde_json::json!({&text: [text, number, null, true, 0.5]});
            proptest::prop_assert_eq!(put_right(&value.to_string()).0, Some(value));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\\\\"'\\{\\}\\[\\]:,u0-9dDeE+.\\-Nnulé\n ]{0,60}") {
            let _ = put_right(&text);
        }
    }
}

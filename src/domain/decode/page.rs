//! Messages that hold a list of records, found without reading them: by keys and brackets alone.

use super::split::{skip_space, value_end};

/// Whether the first key is that of a list of records.
pub(super) fn begins_with_list(text: &[u8]) -> bool {
    let at = skip_space(text, 1);
    let key = &text[at..];
    let names = [&b"\"records\""[..], b"\"value\""];
    let Some(name) = names.into_iter().find(|name| key.starts_with(name)) else {
        return false;
    };
    let colon = skip_space(text, at + name.len());
    text.get(colon) == Some(&b':') && text.get(skip_space(text, colon + 1)) == Some(&b'[')
}

/// The key of the page's list, `records` or `value`.
pub(super) fn list_key(text: &[u8]) -> Option<&'static str> {
    let list = list_start(text)?;
    let before = text[..list]
        .trim_ascii_end()
        .strip_suffix(b":")?
        .trim_ascii_end();
    Some(if before.ends_with(b"\"value\"") {
        "value"
    } else {
        "records"
    })
}

/// Where the list of the page begins: the value of `records` or `value`, if it is a list.
pub(super) fn list_start(text: &[u8]) -> Option<usize> {
    next_list(text, skip_space(text, 1))
}

/// Whether a second list of records follows the one that begins at `list`.
pub(super) fn has_another_list(text: &[u8], list: usize) -> bool {
    let comma = value_end(text, list).map(|end| skip_space(text, end));
    let more = comma.filter(|comma| text.get(*comma) == Some(&b','));
    more.is_some_and(|comma| next_list(text, skip_space(text, comma + 1)).is_some())
}

/// The first list of records among the keys from `at` on.
fn next_list(text: &[u8], mut at: usize) -> Option<usize> {
    while text.get(at)? == &b'"' {
        let key_end = value_end(text, at)?;
        let key = &text[at + 1..key_end - 1];
        let colon = skip_space(text, key_end);
        if text.get(colon)? != &b':' {
            return None;
        }
        let value = skip_space(text, colon + 1);
        if matches!(key, b"records" | b"value") && text.get(value)? == &b'[' {
            return Some(value);
        }
        let comma = skip_space(text, value_end(text, value)?);
        if text.get(comma)? != &b',' {
            return None;
        }
        at = skip_space(text, comma + 1);
    }
    None
}

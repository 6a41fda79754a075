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
    let list = next_list(text, skip_space(text, 1))?;
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

/// Stands at the beginning of a text, and in the middle where files were put together.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Keys of a record, without regard to case: what carries one of them is no page, whatever lists stand
/// beside it.
const OF_A_RECORD: [&str; 10] = [
    "_raw",
    "accountupn",
    "createddatetime",
    "date (utc)",
    "operationname",
    "properties",
    "resulttype",
    "timegenerated",
    "timegenerated [utc]",
    "userprincipalname",
];

/// How far into a record one of its keys is looked for.
const BEGINNING_BYTES: usize = 1024;

/// Whether a record begins at `at`, by its first keys and since it is no member's value: the way to go
/// on where quotes or brackets are wrong.
pub(super) fn begins_record(text: &[u8], at: usize) -> bool {
    if text.get(at) != Some(&b'{') {
        return false;
    }
    let is_value = text[..at].trim_ascii_end().last() == Some(&b':');
    !is_value && has_record_key(&text[at..text.len().min(at + BEGINNING_BYTES)])
}

fn has_record_key(text: &[u8]) -> bool {
    let mut keys = Others::default();
    members(text, skip_space(text, 1), |key, _| {
        keys.note(key);
        !keys.is_record
    });
    keys.is_record
}

/// The other keys of an object with a list of records, and what they make of it.
#[derive(Debug, Default)]
pub(super) struct Others {
    is_record: bool,
    /// One that tells neither a record nor a page.
    has_unknown: bool,
}

impl Others {
    /// Takes in a key.
    pub(super) fn note(&mut self, key: &[u8]) {
        if key.contains(&b'\\') {
            let quoted = [b"\"", key, b"\""].concat();
            // Without escapes now; a key that is no JSON is unknown.
            return match serde_json::from_slice::<String>(&quoted) {
                Ok(key) if !key.contains('\\') => self.note(key.as_bytes()),
                _ => self.has_unknown = true,
            };
        }
        let key = key.strip_prefix(BYTE_ORDER_MARK).unwrap_or(key);
        let key = key.trim_ascii();
        let is_one = |name: &&str| key.eq_ignore_ascii_case(name.as_bytes());
        self.is_record |= OF_A_RECORD.iter().any(is_one);
        let of_a_page = ["records", "value", "nextlink"];
        self.has_unknown |= !key.starts_with(b"@") && !of_a_page.iter().any(is_one);
    }

    /// Whether it is a page: else it is a record with a list of its own, or an object out of which
    /// nothing would come.
    pub(super) fn are_of_a_page(&self, list_is_empty: bool) -> bool {
        !(self.is_record || list_is_empty && self.has_unknown)
    }
}

/// Where the list of the page begins: the value of `records` or `value`, if it is a list and nothing
/// beside it tells a record.
pub(super) fn list_start(text: &[u8]) -> Option<usize> {
    let first = skip_space(text, 1);
    let list = next_list(text, first)?;
    let mut others = Others::default();
    members(text, first, |key, _| {
        others.note(key);
        !others.is_record
    });
    let is_empty = text.get(skip_space(text, list + 1)) == Some(&b']');
    others.are_of_a_page(is_empty).then_some(list)
}

/// Whether a second list of records follows the one that begins at `list`.
pub(super) fn has_another_list(text: &[u8], list: usize) -> bool {
    value_end(text, list).is_some_and(|end| another_list(text, end).is_some())
}

/// Another list of records among the members behind the one that ended at `at`.
pub(super) fn another_list(text: &[u8], at: usize) -> Option<usize> {
    let comma = skip_space(text, at);
    let is_comma = text.get(comma) == Some(&b',');
    is_comma.then(|| next_list(text, skip_space(text, comma + 1)))?
}

/// Where a page ends whose list ended at `at`, behind its other members; and whether all of them are
/// those of a page.
pub(super) fn page_end(text: &[u8], at: usize) -> (usize, bool) {
    let (mut last, mut others) = (at, Others::default());
    let comma = skip_space(text, at);
    if text.get(comma) == Some(&b',') {
        members(text, skip_space(text, comma + 1), |key, value| {
            others.note(key);
            last = value_end(text, value).unwrap_or(last);
            true
        });
    }
    let is_page = !others.is_record && !others.has_unknown;
    let end = skip_space(text, last);
    match text.get(end) {
        Some(b'}') => (end + 1, is_page),
        _ => (last, is_page),
    }
}

/// The first list of records among the keys from `at` on.
fn next_list(text: &[u8], at: usize) -> Option<usize> {
    let mut list = None;
    members(text, at, |key, value| {
        let is_list = matches!(key, b"records" | b"value") && text.get(value) == Some(&b'[');
        list = is_list.then_some(value);
        !is_list
    });
    list
}

/// Shows the keys from `at` on and where their values begin, until `more` has seen enough or what
/// stands there is no member.
fn members(text: &[u8], at: usize, more: impl FnMut(&[u8], usize) -> bool) {
    let mut more = more;
    let mut next = Some(at);
    while let Some(at) = next {
        next = member(text, at, &mut more);
    }
}

/// One of them; where the one after it begins.
fn member(text: &[u8], at: usize, more: &mut impl FnMut(&[u8], usize) -> bool) -> Option<usize> {
    if text.get(at)? != &b'"' {
        return None;
    }
    let key_end = value_end(text, at)?;
    let colon = skip_space(text, key_end);
    if text.get(colon)? != &b':' {
        return None;
    }
    let value = skip_space(text, colon + 1);
    if !more(&text[at + 1..key_end - 1], value) {
        return None;
    }
    let comma = skip_space(text, value_end(text, value)?);
    (text.get(comma)? == &b',').then(|| skip_space(text, comma + 1))
}

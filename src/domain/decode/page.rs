//! Messages that hold a list of records: read typed in one go, with each record's own bytes.
//!
//! A typed reader does not say where a record stood. Its first key does: it is borrowed from the
//! message, so its address tells the record's first byte, and the next record tells the last one.
//! Where that does not work out, the list is measured by counting brackets.

use super::Piece;
use super::split::{list_items, skip_space, value_end};
use super::wire::{Page, Record};

/// Whether the first key is that of a list of records.
pub(super) fn looks_like_page(text: &[u8]) -> bool {
    let key = &text[skip_space(text, 1)..];
    key.starts_with(b"\"records\"")
        || key.starts_with(b"\"value\"")
        || key.starts_with(b"\"@odata.context\"")
}

/// Emits the records of a page; `false` if the page cannot be read in one go.
pub(super) fn emit_records<'a>(text: &'a [u8], emit: &mut impl FnMut(Piece<'a>)) -> bool {
    let Ok(page) = sonic_rs::from_slice::<Page>(text) else {
        return false;
    };
    let Some(records) = page.records else {
        return false;
    };
    let ranges = if page.other_keys == 0 {
        ranges_by_keys(text, &records.0)
    } else {
        None
    };
    let Some(ranges) = ranges.or_else(|| ranges_by_brackets(text, records.0.len())) else {
        return false;
    };
    for (record, (from, to)) in records.0.into_iter().zip(ranges) {
        emit(Piece::Record {
            record,
            raw: &text[from..to],
        });
    }
    true
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

fn ranges_by_keys(text: &[u8], records: &[Record]) -> Option<Vec<(usize, usize)>> {
    let starts = records
        .iter()
        .map(|record| start_of(text, record))
        .collect::<Option<Vec<_>>>()?;
    let mut ends = starts
        .iter()
        .skip(1)
        .map(|next| before(text, *next, b","))
        .collect::<Option<Vec<_>>>()?;
    ends.push(before(text, text.len(), b"}]")?);
    let in_order = starts
        .iter()
        .zip(&ends)
        .all(|(from, to)| from < to && text[*from] == b'{' && text[to - 1] == b'}');
    in_order.then(|| starts.into_iter().zip(ends).collect())
}

/// The place of the brace that opens the record, from the address of its first key.
fn start_of(text: &[u8], record: &Record) -> Option<usize> {
    let key = record.first_key?.as_ptr() as usize;
    let at = key
        .checked_sub(text.as_ptr() as usize)
        .filter(|at| *at < text.len())?;
    let quote = at.checked_sub(1)?;
    before(text, quote, b"").map(|end| end - 1)
}

/// The end of what stands before `at`, past white space and the given closing bytes, last first.
fn before(text: &[u8], at: usize, closing: &[u8]) -> Option<usize> {
    let mut rest = text.get(..at)?.trim_ascii_end();
    for byte in closing {
        rest = rest.strip_suffix(&[*byte])?.trim_ascii_end();
    }
    (!rest.is_empty()).then_some(rest.len())
}

fn ranges_by_brackets(text: &[u8], records: usize) -> Option<Vec<(usize, usize)>> {
    let (items, end) = list_items(text, list_start(text)?);
    (end.is_some() && items.len() == records).then_some(items)
}

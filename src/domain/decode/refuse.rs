//! The pieces that could not be read, as rejects.

use super::reject::{Pointer, Reject, RejectReason};
use super::split::{self, Items};
use super::{Piece, RECORDS_MAX};

/// Rejects what stands where a value should begin; where it ends.
pub(super) fn no_value(text: &[u8], at: usize, emit: &mut impl FnMut(Piece)) -> usize {
    let end = next_line(text, at).unwrap_or(text.len());
    let raw = text[at..end].trim_ascii_end();
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(raw).is_ok();
    emit(if is_json {
        not_an_object(raw, Pointer::default())
    } else if at == 0 {
        reject(
            RejectReason::NotJson,
            "no JSON begins here",
            raw,
            Pointer::default(),
        )
    } else {
        let detail = "no JSON follows the values before it";
        reject(
            RejectReason::TrailingGarbage,
            detail,
            raw,
            Pointer::default(),
        )
    });
    end
}

/// The next line that begins like a record.
pub(super) fn next_line(text: &[u8], at: usize) -> Option<usize> {
    memchr::memmem::find(&text[at..], b"\n{").map(|place| at + place + 1)
}

/// What is beyond the records that are taken, as one reject.
pub(super) fn too_many(text: &[u8], items: &Items, pointer: Pointer, emit: &mut impl FnMut(Piece)) {
    if let Some(from) = items.more_from {
        let raw = &text[from..items.end.map_or(text.len(), |end| end - 1)];
        let pointer = Pointer {
            item: Some(RECORDS_MAX),
            ..pointer
        };
        let detail = format!("{} records, the most taken is {RECORDS_MAX}", items.count);
        emit(reject(RejectReason::TooManyRecords, &detail, raw, pointer));
    }
}

/// A value without an end: cut off, or so deep that nobody looked for it.
pub(super) fn cut(text: &[u8], pointer: Pointer) -> Piece<'_> {
    if split::is_deep(text) {
        return reject(
            RejectReason::TooDeep,
            "nested without an end",
            text,
            pointer,
        );
    }
    reject(
        RejectReason::Truncated,
        "it ends in its middle",
        text,
        pointer,
    )
}

pub(super) fn not_an_object(text: &[u8], pointer: Pointer) -> Piece<'_> {
    if text.first() == Some(&b'[') && split::is_deep(text) {
        return reject(RejectReason::TooDeep, "lists within lists", text, pointer);
    }
    let detail = "a record must be a JSON object";
    reject(RejectReason::NotAnObject, detail, text, pointer)
}

pub(super) fn reject<'r>(
    reason: RejectReason,
    detail: &str,
    raw: &'r [u8],
    pointer: Pointer,
) -> Piece<'r> {
    Piece::Reject(Reject {
        reason,
        detail: detail.to_owned(),
        raw,
        pointer,
    })
}

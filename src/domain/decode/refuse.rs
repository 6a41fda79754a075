//! The pieces that could not be read, as rejects.

use super::RECORDS_MAX;
use super::reject::{Pointer, Reject, RejectReason};
use super::split::{self, Items};

/// What stands where a value should begin.
pub(super) fn no_value(raw: &[u8], is_first: bool) -> Reject<'_> {
    let place = Pointer::default();
    if serde_json::from_slice::<serde::de::IgnoredAny>(raw).is_ok() {
        not_an_object(raw, place)
    } else if is_first {
        reject(RejectReason::NotJson, "no JSON begins here", raw, place)
    } else {
        let detail = "no JSON follows the values before it";
        reject(RejectReason::TrailingGarbage, detail, raw, place)
    }
}

/// What is beyond the records that are taken, from `from` on, as one reject.
pub(super) fn too_many<'t>(items: &mut Items<'_, 't>, from: usize, pointer: Pointer) -> Reject<'t> {
    let count = RECORDS_MAX + 1 + items.by_ref().count();
    let raw = &items.bounds.text()[from..];
    let raw = items.end().map_or(raw, |end| &raw[..end - 1 - from]);
    let detail = format!("{count} records, the most taken is {RECORDS_MAX}");
    reject(RejectReason::TooManyRecords, &detail, raw, pointer)
}

/// A value without an end: cut off, or so deep that nobody looked for it.
pub(super) fn cut(text: &[u8], pointer: Pointer) -> Reject<'_> {
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

/// What has no end although more follows it was not cut off.
pub(super) fn unbalanced(mut reject: Reject) -> Reject {
    if reject.reason == RejectReason::Truncated {
        reject.reason = RejectReason::InvalidJson;
        "a quote or a bracket is missing: the next record begins before it ends"
            .clone_into(&mut reject.detail);
    }
    reject
}

pub(super) fn not_an_object(text: &[u8], pointer: Pointer) -> Reject<'_> {
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
) -> Reject<'r> {
    Reject {
        reason,
        detail: detail.to_owned(),
        raw,
        pointer,
    }
}

//! The table `rejects`: what could not become a sign-in, with its bytes and the reason.

use super::columns::{Cell, Column, RowKind, column, origin_column};
use crate::domain::decode::{Pointer, RejectReason};
use crate::source::Origin;

/// Something that could not become a sign-in.
pub struct RejectRow<'a> {
    /// Why.
    pub reason: RejectReason,
    /// What exactly.
    pub detail: &'a str,
    /// Where in its message it stood, a JSON pointer.
    pub pointer: Pointer,
    /// Where it came from.
    pub origin: Origin<'a>,
    /// The bytes, unchanged.
    pub raw: &'a [u8],
    /// The header of its table, if it is a row of one.
    pub header: &'a str,
    /// When it was taken in, UTC microseconds.
    pub ingested_at: i64,
}

/// The kind of row of `rejects`.
pub struct Rejects;

impl RowKind for Rejects {
    type Row<'a> = RejectRow<'a>;
}

/// One row is one reject; the partition is the date it was taken in.
pub const REJECTS: &[Column<Rejects>] = &[
    column!("reason", Text, required, "Why, of a closed list", |row| row
        .reason
        .name()),
    column!("detail", Text, optional, "What exactly", |row| row.detail),
    column!(
        "pointer",
        Made,
        optional,
        "Where in its message it stood, a JSON pointer",
        |row| Some(row.pointer.to_string())
    ),
    origin_column!(stream),
    origin_column!(partition),
    origin_column!(offset),
    origin_column!(index),
    column!("raw", Bytes, required, "The bytes, unchanged", |row| row
        .raw),
    column!(
        "header",
        Text,
        optional,
        "Header of its table, if it is a row of one",
        |row| row.header
    ),
    column!(
        "ingested_at",
        Time,
        required,
        "When it was taken in",
        |row| Some(row.ingested_at)
    ),
];

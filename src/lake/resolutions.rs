//! The table `reject_resolutions`: which rejects were understood later, and what became of them.
//!
//! Rows are only ever added, and none of `rejects` is touched: a reject is open while no row here
//! has its origin and its content.

use super::columns::{Cell, Column, RowKind, column, origin_column};
use crate::domain::sign_in::closed_list;
use crate::source::Origin;

closed_list! {
    /// What became of a reject that is one no more; of several records in it, the most that any became.
    Resolution {
        /// A row of `sign_ins`.
        SignIn = "sign_in",
        /// A row of `sign_in_revisions`.
        Revision = "revision",
        /// Nothing new: the lake held it already.
        Copy = "copy",
        /// A record of another log.
        PassedOver = "passed_over",
    }
}

/// A reject that is one no more.
pub struct ResolutionRow<'a> {
    /// Where the reject came from.
    pub origin: Origin<'a>,
    /// MD5 of the reject's bytes, in hexadecimal.
    pub content_md5: &'a str,
    /// When it was understood, UTC microseconds.
    pub resolved_at: i64,
    /// What became of it.
    pub outcome: Resolution,
}

/// The kind of row of `reject_resolutions`.
pub struct Resolutions;

impl RowKind for Resolutions {
    type Row<'a> = ResolutionRow<'a>;
}

/// One row is one reject that was understood later.
pub const RESOLUTIONS: &[Column<Resolutions>] = &[
    origin_column!(stream),
    origin_column!(partition),
    origin_column!(offset),
    origin_column!(index),
    column!(
        "content_md5",
        Text,
        required,
        "MD5 of the reject's bytes, as `md5(raw)` gives it",
        |row| row.content_md5
    ),
    column!(
        "resolved_at",
        Time,
        required,
        "When it was understood",
        |row| Some(row.resolved_at)
    ),
    column!(
        "program_version",
        Text,
        required,
        "Version of Signloop that understood it",
        |_| env!("CARGO_PKG_VERSION")
    ),
    column!(
        "outcome",
        Text,
        required,
        "What became of it: sign_in, revision, copy or passed_over",
        |row| row.outcome.name()
    ),
];

//! Why something could not become a sign-in.

use std::fmt;

use crate::domain::sign_in::closed_list;

closed_list! {
    /// A closed list: a column of `rejects` and a label of metrics.
    RejectReason {
        /// A message or line with nothing in it.
        Empty = "empty",
        /// Not JSON and nothing like it: a page of HTML, plain text, binary formats.
        NotJson = "not_json",
        /// UTF-16 or UTF-32 without a byte-order mark, or broken.
        Encoding = "encoding",
        /// Compressed in a way that is not read, or broken.
        Compressed = "compressed",
        /// Compressed so much that it was not unpacked to its end.
        DecompressionLimit = "decompression_limit",
        /// The envelope's `records` holds no list.
        RecordsNotArray = "records_not_array",
        /// More records in one message than are taken; the rest is kept here.
        TooManyRecords = "too_many_records",
        /// What follows the last record is no JSON.
        TrailingGarbage = "trailing_garbage",
        /// It ends in its middle.
        Truncated = "truncated",
        /// Not JSON.
        InvalidJson = "invalid_json",
        /// A row of a table with a quote that never closes, or without as many cells as the header.
        BrokenRow = "broken_row",
        /// Nested too deeply.
        TooDeep = "too_deep",
        /// An object with too many keys.
        TooManyKeys = "too_many_keys",
        /// A record over the size limit.
        TooLarge = "too_large",
        /// The header of a table, if its columns are not those of an export in English.
        UnknownColumns = "unknown_columns",
        /// JSON, but not an object where a record should be.
        NotAnObject = "not_an_object",
        /// `properties` is neither an object nor JSON in a text.
        WrongType = "wrong_type",
        /// An object that is neither a sign-in nor a diagnostic record of another category.
        NotASignIn = "not_a_sign_in",
        /// Neither the sign-in, the record nor the broker says when it happened.
        MissingTime = "missing_time",
        /// A time that is none, or lies outside the years 2000 to 2099, and no other is known.
        InvalidTime = "invalid_time",
        /// A message that crashed the process three times: no longer read.
        Quarantined = "quarantined",
    }
}

impl RejectReason {
    /// Whether quotes or brackets may be what is wrong, so that another record may have been swallowed.
    pub(super) fn is_of_form(self) -> bool {
        use RejectReason::{InvalidJson, TooDeep, TooLarge, TooManyKeys, Truncated};
        matches!(
            self,
            InvalidJson | Truncated | TooDeep | TooManyKeys | TooLarge
        )
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that could not become a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject<'r> {
    /// Why.
    pub reason: RejectReason,
    /// What exactly, for people.
    pub detail: String,
    /// The bytes, unchanged.
    pub raw: &'r [u8],
    /// Where in its message it stood.
    pub pointer: Pointer,
}

/// Where in a message a record stands; shown as a JSON pointer (RFC 6901).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// Place in a list around pages.
    pub(super) outer: Option<usize>,
    /// Key of a page's list.
    pub(super) list: Option<&'static str>,
    /// Place in that list.
    pub(super) item: Option<usize>,
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(outer) = self.outer {
            write!(f, "/{outer}")?;
        }
        if let Some(list) = self.list {
            write!(f, "/{list}")?;
        }
        if let Some(item) = self.item {
            write!(f, "/{item}")?;
        }
        Ok(())
    }
}

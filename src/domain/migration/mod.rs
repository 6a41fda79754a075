//! Migration facts: which mailbox was cut over, when, in which batch.
//!
//! Reads the exports an administrator has at hand into [`Mailbox`]es and answers, for the
//! identity of a sign-in, which mailbox is meant and how sure that is. Nothing is guessed: a
//! date without a zone or with an open day order refuses the whole file and names the setting
//! that decides it, and a row that cannot be read is listed with its line.
//!
//! Must not read files or clocks: the bytes and the time zone are inputs.
//!
//! Bytes become rows (`table`), the header decides what the columns mean (`layout`), rows become
//! mailboxes (`read`, with `dates` for the column of cutovers and `written` for one cell of it),
//! mailboxes become an `index`.

mod dates;
mod error;
mod index;
mod layout;
mod mailbox;
mod read;
mod table;
mod written;

pub use dates::{DateOrder, UnknownDateOrder};
pub use error::ImportError;
pub use index::{Ambiguous, Found, Identity, Join, MigrationIndex};
pub use layout::ExportKind;
pub use mailbox::{Mailbox, UNBATCHED, UserKey};
pub use read::{Import, ImportOptions, RefusedRow, read};

#[cfg(test)]
mod tests;

//! The table `mailboxes`: migration facts as imported.

use super::columns::column;
use super::columns::{Cell, Column, RowKind};
use crate::domain::migration::Mailbox;

/// One mailbox of one import.
pub struct ImportedMailbox {
    /// What the export said.
    pub mailbox: Mailbox,
    /// Counts up over imports.
    pub import: i64,
    /// When it was imported, UTC microseconds.
    pub imported_at: i64,
    /// Name of the file.
    pub source: String,
}

/// The kind of row of `mailboxes`.
pub struct Mailboxes;

impl RowKind for Mailboxes {
    type Row<'a> = ImportedMailbox;
}

/// One row is a mailbox as one import told it; later imports count.
pub const MAILBOXES: &[Column<Mailboxes>] = &[
    column!("mailbox", Made, required, "Strongest key", |row| Some(
        row.mailbox.user.to_string()
    )),
    column!(
        "import",
        Long,
        required,
        "Counts up over imports; the newest row of a mailbox counts",
        |row| Some(row.import)
    ),
    column!(
        "imported_at",
        Time,
        required,
        "When it was imported",
        |row| Some(row.imported_at)
    ),
    column!("source", Text, required, "Name of the file", |row| &row
        .source),
    column!("line", Long, required, "Line of the file", |row| {
        i64::try_from(row.mailbox.line).ok()
    }),
    column!(
        "user_principal_name",
        Text,
        optional,
        "Sign-in name",
        |row| text(&row.mailbox.user_principal_name)
    ),
    column!("object_id", Text, optional, "Object id in Entra", |row| {
        text(&row.mailbox.object_id)
    }),
    column!("alias", Text, optional, "Alias in Exchange", |row| text(
        &row.mailbox.alias
    )),
    column!("display_name", Text, optional, "Display name", |row| text(
        &row.mailbox.display_name
    )),
    column!("exchange_guid", Text, optional, "GUID in Exchange", |row| {
        text(&row.mailbox.exchange_guid)
    }),
    column!("batch", Text, required, "Migration batch", |row| &row
        .mailbox
        .batch),
    column!(
        "cutover_at",
        Time,
        optional,
        "When it was switched; absent while it is not",
        |row| row.mailbox.cutover_at
    ),
    column!(
        "status",
        Text,
        optional,
        "State as the export wrote it",
        |row| &row.mailbox.status
    ),
];

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("")
}

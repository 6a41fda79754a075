//! The tables in words: `schemas/tables.md`, made from the declarations that also make the files.
//!
//! Owns how a column is shown to people. What a column or a value is called and means stands in its declaration,
//! so the document cannot say anything else than the program does; a test holds the two equal.

mod values;

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Fields};

use super::columns::{Column, RowKind};
use super::findings::{LOOPS, MAILBOX_STATES};
use super::imports::MAILBOXES;
use super::rejects::REJECTS;
use super::resolutions::RESOLUTIONS;
use super::sign_ins::SIGN_INS;
use super::sql::VIEWS;
use super::{EVENT_DATE, INGEST_DATE, names};

const INTRODUCTION: &str = "\
# Tables and views

Every table is a Delta table in a folder of its name, with reader version 1 and writer version 2, so
that other engines read it as it is. Times are UTC with microseconds. New columns may be added; none is
renamed. This file is made from the declarations in `src/lake`; do not edit it.
";

/// The document of all tables and views, in Markdown.
#[must_use]
pub fn tables_markdown() -> String {
    let mut out = INTRODUCTION.to_owned();
    let revision = "One row is a later, differing copy of a sign-in that the lake held already. The \
                    columns are those of `sign_ins`.";
    table(
        &mut out,
        names::SIGN_INS,
        "One row is one sign-in.",
        EVENT_DATE,
        SIGN_INS,
    );
    title(&mut out, names::SIGN_IN_REVISIONS, revision, EVENT_DATE);
    table(
        &mut out,
        names::REJECTS,
        "One row is one thing that could not be a sign-in.",
        INGEST_DATE,
        REJECTS,
    );
    table(
        &mut out,
        names::REJECT_RESOLUTIONS,
        "One row is one reject that was understood later; it stays in `rejects`.",
        None,
        RESOLUTIONS,
    );
    table(
        &mut out,
        names::LOOPS,
        "One row is one revision of a loop.",
        EVENT_DATE,
        LOOPS,
    );
    table(
        &mut out,
        names::MAILBOX_STATES,
        "One row is one change of a mailbox's state.",
        EVENT_DATE,
        MAILBOX_STATES,
    );
    table(
        &mut out,
        names::MAILBOXES,
        "One row is one mailbox as one import told it.",
        None,
        MAILBOXES,
    );
    values::push(&mut out);
    out.push_str("\n## Views\n\n| view | shows |\n|---|---|\n");
    for (name, sql) in VIEWS {
        let _ = writeln!(out, "| `{name}` | {} |", comment(sql));
    }
    out
}

fn title(out: &mut String, name: &str, about: &str, partition: Option<&str>) {
    let _ = write!(out, "\n## `{name}`\n\n{about}");
    if let Some(partition) = partition {
        let _ = write!(out, " Partitioned by `{partition}`, a date.");
    }
    out.push('\n');
}

fn table<K: RowKind>(
    out: &mut String,
    name: &str,
    about: &str,
    partition: Option<&str>,
    columns: &[Column<K>],
) {
    title(out, name, about, partition);
    out.push_str("\n| column | type | absent | meaning |\n|---|---|---|---|\n");
    for column in columns {
        let absent = if column.nullable { "possible" } else { "never" };
        let kind = type_name(&column.cell.data_type());
        let _ = writeln!(
            out,
            "| `{}` | {kind} | {absent} | {} |",
            column.name, column.meaning
        );
    }
}

/// A type as people call it; what no column has is shown as Arrow calls it.
fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "text".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Boolean => "yes or no".to_owned(),
        DataType::Int32 => "whole number, 32 bits".to_owned(),
        DataType::Int64 => "whole number, 64 bits".to_owned(),
        DataType::Float64 => "fraction".to_owned(),
        DataType::Timestamp(..) => "time".to_owned(),
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        DataType::Struct(fields) => format!("struct ({})", fields_in_words(fields)),
        other => other.to_string(),
    }
}

fn fields_in_words(fields: &Fields) -> String {
    let words = fields
        .iter()
        .map(|field| format!("`{}`: {}", field.name(), type_name(field.data_type())));
    words.collect::<Vec<_>>().join(", ")
}

/// The comment at the head of a view, on one line.
fn comment(sql: &str) -> String {
    let lines = sql.lines().map_while(|line| line.strip_prefix("-- "));
    lines.collect::<Vec<_>>().join(" ")
}

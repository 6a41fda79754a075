//! What a column is.
//!
//! A column carries its name, meaning, nullability and the accessor that reads it from a row; Arrow
//! schema, Delta schema and documents derive from that one declaration.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::domain::decode::wire::Policy;

/// A kind of row; rows may borrow from what they were read from.
pub trait RowKind: 'static {
    /// The row itself.
    type Row<'a>;
}

/// One column of a table.
pub struct Column<K: RowKind> {
    /// Its name in every engine.
    pub name: &'static str,
    /// What it says, for people.
    pub meaning: &'static str,
    /// Whether it may be absent.
    pub nullable: bool,
    /// Its type and where a row holds it.
    pub cell: Cell<K>,
}

impl<K: RowKind> Column<K> {
    /// Whether values come again and again, so that a dictionary of them pays.
    #[must_use]
    pub fn repeats(&self) -> bool {
        const DIFFERENT: [&str; 7] = [
            "id",
            "correlation_id",
            "event_time",
            "publish_time",
            "origin_offset",
            "content_hash",
            "raw",
        ];
        !DIFFERENT.contains(&self.name)
    }
}

/// Gives text pieces to whoever collects them.
pub type Collect<'c> = &'c mut dyn FnMut(&str);

/// Type of a column and its accessor. Empty text is stored as absent.
pub enum Cell<K: RowKind> {
    /// Text held by the row.
    Text(for<'r, 'a> fn(&'r K::Row<'a>) -> &'r str),
    /// Text made for the purpose.
    Made(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<String>),
    /// UTC microseconds.
    Time(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<i64>),
    /// 32-bit whole number.
    Int(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<i32>),
    /// 64-bit whole number.
    Long(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<i64>),
    /// Fraction.
    Real(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<f64>),
    /// Yes or no.
    Bool(for<'r, 'a> fn(&'r K::Row<'a>) -> Option<bool>),
    /// Bytes as they came.
    Bytes(for<'r, 'a> fn(&'r K::Row<'a>) -> &'r [u8]),
    /// Several texts.
    Texts(for<'r, 'a> fn(&'r K::Row<'a>, Collect)),
    /// Conditional Access policies.
    Policies(for<'r, 'a> fn(&'r K::Row<'a>) -> &'r [Policy<'r>]),
}

/// Declares a column; `optional` may be absent.
macro_rules! column {
    ($name:literal, $cell:ident, optional, $meaning:literal, $get:expr) => {
        Column {
            name: $name,
            meaning: $meaning,
            nullable: true,
            cell: Cell::$cell($get),
        }
    };
    ($name:literal, $cell:ident, required, $meaning:literal, $get:expr) => {
        Column {
            name: $name,
            meaning: $meaning,
            nullable: false,
            cell: Cell::$cell($get),
        }
    };
}
pub(super) use column;

/// Declares a column of where a row came from, the same in every table that has it.
macro_rules! origin_column {
    (stream) => {
        column!(
            "origin_stream",
            Text,
            required,
            "Topic or file it came from",
            |row| row.origin.stream
        )
    };
    (partition) => {
        column!(
            "origin_partition",
            Int,
            required,
            "Partition, 0 for files",
            |row| Some(row.origin.partition)
        )
    };
    (offset) => {
        column!(
            "origin_offset",
            Long,
            required,
            "Offset of the message, or of the line's first byte",
            |row| Some(row.origin.offset)
        )
    };
    (index) => {
        column!(
            "origin_index",
            Int,
            required,
            "Place of the record within its message; -1 is the whole message",
            |row| Some(row.origin.index)
        )
    };
}
pub(super) use origin_column;

/// The Arrow schema of columns.
#[must_use]
pub fn schema<K: RowKind>(columns: &[Column<K>]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| Field::new(column.name, column.cell.data_type(), column.nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl<K: RowKind> Cell<K> {
    /// Whether least and greatest value help a reader to skip rows.
    #[must_use]
    pub fn has_bounds(&self) -> bool {
        matches!(
            self,
            Cell::Time(_) | Cell::Int(_) | Cell::Long(_) | Cell::Real(_)
        )
    }

    /// The Arrow type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Cell::Text(_) | Cell::Made(_) => DataType::Utf8,
            Cell::Time(_) => timestamp(),
            Cell::Int(_) => DataType::Int32,
            Cell::Long(_) => DataType::Int64,
            Cell::Real(_) => DataType::Float64,
            Cell::Bool(_) => DataType::Boolean,
            Cell::Bytes(_) => DataType::Binary,
            Cell::Texts(_) => texts(),
            Cell::Policies(_) => DataType::List(Arc::new(Field::new(
                "item",
                DataType::Struct(policy_fields()),
                true,
            ))),
        }
    }
}

/// UTC microseconds: what Delta's reader 1 / writer 2 keeps.
#[must_use]
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn texts() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

/// The fields of a policy, in the order of [`super::policies::PolicyColumn`].
fn policy_fields() -> Fields {
    Fields::from(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("result", DataType::Utf8, true),
        Field::new("grant_controls", texts(), true),
        Field::new("conditions_satisfied", DataType::Utf8, true),
        Field::new("conditions_not_satisfied", DataType::Utf8, true),
    ])
}

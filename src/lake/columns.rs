//! What a column is, and how rows become Arrow arrays through it.
//!
//! A column carries its name, meaning, nullability and the accessor that reads it from a row; Arrow
//! schema, Delta schema and documents derive from that one declaration. Rows are appended one by one,
//! borrowed, so that nothing of a record is copied but what is stored.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, ListArray,
    ListBuilder, RecordBatch, StringArray, StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
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

/// The fields of a policy, in the order of [`PoliciesBuilder`].
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

/// Collects rows and makes record batches of them.
pub struct RowBuffer<K: RowKind> {
    columns: &'static [Column<K>],
    schema: SchemaRef,
    builders: Vec<Builder>,
    rows: usize,
}

impl<K: RowKind> RowBuffer<K> {
    /// An empty buffer for these columns.
    #[must_use]
    pub fn new(columns: &'static [Column<K>]) -> RowBuffer<K> {
        let builders = columns
            .iter()
            .map(|column| Builder::new(&column.cell))
            .collect();
        RowBuffer {
            columns,
            schema: schema(columns),
            builders,
            rows: 0,
        }
    }

    /// Appends a row.
    pub fn push(&mut self, row: &K::Row<'_>) {
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            builder.append(&column.cell, row);
        }
        self.rows += 1;
    }

    /// Rows since the last batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The Arrow schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The rows so far as a batch; the buffer is empty afterwards.
    ///
    /// # Panics
    /// If a column that may not be absent was: a mistake in the declaration.
    pub fn take(&mut self) -> RecordBatch {
        self.rows = 0;
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.schema.clone(), arrays)
            .expect("columns declare what their accessors give")
    }
}

enum Builder {
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Bytes(BinaryBuilder),
    Texts(ListBuilder<StringBuilder>),
    Policies(Box<PoliciesBuilder>),
}

impl Builder {
    fn new<K: RowKind>(cell: &Cell<K>) -> Builder {
        match cell {
            Cell::Text(_) | Cell::Made(_) => Builder::Text(StringBuilder::new()),
            Cell::Time(_) => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Cell::Int(_) => Builder::Int(Int32Builder::new()),
            Cell::Long(_) => Builder::Long(Int64Builder::new()),
            Cell::Real(_) => Builder::Real(Float64Builder::new()),
            Cell::Bool(_) => Builder::Bool(BooleanBuilder::new()),
            Cell::Bytes(_) => Builder::Bytes(BinaryBuilder::new()),
            Cell::Texts(_) => Builder::Texts(ListBuilder::new(StringBuilder::new())),
            Cell::Policies(_) => Builder::Policies(Box::default()),
        }
    }

    fn append<K: RowKind>(&mut self, cell: &Cell<K>, row: &K::Row<'_>) {
        match (self, cell) {
            (Builder::Text(builder), Cell::Text(text)) => append_text(builder, text(row)),
            (Builder::Text(builder), Cell::Made(text)) => builder.append_option(text(row)),
            (Builder::Time(builder), Cell::Time(value)) => builder.append_option(value(row)),
            (Builder::Int(builder), Cell::Int(value)) => builder.append_option(value(row)),
            (Builder::Long(builder), Cell::Long(value)) => builder.append_option(value(row)),
            (Builder::Real(builder), Cell::Real(value)) => builder.append_option(value(row)),
            (Builder::Bool(builder), Cell::Bool(value)) => builder.append_option(value(row)),
            (Builder::Bytes(builder), Cell::Bytes(value)) => builder.append_value(value(row)),
            (Builder::Texts(builder), Cell::Texts(collect)) => {
                collect(row, &mut |text| builder.values().append_value(text));
                builder.append(true);
            }
            (Builder::Policies(builder), Cell::Policies(policies)) => builder.append(policies(row)),
            _ => unreachable!("a builder is made for its cell"),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(builder) => Arc::new(finish_text(builder)),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Long(builder) => Arc::new(builder.finish()),
            Builder::Real(builder) => Arc::new(builder.finish()),
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Bytes(builder) => Arc::new(builder.finish()),
            Builder::Texts(builder) => Arc::new(builder.finish()),
            Builder::Policies(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The texts so far; the next batch is given the room that this one needed.
fn finish_text(builder: &mut StringBuilder) -> StringArray {
    let (rows, bytes) = (builder.offsets_slice().len(), builder.values_slice().len());
    let array = builder.finish();
    *builder = StringBuilder::with_capacity(rows, bytes + bytes / 8);
    array
}

fn append_text(builder: &mut StringBuilder, text: &str) {
    if text.is_empty() {
        builder.append_null()
    } else {
        builder.append_value(text)
    }
}

/// Builds the policies column; by hand, since the generic struct builder looks fields up by type
/// for each value.
struct PoliciesBuilder {
    ends: Vec<i32>,
    id: StringBuilder,
    name: StringBuilder,
    result: StringBuilder,
    grant_controls: ListBuilder<StringBuilder>,
    satisfied: StringBuilder,
    not_satisfied: StringBuilder,
    policies: i32,
}

impl Default for PoliciesBuilder {
    fn default() -> Self {
        PoliciesBuilder {
            ends: vec![0],
            id: StringBuilder::new(),
            name: StringBuilder::new(),
            result: StringBuilder::new(),
            grant_controls: ListBuilder::new(StringBuilder::new()),
            satisfied: StringBuilder::new(),
            not_satisfied: StringBuilder::new(),
            policies: 0,
        }
    }
}

impl PoliciesBuilder {
    fn append(&mut self, policies: &[Policy]) {
        for policy in policies {
            append_text(&mut self.id, policy.id.as_str());
            append_text(&mut self.name, policy.name.as_str());
            append_text(&mut self.result, policy.result.as_str());
            for control in policy.grant_controls.iter() {
                self.grant_controls.values().append_value(control);
            }
            self.grant_controls.append(true);
            self.satisfied
                .append_option(policy.conditions_satisfied.names());
            self.not_satisfied
                .append_option(policy.conditions_not_satisfied.names());
        }
        // A batch holds some thousand rows of at most 20 MiB in sum per message: far below 2^31.
        self.policies += policies.len() as i32;
        self.ends.push(self.policies);
    }

    fn finish(&mut self) -> ListArray {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(finish_text(&mut self.id)),
            Arc::new(finish_text(&mut self.name)),
            Arc::new(finish_text(&mut self.result)),
            Arc::new(self.grant_controls.finish()),
            Arc::new(finish_text(&mut self.satisfied)),
            Arc::new(finish_text(&mut self.not_satisfied)),
        ];
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        self.policies = 0;
        let fields = policy_fields();
        let item = Arc::new(Field::new("item", DataType::Struct(fields.clone()), true));
        let policies = StructArray::new(fields, arrays, None);
        ListArray::new(
            item,
            OffsetBuffer::new(ScalarBuffer::from(ends)),
            Arc::new(policies),
            None,
        )
    }
}

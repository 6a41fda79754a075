//! Values of a column, collected into Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    StringArray, StringBuilder, TimestampMicrosecondBuilder,
};

use super::columns::{Cell, RowKind};

/// Collects the values of one column and makes Arrow arrays of them.
pub enum Builder {
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Bool(BooleanBuilder),
    Bytes(BinaryBuilder),
}

impl Builder {
    /// An empty builder for what the cell gives.
    ///
    /// # Panics
    /// If it gives lists: they have writers of their own.
    pub fn new<K: RowKind>(cell: &Cell<K>) -> Builder {
        match cell {
            Cell::Text(_) | Cell::Made(_) => Builder::Text(StringBuilder::new()),
            Cell::Time(_) => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Cell::Int(_) => Builder::Int(Int32Builder::new()),
            Cell::Long(_) => Builder::Long(Int64Builder::new()),
            Cell::Real(_) => Builder::Real(Float64Builder::new()),
            Cell::Bool(_) => Builder::Bool(BooleanBuilder::new()),
            Cell::Bytes(_) => Builder::Bytes(BinaryBuilder::new()),
            Cell::Texts(_) | Cell::Policies(_) => unreachable!("lists have writers of their own"),
        }
    }

    /// Appends the row's value.
    pub fn append<K: RowKind>(&mut self, cell: &Cell<K>, row: &K::Row<'_>) {
        match (self, cell) {
            (Builder::Text(builder), Cell::Text(text)) => append_text(builder, text(row)),
            (Builder::Text(builder), Cell::Made(text)) => builder.append_option(text(row)),
            (Builder::Time(builder), Cell::Time(value)) => builder.append_option(value(row)),
            (Builder::Int(builder), Cell::Int(value)) => builder.append_option(value(row)),
            (Builder::Long(builder), Cell::Long(value)) => builder.append_option(value(row)),
            (Builder::Real(builder), Cell::Real(value)) => builder.append_option(value(row)),
            (Builder::Bool(builder), Cell::Bool(value)) => builder.append_option(value(row)),
            (Builder::Bytes(builder), Cell::Bytes(value)) => builder.append_value(value(row)),
            _ => unreachable!("a builder is made for its cell"),
        }
    }

    /// The values so far; none are left.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(builder) => Arc::new(finish_text(builder)),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Long(builder) => Arc::new(builder.finish()),
            Builder::Real(builder) => Arc::new(builder.finish()),
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Bytes(builder) => Arc::new(builder.finish()),
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

//! Rows of one row group on their way into a Parquet file.
//!
//! Rows are appended one by one, borrowed, so that nothing of a record is copied but what is stored.

use std::fs::File;

use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use super::builder::Builder;
use super::columns::{Cell, Column, RowKind};
use super::pages::Encoder;
use super::policies::PolicyColumn;
use super::texts::{ListColumn, TextColumn};

/// Rows collected and not yet closed.
pub struct RowGroup<K: RowKind> {
    columns: &'static [Column<K>],
    writers: Vec<Writer>,
    /// Rows in all.
    pub rows: usize,
}

/// How a column gets into the file.
enum Writer {
    /// By Arrow arrays and the general writer.
    General {
        field: FieldRef,
        builder: Builder,
        leaves: Vec<ArrowColumnWriter>,
    },
    /// By numbers of texts.
    Text(Box<TextColumn>),
    List(Box<ListColumn>),
    /// By numbers of policies.
    Policies(Box<PolicyColumn>),
}

impl<K: RowKind> RowGroup<K> {
    /// An empty row group of a file.
    pub fn new(
        columns: &'static [Column<K>],
        schema: &SchemaRef,
        file: &SerializedFileWriter<File>,
        factory: &ArrowRowGroupWriterFactory,
    ) -> Result<RowGroup<K>, ParquetError> {
        let described = file.schema_descr();
        let mut general = factory.create_column_writers(file.flushed_row_groups().len())?;
        let fields = schema.fields().iter().enumerate();
        let writers = columns.iter().zip(fields).map(|(column, (root, field))| {
            let is_leaf = |leaf: &usize| described.get_column_root_idx(*leaf) == root;
            let leaves: Vec<usize> = (0..described.num_columns()).filter(is_leaf).collect();
            let general = general.drain(..leaves.len()).collect();
            let leaves = leaves.into_iter().map(|leaf| described.column(leaf));
            Writer::new(column, field.clone(), leaves.collect(), general)
        });
        Ok(RowGroup {
            columns,
            writers: writers.collect(),
            rows: 0,
        })
    }

    /// Appends a row.
    pub fn push(&mut self, row: &K::Row<'_>) {
        for (column, writer) in self.columns.iter().zip(&mut self.writers) {
            match (writer, &column.cell) {
                (Writer::Text(writer), Cell::Text(text)) => {
                    writer.append(Some(text(row)).filter(|text| !text.is_empty()));
                }
                (Writer::Text(writer), Cell::Made(text)) => {
                    writer.append(text(row).as_deref());
                }
                (Writer::List(writer), Cell::Texts(collect)) => {
                    writer.append(|each| collect(row, each));
                }
                (Writer::Policies(writer), Cell::Policies(policies)) => {
                    writer.append(policies(row))
                }
                (Writer::General { builder, .. }, cell) => builder.append(cell, row),
                _ => unreachable!("a writer is made for its cell"),
            }
        }
        self.rows += 1;
    }

    /// Encodes what was collected since the last time.
    pub fn hand_over(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        self.writers
            .iter_mut()
            .try_for_each(|writer| writer.hand_over(encoder))
    }

    /// Bytes of what is encoded.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.writers.iter().map(Writer::bytes).sum()
    }

    /// Writes the row group into the file.
    pub fn close(
        mut self,
        file: &mut SerializedFileWriter<File>,
        encoder: &mut Encoder,
    ) -> Result<(), ParquetError> {
        self.hand_over(encoder)?;
        let mut group = file.next_row_group()?;
        for writer in self.writers {
            match writer {
                Writer::General { leaves, .. } => {
                    for leaf in leaves {
                        leaf.close()?.append_to_row_group(&mut group)?;
                    }
                }
                Writer::Text(column) => column.close(encoder)?.append_to(&mut group)?,
                Writer::List(column) => column.close(encoder)?.append_to(&mut group)?,
                Writer::Policies(column) => {
                    for leaf in column.close(encoder)? {
                        leaf.append_to(&mut group)?;
                    }
                }
            }
        }
        group.close().map(|_| ())
    }
}

impl Writer {
    fn new<K: RowKind>(
        column: &Column<K>,
        field: FieldRef,
        leaves: Vec<ColumnDescPtr>,
        general: Vec<ArrowColumnWriter>,
    ) -> Writer {
        let leaf = |leaves: Vec<ColumnDescPtr>| leaves[0].clone();
        match &column.cell {
            Cell::Policies(_) => Writer::Policies(Box::new(PolicyColumn::new(leaves))),
            Cell::Texts(_) => Writer::List(Box::new(ListColumn::new(leaf(leaves)))),
            Cell::Text(_) | Cell::Made(_) if column.repeats() => {
                Writer::Text(Box::new(TextColumn::new(leaf(leaves))))
            }
            cell => Writer::General {
                field,
                builder: Builder::new(cell),
                leaves: general,
            },
        }
    }

    fn hand_over(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        match self {
            Writer::General {
                field,
                builder,
                leaves,
            } => {
                let arrays = compute_leaves(field, &builder.finish())?;
                let mut leaves = leaves.iter_mut().zip(&arrays);
                leaves.try_for_each(|(writer, array)| writer.write(array))
            }
            Writer::Text(column) => column.hand_over(encoder),
            Writer::List(column) => column.hand_over(encoder),
            Writer::Policies(column) => column.hand_over(encoder),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Writer::General { leaves, .. } => leaves
                .iter()
                .map(ArrowColumnWriter::get_estimated_total_bytes)
                .sum(),
            Writer::Text(column) => column.bytes(),
            Writer::List(column) => column.bytes(),
            Writer::Policies(column) => column.bytes(),
        }
    }
}

#[cfg(test)]
mod tests;

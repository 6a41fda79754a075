//! Batches of a query, read by column name and as one type each.

use arrow::array::{
    Array, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::lake::LakeError;
use crate::lake::columns::timestamp;

/// A batch whose columns are found by name and read as one type.
pub(super) struct Rows(pub(super) RecordBatch);

impl Rows {
    pub(super) fn column(
        &self,
        name: &str,
        kind: &DataType,
    ) -> Result<arrow::array::ArrayRef, LakeError> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| LakeError::Query(format!("no column {name} in the lake")))?;
        arrow::compute::cast(column, kind)
            .map_err(|error| LakeError::Query(format!("column {name}: {error}")))
    }

    pub(super) fn texts(&self, name: &str) -> Result<StringArray, LakeError> {
        Ok(self
            .column(name, &DataType::Utf8)?
            .as_string::<i32>()
            .clone())
    }

    pub(super) fn times(&self, name: &str) -> Result<TimestampMicrosecondArray, LakeError> {
        Ok(self
            .column(name, &timestamp())?
            .as_primitive::<TimestampMicrosecondType>()
            .clone())
    }

    pub(super) fn ints(&self, name: &str) -> Result<Int32Array, LakeError> {
        Ok(self
            .column(name, &DataType::Int32)?
            .as_primitive::<Int32Type>()
            .clone())
    }

    pub(super) fn longs(&self, name: &str) -> Result<Int64Array, LakeError> {
        Ok(self
            .column(name, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .clone())
    }
}

pub(super) fn text_at(array: &StringArray, row: usize) -> &str {
    if array.is_null(row) {
        ""
    } else {
        array.value(row)
    }
}

pub(super) fn owned(array: &StringArray, row: usize) -> Option<String> {
    array.is_valid(row).then(|| array.value(row).to_owned())
}

pub(super) fn time_at(array: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

pub(super) fn long_at(array: &Int64Array, row: usize) -> Option<i64> {
    array.is_valid(row).then(|| array.value(row))
}

/// Names the value that the lake holds and no version of this program writes.
pub(super) fn unreadable(column: &str, value: &str) -> LakeError {
    LakeError::NotALake(format!(
        "column {column} holds {value:?}, which this version does not know; use the version that wrote the lake"
    ))
}

impl Rows {
    pub(super) fn lists(&self, name: &str) -> Result<Vec<Vec<String>>, LakeError> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| LakeError::Query(format!("no column {name} in the lake")))?;
        let lists = column
            .as_list_opt::<i32>()
            .ok_or_else(|| LakeError::Query(format!("column {name} is no list")))?;
        let texts = |row: usize| -> Result<Vec<String>, LakeError> {
            if lists.is_null(row) {
                return Ok(Vec::new());
            }
            let items = arrow::compute::cast(&lists.value(row), &DataType::Utf8)
                .map_err(|error| LakeError::Query(error.to_string()))?;
            Ok(items
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned)
                .collect())
        };
        (0..lists.len()).map(texts).collect()
    }
}

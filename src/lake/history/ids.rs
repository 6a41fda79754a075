//! By what a stored sign-in is known again, of one file.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use arrow::array::Array as _;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderBuilder, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::rows::{Rows, text_at};
use crate::lake::LakeError;

/// Gives tenant, id and content hash of the rows of a `sign_ins` file whose event time, UTC
/// microseconds, is in the range. Rows come nearly in the order of time, so that most of a file that
/// has others is not read.
pub fn read_ids(
    path: &Path,
    times: &Range<i64>,
    mut each: impl FnMut(&str, &str, i32),
) -> Result<(), LakeError> {
    let file = File::open(path).map_err(|error| LakeError::io(path, error))?;
    let failed = |error| LakeError::parquet(path, error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let columns = ["tenant_id", "id", "content_hash", "event_time"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let groups = groups_within(&builder, times);
    let reader = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .build()
        .map_err(failed)?;
    for batch in reader {
        let batch =
            batch.map_err(|error| LakeError::Query(format!("{}: {error}", path.display())))?;
        let rows = Rows(batch);
        let (tenants, ids) = (rows.texts("tenant_id")?, rows.texts("id")?);
        let (hashes, at) = (rows.ints("content_hash")?, rows.times("event_time")?);
        for row in (0..ids.len()).filter(|row| times.contains(&at.value(*row))) {
            let (tenant, id) = (text_at(&tenants, row), text_at(&ids, row));
            each(tenant, id, hashes.value(row));
        }
    }
    Ok(())
}

/// The row groups that may hold such times: all but those whose bounds say otherwise.
fn groups_within<T>(builder: &ArrowReaderBuilder<T>, times: &Range<i64>) -> Vec<usize> {
    let columns = builder.parquet_schema().columns().iter();
    let place = columns
        .enumerate()
        .find_map(|(place, column)| (column.name() == "event_time").then_some(place));
    let groups = builder.metadata().row_groups().iter().enumerate();
    groups
        .filter(|(_, group)| place.is_none_or(|place| may_hold(group, place, times)))
        .map(|(number, _)| number)
        .collect()
}

fn may_hold(group: &RowGroupMetaData, column: usize, times: &Range<i64>) -> bool {
    let Some(Statistics::Int64(bounds)) = group.column(column).statistics() else {
        return true;
    };
    bounds.min_opt().is_none_or(|least| *least < times.end)
        && bounds
            .max_opt()
            .is_none_or(|greatest| *greatest >= times.start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

    use super::*;

    /// A file of rows with these times, two in a row group; ids are their places.
    fn write(path: &Path, times: &[i64]) {
        let places = 0..times.len();
        let ids = places.clone().map(|place| place.to_string());
        let columns: [(&str, ArrayRef); 4] = [
            (
                "tenant_id",
                Arc::new(StringArray::from(vec!["t"; times.len()])),
            ),
            ("id", Arc::new(ids.map(Some).collect::<StringArray>())),
            (
                "content_hash",
                Arc::new(places.map(|place| place as i32).collect::<Int32Array>()),
            ),
            (
                "event_time",
                Arc::new(TimestampMicrosecondArray::from(times.to_vec())),
            ),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(2))
            .build();
        let file = File::create(path).expect("a new file");
        let mut writer =
            ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a schema");
        writer.write(&batch).expect("memory takes all");
        writer.close().expect("a disk with room");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_rows_of_the_range_are_given_and_no_others(
            times in proptest::collection::vec(0_i64..12, 0..12),
            from in -1_i64..13,
            length in 0_i64..5,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("ids.parquet");
            write(&path, &times);
            let range = from..from + length;
            let mut found = Vec::new();
            read_ids(&path, &range, |tenant, id, hash| {
                assert_eq!((tenant, id), ("t", hash.to_string().as_str()));
                found.push(hash as usize);
            }).expect("a file that was just written");
            let expected: Vec<usize> = (0..times.len())
                .filter(|place| range.contains(&times[*place]))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_row_group_of_another_time_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ids.parquet");
        write(&path, &[1, 2, 5, 6, 9, 9]);
        let file = File::open(&path).expect("a file that was just written");
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let groups = |from, to| groups_within(&builder, &(from..to));
        assert_eq!(groups(2, 5), [0]);
        assert_eq!(groups(2, 6), [0, 1]);
        assert_eq!(groups(3, 5), [] as [usize; 0]);
        assert_eq!(groups(9, 10), [2]);
    }
}

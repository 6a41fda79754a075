//! What was written is what readers of Parquet find: the general reader is the oracle.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Encoding;
use parquet::file::metadata::PageIndexPolicy;
use proptest::prelude::*;

use crate::domain::decode::conditions::Conditions;
use crate::domain::decode::values::Text;
use crate::domain::decode::wire::Policy;
use crate::lake::columns::{Cell, Column, RowKind, column};
use crate::lake::file::{FileWriter, WrittenFile};

#[derive(Debug, Clone, Default)]
struct Row {
    word: String,
    name: String,
    flags: Vec<String>,
    policies: Vec<Policy<'static>>,
}

struct Rows;

impl RowKind for Rows {
    type Row<'a> = &'a Row;
}

const COLUMNS: &[Column<Rows>] = &[
    column!("word", Text, required, "", |row| &row.word),
    column!("name", Text, optional, "", |row| &row.name),
    column!("flags", Texts, required, "", |row, collect| row
        .flags
        .iter()
        .for_each(|flag| collect(flag))),
    column!("policies", Policies, required, "", |row| &row.policies),
];

fn writer(folder: &Path) -> FileWriter<Rows> {
    FileWriter::new(folder.to_owned(), COLUMNS, None, "x".to_owned())
}

fn reader(folder: &Path, file: &WrittenFile) -> ParquetRecordBatchReaderBuilder<File> {
    let file = File::open(folder.join(&file.path)).unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap()
}

fn stored(folder: &Path, rows: &[Row], times: usize) -> Vec<Row> {
    let mut writer = writer(folder);
    for row in (0..times).flat_map(|_| rows) {
        writer.push(0, &row, 0).unwrap();
    }
    let files = writer.seal().unwrap();
    let batches = reader(folder, &files[0]).build().unwrap();
    batches.flat_map(|batch| read(&batch.unwrap())).collect()
}

fn text(texts: &StringArray, at: usize) -> Option<String> {
    texts.is_valid(at).then(|| texts.value(at).to_owned())
}

/// A text of which an empty one is absent: nothing else may be.
fn text_or_absent(texts: &StringArray, at: usize) -> String {
    let text = text(texts, at);
    assert_ne!(text.as_deref(), Some(""), "stored, and not absent");
    text.unwrap_or_default()
}

fn list(texts: &dyn Array) -> Vec<String> {
    let texts = texts.as_string::<i32>();
    let text = |at| text(texts, at).expect("a text in a list is never absent");
    (0..texts.len()).map(text).collect()
}

fn read(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let row = |at: usize| Row {
        word: text(column("word").as_string(), at).unwrap(),
        name: text_or_absent(column("name").as_string(), at),
        flags: list(&column("flags").as_list::<i32>().value(at)),
        policies: policies(&column("policies").as_list::<i32>().value(at)),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn policies(array: &dyn Array) -> Vec<Policy<'static>> {
    let array = array.as_struct();
    let field =
        |name: &str, at: usize| text_or_absent(array.column_by_name(name).unwrap().as_string(), at);
    let conditions = |name: &str, at: usize| {
        let texts = array.column_by_name(name).unwrap().as_string();
        text(texts, at).map_or(Conditions::Absent, |names| Conditions::Names(owned(&names)))
    };
    let controls = array
        .column_by_name("grant_controls")
        .unwrap()
        .as_list::<i32>();
    let policy = |at: usize| Policy {
        id: owned(&field("id", at)),
        name: owned(&field("name", at)),
        result: owned(&field("result", at)),
        grant_controls: list(&controls.value(at))
            .iter()
            .map(|text| owned(text))
            .collect(),
        conditions_satisfied: conditions("conditions_satisfied", at),
        conditions_not_satisfied: conditions("conditions_not_satisfied", at),
    };
    (0..array.len()).map(policy).collect()
}

fn owned(text: &str) -> Text<'static> {
    Text(text.to_owned().into())
}

fn shown(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn any_policy() -> impl Strategy<Value = Policy<'static>> {
    let conditions = || prop_oneof![Just(None), "[a-c]{0,2}".prop_map(Some)];
    let texts = ("[a-c]{0,2}", "[é-ö]{0,2}", "[a-b]?");
    (
        texts,
        prop::collection::vec("[a-c]{0,2}", 0..3),
        conditions(),
        conditions(),
    )
        .prop_map(|((id, name, result), controls, met, unmet)| Policy {
            id: owned(&id),
            name: owned(&name),
            result: owned(&result),
            grant_controls: controls.iter().map(|text| owned(text)).collect(),
            conditions_satisfied: met
                .map_or(Conditions::Absent, |names| Conditions::Names(owned(&names))),
            conditions_not_satisfied: unmet
                .map_or(Conditions::Absent, |names| Conditions::Names(owned(&names))),
        })
}

prop_compose! {
    fn any_row()(
        word in "[a-c]{0,3}",
        name in "[a-b]{0,1}",
        flags in prop::collection::vec("[a-c]{0,2}", 0..3),
        policies in prop::collection::vec(any_policy(), 0..4),
    ) -> Row {
        Row { word, name, flags, policies }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_row_is_read_as_it_was_written(rows in prop::collection::vec(any_row(), 1..40), times in 1..5usize) {
        let folder = tempfile::tempdir().unwrap();
        let written = vec![shown(&rows); times].concat();
        prop_assert_eq!(shown(&stored(folder.path(), &rows, times)), written);
    }
}

#[test]
fn pages_and_row_groups_end_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (0..150_000)
        .map(|number| Row {
            word: number.to_string(),
            name: ["", "a", "b"][number / 7 % 3].to_owned(),
            flags: vec!["x".to_owned(); number % 3],
            policies: vec![
                Policy {
                    id: owned(&(number % 1_000).to_string()),
                    ..Policy::default()
                };
                number % 4
            ],
        })
        .collect();
    assert!(shown(&stored(folder.path(), &rows, 1)) == shown(&rows));
}

#[test]
fn texts_that_repeat_lie_in_a_dictionary_and_an_index_leads_to_each_page() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = writer(folder.path());
    for _ in 0..50_000 {
        writer.push(0, &&Row::default(), 0).unwrap();
    }
    let files = writer.seal().unwrap();
    let reader = reader(folder.path(), &files[0]);
    let metadata = reader.metadata();
    let group = metadata.row_group(0);
    for (column, pages) in group
        .columns()
        .iter()
        .zip(&metadata.offset_index().unwrap()[0])
    {
        assert!(
            column.dictionary_page_offset().is_some(),
            "{}",
            column.column_path()
        );
        assert!(
            column
                .encodings()
                .any(|encoding| encoding == Encoding::RLE_DICTIONARY)
        );
        let rows: Vec<i64> = pages
            .page_locations()
            .iter()
            .map(|page| page.first_row_index)
            .collect();
        assert_eq!(rows.len(), 3, "{}", column.column_path());
        assert!(rows.is_sorted() && rows[0] == 0);
        let last = &pages.page_locations()[2];
        let (start, length) = column.byte_range();
        assert_eq!(
            last.offset + i64::from(last.compressed_page_size),
            (start + length) as i64
        );
    }
    assert_eq!(group.num_rows(), 50_000);
}

#[test]
fn long_texts_and_many_controls_end_row_groups_and_pages() {
    let folder = tempfile::tempdir().unwrap();
    let controls = || (0..1_000).map(|_| owned("mfa")).collect();
    let rows: Vec<Row> = (0..150)
        .map(|number| Row {
            word: char::from(b'a' + (number % 26) as u8)
                .to_string()
                .repeat((1 << 20) + number),
            policies: vec![
                Policy {
                    grant_controls: controls(),
                    ..Policy::default()
                };
                10
            ],
            ..Row::default()
        })
        .collect();
    let mut writer = writer(folder.path());
    for row in &rows {
        writer.push(0, &row, 1 << 20).unwrap();
    }
    let files = writer.seal().unwrap();
    let reader = reader(folder.path(), &files[0]);
    let groups = reader.metadata().num_row_groups();
    assert!((2..=6).contains(&groups), "{groups} row groups");
    let index = &reader.metadata().offset_index().unwrap()[0];
    let controls = index[6].page_locations().len();
    assert!(controls > 1, "{controls} pages of controls");
    let batches = reader.with_batch_size(10).build().unwrap();
    let found: Vec<Row> = batches.flat_map(|batch| read(&batch.unwrap())).collect();
    assert!(shown(&found) == shown(&rows));
}

#[test]
fn the_dates_of_a_month_are_a_file_each_in_whatever_order_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let mut writer = FileWriter::<Rows>::new(root, COLUMNS, Some("date"), "x".to_owned());
    for number in 0..3_100 {
        writer.push(number % 31, &&Row::default(), 0).unwrap();
    }
    let files = writer.seal().unwrap();
    assert_eq!(files.len(), 31);
    assert!(files.iter().all(|file| file.rows == 100));
}

//! Parquet files of one table: rows in, synced files out, one open file per partition.
//!
//! Files are written where readers will find them, but no reader of the log sees them before a commit
//! names them, and a file that is never named is swept at the next start.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::LakeError;
use super::columns::{Column, RowKind, schema};
use super::pages::Encoder;
use super::row_group::RowGroup;

/// Rows between two hand-overs to the Parquet writer: small enough to stay in cache.
const BATCH_ROWS: usize = 2048;
/// Values that the Parquet writer encodes at once.
const WRITE_BATCH: usize = 4096;
/// Bytes of records after which rows are handed over, however few they are.
const BATCH_BYTES: usize = 16 << 20;
/// Bytes of encoded pages after which a row group is written out.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Rows of a row group: larger ones gained nothing (docs/performance.md).
const ROW_GROUP_ROWS: usize = 131_072;
/// Partitions open at once: the dates of a month, in whatever order they come. Of more the one that
/// was not written to for longest is finished.
const OPEN_PARTITIONS_MAX: usize = 32;
/// Bytes that the row groups of all open partitions hold; beyond that the largest is written out.
const HELD_MAX: usize = 96 << 20;

/// A finished, synced file that no commit names yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Path relative to the table's folder.
    pub path: String,
    /// Value of the partition column.
    pub partition: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
    /// Rows in it.
    pub rows: usize,
    /// When it was finished, milliseconds since 1970.
    pub written_at_ms: i64,
}

/// Writes rows of one table into files, one per partition.
pub struct FileWriter<K: RowKind> {
    root: PathBuf,
    columns: &'static [Column<K>],
    partition: Option<&'static str>,
    prefix: String,
    open: BTreeMap<i32, OpenFile<K>>,
    done: Vec<WrittenFile>,
    files: u64,
    /// Rows so far: the time by which partitions were used.
    pushed: u64,
}

struct OpenFile<K: RowKind> {
    path: String,
    partition: Option<String>,
    schema: SchemaRef,
    columns: &'static [Column<K>],
    writer: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    encoder: Encoder,
    group: Option<RowGroup<K>>,
    rows: usize,
    /// Rows since the last hand-over, and bytes of what they were read from.
    waiting: (usize, usize),
    /// Bytes of the row group at the last hand-over.
    held: usize,
    /// When it was used last.
    used: u64,
}

impl<K: RowKind> FileWriter<K> {
    /// A writer into the table's folder; `prefix` makes its file names its own.
    #[must_use]
    pub fn new(
        root: PathBuf,
        columns: &'static [Column<K>],
        partition: Option<&'static str>,
        prefix: String,
    ) -> FileWriter<K> {
        FileWriter {
            root,
            columns,
            partition,
            prefix,
            open: BTreeMap::new(),
            done: Vec::new(),
            files: 0,
            pushed: 0,
        }
    }

    /// Appends a row to the file of its date (days since 1970; 0 for tables without partitions).
    /// `bytes` is the size of what it was read from.
    pub fn push(&mut self, date: i32, row: &K::Row<'_>, bytes: usize) -> Result<(), LakeError> {
        if !self.open.contains_key(&date) {
            self.open_file(date)?;
        }
        let Some(file) = self.open.get_mut(&date) else {
            unreachable!("the file was opened above");
        };
        self.pushed += 1;
        file.used = self.pushed;
        let is_handed_over = file
            .push(row, bytes)
            .map_err(|error| LakeError::parquet(&self.root.join(&file.path), error))?;
        if is_handed_over && self.open.values().map(|file| file.held).sum::<usize>() > HELD_MAX {
            self.write_out_largest()?;
        }
        Ok(())
    }

    fn write_out_largest(&mut self) -> Result<(), LakeError> {
        let Some(largest) = self.open.values_mut().max_by_key(|file| file.held) else {
            return Ok(());
        };
        largest
            .close_group()
            .map_err(|error| LakeError::parquet(&self.root.join(&largest.path), error))
    }

    /// Finishes and syncs all open files; hands over every file since the last call.
    pub fn seal(&mut self) -> Result<Vec<WrittenFile>, LakeError> {
        while let Some((_, file)) = self.open.pop_first() {
            self.done.push(file.finish(&self.root)?);
        }
        Ok(std::mem::take(&mut self.done))
    }

    fn open_file(&mut self, date: i32) -> Result<(), LakeError> {
        if self.open.len() >= OPEN_PARTITIONS_MAX {
            let least_used = self.open.iter().min_by_key(|(_, file)| file.used);
            let date = least_used.map(|(date, _)| *date);
            if let Some(file) = date.and_then(|date| self.open.remove(&date)) {
                self.done.push(file.finish(&self.root)?);
            }
        }
        let partition = self.partition.map(|_| date_text(date));
        let folder = match (self.partition, &partition) {
            (Some(column), Some(value)) => format!("{column}={value}/"),
            _ => String::new(),
        };
        let path = format!("{folder}{}-{:06}.parquet", self.prefix, self.files);
        self.files += 1;
        let full = self.root.join(&path);
        std::fs::create_dir_all(self.root.join(&folder))
            .map_err(|error| LakeError::io(&full, error))?;
        let file = File::create(&full).map_err(|error| LakeError::io(&full, error))?;
        let file = OpenFile::new(file, path, partition, self.columns)
            .map_err(|error| LakeError::parquet(&full, error))?;
        self.open.insert(date, file);
        Ok(())
    }
}

impl<K: RowKind> OpenFile<K> {
    fn new(
        file: File,
        path: String,
        partition: Option<String>,
        columns: &'static [Column<K>],
    ) -> Result<OpenFile<K>, ParquetError> {
        let schema = schema(columns);
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties(columns)))?;
        let (writer, factory) = writer.into_serialized_writer()?;
        Ok(OpenFile {
            path,
            partition,
            schema,
            columns,
            writer,
            factory,
            encoder: Encoder::new(compression())?,
            group: None,
            rows: 0,
            waiting: (0, 0),
            held: 0,
            used: 0,
        })
    }

    /// Appends a row; whether rows were handed over to the encoders.
    fn push(&mut self, row: &K::Row<'_>, bytes: usize) -> Result<bool, ParquetError> {
        let group = match &mut self.group {
            Some(group) => group,
            none => none.insert(RowGroup::new(
                self.columns,
                &self.schema,
                &self.writer,
                &self.factory,
            )?),
        };
        group.push(row);
        self.rows += 1;
        self.waiting.0 += 1;
        self.waiting.1 += bytes;
        if self.waiting.0 < BATCH_ROWS && self.waiting.1 < BATCH_BYTES {
            return Ok(false);
        }
        self.waiting = (0, 0);
        group.hand_over(&mut self.encoder)?;
        self.held = group.bytes();
        if group.rows >= ROW_GROUP_ROWS || self.held >= ROW_GROUP_BYTES {
            self.close_group()?;
        }
        Ok(true)
    }

    fn close_group(&mut self) -> Result<(), ParquetError> {
        (self.held, self.waiting) = (0, (0, 0));
        self.group.take().map_or(Ok(()), |group| {
            group.close(&mut self.writer, &mut self.encoder)
        })
    }

    fn finish(mut self, root: &Path) -> Result<WrittenFile, LakeError> {
        let full = root.join(&self.path);
        let closed = self.close_group().and_then(|()| self.writer.into_inner());
        let file = closed.map_err(|error| LakeError::parquet(&full, error))?;
        file.sync_all()
            .map_err(|error| LakeError::io(&full, error))?;
        let bytes = file
            .metadata()
            .map_err(|error| LakeError::io(&full, error))?
            .len();
        Ok(WrittenFile {
            path: self.path,
            partition: self.partition,
            bytes,
            rows: self.rows,
            written_at_ms: now_ms(),
        })
    }
}

fn compression() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

/// Encoding that was measured to be the best trade: zstd 1, dictionaries but for unique columns, and
/// bounds of times and numbers only. Rows come in the order of time: bounds of texts would span all
/// there are and let no reader skip anything.
fn properties<K: RowKind>(columns: &[Column<K>]) -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(compression())
        .set_write_batch_size(WRITE_BATCH)
        .set_statistics_enabled(EnabledStatistics::None);
    let bounded = columns
        .iter()
        .filter(|column| column.cell.has_bounds())
        .fold(builder, |builder, column| {
            builder.set_column_statistics_enabled(
                ColumnPath::from(column.name),
                EnabledStatistics::Chunk,
            )
        });
    let different = columns.iter().filter(|column| !column.repeats());
    let plain = different.fold(bounded, |builder, column| {
        builder.set_column_dictionary_enabled(ColumnPath::from(column.name), false)
    });
    plain.build()
}

/// Makes the names in a folder durable.
pub(super) fn sync_directory(folder: &Path) -> Result<(), LakeError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LakeError::io(folder, error))
}

/// `YYYY-MM-DD` of days since 1970.
#[must_use]
pub fn date_text(days: i32) -> String {
    let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(i64::from(days)));
    day.map_or_else(|_| "1970-01-01".to_owned(), |day| day.to_string())
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

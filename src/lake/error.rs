//! What can go wrong at the lake, told with what, why and what to do.

use std::path::Path;

/// An error of the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The folder holds something else.
    #[error("{0}")]
    NotALake(String),
    /// Another process writes here.
    #[error("{0}")]
    Locked(String),
    /// Another writer has moved the offsets: this one must stop.
    #[error(
        "another writer has written to {table}: lane {lane} was to be at {expected:?} but is at {found:?}; stop one of the two writers and start again"
    )]
    Fenced {
        /// Which table.
        table: &'static str,
        /// Which lane.
        lane: String,
        /// Where this writer left it.
        expected: Option<i64>,
        /// Where it is.
        found: Option<i64>,
    },
    /// A file or folder cannot be used.
    #[error("cannot use {0}: {1}; check the disk and the rights on it")]
    Io(String, #[source] std::io::Error),
    /// A Parquet file cannot be read or written.
    #[error("cannot read or write the Parquet file {0}: {1}")]
    Parquet(String, #[source] parquet::errors::ParquetError),
    /// The table's log cannot be read or written.
    #[error("the Delta log of {0} cannot be used: {1}")]
    Delta(&'static str, String),
    /// A query failed.
    #[error("{0}")]
    Query(String),
}

impl LakeError {
    pub(super) fn io(path: &Path, error: std::io::Error) -> LakeError {
        LakeError::Io(path.display().to_string(), error)
    }

    pub(super) fn parquet(path: &Path, error: parquet::errors::ParquetError) -> LakeError {
        LakeError::Parquet(path.display().to_string(), error)
    }

    pub(super) fn delta(table: &'static str, error: deltalake::DeltaTableError) -> LakeError {
        LakeError::Delta(table, first_line(&error))
    }

    /// A refused commit: another writer came first, or the log could not be written.
    pub(super) fn commit(table: &'static str, error: deltalake::DeltaTableError) -> LakeError {
        let text = first_line(&error);
        if text.contains("oncurrent transaction") {
            return LakeError::Fenced {
                table,
                lane: text,
                expected: None,
                found: None,
            };
        }
        LakeError::Delta(table, text)
    }
}

/// The message without the backtrace that the library adds when `RUST_BACKTRACE` is set.
fn first_line(error: &deltalake::DeltaTableError) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

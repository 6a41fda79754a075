//! Where records come from: Kafka topics and files.
//!
//! A source yields chunks: bytes of consecutive messages of one partition with their offsets. Whatever
//! it reads from, the rest of the program sees the same shape.

use std::ops::Range;
use std::sync::Arc;

pub mod buffer;
pub mod files;
pub mod kafka;

use buffer::Buffer;

use crate::domain::decode::table::Header;

/// Where one record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Topic or file.
    pub stream: &'a str,
    /// Partition of the topic; 0 for files.
    pub partition: i32,
    /// Offset of the message; for files the place of the line's first byte.
    pub offset: i64,
    /// Place of the record within its message.
    pub index: i32,
}

/// A partition of a stream: what offsets count in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// Topic or file.
    pub stream: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Name under which the lake remembers the next offset.
    pub app_id: Arc<str>,
}

/// What the messages of a chunk are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// JSON in any of the forms that are read.
    Json,
    /// Rows of a table with this header.
    Row(Arc<Header>),
}

impl Form {
    /// The header that the messages are rows below; empty if they are none.
    #[must_use]
    pub fn header(&self) -> &str {
        match self {
            Form::Json => "",
            Form::Row(header) => header.kept(),
        }
    }
}

/// Consecutive messages of one lane.
#[derive(Debug)]
pub struct Chunk {
    /// Where they came from.
    pub lane: Arc<Lane>,
    /// The messages' bytes, one after the other.
    pub bytes: Buffer,
    /// Offset and place in `bytes` of each message.
    pub messages: Vec<(i64, Range<usize>)>,
    /// When the broker took each message, UTC microseconds; none for files.
    pub times: Vec<Option<i64>>,
    /// How to read them.
    pub form: Form,
    /// First offset that is not in here any more, messages or not.
    pub next_offset: i64,
}

impl Chunk {
    /// When the broker took the latest of the messages, UTC microseconds.
    #[must_use]
    pub fn broker_time(&self) -> Option<i64> {
        self.times.iter().copied().max().flatten()
    }

    /// No messages, but everything before `next_offset` needs not be read.
    #[must_use]
    pub fn empty(lane: Arc<Lane>, next_offset: i64) -> Chunk {
        Chunk {
            lane,
            bytes: Buffer::default(),
            messages: Vec::new(),
            times: Vec::new(),
            form: Form::Json,
            next_offset,
        }
    }
}

/// What a source tells the pipeline.
#[derive(Debug)]
pub enum SourceEvent {
    /// Messages.
    Chunk(Chunk),
    /// Messages that are there but not yet read, per lane; for metrics.
    Lag(Arc<Lane>, i64),
    /// Only a part of an input could be read; reading goes on with the next.
    Damaged(String),
    /// Everything has been read; nothing follows.
    End,
    /// Reading failed for good.
    Failed(SourceError),
}

/// Why a source cannot go on: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The broker cannot be reached or does not know the topic.
    #[error("{0}")]
    Unreachable(String),
    /// The client refuses its settings.
    #[error("{0}")]
    Settings(String),
    /// The lake's offsets are no longer in the topic.
    #[error("{0}")]
    Gap(String),
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
}

//! Files that are held in memory as a whole: documents and tables.

use std::io::Read as _;
use std::ops::Range;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::reading::{Gone, Limits, damaged, send, tell};
use super::{Input, Shape, cannot_read, is_damage, open};
use crate::domain::decode::plain_text;
use crate::domain::decode::table::Header;
use crate::source::{Chunk, Form, SourceEvent};

/// Reads a document or a table, unless that was done before.
pub(super) fn read_whole(
    limits: &Limits,
    input: &Input,
    done: bool,
    events: &Sender<SourceEvent>,
) -> Result<(), Gone> {
    if done {
        return Ok(());
    }
    let Some(bytes) = content(limits, input, events)? else {
        return Ok(());
    };
    let chunk = match input.shape {
        Shape::Csv => table(input, bytes),
        Shape::Document | Shape::Lines => document(input, bytes),
    };
    send(events, chunk)
}

/// One message.
fn document(input: &Input, bytes: Vec<u8>) -> Chunk {
    let messages = vec![(0, 0..bytes.len())];
    whole(input, bytes, messages, Form::Json)
}

/// Rows of a table, each a message, without the header unless that is to be told of.
fn table(input: &Input, bytes: Vec<u8>) -> Chunk {
    let length = bytes.len();
    let mut bytes = plain_text(bytes);
    if bytes.len() != length {
        // Text that was decoded has lost the line break behind its last row.
        bytes.push(b'\n');
    }
    let name = input
        .path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let Some((header, from)) = Header::read(&bytes, &name) else {
        return document(input, bytes);
    };
    let mut starts = header.rows(&bytes, from);
    if header.is_unknown() {
        starts.insert(0, header.starts_at());
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let messages = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| (*start as i64, *start..end))
        .collect();
    whole(input, bytes, messages, Form::Row(Arc::new(header)))
}

/// All bytes of a file that cannot be read line by line; none if it is too large.
///
/// Of such a one no offset is kept: it is still unread, so every run tells of it again, and one that
/// has become smaller is read.
fn content(
    limits: &Limits,
    input: &Input,
    events: &Sender<SourceEvent>,
) -> Result<Option<Vec<u8>>, Gone> {
    let limit = limits.document as u64;
    let mut bytes = Vec::new();
    let mut damage = None;
    // What is too large as it lies there is so unpacked.
    if input.bytes <= limit {
        let read = open(&input.path)?.take(limit + 1).read_to_end(&mut bytes);
        damage = read.err();
    }
    if input.bytes > limit || bytes.len() > limits.document {
        tell(events, too_large(input, limits))?;
        return Ok(None);
    }
    match damage {
        Some(error) if is_damage(&error) => tell(events, damaged(&input.path, &error))?,
        Some(error) => return Err(Gone::Failed(cannot_read(&input.path, &error))),
        None => {}
    }
    Ok(Some(bytes))
}

fn too_large(input: &Input, limits: &Limits) -> SourceEvent {
    let (what, advice) = match input.shape {
        Shape::Csv => ("table", "split it, the header in every part"),
        Shape::Document | Shape::Lines => (
            "document",
            "write one record a line, for example with `jq -c '.records[]?'`",
        ),
    };
    SourceEvent::Damaged(format!(
        "{} is one {what} of more than {} MiB, which would not fit in memory, and was not read; {advice}",
        input.path.display(),
        limits.document >> 20
    ))
}

fn whole(input: &Input, bytes: Vec<u8>, messages: Vec<(i64, Range<usize>)>, form: Form) -> Chunk {
    let next_offset = bytes.len() as i64;
    Chunk {
        lane: input.lane.clone(),
        bytes: bytes.into(),
        messages,
        times: Vec::new(),
        form,
        next_offset,
    }
}

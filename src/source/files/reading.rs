//! Files into chunks: lines as they stream by, documents and tables as a whole.
//!
//! A file that is cut off or damaged gives what it holds and is told of; the next one is read.

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::{Input, Shape, cannot_read, is_damage, open};
use crate::domain::decode::plain_text;
use crate::domain::decode::split::value_end;
use crate::domain::decode::table::Header;
use crate::source::buffer::Pool;
use crate::source::{Chunk, Form, SourceError, SourceEvent};

/// Bytes read and handed over at once: enough to keep a worker busy while the next are read.
const CHUNK_BYTES: usize = 1 << 20;
/// The longest line: a record of the largest size taken, and its like in white space.
const LINE_BYTES_MAX: usize = 64 << 20;
/// The largest document that is not one record a line: it is held in memory.
const DOCUMENT_BYTES_MAX: usize = 128 << 20;

/// Reads the files one after the other into the channel; `from` is where each goes on.
///
/// `progress` is told how many bytes of the disk have been worked through.
pub fn read(
    inputs: &[Input],
    from: &[Option<i64>],
    events: &Sender<SourceEvent>,
    stop: &AtomicBool,
    progress: impl Fn(u64),
) {
    for (input, from) in inputs.iter().zip(from) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let result = match input.shape {
            Shape::Lines => read_lines(input, from.unwrap_or(0), events, stop, &progress),
            Shape::Document => read_document(input, from.is_some(), events),
            Shape::Csv => read_csv(input, from.is_some(), events),
        };
        match result {
            Ok(()) => progress(if input.shape == Shape::Lines {
                0
            } else {
                input.bytes
            }),
            // The receiver is gone: nobody is left to tell.
            Err(Gone::Receiver) => return,
            Err(Gone::Failed(error)) => {
                let _ = events.send(SourceEvent::Failed(error));
                return;
            }
        }
    }
    let _ = events.send(SourceEvent::End);
}

enum Gone {
    Receiver,
    Failed(SourceError),
}

impl From<SourceError> for Gone {
    fn from(error: SourceError) -> Gone {
        Gone::Failed(error)
    }
}

fn send(events: &Sender<SourceEvent>, chunk: Chunk) -> Result<(), Gone> {
    events
        .send(SourceEvent::Chunk(chunk))
        .map_err(|_| Gone::Receiver)
}

fn read_lines(
    input: &Input,
    from: i64,
    events: &Sender<SourceEvent>,
    stop: &AtomicBool,
    progress: &impl Fn(u64),
) -> Result<(), Gone> {
    let failed = |error: std::io::Error| cannot_read(&input.path, &error);
    let from = if ends_a_line(input, from)? {
        from.unsigned_abs()
    } else {
        0
    };
    let mut reader = open(&input.path)?;
    let skipped = match std::io::copy(&mut reader.by_ref().take(from), &mut std::io::sink()) {
        Ok(skipped) => skipped,
        Err(error) if is_damage(&error) => {
            return events
                .send(damaged(&input.path, &error))
                .map_err(|_| Gone::Receiver);
        }
        Err(error) => return Err(Gone::Failed(failed(error))),
    };
    progress(skipped);
    let mut offset = skipped as i64;
    let mut rest: Vec<u8> = Vec::new();
    let pool = Pool::default();
    loop {
        let mut bytes = pool.take();
        bytes.resize(rest.len() + CHUNK_BYTES, 0);
        bytes[..rest.len()].copy_from_slice(&rest);
        let (read, damage) = fill(&mut reader, &mut bytes[rest.len()..]);
        let damage = match damage {
            Some(error) if !is_damage(&error) => return Err(Gone::Failed(failed(error))),
            damage => damage,
        };
        bytes.truncate(rest.len() + read);
        rest.clear();
        progress(read as u64);
        let at_end = read < CHUNK_BYTES;
        let lines_end = memchr::memrchr(b'\n', &bytes).map_or(0, |place| place + 1);
        let end = if at_end && !is_half_a_record(&bytes[lines_end..]) {
            bytes.len()
        } else {
            lines_end
        };
        rest.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        if rest.len() > LINE_BYTES_MAX {
            return Err(Gone::Failed(line_too_long(&input.path, offset)));
        }
        if !bytes.is_empty() {
            let next = offset + end as i64;
            let messages = lines(&bytes, offset);
            send(
                events,
                Chunk {
                    lane: input.lane.clone(),
                    bytes,
                    messages,
                    times: Vec::new(),
                    form: Form::Json,
                    next_offset: next,
                },
            )?;
            offset = next;
        }
        if at_end && damage.is_none() && !rest.is_empty() {
            events
                .send(unfinished(&input.path))
                .map_err(|_| Gone::Receiver)?;
        }
        if let Some(error) = damage {
            events
                .send(damaged(&input.path, &error))
                .map_err(|_| Gone::Receiver)?;
        }
        if at_end || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Reads until the room is full or there is no more: how much, and what ended it before its time.
fn fill(reader: &mut impl Read, room: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let mut read = 0;
    while read < room.len() {
        match reader.read(&mut room[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// Whether what was read before ended where a line ends still: else the file is another one, and is
/// read from the start; what is known is recognised by id.
fn ends_a_line(input: &Input, from: i64) -> Result<bool, Gone> {
    let Ok(before) = u64::try_from(from - 1) else {
        return Ok(true);
    };
    let mut around = Vec::new();
    let mut reader = open(&input.path)?;
    let failed = |error: std::io::Error| Gone::Failed(cannot_read(&input.path, &error));
    let read = std::io::copy(&mut reader.by_ref().take(before), &mut std::io::sink())
        .and_then(|_| reader.take(2).read_to_end(&mut around));
    match read {
        Ok(_) => Ok(around.len() < 2 || around.contains(&b'\n')),
        Err(error) if is_damage(&error) => Ok(true),
        Err(error) => Err(failed(error)),
    }
}

/// A last line that begins a record and does not end it: somebody is still writing.
fn is_half_a_record(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first() == Some(&b'{') && value_end(line, 0).is_none()
}

fn unfinished(path: &Path) -> SourceEvent {
    SourceEvent::Damaged(format!(
        "{} ends in the middle of a record; the rest is read when it is there: run the same command again",
        path.display()
    ))
}

fn line_too_long(path: &Path, offset: i64) -> SourceError {
    SourceError::File(format!(
        "{}: the line at byte {offset} is longer than {} MiB; write one record a line",
        path.display(),
        LINE_BYTES_MAX >> 20
    ))
}

/// Offset and place of every line that holds something.
fn lines(bytes: &[u8], offset: i64) -> Vec<(i64, std::ops::Range<usize>)> {
    let mut messages = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        if !bytes[start..end].trim_ascii().is_empty() {
            messages.push((offset + start as i64, start..end));
        }
        start = end + 1;
        if start > bytes.len() {
            break;
        }
    }
    messages
}

fn read_document(input: &Input, done: bool, events: &Sender<SourceEvent>) -> Result<(), Gone> {
    if done {
        return Ok(());
    }
    let bytes = read_whole(input, events)?;
    let length = bytes.len();
    let messages = vec![(0, 0..length)];
    send(events, whole(input, bytes, messages, Form::Json))
}

/// Rows of a table, each a message, without the header unless that is to be told of.
fn read_csv(input: &Input, done: bool, events: &Sender<SourceEvent>) -> Result<(), Gone> {
    if done {
        return Ok(());
    }
    let bytes = plain_text(read_whole(input, events)?);
    let name = input
        .path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let Some((header, from)) = Header::read(&bytes, &name) else {
        let messages = vec![(0, 0..bytes.len())];
        return send(events, whole(input, bytes, messages, Form::Json));
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
    let form = Form::Row(Arc::new(header));
    send(events, whole(input, bytes, messages, form))
}

/// All bytes of a file that cannot be read line by line.
fn read_whole(input: &Input, events: &Sender<SourceEvent>) -> Result<Vec<u8>, Gone> {
    let mut bytes = Vec::new();
    let limit = DOCUMENT_BYTES_MAX as u64 + 1;
    match open(&input.path)?.take(limit).read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if is_damage(&error) => {
            events
                .send(damaged(&input.path, &error))
                .map_err(|_| Gone::Receiver)?;
        }
        Err(error) => return Err(Gone::Failed(cannot_read(&input.path, &error))),
    }
    if bytes.len() <= DOCUMENT_BYTES_MAX {
        return Ok(bytes);
    }
    Err(Gone::Failed(SourceError::File(format!(
        "{} is one document of more than {} MiB, which would not fit in memory; write one record a line, for example with `jq -c '.records[]?'`",
        input.path.display(),
        DOCUMENT_BYTES_MAX >> 20
    ))))
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

fn damaged(path: &Path, error: &std::io::Error) -> SourceEvent {
    SourceEvent::Damaged(format!(
        "{} is cut off or damaged ({error}); what came before is in the lake, export it again for the rest",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_where_they_stood() {
        let found = lines(b"ab\n\ncd\r\nef", 100);
        assert_eq!(found, [(100, 0..2), (104, 4..7), (108, 8..10)]);
    }

    /// The messages of a file of this name.
    fn messages(name: &str, content: &[u8]) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        let inputs = crate::source::files::inputs(&[path], "none").expect("an input");
        let (events, received) = crossbeam_channel::bounded(9);
        read(&inputs, &[None], &events, &AtomicBool::new(false), |_| ());
        let mut found = Vec::new();
        for event in received.try_iter() {
            if let SourceEvent::Chunk(chunk) = event {
                let places = chunk.messages.iter();
                found.extend(places.map(|(_, place)| chunk.bytes[place.clone()].to_vec()));
            }
        }
        found
    }

    #[test]
    fn a_header_is_a_message_only_if_it_is_to_be_told_of() {
        let trimmed = |name, content: &[u8]| -> Vec<Vec<u8>> {
            let found = messages(name, content).into_iter();
            found.map(|message| message.trim_ascii().to_vec()).collect()
        };
        let german = trimmed("x.tsv", b"sep=;\r\nDatum;Benutzer\r\n1;2\r\n");
        assert_eq!(german, [&b"Datum;Benutzer"[..], b"1;2"]);
        assert_eq!(trimmed("x.txt", b"Date (UTC),User\n1,2\n"), [b"1,2"]);
        let lines = trimmed("x.txt", b"hello, world\nmore\n");
        assert_eq!(lines, [&b"hello, world"[..], b"more"]);
        let archive = b"PK\x03\x04a,User\n{\n";
        assert_eq!(messages("x.csv", archive), [archive]);
    }
}

//! Files and folders as a source: NDJSON, JSON documents, gzip; resumable by byte offset.
//!
//! A file of one record a line is streamed; any other JSON is one document and read whole, within a
//! limit. A lane is a file: its path and its first line name it, so a file that grew goes on where it
//! ended and one that was replaced begins anew.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use flate2::bufread::MultiGzDecoder;

use super::{Chunk, Form, Lane, SourceError, SourceEvent};
use crate::domain::decode::split::value_end;

/// Bytes handed over at once: enough to keep a worker busy, little enough to balance.
const CHUNK_BYTES: usize = 256 << 10;
/// The longest line: a record of the largest size taken, and its like in white space.
const LINE_BYTES_MAX: usize = 64 << 20;
/// The longest first line that names a file.
const NAME_BYTES: usize = 4096;
/// The largest document that is not one record a line: it is held in memory.
const DOCUMENT_BYTES_MAX: usize = 128 << 20;
/// Endings taken from folders; a file that is named is taken whatever it is called.
const ENDINGS: [&str; 6] = [".json", ".ndjson", ".jsonl", ".log", ".csv", ".txt"];

/// A file to be read.
#[derive(Debug, Clone)]
pub struct Input {
    path: PathBuf,
    /// Size on disk, bytes.
    pub bytes: u64,
    /// Its lane.
    pub lane: Arc<Lane>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Lines,
    Document,
    Csv,
}

/// The files that these paths name, folders with all below them, in order of name.
///
/// # Errors
/// If a path does not exist or cannot be read.
pub fn inputs(paths: &[PathBuf]) -> Result<Vec<Input>, SourceError> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
        if kind.is_dir() {
            collect(path, &mut files)?
        } else {
            files.push(path.clone())
        }
    }
    files.into_iter().map(|path| input(&path)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let entries = std::fs::read_dir(folder).map_err(|error| cannot_read(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| cannot_read(folder, &error))?;
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        // A link to a folder above would never end.
        let kind = std::fs::symlink_metadata(&path).map_err(|error| cannot_read(&path, &error))?;
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        if kind.is_dir() {
            collect(&path, files)?;
        } else if ENDINGS.iter().any(|ending| plain.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}

fn input(path: &Path) -> Result<Input, SourceError> {
    let path = path
        .canonicalize()
        .map_err(|error| cannot_read(path, &error))?;
    let bytes = std::fs::metadata(&path)
        .map_err(|error| cannot_read(&path, &error))?
        .len();
    let mut start = Vec::new();
    open(&path)?
        .take(64 << 10)
        .read_to_end(&mut start)
        .map_err(|error| cannot_read(&path, &error))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let shape = shape(&start, &name);
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or(&start);
    let named_by = if shape == Shape::Lines { line } else { &start };
    let named_by = &named_by[..named_by.len().min(NAME_BYTES)];
    let stream = path.to_string_lossy().into_owned();
    let id = fnv128(&[stream.as_bytes(), &[0], named_by].concat());
    let lane = Lane {
        stream: stream.into(),
        partition: 0,
        app_id: format!("signloop/file/{id:032x}").into(),
    };
    Ok(Input {
        path,
        bytes,
        lane: Arc::new(lane),
        shape,
    })
}

/// One record a line if the first line is a whole value, or no JSON at all.
fn shape(start: &[u8], name: &str) -> Shape {
    let start = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or(start)
        .trim_ascii();
    let is_json = matches!(line.first(), Some(b'{' | b'['));
    if !is_json {
        let is_table = name.strip_suffix(".gz").unwrap_or(name).ends_with(".csv")
            || line.contains(&b',') && !line.contains(&b'{');
        return if is_table { Shape::Csv } else { Shape::Lines };
    }
    // A first line longer than what was looked at has no end in it: streams of huge envelopes.
    let cut_off = line.len() == start.len() && start.len() > 60 << 10;
    if value_end(line, 0) == Some(line.len()) || cut_off {
        Shape::Lines
    } else {
        Shape::Document
    }
}

/// A plain file is read into the chunk's own memory; a buffer between would copy every byte once more.
fn open(path: &Path) -> Result<Box<dyn Read>, SourceError> {
    let failed = |error: std::io::Error| cannot_read(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(2)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    file.rewind().map_err(failed)?;
    if magic == [0x1f, 0x8b] {
        let buffered = BufReader::with_capacity(256 << 10, file);
        return Ok(Box::new(MultiGzDecoder::new(buffered)));
    }
    Ok(Box::new(file))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> SourceError {
    SourceError::File(format!(
        "cannot read {}: {error}; check the path and the rights on it",
        path.display()
    ))
}

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
    let mut reader = open(&input.path)?;
    let skipped = std::io::copy(
        &mut reader.by_ref().take(from.unsigned_abs()),
        &mut std::io::sink(),
    )
    .map_err(failed)?;
    progress(skipped);
    let mut offset = skipped as i64;
    let mut rest = Vec::new();
    loop {
        let mut bytes = std::mem::take(&mut rest);
        bytes.reserve(CHUNK_BYTES);
        let wanted = CHUNK_BYTES as u64;
        let read = reader
            .by_ref()
            .take(wanted)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        progress(read as u64);
        let at_end = (read as u64) < wanted;
        let end = if at_end {
            bytes.len()
        } else {
            memchr::memrchr(b'\n', &bytes).map_or(0, |place| place + 1)
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
                    form: Form::Json,
                    next_offset: next,
                    broker_time: None,
                },
            )?;
            offset = next;
        }
        if at_end || stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
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
    let mut bytes = Vec::new();
    let limit = DOCUMENT_BYTES_MAX as u64 + 1;
    open(&input.path)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(&input.path, &error))?;
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Gone::Failed(SourceError::File(format!(
            "{} is one JSON document of more than {} MiB, which would not fit in memory; write one record a line, for example with `jq -c '.records[]?'`",
            input.path.display(),
            DOCUMENT_BYTES_MAX >> 20
        ))));
    }
    let length = bytes.len();
    let messages = vec![(0, 0..length)];
    send(
        events,
        Chunk {
            lane: input.lane.clone(),
            bytes,
            messages,
            form: Form::Json,
            next_offset: length as i64,
            broker_time: None,
        },
    )
}

/// Rows of a table, each a message, without the header.
fn read_csv(input: &Input, done: bool, events: &Sender<SourceEvent>) -> Result<(), Gone> {
    if done {
        return Ok(());
    }
    let mut bytes = Vec::new();
    open(&input.path)?
        .take(DOCUMENT_BYTES_MAX as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(&input.path, &error))?;
    let mut starts = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(bytes.as_slice());
    let mut row = csv::ByteRecord::new();
    // The reader takes any bytes; a quote that never closes makes one long row.
    while reader.read_byte_record(&mut row).is_ok_and(|more| more) {
        starts.push(
            row.position()
                .map_or(0, |position| position.byte() as usize),
        );
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let messages = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| (*start as i64, *start..end))
        .collect();
    let length = bytes.len() as i64;
    send(
        events,
        Chunk {
            lane: input.lane.clone(),
            bytes,
            messages,
            form: Form::CsvRow,
            next_offset: length,
            broker_time: None,
        },
    )
}

/// FNV-1a, 128 bits: names lanes, the same on every machine and in every version.
fn fnv128(bytes: &[u8]) -> u128 {
    let offset = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let prime = 0x0000_0000_0100_0000_0000_0000_0000_013b_u128;
    bytes.iter().fold(offset, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(prime)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_the_shape() {
        assert_eq!(shape(b"{\"a\":1}\n{\"a\":2}\n", "x.json"), Shape::Lines);
        assert_eq!(shape(b"\xEF\xBB\xBF{\"a\":1}", "x.json"), Shape::Lines);
        assert_eq!(shape(b"{\n \"a\":1\n}", "x.json"), Shape::Document);
        assert_eq!(shape(b"[\n{}]", "x.json"), Shape::Document);
        assert_eq!(shape(b"Date,User\n1,2\n", "x.txt"), Shape::Csv);
        assert_eq!(shape(b"garbage\n{\"a\":1}\n", "x.log"), Shape::Lines);
    }

    #[test]
    fn lines_know_where_they_stood() {
        let found = lines(b"ab\n\ncd\r\nef", 100);
        assert_eq!(found, [(100, 0..2), (104, 4..7), (108, 8..10)]);
    }
}

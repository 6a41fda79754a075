//! Files and folders as a source: NDJSON, JSON documents, gzip; resumable by byte offset.
//!
//! A file of one record a line is streamed; any other JSON is one document and read whole, within a
//! limit. A lane is a file: its path and its first line name it, so a file that grew goes on where it
//! ended and one that was replaced begins anew.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use flate2::bufread::MultiGzDecoder;

use super::{Chunk, Form, Lane, SourceError, SourceEvent};
use crate::domain::decode::split::value_end;

/// Bytes handed over at once: enough to keep a worker busy, little enough to stay in its cache.
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
            collect(path, &mut files)?;
        } else if kind.is_file() {
            files.push(path.clone());
        } else {
            return Err(SourceError::File(format!(
                "{} is no file: pipes and devices are not read; write the records to a file first",
                path.display()
            )));
        }
    }
    let mut seen = HashSet::new();
    let inputs = files.into_iter().map(|path| input(&path));
    // A file that two paths name is read once.
    inputs
        .filter(|input| {
            input
                .as_ref()
                .map_or(true, |input| seen.insert(input.lane.app_id.clone()))
        })
        .collect()
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
        // A link to a folder above would never end, and a pipe would never begin.
        let link = std::fs::symlink_metadata(&path).map_err(|error| cannot_read(&path, &error))?;
        let Ok(kind) = std::fs::metadata(&path) else {
            continue;
        };
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        if link.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && ENDINGS.iter().any(|ending| plain.ends_with(ending)) {
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
    match open(&path)?.take(64 << 10).read_to_end(&mut start) {
        Ok(_) => {}
        // What could be unpacked tells enough; the damage is told when the file is read.
        Err(error) if is_damage(&error) => {}
        Err(error) => return Err(cannot_read(&path, &error)),
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let shape = shape(&start, &name);
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or(&start);
    let named_by = if shape == Shape::Lines { line } else { &start };
    let named_by = &named_by[..named_by.len().min(NAME_BYTES)];
    let stream = path.to_string_lossy().into_owned();
    // A document is read as a whole: one of another size is another one.
    let size = if shape == Shape::Lines { 0 } else { bytes };
    let id = fnv128(&[stream.as_bytes(), &[0], named_by, &size.to_le_bytes()].concat());
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
        let named_csv = name.strip_suffix(".gz").unwrap_or(name).ends_with(".csv");
        let mut lines = start
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_start);
        let has_records = lines.any(|line| line.starts_with(b"{"));
        let is_table = named_csv || line.contains(&b',') && !has_records;
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

/// Whether a file is cut off or broken inside, rather than out of reach.
fn is_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

fn damaged(path: &Path, error: &std::io::Error) -> SourceEvent {
    SourceEvent::Damaged(format!(
        "{} is cut off or damaged ({error}); what came before is in the lake, export it again for the rest",
        path.display()
    ))
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
    let mut rest = Vec::new();
    loop {
        let mut bytes = std::mem::take(&mut rest);
        bytes.reserve(CHUNK_BYTES);
        let wanted = CHUNK_BYTES as u64;
        let before = bytes.len();
        let damage = match reader.by_ref().take(wanted).read_to_end(&mut bytes) {
            Ok(_) => None,
            Err(error) if is_damage(&error) => Some(error),
            Err(error) => return Err(Gone::Failed(failed(error))),
        };
        let read = (bytes.len() - before) as u64;
        progress(read);
        let at_end = read < wanted || damage.is_some();
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
                    form: Form::Json,
                    next_offset: next,
                    broker_time: None,
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

/// Rows of a table, each a message, without the header.
fn read_csv(input: &Input, done: bool, events: &Sender<SourceEvent>) -> Result<(), Gone> {
    if done {
        return Ok(());
    }
    let bytes = read_whole(input, events)?;
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
    send(events, whole(input, bytes, messages, Form::CsvRow))
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
        bytes,
        messages,
        form,
        next_offset,
        broker_time: None,
    }
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
        assert_eq!(
            shape(b"x\",\"code\":0}\n{\"a\":1}\n", "x.log"),
            Shape::Lines
        );
    }

    #[test]
    fn lines_know_where_they_stood() {
        let found = lines(b"ab\n\ncd\r\nef", 100);
        assert_eq!(found, [(100, 0..2), (104, 4..7), (108, 8..10)]);
    }
}

//! Files into chunks: lines as they stream by, documents and tables as a whole.
//!
//! A file that is cut off or damaged gives what it holds and is told of; the next one is read.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::whole::read_whole;
use super::{Input, Shape, cannot_read, is_damage, open};
use crate::domain::decode::split::value_end;
use crate::source::buffer::Pool;
use crate::source::{Chunk, Form, SourceError, SourceEvent};

/// Bytes read and handed over at once: enough to keep a worker busy while the next are read.
const CHUNK_BYTES: usize = 1 << 20;

/// What is held in memory; whatever is larger is told of and passed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The longest line.
    pub(super) line: usize,
    /// The largest document that is not one record a line.
    pub(super) document: usize,
}

const LIMITS: Limits = Limits {
    // A record of the largest size taken, and its like in white space.
    line: 64 << 20,
    document: 128 << 20,
};

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
    read_within(&LIMITS, inputs, from, events, stop, progress);
}

fn read_within(
    limits: &Limits,
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
            Shape::Lines => {
                let from = from.unwrap_or(0);
                read_lines(limits, input, from, events, stop, &progress)
            }
            Shape::Document | Shape::Csv => read_whole(limits, input, from.is_some(), events),
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

pub(super) enum Gone {
    Receiver,
    Failed(SourceError),
}

impl From<SourceError> for Gone {
    fn from(error: SourceError) -> Gone {
        Gone::Failed(error)
    }
}

pub(super) fn send(events: &Sender<SourceEvent>, chunk: Chunk) -> Result<(), Gone> {
    events
        .send(SourceEvent::Chunk(chunk))
        .map_err(|_| Gone::Receiver)
}

pub(super) fn tell(events: &Sender<SourceEvent>, damage: SourceEvent) -> Result<(), Gone> {
    events.send(damage).map_err(|_| Gone::Receiver)
}

fn read_lines(
    limits: &Limits,
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
            return tell(events, damaged(&input.path, &error));
        }
        Err(error) => return Err(Gone::Failed(failed(error))),
    };
    progress(skipped);
    let mut offset = skipped as i64;
    let mut rest: Vec<u8> = Vec::new();
    let pool = Pool::default();
    // What ended the reading of a line that was passed over.
    let mut ended = None;
    loop {
        let mut bytes = pool.take();
        bytes.resize(rest.len() + CHUNK_BYTES, 0);
        bytes[..rest.len()].copy_from_slice(&rest);
        let (read, damage) = match ended.take() {
            Some(damage) => (0, Some(damage)),
            None => fill(&mut reader, &mut bytes[rest.len()..]),
        };
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
        if rest.len() > limits.line {
            tell(events, line_too_long(&input.path, offset, limits))?;
            let passed;
            (passed, ended) = skip_line(&mut reader, &mut rest, stop, progress);
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            // Told once: the next run begins behind it.
            offset += passed as i64;
            send(events, Chunk::empty(input.lane.clone(), offset))?;
            continue;
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
            tell(events, unfinished(&input.path))?;
        }
        if let Some(error) = damage {
            tell(events, damaged(&input.path, &error))?;
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

/// Passes over the line whose beginning is `rest`, which becomes what was read behind it: how many
/// bytes that are, and what ended it before its time.
fn skip_line(
    reader: &mut impl Read,
    rest: &mut Vec<u8>,
    stop: &AtomicBool,
    progress: &impl Fn(u64),
) -> (usize, Option<std::io::Error>) {
    let mut passed = rest.len();
    *rest = vec![0; CHUNK_BYTES];
    loop {
        let (read, damage) = fill(reader, rest);
        progress(read as u64);
        let line_break = memchr::memchr(b'\n', &rest[..read]);
        let end = line_break.map_or(read, |place| place + 1);
        passed += end;
        let is_over = line_break.is_some() || read < CHUNK_BYTES || damage.is_some();
        if is_over || stop.load(Ordering::Relaxed) {
            rest.truncate(read);
            rest.drain(..end);
            return (passed, damage);
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
        "{} ends in the middle of a record; the rest is read when it is there: run the same command again; if nothing more will come, end it with a line break",
        path.display()
    ))
}

fn line_too_long(path: &Path, offset: i64, limits: &Limits) -> SourceEvent {
    SourceEvent::Damaged(format!(
        "{}: the line at byte {offset} is longer than {} MiB and was passed over; write one record a line, for example with `jq -c '.records[]?'`, and read that",
        path.display(),
        limits.line >> 20
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

pub(super) fn damaged(path: &Path, error: &std::io::Error) -> SourceEvent {
    SourceEvent::Damaged(format!(
        "{} is cut off or damaged ({error}); what came before is in the lake, export it again for the rest",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::path::PathBuf;

    /// A little more than a chunk, so that a line is too long in its second one.
    const SMALL: Limits = Limits {
        line: CHUNK_BYTES + 10,
        document: CHUNK_BYTES,
    };

    /// What is read of files: every message with its offset, where each goes on, what was damaged.
    type Read = (Vec<(i64, String)>, Vec<Option<i64>>, Vec<String>);

    fn read_all(paths: &[PathBuf], from: &[Option<i64>]) -> Read {
        let inputs = crate::source::files::inputs(paths, "no-marker")
            .expect("files")
            .inputs;
        let (events, incoming) = crossbeam_channel::bounded(100);
        let stop = AtomicBool::new(false);
        read_within(&SMALL, &inputs, from, &events, &stop, |_| ());
        drop(events);
        let (mut messages, mut next, mut damage) = (Vec::new(), from.to_vec(), Vec::new());
        for event in incoming {
            match event {
                SourceEvent::Chunk(chunk) => {
                    let lane = inputs.iter().position(|input| input.lane == chunk.lane);
                    next[lane.expect("a lane of these")] = Some(chunk.next_offset);
                    messages.extend(chunk.messages.iter().map(|(offset, range)| {
                        let text = String::from_utf8_lossy(&chunk.bytes[range.clone()]);
                        (*offset, text.chars().take(20).collect())
                    }));
                }
                SourceEvent::Damaged(what) => damage.push(what),
                SourceEvent::Failed(error) => panic!("{error}"),
                SourceEvent::Lag(..) | SourceEvent::End => {}
            }
        }
        (messages, next, damage)
    }

    fn written(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a folder of its own");
        path
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_spares_its_neighbours() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [CHUNK_BYTES * 2, CHUNK_BYTES * 5 + 7] {
            let long = "x".repeat(length);
            for end in ["\n{\"c\":3}\n", "\n{\"c\":3}", "\n", ""] {
                let text = format!("{{\"a\":1}}\n{{\"b\":2}}\n{long}{end}");
                let path = written(folder.path(), "long.ndjson", text.as_bytes());
                let (messages, next, damage) = read_all(std::slice::from_ref(&path), &[None]);
                let third = (17 + length as i64, "{\"c\":3}".to_owned());
                let mut expected = vec![(0, "{\"a\":1}".to_owned()), (8, "{\"b\":2}".to_owned())];
                expected.extend(end.contains('c').then_some(third));
                assert_eq!(messages, expected, "{length} {end:?}");
                assert_eq!(next, [Some(text.len() as i64)], "{length} {end:?}");
                assert_eq!(damage.len(), 1, "{damage:?}");
                assert!(damage[0].contains("long.ndjson: the line at byte 16 is longer"));
                let again = read_all(&[path], &next);
                assert_eq!(again, (Vec::new(), next, Vec::new()), "{length} {end:?}");
            }
        }
    }

    #[test]
    fn a_document_that_is_too_large_is_told_of_as_long_as_it_is_unread_and_stops_no_other() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().expect("a folder");
        let large = format!("{{\n\"a\":\"{}\"}}", "x".repeat(CHUNK_BYTES));
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed
            .write_all(large.as_bytes())
            .expect("memory takes all");
        let table = format!("a,b\n{}", "1,2\n".repeat(CHUNK_BYTES / 4));
        let paths = [
            written(folder.path(), "a.json", large.as_bytes()),
            written(
                folder.path(),
                "b.json.gz",
                &packed.finish().expect("memory takes all"),
            ),
            written(folder.path(), "c.csv", table.as_bytes()),
            written(folder.path(), "d.json", b"{\n\"a\":1}"),
        ];
        let (messages, next, damage) = read_all(&paths, &[None; 4]);
        assert_eq!(messages, [(0, "{\n\"a\":1}".to_owned())]);
        assert_eq!(next, [None, None, None, Some(8)]);
        for (what, parts) in
            damage
                .iter()
                .zip([["a.json", "jq"], ["b.json.gz", "jq"], ["c.csv", "header"]])
        {
            assert!(parts.iter().all(|part| what.contains(part)), "{what}");
        }
        assert_eq!(damage.len(), 3, "{damage:?}");
        assert_eq!(read_all(&paths, &next), (Vec::new(), next.clone(), damage));
    }

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
        let inputs = crate::source::files::inputs(&[path], "none")
            .expect("an input")
            .inputs;
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

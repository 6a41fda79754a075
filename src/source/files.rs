//! Files and folders as a source: NDJSON, JSON documents, gzip; resumable by byte offset.
//!
//! A file of one record a line is streamed; any other JSON is one document and read whole, within a
//! limit. A lane is a file: its path and its first line name it, so a file that grew goes on where it
//! ended and one that was replaced begins anew.

mod gzip;
mod reading;
mod whole;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use reading::read;

use super::{Lane, SourceError};
use crate::domain::decode::split::value_end;
use crate::domain::decode::table::Header;
use crate::domain::decode::{is_archive, plain_text};

/// The longest first line that names a file.
const NAME_BYTES: usize = 4096;
/// Endings taken from folders; a file that is named is taken whatever it is called.
const ENDINGS: [&str; 7] = [".json", ".ndjson", ".jsonl", ".log", ".csv", ".tsv", ".txt"];
/// Endings of tables: what is called so is read as one, even if its header is not known.
const TABLES: [&str; 2] = [".csv", ".tsv"];

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

/// Files to be read, and those that folders hold besides.
#[derive(Debug, Default)]
pub struct Found {
    /// To be read, in order of name.
    pub inputs: Vec<Input>,
    /// Of other kinds by their names; whoever means one names it.
    pub passed_over: Vec<PathBuf>,
}

/// The files that these paths name, folders with all below them. A folder that holds the marker is
/// passed over: it is a lake.
///
/// # Errors
/// If a path does not exist or cannot be read.
pub fn inputs(paths: &[PathBuf], marker: &str) -> Result<Found, SourceError> {
    let mut walk = Walk::default();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
        if kind.is_dir() {
            collect(path, marker, &mut walk)?;
        } else if kind.is_file() {
            walk.files.push(path.clone());
        } else {
            return Err(SourceError::File(format!(
                "{} is no file: pipes and devices are not read; write the records to a file first",
                path.display()
            )));
        }
    }
    let mut seen = HashSet::new();
    let inputs = walk.files.into_iter().map(|path| input(&path));
    // A file that two paths name is read once.
    let inputs = inputs.filter(|input| {
        input
            .as_ref()
            .map_or(true, |input| seen.insert(input.lane.app_id.clone()))
    });
    Ok(Found {
        inputs: inputs.collect::<Result<_, _>>()?,
        passed_over: walk.passed_over,
    })
}

/// What was found on the way through folders.
#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    passed_over: Vec<PathBuf>,
}

fn collect(folder: &Path, marker: &str, walk: &mut Walk) -> Result<(), SourceError> {
    // A lake, or a Delta table of somebody else: its log is no input.
    if [marker, "_delta_log"]
        .iter()
        .any(|name| folder.join(name).exists())
    {
        return Ok(());
    }
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
            collect(&path, marker, walk)?;
        } else if kind.is_file() && ENDINGS.iter().any(|ending| plain.ends_with(ending)) {
            walk.files.push(path);
        } else {
            walk.passed_over.push(path);
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
    // Of the path as the system has it: what is no text looks alike when it is shown.
    let name = path.as_os_str().as_encoded_bytes();
    let id = fnv128(&[name, &[0], named_by, &size.to_le_bytes()].concat());
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
    if is_archive(start) {
        // Its lines are none.
        return Shape::Document;
    }
    if matches!(
        start,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..]
    ) {
        // Its line breaks are not those of bytes: whatever is no table is read as a whole.
        return match shape_of_text(&plain_text(start.to_vec()), name) {
            Shape::Csv => Shape::Csv,
            Shape::Lines | Shape::Document => Shape::Document,
        };
    }
    shape_of_text(start, name)
}

fn shape_of_text(start: &[u8], name: &str) -> Shape {
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
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let is_named_so = TABLES.iter().any(|ending| plain.ends_with(ending));
        let mut lines = start
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_start);
        let has_braces = lines.any(|line| line.starts_with(b"{"));
        let is_table = is_named_so || Header::begins(start, has_braces);
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
        return Ok(Box::new(gzip::Gzip::new(buffered)));
    }
    Ok(Box::new(file))
}

/// Whether a file is cut off or broken inside, rather than out of reach.
fn is_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

fn cannot_read(path: &Path, error: &std::io::Error) -> SourceError {
    SourceError::File(format!(
        "cannot read {}: {error}; check the path and the rights on it",
        path.display()
    ))
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
        let braces = b"Id,Status,ResultType,AppId,AppDisplayName,UserId\n1,\"\n{\n}\"\n";
        assert_eq!(shape(braces, ""), Shape::Csv);
        assert_eq!(shape(b"Id,Status\n{\"a\":1}\n", ""), Shape::Lines);
        let wide = |text: &str| -> Vec<u8> {
            let units = format!("\u{feff}{text}");
            units.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        assert_eq!(shape(&wide("{\"a\":1,\"b\":2}"), "x.json"), Shape::Document);
        assert_eq!(shape(&wide("Date,User\r\n1,2\r\n"), "x.csv"), Shape::Csv);
        let tabs = b"Date (UTC)\tRequest ID\n1\t2\n";
        assert_eq!(shape(tabs, "x.txt"), Shape::Csv);
        assert_eq!(shape(b"hello, world\n1,2\n", "x.txt"), Shape::Lines);
        assert_eq!(shape(b"\x01,\xff\n\x02", "x.log"), Shape::Lines);
        assert_eq!(shape(b"Datum;Benutzer\n", "x.tsv.gz"), Shape::Csv);
        for packed in [
            &b"PK\x03\x04a,User\n"[..],
            b"BZh91AY",
            b"\x28\xb5\x2f\xfd\n\n",
        ] {
            assert_eq!(shape(packed, "x.csv"), Shape::Document);
        }
        assert_eq!(shape(b"garbage\n{\"a\":1}\n", "x.log"), Shape::Lines);
        assert_eq!(
            shape(b"x\",\"code\":0}\n{\"a\":1}\n", "x.log"),
            Shape::Lines
        );
    }
}

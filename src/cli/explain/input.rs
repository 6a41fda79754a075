//! Files and standard input as messages, cut up as `ingest` would.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, bounded};
use tempfile::NamedTempFile;

use super::story::Place;
use crate::cli::Failure;
use crate::source::{Chunk, Form, SourceEvent, files};

/// Chunks read ahead, about 1 MiB each: nobody reads explanations faster than a disk.
const EVENTS: usize = 2;
/// The most of standard input: it is kept on disk, since only a file tells its form by its start.
const STDIN_BYTES_MAX: u64 = 1 << 30;

/// What is to be explained.
pub(super) struct Input {
    /// What people call it.
    pub(super) name: String,
    path: PathBuf,
    is_stdin: bool,
    /// Standard input, as long as it is needed.
    _spool: Option<NamedTempFile>,
}

impl Input {
    /// A file or folder; `-` is standard input.
    pub(super) fn open(file: &Path) -> Result<Input, Failure> {
        if file.as_os_str() != "-" {
            return Ok(Input {
                name: file.display().to_string(),
                path: file.to_path_buf(),
                is_stdin: false,
                _spool: None,
            });
        }
        let spool = spool().map_err(|error| {
            Failure::new(format!("cannot keep standard input in a file: {error}"))
        })?;
        Ok(Input {
            name: "standard input".to_owned(),
            path: spool.path().to_path_buf(),
            is_stdin: true,
            _spool: Some(spool),
        })
    }

    /// Gives every message to `each`; what could not be read, in sentences.
    pub(super) fn read(
        &self,
        mut each: impl FnMut(&[u8], &Form, Place) -> Result<(), Failure>,
    ) -> Result<Vec<String>, Failure> {
        let found = files::inputs(std::slice::from_ref(&self.path), crate::lake::MARKER)?;
        let inputs = found.inputs;
        let (inputs, from) = (inputs.as_slice(), &vec![None; inputs.len()]);
        let (events, incoming) = bounded(EVENTS);
        let stop = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(move || files::read(inputs, from, &events, stop, |_| ()));
            // Either end of the channel goes with its work, so that neither waits for ever.
            self.take(incoming, &mut each)
        })
    }

    fn take(
        &self,
        incoming: Receiver<SourceEvent>,
        each: &mut impl FnMut(&[u8], &Form, Place) -> Result<(), Failure>,
    ) -> Result<Vec<String>, Failure> {
        let mut damaged = Vec::new();
        for event in incoming {
            match event {
                SourceEvent::Chunk(chunk) => self.chunk(&chunk, each)?,
                SourceEvent::Lag(..) => {}
                SourceEvent::Damaged(what) => damaged.push(what),
                SourceEvent::End => break,
                SourceEvent::Failed(error) => return Err(error.into()),
            }
        }
        Ok(damaged)
    }

    fn chunk(
        &self,
        chunk: &Chunk,
        each: &mut impl FnMut(&[u8], &Form, Place) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (offset, range) in &chunk.messages {
            let stream = if self.is_stdin {
                &self.name
            } else {
                &*chunk.lane.stream
            };
            let place = Place {
                table: None,
                stream: stream.to_owned(),
                partition: chunk.lane.partition,
                offset: *offset,
                index: 0,
            };
            each(&chunk.bytes[range.clone()], &chunk.form, place)?;
        }
        Ok(())
    }
}

fn spool() -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let mut stdin = std::io::stdin().lock().take(STDIN_BYTES_MAX + 1);
    if std::io::copy(&mut stdin, &mut file)? > STDIN_BYTES_MAX {
        let most = STDIN_BYTES_MAX >> 20;
        return Err(std::io::Error::other(format!(
            "more than {most} MiB; name the file instead"
        )));
    }
    file.flush()?;
    Ok(file)
}

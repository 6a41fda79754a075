//! The lake: Delta tables in one folder on the local file system.
//!
//! Owns the folder's layout, its lock, and the order in which the tables of one span are committed:
//! rejects and revisions first, `sign_ins` with the offsets last. What `sign_ins` says is stored, is
//! stored in all tables; findings are derived from `sign_ins` and follow it.

mod builder;
pub mod columns;
pub mod document;
mod error;
pub mod file;
pub mod findings;
pub mod history;
pub mod imports;
mod pages;
mod policies;
pub mod raw;
pub mod rejects;
pub mod resolutions;
mod row_group;
pub mod sign_ins;
pub mod sql;
pub mod table;
mod texts;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

pub use error::LakeError;
pub use table::{Advance, Receipt, Table};

use file::FileWriter;
use findings::{LOOPS, Loops, MAILBOX_STATES, MailboxStates};
use imports::{MAILBOXES, Mailboxes};
use rejects::{REJECTS, Rejects};
use resolutions::{RESOLUTIONS, Resolutions};
use sign_ins::{SIGN_INS, SignIns};

/// Names of the tables, which are also their folders.
pub mod names {
    /// One row a sign-in.
    pub const SIGN_INS: &str = "sign_ins";
    /// Later, differing copies of sign-ins.
    pub const SIGN_IN_REVISIONS: &str = "sign_in_revisions";
    /// What could not become a sign-in.
    pub const REJECTS: &str = "rejects";
    /// Rejects that were understood later.
    pub const REJECT_RESOLUTIONS: &str = "reject_resolutions";
    /// Revisions of loops.
    pub const LOOPS: &str = "loops";
    /// Changes of mailbox states.
    pub const MAILBOX_STATES: &str = "mailbox_states";
    /// Mailboxes as imported.
    pub const MAILBOXES: &str = "mailboxes";
    /// All of them.
    pub const ALL: [&str; 7] = [
        SIGN_INS,
        SIGN_IN_REVISIONS,
        REJECTS,
        REJECT_RESOLUTIONS,
        LOOPS,
        MAILBOX_STATES,
        MAILBOXES,
    ];
}

/// Says that a folder is a lake, and of which format.
pub const MARKER: &str = "signloop-lake.json";
/// What the marker holds.
const MARKER_TEXT: &str = "{\"format\":2}\n";
/// The format that this program writes.
const FORMAT: u64 = 2;
const LOCK: &str = ".signloop.lock";

const EVENT_DATE: Option<&str> = Some("event_date");
const INGEST_DATE: Option<&str> = Some("ingest_date");

/// The columns of a table as readers see them, with its partition.
fn declared_schema(name: &str) -> SchemaRef {
    let (columns, partition) = declared(name);
    with_partition(&columns, partition)
}

/// The columns of a table as they are written, and its partition.
fn declared(name: &str) -> (SchemaRef, Option<&'static str>) {
    match name {
        names::REJECTS => (columns::schema(REJECTS), INGEST_DATE),
        names::REJECT_RESOLUTIONS => (columns::schema(RESOLUTIONS), None),
        names::LOOPS => (columns::schema(LOOPS), EVENT_DATE),
        names::MAILBOX_STATES => (columns::schema(MAILBOX_STATES), EVENT_DATE),
        names::MAILBOXES => (columns::schema(MAILBOXES), None),
        _ => (columns::schema(SIGN_INS), EVENT_DATE),
    }
}

fn with_partition(columns: &Schema, partition: Option<&str>) -> SchemaRef {
    let fields = columns.fields().iter().map(|field| field.as_ref().clone());
    let partition = partition.map(|name| Field::new(name, DataType::Date32, false));
    Arc::new(Schema::new(fields.chain(partition).collect::<Vec<_>>()))
}

/// A lake that this process alone writes to.
pub struct Lake {
    root: PathBuf,
    /// Distinguishes the file names of this run from those of all others.
    run: String,
    /// One row a sign-in, with the offsets.
    pub sign_ins: Table,
    /// Later, differing copies.
    pub revisions: Table,
    /// What could not become a sign-in.
    pub rejects: Table,
    /// Rejects that were understood later.
    pub resolutions: Table,
    /// Revisions of loops.
    pub loops: Table,
    /// Changes of mailbox states.
    pub mailbox_states: Table,
    _lock: File,
}

impl Lake {
    /// Opens the lake in this folder for writing, creating it if the folder is empty or absent.
    pub async fn open(root: &Path) -> Result<Lake, LakeError> {
        prepare(root)?;
        let lock = lock(root)?;
        let open = |name| {
            let (schema, partition) = declared(name);
            Table::open(root, name, schema, partition)
        };
        let (sign_ins, revisions, rejects, resolutions, loops, mailbox_states, _) = tokio::try_join!(
            open(names::SIGN_INS),
            open(names::SIGN_IN_REVISIONS),
            open(names::REJECTS),
            open(names::REJECT_RESOLUTIONS),
            open(names::LOOPS),
            open(names::MAILBOX_STATES),
            open_mailboxes(root),
        )?;
        let lake = Lake {
            root: root.to_path_buf(),
            run: format!("{:x}-{:x}", file::now_ms(), std::process::id()),
            sign_ins,
            revisions,
            rejects,
            resolutions,
            loops,
            mailbox_states,
            _lock: lock,
        };
        for table in [
            &lake.sign_ins,
            &lake.revisions,
            &lake.rejects,
            &lake.resolutions,
            &lake.loops,
            &lake.mailbox_states,
        ] {
            table.sweep()?;
        }
        Ok(lake)
    }

    /// Nothing has been written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.sign_ins, &self.loops, &self.mailbox_states]
            .iter()
            .all(|table| table.live_files() == 0)
    }

    /// The lake's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writers for the tables that worker number `worker` fills.
    #[must_use]
    pub fn worker_files(&self, worker: usize) -> WorkerFiles {
        let prefix = format!("{}-{worker}", self.run);
        WorkerFiles {
            sign_ins: FileWriter::new(
                self.sign_ins.root().to_path_buf(),
                SIGN_INS,
                EVENT_DATE,
                prefix.clone(),
            ),
            revisions: FileWriter::new(
                self.revisions.root().to_path_buf(),
                SIGN_INS,
                EVENT_DATE,
                prefix.clone(),
            ),
            rejects: FileWriter::new(
                self.rejects.root().to_path_buf(),
                REJECTS,
                INGEST_DATE,
                prefix,
            ),
        }
    }

    /// A writer for rejects that were understood.
    #[must_use]
    pub fn resolution_files(&self) -> FileWriter<Resolutions> {
        let root = self.resolutions.root().to_path_buf();
        FileWriter::new(root, RESOLUTIONS, None, self.run.clone())
    }

    /// Writers for the tables of findings.
    #[must_use]
    pub fn finding_files(&self) -> (FileWriter<Loops>, FileWriter<MailboxStates>) {
        let loops = FileWriter::new(
            self.loops.root().to_path_buf(),
            LOOPS,
            EVENT_DATE,
            self.run.clone(),
        );
        let states = FileWriter::new(
            self.mailbox_states.root().to_path_buf(),
            MAILBOX_STATES,
            EVENT_DATE,
            self.run.clone(),
        );
        (loops, states)
    }
}

/// What one worker writes.
pub struct WorkerFiles {
    /// New sign-ins.
    pub sign_ins: FileWriter<SignIns>,
    /// Later, differing copies.
    pub revisions: FileWriter<SignIns>,
    /// Rejects.
    pub rejects: FileWriter<Rejects>,
}

/// Opens the table of imported mailboxes; it has writers of its own and no lane.
pub async fn open_mailboxes(root: &Path) -> Result<Table, LakeError> {
    prepare(root)?;
    Table::open(root, names::MAILBOXES, columns::schema(MAILBOXES), None).await
}

/// A writer for one import.
#[must_use]
pub fn mailbox_files(table: &Table) -> FileWriter<Mailboxes> {
    let prefix = format!("{:x}-{:x}", file::now_ms(), std::process::id());
    FileWriter::new(table.root().to_path_buf(), MAILBOXES, None, prefix)
}

/// Refuses a folder that is no lake.
pub fn require(root: &Path) -> Result<(), LakeError> {
    if is_marked(root)? {
        return Ok(());
    }
    let what = if root.is_dir() {
        "is not a Signloop lake"
    } else {
        "does not exist"
    };
    Err(LakeError::NotALake(format!(
        "the lake folder {} {what}; name one with --lake, or fill one with `signloop ingest` or `signloop run`",
        root.display()
    )))
}

/// Whether the folder says that it is a lake; one of another format is refused.
fn is_marked(root: &Path) -> Result<bool, LakeError> {
    let marker = root.join(MARKER);
    let text = match std::fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(_) if !marker.exists() => return Ok(false),
        Err(error) => return Err(LakeError::io(&marker, error)),
    };
    let read: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let format = read.as_ref().and_then(|marker| marker["format"].as_u64());
    let why = match format {
        Some(FORMAT) => return Ok(true),
        Some(other) => {
            let advice = if other > FORMAT {
                "use a newer one"
            } else {
                "use the one that wrote it, or take the sources into a new lake"
            };
            format!("has the format {other}, and this program knows {FORMAT} only; {advice}")
        }
        None => format!(
            "cannot be trusted: its {MARKER} is damaged; restore it, it holds {}",
            MARKER_TEXT.trim()
        ),
    };
    Err(LakeError::NotALake(format!(
        "the lake {} {why}",
        root.display()
    )))
}

/// Makes an empty folder a lake; a folder with anything else in it is left alone.
fn prepare(root: &Path) -> Result<(), LakeError> {
    if is_marked(root)? {
        return Ok(());
    }
    if root.is_file() {
        return Err(LakeError::NotALake(format!(
            "{} is a file; name the folder of a lake, or an empty or new one",
            root.display()
        )));
    }
    let marker = root.join(MARKER);
    std::fs::create_dir_all(root).map_err(|error| LakeError::io(root, error))?;
    let mut entries = std::fs::read_dir(root).map_err(|error| LakeError::io(root, error))?;
    if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != LOCK)) {
        return Err(LakeError::NotALake(format!(
            "the folder {} is not empty and not a Signloop lake; name a lake, or an empty or new folder",
            root.display()
        )));
    }
    std::fs::write(&marker, MARKER_TEXT).map_err(|error| LakeError::io(&marker, error))?;
    File::open(&marker)
        .and_then(|file| file.sync_all())
        .map_err(|error| LakeError::io(&marker, error))?;
    file::sync_directory(root)
}

fn lock(root: &Path) -> Result<File, LakeError> {
    let path = root.join(LOCK);
    let file = File::create(&path).map_err(|error| LakeError::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(LakeError::Locked(format!(
            "the lake {} is being written by another signloop; stop it, or name another lake with --lake",
            root.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(LakeError::io(&path, error)),
    }
}

//! One Delta table on the local file system: open or create, remember offsets, commit files.
//!
//! Owns the rule that makes writing exactly-once: a commit carries its files and the next offsets of
//! every lane together, and is only made if the offsets stored so far are those the span begins at.
//! What a commit names has been synced before, and the commit itself is synced before it is believed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::datatypes::{Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, StructType, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};

use super::LakeError;
use super::file::{WrittenFile, sync_directory};

/// How far a lane is stored, and how far it will be: the next offset, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Name of the lane in the table's log.
    pub app_id: String,
    /// Next offset stored so far; `None` when nothing is.
    pub from: Option<i64>,
    /// Next offset after the commit.
    pub to: i64,
}

/// Proof that everything of a lane before an offset is durable. Only a commit makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    app_id: String,
    next: i64,
}

impl Receipt {
    /// Name of the lane in the table's log.
    #[must_use]
    pub fn lane(&self) -> &str {
        &self.app_id
    }

    /// First offset that is not durable yet.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.next
    }
}

/// An open table.
pub struct Table {
    name: &'static str,
    root: PathBuf,
    delta: DeltaTable,
    partition: Option<&'static str>,
}

impl Table {
    /// Opens the table in this folder, creating it if it is not there.
    pub async fn open(
        lake: &Path,
        name: &'static str,
        schema: SchemaRef,
        partition: Option<&'static str>,
    ) -> Result<Table, LakeError> {
        let root = lake.join(name);
        std::fs::create_dir_all(&root).map_err(|error| LakeError::io(&root, error))?;
        sync_directory(lake)?;
        let url = deltalake::ensure_table_uri(root.to_string_lossy())
            .map_err(|error| LakeError::delta(name, error))?;
        let mut delta = DeltaTableBuilder::from_url(url)
            .and_then(|builder| builder.build())
            .map_err(|error| LakeError::delta(name, error))?;
        match delta.load().await {
            Ok(()) => {}
            Err(DeltaTableError::NotATable(_)) => {
                delta = create(delta, name, &schema, partition).await?
            }
            Err(error) => return Err(LakeError::delta(name, error)),
        }
        let table = Table {
            name,
            root,
            delta,
            partition,
        };
        table.sync_log()?;
        table.check_columns(&schema)?;
        Ok(table)
    }

    /// Opens a table that must be there.
    pub async fn open_existing(lake: &Path, name: &'static str) -> Result<DeltaTable, LakeError> {
        let root = lake.join(name);
        let url = deltalake::ensure_table_uri(root.to_string_lossy())
            .map_err(|error| LakeError::delta(name, error))?;
        deltalake::open_table(url)
            .await
            .map_err(|error| LakeError::delta(name, error))
    }

    /// Folder of the table.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Name of the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The newest version of the table, whoever wrote it.
    pub async fn newest_version(&self) -> Result<u64, LakeError> {
        self.delta
            .get_latest_version()
            .await
            .map_err(|error| LakeError::delta(self.name, error))
    }

    /// Paths of the files that readers of the log see, below the table's folder as it was named.
    pub fn live_paths(&self) -> Result<Vec<PathBuf>, LakeError> {
        let snapshot = self
            .delta
            .snapshot()
            .map_err(|error| LakeError::delta(self.name, error))?;
        let files = snapshot.log_data().into_iter();
        Ok(files
            .map(|file| self.root.join(file.object_store_path().as_ref()))
            .collect())
    }

    /// Number of files that readers of the log see.
    #[must_use]
    pub fn live_files(&self) -> usize {
        self.delta
            .snapshot()
            .map_or(0, |snapshot| snapshot.log_data().num_files())
    }

    /// Next offset of a lane, `None` when nothing of it is stored.
    pub async fn offset(&self, app_id: &str) -> Result<Option<i64>, LakeError> {
        let snapshot = self
            .delta
            .snapshot()
            .map_err(|error| LakeError::delta(self.name, error))?;
        let log = self.delta.log_store();
        snapshot
            .transaction_version(log.as_ref(), app_id)
            .await
            .map_err(|error| LakeError::delta(self.name, error))
    }

    /// Makes files and offsets part of the table, both or neither.
    ///
    /// # Errors
    /// [`LakeError::Fenced`] when another writer has moved a lane meanwhile; then nothing was committed.
    pub async fn commit(
        &mut self,
        files: &[WrittenFile],
        advances: &[Advance],
    ) -> Result<Vec<Receipt>, LakeError> {
        self.sync_folders(files)?;
        self.delta
            .update_state()
            .await
            .map_err(|error| LakeError::delta(self.name, error))?;
        for advance in advances {
            let stored = self.offset(&advance.app_id).await?;
            let backwards = advance.from.is_some_and(|from| from > advance.to);
            if stored != advance.from || backwards {
                return Err(LakeError::Fenced {
                    table: self.name,
                    lane: advance.app_id.clone(),
                    expected: advance.from,
                    found: stored,
                });
            }
        }
        let transactions = advances
            .iter()
            .map(|advance| Transaction::new(&advance.app_id, advance.to))
            .collect();
        let properties = CommitProperties::default().with_application_transactions(transactions);
        let actions = files
            .iter()
            .map(|file| Action::Add(self.add(file)))
            .collect();
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: self.partition.map(|column| vec![column.to_owned()]),
            predicate: None,
        };
        let snapshot = self
            .delta
            .snapshot()
            .map_err(|error| LakeError::delta(self.name, error))?;
        let finished = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), operation)
            .await
            .map_err(|error| LakeError::commit(self.name, error))?;
        self.delta.state = Some(finished.snapshot());
        self.sync_log()?;
        Ok(advances
            .iter()
            .map(|advance| Receipt {
                app_id: advance.app_id.clone(),
                next: advance.to,
            })
            .collect())
    }

    fn add(&self, file: &WrittenFile) -> Add {
        let partition_values = match (self.partition, &file.partition) {
            (Some(column), Some(value)) => {
                HashMap::from([(column.to_owned(), Some(value.clone()))])
            }
            _ => HashMap::new(),
        };
        Add {
            path: file.path.clone(),
            partition_values,
            size: file.bytes as i64,
            modification_time: file.written_at_ms,
            data_change: true,
            stats: Some(format!("{{\"numRecords\":{}}}", file.rows)),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }

    /// Removes files that no commit names: what a killed run had written but not committed.
    pub fn sweep(&self) -> Result<usize, LakeError> {
        let live: std::collections::HashSet<PathBuf> = self.live_paths()?.into_iter().collect();
        let mut removed = 0;
        for folder in folders(&self.root)? {
            for path in parquet_files(&folder)? {
                if !live.contains(&path) {
                    std::fs::remove_file(&path).map_err(|error| LakeError::io(&path, error))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn sync_folders(&self, files: &[WrittenFile]) -> Result<(), LakeError> {
        let folders: std::collections::BTreeSet<PathBuf> = files
            .iter()
            .filter_map(|file| self.root.join(&file.path).parent().map(Path::to_path_buf))
            .collect();
        if !files.is_empty() {
            sync_directory(&self.root)?;
        }
        folders.iter().try_for_each(|folder| sync_directory(folder))
    }

    /// Syncs the newest log entry and its folder: a commit that power loss takes back never was.
    fn sync_log(&self) -> Result<(), LakeError> {
        let log = self.root.join("_delta_log");
        if let Some(version) = self.delta.version() {
            let entry = log.join(format!("{version:020}.json"));
            match std::fs::File::open(&entry) {
                Ok(file) => file
                    .sync_all()
                    .map_err(|error| LakeError::io(&entry, error))?,
                // Entries older than a checkpoint may have been cleaned up.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LakeError::io(&entry, error)),
            }
        }
        sync_directory(&log)
    }

    fn check_columns(&self, expected: &Schema) -> Result<(), LakeError> {
        let snapshot = self
            .delta
            .snapshot()
            .map_err(|error| LakeError::delta(self.name, error))?;
        let stored = snapshot.schema();
        let missing = expected
            .fields()
            .iter()
            .find(|field| stored.field(field.name()).is_none());
        match missing {
            None => Ok(()),
            Some(field) => Err(LakeError::NotALake(format!(
                "the table {} in {} has no column {}: it was written by another version; use a new lake folder",
                self.name,
                self.root.display(),
                field.name()
            ))),
        }
    }
}

async fn create(
    delta: DeltaTable,
    name: &'static str,
    schema: &Schema,
    partition: Option<&str>,
) -> Result<DeltaTable, LakeError> {
    let with_partition = super::with_partition(schema, partition);
    let kernel: StructType = with_partition
        .as_ref()
        .try_into_kernel()
        .map_err(|error| LakeError::Delta(name, error.to_string()))?;
    let builder = delta
        .create()
        .with_table_name(name)
        .with_columns(kernel.fields().cloned())
        .with_partition_columns(partition);
    builder.await.map_err(|error| LakeError::delta(name, error))
}

/// The table's folder and those of its partitions.
fn folders(root: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut folders = vec![root.to_path_buf()];
    for entry in std::fs::read_dir(root).map_err(|error| LakeError::io(root, error))? {
        let path = entry.map_err(|error| LakeError::io(root, error))?.path();
        let is_partition = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains('='));
        if is_partition && path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| LakeError::io(folder, error))? {
        let path = entry.map_err(|error| LakeError::io(folder, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            files.push(path);
        }
    }
    Ok(files)
}

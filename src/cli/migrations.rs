//! `signloop migrations`: facts of mailbox migrations into the lake.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::service::Service;
use super::{Exit, Failure, LakeOption, service};
use crate::domain::migration::{DateOrder, Import, ImportOptions, read};
use crate::lake::file::now_ms;
use crate::lake::imports::ImportedMailbox;
use crate::lake::sql::Session;
use crate::lake::{LakeError, history, mailbox_files, open_mailboxes};
use crate::pipeline::{Pipeline, Settings};

/// Rows that are told one by one; the rest is counted.
const ROWS_SHOWN: usize = 10;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Exports with the cutover of each mailbox; a running service takes them up at its next commit
    Import(Options),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop migrations import --lake lake moves.csv
  signloop migrations import --lake lake --tz Europe/Berlin --date-order dmy moves.csv

Reads user,cutover_at[,batch] and `Get-MoveRequestStatistics | Export-Csv`.
Dates that could mean two instants are refused; --tz and --date-order settle them.")]
pub struct Options {
    /// CSV files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    lake: LakeOption,
    /// Time zone of dates that name none, such as Europe/Berlin or UTC
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Order of dates such as 3/4/2026
    #[arg(long, value_name = "dmy|mdy|ymd")]
    date_order: Option<DateOrder>,
}

pub fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Import(options) => import(options),
    }
}

/// Reads every file before anything is written: all of them or none.
fn import(options: &Options) -> Result<Exit, Failure> {
    let imports = options
        .files
        .iter()
        .map(|path| read_file(path, options))
        .collect::<Result<Vec<_>, _>>()?;
    let written = service::runtime()?.block_on(write(&options.lake.lake, &imports))?;
    let mut out = std::io::stdout().lock();
    for export in &imports {
        tell(&mut out, export)?;
    }
    writeln!(
        out,
        "{written} mailboxes imported into {}",
        options.lake.lake.display()
    )?;
    if written > 0 {
        writeln!(out, "{}", apply(&options.lake.lake)?)?;
    }
    let refused = imports
        .iter()
        .any(|export| !export.import.refused_rows.is_empty());
    Ok(if written == 0 && refused {
        Exit::Invalid
    } else {
        Exit::Ok
    })
}

/// Derives the findings anew, unless a running service will; says which.
fn apply(lake: &Path) -> Result<&'static str, Failure> {
    let service = Service::new()?;
    let pipeline = Pipeline::start(lake, Settings::default(), service.shared(), None);
    match service.runtime.block_on(pipeline) {
        Ok(pipeline) => pipeline.settle()?,
        Err(LakeError::Locked(_)) => {
            return Ok("the running signloop takes them up at its next commit");
        }
        Err(error) => return Err(error.into()),
    }
    Ok("loops and mailbox states in the lake now follow them")
}

/// What an export says, and the name under which the lake remembers it.
pub struct Export {
    source: String,
    import: Import,
}

impl Export {
    /// Reads the bytes of an export.
    pub fn read(bytes: &[u8], options: &ImportOptions) -> Result<Export, Failure> {
        let import = read(bytes, options).map_err(Failure::invalid)?;
        Ok(Export {
            source: options.source.clone(),
            import,
        })
    }
}

fn read_file(path: &Path, options: &Options) -> Result<Export, Failure> {
    let source = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::invalid(format!("cannot read {source}: {error}; check the path"))
    })?;
    let tz = options.tz.as_deref().map(zone).transpose()?;
    Export::read(
        &bytes,
        &ImportOptions {
            tz,
            date_order: options.date_order,
            source,
        },
    )
}

fn zone(name: &str) -> Result<jiff::tz::TimeZone, Failure> {
    jiff::tz::TimeZone::get(name).map_err(|_| {
        Failure::invalid(format!("{name} is no time zone that is known; use a name such as Europe/Berlin or UTC with --tz"))
    })
}

/// Writes the mailboxes of these exports into a lake, each export as an import of its own; tells how many.
pub async fn write(lake: &Path, exports: &[Export]) -> Result<usize, LakeError> {
    let mut table = open_mailboxes(lake).await?;
    let newest = history::imports(&Session::open(lake).await?).await?.newest;
    let mut files = mailbox_files(&table);
    let mut written = 0;
    for (number, export) in (newest + 1..).zip(exports) {
        for mailbox in &export.import.mailboxes {
            let row = ImportedMailbox {
                mailbox: mailbox.clone(),
                import: number,
                imported_at: now_ms() * 1000,
                source: export.source.clone(),
            };
            files.push(0, &row, 0)?;
            written += 1;
        }
    }
    let files = files.seal()?;
    if !files.is_empty() {
        table.commit(&files, &[]).await?;
    }
    Ok(written)
}

fn tell(out: &mut impl std::io::Write, export: &Export) -> Result<(), Failure> {
    let Export { source, import } = export;
    let moved = import
        .mailboxes
        .iter()
        .filter(|mailbox| mailbox.cutover_at.is_some())
        .count();
    let weak = import
        .mailboxes
        .iter()
        .filter(|mailbox| !mailbox.has_strong_key())
        .count();
    writeln!(
        out,
        "{source}: {} mailboxes, {moved} of them cut over",
        import.mailboxes.len()
    )?;
    if weak > 0 {
        writeln!(
            out,
            "  {weak} have no sign-in name: they are joined by alias or display name, which is weak"
        )?;
    }
    for note in &import.notes {
        writeln!(out, "  {note}")?;
    }
    for row in import.refused_rows.iter().take(ROWS_SHOWN) {
        writeln!(out, "  line {} was refused: {}", row.line, row.reason)?;
    }
    if import.refused_rows.len() > ROWS_SHOWN {
        writeln!(
            out,
            "  and {} more refused rows",
            import.refused_rows.len() - ROWS_SHOWN
        )?;
    }
    Ok(())
}

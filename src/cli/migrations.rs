//! `signloop migrations`: facts of mailbox migrations into the lake.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Exit, Failure, LakeOption, service};
use crate::domain::migration::{DateOrder, Import, ImportOptions, read};
use crate::lake::file::now_ms;
use crate::lake::findings::ImportedMailbox;
use crate::lake::sql::Session;
use crate::lake::{LakeError, history, mailbox_files, open_mailboxes};

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
    let imports = options.files.iter().map(|path| read_file(path, options)).collect::<Result<Vec<_>, _>>()?;
    let written = service::runtime()?.block_on(write(&options.lake.lake, &imports))?;
    let mut out = std::io::stdout().lock();
    for (name, import) in &imports {
        tell(&mut out, name, import)?;
    }
    writeln!(out, "{written} mailboxes imported into {}", options.lake.lake.display())?;
    Ok(Exit::Ok)
}

fn read_file(path: &Path, options: &Options) -> Result<(String, Import), Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Failure::invalid(format!("cannot read {name}: {error}; check the path")))?;
    let tz = options.tz.as_deref().map(zone).transpose()?;
    let import = read(&bytes, &ImportOptions { tz, date_order: options.date_order, source: name.clone() }).map_err(Failure::invalid)?;
    Ok((name, import))
}

fn zone(name: &str) -> Result<jiff::tz::TimeZone, Failure> {
    jiff::tz::TimeZone::get(name).map_err(|_| {
        Failure::invalid(format!("{name} is no time zone that is known; use a name such as Europe/Berlin or UTC with --tz"))
    })
}

async fn write(lake: &Path, imports: &[(String, Import)]) -> Result<usize, LakeError> {
    let mut table = open_mailboxes(lake).await?;
    let (_, newest) = history::mailboxes(&Session::open(lake).await?).await?;
    let mut files = mailbox_files(&table);
    let mut written = 0;
    for (number, (source, import)) in (newest + 1..).zip(imports) {
        for mailbox in &import.mailboxes {
            let row = ImportedMailbox { mailbox: mailbox.clone(), import: number, imported_at: now_ms() * 1000, source: source.clone() };
            files.push(0, &row)?;
            written += 1;
        }
    }
    let files = files.seal()?;
    if !files.is_empty() {
        table.commit(&files, &[]).await?;
    }
    Ok(written)
}

fn tell(out: &mut impl std::io::Write, name: &str, import: &Import) -> Result<(), Failure> {
    let moved = import.mailboxes.iter().filter(|mailbox| mailbox.cutover_at.is_some()).count();
    let weak = import.mailboxes.iter().filter(|mailbox| !mailbox.has_strong_key()).count();
    writeln!(out, "{name}: {} mailboxes, {moved} of them cut over", import.mailboxes.len())?;
    if weak > 0 {
        writeln!(out, "  {weak} have no sign-in name: they are joined by alias or display name, which is weak")?;
    }
    for note in &import.notes {
        writeln!(out, "  {note}")?;
    }
    for row in import.refused_rows.iter().take(ROWS_SHOWN) {
        writeln!(out, "  line {} was refused: {}", row.line, row.reason)?;
    }
    if import.refused_rows.len() > ROWS_SHOWN {
        writeln!(out, "  and {} more refused rows", import.refused_rows.len() - ROWS_SHOWN)?;
    }
    Ok(())
}

//! An export's bytes to mailboxes: the entry point of an import.
//!
//! Owns what the cells of a row mean (which identity, which batch, whether the move is complete)
//! and what happens to rows that speak of the same user. A bad row is listed with its line and
//! its reason and never touches its neighbours. Must not decide how a sign-in finds a mailbox.

use super::dates::{self, DateOrder, Dated};
use super::error::{ImportError, shown};
use super::layout::{self, ExportKind, Layout};
use super::mailbox::{Mailbox, UNBATCHED, UserKey, folded, guid_text, is_address, parse_guid};
use super::table::{self, Row};
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// What the file itself may leave open.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The zone of dates that name none.
    pub tz: Option<TimeZone>,
    /// The order of day, month and year where the dates leave it open.
    pub date_order: Option<DateOrder>,
    /// The name of the file, for messages.
    pub source: String,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub kind: ExportKind,
    /// One per mailbox, in the order of the file.
    pub mailboxes: Vec<Mailbox>,
    /// The rows that could not be taken, by line.
    pub refused_rows: Vec<RefusedRow>,
    /// What a person should know about an import that worked.
    pub notes: Vec<String>,
}

/// One row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    pub line: u64,
    pub reason: String,
}

/// The most users whose double rows are named one by one in the notes.
const NAMED_NOTES_MAX: usize = 20;
/// What Exchange puts before the name of a batch in a move request.
const BATCH_PREFIX: &str = "migrationservice:";

/// Reads an export, recognised by its header. Fails only when no row could be trusted; a file
/// of which every row is refused is a result.
pub fn read(bytes: &[u8], options: &ImportOptions) -> Result<Import, ImportError> {
    let text = table::decode(bytes, &options.source)?;
    let (layout, rows) = layout::open(&text, &options.source)?;
    let mut refused_rows = Vec::new();
    let mut drafts = Vec::new();
    for row in rows {
        let draft = row.and_then(|row| {
            let line = row.line;
            draft(&row, &layout).map_err(|reason| RefusedRow { line, reason })
        });
        match draft {
            Ok(draft) => drafts.push(draft),
            Err(refused) => refused_rows.push(refused),
        }
    }
    let mut notes = Vec::new();
    if drafts.is_empty() && refused_rows.is_empty() {
        notes.push("no rows: the file has a header and nothing else".to_owned());
    }
    let mailboxes = with_cutovers(drafts, options, &mut refused_rows)?;
    let mailboxes = one_per_user(mailboxes, &mut notes);
    note_doubts(layout.kind, &mailboxes, &mut notes);
    refused_rows.sort_by_key(|row| row.line);
    Ok(Import {
        kind: layout.kind,
        mailboxes,
        refused_rows,
        notes,
    })
}

/// A mailbox whose cutover is still the text of its cell.
struct Draft {
    mailbox: Mailbox,
    cutover: String,
}

fn draft(row: &Row<'_>, layout: &Layout) -> Result<Draft, String> {
    if let Some(misfit) = layout.misfit(row) {
        return Err(misfit);
    }
    let cell = |column: Option<usize>| column.map_or("", |column| row.cell(column));
    let some = |column| {
        Some(cell(column))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let guid = |column| parse_guid(cell(column)).map(guid_text);
    let addresses = layout.identities.iter().map(|column| cell(*column));
    let mut mailbox = Mailbox {
        user: UserKey::new(""),
        user_principal_name: addresses
            .into_iter()
            .find(|text| is_address(text))
            .map(str::to_owned),
        object_id: guid(layout.object_id),
        alias: some(layout.alias),
        display_name: some(layout.display_name),
        exchange_guid: guid(layout.exchange_guid),
        batch: batch(cell(layout.batch)),
        cutover_at: None,
        status: cell(layout.status).to_owned(),
        line: row.line,
    };
    take_user(&mut mailbox, cell(layout.user), layout)?;
    mailbox.user = mailbox
        .strongest_key()
        .ok_or("no cell of the row names a user")?;
    let moved = match layout.kind {
        ExportKind::Plain => true,
        ExportKind::MoveRequestStatistics => is_completed(&mailbox.status),
    };
    let cutover = if moved {
        row.cell(layout.cutover).to_owned()
    } else {
        String::new()
    };
    Ok(Draft { mailbox, cutover })
}

/// Files the text of the user column under the identity that it is.
fn take_user(mailbox: &mut Mailbox, text: &str, layout: &Layout) -> Result<(), String> {
    if text.is_empty() {
        return match layout.kind {
            ExportKind::Plain => Err("the user is empty".to_owned()),
            ExportKind::MoveRequestStatistics => Ok(()),
        };
    }
    if let Some(guid) = parse_guid(text) {
        mailbox.object_id = Some(guid_text(guid));
    } else if is_address(text) {
        mailbox.user_principal_name = Some(text.to_owned());
    } else if text.contains('\\') {
        let account = shown(text);
        return Err(format!(
            "{account} is a Windows account, which no sign-in carries"
        ));
    } else if !layout.user_is_loose {
        return Err(format!(
            "{} is neither an address nor an object id",
            shown(text)
        ));
    } else if text.contains(char::is_whitespace) {
        mailbox.display_name.get_or_insert_with(|| text.to_owned());
    } else {
        mailbox.alias.get_or_insert_with(|| text.to_owned());
    }
    Ok(())
}

/// Exchange writes the warning in the singular for a move and in the plural for a migration.
fn is_completed(status: &str) -> bool {
    let status = status.to_ascii_lowercase();
    ["completed", "completedwithwarning", "completedwithwarnings"].contains(&status.as_str())
}

fn batch(text: &str) -> String {
    let prefixed = text
        .get(..BATCH_PREFIX.len())
        .is_some_and(|p| p.eq_ignore_ascii_case(BATCH_PREFIX));
    let name = if prefixed {
        text[BATCH_PREFIX.len()..].trim()
    } else {
        text
    };
    if name.is_empty() {
        UNBATCHED.to_owned()
    } else {
        name.to_owned()
    }
}

/// Reads the cutover cells as the column that they are; an unreadable one refuses its row.
fn with_cutovers(
    drafts: Vec<Draft>,
    options: &ImportOptions,
    refused_rows: &mut Vec<RefusedRow>,
) -> Result<Vec<Mailbox>, ImportError> {
    let cells: Vec<Dated<'_>> = drafts
        .iter()
        .map(|d| Dated {
            line: d.mailbox.line,
            text: &d.cutover,
        })
        .collect();
    let cutovers = dates::read_column(&cells, options)?;
    let mut mailboxes = Vec::with_capacity(drafts.len());
    for (Draft { mut mailbox, .. }, cutover) in drafts.into_iter().zip(cutovers) {
        match cutover {
            Ok(cutover_at) => {
                mailbox.cutover_at = cutover_at;
                mailboxes.push(mailbox);
            }
            Err(reason) => refused_rows.push(RefusedRow {
                line: mailbox.line,
                reason,
            }),
        }
    }
    Ok(mailboxes)
}

/// Keeps one row of each user: the one with the latest cutover, and of equals the last. Rows
/// that share only a weak key stay apart, each with a key of its own.
fn one_per_user(mailboxes: Vec<Mailbox>, notes: &mut Vec<String>) -> Vec<Mailbox> {
    let mut kept: Vec<Mailbox> = Vec::with_capacity(mailboxes.len());
    let mut place_of: HashMap<(UserKey, Option<String>), usize> = HashMap::new();
    let mut sharing: HashMap<UserKey, usize> = HashMap::new();
    let mut doubles = 0;
    for mut mailbox in mailboxes {
        let person = person(&mailbox);
        if let Some(place) = person.as_ref().and_then(|person| place_of.get(person)) {
            doubles += 1;
            let note = replace_older(&mut kept[*place], mailbox);
            notes.extend((doubles <= NAMED_NOTES_MAX).then_some(note));
            continue;
        }
        place_of.extend(person.map(|person| (person, kept.len())));
        let share = sharing.entry(mailbox.user.clone()).or_default();
        *share += 1;
        if *share > 1 {
            mailbox.user = mailbox.user.nth(*share);
        }
        kept.push(mailbox);
    }
    if doubles > NAMED_NOTES_MAX {
        let more = doubles - NAMED_NOTES_MAX;
        notes.push(format!(
            "{more} more rows speak of a user that another row speaks of"
        ));
    }
    kept
}

/// What two rows of one user have in common. An alias is one user's unless the names differ; a
/// display name alone proves nothing.
fn person(mailbox: &Mailbox) -> Option<(UserKey, Option<String>)> {
    let user = mailbox.user.clone();
    if mailbox.has_strong_key() || mailbox.exchange_guid.is_some() {
        return Some((user, None));
    }
    let name = mailbox
        .display_name
        .as_deref()
        .map(|name| folded(name).into_owned());
    mailbox.alias.is_some().then_some((user, name))
}

/// Keeps the row with the later cutover, of equals the new one, and says so.
fn replace_older(kept: &mut Mailbox, mut new: Mailbox) -> String {
    new.user = kept.user.clone();
    let (winner, loser) = if new.cutover_at >= kept.cutover_at {
        (new.line, std::mem::replace(kept, new).line)
    } else {
        (kept.line, new.line)
    };
    format!(
        "{} is in the file more than once: line {winner} has the latest cutover and replaces line \
         {loser}",
        shown(kept.user.as_str())
    )
}

fn note_doubts(kind: ExportKind, mailboxes: &[Mailbox], notes: &mut Vec<String>) {
    let undated = |m: &&Mailbox| m.cutover_at.is_none() && is_completed(&m.status);
    let undated = mailboxes.iter().filter(undated).count();
    if kind == ExportKind::MoveRequestStatistics && undated > 0 {
        notes.push(format!(
            "{undated} of {} mailboxes are completed but have no CompletionTimestamp, so their \
             cutover is not known",
            mailboxes.len()
        ));
    }
    let weak = mailboxes
        .iter()
        .filter(|mailbox| !mailbox.has_strong_key())
        .count();
    if weak > 0 {
        notes.push(format!(
            "{weak} of {} mailboxes have neither user principal name nor object id and can only \
             be joined by alias or display name, which is weak",
            mailboxes.len()
        ));
    }
}

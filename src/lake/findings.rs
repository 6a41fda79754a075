//! The tables of what was found: `loops`, `mailbox_states`.
//!
//! Small tables beside `sign_ins`. Names are relied on by others: add freely, do not rename.

use super::columns::column;
use super::columns::{Cell, Column, RowKind};
use crate::domain::loops::row::LoopRow;
use crate::domain::mailbox::MailboxStateRow;

/// The kind of row of `loops`.
pub struct Loops;

impl RowKind for Loops {
    type Row<'a> = LoopRow;
}

/// A GUID as everybody writes it.
#[must_use]
pub fn guid_text(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// One row is one revision of a loop; the partition is the date it opened.
pub const LOOPS: &[Column<Loops>] = &[
    column!(
        "loop_id",
        Text,
        required,
        "Hash of user, client group and first attempt",
        |row| &row.loop_id
    ),
    column!(
        "revision",
        Int,
        required,
        "Counts up from 1; the newest one counts",
        |row| Some(row.revision)
    ),
    column!("tenant_id", Made, required, "Tenant, a GUID", |row| Some(
        guid_text(row.tenant)
    )),
    column!("user_id", Made, required, "Object id of the user", |row| {
        Some(guid_text(row.user))
    }),
    column!(
        "user_principal_name",
        Text,
        optional,
        "Sign-in name of the user",
        |row| &row.user_principal_name
    ),
    column!(
        "client_group",
        Text,
        required,
        "The piece of software that is stuck",
        |row| &row.client_group
    ),
    column!(
        "protocol",
        Text,
        required,
        "Most frequent protocol",
        |row| row.protocol.name()
    ),
    column!(
        "protocols",
        Texts,
        required,
        "Every protocol it spoke",
        |row, collect| {
            row.protocols
                .iter()
                .for_each(|protocol| collect(protocol.name()));
        }
    ),
    column!(
        "client_family",
        Text,
        required,
        "Which software, as far as it tells",
        |row| &row.client_family
    ),
    column!(
        "pattern",
        Text,
        required,
        "burst or slow: which came first",
        |row| row.pattern.name()
    ),
    column!(
        "kind",
        Text,
        required,
        "direct, delegate or unrelated to a migration",
        |row| row.kind.name()
    ),
    column!(
        "verdict",
        Text,
        required,
        "stuck_client, attack_suspected or undecided",
        |row| row.verdict.name()
    ),
    column!(
        "first_attempt",
        Time,
        required,
        "First attempt",
        |row| Some(row.first_attempt)
    ),
    column!(
        "opened_at",
        Time,
        required,
        "When the pattern was met",
        |row| Some(row.opened_at)
    ),
    column!(
        "last_attempt",
        Time,
        required,
        "Last attempt so far",
        |row| Some(row.last_attempt)
    ),
    column!(
        "recovered_at",
        Time,
        optional,
        "The modern success that ended it",
        |row| row.recovered_at
    ),
    column!(
        "attempts",
        Long,
        required,
        "How many; 0 takes the loop back",
        |row| Some(row.attempts)
    ),
    column!(
        "distinct_ips",
        Int,
        required,
        "From how many addresses",
        |row| Some(row.distinct_ips)
    ),
    column!(
        "batch",
        Text,
        optional,
        "Migration batch of the user",
        |row| row.batch.as_deref().unwrap_or("")
    ),
    column!(
        "cutover_at",
        Time,
        optional,
        "When the user's mailbox was switched",
        |row| row.cutover_at
    ),
    column!(
        "minutes_since_cutover",
        Long,
        optional,
        "From cutover to onset: the first attempt of the stretch in which the pattern first shows; `since` is the first attempt of all",
        |row| row.minutes_since_cutover
    ),
    column!(
        "phase",
        Text,
        optional,
        "Of the onset: before, settling or after the cutover",
        |row| row.phase.map_or("", |phase| phase.name())
    ),
    column!("cause", Text, required, "Likeliest cause", |row| &row.cause),
    column!("cause_confidence", Real, required, "From 0 to 1", |row| {
        Some(row.cause_confidence)
    }),
    column!(
        "evidence",
        Text,
        required,
        "What verdict and cause rest on, JSON",
        |row| &row.evidence
    ),
    column!(
        "fix",
        Text,
        optional,
        "What to tell the user and what to run",
        |row| &row.fix
    ),
    column!("state", Text, required, "open or closed", |row| row
        .state
        .name()),
    column!(
        "ending",
        Text,
        optional,
        "recovered, legacy_accepted or went_silent",
        |row| row.ending.map_or("", |ending| ending.name())
    ),
    column!(
        "replaces",
        Texts,
        required,
        "Ids of loops that this one took over",
        |row, collect| {
            row.replaces.iter().for_each(|id| collect(id));
        }
    ),
];

/// A change of a mailbox's state with its place in the order of changes.
pub struct MailboxStateAt {
    /// The change.
    pub row: MailboxStateRow,
    /// Counts up over all changes.
    pub sequence: i64,
}

/// The kind of row of `mailbox_states`.
pub struct MailboxStates;

impl RowKind for MailboxStates {
    type Row<'a> = MailboxStateAt;
}

/// One row is one change; the partition is the date of the change.
pub const MAILBOX_STATES: &[Column<MailboxStates>] = &[
    column!(
        "mailbox",
        Text,
        required,
        "Strongest key of the mailbox as imported",
        |at| &at.row.mailbox
    ),
    column!(
        "sequence",
        Long,
        required,
        "Counts up; the newest row of a mailbox counts",
        |at| Some(at.sequence)
    ),
    column!(
        "tenant_id",
        Made,
        optional,
        "Tenant, once its owner was seen",
        |at| at.row.tenant.map(guid_text)
    ),
    column!(
        "user_id",
        Made,
        optional,
        "Object id of its owner, once seen",
        |at| at.row.user.map(guid_text)
    ),
    column!(
        "user_principal_name",
        Text,
        optional,
        "Sign-in name of its owner",
        |at| &at.row.user_principal_name
    ),
    column!("batch", Text, required, "Migration batch", |at| &at
        .row
        .batch),
    column!("cutover_at", Time, required, "When it was switched", |at| {
        Some(at.row.cutover_at)
    }),
    column!(
        "state",
        Text,
        required,
        "pending, reconfigured, looping, silent or inactive",
        |at| at.row.state.name()
    ),
    column!("since", Time, required, "From when on", |at| Some(
        at.row.since
    )),
    column!(
        "minutes_to_reconfigure",
        Long,
        optional,
        "From cutover to the first modern success of an Outlook",
        |at| at.row.minutes_to_reconfigure
    ),
];

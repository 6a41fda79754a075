//! What was emitted last, so that only changes are emitted.
//!
//! Owns revisions, retractions and `replaces`. The text of the fix is not kept: it follows from cause
//! and name, is long, and a better text is no new finding. Rows that ended before the retention are
//! final and are forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::causes::texts::{CauseTexts, Who};
use crate::domain::loops::row::LoopRow;
use crate::domain::mailbox::{MailboxState, MailboxStateRow};
use crate::domain::signal::UserId;

/// The newest revision of everything that is not final.
#[derive(Default)]
pub struct Published {
    /// By user and loop id; retractions stay, so that a loop that comes back goes on counting.
    loops: BTreeMap<UserId, BTreeMap<String, LoopRow>>,
    open: BTreeSet<(UserId, String)>,
    states: BTreeMap<String, MailboxStateRow>,
    /// Reconfigurations read from the lake: facts whose events may be older than what is replayed.
    reconfigured: BTreeMap<(String, UserId), i64>,
}

impl Published {
    /// Takes what the lake holds.
    pub fn seed(&mut self, loops: Vec<LoopRow>, states: Vec<MailboxStateRow>) {
        for row in loops {
            self.keep(LoopRow {
                fix: String::new(),
                ..row
            });
        }
        for row in states {
            if let (MailboxState::Reconfigured, Some(user)) = (row.state, row.user_id()) {
                self.reconfigured
                    .insert((row.mailbox.clone(), user), row.since);
            }
            self.states.insert(row.mailbox.clone(), row);
        }
    }

    /// Replaces the loops of a user by those derived now; gives the revisions to emit.
    pub fn update(
        &mut self,
        user: UserId,
        derived: Vec<LoopRow>,
        horizon: i64,
        texts: &CauseTexts,
    ) -> Vec<LoopRow> {
        let mut emitted = self.retired(user, &derived, horizon);
        let retired = emitted.len();
        for mut row in derived {
            let before = self
                .loops
                .get(&user)
                .and_then(|loops| loops.get(&row.loop_id));
            row.replaces = replaces(&row, before, &emitted[..retired]);
            row.revision = before.map_or(1, |before| before.revision);
            if before == Some(&row) {
                continue;
            }
            row.revision = before.map_or(1, |before| before.revision + 1);
            emitted.push(row);
        }
        for row in &mut emitted {
            self.keep(row.clone());
            let name = row.user_principal_name.as_str();
            row.fix = texts.fix(
                &row.cause,
                &Who {
                    user_principal_name: name,
                    mailbox: name,
                },
            );
        }
        emitted
    }

    /// Retractions of what was emitted and is derived no more. What ended before the horizon is not
    /// derived because it is forgotten, unless something derived now takes its place.
    fn retired(&self, user: UserId, derived: &[LoopRow], horizon: i64) -> Vec<LoopRow> {
        let emitted = self.loops.get(&user).into_iter().flat_map(BTreeMap::values);
        let gone = emitted.filter(|old| {
            let final_by_age = old.last_attempt < horizon;
            !old.is_retraction()
                && derived.iter().all(|row| row.loop_id != old.loop_id)
                && (!final_by_age || derived.iter().any(|row| row.overlaps(old)))
        });
        gone.map(LoopRow::retracted).collect()
    }

    /// Forgets the loops of a user that ended before the horizon.
    pub fn forget(&mut self, user: UserId, horizon: i64) {
        let Some(loops) = self.loops.get_mut(&user) else {
            return;
        };
        for (id, _) in loops.extract_if(.., |_, row| row.last_attempt < horizon) {
            self.open.remove(&(user, id));
        }
        if loops.is_empty() {
            self.loops.remove(&user);
        }
    }

    /// Takes a mailbox's state; whether it differs from what was emitted.
    pub fn update_state(&mut self, row: &MailboxStateRow) -> bool {
        if self.states.get(&row.mailbox) == Some(row) {
            return false;
        }
        self.states.insert(row.mailbox.clone(), row.clone());
        true
    }

    /// When this user's Outlook found this mailbox, as the lake says.
    pub fn reconfigured(&self, mailbox: &str, user: UserId) -> Option<i64> {
        self.reconfigured.get(&(mailbox.to_owned(), user)).copied()
    }

    /// Every open loop.
    pub fn open(&self) -> impl Iterator<Item = &LoopRow> {
        self.open
            .iter()
            .filter_map(|(user, id)| self.loops.get(user)?.get(id))
    }

    /// The open loops of a user.
    pub fn open_of(&self, user: UserId) -> impl Iterator<Item = &LoopRow> {
        let loops = self.loops.get(&user).into_iter().flat_map(BTreeMap::values);
        loops.filter(|row| row.is_open())
    }

    /// The newest state of every mailbox.
    pub fn states(&self) -> impl Iterator<Item = &MailboxStateRow> {
        self.states.values()
    }

    /// The earliest first attempt of all loops that are not final.
    pub fn first_attempt_of_living(&self, horizon: i64) -> Option<i64> {
        let rows = self.loops.values().flat_map(BTreeMap::values);
        let living = rows.filter(|row| !row.is_retraction() && row.last_attempt >= horizon);
        living.map(|row| row.first_attempt).min()
    }

    fn keep(&mut self, row: LoopRow) {
        let user = row.user_id();
        if row.is_open() {
            self.open.insert((user, row.loop_id.clone()));
        } else {
            self.open.remove(&(user, row.loop_id.clone()));
        }
        self.loops
            .entry(user)
            .or_default()
            .insert(row.loop_id.clone(), row);
    }
}

/// What a row replaces: what it replaced before, and what is retired now and shares time with it.
fn replaces(row: &LoopRow, before: Option<&LoopRow>, retired: &[LoopRow]) -> Vec<String> {
    let before = before
        .into_iter()
        .flat_map(|before| before.replaces.iter().cloned());
    let now = retired
        .iter()
        .filter(|old| old.overlaps(row))
        .map(|old| old.loop_id.clone());
    before
        .chain(now)
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

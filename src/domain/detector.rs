//! Folds signals into what is remembered of people, and says which findings changed.
//!
//! Owns memory and publication: who must be looked at again, what was emitted last, what may be
//! forgotten. What a loop or a mailbox state is stands in `loops` and `mailbox`. The result is a
//! function of the set of signals, the migration index and the watermark; never of their order.

mod claims;
mod person;
mod published;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use self::claims::Claims;
use self::person::Person;
use self::published::Published;
pub use self::settings::DetectorSettings;
use super::loops::row::LoopRow;
use super::loops::words::{Kind, Verdict};
use super::loops::{DAY, HOUR, minute_of};
use super::mailbox::{MailboxFacts, MailboxState, MailboxStateRow, state_row};
use super::migration::MigrationIndex;
use super::signal::{Signal, UserId};

/// A loop is active if it had an attempt this recently in event time.
pub const ACTIVE_WITHIN: i64 = HOUR;

/// Findings that differ from what was emitted before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// New revisions of loops.
    pub loops: Vec<LoopRow>,
    /// Changed states of mailboxes.
    pub mailbox_states: Vec<MailboxStateRow>,
}

/// The state of everybody.
pub struct Detector {
    settings: DetectorSettings,
    index: Arc<MigrationIndex>,
    people: HashMap<UserId, Person, foldhash::fast::RandomState>,
    claims: Claims,
    published: Published,
    watermark: i64,
    dirty: HashSet<UserId, foldhash::fast::RandomState>,
    dirty_mailboxes: BTreeSet<String>,
    /// When somebody must be looked at although nothing came: at most one per person.
    deadlines: BTreeSet<(i64, UserId)>,
}

impl Detector {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(mut settings: DetectorSettings) -> Detector {
        settings.retention = settings.retention.max(settings.loops.quiet_after + DAY);
        Detector {
            settings,
            index: Arc::default(),
            people: HashMap::default(),
            claims: Claims::default(),
            published: Published::default(),
            watermark: i64::MIN,
            dirty: HashSet::default(),
            dirty_mailboxes: BTreeSet::new(),
            deadlines: BTreeSet::new(),
        }
    }

    /// Folds one signal. Exact copies must have been removed. Times before 1970 are no event times.
    pub fn observe(&mut self, signal: &Signal) {
        if minute_of(signal.at).is_none() {
            return;
        }
        self.advance(signal.at);
        let person = self.people.entry(signal.user).or_default();
        if person.observe(signal) {
            self.dirty.insert(signal.user);
        }
    }

    /// Takes note of the time of any sign-in.
    pub fn advance(&mut self, event_time: i64) {
        self.watermark = self.watermark.max(event_time);
    }

    /// The greatest event time seen; `i64::MIN` before the first.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Takes another migration index; everybody is judged anew by it.
    pub fn set_migrations(&mut self, index: Arc<MigrationIndex>) {
        self.index = index;
        self.claims = Claims::new(&self.index);
        self.dirty_mailboxes = self.claims.mailboxes().map(str::to_owned).collect();
        for (user, person) in &mut self.people {
            person.forget_join();
            self.dirty.insert(*user);
        }
    }

    /// Takes the newest revisions found in the lake. Call before the first `derive_changed`, and observe
    /// every remembered signal (see `replay_from`) in between, or what is missing will be retracted.
    pub fn seed_emitted(&mut self, loops: Vec<LoopRow>, states: Vec<MailboxStateRow>) {
        self.dirty.extend(loops.iter().map(LoopRow::user_id));
        self.dirty_mailboxes
            .extend(states.iter().map(|state| state.mailbox.clone()));
        self.published.seed(loops, states);
    }

    /// From which event time on signals must be observed again after `seed_emitted`, given the greatest
    /// event time in the lake: the retention, and all of the loops that reach into it.
    #[must_use]
    pub fn replay_from(&self, watermark: i64) -> i64 {
        let horizon = watermark.saturating_sub(self.settings.retention);
        self.published
            .first_attempt_of_living(horizon)
            .map_or(horizon, |first| first.min(horizon))
    }

    /// Every loop and mailbox state that differs from what was emitted last.
    pub fn derive_changed(&mut self) -> Changes {
        self.take_due();
        let mut users: Vec<UserId> = self.dirty.drain().collect();
        users.sort_unstable();
        let mut changes = Changes::default();
        for user in users {
            changes.loops.extend(self.derive_user(user));
        }
        for mailbox in std::mem::take(&mut self.dirty_mailboxes) {
            let changed = self
                .state_of(&mailbox)
                .filter(|row| self.published.update_state(row));
            changes.mailbox_states.extend(changed);
        }
        changes
    }

    /// The newest revision of every open loop.
    pub fn open_loops(&self) -> impl Iterator<Item = &LoopRow> {
        self.published.open()
    }

    /// The open loops with an attempt in the last hour of event time; each has batch, kind, protocol.
    pub fn active_loops(&self) -> impl Iterator<Item = &LoopRow> {
        let since = self.watermark.saturating_sub(ACTIVE_WITHIN);
        self.published
            .open()
            .filter(move |row| row.last_attempt >= since)
    }

    /// How many mailboxes of each batch are in each state.
    #[must_use]
    pub fn mailbox_counts(&self) -> BTreeMap<(&str, MailboxState), u64> {
        let mut counts = BTreeMap::new();
        let cut_over =
            |row: &&MailboxStateRow| self.claims.is_cut_over(&row.mailbox, self.watermark);
        for row in self.published.states().filter(cut_over) {
            *counts.entry((row.batch.as_str(), row.state)).or_default() += 1;
        }
        counts
    }

    /// How many people are remembered.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Marks whom the passing of time concerns.
    fn take_due(&mut self) {
        while let Some(&(deadline, user)) = self.deadlines.first() {
            if deadline >= self.watermark {
                break;
            }
            self.deadlines.pop_first();
            if let Some(person) = self.people.get_mut(&user) {
                person.deadline = None;
            }
            self.dirty.insert(user);
        }
        self.dirty_mailboxes
            .extend(self.claims.take_cut_over(self.watermark));
    }

    fn derive_user(&mut self, user: UserId) -> Vec<LoopRow> {
        let horizon = self.watermark.saturating_sub(self.settings.retention);
        let Some(person) = self.people.get_mut(&user) else {
            let retracted = self
                .published
                .update(user, vec![], horizon, &self.settings.texts);
            self.published.forget(user, horizon);
            return retracted;
        };
        self.dirty_mailboxes
            .extend(person.join(user, &self.index, &mut self.claims));
        let moved = person
            .mailbox
            .as_deref()
            .and_then(|mailbox| self.claims.moved(mailbox));
        person.reconfigured_at = moved.and_then(|moved| person.outlook_success(moved.cutover?));
        let rows = person.loops(user, moved, &self.settings.loops, self.watermark);
        let quiet_after = self.settings.loops.quiet_after;
        let open = rows
            .iter()
            .filter(|row| row.is_open())
            .map(|row| row.last_attempt + quiet_after);
        let transition = open.min();
        let changed = self
            .published
            .update(user, rows, horizon, &self.settings.texts);
        self.dirty_mailboxes.extend(person.mailbox.clone());
        self.care(user, moved.is_some(), transition);
        changed
    }

    /// Forgets what is old, once per day of event time, and sets the next deadline.
    fn care(&mut self, user: UserId, migrated: bool, transition: Option<i64>) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        let due = person
            .care_at
            .is_some_and(|care_at| care_at < self.watermark);
        if due {
            let moved = person
                .mailbox
                .as_deref()
                .and_then(|mailbox| self.claims.moved(mailbox));
            person.forget_old(moved, &self.settings, self.watermark);
            let horizon = self.watermark.saturating_sub(self.settings.retention);
            self.published.forget(user, horizon);
        }
        if due || person.care_at.is_none() {
            person.care_at = Some(self.watermark.saturating_add(DAY));
        }
        let next = transition.into_iter().chain(person.care_at).min();
        let before = std::mem::replace(&mut person.deadline, next);
        let gone = person.is_empty() && !migrated;
        if let Some(before) = before {
            self.deadlines.remove(&(before, user));
        }
        if gone {
            self.people.remove(&user);
        } else if let Some(next) = next {
            self.deadlines.insert((next, user));
        }
    }

    fn state_of(&self, mailbox: &str) -> Option<MailboxStateRow> {
        let moved = self.claims.moved(mailbox)?;
        let cutover_at = moved.cutover.filter(|cutover| *cutover <= self.watermark)?;
        let user = self.claims.owner(mailbox);
        let person = user.and_then(|user| self.people.get(&user));
        let own = user
            .into_iter()
            .flat_map(|user| self.published.open_of(user));
        let stuck =
            own.filter(|row| row.kind == Kind::Direct && row.verdict != Verdict::AttackSuspected);
        let known = user.and_then(|user| self.published.reconfigured(mailbox, user));
        let known = known.filter(|at| *at >= cutover_at);
        let seen = person.and_then(|person| person.reconfigured_at);
        Some(state_row(&MailboxFacts {
            mailbox,
            user,
            user_principal_name: person.map_or(
                self.claims.imported_name(mailbox),
                Person::user_principal_name,
            ),
            batch: moved.batch,
            cutover_at,
            reconfigured_at: seen.into_iter().chain(known).min(),
            looping_since: stuck.map(|row| row.opened_at).min(),
        }))
    }
}

#[cfg(test)]
mod tests;

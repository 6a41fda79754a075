//! The gauges per migration batch.
//!
//! They are always given as a whole: what is not in the new picture goes to 0, so that an alert about
//! people who recovered, or about a batch that is gone, ends.

use std::collections::BTreeMap;

use prometheus::IntGaugeVec;
use prometheus::core::Collector;

use super::bounds::OTHER;
use super::{Metrics, NO_BATCH, seconds};
use crate::domain::loops::words::Kind;
use crate::domain::mailbox::MailboxState;

/// States of users in a migration: cut over, and not yet.
const COMPLETED: &str = "completed";
const PLANNED: &str = "planned";

/// A migration batch as imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchFacts<'a> {
    /// Its name.
    pub batch: &'a str,
    /// Mailboxes that were cut over.
    pub completed: i64,
    /// Mailboxes that were not.
    pub planned: i64,
    /// The last cutover, UTC microseconds.
    pub cutover_at: Option<i64>,
}

impl Metrics {
    /// Users in open loops that are no suspected attacks, each user counted once per kind.
    pub fn set_loop_users<'a>(
        &self,
        users: impl IntoIterator<Item = (Option<&'a str>, Kind, i64)>,
    ) {
        let users = users
            .into_iter()
            .map(|(batch, kind, users)| (batch, kind.name(), users));
        let sums = self.sums(&self.loop_users, users);
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        let mut batches = self.batch_labels();
        batches.push(NO_BATCH.to_owned());
        set(&self.loop_users, &batches, &kinds, &sums);
    }

    /// Users in open loops that look like attacks.
    pub fn set_suspected_attack_users(&self, users: i64) {
        self.suspected_attack_users.set(users);
    }

    /// Mailboxes that were cut over, by state.
    pub fn set_mailboxes<'a>(
        &self,
        mailboxes: impl IntoIterator<Item = (&'a str, MailboxState, i64)>,
    ) {
        let mailboxes = mailboxes
            .into_iter()
            .map(|(batch, state, n)| (Some(batch), state.name(), n));
        let sums = self.sums(&self.mailboxes, mailboxes);
        let states: Vec<_> = MailboxState::ALL.iter().map(|state| state.name()).collect();
        set(&self.mailboxes, &self.batch_labels(), &states, &sums);
    }

    /// All batches of the migration. To be called before the other two, since the batches that were
    /// cut over last get series of their own first.
    pub fn set_migration(&self, batches: &[BatchFacts<'_>]) {
        let mut batches = batches.to_vec();
        batches.sort_by_key(|facts| std::cmp::Reverse(facts.cutover_at));
        let users = batches.iter().flat_map(|facts| {
            let batch = Some(facts.batch);
            [
                (batch, COMPLETED, facts.completed),
                (batch, PLANNED, facts.planned),
            ]
        });
        let sums = self.sums(&self.migration_users, users);
        set(
            &self.migration_users,
            &self.batch_labels(),
            &[COMPLETED, PLANNED],
            &sums,
        );
        // The newest last, so that it is what the folded ones show.
        for facts in batches.iter().rev() {
            if let Some(at) = facts.cutover_at {
                let batch = self.batch_label(&self.migration_cutover, facts.batch);
                self.migration_cutover
                    .with_label_values(&[batch])
                    .set(seconds(at));
            }
        }
    }

    fn sums<'a>(
        &self,
        metric: &impl Collector,
        counts: impl Iterator<Item = (Option<&'a str>, &'static str, i64)>,
    ) -> BTreeMap<(String, &'static str), i64> {
        let mut sums = BTreeMap::new();
        for (batch, value, count) in counts {
            let batch = batch.map_or(NO_BATCH, |batch| self.batch_label(metric, batch));
            *sums.entry((batch.to_owned(), value)).or_default() += count;
        }
        sums
    }

    fn batch_label<'a>(&self, metric: &impl Collector, batch: &'a str) -> &'a str {
        if self.batches.admit(batch.to_owned()) {
            return batch;
        }
        self.folded(metric);
        OTHER
    }

    fn batch_labels(&self) -> Vec<String> {
        let mut labels = self.batches.names();
        if self.batches.refused_any() {
            labels.push(OTHER.to_owned());
        }
        labels
    }
}

fn set(
    gauges: &IntGaugeVec,
    batches: &[String],
    values: &[&'static str],
    sums: &BTreeMap<(String, &'static str), i64>,
) {
    for batch in batches {
        for value in values {
            let count = sums.get(&(batch.clone(), *value)).copied().unwrap_or(0);
            gauges.with_label_values(&[batch, *value]).set(count);
        }
    }
}

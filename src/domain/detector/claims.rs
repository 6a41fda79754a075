//! Which user owns which migrated mailbox, among those seen.
//!
//! Owns the join between people and the migration index. Two people may be joined to one mailbox by
//! weak keys; the strongest join wins, then the smaller id, so the answer does not depend on who came
//! first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::loops::derive::Move;
use crate::domain::migration::{Join, MigrationIndex};
use crate::domain::signal::UserId;

/// Mailboxes by key, and who was joined to them.
#[derive(Default)]
pub struct Claims {
    index: Arc<MigrationIndex>,
    by_mailbox: BTreeMap<String, Claim>,
    /// Cutovers that lie ahead of the watermark.
    ahead: BTreeSet<(i64, String)>,
}

struct Claim {
    /// Where in the index the mailbox stands.
    place: usize,
    users: BTreeSet<(Join, UserId)>,
}

impl Claims {
    /// Nobody is joined yet.
    pub fn new(index: &Arc<MigrationIndex>) -> Claims {
        let mut claims = Claims {
            index: index.clone(),
            ..Claims::default()
        };
        for (place, mailbox) in index.mailboxes().iter().enumerate() {
            let key = mailbox.user.as_str().to_owned();
            claims
                .ahead
                .extend(mailbox.cutover_at.map(|cutover| (cutover, key.clone())));
            claims.by_mailbox.insert(
                key,
                Claim {
                    place,
                    users: BTreeSet::new(),
                },
            );
        }
        claims
    }

    /// The key of every mailbox.
    pub fn mailboxes(&self) -> impl Iterator<Item = &str> {
        self.by_mailbox.keys().map(String::as_str)
    }

    /// Joins a user to a mailbox.
    pub fn add(&mut self, mailbox: &str, joined_by: Join, user: UserId) {
        if let Some(claim) = self.by_mailbox.get_mut(mailbox) {
            claim.users.insert((joined_by, user));
        }
    }

    /// Takes a join back.
    pub fn remove(&mut self, mailbox: &str, user: UserId) {
        if let Some(claim) = self.by_mailbox.get_mut(mailbox) {
            claim.users.retain(|(_, claimant)| *claimant != user);
        }
    }

    /// The owner of a mailbox, if seen.
    pub fn owner(&self, mailbox: &str) -> Option<UserId> {
        self.by_mailbox
            .get(mailbox)?
            .users
            .first()
            .map(|(_, user)| *user)
    }

    /// The migration of a mailbox.
    pub fn moved(&self, mailbox: &str) -> Option<Move<'_>> {
        let mailbox = &self.index.mailboxes()[self.by_mailbox.get(mailbox)?.place];
        Some(Move {
            batch: &mailbox.batch,
            cutover: mailbox.cutover_at,
        })
    }

    /// The owner's name as imported; without one the best name there is.
    pub fn imported_name(&self, mailbox: &str) -> &str {
        let Some(claim) = self.by_mailbox.get(mailbox) else {
            return "";
        };
        let row = &self.index.mailboxes()[claim.place];
        let names = [&row.user_principal_name, &row.alias, &row.display_name];
        names
            .into_iter()
            .flatten()
            .next()
            .map_or_else(|| row.user.as_str(), String::as_str)
    }

    /// Whether the mailbox is in the index and its cutover has come.
    pub fn is_cut_over(&self, mailbox: &str, watermark: i64) -> bool {
        let cutover = self.moved(mailbox).and_then(|moved| moved.cutover);
        cutover.is_some_and(|cutover| cutover <= watermark)
    }

    /// The mailboxes whose cutover has come since the last call.
    pub fn take_cut_over(&mut self, watermark: i64) -> Vec<String> {
        let mut taken = Vec::new();
        while self
            .ahead
            .first()
            .is_some_and(|(cutover, _)| *cutover <= watermark)
        {
            taken.extend(self.ahead.pop_first().map(|(_, mailbox)| mailbox));
        }
        taken
    }
}

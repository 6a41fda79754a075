//! All that is remembered of one user.
//!
//! Owns the folding of a user's signals, the join to a mailbox and what may be forgotten when. Bounded:
//! one history per client group (a closed list), one set of successes per channel and group, and
//! everything in them by the retention.

use std::collections::BTreeMap;

use super::DetectorSettings;
use super::claims::Claims;
use crate::domain::loops::LoopSettings;
use crate::domain::loops::derive::{Derivation, Key, Move, Subject};
use crate::domain::loops::episodes::episodes;
use crate::domain::loops::history::History;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::successes::{ByChannel, Successes};
use crate::domain::mailbox::OUTLOOK;
use crate::domain::migration::{Identity, MigrationIndex};
use crate::domain::signal::{Signal, SignalKind, UserId};

/// A name and when it was last seen; of several at one instant the greatest counts.
#[derive(Debug, Default)]
struct Latest {
    at: i64,
    text: String,
}

impl Latest {
    /// Takes a name; whether the text changed. An empty name says nothing.
    fn take(&mut self, at: i64, text: &str) -> bool {
        let newer = (at, text) > (self.at, self.text.as_str()) || self.text.is_empty();
        if text.is_empty() || !newer {
            return false;
        }
        self.at = at;
        let changed = self.text != text;
        if changed {
            text.clone_into(&mut self.text);
        }
        changed
    }
}

/// One user.
#[derive(Debug, Default)]
pub struct Person {
    user_principal_name: Latest,
    display_name: Latest,
    attempts: BTreeMap<&'static str, History>,
    modern: ByChannel,
    legacy: BTreeMap<&'static str, Successes>,
    joined: bool,
    /// Key of the own mailbox in the migration index.
    pub mailbox: Option<String>,
    /// First modern success of an Outlook at or after the cutover; kept when the minutes are gone.
    pub reconfigured_at: Option<i64>,
    /// When to look again although nothing came.
    pub deadline: Option<i64>,
    /// When to forget what is old.
    pub care_at: Option<i64>,
}

impl Person {
    /// Folds a signal; whether anything that is derived may have changed.
    pub fn observe(&mut self, signal: &Signal) -> bool {
        let named = self
            .user_principal_name
            .take(signal.at, &signal.user_principal_name);
        let named = self.display_name.take(signal.at, &signal.display_name) || named;
        self.joined &= !named;
        let concerns = match &signal.kind {
            SignalKind::Attempt(attempt) => {
                self.attempts
                    .entry(attempt.client_group)
                    .or_default()
                    .add(signal.at, attempt);
                true
            }
            SignalKind::LegacySuccess { client_group } => {
                self.legacy.entry(client_group).or_default().add(signal.at);
                !self.attempts.is_empty()
            }
            SignalKind::ModernSuccess { channel } => {
                self.modern.add(*channel, signal.at);
                let known = self.reconfigured_at.is_some_and(|at| at <= signal.at);
                !self.attempts.is_empty() || (self.mailbox.is_some() && !known)
            }
        };
        named || concerns || self.care_at.is_none()
    }

    /// The latest user principal name.
    pub fn user_principal_name(&self) -> &str {
        &self.user_principal_name.text
    }

    /// The index changed: the join must be made anew.
    pub fn forget_join(&mut self) {
        self.joined = false;
        self.mailbox = None;
    }

    /// Finds the own mailbox if that is due; gives a mailbox that lost this owner.
    pub fn join(
        &mut self,
        user: UserId,
        index: &MigrationIndex,
        claims: &mut Claims,
    ) -> Option<String> {
        if std::mem::replace(&mut self.joined, true) {
            return None;
        }
        let object_id = guid_text(user.user);
        let found = index.find(&Identity {
            user_id: &object_id,
            user_principal_name: &self.user_principal_name.text,
            display_name: &self.display_name.text,
        });
        let before = self.mailbox.take();
        if let Some(before) = &before {
            claims.remove(before, user);
        }
        self.mailbox = found.map(|found| {
            claims.add(found.mailbox.user.as_str(), found.joined_by, user);
            found.mailbox.user.as_str().to_owned()
        });
        before
    }

    /// First modern success of an Outlook at or after the cutover.
    pub fn outlook_success(&self, cutover: i64) -> Option<i64> {
        let remembered = self.modern.first_after(OUTLOOK, cutover - 1);
        let known = self.reconfigured_at.filter(|known| *known >= cutover);
        remembered.into_iter().chain(known).min()
    }

    /// All loops of the user.
    pub fn loops(
        &self,
        user: UserId,
        moved: Option<Move<'_>>,
        settings: &LoopSettings,
        watermark: i64,
    ) -> Vec<LoopRow> {
        let user_principal_name = self.user_principal_name.text.as_str();
        let subject = Subject {
            user,
            user_principal_name,
            moved,
            watermark,
        };
        let mut rows = Vec::new();
        for (client_group, history) in &self.attempts {
            let legacy = self.legacy.get(client_group);
            let key = Key {
                client_group,
                history,
                modern: &self.modern,
                legacy,
            };
            rows.extend(
                Derivation {
                    settings,
                    subject,
                    key,
                }
                .loops(),
            );
        }
        rows
    }

    /// Forgets episodes and successes that ended before the retention, and thins what is long.
    pub fn forget_old(
        &mut self,
        moved: Option<Move<'_>>,
        settings: &DetectorSettings,
        watermark: i64,
    ) {
        let horizon = watermark.saturating_sub(settings.retention);
        let exact_from = watermark.saturating_sub(settings.exact_for);
        let cutover = moved.and_then(|moved| moved.cutover);
        for history in self.attempts.values_mut() {
            forget_episodes(history, cutover, settings, watermark);
            history.fold_ips(horizon);
        }
        self.attempts.retain(|_, history| !history.is_empty());
        let without_attempts = self.attempts.is_empty();
        for successes in self.modern.iter_mut().chain(self.legacy.values_mut()) {
            successes.prune(horizon);
            if without_attempts {
                successes.thin(exact_from);
            }
        }
        self.modern.drop_empty();
        self.legacy.retain(|_, successes| !successes.is_empty());
    }

    /// How many entries of attempts and of modern successes are remembered.
    #[cfg(test)]
    pub fn entries(&mut self) -> (usize, usize) {
        let attempts = self.attempts.values().map(History::len).sum();
        (
            attempts,
            self.modern
                .iter_mut()
                .map(|successes| successes.len())
                .sum(),
        )
    }

    /// Whether nothing is remembered but names.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.modern.is_empty() && self.legacy.is_empty()
    }
}

/// Whole episodes that ended before the retention go; of loops that stay, what is old and not needed
/// to tell how they opened is folded.
fn forget_episodes(
    history: &mut History,
    cutover: Option<i64>,
    settings: &DetectorSettings,
    watermark: i64,
) {
    let horizon = watermark.saturating_sub(settings.retention);
    let exact_from = watermark.saturating_sub(settings.exact_for);
    let episodes = episodes(history, cutover, settings.loops.quiet_after);
    let Some(first) = episodes.iter().position(|episode| episode.last >= horizon) else {
        *history = History::default();
        return;
    };
    history.prune(episodes[first].first);
    for episode in &episodes[first..] {
        if let Some(opening) = episode.opening(&settings.loops) {
            let before = exact_from.min(episode.last);
            history.fold(episode.foldable_from(&opening), before);
        }
    }
}

/// A GUID as the migration index reads it.
fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

//! The state of a migrated mailbox: has its owner's Outlook found the new place?
//!
//! Owns the states, their order of precedence and the row of `mailbox_states`. It is given facts and
//! decides; joining users to mailboxes and remembering what was published are the detector's part.

use super::loops::MINUTE;
use super::sign_in::Channel;
use super::sign_in::closed_list;
use super::signal::UserId;

closed_list! {
    /// How a migrated mailbox is doing.
    MailboxState {
        /// Cut over, and no modern sign-in of an Outlook yet.
        Pending = "pending",
        /// An Outlook signed in with modern authentication after the cutover.
        Reconfigured = "reconfigured",
        /// A client of its owner is stuck in a legacy loop since the move.
        Looping = "looping",
        /// Its owner works elsewhere, but not in the mailbox.
        Silent = "silent",
        /// Its owner does not sign in at all.
        Inactive = "inactive",
    }
}

/// The channels whose success shows that an Outlook found the mailbox.
pub const OUTLOOK: &[Channel] = &[Channel::OutlookDesktop, Channel::OutlookMobile];

/// One change of a mailbox's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxStateRow {
    /// The mailbox's strongest imported key, which stays the same when its owner is first seen.
    pub mailbox: String,
    /// The owner's tenant, once seen.
    pub tenant: Option<u128>,
    /// The owner's object id, once seen.
    pub user: Option<u128>,
    /// The owner's name as last logged, else as imported.
    pub user_principal_name: String,
    /// The migration batch.
    pub batch: String,
    /// The cutover, UTC microseconds.
    pub cutover_at: i64,
    /// The state.
    pub state: MailboxState,
    /// Event time from which on it holds.
    pub since: i64,
    /// Whole minutes from the cutover to the first modern success of an Outlook.
    pub minutes_to_reconfigure: Option<i64>,
}

impl MailboxStateRow {
    /// The owner, once seen.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        Some(UserId {
            tenant: self.tenant?,
            user: self.user?,
        })
    }
}

/// What decides about a mailbox's state.
#[derive(Debug, Clone, Copy)]
pub struct MailboxFacts<'a> {
    /// The mailbox's key.
    pub mailbox: &'a str,
    /// The owner, if seen.
    pub user: Option<UserId>,
    /// The owner's name.
    pub user_principal_name: &'a str,
    /// The migration batch.
    pub batch: &'a str,
    /// The cutover.
    pub cutover_at: i64,
    /// The first modern success of an Outlook at or after the cutover.
    pub reconfigured_at: Option<i64>,
    /// When the oldest open direct loop that is no attack was opened.
    pub looping_since: Option<i64>,
}

/// The state that these facts give: a loop that goes on counts more than a success before it.
#[must_use]
pub fn state_row(facts: &MailboxFacts<'_>) -> MailboxStateRow {
    let reconfigured = facts
        .reconfigured_at
        .map(|at| (MailboxState::Reconfigured, at));
    let looping = facts.looping_since.map(|at| (MailboxState::Looping, at));
    let pending = (MailboxState::Pending, facts.cutover_at);
    let (state, since) = looping.or(reconfigured).unwrap_or(pending);
    let taken = facts
        .reconfigured_at
        .map(|at| at.saturating_sub(facts.cutover_at));
    MailboxStateRow {
        mailbox: facts.mailbox.to_owned(),
        tenant: facts.user.map(|user| user.tenant),
        user: facts.user.map(|user| user.user),
        user_principal_name: facts.user_principal_name.to_owned(),
        batch: facts.batch.to_owned(),
        cutover_at: facts.cutover_at,
        state,
        since,
        minutes_to_reconfigure: taken.map(|taken| taken.div_euclid(MINUTE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reconfigured_at: Option<i64>, looping_since: Option<i64>) -> MailboxStateRow {
        state_row(&MailboxFacts {
            mailbox: "upn:a@x",
            user: None,
            user_principal_name: "a@x",
            batch: "b1",
            cutover_at: 10 * MINUTE,
            reconfigured_at,
            looping_since,
        })
    }

    #[test]
    fn a_mailbox_is_pending_until_an_outlook_signs_in_and_looping_while_a_loop_is_open() {
        let shown = |row: MailboxStateRow| (row.state, row.since, row.minutes_to_reconfigure);
        assert_eq!(
            shown(row(None, None)),
            (MailboxState::Pending, 10 * MINUTE, None)
        );
        let at = 12 * MINUTE + 59_999_999;
        assert_eq!(
            shown(row(Some(at), None)),
            (MailboxState::Reconfigured, at, Some(2))
        );
        assert_eq!(
            shown(row(Some(at), Some(99))),
            (MailboxState::Looping, 99, Some(2))
        );
        assert_eq!(
            shown(row(None, Some(99))),
            (MailboxState::Looping, 99, None)
        );
        assert_eq!(row(None, None).user_id(), None);
    }
}

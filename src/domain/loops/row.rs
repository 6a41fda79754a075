//! One revision of a loop: the columns of the table `loops`.
//!
//! Owns the shape of the row and what it means to be a retraction. Rows come from `derive` and from
//! the lake alike, so everything in them is owned.

use super::words::{Ending, Kind, LoopState, Pattern, Phase, Verdict};
use crate::domain::sign_in::Protocol;
use crate::domain::signal::UserId;

/// One revision of a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopRow {
    /// 32 hexadecimal digits.
    pub loop_id: String,
    /// Counts from 1.
    pub revision: i32,
    /// The tenant's id.
    pub tenant: u128,
    /// The user's object id.
    pub user: u128,
    /// The user's latest name.
    pub user_principal_name: String,
    /// What belongs to one piece of software.
    pub client_group: String,
    /// The most frequent protocol.
    pub protocol: Protocol,
    /// Every protocol, in order of declaration.
    pub protocols: Vec<Protocol>,
    /// The most frequent known software.
    pub client_family: String,
    /// Which pattern came first.
    pub pattern: Pattern,
    /// How it relates to a migration.
    pub kind: Kind,
    /// Stuck client or attack.
    pub verdict: Verdict,
    /// First attempt of the episode, UTC microseconds.
    pub first_attempt: i64,
    /// When the pattern was met.
    pub opened_at: i64,
    /// Last attempt.
    pub last_attempt: i64,
    /// The success that ended it by recovery.
    pub recovered_at: Option<i64>,
    /// How many attempts; 0 in a retraction.
    pub attempts: i64,
    /// From how many addresses, counting at most 64 a day.
    pub distinct_ips: i32,
    /// Migration batch of the user's own mailbox.
    pub batch: Option<String>,
    /// Its cutover.
    pub cutover_at: Option<i64>,
    /// From the cutover to the onset; negative before it.
    pub minutes_since_cutover: Option<i64>,
    /// Where the onset lies relative to the cutover; none without one.
    pub phase: Option<Phase>,
    /// Name of the likeliest cause.
    pub cause: String,
    /// From 0 to 1.
    pub cause_confidence: f64,
    /// What verdict and cause rest on, as a JSON object.
    pub evidence: String,
    /// What to tell the user and what to run.
    pub fix: String,
    /// Whether it goes on.
    pub state: LoopState,
    /// How it ended; none while open and in a retraction.
    pub ending: Option<Ending>,
    /// Ids of retracted loops that this one took over, sorted.
    pub replaces: Vec<String>,
}

impl LoopRow {
    /// Whose loop it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        UserId {
            tenant: self.tenant,
            user: self.user,
        }
    }

    /// Whether this revision says that there is no such loop.
    #[must_use]
    pub fn is_retraction(&self) -> bool {
        self.attempts == 0
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == LoopState::Open && !self.is_retraction()
    }

    /// The last revision of a loop that is no more.
    #[must_use]
    pub fn retracted(&self) -> LoopRow {
        LoopRow {
            revision: self.revision + 1,
            attempts: 0,
            state: LoopState::Closed,
            ending: None,
            recovered_at: None,
            ..self.clone()
        }
    }

    /// Whether two loops of the same key share time.
    #[must_use]
    pub fn overlaps(&self, other: &LoopRow) -> bool {
        self.client_group == other.client_group
            && self.first_attempt <= other.last_attempt
            && other.first_attempt <= self.last_attempt
    }
}

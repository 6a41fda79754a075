//! The closed lists that a loop is described with.
//!
//! Owns the stable names that tables, metrics and the web page show. No rule lives here.

use crate::domain::sign_in::closed_list;

closed_list! {
    /// Which pattern an episode showed first.
    Pattern {
        /// Many attempts in little time.
        Burst = "burst",
        /// Few attempts over many hours.
        Slow = "slow",
    }
}

closed_list! {
    /// How a loop relates to a migration.
    Kind {
        /// The user's own mailbox was moved before the onset.
        Direct = "direct",
        /// The user has permission on a mailbox that was moved before the onset.
        Delegate = "delegate",
        /// No migration in reach.
        Unrelated = "unrelated",
    }
}

closed_list! {
    /// Stuck client or attack.
    Verdict {
        /// A client that cannot do modern authentication keeps trying.
        StuckClient = "stuck_client",
        /// Somebody is guessing or trying a password.
        AttackSuspected = "attack_suspected",
        /// The evidence does not tell.
        Undecided = "undecided",
    }
}

closed_list! {
    /// Where an instant lies relative to the user's own cutover.
    Phase {
        /// Before the cutover.
        Before = "before",
        /// In the first hours after it.
        Settling = "settling",
        /// Later.
        After = "after",
    }
}

closed_list! {
    /// Whether a loop goes on.
    LoopState {
        /// No ending yet.
        Open = "open",
        /// Ended, or retracted.
        Closed = "closed",
    }
}

closed_list! {
    /// How a loop ended.
    Ending {
        /// A compatible client signed in with modern authentication after the last attempt.
        Recovered = "recovered",
        /// The legacy sign-in itself succeeded after the last attempt.
        LegacyAccepted = "legacy_accepted",
        /// No attempt for longer than an episode may pause.
        WentSilent = "went_silent",
    }
}

//! The closed lists that a loop is described with.
//!
//! Owns the stable names that tables, metrics and the web page show. No rule lives here.

/// Declares a closed list with one stable lower-case name per variant.
macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The stable name in tables, metrics and SQL.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// The variant with this stable name.
            #[must_use]
            pub fn parse(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use closed_list;

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

//! Loops: episodes of legacy attempts of one user and client group that show a burst or a slow pattern.
//!
//! Everything here is derived from a set of attempts and successes, never from the order in which they
//! arrived: `history` and `successes` fold signals with operations that commute, `episodes` cuts the
//! folded attempts into episodes and looks for the opening pattern, `derive` turns an episode into the
//! row that is published. Nothing here remembers what was published; that is the detector's part.

pub mod derive;
pub mod episodes;
pub mod history;
pub mod id;
pub mod row;
pub mod successes;
pub mod verdict;
pub mod words;

use std::collections::HashMap;

use super::sign_in::Channel;

/// One second in microseconds.
pub const SECOND: i64 = 1_000_000;
/// One minute in microseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in microseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day in microseconds.
pub const DAY: i64 = 24 * HOUR;

/// Minutes since 1970 of an instant; `None` outside 1970..10136, which no true event time is.
#[must_use]
pub fn minute_of(at: i64) -> Option<u32> {
    u32::try_from(at.div_euclid(MINUTE)).ok()
}

/// What makes a stretch of attempts a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternSettings {
    /// Attempts that the stretch must have at least.
    pub attempts_min: u64,
    /// Distinct minutes (burst) or hours (slow) that it must touch at least.
    pub distinct_min: u64,
    /// Longest gap between two attempts within it, microseconds.
    pub gap_max: i64,
}

/// Every number that decides about loops.
#[derive(Debug, Clone)]
pub struct LoopSettings {
    /// A longer silence ends an episode, microseconds.
    pub quiet_after: i64,
    /// Many attempts in little time.
    pub burst: PatternSettings,
    /// Few attempts over many hours.
    pub slow: PatternSettings,
    /// How long after a cutover an onset is still attributed to it, microseconds.
    pub reach: i64,
    /// How long after a cutover a user counts as settling, microseconds.
    pub settling: i64,
    /// Which modern successes recover which client group.
    pub recovered_by: HashMap<&'static str, Vec<Channel>>,
}

impl Default for LoopSettings {
    fn default() -> LoopSettings {
        LoopSettings {
            quiet_after: 72 * HOUR,
            burst: PatternSettings {
                attempts_min: 5,
                distinct_min: 3,
                gap_max: 30 * MINUTE,
            },
            slow: PatternSettings {
                attempts_min: 6,
                distinct_min: 5,
                gap_max: 4 * HOUR,
            },
            reach: 90 * DAY,
            settling: 4 * HOUR,
            recovered_by: HashMap::new(),
        }
    }
}

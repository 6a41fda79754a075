//! What the detector is told at the start.
//!
//! Owns how much is remembered and why; the numbers that decide about loops belong to `loops`.

use std::sync::Arc;

use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::{DAY, LoopSettings};

/// What the detector is told at the start.
#[derive(Debug, Clone)]
pub struct DetectorSettings {
    /// Every number that decides about loops.
    pub loops: LoopSettings,
    /// How long attempts and successes are remembered behind the watermark, microseconds. At least a
    /// day longer than `quiet_after`, which is enforced.
    pub retention: i64,
    /// How long everything is remembered by the minute, microseconds; afterwards attempts of loops are
    /// kept by the hour and successes of people without attempts by the day. What comes later than
    /// this (an import, an event) is judged with that precision.
    pub exact_for: i64,
    /// What to tell people.
    pub texts: Arc<CauseTexts>,
}

impl Default for DetectorSettings {
    fn default() -> DetectorSettings {
        DetectorSettings {
            loops: LoopSettings::default(),
            retention: 30 * DAY,
            exact_for: 3 * DAY,
            texts: Arc::default(),
        }
    }
}

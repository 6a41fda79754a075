//! How many events happened when, in bounded memory.
//!
//! How old an event was when it became durable is known only at the commit, so its time has to be kept
//! until then. Times are counted in slots; when there are too many slots they get twice as wide.
//! A live stream stays at the finest width, only a backfill of many days gets coarse, and there the
//! age is far beyond any bucket that matters.

use std::collections::HashMap;

/// Width of a slot at first: the first bucket of the histogram it feeds.
const SLOT_SECONDS: i64 = 5;
/// More slots than that double the width: 4096 slots of 5 seconds are five and a half hours.
const SLOTS_MAX: usize = 4096;
const SECOND: i64 = 1_000_000;

/// Counts of events by event time.
#[derive(Debug, Clone)]
pub struct EventTimes {
    width: i64,
    slots: HashMap<i64, u64, foldhash::fast::RandomState>,
    /// The slot counted last and its count, not yet in `slots`: neighbours are usually alike.
    recent: (i64, u64),
    newest: i64,
}

impl Default for EventTimes {
    fn default() -> EventTimes {
        EventTimes {
            width: SLOT_SECONDS * SECOND,
            slots: HashMap::default(),
            recent: (0, 0),
            newest: i64::MIN,
        }
    }
}

impl EventTimes {
    /// Counts an event at this time, UTC microseconds.
    pub fn count(&mut self, at: i64) {
        self.newest = self.newest.max(at);
        let slot = at.div_euclid(self.width);
        if slot == self.recent.0 {
            self.recent.1 += 1;
        } else {
            self.settle();
            self.recent = (at.div_euclid(self.width), 1);
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &EventTimes) {
        self.newest = self.newest.max(other.newest);
        self.settle();
        self.widen_to(other.width);
        for (middle, events) in other.middles() {
            self.add(middle, events);
        }
    }

    /// The newest event time; `None` without events.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        (self.newest != i64::MIN).then_some(self.newest)
    }

    /// Middle of each slot, UTC microseconds, and its events.
    pub fn middles(&self) -> impl Iterator<Item = (i64, u64)> {
        let recent = (self.recent.1 > 0).then_some(self.recent);
        let slots = self.slots.iter().map(|(slot, events)| (*slot, *events));
        slots
            .chain(recent)
            .map(|(slot, events)| (slot * self.width + self.width / 2, events))
    }

    fn settle(&mut self) {
        let (slot, events) = std::mem::take(&mut self.recent);
        if events > 0 {
            self.add(slot * self.width, events);
        }
    }

    fn add(&mut self, at: i64, events: u64) {
        *self.slots.entry(at.div_euclid(self.width)).or_default() += events;
        while self.slots.len() > SLOTS_MAX {
            self.widen_to(self.width * 2);
        }
    }

    fn widen_to(&mut self, width: i64) {
        if width <= self.width {
            return;
        }
        let factor = width / self.width;
        let narrow = std::mem::take(&mut self.slots);
        for (slot, events) in narrow {
            *self.slots.entry(slot.div_euclid(factor)).or_default() += events;
        }
        self.width = width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600 * SECOND;

    fn total(times: &EventTimes) -> u64 {
        times.middles().map(|(_, events)| events).sum()
    }

    #[test]
    fn events_are_counted_by_slot_and_the_newest_is_known() {
        let mut times = EventTimes::default();
        assert_eq!(times.newest(), None);
        for at in [0, 4 * SECOND, 11 * SECOND, 3 * SECOND, -SECOND] {
            times.count(at);
        }
        let mut middles: Vec<_> = times.middles().map(|(at, n)| (at / 500_000, n)).collect();
        middles.sort_unstable();
        // The recent slot may be one that was settled before: it is one more entry, not a lost one.
        assert_eq!(middles, [(-5, 1), (5, 3), (25, 1)]);
        assert_eq!(times.newest(), Some(11 * SECOND));
    }

    #[test]
    fn a_century_of_event_times_stays_small_and_loses_no_event() {
        let mut times = EventTimes::default();
        for hour in 0..876_000 {
            times.count(hour * HOUR);
        }
        assert_eq!(total(&times), 876_000);
        assert!(times.slots.len() <= SLOTS_MAX);
    }

    #[test]
    fn merging_adds_whatever_the_widths_are() {
        let mut wide = EventTimes::default();
        for hour in 0..10_000 {
            wide.count(hour * HOUR);
        }
        let mut narrow = EventTimes::default();
        narrow.count(7 * HOUR);
        narrow.count(12_000 * HOUR);
        let mut both = narrow.clone();
        both.merge(&wide);
        assert_eq!((total(&both), both.newest()), (10_002, Some(12_000 * HOUR)));
        wide.merge(&narrow);
        assert_eq!((total(&wide), wide.newest()), (10_002, Some(12_000 * HOUR)));
    }
}

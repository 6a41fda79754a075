//! Which sign-ins are known already: a cache, by event date, of the ids that the lake holds.
//!
//! A day that is not in memory is read from the lake before its first event is judged, so the answer
//! is right after a restart and for backfills of any age. Days that nobody asked for lately are
//! dropped when there are too many entries, but never one whose ids are not yet committed.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::lake::{LakeError, history};

/// Locks per day: more than the workers there can be on one machine would gain nothing.
const SHARDS: usize = 16;
/// Entries kept over all days: about 40 bytes each, so some 160 MB of the 512 MB budget.
const ENTRIES_MAX: usize = 4_000_000;

/// What is already known of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is new.
    New,
    /// The very same bytes.
    Copy,
    /// A record of the same sign-in with other content.
    Revision,
}

type Ids = HashMap<(u64, u64), i32, foldhash::fast::RandomState>;

/// The ids of one event date.
pub struct Day {
    shards: [Mutex<Ids>; SHARDS],
    used_in: AtomicU64,
}

/// All days in memory.
pub struct Dedupe {
    days: RwLock<HashMap<i32, Arc<Day>>>,
    files: RwLock<HashMap<i32, Vec<PathBuf>>>,
    hashers: [foldhash::quality::RandomState; 2],
    epoch: AtomicU64,
    entries: AtomicUsize,
}

impl Dedupe {
    /// Starts from the files that the lake holds, by event date.
    #[must_use]
    pub fn new(files: HashMap<i32, Vec<PathBuf>>) -> Dedupe {
        Dedupe {
            days: RwLock::default(),
            files: RwLock::new(files),
            hashers: [
                foldhash::quality::RandomState::default(),
                foldhash::quality::RandomState::default(),
            ],
            epoch: AtomicU64::new(1),
            entries: AtomicUsize::new(0),
        }
    }

    /// The ids of a date, read from the lake if need be.
    pub fn day(&self, date: i32) -> Result<Arc<Day>, LakeError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        if let Some(day) = self
            .days
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&date)
        {
            day.used_in.store(epoch, Ordering::Relaxed);
            return Ok(day.clone());
        }
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(day) = days.get(&date) {
            return Ok(day.clone());
        }
        let day = Arc::new(self.read_day(date, epoch)?);
        days.insert(date, day.clone());
        Ok(day)
    }

    fn read_day(&self, date: i32, epoch: u64) -> Result<Day, LakeError> {
        let day = Day {
            shards: Default::default(),
            used_in: AtomicU64::new(epoch),
        };
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        for path in files.get(&date).into_iter().flatten() {
            history::read_ids(path, |tenant, id, content_hash| {
                self.note(&day, tenant, id, content_hash);
            })?;
        }
        Ok(day)
    }

    /// Judges a sign-in, and remembers it if it is new.
    pub fn note(&self, day: &Day, tenant: &str, id: &str, content_hash: i32) -> Known {
        let key = (
            self.hashers[0].hash_one((tenant, id)),
            self.hashers[1].hash_one((tenant, id)),
        );
        let mut ids = day.shards[key.0 as usize % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match ids.get(&key) {
            Some(known) if *known == content_hash => Known::Copy,
            Some(_) => Known::Revision,
            None => {
                ids.insert(key, content_hash);
                self.entries.fetch_add(1, Ordering::Relaxed);
                Known::New
            }
        }
    }

    /// Everything noted so far is in these files too; old days may be dropped.
    pub fn committed(&self, files: impl IntoIterator<Item = (i32, PathBuf)>) {
        let mut known = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for (date, path) in files {
            known.entry(date).or_default().push(path);
        }
        drop(known);
        self.epoch.fetch_add(1, Ordering::Relaxed);
        if self.entries() > ENTRIES_MAX {
            self.drop_oldest();
        }
    }

    /// Entries in memory.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Drops the days not asked for since the last commit, longest unused first, down to half the limit.
    fn drop_oldest(&self) {
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        let mut by_use: Vec<(u64, i32)> = days
            .iter()
            .map(|(date, day)| (day.used_in.load(Ordering::Relaxed), *date))
            .collect();
        by_use.sort_unstable();
        for (_, date) in by_use {
            // A worker still holding the day may be noting ids in it: it stays.
            let idle = days
                .get(&date)
                .is_some_and(|day| Arc::strong_count(day) == 1);
            if idle
                && self.entries() > ENTRIES_MAX / 2
                && let Some(day) = days.remove(&date)
            {
                self.entries.fetch_sub(day.len(), Ordering::Relaxed);
            }
        }
    }
}

impl Day {
    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }
}

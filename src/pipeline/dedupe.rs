//! Which sign-ins are known already: a cache, by event date, of the ids that the lake holds.
//!
//! A day that is not in memory is read from the lake before its first event is judged, so the answer
//! is right after a restart and for backfills of any age. Days that nobody asked for lately are
//! dropped when there are too many entries, and come back when they are asked for.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::lake::{LakeError, history};

/// Locks per day: more than the workers there can be on one machine would gain nothing.
const SHARDS: usize = 16;
/// Entries from which on days are dropped: about 40 bytes each, so some 160 MB. Days in use stay.
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

/// The files of one event date that hold ids.
#[derive(Debug, Default, Clone)]
pub struct DayFiles {
    /// Of `sign_ins`.
    pub sign_ins: Vec<PathBuf>,
    /// Of `sign_in_revisions`.
    pub revisions: Vec<PathBuf>,
}

impl DayFiles {
    /// One file of `sign_ins`.
    #[must_use]
    pub fn of_sign_ins(path: PathBuf) -> DayFiles {
        DayFiles {
            sign_ins: vec![path],
            revisions: Vec::new(),
        }
    }

    /// One file of `sign_in_revisions`.
    #[must_use]
    pub fn of_revisions(path: PathBuf) -> DayFiles {
        DayFiles {
            sign_ins: Vec::new(),
            revisions: vec![path],
        }
    }
}

/// All days in memory.
pub struct Dedupe {
    days: RwLock<HashMap<i32, Arc<Day>>>,
    files: RwLock<HashMap<i32, DayFiles>>,
    hashers: [foldhash::quality::RandomState; 2],
    epoch: AtomicU64,
    entries: AtomicUsize,
}

impl Dedupe {
    /// Starts from the files that the lake holds, by event date.
    #[must_use]
    pub fn new(files: HashMap<i32, DayFiles>) -> Dedupe {
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
        let Some(files) = files.get(&date) else {
            return Ok(day);
        };
        for path in &files.sign_ins {
            history::read_ids(path, |tenant, id, content_hash| {
                self.note(&day, tenant, id, content_hash);
            })?;
        }
        for path in &files.revisions {
            // A killed run may have left a revision of a sign-in that is not in the lake yet: its
            // content is known, its id is not.
            history::read_ids(path, |tenant, id, content_hash| {
                self.note_content(&day, tenant, id, content_hash);
            })?;
        }
        Ok(day)
    }

    /// Judges a sign-in, and remembers it if it is new.
    pub fn note(&self, day: &Day, tenant: &str, id: &str, content_hash: i32) -> Known {
        let key = self.key((tenant, id));
        match day.insert(key, content_hash) {
            Some(known) if known == content_hash => Known::Copy,
            Some(_) => self.note_content(day, tenant, id, content_hash),
            None => {
                self.entries.fetch_add(1, Ordering::Relaxed);
                Known::New
            }
        }
    }

    /// Judges a record that differs from the one its sign-in was first seen in.
    fn note_content(&self, day: &Day, tenant: &str, id: &str, content_hash: i32) -> Known {
        let key = self.key((tenant, id, content_hash));
        if day.insert(key, content_hash).is_some() {
            return Known::Copy;
        }
        self.entries.fetch_add(1, Ordering::Relaxed);
        Known::Revision
    }

    fn key(&self, of: impl std::hash::Hash) -> (u64, u64) {
        (self.hashers[0].hash_one(&of), self.hashers[1].hash_one(&of))
    }

    /// Everything noted so far is in these files too; old days may be dropped.
    pub fn committed(&self, files: impl IntoIterator<Item = (i32, DayFiles)>) {
        let mut known = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for (date, files) in files {
            let day = known.entry(date).or_default();
            day.sign_ins.extend(files.sign_ins);
            day.revisions.extend(files.revisions);
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

    /// Drops the days that no record of the last commit fell on, longest unused first, down to half
    /// the limit. Days in use stay, however large they are.
    fn drop_oldest(&self) {
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut by_use: Vec<(u64, i32)> = days
            .iter()
            .map(|(date, day)| (day.used_in.load(Ordering::Relaxed), *date))
            .collect();
        by_use.retain(|(used_in, _)| used_in + 1 < epoch);
        by_use.sort_unstable();
        for (_, date) in by_use {
            if self.entries() > ENTRIES_MAX / 2
                && let Some(day) = days.remove(&date)
            {
                self.entries.fetch_sub(day.len(), Ordering::Relaxed);
            }
        }
    }
}

impl Day {
    /// Keeps the first value of a key; the value that was there before.
    fn insert(&self, key: (u64, u64), content_hash: i32) -> Option<i32> {
        let shard = &self.shards[key.0 as usize % SHARDS];
        let mut ids = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ids.get(&key).copied();
        if known.is_none() {
            ids.insert(key, content_hash);
        }
        known
    }

    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_new_once_a_revision_once_and_then_a_copy() {
        let dedupe = Dedupe::new(HashMap::new());
        let day = dedupe.day(20_000).expect("nothing to read");
        let note = |tenant, id, hash| dedupe.note(&day, tenant, id, hash);
        assert_eq!(note("t", "a", 1), Known::New);
        assert_eq!(note("t", "a", 1), Known::Copy);
        assert_eq!(note("t", "a", 2), Known::Revision);
        assert_eq!(note("t", "a", 2), Known::Copy);
        assert_eq!(note("t", "a", 1), Known::Copy);
        assert_eq!(note("u", "a", 1), Known::New);
        assert_eq!(dedupe.entries(), 3);
    }

    #[test]
    fn of_the_copies_that_several_threads_judge_at_once_one_is_new_and_every_content_counts_once() {
        const IDS: usize = 2_000;
        const CONTENTS: i32 = 3;
        let dedupe = Dedupe::new(HashMap::new());
        let day = dedupe.day(20_000).expect("nothing to read");
        let judge = |worker: usize| {
            let mut found = [0_usize; 3];
            for place in 0..IDS * 3 {
                let id = (place % IDS).to_string();
                let content = (place / IDS + worker) as i32 % CONTENTS;
                found[dedupe.note(&day, "t", &id, content) as usize] += 1;
            }
            found
        };
        let found = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|worker| scope.spawn(move || judge(worker)))
                .collect();
            let found = workers.into_iter().map(|it| it.join().expect("it ends"));
            found.fold([0; 3], |sum, it| {
                [0, 1, 2].map(|place| sum[place] + it[place])
            })
        });
        assert_eq!(found[Known::New as usize], IDS);
        assert_eq!(found[Known::Revision as usize], IDS * 2);
    }

    #[test]
    fn a_revision_that_came_first_does_not_make_its_sign_in_known() {
        let dedupe = Dedupe::new(HashMap::new());
        let day = dedupe.day(20_000).expect("nothing to read");
        assert_eq!(dedupe.note_content(&day, "t", "a", 2), Known::Revision);
        assert_eq!(dedupe.note(&day, "t", "a", 1), Known::New);
        assert_eq!(dedupe.note(&day, "t", "a", 2), Known::Copy);
    }
}

//! Which sign-ins are known already: a cache, by the hour of the event, of the ids that the lake holds.
//!
//! An hour that is not in memory is read from the lake before its first event is judged, so the answer
//! is right after a restart and for backfills of any age. Hours that nobody asked for lately are
//! dropped when there are too many entries, and come back when they are asked for: the lake is what
//! they are spilled to.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::domain::decode::time::{HOUR, date};
use crate::lake::{LakeError, history};

/// Locks per hour: as many as keep workers apart, and few, since there may be very many hours.
const SHARDS: usize = 8;
/// Entries from which on hours are dropped: about 40 bytes each, so some 160 MB. Hours in use stay.
const ENTRIES_MAX: usize = 4_000_000;
/// What an hour costs by itself, in entries.
const HOUR_COST: usize = 16;

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

/// The ids of one hour of event time.
pub struct Hour {
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

/// All hours in memory.
pub struct Dedupe {
    hours: RwLock<HashMap<i64, Arc<Hour>>>,
    /// By event date.
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
            hours: RwLock::default(),
            files: RwLock::new(files),
            hashers: [
                foldhash::quality::RandomState::default(),
                foldhash::quality::RandomState::default(),
            ],
            epoch: AtomicU64::new(1),
            entries: AtomicUsize::new(0),
        }
    }

    /// The ids of an hour, counted since 1970, read from the lake if need be.
    pub fn hour(&self, hour: i64) -> Result<Arc<Hour>, LakeError> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        if let Some(known) = self
            .hours
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hour)
        {
            known.used_in.store(epoch, Ordering::Relaxed);
            return Ok(known.clone());
        }
        let mut hours = self.hours.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hours.get(&hour) {
            return Ok(known.clone());
        }
        let read = Arc::new(self.read_hour(hour, epoch)?);
        self.entries.fetch_add(HOUR_COST, Ordering::Relaxed);
        hours.insert(hour, read.clone());
        Ok(read)
    }

    fn read_hour(&self, number: i64, epoch: u64) -> Result<Hour, LakeError> {
        let hour = Hour {
            shards: Default::default(),
            used_in: AtomicU64::new(epoch),
        };
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let Some(files) = files.get(&date(number * HOUR)) else {
            return Ok(hour);
        };
        let times = number * HOUR..(number + 1) * HOUR;
        for path in &files.sign_ins {
            history::read_ids(path, &times, |tenant, id, content_hash| {
                self.note(&hour, tenant, id, content_hash);
            })?;
        }
        for path in &files.revisions {
            // A killed run may have left a revision of a sign-in that is not in the lake yet: its
            // content is known, its id is not.
            history::read_ids(path, &times, |tenant, id, content_hash| {
                self.note_content(&hour, tenant, id, content_hash);
            })?;
        }
        Ok(hour)
    }

    /// Judges a sign-in, and remembers it if it is new.
    pub fn note(&self, hour: &Hour, tenant: &str, id: &str, content_hash: i32) -> Known {
        let key = self.key((tenant, id));
        match hour.insert(key, content_hash) {
            Some(known) if known == content_hash => Known::Copy,
            Some(_) => self.note_content(hour, tenant, id, content_hash),
            None => {
                self.entries.fetch_add(1, Ordering::Relaxed);
                Known::New
            }
        }
    }

    /// Judges a record that differs from the one its sign-in was first seen in.
    fn note_content(&self, hour: &Hour, tenant: &str, id: &str, content_hash: i32) -> Known {
        // Begins with a word of its own: a hash need not feel a zero at its end, and a content whose hash
        // is zero would be taken for the sign-in itself.
        let key = self.key(("content", tenant, id, content_hash));
        if hour.insert(key, content_hash).is_some() {
            return Known::Copy;
        }
        self.entries.fetch_add(1, Ordering::Relaxed);
        Known::Revision
    }

    fn key(&self, of: impl std::hash::Hash) -> (u64, u64) {
        (self.hashers[0].hash_one(&of), self.hashers[1].hash_one(&of))
    }

    /// Everything noted so far is in these files too; old hours may be dropped.
    pub fn committed(&self, files: impl IntoIterator<Item = (i32, DayFiles)>) {
        let mut known = self.files.write().unwrap_or_else(PoisonError::into_inner);
        for (date, files) in files {
            let held = known.entry(date).or_default();
            held.sign_ins.extend(files.sign_ins);
            held.revisions.extend(files.revisions);
        }
        drop(known);
        self.epoch.fetch_add(1, Ordering::Relaxed);
        if self.entries() > ENTRIES_MAX {
            self.drop_oldest();
        }
    }

    /// What is in memory, in entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Drops the hours that no record of the last commit fell in, longest unused first, down to half
    /// the limit. Hours in use stay, however large they are.
    fn drop_oldest(&self) {
        let mut hours = self.hours.write().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch.load(Ordering::Relaxed);
        let mut by_use: Vec<(u64, i64)> = hours
            .iter()
            .map(|(number, hour)| (hour.used_in.load(Ordering::Relaxed), *number))
            .collect();
        by_use.retain(|(used_in, _)| used_in + 1 < epoch);
        by_use.sort_unstable();
        for (_, number) in by_use {
            if self.entries() > ENTRIES_MAX / 2
                && let Some(hour) = hours.remove(&number)
            {
                let cost = hour.len() + HOUR_COST;
                self.entries.fetch_sub(cost, Ordering::Relaxed);
            }
        }
    }
}

impl Hour {
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
        let hour = dedupe.hour(480_000).expect("nothing to read");
        let note = |tenant, id, hash| dedupe.note(&hour, tenant, id, hash);
        assert_eq!(note("t", "a", 1), Known::New);
        assert_eq!(note("t", "a", 1), Known::Copy);
        assert_eq!(note("t", "a", 2), Known::Revision);
        assert_eq!(note("t", "a", 2), Known::Copy);
        assert_eq!(note("t", "a", 1), Known::Copy);
        assert_eq!(note("t", "a", 0), Known::Revision);
        assert_eq!(note("u", "a", 1), Known::New);
        assert_eq!(dedupe.entries(), 4 + HOUR_COST);
    }

    #[test]
    fn of_the_copies_that_several_threads_judge_at_once_one_is_new_and_every_content_counts_once() {
        const IDS: usize = 2_000;
        const CONTENTS: i32 = 3;
        let dedupe = Dedupe::new(HashMap::new());
        let hour = dedupe.hour(480_000).expect("nothing to read");
        let judge = |worker: usize| {
            let mut found = [0_usize; 3];
            for place in 0..IDS * 3 {
                let id = (place % IDS).to_string();
                let content = (place / IDS + worker) as i32 % CONTENTS;
                found[dedupe.note(&hour, "t", &id, content) as usize] += 1;
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
        let hour = dedupe.hour(480_000).expect("nothing to read");
        assert_eq!(dedupe.note_content(&hour, "t", "a", 2), Known::Revision);
        assert_eq!(dedupe.note(&hour, "t", "a", 1), Known::New);
        assert_eq!(dedupe.note(&hour, "t", "a", 2), Known::Copy);
    }
}

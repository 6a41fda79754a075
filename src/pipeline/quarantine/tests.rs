//! The rule in a small world: runs that read, commit and die, until all is stored.
//!
//! The world knows what the rule does not: which messages are poisonous when they are read, which
//! when their rows are written, and when somebody kills the process.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::hand::Line;
use super::*;

const LANES: [&str; 2] = ["a", "b"];

/// A lane and an offset.
type Message = (usize, i64);

#[derive(Debug, Clone, Default)]
struct World {
    messages: i64,
    workers: usize,
    /// Messages of a chunk.
    chunk: usize,
    /// Chunks between two commits.
    flush: usize,
    /// Rows of one worker that are written out at once, ahead of a commit.
    batch: usize,
    poisonous_to_read: BTreeSet<Message>,
    poisonous_to_write: BTreeSet<Message>,
}

/// The process died here.
struct Died;

/// One run; what a worker has open is finished when it gets more, or at a commit.
struct Run<'a> {
    world: &'a World,
    memory: &'a mut Memory,
    stored: &'a mut Stored,
    quarantined: Quarantined,
    lines: Vec<Line>,
    open: BTreeMap<usize, Vec<Message>>,
    /// Rows of each worker that are not written yet.
    rows: BTreeMap<usize, Vec<Message>>,
    /// What was read since the last commit.
    read: BTreeSet<Message>,
    /// Steps until somebody kills it.
    life: usize,
}

impl Run<'_> {
    fn step(&mut self) -> Result<(), Died> {
        self.life = self.life.checked_sub(1).ok_or(Died)?;
        Ok(())
    }

    fn is_quarantined(&self, (lane, offset): Message) -> bool {
        let lane = self.quarantined.get(LANES[lane]);
        lane.is_some_and(|lane| lane.contains_key(&offset))
    }

    fn finish(&mut self, worker: usize) -> Result<(), Died> {
        for message in self.open.get(&worker).cloned().unwrap_or_default() {
            self.step()?;
            if self.is_quarantined(message) {
                continue;
            }
            if self.world.poisonous_to_read.contains(&message) {
                return Err(Died);
            }
            let rows = self.rows.entry(worker).or_default();
            rows.push(message);
            if rows.len() >= self.world.batch {
                self.write(worker)?;
            }
        }
        if self.open.remove(&worker).is_some() {
            self.lines.push(Line::Done(worker));
        }
        Ok(())
    }

    fn write(&mut self, worker: usize) -> Result<(), Died> {
        let rows = self.rows.remove(&worker).unwrap_or_default();
        let poison = &self.world.poisonous_to_write;
        if rows.iter().any(|row| poison.contains(row)) {
            return Err(Died);
        }
        Ok(())
    }

    fn hand_out(&mut self, worker: usize, lane: usize, offsets: &[i64]) -> Result<(), Died> {
        self.finish(worker)?;
        let stretch = Stretch {
            lane: LANES[lane].into(),
            from: offsets[0],
            to: offsets[offsets.len() - 1] + 1,
        };
        self.lines.push(Line::Begun(worker, offsets.len(), stretch));
        let messages: Vec<Message> = offsets.iter().map(|at| (lane, *at)).collect();
        self.read.extend(&messages);
        self.open.insert(worker, messages);
        self.step()
    }

    fn finish_all(&mut self) -> Result<(), Died> {
        (0..self.world.workers).try_for_each(|worker| self.finish(worker))
    }

    fn commit(&mut self) -> Result<(), Died> {
        self.finish_all()?;
        self.step()?;
        (0..self.world.workers).try_for_each(|worker| self.write(worker))?;
        self.step()?;
        for (lane, offset) in std::mem::take(&mut self.read) {
            let next = self.stored.entry(LANES[lane].into()).or_insert(0);
            *next = (*next).max(offset + 1);
        }
        // Dead between the commit and its note in the log.
        self.step()?;
        self.lines.clear();
        self.memory.forget(self.stored);
        Ok(())
    }

    fn carefully(&mut self, lane: usize, offsets: &[i64], care: Care) -> Result<(), Died> {
        self.commit()?;
        let mut rest = offsets;
        for portion in self.memory.portions(LANES[lane], offsets, care) {
            let (part, after) = rest.split_at(portion.messages);
            rest = after;
            if portion.apart {
                self.commit()?;
            }
            self.lines.push(Line::Careful);
            self.hand_out(0, lane, part)?;
            if portion.apart {
                self.commit()?;
            } else {
                self.finish_all()?;
            }
        }
        assert!(rest.is_empty(), "the portions hold everything");
        self.commit()
    }

    fn read_all(&mut self) -> Result<(), Died> {
        let mut next: Vec<i64> = LANES
            .iter()
            .map(|lane| self.stored.get(*lane).copied().unwrap_or(0))
            .collect();
        let mut chunks = 0;
        while next.iter().any(|at| *at < self.world.messages) {
            for lane in 0..LANES.len() {
                let to = self
                    .world
                    .messages
                    .min(next[lane] + self.world.chunk as i64);
                let offsets: Vec<i64> = (next[lane]..to).collect();
                let Some(first) = offsets.first() else {
                    continue;
                };
                next[lane] = to;
                match self.memory.care_for(LANES[lane], *first, to) {
                    Care::None | Care::Watch => {
                        self.hand_out(chunks % self.world.workers, lane, &offsets)?;
                    }
                    care => self.carefully(lane, &offsets, care)?,
                }
                chunks += 1;
                if chunks % self.world.flush == 0 {
                    self.commit()?;
                }
            }
        }
        self.commit()
    }
}

/// What came of the world.
#[derive(Debug, Default)]
struct Told {
    quarantined: BTreeSet<Message>,
    /// In how many crashed runs each message was in flight.
    in_flight: BTreeMap<Message, u32>,
    runs: usize,
    ended: bool,
}

/// Runs until one ends well; the first ones are killed after so many steps.
fn live(world: &World, lives: &[usize], runs_max: usize) -> Told {
    let (mut memory, mut stored, mut told) = (Memory::default(), Stored::new(), Told::default());
    let mut last = LastRun::default();
    while !told.ended && told.runs < runs_max {
        memory.judge(&last, &stored);
        // What is remembered goes through the file.
        let text = serde_json::to_vec(&memory).expect("texts and numbers");
        memory = serde_json::from_slice(&text).expect("it was written");
        let quarantined = memory.quarantined();
        for (lane, offsets) in &quarantined {
            let lane = LANES
                .iter()
                .position(|name| *name == &**lane)
                .expect("known");
            let offsets = offsets.keys().map(|offset| (lane, *offset));
            told.quarantined.extend(offsets);
        }
        let mut run = Run {
            world,
            memory: &mut memory,
            stored: &mut stored,
            quarantined,
            lines: Vec::new(),
            open: BTreeMap::new(),
            rows: BTreeMap::new(),
            read: BTreeSet::new(),
            life: lives.get(told.runs).copied().unwrap_or(usize::MAX),
        };
        told.ended = run.read_all().is_ok();
        if !told.ended {
            for message in &run.read {
                *told.in_flight.entry(*message).or_default() += 1;
            }
        }
        last = LastRun {
            run: format!("run {}", told.runs),
            lines: run.lines,
            whole: true,
        };
        told.runs += 1;
    }
    told
}

fn world() -> World {
    World {
        messages: 40,
        workers: 2,
        chunk: 5,
        flush: 3,
        batch: 1000,
        ..World::default()
    }
}

fn worlds() -> impl Strategy<Value = World> {
    let message = || (0..LANES.len(), 0..40_i64);
    let poison = || prop::collection::btree_set(message(), 0..3);
    let sizes = (1..4_usize, 1..9_usize, 1..9_usize, 2..30_usize);
    (sizes, poison(), poison()).prop_map(|(sizes, to_read, to_write)| World {
        messages: 40,
        workers: sizes.0,
        chunk: sizes.1,
        flush: sizes.2,
        batch: sizes.3,
        poisonous_to_read: to_read,
        poisonous_to_write: to_write,
    })
}

#[test]
fn a_poisonous_message_crashes_three_runs_and_the_fourth_goes_through() {
    let mut world = world();
    world.poisonous_to_read.insert((1, 17));
    let told = live(&world, &[], 10);
    assert!(told.ended);
    assert_eq!((told.runs, told.in_flight[&(1, 17)]), (4, 3));
    assert_eq!(told.quarantined, BTreeSet::from([(1, 17)]));
}

#[test]
fn a_message_that_cannot_be_written_is_found_though_it_was_read_well() {
    let mut world = world();
    world.poisonous_to_write.insert((0, 23));
    let told = live(&world, &[], 20);
    assert!(told.ended);
    assert_eq!(told.quarantined, BTreeSet::from([(0, 23)]));
}

#[test]
fn nothing_in_hand_means_nothing_suspect() {
    let last = |lines| LastRun {
        run: "1".to_owned(),
        lines,
        whole: true,
    };
    let stretch = Stretch {
        lane: "a".into(),
        from: 3,
        to: 9,
    };
    let stored = Stored::from([("a".into(), 9)]);
    let begun = Line::Begun(0, 6, stretch);
    let mut memory = Memory::default();
    assert_eq!(memory.judge(&last(vec![]), &stored), Finding::Nothing);
    assert_eq!(
        memory.judge(&last(vec![begun.clone()]), &stored),
        Finding::Nothing
    );
    let stopping = last(vec![begun.clone(), Line::Stopping]);
    assert_eq!(memory.judge(&stopping, &Stored::new()), Finding::Nothing);
    let crashed = last(vec![begun]);
    let found = memory.judge(&crashed, &Stored::new());
    assert_eq!(found, Finding::Suspects(Care::Messages));
    // The start after it was killed before its own log was there.
    let again = memory.judge(&crashed, &Stored::new());
    assert_eq!(again, Finding::Nothing);
}

#[test]
fn a_panic_is_counted_for_its_message_and_three_quarantine_it() {
    let mut memory = Memory::default();
    for run in 1..=3 {
        assert!(memory.quarantined().is_empty());
        let last = LastRun {
            run: run.to_string(),
            lines: vec![Line::Panicked("a".into(), 7)],
            whole: true,
        };
        memory.judge(&last, &Stored::new());
    }
    assert_eq!(memory.quarantined()["a"][&7], 3);
    assert!(memory.forget(&Stored::from([("a".into(), 8)])));
    assert_eq!(memory.quarantined(), Quarantined::new());
    assert!(memory.is_empty());
}

#[test]
fn a_log_that_breaks_off_accuses_nobody() {
    let text = b"{\"run\":\"1\"}\n\"careful\"\n{\"begun\":[0,1,{\"lane\":\"a\",\"from\":7,\"to\":8}]}\n{\"do";
    let (mut memory, stored) = (Memory::default(), Stored::new());
    let last = LastRun::parse(text);
    assert_eq!(last.lines.len(), 2);
    assert_eq!(memory.judge(&last, &stored), Finding::Suspects(Care::Parts));
    let mut memory = Memory::default();
    let last = LastRun::parse(&text[..text.len() - 4]);
    assert!(matches!(memory.judge(&last, &stored), Finding::Culprit(_)));
    for garbage in [&b""[..], b"\0\0\0\0", b"{\"run\":", b"nonsense\n"] {
        let last = LastRun::parse(garbage);
        assert_eq!(memory.judge(&last, &stored), Finding::Nothing);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_poisonous_message_is_quarantined_and_no_other(world in worlds()) {
        let told = live(&world, &[], 200);
        prop_assert!(told.ended, "{told:?}");
        let poisonous = &world.poisonous_to_read | &world.poisonous_to_write;
        prop_assert_eq!(&told.quarantined, &poisonous);
        for message in &told.quarantined {
            prop_assert!(told.in_flight[message] >= 3, "{:?}", told);
        }
    }

    #[test]
    fn whoever_kills_the_process_quarantines_nothing_that_was_not_in_flight_three_times(
        world in worlds(),
        lives in prop::collection::vec(0..60_usize, 0..12),
    ) {
        let told = live(&world, &lives, 250);
        prop_assert!(told.ended, "{told:?}");
        for message in &told.quarantined {
            prop_assert!(told.in_flight[message] >= 3, "{:?}", told);
        }
    }

    #[test]
    fn two_kills_quarantine_nothing_that_is_good(
        mut world in worlds(),
        lives in prop::collection::vec(0..300_usize, 0..=2),
    ) {
        world.poisonous_to_read.clear();
        world.poisonous_to_write.clear();
        let told = live(&world, &lives, 10);
        prop_assert!(told.ended && told.quarantined.is_empty(), "{told:?}");
    }
}

//! Which message kills the process: the rule, from what crashed runs had in hand.
//!
//! Every crash narrows the suspicion, and every start goes on by what is known:
//!
//! | the last run died                               | the next run                             |
//! |-------------------------------------------------|------------------------------------------|
//! | while workers had chunks in hand                | reads these chunks message by message    |
//! | while it wrote, nothing in a worker's hand      | goes on as ever, but remembers           |
//! | again, before what was suspect was stored       | reads all it had read message by message |
//! | while it wrote what was read message by message | commits it in sixteenths, and so on      |
//! | while it read one message, nothing else in hand | counts a crash and commits before and    |
//! |                                                 | after that message                       |
//!
//! The message of a panic is known at once. One with three crashes is quarantined: no longer read,
//! a reject with its bytes. Having been suspect counts as one of the three at most, so whoever kills
//! the process from outside must twice hit the instant in which the same message is alone in hand.
//! What is stored is no longer suspect; then everything is as ever.
//!
//! Pure: what was in hand and what is stored come in, what to do comes out. Files are `watch`'s.

pub(super) mod careful;
pub(super) mod failpoint;
pub(super) mod hand;
pub(super) mod watch;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::hand::{Hand, LastRun};

/// Crashes after which a message is no longer read.
const CRASHES_MAX: u32 = 3;
/// Messages remembered: a crash adds one, being stored removes it, so this many are a mistake.
const ACCUSED_MAX: usize = 1024;

/// Portions of what is suspect that are committed one by one: few small files, and three crashes
/// find one message of thousands.
const PARTS: usize = 16;

/// Next offset of every lane that is known.
pub(super) type Stored = BTreeMap<Arc<str>, i64>;

/// Messages that are not read, by lane and offset, and how often each crashed the process.
pub type Quarantined = HashMap<Arc<str>, HashMap<i64, u32>>;

/// Offsets of one lane, the end excluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    lane: Arc<str>,
    from: i64,
    to: i64,
}

/// How what is suspect is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Care {
    /// As ever.
    #[default]
    None,
    /// As ever; another crash makes it messages.
    Watch,
    /// One message after the other, nothing else in hand.
    Messages,
    /// In parts, each committed before the next; a crash in one makes the parts smaller.
    Parts,
}

/// Messages of a chunk that are read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Portion {
    messages: usize,
    /// Committed before anything else is read, and everything else before it.
    apart: bool,
}

/// A message that was alone in hand when the process died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Accused {
    lane: Arc<str>,
    offset: i64,
    crashes: u32,
}

impl Accused {
    fn is_quarantined(&self) -> bool {
        self.crashes >= CRASHES_MAX
    }
}

/// What is remembered of crashed runs until their messages are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// The last run that was judged: none is judged twice.
    judged: String,
    care: Care,
    suspects: Vec<Stretch>,
    accused: Vec<Accused>,
}

/// What a judgement found, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// The run ended well, or nothing was in its hands.
    Nothing,
    /// It died, and it is not known by which message.
    Suspects(Care),
    /// It died by this message.
    Culprit(Accused),
}

impl Memory {
    /// Takes in how the last run ended; `stored` knows every lane of [`Memory::lanes`] and the run.
    fn judge(&mut self, last: &LastRun, stored: &Stored) -> Finding {
        self.forget(stored);
        if last.run.is_empty() || last.run == self.judged {
            return Finding::Nothing;
        }
        let hand = Hand::of(last, stored);
        let finding = match hand.culprit(self.care) {
            Some((lane, offset)) => Finding::Culprit(self.accuse(lane, offset)),
            None if hand.read.is_empty() || hand.stopping => return Finding::Nothing,
            None => {
                self.suspect(&hand);
                Finding::Suspects(self.care)
            }
        };
        self.judged.clone_from(&last.run);
        finding
    }

    /// Forgets what is stored; whether there was anything.
    fn forget(&mut self, stored: &Stored) -> bool {
        let is_ahead = |lane: &Arc<str>, last: i64| stored.get(lane).is_none_or(|at| last >= *at);
        let before = self.suspects.len() + self.accused.len();
        self.suspects.retain(|it| is_ahead(&it.lane, it.to - 1));
        self.accused.retain(|it| is_ahead(&it.lane, it.offset));
        if self.suspects.is_empty() {
            self.care = Care::None;
        }
        before != self.suspects.len() + self.accused.len()
    }

    /// How these offsets are read.
    fn care_for(&self, lane: &str, from: i64, to: i64) -> Care {
        let meets = |it: &Stretch| *it.lane == *lane && it.from < to && from < it.to;
        if self.suspects.iter().any(meets) && self.care != Care::Watch {
            return self.care;
        }
        let is_in = |it: &Accused| *it.lane == *lane && (from..to).contains(&it.offset);
        if self.accused().any(is_in) {
            Care::Messages
        } else {
            Care::None
        }
    }

    /// How the messages of a chunk are portioned: few of the suspect ones, all others in between.
    fn portions(&self, lane: &str, offsets: &[i64], care: Care) -> Vec<Portion> {
        let is_suspect = |at: &i64| self.care_for(lane, *at, *at + 1) != Care::None;
        let suspects = offsets.iter().filter(|at| is_suspect(at)).count();
        let most = match care {
            Care::Parts => suspects.div_ceil(PARTS).max(1),
            Care::None | Care::Watch | Care::Messages => 1,
        };
        let mut portions = Vec::new();
        for run in offsets.chunk_by(|left, right| is_suspect(left) == is_suspect(right)) {
            let size = if is_suspect(&run[0]) { most } else { run.len() };
            portions.extend(run.chunks(size).map(|offsets| Portion {
                messages: offsets.len(),
                apart: care == Care::Parts || offsets.iter().any(|at| self.is_accused(lane, *at)),
            }));
        }
        portions
    }

    /// Whether a message has crashed the process and is to be tried again.
    fn is_accused(&self, lane: &str, offset: i64) -> bool {
        self.accused()
            .any(|it| *it.lane == *lane && it.offset == offset)
    }

    fn accused(&self) -> impl Iterator<Item = &Accused> {
        self.accused.iter().filter(|it| !it.is_quarantined())
    }

    /// Whether nothing is remembered, as ever when nothing ever crashed.
    fn is_empty(&self) -> bool {
        self.suspects.is_empty() && self.accused.is_empty()
    }

    /// Lanes that something is remembered of.
    fn lanes(&self) -> impl Iterator<Item = &Arc<str>> {
        let suspects = self.suspects.iter().map(|it| &it.lane);
        suspects.chain(self.accused.iter().map(|it| &it.lane))
    }

    /// What is not to be read.
    fn quarantined(&self) -> Quarantined {
        let mut all = Quarantined::new();
        for it in self.accused.iter().filter(|it| it.is_quarantined()) {
            let lane = all.entry(it.lane.clone()).or_default();
            lane.insert(it.offset, it.crashes);
        }
        all
    }

    fn accuse(&mut self, lane: Arc<str>, offset: i64) -> Accused {
        let known = self
            .accused
            .iter_mut()
            .find(|it| it.lane == lane && it.offset == offset);
        if let Some(known) = known {
            known.crashes += 1;
            return known.clone();
        }
        let was_suspect = self
            .suspects
            .iter()
            .any(|it| it.lane == lane && (it.from..it.to).contains(&offset));
        let new = Accused {
            lane,
            offset,
            crashes: 1 + u32::from(was_suspect),
        };
        if self.accused.len() >= ACCUSED_MAX {
            self.accused.remove(0);
        }
        self.accused.push(new.clone());
        new
    }

    fn suspect(&mut self, hand: &Hand) {
        let is_read = |it: &Stretch| hand.read.iter().any(|read| read.lane == it.lane);
        let again = self.suspects.iter().any(is_read);
        let read = hand.read.iter();
        (self.care, self.suspects) = match (hand.careful, again) {
            (true, _) => (Care::Parts, hull(read)),
            (false, true) => (Care::Messages, hull(read.chain(&self.suspects))),
            (false, false) if hand.open.is_empty() => (Care::Watch, hull(read)),
            (false, false) => (Care::Messages, hand.open.clone()),
        };
    }
}

/// One stretch for each lane, from its first offset to its last.
fn hull<'a>(stretches: impl Iterator<Item = &'a Stretch>) -> Vec<Stretch> {
    let mut lanes: BTreeMap<&Arc<str>, Stretch> = BTreeMap::new();
    for it in stretches {
        let lane = lanes.entry(&it.lane).or_insert_with(|| it.clone());
        lane.from = lane.from.min(it.from);
        lane.to = lane.to.max(it.to);
    }
    lanes.into_values().collect()
}

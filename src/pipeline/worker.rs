//! One worker: messages in; rows of sign-ins, revisions and rejects, signals and counts out.
//!
//! Several workers run side by side and share nothing but the cache of known ids. A worker writes
//! its own Parquet files; nobody reads them before the coordinator has committed them.

mod again;
mod made;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crate::domain::classify::{Classifier, Verdict};
use crate::domain::decode::normalise::{Normalised, SignIn, normalise};
use crate::domain::decode::oddity::Oddities;
use crate::domain::decode::time::{HOUR, date};
use crate::domain::decode::{Decoder, Piece, Pointer, Reject, RejectReason};
use crate::domain::hash::fnv64;
use crate::domain::knowledge::Knowledge;
use crate::domain::sign_in::Outcome;
use crate::domain::signal::{Facts, Signal};
use crate::lake::raw::text_of;
use crate::lake::rejects::RejectRow;
use crate::lake::sign_ins::SignInRow;
use crate::lake::{LakeError, WorkerFiles};
use crate::metrics::{Duplicate, PassedOver};
use crate::pipeline::dedupe::{Dedupe, Hour, Known};
use crate::pipeline::quarantine::Quarantined;
use crate::pipeline::quarantine::failpoint::Failpoint;
use crate::pipeline::{Clock, Settings};
use crate::source::{Chunk, Form, Origin};

pub use made::{Raw, Sealed};

/// Place of a reject that is a whole message and none of its records.
const WHOLE_MESSAGE: i32 = -1;

/// Rejects that a killed run has left ahead of `sign_ins`: by lane, offset and index.
pub type Replayed = HashMap<Arc<str>, HashSet<(i64, i32)>>;

/// Where a piece came from, and when.
#[derive(Clone, Copy)]
struct Place<'a> {
    origin: Origin<'a>,
    way: Way<'a>,
    /// Time of ingestion, UTC microseconds.
    now: i64,
    /// When the broker took it, UTC microseconds.
    arrival: Option<i64>,
    /// The header of the table that it is a row of, or nothing.
    header: &'a str,
}

/// Through what a piece came in.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// A lane, by its name in the lake; a killed run may have stored its rejects.
    Lane(&'a str),
    /// A reject that is stored.
    Reject,
}

/// What a piece became; the greatest of several is what became of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    PassedOver,
    Copy,
    Revision,
    SignIn,
    Reject,
}

/// A worker's own state.
pub struct Worker {
    knowledge: &'static Knowledge,
    decoder: Decoder,
    classifier: Classifier,
    files: WorkerFiles,
    dedupe: Arc<Dedupe>,
    replayed: Arc<Replayed>,
    quarantined: Arc<Quarantined>,
    raw: Raw,
    clock: Clock,
    hours: HashMap<i64, Arc<Hour>>,
    made: Sealed,
    /// Offset of the message that is read.
    in_hand: i64,
    failpoint: Option<Failpoint>,
}

impl Worker {
    /// A worker that fills these files.
    #[must_use]
    pub fn new(
        files: WorkerFiles,
        dedupe: Arc<Dedupe>,
        replayed: Arc<Replayed>,
        quarantined: Arc<Quarantined>,
        settings: &Settings,
    ) -> Worker {
        let knowledge = Knowledge::builtin();
        Worker {
            knowledge,
            decoder: Decoder::default(),
            classifier: Classifier::new(knowledge),
            files,
            dedupe,
            replayed,
            quarantined,
            raw: settings.raw,
            clock: settings.clock,
            hours: HashMap::new(),
            made: Sealed::default(),
            in_hand: 0,
            failpoint: Failpoint::from_environment(),
        }
    }

    /// Offset of the message that is read, or was read last.
    #[must_use]
    pub fn in_hand(&self) -> i64 {
        self.in_hand
    }

    /// Takes in the messages of a chunk. `now` is the time of ingestion, UTC microseconds.
    pub fn take(&mut self, chunk: &Chunk, now: i64) -> Result<(), LakeError> {
        let started = Instant::now();
        let mut decoder = std::mem::take(&mut self.decoder);
        let quarantined = self.quarantined.clone();
        let quarantined = quarantined.get(&chunk.lane.app_id);
        let times = chunk.times.iter().copied().chain(std::iter::repeat(None));
        let mut messages = chunk.messages.iter().zip(times);
        let taken = messages.try_for_each(|((offset, range), arrival)| {
            let message = &chunk.bytes[range.clone()];
            self.in_hand = *offset;
            self.made.tally.record(message.len());
            let mut place = Place {
                origin: Origin {
                    stream: &chunk.lane.stream,
                    partition: chunk.lane.partition,
                    offset: *offset,
                    index: 0,
                },
                way: Way::Lane(&chunk.lane.app_id),
                now,
                arrival,
                header: chunk.form.header(),
            };
            if let Some(crashes) = quarantined.and_then(|lane| lane.get(offset)) {
                place.origin.index = WHOLE_MESSAGE;
                return self
                    .piece(&quarantined_message(message, *crashes), place)
                    .map(|_| ());
            }
            self.message(&mut decoder, &chunk.form, message, place)
        });
        self.made.tally.lenient += decoder.take_lenient();
        self.made.busy += started.elapsed();
        self.decoder = decoder;
        taken
    }

    /// Takes in the pieces of a message.
    fn message(
        &mut self,
        decoder: &mut Decoder,
        form: &Form,
        message: &[u8],
        mut place: Place,
    ) -> Result<(), LakeError> {
        if let Some(failpoint) = &mut self.failpoint {
            failpoint.read(message);
        }
        let mut failed = None;
        let mut take = |piece: Piece| {
            if failed.is_none() {
                failed = self.piece(&piece, place).err();
            }
            place.origin.index += 1;
        };
        match form {
            Form::Json => decoder.decode(message, &mut take),
            Form::Row(header) => decoder.table_row(header, message, &mut take),
        }
        failed.map_or(Ok(()), Err)
    }

    /// Finishes the files and hands over everything since the last call.
    pub fn seal(&mut self) -> Result<Sealed, LakeError> {
        if let Some(failpoint) = &self.failpoint {
            failpoint.seal();
        }
        self.hours.clear();
        self.made.sign_ins = self.files.sign_ins.seal()?;
        self.made.revisions = self.files.revisions.seal()?;
        self.made.rejects = self.files.rejects.seal()?;
        Ok(std::mem::take(&mut self.made))
    }

    fn piece(&mut self, piece: &Piece, place: Place) -> Result<Fate, LakeError> {
        self.made.pieces += 1;
        let (record, raw, pointer) = match piece {
            Piece::Record {
                record,
                raw,
                pointer,
            } => (record, *raw, *pointer),
            Piece::Reject(reject) => return self.reject(reject, place),
        };
        match normalise(record, place.arrival) {
            Normalised::SignIn(sign_in) => self.sign_in(&sign_in, raw, place),
            Normalised::PassedOver(category) => {
                self.made.tally.passed_over(passed_over(category));
                Ok(Fate::PassedOver)
            }
            Normalised::Reject(reason, detail) => self.reject(
                &Reject {
                    reason,
                    detail,
                    raw,
                    pointer,
                },
                place,
            ),
        }
    }

    fn sign_in(&mut self, sign_in: &SignIn, raw: &[u8], place: Place) -> Result<Fate, LakeError> {
        // Bit for bit the checksum; the sign carries no meaning.
        let content_hash = crc32fast::hash(raw) as i32;
        let made_id;
        let id = if sign_in.id.is_empty() {
            made_id = format!("content:{:016x}{:08x}", fnv64(raw), content_hash);
            made_id.as_str()
        } else {
            sign_in.id
        };
        let hour = self.hour(sign_in.event_time)?;
        let known = self.dedupe.note(&hour, sign_in.tenant_id, id, content_hash);
        if known == Known::Copy {
            self.made.tally.duplicate(Duplicate::Copy);
            return Ok(Fate::Copy);
        }
        let verdict = self.classifier.classify(sign_in);
        let oddities = verdict.oddities(sign_in);
        let kept = if self.keeps(verdict.outcome, oddities) {
            text_of(raw)
        } else {
            Cow::Borrowed("")
        };
        let origin = place.origin;
        let row = SignInRow {
            sign_in,
            verdict: &verdict,
            oddities,
            id,
            origin,
            content_hash,
            raw: &kept,
        };
        let signal = Facts::of(sign_in, &verdict).signal(self.knowledge);
        if known == Known::Revision {
            self.made.tally.duplicate(Duplicate::Revision);
            let revisions = &mut self.files.revisions;
            revisions.push(sign_in.event_date, &row, raw.len())?;
            let news = signal.filter(Signal::is_news_of_a_copy);
            self.made.signals.extend(news);
            return Ok(Fate::Revision);
        }
        self.files
            .sign_ins
            .push(sign_in.event_date, &row, raw.len())?;
        self.count(sign_in, &verdict, oddities);
        self.note_time(sign_in, place.now);
        self.made.signals.extend(signal);
        Ok(Fate::SignIn)
    }

    fn count(&mut self, sign_in: &SignIn, verdict: &Verdict, oddities: Oddities) {
        let tally = &mut self.made.tally;
        tally.sign_in(sign_in.category, sign_in.event_time, verdict);
        oddities.iter().for_each(|oddity| tally.warning(oddity));
    }

    fn keeps(&self, outcome: Outcome, oddities: Oddities) -> bool {
        match self.raw {
            Raw::None => false,
            Raw::Failures => {
                matches!(outcome, Outcome::Blocked | Outcome::Failed) || oddities.is_lossy()
            }
            Raw::All => true,
        }
    }

    fn hour(&mut self, event_time: i64) -> Result<Arc<Hour>, LakeError> {
        let number = event_time.div_euclid(HOUR);
        if let Some(hour) = self.hours.get(&number) {
            return Ok(hour.clone());
        }
        let hour = self.dedupe.hour(number)?;
        self.hours.insert(number, hour.clone());
        Ok(hour)
    }

    /// Event time moves on only by events that had happened when they were published, or taken in.
    fn note_time(&mut self, sign_in: &SignIn, now: i64) {
        let now = self.clock.latest().max(now);
        let latest = sign_in
            .publish_time
            .unwrap_or(now)
            .min(now)
            .saturating_add(HOUR);
        if sign_in.event_time <= latest {
            self.made.watermark = self.made.watermark.max(Some(sign_in.event_time));
        }
    }

    fn reject(&mut self, reject: &Reject, place: Place) -> Result<Fate, LakeError> {
        self.made.tally.reject(reject.reason);
        if self.is_replayed(place) {
            self.made.replayed += 1;
            return Ok(Fate::Reject);
        }
        let row = RejectRow {
            reason: reject.reason,
            detail: &reject.detail,
            pointer: reject.pointer,
            origin: place.origin,
            raw: reject.raw,
            header: place.header,
            ingested_at: place.now,
        };
        self.files
            .rejects
            .push(date(place.now), &row, reject.raw.len())?;
        Ok(Fate::Reject)
    }

    fn is_replayed(&self, place: Place) -> bool {
        let origin = (place.origin.offset, place.origin.index);
        match place.way {
            Way::Reject => true,
            Way::Lane(lane) => {
                let rows = self.replayed.get(lane);
                rows.is_some_and(|rows| rows.contains(&origin))
            }
        }
    }
}

fn passed_over(category: &str) -> PassedOver {
    if category.eq_ignore_ascii_case("AuditLogs") {
        PassedOver::Audit
    } else {
        PassedOver::Other
    }
}

fn quarantined_message(message: &[u8], crashes: u32) -> Piece<'_> {
    Piece::Reject(Reject {
        reason: RejectReason::Quarantined,
        detail: format!("the process crashed {crashes} times while this message was in hand"),
        raw: message,
        pointer: Pointer::default(),
    })
}

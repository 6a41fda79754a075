//! Kafka and Event Hubs as a source: one consumer on its own thread, every partition assigned.
//!
//! Start offsets come from the lake and are set in the assignment; the broker's own copy of the
//! offset is written as a hint for lag tools and never read. An offset that the broker no longer has
//! stops the source: events would be missing, and nobody must find that out by chance.

mod client;
mod reading;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

pub use client::client_config;

use super::buffer::Pool;
use super::{Chunk, Lane, SourceError, SourceEvent};
use crate::lake::Receipt;
use crate::metrics::Metrics;
use client::Context;
use reading::Reading;

/// Patience with a broker at the start.
const START_TIMEOUT: Duration = Duration::from_secs(15);
/// Event Hubs takes 4 offset commits a second and partition; a hint needs far fewer.
const HINT_INTERVAL: Duration = Duration::from_secs(5);
/// How often the lag is told.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Where to begin with a partition that the lake knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message.
    Earliest,
    /// At the next new message.
    Latest,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// The topic or event hub.
    pub topic: String,
    /// Group under which the offsets are shown to lag tools.
    pub group: String,
    /// Where to begin.
    pub start: Start,
    /// Further librdkafka settings.
    pub options: Vec<(String, String)>,
    /// Stop when all that the topic held at the start has been read.
    pub once: bool,
}

/// A consumer that knows its partitions but does not read yet.
pub struct KafkaSource {
    consumer: BaseConsumer<Context>,
    settings: KafkaSettings,
    metrics: Arc<Metrics>,
    lanes: Vec<Arc<Lane>>,
    /// Partitions that begin at their end, and where that was.
    begun: Vec<(Arc<Lane>, i64)>,
}

impl KafkaSource {
    /// Connects and learns the partitions of the topic.
    ///
    /// # Errors
    /// If the broker cannot be reached, the settings are refused, or the topic does not exist.
    pub fn connect(
        settings: KafkaSettings,
        metrics: Arc<Metrics>,
    ) -> Result<KafkaSource, SourceError> {
        let consumer: BaseConsumer<Context> = client_config(&settings)
            .create_with_context(Context {
                metrics: metrics.clone(),
                topic: settings.topic.clone(),
                ends: Mutex::default(),
            })
            .map_err(|error| SourceError::Settings(refusal(&error)))?;
        let metadata = consumer.fetch_metadata(Some(&settings.topic), START_TIMEOUT).map_err(|error| {
            SourceError::Unreachable(format!(
                "cannot reach the broker {}: {error}; check kafka.brokers, the network and the credentials",
                settings.brokers
            ))
        })?;
        let cluster = consumer
            .client()
            .fetch_cluster_id(START_TIMEOUT)
            .unwrap_or_else(|| "unnamed".to_owned());
        let partitions = metadata
            .topics()
            .iter()
            .find(|topic| topic.name() == settings.topic)
            .map_or(&[][..], |topic| topic.partitions());
        if partitions.is_empty() {
            return Err(SourceError::Unreachable(format!(
                "the broker {} has no topic {}; check kafka.topic, or create it",
                settings.brokers, settings.topic
            )));
        }
        let mut numbers: Vec<i32> = partitions.iter().map(|partition| partition.id()).collect();
        numbers.sort_unstable();
        let stream: Arc<str> = settings.topic.as_str().into();
        let lane = |partition| {
            let app_id = format!("signloop/{cluster}/{}/{partition}", settings.topic).into();
            Arc::new(Lane {
                stream: stream.clone(),
                partition,
                app_id,
            })
        };
        let lanes = numbers.into_iter().map(lane).collect();
        Ok(KafkaSource {
            consumer,
            settings,
            metrics,
            lanes,
            begun: Vec::new(),
        })
    }

    /// The partitions.
    #[must_use]
    pub fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    /// Assigns every partition at its next offset.
    ///
    /// # Errors
    /// If the broker no longer has, or does not have yet, an offset that the lake ended at.
    pub fn assign(&mut self, next: &[Option<i64>]) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        for (lane, next) in self.lanes.iter().zip(next) {
            let offset = match next {
                Some(next) => Offset::Offset(self.check(lane, *next)?),
                None if self.settings.start == Start::Earliest => Offset::Beginning,
                None => {
                    let (_, end) = self.watermarks(lane)?;
                    // Stored like any other offset: what comes while nobody reads must not be skipped.
                    self.begun.push((lane.clone(), end));
                    Offset::Offset(end)
                }
            };
            list.add_partition_offset(&self.settings.topic, lane.partition, offset)
                .map_err(refused)?;
        }
        self.consumer.assign(&list).map_err(refused)
    }

    fn check(&self, lane: &Lane, next: i64) -> Result<i64, SourceError> {
        let (low, high) = self.watermarks(lane)?;
        if (low..=high).contains(&next) {
            return Ok(next);
        }
        let (what, why) = if next < low {
            (
                format!("offsets {next} to {} are gone", low - 1),
                "retention removed them while nobody read",
            )
        } else {
            (
                format!("the lake is at offset {next}, but the topic ends at {high}"),
                "the topic was deleted and made again",
            )
        };
        Err(SourceError::Gap(format!(
            "{} partition {}: {what}: {why}; nothing was skipped. To go on without them, read into a new lake folder",
            self.settings.topic, lane.partition
        )))
    }

    /// Reads until `stop` is set or the receiver is gone.
    pub fn run(
        self,
        events: &Sender<SourceEvent>,
        receipts: &Receiver<Receipt>,
        stop: &AtomicBool,
    ) {
        let mut reading = Reading {
            source: &self,
            events,
            open: HashMap::new(),
            collected: 0,
            pool: Pool::default(),
            next: HashMap::new(),
        };
        for (lane, end) in &self.begun {
            let _ = events.send(SourceEvent::Chunk(Chunk::empty(lane.clone(), *end)));
        }
        let ends = match self.ends() {
            Ok(ends) => ends,
            Err(error) => {
                let _ = events.send(SourceEvent::Failed(error));
                return;
            }
        };
        let (mut hinted, mut told) = (Instant::now(), Instant::now());
        let mut hints = HashMap::new();
        while !stop.load(Ordering::Relaxed)
            && !ends.as_ref().is_some_and(|ends| reading.is_past(ends))
        {
            match reading.poll() {
                Ok(()) => {}
                Err(None) => return,
                Err(Some(error)) => {
                    let _ = events.send(SourceEvent::Failed(error));
                    return;
                }
            }
            for receipt in receipts.try_iter() {
                let lane = self
                    .lanes
                    .iter()
                    .find(|lane| *lane.app_id == *receipt.lane());
                hints.extend(lane.map(|lane| (lane.partition, receipt.next())));
            }
            if hinted.elapsed() >= HINT_INTERVAL {
                self.hint(&mut hints);
                hinted = Instant::now();
            }
            if told.elapsed() >= LAG_INTERVAL {
                reading.tell_lag();
                told = Instant::now();
            }
        }
        let _ = reading.hand_over_all();
        self.hint(&mut hints);
        let _ = events.send(SourceEvent::End);
    }

    /// Where each partition ends now, when that is where reading stops.
    fn ends(&self) -> Result<Option<HashMap<i32, i64>>, SourceError> {
        if !self.settings.once {
            return Ok(None);
        }
        let position = self.consumer.assignment().map_err(refused)?;
        let mut ends = HashMap::new();
        for lane in &self.lanes {
            let (low, high) = self.watermarks(lane)?;
            let begin = match position
                .find_partition(&self.settings.topic, lane.partition)
                .map(|found| found.offset())
            {
                Some(Offset::Offset(next)) => next,
                Some(Offset::End) => high,
                _ => low,
            };
            if begin < high {
                ends.insert(lane.partition, high);
            }
        }
        Ok(Some(ends))
    }

    fn watermarks(&self, lane: &Lane) -> Result<(i64, i64), SourceError> {
        let found =
            self.consumer
                .fetch_watermarks(&self.settings.topic, lane.partition, START_TIMEOUT);
        found.map_err(|error| {
            SourceError::Unreachable(format!(
                "cannot read the offsets of {}: {error}; check the broker",
                self.settings.topic
            ))
        })
    }

    /// Shows the durable offsets to lag tools.
    fn hint(&self, hints: &mut HashMap<i32, i64>) {
        if hints.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::new();
        for (partition, next) in hints.drain() {
            // A list built from our own partitions takes them.
            let _ =
                list.add_partition_offset(&self.settings.topic, partition, Offset::Offset(next));
        }
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(%error, "the broker did not take the offset hint");
        }
    }
}

/// Names the setting, never its value: it may be a secret.
fn refusal(error: &KafkaError) -> String {
    let which = match error {
        KafkaError::ClientConfig(_, why, key, _) => format!("{key}: {why}"),
        other => other.to_string(),
    };
    format!(
        "the Kafka client refuses its settings: {which}; check [kafka.options] in the configuration"
    )
}

fn refused(error: KafkaError) -> SourceError {
    SourceError::Unreachable(format!("the broker refused the assignment: {error}"))
}

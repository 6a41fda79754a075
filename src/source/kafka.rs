//! Kafka and Event Hubs as a source: one consumer on its own thread, every partition assigned.
//!
//! Start offsets come from the lake and are set in the assignment; the broker's own copy of the
//! offset is written as a hint for lag tools and never read. An offset that the broker no longer has
//! stops the source: events would be missing, and nobody must find that out by chance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};

use super::{Chunk, Form, Lane, SourceError, SourceEvent};
use crate::lake::Receipt;
use crate::metrics::{BrokerError, Metrics};

/// Bytes of one partition handed over at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Bytes collected over all partitions before everything is handed over.
const COLLECTED_BYTES: usize = 4 << 20;
/// Longest time a message waits to be handed over.
const POLL: Duration = Duration::from_millis(50);
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

/// Takes what librdkafka reports while it is polled.
struct Context {
    metrics: Arc<Metrics>,
    topic: String,
    /// Where each partition ends, as the last fetches said.
    ends: Mutex<HashMap<i32, i64>>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::debug!(facility, message, "librdkafka");
            }
            _ => tracing::trace!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.metrics.broker_error(kind(error.rdkafka_error_code()));
        tracing::warn!(%error, reason, "broker");
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else {
            return;
        };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let known = topic
            .partitions
            .values()
            .filter(|partition| partition.hi_offset >= 0);
        ends.extend(known.map(|partition| (partition.partition, partition.hi_offset)));
    }
}

impl ConsumerContext for Context {}

/// A consumer that knows its partitions but does not read yet.
pub struct KafkaSource {
    consumer: BaseConsumer<Context>,
    settings: KafkaSettings,
    metrics: Arc<Metrics>,
    lanes: Vec<Arc<Lane>>,
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
            .map_err(|error| {
                SourceError::Unreachable(format!(
                    "the Kafka settings are refused: {error}; check [kafka] in the configuration"
                ))
            })?;
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
    pub fn assign(&self, next: &[Option<i64>]) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        for (lane, next) in self.lanes.iter().zip(next) {
            let offset = match next {
                Some(next) => Offset::Offset(self.check(lane, *next)?),
                None if self.settings.start == Start::Earliest => Offset::Beginning,
                None => Offset::End,
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
            next: HashMap::new(),
        };
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

struct Reading<'a> {
    source: &'a KafkaSource,
    events: &'a Sender<SourceEvent>,
    open: HashMap<i32, Chunk>,
    collected: usize,
    next: HashMap<i32, i64>,
}

impl Reading<'_> {
    /// One message, or what has piled up when none is there. `Err(None)` when nobody listens.
    fn poll(&mut self) -> Result<(), Option<SourceError>> {
        let wait = if self.open.is_empty() {
            POLL
        } else {
            Duration::from_millis(2)
        };
        match self.source.consumer.poll(wait) {
            None => self.hand_over_all(),
            Some(Ok(message)) => self.collect(
                message.partition(),
                message.offset(),
                message.payload().unwrap_or(b""),
                message.timestamp().to_millis(),
            ),
            Some(Err(error)) => self.failed(&error),
        }
    }

    /// Whether every partition has been read up to there.
    fn is_past(&self, ends: &HashMap<i32, i64>) -> bool {
        ends.iter()
            .all(|(partition, end)| self.next.get(partition).is_some_and(|next| next >= end))
    }

    fn collect(
        &mut self,
        partition: i32,
        offset: i64,
        payload: &[u8],
        time: Option<i64>,
    ) -> Result<(), Option<SourceError>> {
        let Some(lane) = self
            .source
            .lanes
            .iter()
            .find(|lane| lane.partition == partition)
        else {
            return Ok(());
        };
        let chunk = self.open.entry(partition).or_insert_with(|| Chunk {
            lane: lane.clone(),
            bytes: Vec::with_capacity(CHUNK_BYTES / 4),
            messages: Vec::new(),
            form: Form::Json,
            next_offset: offset,
            broker_time: None,
        });
        let start = chunk.bytes.len();
        chunk.bytes.extend_from_slice(payload);
        chunk.messages.push((offset, start..chunk.bytes.len()));
        chunk.next_offset = offset + 1;
        chunk.broker_time = chunk.broker_time.max(time.map(|millis| millis * 1000));
        self.next.insert(partition, offset + 1);
        self.collected += payload.len();
        if self.collected >= COLLECTED_BYTES {
            return self.hand_over_all();
        }
        if self
            .open
            .get(&partition)
            .is_some_and(|chunk| chunk.bytes.len() >= CHUNK_BYTES)
            && let Some(chunk) = self.open.remove(&partition)
        {
            return self.hand_over(chunk);
        }
        Ok(())
    }

    fn hand_over_all(&mut self) -> Result<(), Option<SourceError>> {
        let chunks: Vec<Chunk> = self.open.drain().map(|(_, chunk)| chunk).collect();
        chunks
            .into_iter()
            .try_for_each(|chunk| self.hand_over(chunk))
    }

    fn hand_over(&mut self, chunk: Chunk) -> Result<(), Option<SourceError>> {
        self.collected = self.collected.saturating_sub(chunk.bytes.len());
        self.events
            .send(SourceEvent::Chunk(chunk))
            .map_err(|_| None)
    }

    /// librdkafka mends connections by itself; what it cannot mend stops the source.
    fn failed(&mut self, error: &KafkaError) -> Result<(), Option<SourceError>> {
        let code = error.rdkafka_error_code();
        self.source.metrics.broker_error(kind(code));
        match code {
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                Err(Some(SourceError::Gap(format!(
                    "{}: the broker no longer has the next offset: {error}; nothing was skipped. Read into a new lake folder to go on without the lost ones",
                    self.source.settings.topic
                ))))
            }
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::Fatal,
            ) => Err(Some(SourceError::Unreachable(format!(
                "{}: {error}; check that the topic is there and may be read",
                self.source.settings.topic
            )))),
            _ => {
                tracing::warn!(%error, "the broker is not answering; trying on");
                Ok(())
            }
        }
    }

    /// Tells how many messages of each partition are not read yet, from what the last fetches said.
    fn tell_lag(&self) {
        let ends = self
            .source
            .consumer
            .context()
            .ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for lane in &self.source.lanes {
            if let (Some(next), Some(end)) =
                (self.next.get(&lane.partition), ends.get(&lane.partition))
            {
                // A gauge: when the pipeline is busy, the next one will do.
                let _ = self
                    .events
                    .try_send(SourceEvent::Lag(lane.clone(), (end - next).max(0)));
            }
        }
    }
}

/// The kind of a broker's error, of the closed list of the metrics.
fn kind(code: Option<RDKafkaErrorCode>) -> BrokerError {
    use RDKafkaErrorCode as Code;
    match code {
        Some(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::NetworkException,
        ) => BrokerError::Transport,
        Some(Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut) => {
            BrokerError::Timeout
        }
        Some(
            Code::Authentication | Code::SaslAuthenticationFailed | Code::TopicAuthorizationFailed,
        ) => BrokerError::Auth,
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => BrokerError::UnknownTopic,
        Some(Code::OffsetOutOfRange | Code::AutoOffsetReset) => BrokerError::OffsetOutOfRange,
        _ => BrokerError::Other,
    }
}

fn refused(error: KafkaError) -> SourceError {
    SourceError::Unreachable(format!("the broker refused the assignment: {error}"))
}

/// The client settings: ours, then those of the configuration, then those nothing works without.
#[must_use]
pub fn client_config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    let fixed = [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
    ];
    let defaults = [
        ("client.id", "signloop"),
        ("check.crcs", "true"),
        // Bounds memory: 16 MiB of messages fetched ahead, over all partitions.
        ("queued.max.messages.kbytes", "16384"),
        ("queued.min.messages", "10000"),
        ("fetch.message.max.bytes", "1048576"),
        ("socket.keepalive.enable", "true"),
        ("connections.max.idle.ms", "180000"),
        ("metadata.max.age.ms", "180000"),
        ("topic.metadata.refresh.interval.ms", "60000"),
        ("reconnect.backoff.ms", "250"),
        // Feeds the lag.
        ("statistics.interval.ms", "1000"),
    ];
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", &settings.group);
    defaults.iter().for_each(|(key, value)| {
        config.set(*key, *value);
    });
    settings.options.iter().for_each(|(key, value)| {
        config.set(key, value);
    });
    // Set last: without these three nothing is exactly once.
    fixed.iter().for_each(|(key, value)| {
        config.set(*key, *value);
    });
    config
}

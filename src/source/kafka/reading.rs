//! Messages of all partitions gathered into chunks, and the errors between them.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use crossbeam_channel::Sender;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

use super::KafkaSource;
use super::client::kind;
use crate::source::buffer::Pool;
use crate::source::{Chunk, Form, SourceError, SourceEvent};

/// Bytes of one partition handed over at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Bytes collected over all partitions before everything is handed over.
const COLLECTED_BYTES: usize = 4 << 20;
/// Longest time a message waits to be handed over.
const POLL: Duration = Duration::from_millis(50);

/// What has been polled and not yet handed over.
pub(super) struct Reading<'a> {
    pub(super) source: &'a KafkaSource,
    pub(super) events: &'a Sender<SourceEvent>,
    pub(super) open: HashMap<i32, Chunk>,
    pub(super) collected: usize,
    pub(super) next: HashMap<i32, i64>,
    pub(super) pool: Pool,
}

impl Reading<'_> {
    /// One message, or what has piled up when none is there. `Err(None)` when nobody listens.
    pub(super) fn poll(&mut self) -> Result<(), Option<SourceError>> {
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
    pub(super) fn is_past(&self, ends: &HashMap<i32, i64>) -> bool {
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
            bytes: self.pool.take_empty(),
            messages: Vec::new(),
            times: Vec::new(),
            form: Form::Json,
            next_offset: offset,
        });
        let start = chunk.bytes.len();
        chunk.bytes.extend_from_slice(payload);
        chunk.messages.push((offset, start..chunk.bytes.len()));
        chunk.next_offset = offset + 1;
        let time = time.map(|millis| millis.saturating_mul(1000));
        chunk.times.push(time);
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

    pub(super) fn hand_over_all(&mut self) -> Result<(), Option<SourceError>> {
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
    pub(super) fn tell_lag(&self) {
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

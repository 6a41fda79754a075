//! Puts envelopes on the topic, spread over the partitions without a key, as Azure Monitor does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};

use super::broker::{PARTITIONS, TOPIC};
use crate::cli::Failure;

/// Patience with a queue that is full, and at the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Rest before a full queue is tried again.
const REST: Duration = Duration::from_millis(10);

/// Remembers the first message that the broker did not take.
#[derive(Clone, Default)]
struct Deliveries(Arc<Mutex<Option<KafkaError>>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| error.clone());
        }
    }
}

/// A producer of envelopes.
pub(crate) struct Producer {
    client: BaseProducer<Deliveries>,
    deliveries: Deliveries,
    next_partition: i32,
}

impl Producer {
    /// A producer for this broker.
    pub(crate) fn connect(brokers: &str) -> Result<Producer, Failure> {
        let deliveries = Deliveries::default();
        let client = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("compression.codec", "zstd")
            .set("linger.ms", "20")
            .create_with_context(deliveries.clone())
            .map_err(failed)?;
        Ok(Producer {
            client,
            deliveries,
            next_partition: 0,
        })
    }

    /// Hands over one envelope; waits while the queue is full.
    pub(crate) fn send(&mut self, envelope: &[u8]) -> Result<(), Failure> {
        let partition = self.next_partition;
        self.next_partition = (partition + 1) % PARTITIONS;
        let mut record = BaseRecord::<(), [u8]>::to(TOPIC)
            .partition(partition)
            .payload(envelope);
        loop {
            match self.client.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back
                }
                Err((error, _)) => return Err(failed(error)),
            }
            self.client.poll(REST);
        }
        self.client.poll(Duration::ZERO);
        self.check()
    }

    /// Waits until the broker has everything.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.client.flush(PATIENCE).map_err(failed)?;
        self.check()
    }

    fn check(&self) -> Result<(), Failure> {
        match self
            .deliveries
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            Some(error) => Err(failed(error.clone())),
            None => Ok(()),
        }
    }
}

fn failed(error: KafkaError) -> Failure {
    Failure::new(format!(
        "the embedded broker did not take a message: {error}; please report this"
    ))
}

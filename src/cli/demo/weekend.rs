//! The weekend on the topic: envelopes at the pace at which they become durable, then the end.
//!
//! Owns the pace. The broker forgets what is older than its few MiB, so what is on the way is bounded
//! in bytes, counted against what the metrics say is committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::broker::TOPIC;
use super::producer::Producer;
use super::progress::Progress;
use crate::cli::Failure;
use crate::generate::{Event, Tenant, envelope};
use crate::metrics::Metrics;

/// Bytes on the way, before compression: 3 MiB in each of 16 partitions, which keep 5 MiB.
const IN_FLIGHT: u64 = 48 << 20;
/// Rest before the counters are looked at again.
const REST: Duration = Duration::from_millis(5);

/// What went on the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Produced {
    /// Messages.
    pub envelopes: u64,
    /// Records within them.
    pub records: u64,
    /// Bytes of the messages.
    pub bytes: u64,
}

/// Produces a weekend and stops the pipeline when all of it is committed.
pub(crate) struct Weekend<'a> {
    pub metrics: &'a Metrics,
    pub brokers: String,
    /// Somebody pressed Ctrl-C.
    pub signalled: &'a AtomicBool,
    /// Ends the pipeline; set too when the pipeline has ended by itself.
    pub stop: &'a AtomicBool,
}

impl Weekend<'_> {
    /// Runs to the end, or until somebody stops it; the pipeline is stopped in any case.
    pub(crate) fn run(
        &self,
        tenant: &Tenant,
        progress: &mut Progress,
    ) -> Result<Produced, Failure> {
        let produced = self.produce(tenant, progress);
        self.stop.store(true, Ordering::Relaxed);
        produced
    }

    fn produce(&self, tenant: &Tenant, progress: &mut Progress) -> Result<Produced, Failure> {
        let mut producer = Producer::connect(&self.brokers)?;
        let mut produced = Produced::default();
        let mut records: Vec<Event> = Vec::new();
        for event in tenant.events() {
            records.push(event);
            if records.len() < records_in(produced.envelopes) {
                continue;
            }
            if self
                .waited(progress, || {
                    produced.bytes < self.committed_bytes() + IN_FLIGHT
                })
                .is_break()
            {
                return Ok(produced);
            }
            send(&mut producer, &mut records, &mut produced)?;
        }
        if !records.is_empty() {
            send(&mut producer, &mut records, &mut produced)?;
        }
        producer.finish()?;
        let _ = self.waited(progress, || {
            self.committed_envelopes() >= produced.envelopes
        });
        Ok(produced)
    }

    /// Waits for a condition; breaks when somebody stops the demo.
    fn waited(
        &self,
        progress: &mut Progress,
        condition: impl Fn() -> bool,
    ) -> std::ops::ControlFlow<()> {
        loop {
            progress.show(self.metrics);
            if self.signalled.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) {
                return std::ops::ControlFlow::Break(());
            }
            if condition() {
                return std::ops::ControlFlow::Continue(());
            }
            std::thread::park_timeout(REST);
        }
    }

    fn committed_bytes(&self) -> u64 {
        self.metrics
            .consumed_bytes
            .with_label_values(&[TOPIC])
            .get()
    }

    fn committed_envelopes(&self) -> u64 {
        self.metrics
            .records_consumed
            .with_label_values(&[TOPIC])
            .get()
    }
}

/// Records in the envelope of this number: from 20 to 40, as they come from Azure Monitor.
fn records_in(envelope: u64) -> usize {
    usize::try_from(20 + envelope * 8 % 21).unwrap_or(20)
}

fn send(
    producer: &mut Producer,
    records: &mut Vec<Event>,
    produced: &mut Produced,
) -> Result<(), Failure> {
    let message = envelope(records);
    producer.send(&message)?;
    produced.envelopes += 1;
    produced.records += records.len() as u64;
    produced.bytes += message.len() as u64;
    records.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_from_20_to_40_records() {
        let sizes: std::collections::BTreeSet<usize> = (0..1_000).map(records_in).collect();
        assert_eq!(sizes, (20..=40).collect());
    }
}

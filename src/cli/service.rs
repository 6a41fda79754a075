//! What the commands share: the runtime, a running pipeline, and how it is stopped.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Failure;
use crate::lake::Receipt;
use crate::metrics::Metrics;
use crate::pipeline::start::Shared;
use crate::pipeline::{Pipeline, PipelineError, Settings, Summary};
use crate::serve::Health;
use crate::source::kafka::KafkaSource;
use crate::source::{SourceError, SourceEvent};

/// Chunks between source and coordinator: each about 1 MiB, so this is what a slow disk can pile up.
const EVENTS: usize = 8;
/// Receipts on their way back; what does not fit is a hint lost.
const RECEIPTS: usize = 1024;

/// A runtime for the asynchronous parts: HTTP, lake, signals.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))
}

/// What every running pipeline needs.
pub struct Service {
    pub runtime: tokio::runtime::Runtime,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub stop: Arc<AtomicBool>,
}

impl Service {
    pub fn new() -> Result<Service, Failure> {
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        Ok(Service {
            runtime: runtime()?,
            metrics,
            health,
            stop: Arc::default(),
        })
    }

    pub fn shared(&self) -> Shared {
        Shared {
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            runtime: self.runtime.handle().clone(),
        }
    }

    /// Sets `stop` at the first interrupt or termination signal.
    pub fn stop_on_signal(&self) {
        let stop = self.stop.clone();
        self.runtime.spawn(async move {
            stop_signal().await;
            stop.store(true, Ordering::Relaxed);
        });
    }

    /// Serves metrics and health; tells the address it got.
    pub fn serve(&self, listen: std::net::SocketAddr) -> Result<std::net::SocketAddr, Failure> {
        let listener = self
            .runtime
            .block_on(tokio::net::TcpListener::bind(listen))
            .map_err(|error| {
                Failure::new(format!(
                    "cannot listen on {listen}: {error}; choose another address with http.listen"
                ))
            })?;
        let address = listener.local_addr()?;
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        self.runtime.spawn(async move {
            if let Err(error) =
                crate::serve::http::serve(listener, metrics, health, std::future::pending()).await
            {
                tracing::error!(%error, "the metrics are no longer served");
            }
        });
        Ok(address)
    }

    /// Reads a topic into a lake until stopped.
    pub fn run_kafka(
        &self,
        lake: &Path,
        mut source: KafkaSource,
        settings: Settings,
    ) -> Result<Summary, Failure> {
        let (events, incoming) = bounded(EVENTS);
        let (receipts, durable) = bounded(RECEIPTS);
        let mut pipeline = self.runtime.block_on(Pipeline::start(
            lake,
            settings,
            self.shared(),
            Some(receipts),
        ))?;
        let (next, resumed) = self.runtime.block_on(pipeline.resume(source.lanes()))?;
        source.assign(&next)?;
        self.drive(
            incoming,
            |incoming| pipeline.run(incoming, resumed, &self.stop),
            |stop| read_topic(source, &events, &durable, stop),
        )
    }

    /// Runs source and pipeline side by side; when one ends, so does the other.
    pub fn drive(
        &self,
        incoming: Receiver<SourceEvent>,
        pipeline: impl FnOnce(&Receiver<SourceEvent>) -> Result<Summary, PipelineError>,
        source: impl FnOnce(&AtomicBool) + Send,
    ) -> Result<Summary, Failure> {
        let ended = AtomicBool::new(false);
        let outcome = std::thread::scope(|scope| {
            let reader = scope.spawn(|| source(&ended));
            let outcome = pipeline(&incoming);
            ended.store(true, Ordering::Relaxed);
            // A source that waits to hand over would wait for ever.
            drop(incoming);
            if reader.join().is_err() {
                return outcome.and(Err(SourceError::File(
                    "the source ended unexpectedly; please report this".to_owned(),
                )
                .into()));
            }
            outcome
        });
        if let Err(error) = &outcome {
            self.health.failed(error.to_string());
        }
        Ok(outcome?)
    }
}

fn read_topic(
    source: KafkaSource,
    events: &Sender<SourceEvent>,
    durable: &Receiver<Receipt>,
    stop: &AtomicBool,
) {
    source.run(events, durable, stop);
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

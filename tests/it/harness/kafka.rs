//! A real Apache Kafka broker: one node, KRaft, on free ports and in a temporary folder.
//!
//! Most tests use [`Kafka::shared`] with a topic of their own; a test that harms the broker starts
//! its own one. Topics are never created by accident: `auto.create.topics.enable` is off.

use std::fs;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use futures::executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use tempfile::TempDir;

use super::process::{self, EndedEarly, Guarded};
use super::tools;

/// A broker needs two seconds on an idle machine; a busy one may take far longer.
const START_LIMIT: Duration = Duration::from_secs(120);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// One question whether the broker answers; asked until the limit.
const PROBE_TIMEOUT: Duration = Duration::from_millis(250);

/// Any identifier will do, as long as the storage is formatted with one.
const CLUSTER_ID: &str = "c2lnbmxvb3AtdGVzdHMxMQ";
const NEEDED_OF_JAVA: [&str; 4] = [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
];

pub struct Kafka {
    broker: Guarded,
    bootstrap: String,
    /// After the broker, so that it is removed last.
    folder: TempDir,
}

impl Kafka {
    /// The one broker of this test process. It ends with the process.
    pub fn shared() -> &'static Kafka {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(Kafka::start)
    }

    /// A broker of its own, ready for requests.
    pub fn start() -> Kafka {
        process::start_anew("the Kafka broker", Kafka::try_start)
    }

    fn try_start() -> Result<Kafka, EndedEarly> {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let [port, controller_port] = process::free_ports();
        let properties = properties(&folder, port, controller_port);
        fs::write(folder.path().join("server.properties"), properties).expect("the folder is ours");
        format_storage(&folder);
        let broker = Guarded::start(&broker_command(), folder.path());
        let bootstrap = format!("127.0.0.1:{port}");
        let mut kafka = Kafka {
            broker,
            bootstrap,
            folder,
        };
        kafka.until_ready()?;
        Ok(kafka)
    }

    /// What clients connect to.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The settings that every client of this broker needs.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "200");
        config
    }

    /// Creates a topic and waits until each of its partitions has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self
            .client()
            .create()
            .expect("the client settings are valid");
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT));
        let results = block_on(admin.create_topics(&[topic], &options));
        let results = results.unwrap_or_else(|error| panic!("topic {name}: {error}"));
        for result in results {
            result.unwrap_or_else(|(_, error)| panic!("topic {name} is not created: {error}"));
        }
        self.until_led(name, partitions);
    }

    /// Writes messages, each to its partition and in order. All are durable when this returns.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = (i32, Vec<u8>)>) {
        let mut config = self.client();
        // Without it, a retry after a lost answer would write a message twice.
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "5");
        let producer: BaseProducer<Deliveries> = config
            .create_with_context(Deliveries::default())
            .expect("the producer settings are valid");
        for (partition, payload) in messages {
            send(&producer, topic, partition, &payload);
        }
        let flushed = producer.flush(REQUEST_TIMEOUT);
        flushed.unwrap_or_else(|error| panic!("not all of {topic} was delivered in time: {error}"));
        let failure = producer
            .context()
            .failure
            .lock()
            .expect("no delivery panicked")
            .take();
        assert!(
            failure.is_none(),
            "a message for {topic} was not delivered: {failure:?}"
        );
    }

    /// Ends the broker as a power cut would; what it has stored stays.
    pub fn crash(&mut self) {
        self.broker.kill();
    }

    /// Starts a crashed broker again, at the same address and with the same storage.
    pub fn revive(&mut self) {
        self.broker = Guarded::start(&broker_command(), self.folder.path());
        if let Err(EndedEarly(log)) = self.until_ready() {
            panic!("the broker does not come back; it wrote:\n{log}");
        }
    }

    fn until_ready(&mut self) -> Result<(), EndedEarly> {
        let client = self.consumer();
        self.broker.until_ready(START_LIMIT, || {
            let metadata = client.fetch_metadata(None, PROBE_TIMEOUT);
            metadata.is_ok_and(|metadata| !metadata.brokers().is_empty())
        })
    }

    fn until_led(&self, topic: &str, partitions: i32) {
        let client = self.consumer();
        let count = usize::try_from(partitions).expect("a topic has partitions");
        process::eventually("a leader for each partition", REQUEST_TIMEOUT, || {
            let metadata = client.fetch_metadata(Some(topic), PROBE_TIMEOUT).ok()?;
            let known = metadata.topics().first()?.partitions();
            (known.len() == count && known.iter().all(|it| it.leader() >= 0)).then_some(())
        });
    }

    fn consumer(&self) -> BaseConsumer {
        self.client()
            .create()
            .expect("the client settings are valid")
    }
}

/// Keeps the first delivery that failed.
#[derive(Default)]
struct Deliveries {
    failure: Mutex<Option<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failure = self.failure.lock().expect("no delivery panicked");
            failure.get_or_insert_with(|| error.clone());
        }
    }
}

fn send(producer: &BaseProducer<Deliveries>, topic: &str, partition: i32, payload: &[u8]) {
    let mut record = BaseRecord::<(), [u8]>::to(topic)
        .partition(partition)
        .payload(payload);
    while let Err((error, unsent)) = producer.send(record) {
        let queue_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
        assert!(
            queue_full,
            "a message for {topic}/{partition} is refused: {error}"
        );
        producer.poll(PROBE_TIMEOUT);
        record = unsent;
    }
    producer.poll(Duration::ZERO);
}

fn broker_command() -> Command {
    let mut command = java();
    command.args(["kafka.Kafka", "server.properties"]);
    command
}

fn format_storage(folder: &TempDir) {
    let mut command = java();
    command.args([
        "kafka.tools.StorageTool",
        "format",
        "-t",
        CLUSTER_ID,
        "-c",
        "server.properties",
    ]);
    let output = process::run(command.current_dir(folder), b"");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the storage of the broker is not formatted: {errors}"
    );
}

fn java() -> Command {
    let mut command = Command::new(tools::java());
    command
        .args(NEEDED_OF_JAVA)
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.arg("-cp").arg(tools::kafka_class_path());
    command
}

/// Small and quick: one copy of everything, no waiting for more members of a group. A broker that
/// comes back after a crash has to wait until the session of the crashed one has ended.
fn properties(folder: &TempDir, port: u16, controller_port: u16) -> String {
    let data = folder.path().join("data");
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.coordinator.threads=1
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
",
        data.display()
    )
}

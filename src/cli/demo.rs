//! `signloop demo`: a synthetic tenant through a migration weekend, with everything real but the
//! broker, which runs within this process.
//!
//! Owns the order of the steps. The sign-ins take the way of every other sign-in: topic, consumer,
//! pipeline, lake; afterwards the lake is held against what was produced.

mod broker;
mod check;
mod findings;
mod producer;
mod progress;
mod weekend;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use super::report::picture::{self, Picture};
use super::report::words::shell_word;
use super::service::Service;
use super::{Exit, Failure, migrations};
use crate::config::DEFAULT_LISTEN;
use crate::domain::migration::ImportOptions;
use crate::generate::{Plan, Tenant, tenant};
use crate::lake::sql::Session;
use crate::pipeline::{Clock, Settings, Summary};
use crate::source::kafka::KafkaSource;
use broker::Broker;
use progress::Progress;
use weekend::{Produced, Weekend};

/// Between two commits: short, so that the numbers move.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop demo
  signloop demo --exit --lake demo.lake

2,000 people, three migration batches, four days in less than a minute. The sign-ins go through an
embedded broker into the lake; nothing leaves this computer.")]
pub(crate) struct Options {
    /// Folder of the lake, new or empty; by default a new temporary one, which is kept
    #[arg(long, value_name = "FOLDER")]
    lake: Option<PathBuf>,
    /// End when the weekend is over; otherwise the service stays up until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Address of metrics and health [default: 127.0.0.1:8077, or a free port if that is taken]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let demo = Demo::prepare(options)?;
    let (produced, summary) = demo.weekend()?;
    let lake = shell_word(&demo.lake);
    if demo.signalled.load(Ordering::Relaxed) {
        eprintln!("Stopped before the weekend was over; what came in is in the lake {lake}");
        return Ok(Exit::Ok);
    }
    let picture = Picture::read(&demo.lake)?;
    let account =
        check::account(&produced, &summary.tally, picture.sign_ins).map_err(Failure::new)?;
    let told = findings::told(&account, &picture, &invocation(), &lake);
    std::io::stdout().lock().write_all(told.as_bytes())?;
    if !options.exit {
        demo.stay_up()?;
    }
    Ok(Exit::Ok)
}

/// Everything that the demo is made of.
struct Demo {
    service: Service,
    /// Somebody pressed Ctrl-C.
    signalled: Arc<AtomicBool>,
    address: SocketAddr,
    lake: PathBuf,
    broker: Broker,
    plan: Plan,
    tenant: Tenant,
}

impl Demo {
    /// Makes the lake with the migration facts and starts all but the pipeline.
    fn prepare(options: &Options) -> Result<Demo, Failure> {
        let lake = lake_folder(options.lake.as_deref())?;
        let mut service = Service::new()?;
        service.stop_on_signal();
        // The signal ends the program, the end of the weekend only the pipeline.
        let signalled = std::mem::take(&mut service.stop);
        let address = listen(&service, options.listen)?;
        let plan = Plan::weekend();
        let tenant = tenant(&plan);
        let moved = import(&service, &lake, &tenant)?;
        let broker = Broker::start()?;
        let opening = findings::opening(&plan, moved, &shell_word(&lake), address);
        eprintln!("{opening}");
        Ok(Demo {
            service,
            signalled,
            address,
            lake,
            broker,
            plan,
            tenant,
        })
    }

    /// Runs the pipeline while another thread produces the weekend and stops it when all is
    /// committed.
    fn weekend(&self) -> Result<(Produced, Summary), Failure> {
        let (service, tenant) = (&self.service, &self.tenant);
        let source = KafkaSource::connect(self.broker.settings(), service.metrics.clone())?;
        let weekend = Weekend {
            metrics: &service.metrics,
            brokers: self.broker.address(),
            signalled: &self.signalled,
            stop: &service.stop,
        };
        let mut progress = Progress::new(&self.plan);
        let (produced, summary) = std::thread::scope(|scope| {
            let producing = scope.spawn(|| weekend.run(tenant, &mut progress));
            let summary = service.run_kafka(&self.lake, source, settings());
            service.stop.store(true, Ordering::Relaxed);
            (producing.join(), summary)
        });
        progress.finish(&service.metrics);
        // Why the pipeline stopped says more than that nobody took what was produced.
        let summary = summary?;
        let lost = |_| Failure::new("the producer ended unexpectedly; please report this");
        Ok((produced.map_err(lost)??, summary))
    }

    /// Goes on as a service until Ctrl-C: moves can be imported, and the metrics be read.
    fn stay_up(mut self) -> Result<(), Failure> {
        eprintln!(
            "\nThe service stays up: http://{}/metrics. Ctrl-C ends it.",
            self.address
        );
        let source = KafkaSource::connect(self.broker.settings(), self.service.metrics.clone())?;
        self.service.stop = self.signalled;
        self.service.run_kafka(&self.lake, source, settings())?;
        Ok(())
    }
}

/// A folder of sign-ins that mean something is no place for made-up ones.
fn lake_folder(wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(wanted) = wanted else {
        let folder = tempfile::Builder::new()
            .prefix("signloop-demo-")
            .suffix(".lake")
            .tempdir()?;
        return Ok(folder.keep());
    };
    if wanted.join(crate::lake::names::SIGN_INS).is_dir() {
        let session = super::service::runtime()?
            .block_on(async { picture::count(&Session::open(wanted).await?).await })?;
        if session > 0 {
            return Err(Failure::invalid(format!(
                "the lake {} has sign-ins already; name a new folder with --lake, or leave it out",
                wanted.display()
            )));
        }
    }
    Ok(wanted.to_path_buf())
}

/// Listens where it was told to; without that, a taken default address is no reason to stop.
fn listen(service: &Service, wanted: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    match wanted {
        Some(address) if !address.ip().is_loopback() => Err(Failure::invalid(format!(
            "--listen {address} is no loopback address: nothing there is encrypted or asks for a password; use 127.0.0.1"
        ))),
        Some(address) => service.serve(address),
        None => {
            let default: SocketAddr = DEFAULT_LISTEN.parse().map_err(Failure::new)?;
            service.serve(default).or_else(|_| {
                let free = service.serve(SocketAddr::new(default.ip(), 0))?;
                eprintln!("{default} is taken; using {free}");
                Ok(free)
            })
        }
    }
}

/// Makes the lake and imports who moved when; tells how many mailboxes.
fn import(service: &Service, lake: &Path, tenant: &Tenant) -> Result<usize, Failure> {
    let options = ImportOptions {
        source: "contoso-moves.csv".to_owned(),
        ..ImportOptions::default()
    };
    let export = migrations::Export::read(tenant.migration_csv().as_bytes(), &options)?;
    Ok(service
        .runtime
        .block_on(migrations::write(lake, &[export]))?)
}

fn settings() -> Settings {
    Settings {
        flush_interval: FLUSH_INTERVAL,
        topic: broker::TOPIC.to_owned(),
        clock: Clock::Simulated,
        ..Settings::default()
    }
}

/// How this program was called, for commands to copy.
fn invocation() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    program
        .filter(|program| program.components().count() > 1)
        .map_or_else(|| "signloop".to_owned(), |program| shell_word(&program))
}

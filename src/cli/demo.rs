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
use crate::pipeline::{Settings, Summary};
use crate::source::kafka::KafkaSource;
use broker::Broker;
use weekend::Produced;

/// Between two commits: short, so that the numbers move.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  signloop demo
  signloop demo --exit --lake demo.lake

2,000 people, three migration batches, four days in less than a minute. The sign-ins go through an
embedded broker into the lake; nothing leaves this computer.")]
pub struct Options {
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

pub fn run(options: &Options) -> Result<Exit, Failure> {
    let lake = lake_folder(options.lake.as_deref())?;
    let mut service = Service::new()?;
    service.stop_on_signal();
    // The signal ends the program, the end of the weekend only the pipeline.
    let signalled = std::mem::take(&mut service.stop);
    let address = listen(&service, options.listen)?;

    let plan = Plan::weekend();
    let tenant = tenant(&plan);
    if let Ok(path) = std::env::var("TRUTH_DUMP") {
        let mut text = String::new();
        for t in tenant.truth() {
            text.push_str(&format!(
                "{}\t{:?}\t{:?}\t{:?}\t{}\t{:?}\t{:?}\t{:?}\n",
                t.upn,
                t.role,
                t.cause,
                t.batch,
                t.attempts,
                t.first_attempt,
                t.last_attempt,
                t.recovered_at
            ));
        }
        std::fs::write(path, text)?;
    }
    let moved = prepare(&service, &lake, &tenant)?;
    let broker = Broker::start()?;
    eprintln!(
        "{}",
        findings::opening(&plan, moved, &shell_word(&lake), address)
    );

    let (produced, summary) = replay(&service, &lake, &broker, &plan, &tenant, &signalled)?;
    if signalled.load(Ordering::Relaxed) {
        eprintln!(
            "Stopped before the weekend was over; what came in is in the lake {}",
            shell_word(&lake)
        );
        return Ok(Exit::Ok);
    }
    let picture = Picture::read(&lake)?;
    let account =
        check::account(&produced, &summary.tally, picture.sign_ins).map_err(Failure::new)?;
    print(&findings::told(
        &account,
        &picture,
        &invocation(),
        &shell_word(&lake),
    ))?;
    if options.exit {
        return Ok(Exit::Ok);
    }
    eprintln!("\nThe service stays up: http://{address}/metrics. Ctrl-C ends it.");
    service.stop = signalled;
    let source = KafkaSource::connect(broker.settings(), service.metrics.clone())?;
    service.run_kafka(&lake, source, settings())?;
    Ok(Exit::Ok)
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
fn prepare(service: &Service, lake: &Path, tenant: &Tenant) -> Result<usize, Failure> {
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
        ..Settings::default()
    }
}

/// Runs the pipeline while another thread produces the weekend and stops it when all is committed.
fn replay(
    service: &Service,
    lake: &Path,
    broker: &Broker,
    plan: &Plan,
    tenant: &Tenant,
    signalled: &Arc<AtomicBool>,
) -> Result<(Produced, Summary), Failure> {
    let source = KafkaSource::connect(broker.settings(), service.metrics.clone())?;
    let weekend = weekend::Weekend {
        metrics: &service.metrics,
        brokers: broker.address(),
        signalled,
        stop: &service.stop,
    };
    std::thread::scope(|scope| {
        let producing = scope.spawn(move || weekend.run(plan, tenant));
        let summary = service.run_kafka(lake, source, settings());
        service.stop.store(true, Ordering::Relaxed);
        let produced = producing
            .join()
            .map_err(|_| Failure::new("the producer ended unexpectedly; please report this"))?;
        // Why the pipeline stopped says more than that nobody took what was produced.
        let summary = summary?;
        Ok((produced?, summary))
    })
}

/// How this program was called, for commands to copy.
fn invocation() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    program
        .filter(|program| program.components().count() > 1)
        .map_or_else(|| "signloop".to_owned(), |program| shell_word(&program))
}

fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

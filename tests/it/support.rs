//! Drives Signloop as people do: its binary, its configuration, its lake.
//!
//! Knows the command line, the layout of a lake and the columns that others rely on; nothing of what
//! a particular test is about. What a lake holds is asked of the program itself (`sql`) or of DuckDB.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::duckdb::{delta, duckdb};
use crate::harness::http;
use crate::harness::kafka::Kafka;
use crate::harness::process::{self, Guarded};

/// A debug build on a busy machine; nothing that works takes as long.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The views, each after those it reads from.
pub const VIEWS: [&str; 6] = [
    "loops_latest",
    "mailbox_states_latest",
    "stuck_now",
    "batch_health",
    "rejects_open",
    "sign_ins_latest",
];

/// How a command ended and what it said.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// The binary, without settings that the environment of the tests may hold. Backtraces are on: they
/// must not get into what people are told.
pub fn signloop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signloop"));
    command.env("RUST_BACKTRACE", "1");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SIGNLOOP_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ended {
    let output = process::run(command, b"");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ended {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Runs the binary with these arguments.
pub fn signloop_with<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    run(signloop().args(arguments))
}

/// Output of a command that must succeed.
#[track_caller]
pub fn output(command: &mut Command) -> String {
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{command:?} wrote: {}", ended.err);
    ended.out
}

/// A lake in a folder of its own.
pub struct Lake {
    path: PathBuf,
    _folder: TempDir,
}

impl Lake {
    /// A folder for a lake that does not exist yet.
    pub fn new() -> Lake {
        Lake::named("lake")
    }

    /// The same with a name for the lake's folder.
    pub fn named(name: &str) -> Lake {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        Lake {
            path: folder.path().join(name),
            _folder: folder,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a table.
    pub fn table(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Ingests files and returns the counts it told.
    #[track_caller]
    pub fn ingest(&self, paths: &[&Path]) -> Counts {
        let mut command = signloop();
        command.arg("ingest").arg("--lake").arg(&self.path);
        Counts::told(&output(command.args(paths)))
    }

    /// Imports migration facts of the plain form.
    #[track_caller]
    pub fn import(&self, csv: &str) -> String {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let file = folder.path().join("moves.csv");
        fs::write(&file, csv).expect("the folder is ours");
        let mut command = signloop();
        command.args(["migrations", "import", "--lake"]);
        output(command.arg(&self.path).arg(&file))
    }

    /// The rows of a query by the program itself, as JSON objects.
    #[track_caller]
    pub fn sql(&self, query: &str) -> Vec<Value> {
        let mut command = signloop();
        command.args(["sql", "--format", "json", "--lake"]);
        let rows = output(command.arg(&self.path).arg(query));
        serde_json::from_str(&rows).unwrap_or_else(|error| panic!("{error} in {rows}"))
    }

    /// The rows of a query by DuckDB over the tables and shipped views, as JSON objects.
    #[track_caller]
    pub fn duckdb(&self, query: &str) -> Vec<Value> {
        let sql = format!(
            "{} SELECT to_json(answer) FROM ({query}) answer",
            self.prelude()
        );
        let rows = duckdb(&sql).into_iter();
        rows.map(|row| serde_json::from_str(&row[0]).expect("DuckDB writes JSON"))
            .collect()
    }

    /// The rows of a query by DuckDB, as text.
    #[track_caller]
    pub fn duckdb_text(&self, query: &str) -> Vec<Vec<String>> {
        duckdb(&format!("{} {query}", self.prelude()))
    }

    /// One number, by DuckDB.
    #[track_caller]
    pub fn duckdb_number(&self, query: &str) -> u64 {
        let rows = self.duckdb_text(query);
        rows[0][0]
            .parse()
            .unwrap_or_else(|_| panic!("{query} gave {rows:?}"))
    }

    /// DuckDB statements that define tables and views under their own names.
    fn prelude(&self) -> String {
        let mut sql = String::new();
        for table in signloop::lake::names::ALL {
            let source = delta(&self.table(table));
            sql += &format!("CREATE VIEW {table} AS SELECT * FROM {source}; ");
        }
        for view in VIEWS {
            let path = format!("schemas/views/{view}.sql");
            let text = crate::prometheus_rules::read(&path);
            sql += &format!("CREATE VIEW {view} AS\n{text}\n; ");
        }
        sql
    }

    /// Next offset of each partition of a topic, as the log of `sign_ins` has it. Cheap: no engine.
    pub fn offsets(&self, topic: &str) -> BTreeMap<i32, i64> {
        let mut offsets = BTreeMap::new();
        for action in self.log("sign_ins") {
            let stored = &action["txn"];
            let Some(lane) = stored["appId"].as_str() else {
                continue;
            };
            let mut parts = lane.rsplit('/');
            let partition = parts.next().and_then(|number| number.parse().ok());
            if let (Some(partition), Some(name)) = (partition, parts.next())
                && name == topic
            {
                let next = stored["version"].as_i64().expect("an offset is a number");
                offsets.insert(partition, next);
            }
        }
        offsets
    }

    /// The actions of a table's log, oldest first.
    pub fn log(&self, table: &str) -> Vec<Value> {
        let mut entries: Vec<PathBuf> = files(&self.table(table).join("_delta_log"))
            .into_iter()
            .filter(|path| path.extension() == Some(OsStr::new("json")))
            .collect();
        entries.sort();
        let mut actions = Vec::new();
        for entry in entries {
            // An entry is linked into place whole, so what is there can be read.
            let text = fs::read_to_string(&entry).expect("an entry of the log can be read");
            let lines = text.lines().filter(|line| !line.is_empty());
            actions.extend(lines.map(|line| {
                serde_json::from_str::<Value>(line).expect("a line of the log is JSON")
            }));
        }
        actions
    }
}

/// The files directly in a folder; none when it is not there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect()
}

/// What `ingest` says it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub sign_ins: u64,
    pub copies: u64,
    pub revisions: u64,
    pub rejects: u64,
    pub passed_over: u64,
}

impl Counts {
    /// Reads `1 files: 2 new sign-ins, 0 copies, 0 revisions, 0 rejects, 0 of other logs; lake …`.
    fn told(text: &str) -> Counts {
        let counts = text
            .split_once(": ")
            .unwrap_or_else(|| panic!("no counts in {text}"))
            .1;
        let mut numbers = counts.split(", ").map(|part| {
            let number = part.split(' ').next().and_then(|word| word.parse().ok());
            number.unwrap_or_else(|| panic!("no number in {part:?} of {text}"))
        });
        let mut next = || numbers.next().expect("five counts");
        Counts {
            sign_ins: next(),
            copies: next(),
            revisions: next(),
            rejects: next(),
            passed_over: next(),
        }
    }

    pub fn sum(self) -> u64 {
        self.sign_ins + self.copies + self.revisions + self.rejects + self.passed_over
    }
}

/// `signloop run` over a topic, with a configuration file and a free port of its own.
pub struct Service {
    process: Guarded,
    address: String,
    _folder: TempDir,
}

impl Service {
    /// Starts it; it is not ready yet. Commits are frequent.
    pub fn start(kafka: &Kafka, topic: &str, lake: &Lake) -> Service {
        Service::start_with(kafka, topic, lake, &[])
    }

    /// The same with further arguments.
    pub fn start_with(kafka: &Kafka, topic: &str, lake: &Lake, arguments: &[&str]) -> Service {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let [port] = process::free_ports();
        let address = format!("127.0.0.1:{port}");
        let config = folder.path().join("signloop.toml");
        let text = config_text(kafka.bootstrap(), topic, lake.path(), &address);
        fs::write(&config, text).expect("the folder is ours");
        let mut command = signloop();
        command.arg("run").arg("-c").arg(&config).args(arguments);
        let process = Guarded::start(&command, folder.path());
        Service {
            process,
            address,
            _folder: folder,
        }
    }

    /// Where metrics and health are served, `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it is at work.
    #[track_caller]
    pub fn until_ready(&mut self) {
        let address = self.address.clone();
        let ready = || http::get(&address, "/readyz").is_ok_and(|answer| answer.status == 200);
        if let Err(ended) = self.process.until_ready(LIMIT, ready) {
            panic!("the service ended: {}", ended.0);
        }
    }

    /// Waits until something holds while it runs.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        process::eventually(what, LIMIT, || {
            if self.process.ended().is_some() {
                panic!("{what}: the service ended: {}", self.process.log());
            }
            holds().then_some(())
        });
    }

    /// Waits until the lake holds each partition up to these offsets.
    #[track_caller]
    pub fn until_stored(&mut self, lake: &Lake, topic: &str, ends: &BTreeMap<i32, i64>) {
        self.until("everything is in the lake", || &lake.offsets(topic) == ends);
    }

    /// Asks it to end and waits for that.
    #[track_caller]
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.process.signal("TERM");
        self.ended()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(&mut self) -> (ExitStatus, String) {
        let status = process::eventually("the end of the service", LIMIT, || self.process.ended());
        (status, self.process.log())
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.process.kill();
    }

    pub fn process(&mut self) -> &mut Guarded {
        &mut self.process
    }
}

/// A configuration that reads a topic into a lake.
pub fn config_text(brokers: &str, topic: &str, lake: &Path, listen: &str) -> String {
    let lake = toml::Value::from(lake.display().to_string());
    format!(
        "[lake]\npath = {lake}\nflush_seconds = 1\n\n\
         [kafka]\nbrokers = \"{brokers}\"\ntopic = \"{topic}\"\n\n\
         [http]\nlisten = \"{listen}\"\n"
    )
}

/// One sign-in, as short as a record can be that says who, when, by what and how it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Short {
    /// Makes the id.
    pub number: u64,
    /// Makes object id and sign-in name.
    pub user: u32,
    /// UTC microseconds.
    pub at: i64,
    pub client: Client,
    /// AADSTS code, 0 is success.
    pub code: i32,
    /// Last part of the address.
    pub ip: u8,
}

/// What signs in, to Exchange Online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Basic authentication: `clientAppUsed`.
    Legacy(&'static str),
    /// Modern authentication: application id.
    Modern(&'static str),
}

pub const OUTLOOK: Client = Client::Modern("d3590ed6-52b3-4102-aeff-aad2292ab01c");
pub const OUTLOOK_MOBILE: Client = Client::Modern("27922004-5251-4030-b22d-91ecd9a37ea4");

/// The tenant of every short record.
pub const TENANT: &str = "6a5e9f3c-0d5b-4d0c-8f5e-2a7d9b1c4e60";

/// Sign-in name of a user of short records.
pub fn upn(user: u32) -> String {
    format!("user{user}@tidewater.example")
}

/// Object id of a user of short records.
pub fn object_id(user: u32) -> String {
    format!("00000000-1111-4222-8333-{user:012x}")
}

/// An instant as the log writes it.
pub fn instant(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at)
        .expect("an instant of our time")
        .to_string()
}

impl Short {
    pub fn id(&self) -> String {
        format!("a0000000-0000-4000-8000-{:012x}", self.number)
    }

    /// The record in its envelope form, compact.
    pub fn json(&self) -> String {
        let (app, id) = match self.client {
            Client::Legacy(app) => (app, "00000002-0000-0ff1-ce00-000000000000"),
            Client::Modern(id) => ("Mobile Apps and Desktop clients", id),
        };
        let time = instant(self.at);
        serde_json::json!({
            "time": time,
            "category": "SignInLogs",
            "tenantId": TENANT,
            "properties": {
                "id": self.id(),
                "createdDateTime": time,
                "userId": object_id(self.user),
                "userPrincipalName": upn(self.user),
                "userDisplayName": format!("User {}", self.user),
                "appId": id,
                "clientAppUsed": app,
                "resourceId": "00000002-0000-0ff1-ce00-000000000000",
                "ipAddress": format!("203.0.113.{}", self.ip),
                "status": { "errorCode": self.code },
            }
        })
        .to_string()
    }
}

/// `{"records":[…]}`
pub fn envelope<T: AsRef<str>>(records: &[T]) -> Vec<u8> {
    let records: Vec<&str> = records.iter().map(AsRef::as_ref).collect();
    format!("{{\"records\":[{}]}}", records.join(",")).into_bytes()
}

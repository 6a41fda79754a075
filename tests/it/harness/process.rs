//! Child processes that end with the test, and waiting for them with a limit.
//!
//! A [`Guarded`] process runs under `guard.sh`, which watches a pipe held by the test process: when
//! the test returns, panics or is killed, the kernel closes the pipe and the server goes. That also
//! holds for servers kept in statics, which Rust never drops.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const GUARD: &str = include_str!("guard.sh");

/// How often a condition is looked at while waiting for it.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How often a server is started anew, on other ports, when it ends before it is ready.
const STARTS_MAX: u32 = 3;

/// What a server wrote before it ended too early.
pub struct EndedEarly(pub String);

/// A server that is killed when this value, or the whole test process, goes away.
pub struct Guarded {
    guard: Child,
    /// Signals for the server, one a line. `None` once it was told to end.
    orders: Option<ChildStdin>,
    log: PathBuf,
}

impl Guarded {
    /// Starts `command` with its output in `folder/log`. The guard removes `folder` if the test
    /// process dies; otherwise that is left to its owner.
    pub fn start(command: &Command, folder: &Path) -> Guarded {
        let log = folder.join("log");
        let output = fs::File::create(&log).expect("the folder of the server is writable");
        let errors = output.try_clone().expect("the log can be opened twice");
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(folder);
        guard.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        guard
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .current_dir(folder);
        let mut guard = guard.spawn().expect("sh starts");
        let orders = guard.stdin.take();
        Guarded { guard, orders, log }
    }

    /// Waits until `ready` holds. Panics at the limit; an early end is the caller's to judge.
    pub fn until_ready(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), EndedEarly> {
        let started = Instant::now();
        loop {
            if self.ended().is_some() {
                return Err(EndedEarly(self.log()));
            }
            if ready() {
                return Ok(());
            }
            let log_on_timeout = || format!("not ready after {limit:?}, it wrote:\n{}", self.log());
            assert!(started.elapsed() < limit, "{}", log_on_timeout());
            thread::park_timeout(POLL_INTERVAL);
        }
    }

    /// Sends a signal by name (`TERM`, `STOP`, `CONT`, …) to the server.
    pub fn signal(&mut self, name: &str) {
        let orders = self
            .orders
            .as_mut()
            .expect("the server was not told to end");
        writeln!(orders, "{name}").expect("the server runs");
    }

    /// Kills the server as a crash would and waits for its end; its folder stays.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.guard.wait().expect("the guard is our child");
    }

    /// How the server ended, `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.guard.try_wait().expect("the guard is our child")
    }

    /// All that the server has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map_or_else(
            |_| String::new(),
            |log| String::from_utf8_lossy(&log).into(),
        )
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.orders.take());
        // An error means that it was waited for already.
        let _ = self.guard.wait();
    }
}

/// Starts a server whose ports may be taken by somebody else between the choice and the start.
pub fn start_anew<T>(what: &str, mut start: impl FnMut() -> Result<T, EndedEarly>) -> T {
    let mut last_words = String::new();
    for _ in 0..STARTS_MAX {
        match start() {
            Ok(server) => return server,
            Err(EndedEarly(log)) => last_words = log,
        }
    }
    panic!(
        "{what} ended {STARTS_MAX} times before it was ready; the last time it wrote:\n{last_words}"
    )
}

/// Looks again and again until there is something to return; panics at the limit.
pub fn eventually<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < limit,
            "{what}: not seen within {limit:?}"
        );
        thread::park_timeout(POLL_INTERVAL);
    }
}

/// Ports that were free a moment ago, all different.
pub fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("this machine has a free port")
    });
    listeners.map(|listener| {
        listener
            .local_addr()
            .expect("a bound listener has an address")
            .port()
    })
}

/// Runs a program to its end with `input` as its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    thread::scope(|scope| {
        // A program that does not read to the end closes the pipe: its output tells why.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the program is our child")
    })
}

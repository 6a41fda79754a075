//! Crashes on demand, for tests only: the environment names a text, a message that has it crashes.
//!
//! `SIGNLOOP_TEST_ABORT_ON`, `SIGNLOOP_TEST_PANIC_ON` and `SIGNLOOP_TEST_ABORT_SEAL_ON` are read
//! once, when a worker is made; without them nothing is looked for.

use memchr::memmem::Finder;

#[derive(Clone, Copy)]
enum Crash {
    Abort,
    Panic,
    AbortSeal,
}

const VARIABLES: [(&str, Crash); 3] = [
    ("SIGNLOOP_TEST_ABORT_ON", Crash::Abort),
    ("SIGNLOOP_TEST_PANIC_ON", Crash::Panic),
    ("SIGNLOOP_TEST_ABORT_SEAL_ON", Crash::AbortSeal),
];

/// A crash that waits for its message.
pub(in crate::pipeline) struct Failpoint {
    text: Finder<'static>,
    crash: Crash,
    met: bool,
}

impl Failpoint {
    /// The one that the environment asks for.
    pub(in crate::pipeline) fn from_environment() -> Option<Failpoint> {
        VARIABLES.iter().find_map(|(name, crash)| {
            let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
            Some(Failpoint {
                text: Finder::new(&text).into_owned(),
                crash: *crash,
                met: false,
            })
        })
    }

    /// A message is read.
    pub(in crate::pipeline) fn read(&mut self, message: &[u8]) {
        if self.text.find(message).is_none() {
            return;
        }
        match self.crash {
            Crash::Abort => std::process::abort(),
            Crash::Panic => panic!("a test asked for it"),
            Crash::AbortSeal => self.met = true,
        }
    }

    /// The files are finished.
    pub(in crate::pipeline) fn seal(&self) {
        if self.met {
            std::process::abort();
        }
    }
}

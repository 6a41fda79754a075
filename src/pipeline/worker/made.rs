//! What a worker makes: rows in files, signals and counts, and which records stay whole beside them.

use std::time::Duration;

use crate::domain::signal::Signal;
use crate::lake::file::WrittenFile;
use crate::metrics::Tally;

/// Which records are kept whole beside their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// None.
    None,
    /// Those that did not succeed: the evidence.
    Failures,
    /// All, at five times the time and disk.
    All,
}

impl std::str::FromStr for Raw {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Raw, &'static str> {
        match name {
            "none" => Ok(Raw::None),
            "failures" => Ok(Raw::Failures),
            "all" => Ok(Raw::All),
            _ => Err("must be none, failures or all"),
        }
    }
}

/// What a worker has made since the last seal.
#[derive(Default)]
pub struct Sealed {
    /// Files of `sign_ins`.
    pub sign_ins: Vec<WrittenFile>,
    /// Files of `sign_in_revisions`.
    pub revisions: Vec<WrittenFile>,
    /// Files of `rejects`.
    pub rejects: Vec<WrittenFile>,
    /// What the detector must know.
    pub signals: Vec<Signal>,
    /// Greatest event time that is not ahead of its publication.
    pub watermark: Option<i64>,
    /// Counts.
    pub tally: Tally,
    /// Records and broken pieces that came in.
    pub pieces: u64,
    /// Rejects that were stored already.
    pub replayed: u64,
    /// Time that was worked on it, that of all workers together.
    pub busy: Duration,
}

impl Sealed {
    /// Adds what another worker has made.
    pub fn merge(&mut self, other: Sealed) {
        self.sign_ins.extend(other.sign_ins);
        self.revisions.extend(other.revisions);
        self.rejects.extend(other.rejects);
        self.signals.extend(other.signals);
        self.watermark = self.watermark.max(other.watermark);
        self.pieces += other.pieces;
        self.replayed += other.replayed;
        self.busy += other.busy;
        self.tally.merge(&other.tally);
    }
}

//! How a command ends: exit codes, and errors as one sentence.

use std::fmt;
use std::process::ExitCode;

use crate::lake::LakeError;
use crate::pipeline::PipelineError;
use crate::source::SourceError;

/// The exit codes, as documented in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed.
    Failure = 1,
    /// Configuration or data is invalid.
    Invalid = 3,
    /// The broker or the store cannot be reached.
    Unreachable = 4,
    /// Done, and there are findings.
    Findings = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command ended: the sentence for the terminal and the exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    sentence: String,
    closed_pipe: bool,
}

impl Failure {
    /// Something failed.
    pub fn new(sentence: impl fmt::Display) -> Failure {
        Failure {
            exit: Exit::Failure,
            sentence: sentence.to_string(),
            closed_pipe: false,
        }
    }

    /// Configuration or data is invalid.
    pub fn invalid(sentence: impl fmt::Display) -> Failure {
        Failure {
            exit: Exit::Invalid,
            ..Failure::new(sentence)
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Nobody reads our output any more, as with `| head`.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        let closed_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        Failure {
            closed_pipe,
            ..Failure::new(error)
        }
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Failure {
        match &error {
            LakeError::NotALake(_) | LakeError::Query(_) => Failure::invalid(error),
            LakeError::Locked(_)
            | LakeError::Fenced { .. }
            | LakeError::Io(..)
            | LakeError::Parquet(..)
            | LakeError::Delta(..) => Failure::new(error),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        let exit = match &error {
            SourceError::Unreachable(_) => Exit::Unreachable,
            SourceError::Gap(_) => Exit::Failure,
            SourceError::File(_) | SourceError::Settings(_) => Exit::Invalid,
        };
        Failure {
            exit,
            ..Failure::new(error)
        }
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Failure {
        match error {
            PipelineError::Lake(error) => error.into(),
            PipelineError::Source(error) => error.into(),
            PipelineError::WorkerLost
            | PipelineError::MessageCrashed { .. }
            | PipelineError::Unaccounted(..) => Failure::new(error),
        }
    }
}

//! Signloop finds people stuck in legacy-auth loops after their mailbox was moved.
//!
//! ```text
//! Kafka, files ──▶ decode ──▶ classify ──┬─▶ sign_ins, rejects (Delta)
//!                                        ├─▶ detect ──▶ loops, mailbox_states (Delta)
//!        migration exports ── import ────┘         └──▶ metrics, SQL, reports
//! ```
//!
//! [`domain`] is pure and knows nothing of the others; [`source`] and [`lake`] know nothing of each
//! other but receipts; [`pipeline`] drives all three; [`cli`] builds and starts the parts.

pub mod domain;

pub mod source;

pub mod lake;

pub mod pipeline;

pub mod metrics;

pub mod serve;

pub mod generate;

pub mod config;

pub mod cli;

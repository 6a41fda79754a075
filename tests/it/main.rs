//! Every test against real parts, in one binary: one link instead of a dozen.
//!
//! `harness` starts the parts and knows nothing of Signloop; `support` drives Signloop and knows
//! nothing of a particular test. A test neither sleeps nor depends on another one, and whatever it
//! starts ends with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod harness;
mod support;
mod weekend;

mod alerts;
mod bad_input;
mod catalogue;
mod changes;
mod corpus;
mod dashboards;
mod definitions;
mod duplicates;
mod engines;
mod explain;
mod fuzz_corpus;
mod golden;
mod input_schema;
mod kafka;
mod kill;
mod mutants;
mod order;
mod prometheus_rules;
mod quarantine;
mod rejects;
mod schemas;
mod tables;
mod tidy;

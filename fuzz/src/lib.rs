//! The core of Signloop as a library of its own, for the fuzzer.

#[path = "../../src/domain/mod.rs"]
pub mod domain;

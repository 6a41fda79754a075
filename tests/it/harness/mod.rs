//! The real things that tests run against: an Apache Kafka broker, Prometheus with promtool, and
//! DuckDB as a second reader of the lake.
//!
//! `tools/setup.sh test` puts them in place; nothing here downloads anything. Every server listens
//! on a free port of this machine, keeps its files in a temporary folder, and ends with the test
//! process however that ends. Nothing in here knows Signloop.

pub mod duckdb;
pub mod http;
pub mod kafka;
pub mod process;
pub mod prometheus;
#[cfg(test)]
mod tests;
pub mod tools;

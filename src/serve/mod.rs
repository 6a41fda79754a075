//! What others ask the program over HTTP.
//!
//! Nothing here reads a source or writes to the lake: answers come from the metrics and from what the
//! pipeline published.

mod health;
pub mod http;

pub use self::health::Health;

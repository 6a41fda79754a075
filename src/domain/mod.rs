//! The pure core: what a sign-in is and what follows from it.
//!
//! Words used here and everywhere (one word, one meaning): a *message* is one broker message or
//! file line as bytes; a *record* is one object in it, and a *page* an object around a list of them; the
//! *origin* of a record says where it came from; a *span* is a half-open range of offsets of one
//! partition; a *sign-in* is one decoded event; a *reject* is what could not become one; an *attempt* is
//! a failed or blocked legacy sign-in of a known user; an *episode* is a run of attempts without a long
//! silence; a *loop* is an episode with a burst or a slow pattern in it.
//!
//! Nothing in here reads a clock, a file or a socket, logs, or counts metrics; time is an input.

pub mod causes;
pub mod classify;
pub mod decode;
pub mod detector;
pub mod failure_class;
pub mod hash;
pub mod knowledge;
pub mod loops;
pub mod mailbox;
pub mod merge;
pub mod migration;
pub mod policy;
pub mod sign_in;
pub mod signal;

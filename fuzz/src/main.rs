//! The fuzzer: libFuzzer with the target that `SIGNLOOP_FUZZ` names. See `fuzz/run`.

#![no_main]

mod targets;

use std::sync::LazyLock;

use targets::{TARGETS, Target};

/// The target, chosen once.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let wanted = std::env::var("SIGNLOOP_FUZZ").unwrap_or_default();
    let target = TARGETS.into_iter().find(|(name, _)| *name == wanted);
    target.unwrap_or_else(|| panic!("SIGNLOOP_FUZZ names no target: {wanted:?}"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (_, check) = *TARGET;
    check(bytes);
});

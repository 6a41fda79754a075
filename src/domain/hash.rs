//! A hash that may be stored.

/// FNV-1a, 64 bits: the same on every machine and in every version; 0 for nothing.
#[must_use]
pub fn fnv64(bytes: &[u8]) -> u64 {
    if bytes.is_empty() {
        return 0;
    }
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

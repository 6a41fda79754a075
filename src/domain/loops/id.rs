//! The id of a loop: stable across versions, machines and runs.
//!
//! It is a hash of the key and the first attempt, so that the same events always give the same id.

use crate::domain::signal::UserId;

const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// 32 hexadecimal digits: FNV-1a (128 bits) of tenant, user, client group and first attempt.
#[must_use]
pub fn loop_id(user: UserId, client_group: &str, first_attempt: i64) -> String {
    let bytes = user
        .tenant
        .to_be_bytes()
        .into_iter()
        .chain(user.user.to_be_bytes());
    let bytes = bytes
        .chain(client_group.bytes())
        .chain([0])
        .chain(first_attempt.to_be_bytes());
    let hash = bytes.fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME)
    });
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_changes_between_versions() {
        let user = UserId { tenant: 1, user: 2 };
        assert_eq!(
            loop_id(user, "outlook_desktop", 1_700_000_000_000_000),
            GOLDEN
        );
        assert_ne!(loop_id(user, "activesync", 1_700_000_000_000_000), GOLDEN);
    }

    const GOLDEN: &str = "171d2a76c446d6ad07396f77d0181b92";
}

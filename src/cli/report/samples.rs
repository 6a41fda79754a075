//! Loops and batches for the tests of reports.

use super::picture::{Health, Picture};
use crate::domain::causes::texts::CauseTexts;
use crate::domain::loops::MINUTE;
use crate::domain::loops::row::LoopRow;
use crate::domain::loops::words::{Kind, LoopState, Pattern, Phase, Verdict};
use crate::domain::sign_in::Protocol;

/// Fri 13 Mar 2026 16:00 UTC.
pub(crate) const CUTOVER: i64 = 1_773_417_600_000_000;
/// Mon 16 Mar 2026 12:00 UTC.
pub(crate) const NOW: i64 = CUTOVER + 68 * 60 * MINUTE;

/// Somebody whose Outlook did not reconfigure itself.
pub(crate) fn stuck(name: &str) -> LoopRow {
    LoopRow {
        loop_id: format!("{:0>32}", "1f"),
        revision: 1,
        tenant: 1,
        user: name.bytes().fold(7, |id, byte| id * 31 + u128::from(byte)),
        user_principal_name: name.to_owned(),
        client_group: "outlook_desktop".to_owned(),
        protocol: Protocol::Autodiscover,
        protocols: vec![Protocol::Autodiscover, Protocol::Ews],
        client_family: "outlook_2016_plus".to_owned(),
        pattern: Pattern::Burst,
        kind: Kind::Direct,
        verdict: Verdict::StuckClient,
        first_attempt: CUTOVER + 24 * MINUTE,
        opened_at: CUTOVER + 28 * MINUTE,
        last_attempt: NOW - 30 * MINUTE,
        recovered_at: None,
        attempts: 412,
        distinct_ips: 2,
        batch: Some("Wave 1".to_owned()),
        cutover_at: Some(CUTOVER),
        minutes_since_cutover: Some(24),
        phase: Some(Phase::Settling),
        cause: "rpc_http_profile".to_owned(),
        cause_confidence: 0.8,
        evidence: r#"{"password_right":"412","password_wrong":"0","password_unknown":"0","codes":"53003:412"}"#.to_owned(),
        fix: format!("Your password is right.\n# On-premises\nGet-A '{name}'"),
        state: LoopState::Open,
        ending: None,
        replaces: Vec::new(),
    }
}

/// Somebody whose password is being guessed.
pub(crate) fn attack(name: &str) -> LoopRow {
    LoopRow {
        verdict: Verdict::AttackSuspected,
        kind: Kind::Unrelated,
        distinct_ips: 41,
        batch: None,
        cutover_at: None,
        cause: "password_spray".to_owned(),
        ..stuck(name)
    }
}

/// A batch of a hundred.
pub(crate) fn health(batch: &str) -> Health {
    Health {
        batch: batch.to_owned(),
        migrated: 100,
        reconfigured: 88,
        looping: 8,
        silent: 0,
        inactive: 0,
        pending: 4,
        p50_minutes: Some(42),
        p95_minutes: Some(312),
        within_objective: 70,
        first_cutover: CUTOVER,
        last_cutover: CUTOVER + 90 * MINUTE,
    }
}

/// A lake with one batch and these loops.
pub(crate) fn picture(loops: Vec<LoopRow>) -> Picture {
    const TEXTS: &str = r#"
[[cause]]
name = "rpc_http_profile"
title = "Outlook still uses the old RPC over HTTP connection"
why = "It offers legacy authentication and is refused."
tell_user = "Your password is right."
source = "KB"
"#;
    let texts = CauseTexts::parse(TEXTS).expect("a valid file");
    Picture {
        now: Some(NOW),
        sign_ins: 1_000,
        moves: 100,
        batches: vec![health("Wave 1")],
        loops,
        texts,
    }
}

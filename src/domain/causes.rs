//! Why a loop exists: pure rules over what its attempts show, ranked by confidence.
//!
//! Owns when a cause applies and how sure that is; what to tell people is data (`texts`). A rule never
//! looks at a clock, at other users or at the migration beyond the facts it is given. Names are those
//! of the data file.

pub mod texts;

use super::failure_class::FailureClass;
use super::loops::verdict::{ATTACK_IPS, Facts, OWN_IPS};
use super::loops::words::{Kind, Verdict};
use super::loops::{DAY, HOUR};

/// The cause that is named when no rule applies.
pub const UNKNOWN: &str = "unknown";

/// Every cause that `rank` can give; the data file has a text for each.
pub const RANKED: &[&str] = &[
    "password_spray",
    "eas_basic_profile",
    "stale_password",
    "outlook_too_old",
    "security_defaults",
    "legacy_cannot_do_mfa_or_device",
    "app_or_device_on_basic",
    "rpc_http_profile",
    "modern_auth_off_on_client",
    UNKNOWN,
];

/// Wrong password, and the lock that follows it.
const WRONG_PASSWORD: &[i32] = &[50126, 50053];
/// Share of wrong-password codes from which the password is the cause.
const WRONG_PASSWORD_SHARE: f64 = 0.8;
/// Share from which a class of codes dominates.
const DOMINANT_SHARE: f64 = 0.5;

/// A cause that fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub cause: &'static str,
    /// From 0 to 1.
    pub confidence: f64,
}

/// Every cause that fits, the likeliest first; of equals the one listed first. Never empty.
#[must_use]
pub fn rank(facts: &Facts, verdict: Verdict) -> Vec<Ranked> {
    if verdict == Verdict::AttackSuspected {
        return vec![password_spray(facts)];
    }
    let rules = [
        eas_basic_profile,
        stale_password,
        outlook_too_old,
        security_defaults,
        legacy_cannot_do_mfa_or_device,
        app_or_device_on_basic,
        rpc_http_profile,
        modern_auth_off_on_client,
    ];
    let mut ranked: Vec<Ranked> = rules.iter().filter_map(|rule| rule(facts)).collect();
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    if ranked.is_empty() {
        ranked.push(Ranked {
            cause: UNKNOWN,
            confidence: 0.0,
        });
    }
    ranked
}

fn fits(cause: &'static str, confidence: f64) -> Option<Ranked> {
    Some(Ranked { cause, confidence })
}

/// 0.9 from ten addresses on; 0.75 for five with never a right password, which may be a traveller.
fn password_spray(facts: &Facts) -> Ranked {
    let confidence = if facts.distinct_ips >= ATTACK_IPS {
        0.9
    } else {
        0.75
    };
    Ranked {
        cause: "password_spray",
        confidence,
    }
}

/// 0.8 after the own cutover, else 0.7: a telephone may also be new.
fn eas_basic_profile(facts: &Facts) -> Option<Ranked> {
    let confidence = if facts.kind == Kind::Direct { 0.8 } else { 0.7 };
    (facts.client_group == "activesync").then_some(())?;
    fits("eas_basic_profile", confidence)
}

/// 0.85: the codes say it; a program keeping the beat makes a typing person unlikely: 0.92.
fn stale_password(facts: &Facts) -> Option<Ranked> {
    let wrong = facts.share_of_codes(WRONG_PASSWORD) >= WRONG_PASSWORD_SHARE;
    let own = facts.distinct_ips <= OWN_IPS;
    (wrong && own && !facts.password_was_right()).then_some(())?;
    fits(
        "stale_password",
        if facts.regular_cadence { 0.92 } else { 0.85 },
    )
}

/// 0.9 for 2010, which cannot do modern authentication at all; 0.8 for 2013, where it may be enabled.
fn outlook_too_old(facts: &Facts) -> Option<Ranked> {
    match facts.main_family() {
        "outlook_2010" => fits("outlook_too_old", 0.9),
        "outlook_2013" => fits("outlook_too_old", 0.8),
        _ => None,
    }
}

/// 0.95: the code names it.
fn security_defaults(facts: &Facts) -> Option<Ranked> {
    let dominant = facts.share_of_classes(&[FailureClass::SecurityDefaults]) >= DOMINANT_SHARE;
    dominant.then_some(())?;
    fits("security_defaults", 0.95)
}

/// 0.75: the codes say what was asked for, but not why the client speaks legacy at all.
fn legacy_cannot_do_mfa_or_device(facts: &Facts) -> Option<Ranked> {
    let asked = facts.share_of_classes(&[FailureClass::MfaInterrupt, FailureClass::CaDevice]);
    (asked >= DOMINANT_SHARE).then_some(())?;
    fits("legacy_cannot_do_mfa_or_device", 0.75)
}

/// 0.8 if it keeps the beat of a program, else 0.7.
fn app_or_device_on_basic(facts: &Facts) -> Option<Ranked> {
    let groups = ["smtp", "imap_pop", "ews_app", "powershell", "reporting"];
    groups.contains(&facts.client_group).then_some(())?;
    fits(
        "app_or_device_on_basic",
        if facts.regular_cadence { 0.8 } else { 0.7 },
    )
}

/// 0.8 if it began within 4 hours of the cutover, 0.65 within a week, else 0.5.
fn rpc_http_profile(facts: &Facts) -> Option<Ranked> {
    (facts.client_group == "outlook_desktop" && facts.kind == Kind::Direct).then_some(())?;
    let since = facts.since_cutover.unwrap_or(i64::MAX);
    let confidence = match since {
        since if since <= 4 * HOUR => 0.8,
        since if since <= 7 * DAY => 0.65,
        _ => 0.5,
    };
    fits("rpc_http_profile", confidence)
}

/// 0.6: a current Outlook that speaks legacy without a migration has been told to, or has a proxy
/// or an old profile in its way.
fn modern_auth_off_on_client(facts: &Facts) -> Option<Ranked> {
    let current = ["outlook_2016_plus", "outlook_mac", "office"].contains(&facts.main_family());
    let desktop = facts.client_group == "outlook_desktop" && facts.kind != Kind::Direct;
    (desktop && current).then_some(())?;
    fits("modern_auth_off_on_client", 0.6)
}

#[cfg(test)]
mod tests;

//! Every rule once, and who wins where two apply.

use std::collections::BTreeMap;

use super::*;
use crate::domain::sign_in::{PasswordVerified, Protocol};

/// A desktop Outlook blocked for being legacy, its password right, from one address.
fn facts() -> Facts {
    Facts {
        client_group: "outlook_desktop",
        kind: Kind::Unrelated,
        attempts: 10,
        protocols: BTreeMap::from([(Protocol::Ews, 10)]),
        families: BTreeMap::from([("unknown", 10)]),
        codes: BTreeMap::from([(53003, 10)]),
        classes: BTreeMap::from([(FailureClass::CaBlock.name(), 10)]),
        passwords: BTreeMap::from([(PasswordVerified::Yes, 10)]),
        distinct_ips: 1,
        regular_cadence: false,
        since_cutover: None,
    }
}

fn check(facts: &Facts, expected: &[(&str, f64)]) {
    let ranked = rank(facts, facts.verdict());
    let ranked: Vec<_> = ranked
        .iter()
        .map(|ranked| (ranked.cause, ranked.confidence))
        .collect();
    assert_eq!(ranked, expected);
    assert!(ranked.iter().all(|(cause, _)| RANKED.contains(cause)));
}

fn wrong_password(facts: Facts) -> Facts {
    Facts {
        codes: BTreeMap::from([(50126, 7), (50053, 1), (53003, 2)]),
        classes: BTreeMap::from([
            (FailureClass::Password.name(), 7),
            (FailureClass::Locked.name(), 1),
            (FailureClass::CaBlock.name(), 2),
        ]),
        passwords: BTreeMap::from([(PasswordVerified::No, 8), (PasswordVerified::Unknown, 2)]),
        ..facts
    }
}

#[test]
fn nothing_known_is_unknown() {
    check(&facts(), &[("unknown", 0.0)]);
}

#[test]
fn an_outlook_stuck_since_its_move_has_an_old_profile() {
    let since = |since| Facts {
        kind: Kind::Direct,
        since_cutover: Some(since),
        ..facts()
    };
    check(&since(4 * HOUR), &[("rpc_http_profile", 0.8)]);
    check(&since(4 * HOUR + 1), &[("rpc_http_profile", 0.65)]);
    check(&since(8 * DAY), &[("rpc_http_profile", 0.5)]);
}

#[test]
fn a_current_outlook_without_a_move_was_told_not_to() {
    let current = Facts {
        families: BTreeMap::from([("outlook_2016_plus", 2)]),
        ..facts()
    };
    check(&current, &[("modern_auth_off_on_client", 0.6)]);
}

#[test]
fn an_old_outlook_is_too_old_whether_moved_or_not() {
    let old = Facts {
        families: BTreeMap::from([("unknown", 9), ("outlook_2010", 1)]),
        kind: Kind::Direct,
        since_cutover: Some(0),
        ..facts()
    };
    check(&old, &[("outlook_too_old", 0.9), ("rpc_http_profile", 0.8)]);
    let newer = Facts {
        families: BTreeMap::from([("outlook_2013", 1)]),
        ..facts()
    };
    check(&newer, &[("outlook_too_old", 0.8)]);
}

#[test]
fn a_telephone_has_an_old_profile_or_an_old_password() {
    let phone = Facts {
        client_group: "activesync",
        ..facts()
    };
    check(&phone, &[("eas_basic_profile", 0.7)]);
    check(
        &Facts {
            kind: Kind::Direct,
            ..phone.clone()
        },
        &[("eas_basic_profile", 0.8)],
    );
    let expected = [("stale_password", 0.85), ("eas_basic_profile", 0.7)];
    check(&wrong_password(phone.clone()), &expected);
    let beat = Facts {
        regular_cadence: true,
        ..wrong_password(phone)
    };
    check(
        &beat,
        &[("stale_password", 0.92), ("eas_basic_profile", 0.7)],
    );
}

#[test]
fn many_addresses_are_a_spray_and_nothing_else() {
    let few = Facts {
        distinct_ips: 5,
        kind: Kind::Direct,
        ..wrong_password(facts())
    };
    check(&few, &[("password_spray", 0.75)]);
    check(
        &Facts {
            distinct_ips: 10,
            ..facts()
        },
        &[("password_spray", 0.9)],
    );
}

#[test]
fn codes_name_the_control_that_a_legacy_client_cannot_meet() {
    let class = |class: FailureClass| Facts {
        classes: BTreeMap::from([(class.name(), 5), (FailureClass::CaBlock.name(), 5)]),
        ..facts()
    };
    check(
        &class(FailureClass::SecurityDefaults),
        &[("security_defaults", 0.95)],
    );
    check(
        &class(FailureClass::MfaInterrupt),
        &[("legacy_cannot_do_mfa_or_device", 0.75)],
    );
    check(
        &class(FailureClass::CaDevice),
        &[("legacy_cannot_do_mfa_or_device", 0.75)],
    );
}

#[test]
fn scanners_scripts_and_apps_use_basic_authentication() {
    for group in ["smtp", "imap_pop", "ews_app", "powershell", "reporting"] {
        let app = Facts {
            client_group: group,
            ..facts()
        };
        check(&app, &[("app_or_device_on_basic", 0.7)]);
        let beat = Facts {
            regular_cadence: true,
            ..app
        };
        check(&beat, &[("app_or_device_on_basic", 0.8)]);
    }
}

#[test]
fn verdicts_follow_password_addresses_and_cadence() {
    let shown = |ips, password, kind, regular_cadence| {
        let passwords = BTreeMap::from([(password, 10)]);
        Facts {
            distinct_ips: ips,
            passwords,
            kind,
            regular_cadence,
            ..facts()
        }
        .verdict()
    };
    use PasswordVerified::{No, Yes};
    use Verdict::{AttackSuspected, StuckClient, Undecided};
    assert_eq!(shown(3, Yes, Kind::Unrelated, false), StuckClient);
    assert_eq!(shown(4, Yes, Kind::Unrelated, false), Undecided);
    assert_eq!(shown(9, Yes, Kind::Direct, true), Undecided);
    assert_eq!(shown(10, Yes, Kind::Direct, true), AttackSuspected);
    assert_eq!(shown(3, No, Kind::Direct, false), StuckClient);
    assert_eq!(shown(4, No, Kind::Direct, false), Undecided);
    assert_eq!(shown(5, No, Kind::Direct, false), AttackSuspected);
    assert_eq!(shown(1, No, Kind::Unrelated, false), Undecided);
    assert_eq!(shown(1, No, Kind::Unrelated, true), StuckClient);
    assert_eq!(
        shown(0, No, Kind::Unrelated, true),
        Undecided,
        "no address was logged"
    );
}

#[test]
fn every_cause_that_can_be_named_has_a_text() {
    let file = include_str!("../../../schemas/causes.toml");
    let texts = texts::CauseTexts::parse(file).expect("the data file is valid");
    let missing: Vec<_> = RANKED
        .iter()
        .filter(|cause| texts.get(cause).is_none())
        .collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

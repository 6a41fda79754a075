//! The tenant's Conditional Access policies and what each says about a kind of sign-in.
//!
//! Owns: the table of policies and their JSON, rendered once per situation so that an event only
//! copies text. Must not: decide whether a sign-in is blocked; the moment already knows.

use super::dice::{Dice, Salt};
use super::moment::{Ending, Moment};
use super::program::{Client, Platform};

/// As far as policies are concerned, all sign-ins are one of these.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Situation {
    Browser,
    Desktop,
    Phone,
    MfaMissing,
    LegacyBlocked,
    LegacyExcluded,
    DeviceCode,
    /// The password was wrong, or no one is there: policies were never asked.
    NotReached,
}

const SITUATIONS: usize = 7;

impl Situation {
    pub fn of(moment: &Moment, platform: Platform) -> Situation {
        match moment.ending {
            Ending::Blocked => Situation::LegacyBlocked,
            Ending::MfaNeeded | Ending::MfaByPolicy => Situation::MfaMissing,
            Ending::Success | Ending::KeepSignedIn => match (moment.client, platform) {
                (Client::DeviceCode, _) => Situation::DeviceCode,
                (Client::Script, _) | (_, Platform::Basic) => Situation::LegacyExcluded,
                (_, Platform::Browser) => Situation::Browser,
                (_, Platform::Phone) => Situation::Phone,
                (_, Platform::Desktop) => Situation::Desktop,
            },
            Ending::WrongPassword
            | Ending::Locked
            | Ending::UnknownUser
            | Ending::SilentImpossible
            | Ending::FrequencyExpired
            | Ending::WrongSecret => Situation::NotReached,
        }
    }

    /// The `conditionalAccessStatus` of the whole sign-in.
    pub fn status(self) -> &'static str {
        match self {
            Situation::MfaMissing | Situation::LegacyBlocked => "failure",
            Situation::NotReached => "notApplied",
            Situation::Browser
            | Situation::Desktop
            | Situation::Phone
            | Situation::LegacyExcluded
            | Situation::DeviceCode => "success",
        }
    }
}

/// Result and the bit masks of conditions satisfied and not satisfied.
type Say = (&'static str, u32, u32);

struct Policy {
    /// Already escaped for JSON.
    name: &'static str,
    grant: &'static str,
    session: &'static str,
    /// Rules as (condition, rule): those that make it apply, and those that keep it from applying.
    include: &'static [(&'static str, &'static str)],
    exclude: &'static [(&'static str, &'static str)],
    /// In the order of [`Situation`].
    says: [Say; SITUATIONS],
}

const NO: &str = "notApplied";
const YES: &str = "success";
const FAIL: &str = "failure";
const ALL: &[(&str, &str)] = &[("application", "allApps"), ("users", "allUsers")];
const ALL_LOCATIONS: &[(&str, &str)] = &[
    ("application", "allApps"),
    ("users", "allUsers"),
    ("location", "allLocations"),
];
const GROUP: &[(&str, &str)] = &[("application", "allApps"), ("users", "groupId")];

static POLICIES: [Policy; 12] = [
    Policy {
        name: "Block legacy authentication",
        grant: r#"["Block"]"#,
        session: "[]",
        include: ALL,
        exclude: &[],
        says: [
            (NO, 3, 16),
            (NO, 3, 16),
            (NO, 3, 16),
            (NO, 3, 16),
            (FAIL, 19, 0),
            (NO, 1, 2),
            (NO, 3, 16),
        ],
    },
    Policy {
        name: "Require multifactor authentication for all users",
        grant: r#"["Mfa"]"#,
        session: "[]",
        include: ALL,
        exclude: &[],
        says: [
            (YES, 19, 0),
            (YES, 19, 0),
            (YES, 19, 0),
            (FAIL, 19, 0),
            (NO, 3, 16),
            (NO, 3, 16),
            (YES, 19, 0),
        ],
    },
    Policy {
        name: "[Report-only] Require compliant device",
        grant: r#"["RequireCompliantDevice","RequireDomainJoinedDevice"]"#,
        session: "[]",
        include: GROUP,
        exclude: &[("users", "roleId")],
        says: [
            ("reportOnlyInterrupted", 19, 0),
            ("reportOnlySuccess", 19, 0),
            ("reportOnlyFailure", 19, 0),
            ("reportOnlyFailure", 19, 0),
            ("reportOnlyFailure", 19, 0),
            ("reportOnlyNotApplied", 1, 2),
            ("reportOnlyFailure", 19, 0),
        ],
    },
    Policy {
        name: "Blocked countries",
        grant: r#"["Block"]"#,
        session: "[]",
        include: ALL,
        exclude: &[("location", "locationId")],
        says: [(NO, 3, 8); SITUATIONS],
    },
    Policy {
        name: "MFA für Gäste",
        grant: r#"["Mfa","Guest terms of use"]"#,
        session: "[]",
        include: &[("application", "allApps")],
        exclude: &[],
        says: [(NO, 1, 2); SITUATIONS],
    },
    Policy {
        name: r"Finance \\u0026 HR: known devices only",
        grant: r#"["RequireCompliantDevice","Mfa"]"#,
        session: r#"["PersistentBrowserSessionMode"]"#,
        include: &[("application", "office365")],
        exclude: &[("users", "groupId")],
        says: [(NO, 1, 2); SITUATIONS],
    },
    Policy {
        name: "Mobile Device Policy",
        grant: r#"["RequireApprovedApp","RequireCompliantApp"]"#,
        session: "[]",
        include: GROUP,
        exclude: &[("location", "allTrustedLocations")],
        says: [
            (NO, 3, 4),
            (NO, 19, 12),
            (YES, 23, 0),
            (NO, 3, 4),
            (NO, 3, 4),
            (NO, 3, 4),
            (NO, 3, 4),
        ],
    },
    Policy {
        name: "Admin portals: sign in every hour",
        grant: "[]",
        session: r#"["SignInFrequency"]"#,
        include: &[],
        exclude: &[],
        says: [(NO, 0, 1); SITUATIONS],
    },
    Policy {
        name: "Risky sign-in needs MFA",
        grant: r#"["Mfa"]"#,
        session: r#"["SignInFrequency"]"#,
        include: ALL_LOCATIONS,
        exclude: &[],
        says: [(NO, 3, 32); SITUATIONS],
    },
    Policy {
        name: "User at risk must change the password",
        grant: r#"["Mfa","PasswordChange"]"#,
        session: r#"["SignInFrequency"]"#,
        include: ALL_LOCATIONS,
        exclude: &[("users", "userId")],
        says: [(NO, 3, 64); SITUATIONS],
    },
    Policy {
        name: "[Report-only] Block device code flow",
        grant: r#"["Block"]"#,
        session: "[]",
        include: ALL,
        exclude: &[("users", "groupId")],
        says: [
            ("reportOnlyNotApplied", 3, 16384),
            ("reportOnlyNotApplied", 3, 16384),
            ("reportOnlyNotApplied", 3, 16384),
            ("reportOnlyNotApplied", 3, 16384),
            ("reportOnlyNotApplied", 3, 16384),
            ("reportOnlyNotApplied", 1, 2),
            ("reportOnlyFailure", 16387, 0),
        ],
    },
    Policy {
        name: "Terms of use (retired)",
        grant: r#"["Terms of use 2023"]"#,
        session: "[]",
        include: &[],
        exclude: &[],
        says: [("notEnabled", 0, 0); SITUATIONS],
    },
];

/// Policies from here on may be had twice, by a tenant that has more than the table.
const REPEATABLE: usize = 3;

/// All policies of the tenant, rendered for every situation.
pub(super) struct Policies {
    fragments: Vec<[String; SITUATIONS]>,
}

impl Policies {
    pub fn new(seed: u64, count: u32, with_rules: bool) -> Policies {
        let fragment = |number: usize| {
            std::array::from_fn(|situation| render(seed, number, situation, with_rules))
        };
        Policies {
            fragments: (0..count as usize).map(fragment).collect(),
        }
    }

    /// Appends the first `count` policies as a JSON array.
    pub fn push(&self, out: &mut String, situation: Situation, count: usize) {
        out.push('[');
        if situation != Situation::NotReached {
            for (position, fragment) in self.fragments.iter().take(count).enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&fragment[situation as usize]);
            }
        }
        out.push(']');
    }
}

fn render(seed: u64, number: usize, situation: usize, with_rules: bool) -> String {
    let (row, copy) = match number.checked_sub(POLICIES.len()) {
        None => (number, 1),
        Some(beyond) => {
            let rows = POLICIES.len() - REPEATABLE;
            (REPEATABLE + beyond % rows, 2 + beyond / rows)
        }
    };
    let policy = &POLICIES[row];
    let (result, satisfied, unsatisfied) = policy.says[situation];
    let id = Dice::new(seed, Salt::Render, number as u64, 0)
        .guid()
        .text();
    let name = match copy {
        1 => policy.name.to_owned(),
        _ => format!("{} ({copy})", policy.name),
    };
    let mut out = format!(
        r#"{{"id":"{id}","displayName":"{name}","enforcedGrantControls":{},"enforcedSessionControls":{},"result":"{result}","conditionsSatisfied":{satisfied},"conditionsNotSatisfied":{unsatisfied}"#,
        policy.grant, policy.session,
    );
    if with_rules {
        out.push_str(r#","includeRulesSatisfied":"#);
        out.push_str(&rules(if result == NO { &[] } else { policy.include }));
        out.push_str(r#","excludeRulesSatisfied":"#);
        out.push_str(&rules(if satisfied & 2 == 0 {
            policy.exclude
        } else {
            &[]
        }));
    }
    out.push('}');
    out
}

fn rules(rules: &[(&str, &str)]) -> String {
    let rule = |(condition, satisfied): &(&str, &str)| {
        format!(r#"{{"conditionalAccessCondition":"{condition}","ruleSatisfied":"{satisfied}"}}"#)
    };
    format!("[{}]", rules.iter().map(rule).collect::<Vec<_>>().join(","))
}

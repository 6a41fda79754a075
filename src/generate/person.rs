//! A person of the tenant: who, where the mailbox is, what computer and phone, when at work.
//!
//! Owns: the person and the hours in which a computer is on. Must not: produce events; the
//! clients do.

use super::calendar::{DAY, HOUR, MINUTE, SECOND, is_weekend};
use super::dice::{Dice, Guid, Salt};
use super::place::{OFFSET, Place};

/// What is the matter with somebody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Role {
    /// Nothing.
    Healthy,
    /// On leave: no sign-in of any kind.
    Away,
    /// Migrated; Outlook keeps trying with basic authentication.
    StuckOutlook,
    /// Migrated; Outlook is stuck, but no event shows it.
    Silent,
    /// Not migrated; Outlook opens a mailbox that was.
    Delegate,
    /// Migrated; the iPhone has a basic ActiveSync profile.
    IPhone,
    /// A phone that still has the old password.
    StalePhone,
    /// A scanner or service whose mail is blocked.
    BlockedDevice,
    /// A scanner or service that is excluded from the policy, or a script.
    Device,
    /// Many wrong passwords from many addresses.
    SprayTarget,
    /// An attacker has the right password and was blocked.
    SprayHit,
}

impl Role {
    /// The true cause, by the name that findings use; none if nothing is wrong.
    pub fn cause(self) -> Option<&'static str> {
        match self {
            Role::Healthy | Role::Away | Role::Device => None,
            Role::StuckOutlook => Some("rpc_http_profile"),
            Role::Silent => Some("silent_client"),
            Role::Delegate => Some("delegate_of_moved_mailbox"),
            Role::IPhone => Some("eas_basic_profile"),
            Role::StalePhone => Some("stale_password"),
            Role::BlockedDevice => Some("app_or_device_on_basic"),
            Role::SprayTarget | Role::SprayHit => Some("password_spray"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mailbox {
    OnPremises,
    Cloud,
    /// Index of the batch, and the instant at which this mailbox is switched.
    Moves {
        batch: u32,
        cutover: i64,
    },
}

impl Mailbox {
    pub fn cutover(self) -> Option<i64> {
        match self {
            Mailbox::Moves { cutover, .. } => Some(cutover),
            Mailbox::OnPremises | Mailbox::Cloud => None,
        }
    }
}

/// Never, as an instant.
pub(super) const NEVER: i64 = i64::MAX;

/// When a client that cannot do modern authentication tries.
#[derive(Clone, Copy)]
pub(super) struct Struggle {
    pub from: i64,
    /// A help desk ends it; else [`NEVER`].
    pub until: i64,
    pub agent: &'static str,
}

impl Struggle {
    pub fn without_end(from: i64, agent: &'static str) -> Struggle {
        Struggle {
            from,
            until: NEVER,
            agent,
        }
    }
}

pub(super) struct Person {
    pub upn: String,
    pub display: String,
    /// The display name as a JSON string, with its quotes.
    pub display_json: String,
    pub user_id: Guid,
    pub role: Role,
    pub mailbox: Mailbox,
    /// Whose mailbox a delegate opens.
    pub opens: Option<u32>,
    pub city: u8,
    pub home: Place,
    /// Owns a phone with Outlook or Teams on it.
    pub phone: bool,
    /// The computer is never switched off and Outlook stays open.
    pub always_on: bool,
    /// Chance to switch the computer on, on a weekend day and not at all on a working day.
    pub weekend: f64,
    pub absent: f64,
    /// First modern Exchange sign-ins of computer and phone.
    pub desktop_from: i64,
    pub phone_from: i64,
    pub struggle: Option<Struggle>,
}

/// Half-open stretch of time.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub from: i64,
    pub to: i64,
}

impl Window {
    const NONE: Window = Window { from: 0, to: 0 };

    pub fn meet(self, other: Window) -> Option<Window> {
        let meeting = Window {
            from: self.from.max(other.from),
            to: self.to.min(other.to),
        };
        (meeting.from < meeting.to).then_some(meeting)
    }

    pub fn holds(self, instant: i64) -> bool {
        self.from <= instant && instant < self.to
    }
}

pub(super) fn local_day(instant: i64) -> i64 {
    (instant + OFFSET).div_euclid(DAY)
}

pub(super) fn local_midnight(day: i64) -> i64 {
    day * DAY - OFFSET
}

/// When somebody sits at the computer on a day: work, and sometimes the evening.
pub(super) fn presence(seed: u64, who: u32, person: &Person, day: i64) -> [Window; 2] {
    let mut dice = Dice::new(seed, Salt::Day, u64::from(who), day);
    let midnight = local_midnight(day);
    if person.role == Role::Away {
        return [Window::NONE; 2];
    }
    if is_weekend(day) {
        if !dice.chance(person.weekend) {
            return [Window::NONE; 2];
        }
        let from = midnight + dice.between(9 * HOUR, 17 * HOUR);
        return [
            Window {
                from,
                to: from + dice.between(HOUR, 4 * HOUR),
            },
            Window::NONE,
        ];
    }
    if dice.chance(person.absent) {
        return [Window::NONE; 2];
    }
    let from = midnight + dice.normal(8.2 * HOUR as f64, 40.0 * MINUTE as f64) as i64;
    let length = dice.normal(8.6 * HOUR as f64, 50.0 * MINUTE as f64) as i64;
    let work = Window {
        from,
        to: from + length.max(HOUR),
    };
    let evening = midnight + dice.between(19 * HOUR + 30 * MINUTE, 21 * HOUR);
    let evening = match dice.chance(0.15) {
        true => Window {
            from: evening.max(work.to),
            to: evening + 90 * MINUTE,
        },
        false => Window::NONE,
    };
    [work, evening]
}

/// When the computer is on, on a day.
pub(super) fn computer(seed: u64, who: u32, person: &Person, day: i64) -> [Window; 2] {
    if person.always_on {
        let from = local_midnight(day);
        return [
            Window {
                from,
                to: from + DAY,
            },
            Window::NONE,
        ];
    }
    presence(seed, who, person, day)
}

/// The first instant at or after `instant` at which the computer is on; a moment after it was
/// switched on, if it was off.
pub(super) fn next_on(seed: u64, who: u32, person: &Person, instant: i64, dice: &mut Dice) -> i64 {
    let today = local_day(instant);
    for day in today..today + 14 {
        for window in computer(seed, who, person, day) {
            if window.holds(instant) {
                return instant;
            }
            if window.from > instant {
                return window.from + dice.between(20 * SECOND, 12 * MINUTE);
            }
        }
    }
    NEVER
}

//! Clients that struggle: an Outlook that cannot leave basic authentication, an iPhone with a
//! basic ActiveSync profile, a phone with yesterday's password.
//!
//! Owns: how often each tries, with which protocol and user agent, and what it is told. The
//! pattern follows the program and whether the computer is on. Must not: know what makes a loop.

use super::calendar::{HOUR, MINUTE, SECOND};
use super::client::{desk_place, phone_place};
use super::dice::{Dice, Salt};
use super::moment::{Ending, Moment, Scene, Who};
use super::person::{Person, Role, Struggle, Window, computer, local_day, presence};
use super::place::Place;
use super::program::Client;
use super::tenant::Tenant;

const OUTLOOKS: &[(u32, &str)] = &[
    (
        40,
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)",
    ),
    (
        20,
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16130; Pro)",
    ),
    (
        15,
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.14332; Pro)",
    ),
    (
        12,
        "Microsoft Office/15.0 (Windows NT 10.0; Microsoft Outlook 15.0.5589; Pro)",
    ),
    (13, BASIC_TO_TOKEN),
];
const IPHONES: &[&str] = &[
    "Apple-iPhone13C2/1906.85",
    "Apple-iPhone14C5/2104.39",
    "Apple-iPhone12C1/1804.104",
    "Apple-iPhone15C3/2103.61",
];
const ANDROIDS: &[&str] = &[
    "Android-SAMSUNG-SM-G991B/101.140000",
    "Android-Mail/2024.02.04",
];

/// The user agent of a basic logon that Exchange Online turned into a password grant.
pub(super) const BASIC_TO_TOKEN: &str = "BAV2ROPC";

/// What an RPC/HTTP profile speaks while it looks for its mailbox.
const PROTOCOLS: &[(u32, Client)] = &[
    (30, Client::Autodiscover),
    (22, Client::RpcHttp),
    (18, Client::WebServices),
    (14, Client::OtherClients),
    (11, Client::MapiHttp),
    (5, Client::AddressBook),
];

pub(super) fn outlook(dice: &mut Dice) -> &'static str {
    dice.weighted(OUTLOOKS)
}

pub(super) fn iphone(dice: &mut Dice) -> &'static str {
    dice.pick(IPHONES)
}

pub(super) fn android(dice: &mut Dice) -> &'static str {
    dice.pick(ANDROIDS)
}

/// What all struggling clients do within an hour.
pub(super) fn hour(tenant: &Tenant, start: i64, out: &mut Vec<Moment>) {
    let hour = Window {
        from: start,
        to: start + HOUR,
    };
    for who in &tenant.struggling {
        let person = &tenant.people[*who as usize];
        let Some(struggle) = person.struggle else {
            continue;
        };
        let Some(window) = hour.meet(Window {
            from: struggle.from,
            to: struggle.until,
        }) else {
            continue;
        };
        let dice = Dice::new(tenant.plan.seed, Salt::Legacy, u64::from(*who), start);
        let trial = Trial {
            seed: tenant.plan.seed,
            who: *who,
            person,
            struggle,
            dice,
            out,
        };
        match person.role {
            Role::IPhone => trial.fetch_mail(window),
            Role::StalePhone => trial.fetch_with_old_password(window),
            _ => trial.prompt(window),
        }
    }
}

struct Trial<'a> {
    seed: u64,
    who: u32,
    person: &'a Person,
    struggle: Struggle,
    dice: Dice,
    out: &'a mut Vec<Moment>,
}

impl Trial<'_> {
    /// Outlook asks for the password again and again while the computer is on; the user cancels
    /// now and then, and nobody is there at night to answer, so it rests more often.
    fn prompt(mut self, hour: Window) {
        for day in local_day(hour.from)..=local_day(hour.to - 1) {
            for window in computer(self.seed, self.who, self.person, day) {
                let Some(window) = window.meet(hour) else {
                    continue;
                };
                // At first everybody answers the prompt, again and again.
                let fresh = window.from - self.struggle.from < 2 * HOUR;
                let present = presence(self.seed, self.who, self.person, day)
                    .iter()
                    .any(|present| present.meet(window).is_some());
                let asks = if present { 0.85 } else { 0.45 };
                if fresh {
                    self.burst(window, 0.0);
                } else if self.dice.chance(asks) {
                    let pause = self.dice.between(0, 4 * MINUTE);
                    self.burst(
                        Window {
                            from: window.from + pause,
                            to: window.to,
                        },
                        0.04,
                    );
                }
            }
        }
    }

    /// A prompt every few minutes until the hour is over or the user gives up.
    fn burst(&mut self, window: Window, gives_up: f64) {
        let mut now = window.from;
        while now < window.to {
            self.ask(now, window.to);
            now += self.dice.between(MINUTE, 5 * MINUTE);
            if self.dice.chance(gives_up) {
                return;
            }
        }
    }

    /// One prompt: one to three requests within seconds.
    fn ask(&mut self, at: i64, end: i64) {
        let requests = self.dice.weighted(&[(70, 1), (20, 2), (10, 3)]);
        let place = desk_place(self.seed, self.who, self.person, at);
        let mut now = at;
        for _ in 0..requests {
            let client = self.dice.weighted(PROTOCOLS);
            let agent = self.struggle.agent;
            let scene = Scene {
                who: Who::Person(self.who),
                client,
                place,
                agent,
            };
            self.out
                .push(scene.moment(now, (Ending::Blocked, false), &mut self.dice));
            now += self.dice.between(SECOND / 5, 4 * SECOND);
            if now >= end {
                return;
            }
        }
    }

    /// Every quarter of an hour, day and night; now and then without reception.
    fn fetch_mail(mut self, hour: Window) {
        const PERIOD: i64 = 15 * MINUTE;
        let behind = (hour.from - self.struggle.from).rem_euclid(PERIOD);
        let mut due = hour.from + (PERIOD - behind) % PERIOD;
        while due < hour.to {
            let at = due + self.dice.between(0, 40 * SECOND);
            let place = phone_place(self.seed, self.who, self.person, at);
            if self.dice.chance(0.97) && at < hour.to {
                self.fetch(at, place, Ending::Blocked);
            }
            due += PERIOD;
        }
    }

    /// Wrong, wrong, wrong, then locked for a while. The phone lies in a drawer at home.
    fn fetch_with_old_password(mut self, hour: Window) {
        let mut now = hour.from + self.dice.between(0, 20 * MINUTE);
        while now < hour.to {
            let round = (now - self.struggle.from) / (30 * MINUTE);
            let locked = round >= 4 && round % 5 >= 3;
            let ending = if locked {
                Ending::Locked
            } else {
                Ending::WrongPassword
            };
            self.fetch(now, self.person.home, ending);
            now += self.dice.between(9 * MINUTE, 16 * MINUTE);
        }
    }

    fn fetch(&mut self, at: i64, place: Place, ending: Ending) {
        let agent = self.struggle.agent;
        let scene = Scene {
            who: Who::Person(self.who),
            client: Client::ActiveSync,
            place,
            agent,
        };
        self.out
            .push(scene.moment(at, (ending, false), &mut self.dice));
    }
}

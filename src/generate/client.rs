//! Clients that work: Outlook, Teams, the browser, the phone, through an hour of somebody's life.
//!
//! Owns: which modern client signs in when, and the small detours on the way (a prompt for a
//! second factor, a mistyped password, a session that was too old). Must not: know legacy
//! clients, nor what a detector makes of this.

use super::calendar::{HOUR, MINUTE, SECOND, is_weekend};
use super::dice::{Dice, Salt};
use super::moment::{Ending, Moment, Scene, Who};
use super::person::{Person, Role, Window, local_day, local_midnight, presence};
use super::place::Place;
use super::program::{Client, Platform};
use super::tenant::Tenant;

const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.2365.80";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3.1 Safari/605.1.15";
const EMBEDDED: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.102 Safari/537.36 Edge/18.19045";
const IOS_APP: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 PKeyAuth/1.0";
const ANDROID_APP: &str = "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)";

/// Shares of a working day: most sign-ins come from the computer, spread over its hours.
const DESK_SHARE: f64 = 0.8;
const DESK_HOURS: f64 = 8.6;
const PHONE_HOURS: f64 = 16.5;
const PHONE_WEEKEND: f64 = 0.6;

const AT_DESK: &[(u32, Client)] = &[
    (32, Client::Outlook),
    (30, Client::Teams),
    (14, Client::SharePoint),
    (12, Client::OneDrive),
    (8, Client::Portal),
    (4, Client::Owa),
];
const ON_PHONE: &[(u32, Client)] = &[(60, Client::OutlookMobile), (40, Client::TeamsMobile)];

/// Steps before a success, and whether a human took part in each.
type Detour = &'static [(Ending, bool)];

const MFA: (Ending, bool) = (Ending::MfaNeeded, true);
const MFA_BY_POLICY: (Ending, bool) = (Ending::MfaByPolicy, true);
const MISTYPED: (Ending, bool) = (Ending::WrongPassword, true);
const STAY: (Ending, bool) = (Ending::KeepSignedIn, true);
const TOO_OLD: (Ending, bool) = (Ending::FrequencyExpired, false);

const IN_PERSON: &[(u32, Detour)] = &[
    (70, &[]),
    (9, &[MFA]),
    (5, &[MFA_BY_POLICY]),
    (5, &[MISTYPED]),
    (1, &[MISTYPED, MISTYPED]),
    (8, &[MFA, STAY]),
    (2, &[STAY]),
];
const IN_SILENCE: &[(u32, Detour)] = &[
    (960, &[]),
    (18, &[TOO_OLD, MFA_BY_POLICY]),
    (12, &[(Ending::SilentImpossible, true)]),
    (10, &[(Ending::MfaByPolicy, false), MFA]),
];

/// What somebody's working clients do within an hour.
pub(super) fn hour(tenant: &Tenant, who: u32, start: i64, out: &mut Vec<Moment>) {
    let person = &tenant.people[who as usize];
    let hour = Window {
        from: start,
        to: start + HOUR,
    };
    let mut dice = Dice::new(tenant.plan.seed, Salt::Modern, u64::from(who), start);
    let rate = tenant.plan.sign_ins_per_user_day;
    for day in local_day(start)..=local_day(hour.to - 1) {
        for window in presence(tenant.plan.seed, who, person, day) {
            if let Some(window) = window.meet(hour) {
                let mut life = Life {
                    tenant,
                    who,
                    person,
                    dice: &mut dice,
                    out,
                };
                life.desk(window, rate * DESK_SHARE / DESK_HOURS);
            }
        }
    }
    let mut life = Life {
        tenant,
        who,
        person,
        dice: &mut dice,
        out,
    };
    life.firsts(hour);
    if person.phone && person.role != Role::Away {
        life.phone(hour, rate * (1.0 - DESK_SHARE) / PHONE_HOURS);
    }
}

struct Life<'a> {
    tenant: &'a Tenant,
    who: u32,
    person: &'a Person,
    dice: &'a mut Dice,
    out: &'a mut Vec<Moment>,
}

impl Life<'_> {
    fn desk(&mut self, window: Window, per_hour: f64) {
        let hours = (window.to - window.from) as f64 / HOUR as f64;
        for _ in 0..self.dice.poisson(per_hour * hours) {
            let at = self.dice.between(window.from, window.to);
            let client = self.dice.weighted(AT_DESK);
            if self.may(client, at) {
                self.sign_in(client, at);
            }
        }
    }

    fn phone(&mut self, hour: Window, per_hour: f64) {
        let day = local_day(hour.from);
        let midnight = local_midnight(day);
        let awake = Window {
            from: midnight + 13 * HOUR / 2,
            to: midnight + 23 * HOUR,
        };
        let Some(awake) = awake.meet(hour) else {
            return;
        };
        let share = if is_weekend(day) { PHONE_WEEKEND } else { 1.0 };
        let hours = (awake.to - awake.from) as f64 / HOUR as f64;
        for _ in 0..self.dice.poisson(per_hour * hours * share) {
            let at = self.dice.between(awake.from, awake.to);
            let client = self.dice.weighted(ON_PHONE);
            if self.may(client, at) {
                self.sign_in(client, at);
            }
        }
    }

    /// The mailbox must be in the cloud, and the client must have found that out.
    fn may(&self, client: Client, at: i64) -> bool {
        match client {
            Client::Outlook => at > self.person.desktop_from,
            Client::OutlookMobile => at > self.person.phone_from,
            // Outlook on the web needs no profile: it works from the cutover on.
            Client::Owa => {
                let reachable = self
                    .person
                    .mailbox
                    .cutover()
                    .unwrap_or(self.person.desktop_from);
                self.person.role != Role::Silent && at > reachable
            }
            _ => true,
        }
    }

    /// The first modern sign-ins after the cutover happen exactly when they are due.
    fn firsts(&mut self, hour: Window) {
        let firsts = [
            (Client::Outlook, self.person.desktop_from),
            (Client::OutlookMobile, self.person.phone_from),
        ];
        for (client, at) in firsts {
            if hour.holds(at) && self.person.mailbox.cutover().is_some() {
                let scene = self.scene(client, at);
                let lead = self.dice.between(15 * SECOND, 45 * SECOND);
                let correlation = self.dice.roll();
                self.push(&scene, at - lead, (Ending::MfaNeeded, true), correlation);
                self.push(&scene, at, (Ending::Success, true), correlation);
            }
        }
    }

    /// One sign-in, with what came before it in the same breath.
    fn sign_in(&mut self, client: Client, at: i64) {
        let scene = self.scene(client, at);
        let correlation = self.dice.roll();
        let interactive = match scene.client.profile().platform {
            Platform::Browser => self.dice.chance(0.4),
            Platform::Desktop | Platform::Phone | Platform::Basic => self.dice.chance(0.08),
        };
        let detours = if interactive { IN_PERSON } else { IN_SILENCE };
        let detour = self.dice.weighted(detours);
        let mut now = at;
        for step in detour {
            self.push(&scene, now, *step, correlation);
            now += self.dice.between(4 * SECOND, 40 * SECOND);
        }
        let success = (Ending::Success, interactive || !detour.is_empty());
        self.push(&scene, now, success, correlation);
    }

    fn push(&mut self, scene: &Scene, at: i64, how: (Ending, bool), correlation: u64) {
        let mut moment = scene.moment(at, how, self.dice);
        moment.correlation = correlation;
        self.out.push(moment);
    }

    fn scene(&self, client: Client, at: i64) -> Scene {
        let platform = client.profile().platform;
        let place = match platform {
            Platform::Phone => phone_place(self.tenant.plan.seed, self.who, self.person, at),
            Platform::Browser | Platform::Desktop | Platform::Basic => {
                desk_place(self.tenant.plan.seed, self.who, self.person, at)
            }
        };
        Scene {
            who: Who::Person(self.who),
            client,
            place,
            agent: agent(self.who, platform),
        }
    }
}

fn agent(who: u32, platform: Platform) -> &'static str {
    match (platform, who % 5) {
        (Platform::Browser, 0..=2) => EDGE,
        (Platform::Browser, 3) => CHROME,
        (Platform::Browser, _) => SAFARI,
        (Platform::Desktop, _) => EMBEDDED,
        (Platform::Phone, 0..=2) => IOS_APP,
        (Platform::Phone, _) => ANDROID_APP,
        (Platform::Basic, _) => "",
    }
}

/// The office, or at home on some days, in the evening and at the weekend.
pub(super) fn desk_place(seed: u64, who: u32, person: &Person, at: i64) -> Place {
    let day = local_day(at);
    let late = at - local_midnight(day) > 19 * HOUR + 15 * MINUTE;
    // A stream apart from the one that decides the hours of the same day.
    let at_home = Dice::new(!seed, Salt::Day, u64::from(who), day).chance(0.35);
    if late || at_home || is_weekend(day) || person.always_on {
        return person.home;
    }
    Place::office(person.city, u64::from(who))
}

/// Somewhere on the way, or the line at home; it changes from hour to hour.
pub(super) fn phone_place(seed: u64, who: u32, person: &Person, at: i64) -> Place {
    let mut dice = Dice::new(!seed, Salt::Modern, u64::from(who), at.div_euclid(3 * HOUR));
    match dice.chance(0.55) {
        true => person.home,
        false => Place::cellular(person.city, dice.roll()),
    }
}

//! The tenant: its people, who of them migrates, and who gets stuck.
//!
//! Owns: the cast. Who has which role is drawn once; when each client starts and stops follows
//! from the cutover and from when computers are on. Must not: render events.

use super::calendar::{HOUR, MINUTE, SECOND};
use super::dice::{Dice, Guid, Salt};
use super::noise::{self, Service};
use super::person::{Mailbox, NEVER, Person, Role, Struggle, local_day, local_midnight, next_on};
use super::place::{OFFICES, Place};
use super::policy::Policies;
use super::spray::{self, Spray};
use super::truth::{self, Truth};
use super::{BatchPlan, Plan, legacy, names};

pub(super) const DOMAIN: &str = "contoso.example";

/// Phones with an old password, in a tenant of 2,000 people or more.
const STALE_PHONES: usize = 4;

/// Our tenant, and the directory it lives in.
pub(super) const TENANT_ID: &str = "7c0b2d1e-4a5f-4c3b-9d8e-2f6a1b0c9d7e";

/// A tenant of people with their computers and phones.
pub struct Tenant {
    pub(super) plan: Plan,
    pub(super) people: Vec<Person>,
    pub(super) services: Vec<Service>,
    /// People with a client that struggles.
    pub(super) struggling: Vec<u32>,
    pub(super) spray: Option<Spray>,
    pub(super) policies: Policies,
    pub(super) truth: Vec<Truth>,
}

/// Builds the tenant of a plan.
pub fn tenant(plan: &Plan) -> Tenant {
    let mut people: Vec<Person> = (0..plan.users).map(|who| new_person(plan, who)).collect();
    cast(plan, &mut people);
    for who in 0..plan.users {
        schedule(plan, &mut people, who);
    }
    let services = noise::hire(plan, &mut people);
    let spray = plan.spray.then(|| spray::prepare(plan, &mut people));
    let struggling = (0..plan.users).filter(|who| people[*who as usize].struggle.is_some());
    let mut tenant = Tenant {
        plan: plan.clone(),
        struggling: struggling.collect(),
        people,
        services,
        spray,
        policies: Policies::new(plan.seed, plan.policies.1, plan.extra_fields),
        truth: Vec::new(),
    };
    tenant.truth = truth::observe(&tenant);
    tenant
}

impl Person {
    /// Somebody without a role, whose mailbox is in the cloud.
    pub(super) fn new(display: String, local: &str, dice: &mut Dice, who: u32) -> Person {
        let city = dice.below(OFFICES) as u8;
        Person {
            upn: format!("{local}@{DOMAIN}"),
            display_json: serde_json::Value::from(display.as_str()).to_string(),
            display,
            user_id: dice.guid(),
            role: Role::Healthy,
            mailbox: Mailbox::Cloud,
            opens: None,
            city,
            home: Place::home(who, city, dice),
            phone: dice.chance(0.6),
            always_on: dice.chance(0.22),
            weekend: 0.08,
            absent: 0.06,
            desktop_from: 0,
            phone_from: 0,
            struggle: None,
        }
    }

    pub(super) fn exchange_guid(&self) -> Guid {
        Dice::new(self.user_id.0 as u64, Salt::Exchange, 0, 0).guid()
    }
}

fn new_person(plan: &Plan, who: u32) -> Person {
    let mut dice = Dice::new(plan.seed, Salt::Person, u64::from(who), 0);
    let (display, local) = names::person(who);
    let mut person = Person::new(display, &local, &mut dice, who);
    if !plan.batches.is_empty() && dice.chance(0.6) {
        person.mailbox = Mailbox::OnPremises;
    }
    person
}

/// Draws who is in which batch and who has which role.
fn cast(plan: &Plan, people: &mut [Person]) {
    let mut dice = Dice::new(plan.seed, Salt::Seats, 0, 0);
    let mut seats: Vec<u32> = (0..plan.users).collect();
    dice.shuffle(&mut seats);
    let mut seats = seats.into_iter();
    let mut bosses = Vec::new();
    for (number, batch) in (0..).zip(&plan.batches) {
        let members: Vec<u32> = seats.by_ref().take(batch.users as usize).collect();
        for (who, role) in members.iter().zip(roles(batch)) {
            let person = &mut people[*who as usize];
            // Mailboxes of a batch are switched within an hour and a half.
            let cutover = batch.cutover + dice.between(0, 90 * 60) * SECOND;
            person.mailbox = Mailbox::Moves {
                batch: number,
                cutover,
            };
            person.role = role;
        }
        bosses.extend(members.iter().rev().take(batch.delegates as usize).copied());
    }
    for (boss, who) in bosses.into_iter().zip(seats.by_ref()) {
        let person = &mut people[who as usize];
        person.role = Role::Delegate;
        person.mailbox = Mailbox::OnPremises;
        person.opens = Some(boss);
    }
    for who in seats.take((plan.users as usize / 500).min(STALE_PHONES)) {
        people[who as usize].role = Role::StalePhone;
        people[who as usize].mailbox = Mailbox::Cloud;
    }
}

/// The roles in a batch: first those with trouble, then everybody else without end.
fn roles(batch: &BatchPlan) -> impl Iterator<Item = Role> {
    let stuck = (f64::from(batch.users) * batch.stuck_share).round() as u32;
    let counts = [
        (stuck, Role::StuckOutlook),
        (batch.iphones, Role::IPhone),
        (batch.silent, Role::Silent),
        (batch.users / 50, Role::Away),
        (u32::MAX, Role::Healthy),
    ];
    counts
        .into_iter()
        .flat_map(|(count, role)| (0..count).map(move |_| role))
}

/// Decides when each client of a person starts to work, or to struggle.
fn schedule(plan: &Plan, people: &mut [Person], who: u32) {
    let boss = people[who as usize].opens;
    let opened = boss.and_then(|boss| people[boss as usize].mailbox.cutover());
    let person = &mut people[who as usize];
    let mut dice = Dice::new(plan.seed, Salt::Cutover, u64::from(who), 0);
    habits(person, &mut dice);
    match person.mailbox {
        Mailbox::OnPremises => (person.desktop_from, person.phone_from) = (NEVER, NEVER),
        Mailbox::Cloud => {}
        Mailbox::Moves { cutover, .. } => {
            person.desktop_from = first_desktop(plan.seed, who, person, cutover, &mut dice);
            person.phone_from = first_phone(person, cutover, &mut dice);
        }
    }
    let moved = opened.or(person.mailbox.cutover()).unwrap_or(plan.start);
    match person.role {
        Role::StuckOutlook => stick(plan.seed, who, person, &mut dice),
        Role::Delegate => {
            let from = moved + dice.between(MINUTE, 12 * MINUTE);
            let from = next_on(plan.seed, who, person, from, &mut dice);
            person.struggle = Some(Struggle::without_end(from, legacy::outlook(&mut dice)));
        }
        Role::IPhone => {
            let from = moved + dice.between(MINUTE, 14 * MINUTE);
            person.struggle = Some(Struggle::without_end(from, legacy::iphone(&mut dice)));
        }
        Role::StalePhone => {
            let from = plan.start + dice.between(2 * HOUR, 40 * HOUR);
            person.struggle = Some(Struggle::without_end(from, legacy::android(&mut dice)));
        }
        Role::Silent => person.desktop_from = NEVER,
        Role::Healthy | Role::Away | Role::BlockedDevice | Role::Device => {}
        Role::SprayTarget | Role::SprayHit => {}
    }
}

/// People with trouble look at their computers; some have Outlook on the phone all the same.
fn habits(person: &mut Person, dice: &mut Dice) {
    match person.role {
        Role::StuckOutlook | Role::Delegate => {
            (person.weekend, person.absent) = (0.75, 0.0);
            person.phone = dice.chance(0.35);
        }
        Role::Silent => {
            (person.weekend, person.absent) = (0.4, 0.0);
            (person.phone, person.always_on) = (false, false);
        }
        Role::IPhone => person.phone = false,
        Role::Healthy
        | Role::Away
        | Role::StalePhone
        | Role::BlockedDevice
        | Role::Device
        | Role::SprayTarget
        | Role::SprayHit => {}
    }
}

/// Outlook asks for a restart and signs in; on a computer that is off, when it is on again.
fn first_desktop(seed: u64, who: u32, person: &Person, cutover: i64, dice: &mut Dice) -> i64 {
    let ready = cutover + dice.log_normal(25.0 * 60.0, 0.9) * SECOND + dice.between(0, SECOND);
    match person.role {
        Role::Away => NEVER,
        _ => next_on(seed, who, person, ready, dice),
    }
}

/// Phones are always on, but nobody confirms a prompt while asleep.
fn first_phone(person: &Person, cutover: i64, dice: &mut Dice) -> i64 {
    if !person.phone || person.role == Role::Away {
        return NEVER;
    }
    let ready = cutover + dice.log_normal(40.0 * 60.0, 1.1) * SECOND + dice.between(0, SECOND);
    let midnight = local_midnight(local_day(ready));
    let (wake, sleep) = (midnight + 6 * HOUR + 30 * MINUTE, midnight + 23 * HOUR);
    match ready {
        early if early < wake => wake + dice.between(0, 90 * MINUTE),
        late if late >= sleep => wake + 24 * HOUR + dice.between(0, 90 * MINUTE),
        awake => awake,
    }
}

/// Outlook starts to ask soon after the cutover; a third get a new profile from the help desk.
fn stick(seed: u64, who: u32, person: &mut Person, dice: &mut Dice) {
    let cutover = person.mailbox.cutover().expect("a stuck user is migrated");
    let rescued = dice.chance(0.36);
    person.always_on = rescued || dice.chance(0.2);
    let from = next_on(
        seed,
        who,
        person,
        cutover + dice.between(MINUTE, 12 * MINUTE),
        dice,
    );
    let mut until = NEVER;
    if rescued {
        until = from + dice.between(90 * MINUTE, 14 * HOUR);
        let open = local_midnight(local_day(until)) + 8 * HOUR;
        if until < open {
            until = open + dice.between(0, 2 * HOUR);
        }
    }
    person.struggle = Some(Struggle {
        from,
        until,
        agent: legacy::outlook(dice),
    });
    person.desktop_from = until;
}

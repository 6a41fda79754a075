//! What else is in the stream: scanners and service accounts, a script, applications, managed
//! identities and audit records.
//!
//! Owns: these accounts and their cadence. Must not: attack (see `spray`).

use super::Plan;
use super::calendar::{HOUR, MINUTE, SECOND, is_weekend};
use super::dice::{Dice, Salt};
use super::legacy::BASIC_TO_TOKEN;
use super::moment::{Ending, Moment, Scene, Who};
use super::person::{Mailbox, Person, Role, local_day, local_midnight};
use super::place::Place;
use super::program::Client;
use super::tenant::Tenant;

/// An account that no human uses.
pub(super) struct Service {
    pub who: u32,
    kind: Kind,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sends scans while people are in the office.
    Scanner,
    /// Retries one mail for ever.
    BlockedSender,
    /// Polls a mailbox by IMAP, blocked.
    BlockedReader,
    /// Sends reports round the clock.
    Sender,
    /// A password grant once an hour; asked for a second factor it cannot give, or let through.
    Script,
}

const STAFF: &[(&str, &str, Kind)] = &[
    ("Scanner Berlin 3.OG", "scan-berlin-03", Kind::Scanner),
    ("Scanner München Empfang", "scan-muenchen-01", Kind::Scanner),
    ("Scanner Wien", "scan-wien-01", Kind::Scanner),
    ("Scanner Zürich", "scan-zuerich-02", Kind::Scanner),
    ("Scanner Amsterdam", "scan-amsterdam-01", Kind::Scanner),
    ("Scanner Milano", "scan-milano-01", Kind::Scanner),
    ("Frankiermaschine", "franking", Kind::BlockedSender),
    ("Lagerdrucker Halle 4", "printer-hall4", Kind::BlockedSender),
    ("CRM Postfach", "svc-crm", Kind::BlockedReader),
    ("ERP Reports", "svc-erp-reports", Kind::Sender),
    ("Monitoring", "svc-monitoring", Kind::Sender),
    ("HR Sync", "svc-hr-sync", Kind::Script),
];

/// Adds the service accounts to the directory.
pub(super) fn hire(plan: &Plan, people: &mut Vec<Person>) -> Vec<Service> {
    let mut services = Vec::new();
    for (display, local, kind) in STAFF {
        let who = people.len() as u32;
        let mut dice = Dice::new(plan.seed, Salt::Person, u64::from(who), 0);
        let mut person = Person::new((*display).to_owned(), local, &mut dice, who);
        person.phone = false;
        person.mailbox = Mailbox::Cloud;
        person.role = match kind {
            Kind::BlockedSender | Kind::BlockedReader => Role::BlockedDevice,
            Kind::Scanner | Kind::Sender | Kind::Script => Role::Device,
        };
        let place = Place::office(person.city, u64::from(who));
        people.push(person);
        services.push(Service {
            who,
            kind: *kind,
            place,
        });
    }
    services
}

/// What the service accounts do within an hour.
pub(super) fn services(tenant: &Tenant, hour: i64, out: &mut Vec<Moment>) {
    for service in &tenant.services {
        if service.kind == Kind::Scanner && !office_hours(hour) {
            continue;
        }
        let mut dice = Dice::new(
            tenant.plan.seed,
            Salt::Service,
            u64::from(service.who),
            hour,
        );
        let (client, agent, period) = service.kind.habit();
        let scene = Scene {
            who: Who::Person(service.who),
            client,
            place: service.place,
            agent,
        };
        let mut now = hour + i64::from(service.who % 60) * SECOND;
        while now < hour + HOUR {
            let at = now + dice.between(0, 3 * SECOND);
            let ending = service.kind.ending(&mut dice);
            out.push(scene.moment(at, (ending, false), &mut dice));
            // Machines keep time; people walk to the scanner when they like.
            now += match service.kind {
                Kind::Scanner => dice.between(period / 2, period * 2),
                _ => period,
            };
        }
    }
}

impl Kind {
    /// What it speaks, as what, and how often.
    fn habit(self) -> (Client, &'static str, i64) {
        match self {
            Kind::Scanner => (Client::Smtp, "", 20 * MINUTE),
            Kind::BlockedSender => (Client::Smtp, BASIC_TO_TOKEN, 10 * MINUTE),
            Kind::BlockedReader => (Client::Imap, BASIC_TO_TOKEN, 5 * MINUTE),
            Kind::Sender => (Client::Smtp, BASIC_TO_TOKEN, 15 * MINUTE),
            Kind::Script => (Client::Script, "python-requests/2.31.0", HOUR),
        }
    }

    fn ending(self, dice: &mut Dice) -> Ending {
        match self {
            Kind::BlockedSender | Kind::BlockedReader => Ending::Blocked,
            Kind::Scanner | Kind::Sender => Ending::Success,
            Kind::Script if dice.chance(0.2) => Ending::MfaByPolicy,
            Kind::Script => Ending::Success,
        }
    }
}

fn office_hours(hour: i64) -> bool {
    let day = local_day(hour);
    let since = hour - local_midnight(day);
    !is_weekend(day) && (7 * HOUR..18 * HOUR).contains(&since)
}

/// Sign-ins of a person on a working day to which the rates below belong.
const USUAL: f64 = 23.0;

/// How many of each there are for a thousand people, and how often an hour each appears.
const MACHINES: [(Client, u32, f64); 3] = [
    (Client::ServicePrincipal, 10, 5.0),
    (Client::ManagedIdentity, 5, 2.5),
    (Client::Audit, 2, 2.0),
];

/// Machines and audit records within an hour.
pub(super) fn machines(tenant: &Tenant, hour: i64, out: &mut Vec<Moment>) {
    let thousands = tenant.plan.users.div_ceil(1_000);
    // A tenant whose people sign in less has machines that do less.
    let pace = (tenant.plan.sign_ins_per_user_day / USUAL).min(1.0);
    for (kind, (client, per_thousand, rate)) in MACHINES.iter().enumerate() {
        for number in 0..thousands * per_thousand {
            let stream = ((kind as u64 + 1) << 32) | u64::from(number);
            let mut dice = Dice::new(tenant.plan.seed, Salt::Service, stream, hour);
            let place = Place::office((number % 6) as u8, u64::from(number));
            let scene = Scene {
                who: Who::Machine(number),
                client: *client,
                place,
                agent: "",
            };
            for _ in 0..dice.poisson(*rate * pace) {
                let at = hour + dice.between(0, HOUR);
                // One application in forty has an expired secret.
                let broken = *client == Client::ServicePrincipal && number % 40 == 7;
                let ending = if broken {
                    Ending::WrongSecret
                } else {
                    Ending::Success
                };
                out.push(scene.moment(at, (ending, false), &mut dice));
            }
        }
    }
}

/// Somebody of the IT department uses a device code now and then.
pub(super) fn device_codes(tenant: &Tenant, hour: i64, out: &mut Vec<Moment>) {
    let mut dice = Dice::new(tenant.plan.seed, Salt::Service, u64::MAX, hour);
    if tenant.plan.users == 0 || !office_hours(hour) {
        return;
    }
    for _ in 0..dice.poisson(0.8) {
        let who = dice.below(u64::from(tenant.plan.users)) as u32;
        let person = &tenant.people[who as usize];
        if person.role == Role::Healthy {
            let place = Place::office(person.city, u64::from(who));
            let agent = "python-requests/2.31.0";
            let scene = Scene {
                who: Who::Person(who),
                client: Client::DeviceCode,
                place,
                agent,
            };
            let at = hour + dice.between(0, HOUR);
            out.push(scene.moment(at, (Ending::Success, true), &mut dice));
        }
    }
}

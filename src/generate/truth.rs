//! The truth about a tenant: who is stuck, how, since when, and how every moved mailbox did.
//!
//! Owns: the labels that findings are measured against. They are read off the simulated clients
//! (what they did, and when the help desk came), never off a rule of the detector.

use std::collections::BTreeMap;

use super::moment::{Ending, Moment, Who};
use super::person::{Mailbox, NEVER, Person, Role};
use super::tenant::Tenant;
use super::{legacy, noise, spray};

/// What is true of somebody with whom something is the matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    pub upn: String,
    pub user_id: String,
    pub role: Role,
    /// The name that a finding should give; none for devices that work.
    pub cause: Option<&'static str>,
    pub batch: Option<String>,
    /// Of one's own mailbox; of the opened mailbox, for a delegate.
    pub cutover: Option<i64>,
    /// Whose mailbox a delegate opens.
    pub opens: Option<String>,
    /// Failed or blocked legacy sign-ins.
    pub attempts: u32,
    pub first_attempt: Option<i64>,
    pub last_attempt: Option<i64>,
    /// First modern success of the client that struggled.
    pub recovered_at: Option<i64>,
}

/// What is true of a mailbox that moves.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxTruth {
    pub upn: String,
    pub user_id: String,
    pub batch: String,
    pub cutover: i64,
    pub role: Role,
    /// First modern success of Outlook on the computer, within the plan.
    pub desktop_at: Option<i64>,
    /// First modern success of Outlook on the phone, within the plan.
    pub phone_at: Option<i64>,
}

impl Tenant {
    /// Who is stuck and how, in order of the directory.
    pub fn truth(&self) -> &[Truth] {
        &self.truth
    }

    /// Every mailbox that moves and when its owner's clients were first seen well.
    pub fn mailboxes(&self) -> impl Iterator<Item = MailboxTruth> + '_ {
        let within = |instant: i64| (instant < self.plan.end()).then_some(instant);
        self.people
            .iter()
            .filter_map(move |person| match person.mailbox {
                Mailbox::Moves { batch, cutover } => Some(MailboxTruth {
                    upn: person.upn.clone(),
                    user_id: person.user_id.text(),
                    batch: self.plan.batches[batch as usize].name.clone(),
                    cutover,
                    role: person.role,
                    desktop_at: within(person.desktop_from),
                    phone_at: within(person.phone_from),
                }),
                Mailbox::OnPremises | Mailbox::Cloud => None,
            })
    }
}

/// Watches the struggling clients through the whole plan and writes down what was seen.
pub(super) fn observe(tenant: &Tenant) -> Vec<Truth> {
    let mut moments: Vec<Moment> = Vec::new();
    for hour in tenant.plan.hours() {
        legacy::hour(tenant, hour, &mut moments);
        noise::services(tenant, hour, &mut moments);
        spray::hour(tenant, hour, &mut moments);
    }
    let mut seen: BTreeMap<u32, (u32, i64, i64)> = BTreeMap::new();
    for moment in moments {
        if let Who::Person(who) = moment.who
            && moment.ending != Ending::Success
            && moment.created < tenant.plan.end()
        {
            let (attempts, first, last) = seen.entry(who).or_insert((0, NEVER, i64::MIN));
            *attempts += 1;
            *first = moment.created.min(*first);
            *last = moment.created.max(*last);
        }
    }
    let labelled = |person: &Person| !matches!(person.role, Role::Healthy | Role::Away);
    let people = (0..)
        .zip(&tenant.people)
        .filter(|(_, person)| labelled(person));
    people
        .map(|(who, person)| truth(tenant, person, seen.get(&who).copied()))
        .collect()
}

fn truth(tenant: &Tenant, person: &Person, seen: Option<(u32, i64, i64)>) -> Truth {
    let boss = person.opens.map(|boss| &tenant.people[boss as usize]);
    let mailbox = boss.map_or(person.mailbox, |boss| boss.mailbox);
    let recovered = person.struggle.map(|struggle| struggle.until);
    Truth {
        upn: person.upn.clone(),
        user_id: person.user_id.text(),
        role: person.role,
        cause: person.role.cause(),
        batch: match mailbox {
            Mailbox::Moves { batch, .. } => Some(tenant.plan.batches[batch as usize].name.clone()),
            Mailbox::OnPremises | Mailbox::Cloud => None,
        },
        cutover: mailbox.cutover(),
        opens: boss.map(|boss| boss.upn.clone()),
        attempts: seen.map_or(0, |(attempts, ..)| attempts),
        first_attempt: seen.map(|(_, first, _)| first),
        last_attempt: seen.map(|(.., last)| last),
        recovered_at: recovered.filter(|instant| *instant < tenant.plan.end()),
    }
}

//! A synthetic tenant: sign-in events as Azure Monitor sends them to an Event Hub, with the truth
//! about who is stuck.
//!
//! Owns: the plan of a tenant, its people, their simulated clients, the attacker, and the JSON and
//! CSV that come out. Everything is a function of the plan: same plan, same bytes. What people
//! and programs do is simulated from how they behave; nothing here knows a threshold of the
//! detector. Must not: read a clock, a file or the network, or use anything else of this crate.

mod authentication;
mod calendar;
mod client;
mod device;
mod dice;
mod export;
mod extra_fields;
mod json;
mod legacy;
mod machine_record;
mod moment;
mod names;
mod noise;
mod person;
mod place;
mod policy;
mod program;
mod record;
mod spray;
mod stream;
mod tenant;
mod truth;

#[cfg(test)]
mod tests;

pub use person::Role;
pub use stream::Event;
pub use tenant::{Tenant, tenant};
pub use truth::{MailboxTruth, Truth};

use calendar::{DAY, HOUR, is_weekend, utc};

/// What a tenant is like. Instants are UTC microseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub seed: u64,
    pub users: u32,
    pub start: i64,
    pub days: u32,
    /// On a working day; weekends have about a fifth.
    pub sign_ins_per_user_day: f64,
    /// Least and most Conditional Access policies that an event lists.
    pub policies: (u32, u32),
    /// Mailboxes that move; without any, all are in the cloud already.
    pub batches: Vec<BatchPlan>,
    /// A password spray in the first two nights.
    pub spray: bool,
    /// The full set of keys, so that a record has 4 to 7 KB.
    pub extra_fields: bool,
}

/// A migration batch. Its mailboxes are switched one after the other from `cutover` on.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPlan {
    pub name: String,
    pub cutover: i64,
    pub users: u32,
    /// Share of users whose Outlook does not reconfigure itself and keeps trying.
    pub stuck_share: f64,
    /// Not migrated people whose Outlook also opens a mailbox of this batch.
    pub delegates: u32,
    /// Users with a basic ActiveSync profile on their iPhone.
    pub iphones: u32,
    /// Users whose Outlook is stuck without leaving any event.
    pub silent: u32,
}

impl Plan {
    /// The demo: Thursday noon to Monday noon (UTC), three batches at the weekend.
    pub fn weekend() -> Plan {
        let batch = |name: &str, cutover, users, delegates, iphones| BatchPlan {
            name: name.to_owned(),
            cutover,
            users,
            stuck_share: 0.04,
            delegates,
            iphones,
            silent: 4,
        };
        Plan {
            seed: 20_260_312,
            users: 2_000,
            start: utc(2026, 3, 12, 12),
            days: 4,
            sign_ins_per_user_day: 23.0,
            policies: (2, 5),
            batches: vec![
                batch("Wave 1 - Finance", utc(2026, 3, 13, 16), 260, 2, 4),
                batch("Wave 2 - Sales", utc(2026, 3, 14, 8), 340, 2, 3),
                batch("Wave 3 - Production", utc(2026, 3, 15, 13), 180, 2, 3),
            ],
            spray: true,
            extra_fields: false,
        }
    }

    /// For benches: at least `records` events of about 6.5 KB; take as many as needed.
    pub fn bulk(records: u64) -> Plan {
        const USERS: u32 = 50_000;
        let start = utc(2026, 3, 10, 6);
        let busy = f64::from(USERS) * 30.0;
        let days = 1 + (records as f64 / busy) as u32;
        let first = start / DAY;
        let weights =
            (first..first + i64::from(days)).map(|day| if is_weekend(day) { 0.10 } else { 0.82 });
        // People who are stuck make about three events in a hundred, whatever the size.
        let stuck = (records as f64 * 0.03 / 250.0 / f64::from(days)).clamp(1.0, 100.0);
        let moving = (records / 200).clamp(50, 5_000) as u32;
        let per_user = records as f64 / (f64::from(USERS) * weights.sum::<f64>());
        Plan {
            seed: 6_500,
            users: USERS,
            start,
            days,
            sign_ins_per_user_day: per_user,
            policies: (3, 8),
            batches: vec![BatchPlan {
                name: "Bulk".to_owned(),
                cutover: start + 2 * HOUR,
                users: moving,
                stuck_share: stuck / f64::from(moving),
                delegates: stuck as u32 / 5,
                iphones: stuck as u32 / 5,
                silent: stuck as u32 / 5,
            }],
            spray: false,
            extra_fields: true,
        }
    }

    fn end(&self) -> i64 {
        self.start + i64::from(self.days) * DAY
    }

    /// The starts of the hours of the plan.
    fn hours(&self) -> impl Iterator<Item = i64> + use<> {
        let start = self.start;
        (0..i64::from(self.days) * 24).map(move |hour| start + hour * HOUR)
    }
}

/// One Event Hubs message: `{"records":[…]}`.
pub fn envelope(records: &[Event]) -> Vec<u8> {
    let bytes: usize = records.iter().map(|event| event.json.len() + 1).sum();
    let mut out = Vec::with_capacity(bytes + 16);
    out.extend_from_slice(br#"{"records":["#);
    for (position, event) in records.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(event.json.as_bytes());
    }
    out.extend_from_slice(b"]}");
    out
}

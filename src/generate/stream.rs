//! The events of a tenant in the order in which the stream delivers them.
//!
//! Owns: the order of publishing, batches that are published twice, and the bound on memory: an
//! hour is simulated when it is due, moments wait for their publish time, and text is made only
//! for the event that is handed out.

use std::vec::IntoIter;

use super::calendar::{HOUR, MINUTE, SECOND};
use super::dice::{Dice, Salt};
use super::moment::Moment;
use super::tenant::Tenant;
use super::{client, legacy, noise, record, spray};

/// One record and when it appears in the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// UTC microseconds since 1970.
    pub published: i64,
    /// Compact JSON.
    pub json: String,
}

/// Share of the ten-second batches that are published twice.
const REPUBLISHED: f64 = 0.005;
const BATCH: i64 = 10 * SECOND;

impl Tenant {
    /// All events, in order of publish time. Deterministic: the same each time it is called.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        Events {
            tenant: self,
            next_hour: self.plan.start,
            waiting: Vec::new(),
            ready: Vec::new().into_iter(),
        }
    }
}

struct Events<'a> {
    tenant: &'a Tenant,
    next_hour: i64,
    /// Created, not yet published.
    waiting: Vec<Moment>,
    ready: IntoIter<Moment>,
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(moment) = self.ready.next() {
                let json = record::render(self.tenant, &moment);
                return Some(Event {
                    published: moment.arrives,
                    json,
                });
            }
            if self.next_hour >= self.tenant.plan.end() && self.waiting.is_empty() {
                return None;
            }
            self.advance();
        }
    }
}

impl Events<'_> {
    /// Simulates an hour and releases what is published before the next one: nothing created
    /// later can be published earlier.
    fn advance(&mut self) {
        let horizon = match self.next_hour < self.tenant.plan.end() {
            true => {
                self.simulate();
                self.next_hour += HOUR;
                self.next_hour
            }
            false => i64::MAX,
        };
        self.waiting
            .sort_unstable_by_key(|moment| (moment.arrives, moment.id));
        let due = self
            .waiting
            .partition_point(|moment| moment.arrives < horizon);
        let later = self.waiting.split_off(due);
        self.ready = std::mem::replace(&mut self.waiting, later).into_iter();
    }

    fn simulate(&mut self) {
        let (tenant, hour) = (self.tenant, self.next_hour);
        let mut fresh = Vec::new();
        for who in 0..tenant.plan.users {
            client::hour(tenant, who, hour, &mut fresh);
        }
        legacy::hour(tenant, hour, &mut fresh);
        noise::services(tenant, hour, &mut fresh);
        noise::machines(tenant, hour, &mut fresh);
        noise::device_codes(tenant, hour, &mut fresh);
        spray::hour(tenant, hour, &mut fresh);
        fresh.retain(|moment| moment.created < tenant.plan.end());
        let copies: Vec<Moment> = fresh
            .iter()
            .filter_map(|moment| republished(tenant.plan.seed, moment))
            .collect();
        self.waiting.append(&mut fresh);
        self.waiting.extend(copies);
    }
}

/// A batch whose receipt was lost is sent again as a whole, some minutes later.
fn republished(seed: u64, moment: &Moment) -> Option<Moment> {
    let mut dice = Dice::new(seed, Salt::Republish, 0, moment.published.div_euclid(BATCH));
    dice.chance(REPUBLISHED).then(|| Moment {
        arrives: moment.arrives + dice.between(2 * MINUTE, 30 * MINUTE),
        ..*moment
    })
}

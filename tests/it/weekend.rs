//! A synthetic tenant's migration weekend as messages, and what must become of them.
//!
//! What is expected is counted here by its own means: a record's log and id, read with another
//! parser than the program's.

use std::collections::BTreeSet;

use serde::Deserialize;
use signloop::generate::{BatchPlan, Plan, tenant};

use crate::support::envelope;

/// Records of one message, as Azure Monitor packs them: a few, not always the same number.
const PACKED: [usize; 5] = [9, 1, 14, 6, 11];

/// Messages and the sign-ins in them.
pub struct Weekend {
    /// Messages, in the order of publishing.
    pub messages: Vec<Vec<u8>>,
    /// Ids of the sign-ins; each once, however often it was published.
    pub ids: BTreeSet<String>,
    /// Records of logs that are no sign-ins.
    pub passed_over: usize,
    /// Sign-ins published again.
    pub copies: usize,
    /// Migration facts in the plain form.
    pub moves: String,
}

#[derive(Deserialize)]
struct Head {
    category: String,
    #[serde(default)]
    properties: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Id {
    id: String,
}

/// The id of a generated record, if it is a sign-in.
pub fn sign_in_id(json: &str) -> Option<String> {
    let head: Head = serde_json::from_str(json).expect("generated records are JSON");
    (head.category != "AuditLogs").then_some(head.properties.id)
}

/// The plan of the demo with fewer people; the batches shrink with them.
pub fn plan(users: u32) -> Plan {
    let whole = Plan::weekend();
    let smaller = |number: u32| (number * users).div_ceil(whole.users);
    let batches = whole.batches.iter().map(|batch| BatchPlan {
        users: smaller(batch.users),
        stuck_share: 0.08,
        silent: 1,
        ..batch.clone()
    });
    Plan {
        users,
        policies: (1, 2),
        batches: batches.collect(),
        ..whole.clone()
    }
}

impl Weekend {
    /// The first `sign_ins` sign-ins of a plan, or all there are.
    pub fn new(plan: &Plan, sign_ins: usize) -> Weekend {
        let tenant = tenant(plan);
        let mut weekend = Weekend {
            messages: Vec::new(),
            ids: BTreeSet::new(),
            passed_over: 0,
            copies: 0,
            moves: tenant.migration_csv(),
        };
        let mut packed: Vec<String> = Vec::new();
        for event in tenant.events() {
            weekend.count(&event.json);
            packed.push(event.json);
            if packed.len() == PACKED[weekend.messages.len() % PACKED.len()] {
                weekend.messages.push(envelope(&packed));
                packed.clear();
            }
            if weekend.ids.len() == sign_ins {
                break;
            }
        }
        if !packed.is_empty() {
            weekend.messages.push(envelope(&packed));
        }
        weekend
    }

    fn count(&mut self, json: &str) {
        let Some(id) = sign_in_id(json) else {
            self.passed_over += 1;
            return;
        };
        if !self.ids.insert(id) {
            self.copies += 1;
        }
    }

    /// The messages over this many partitions, without a key as Azure Monitor sends them.
    pub fn over_partitions(&self, partitions: i32) -> Vec<(i32, Vec<u8>)> {
        let partition = (0..partitions).cycle();
        partition.zip(self.messages.iter().cloned()).collect()
    }
}

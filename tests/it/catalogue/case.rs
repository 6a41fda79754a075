//! One input of the catalogue, what must become of it, and what does.

use std::cell::Cell;

use serde_json::{Value, json};
use signloop::domain::classify::{Classifier, Verdict};
use signloop::domain::decode::normalise::{Normalised, SignIn, normalise};
use signloop::domain::decode::oddity::Oddity;
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::signal::Facts;

use crate::support::{TENANT, object_id, upn};

/// 2026-03-13 17:00:00 UTC: when the broker took every message of the table.
pub const ARRIVAL: i64 = 1_773_421_200_000_000;

/// What a piece of an input becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A sign-in, with what was odd about it.
    SignIn(Vec<String>),
    /// A record of a log that is not read.
    PassedOver,
    /// A sign-in that is known; only the lake tells.
    Copy,
    /// Kept with its bytes, and why.
    Reject(String),
}

/// What the catalogue asks for where Signloop does something else.
pub enum Asked {
    Outcome(Outcome),
    /// That this value of the column is not kept in clear.
    Hidden(&'static str, &'static str),
}

impl Asked {
    /// Whether it is done by now.
    pub fn is_met(&self, found: &[Found]) -> bool {
        match self {
            Asked::Outcome(asked) => found.len() == 1 && &found[0].outcome == asked,
            Asked::Hidden(column, value) => found.iter().all(|it| it.column(column) != *value),
        }
    }
}

/// One input and its outcome.
pub struct Case {
    pub row: &'static str,
    /// The input in words.
    pub what: &'static str,
    pub input: Vec<u8>,
    /// Whether it can stand between others in an envelope.
    pub is_record: bool,
    pub outcome: Vec<Outcome>,
    /// Columns of the first sign-in and what they hold.
    pub reads: Vec<(&'static str, String)>,
    /// What becomes of it as a file, where that is not the same, and why.
    pub in_a_file: Option<(Vec<Outcome>, &'static str)>,
    /// Whether as a file it is cut off, which the command tells.
    pub is_damaged: bool,
    /// Why the outcome is what the catalogue means, where names differ.
    pub because: &'static str,
    /// What the catalogue asks for instead, and why it is not done.
    pub deviation: Option<(Asked, &'static str)>,
}

fn case(row: &'static str, what: &'static str, input: impl Into<Vec<u8>>) -> Case {
    Case {
        row,
        what,
        input: input.into(),
        is_record: false,
        outcome: Vec::new(),
        reads: Vec::new(),
        in_a_file: None,
        is_damaged: false,
        because: "",
        deviation: None,
    }
}

/// A whole message.
pub fn message(row: &'static str, what: &'static str, input: impl Into<Vec<u8>>) -> Case {
    case(row, what, input)
}

/// A record, or what stands in the place of one.
pub fn record(row: &'static str, what: &'static str, input: impl Into<Vec<u8>>) -> Case {
    Case {
        is_record: true,
        ..case(row, what, input)
    }
}

/// A good record with a change to the sign-in in it.
pub fn own(row: &'static str, what: &'static str, edit: impl FnOnce(&mut Value)) -> Case {
    record(row, what, edited(|whole| edit(&mut whole["properties"])))
}

/// A good record with a change.
pub fn outer(row: &'static str, what: &'static str, edit: impl FnOnce(&mut Value)) -> Case {
    record(row, what, edited(edit))
}

/// A sign-in with these flags.
pub fn flagged(flags: &[&str]) -> Outcome {
    Outcome::SignIn(flags.iter().map(|flag| (*flag).to_owned()).collect())
}

/// A reject for this reason.
pub fn rejected(reason: &str) -> Outcome {
    Outcome::Reject(reason.to_owned())
}

impl Case {
    pub fn ok(self) -> Case {
        self.flags(&[])
    }

    pub fn flags(mut self, flags: &[&str]) -> Case {
        self.outcome.push(flagged(flags));
        self
    }

    pub fn rejects(mut self, reason: &str) -> Case {
        self.outcome.push(rejected(reason));
        self
    }

    pub fn passes_over(mut self) -> Case {
        self.outcome.push(Outcome::PassedOver);
        self
    }

    pub fn reads(mut self, column: &'static str, value: impl Into<String>) -> Case {
        self.reads.push((column, value.into()));
        self
    }

    pub fn because(mut self, why: &'static str) -> Case {
        self.because = why;
        self
    }

    pub fn in_file(mut self, outcome: Vec<Outcome>, why: &'static str) -> Case {
        self.in_a_file = Some((outcome, why));
        self
    }

    /// A file that is told to be damaged, and why it gives nothing.
    pub fn damaged(mut self, why: &'static str) -> Case {
        self.is_damaged = true;
        self.in_file(vec![], why)
    }

    pub fn deviates(mut self, asked: Outcome, why: &'static str) -> Case {
        self.deviation = Some((Asked::Outcome(asked), why));
        self
    }

    pub fn leaves_in_clear(mut self, column: &'static str, value: &'static str) -> Case {
        let why = "the log that is read holds it in clear too, and it cannot be told from a name";
        self.deviation = Some((Asked::Hidden(column, value), why));
        self
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.row, self.what)
    }
}

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// A number that no other record of this thread has.
fn number() -> u32 {
    NUMBER.set(NUMBER.get() + 1);
    NUMBER.get()
}

/// A good record that is like no other.
pub fn good() -> String {
    edited(|_| ())
}

/// The same with a change.
pub fn edited(edit: impl FnOnce(&mut Value)) -> String {
    let mut record = json!({
        "time": "2026-03-13T16:01:00Z",
        "category": "SignInLogs",
        "tenantId": TENANT,
        "resultType": "50126",
        "properties": {
            "id": format!("ca7a0000-0000-4000-8000-{:012x}", number()),
            "createdDateTime": "2026-03-13T16:00:00.1234567Z",
            "userId": object_id(7),
            "userPrincipalName": upn(7),
            "clientAppUsed": "IMAP4",
            "ipAddress": "203.0.113.7",
            "userAgent": "Mail",
            "status": {"errorCode": 50126},
        }
    });
    edit(&mut record);
    record.to_string()
}

/// A good record with a piece of its text replaced.
pub fn respelt(from: &str, to: &str) -> String {
    let text = good();
    assert!(text.contains(from), "{from:?} in {text}");
    text.replacen(from, to, 1)
}

/// What became of one piece.
#[derive(Debug)]
pub struct Found {
    pub outcome: Outcome,
    pub raw: Vec<u8>,
    columns: Vec<(&'static str, String)>,
}

impl Found {
    pub fn column(&self, name: &str) -> &str {
        let found = self.columns.iter().find(|(column, _)| *column == name);
        &found.unwrap_or_else(|| panic!("no column {name}")).1
    }
}

/// Every piece of a message, read as the workers do it.
pub fn take_apart(message: &[u8]) -> Vec<Found> {
    let mut classifier = Classifier::new(Knowledge::builtin());
    let mut found = Vec::new();
    Decoder::default().decode(message, &mut |piece| {
        found.push(match piece {
            Piece::Record { record, raw, .. } => match normalise(record, Some(ARRIVAL)) {
                Normalised::SignIn(sign_in) => {
                    let verdict = classifier.classify(&sign_in);
                    Found {
                        outcome: Outcome::SignIn(flags(&sign_in, &verdict)),
                        raw: raw.to_vec(),
                        columns: columns(&sign_in, &verdict),
                    }
                }
                Normalised::PassedOver(_) => bare(Outcome::PassedOver, raw),
                Normalised::Reject(reason, _) => bare(rejected(reason.name()), raw),
            },
            Piece::Reject(reject) => bare(rejected(reject.reason.name()), reject.raw),
        });
    });
    found
}

fn bare(outcome: Outcome, raw: &[u8]) -> Found {
    Found {
        outcome,
        raw: raw.to_vec(),
        columns: Vec::new(),
    }
}

fn flags(sign_in: &SignIn, verdict: &Verdict) -> Vec<String> {
    let mut oddities = sign_in.oddities;
    oddities.note_if(verdict.unknown_client_app, Oddity::UnknownClientApp);
    oddities.note_if(verdict.unknown_error_code, Oddity::UnknownErrorCode);
    oddities.iter().map(|it| it.name().to_owned()).collect()
}

fn columns(sign_in: &SignIn, verdict: &Verdict) -> Vec<(&'static str, String)> {
    let own = &sign_in.record.sign_in;
    let event_time = jiff::Timestamp::from_microsecond(sign_in.event_time).unwrap();
    let code = sign_in.error_code.map(|code| code.to_string());
    let interactive = sign_in.is_interactive.map(|it| it.to_string());
    let signal = Facts::of(sign_in, verdict).signal(Knowledge::builtin());
    let person = signal.map(|signal| format!("{:x}", signal.user.user));
    let compliant = own.device.is_compliant.0.map(|it| it.to_string());
    vec![
        ("id", sign_in.id.to_owned()),
        ("tenant_id", sign_in.tenant_id.to_owned()),
        ("event_time", event_time.to_string()),
        ("error_code", code.unwrap_or_default()),
        ("is_interactive", interactive.unwrap_or_default()),
        ("is_compliant", compliant.unwrap_or_default()),
        ("ip_address", sign_in.ip_address.to_owned()),
        ("category", sign_in.category.name().to_owned()),
        ("person", person.unwrap_or_default()),
        ("user_id", own.user_id.as_str().to_owned()),
        (
            "user_principal_name",
            own.user_principal_name.as_str().to_owned(),
        ),
        ("user_agent", own.user_agent.as_str().to_owned()),
        (
            "upn_bytes",
            own.user_principal_name.as_str().len().to_string(),
        ),
        ("agent_bytes", own.user_agent.as_str().len().to_string()),
        ("app_bytes", own.app_id.as_str().len().to_string()),
        ("policies", sign_in.policies().len().to_string()),
        ("city", own.location.city.as_str().to_owned()),
        ("auth_class", verdict.auth_class.name().to_owned()),
        ("protocol", verdict.protocol.name().to_owned()),
        ("outcome", verdict.outcome.name().to_owned()),
    ]
}

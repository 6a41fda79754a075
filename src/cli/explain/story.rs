//! What became of a record, and the rules that led there; for the renderers.
//!
//! Decides nothing: decoding, classification and signal are those of the pipeline, with a trace.

use crate::domain::classify::trace::{Part, Step, Steps};
use crate::domain::classify::{Classifier, Verdict, is_failing};
use crate::domain::decode::normalise::{Normalised, SignIn, normalise};
use crate::domain::decode::oddity::Oddity;
use crate::domain::decode::wire::Policy;
use crate::domain::decode::{Decoder, Piece, Reject, RejectReason};
use crate::domain::knowledge::Knowledge;
use crate::domain::sign_in::{BlockReason, Channel, Outcome};
use crate::domain::signal::Facts;
use crate::source::Form;

/// Bytes of a reject that are kept to be shown.
const RAW_BYTES_MAX: usize = 4096;

/// Where a record came from.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Table of the lake, if it was read from one.
    pub(super) table: Option<&'static str>,
    /// Topic or file.
    pub(super) stream: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) index: i32,
}

/// A record and what became of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) place: Place,
    pub(super) became: Became,
}

/// What became of a record.
#[derive(Debug)]
pub(super) enum Became {
    SignIn(Box<Story>),
    /// A record of another log, by its category.
    PassedOver(String),
    Reject {
        reason: RejectReason,
        detail: String,
        /// The first of its bytes.
        raw: Vec<u8>,
        /// How many there are.
        bytes: usize,
    },
}

/// A sign-in and how its verdict was reached.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) tenant_id: String,
    pub(super) id: String,
    pub(super) event_time: i64,
    pub(super) user_id: String,
    pub(super) user_principal_name: String,
    pub(super) verdict: Verdict,
    pub(super) steps: Steps,
    pub(super) policies: Vec<PolicySeen>,
    /// What was odd about it: the column `flags`.
    pub(super) flags: Vec<&'static str>,
    /// What the lake holds about it, if it was read from there.
    pub(super) stored: Option<Stored>,
}

/// A policy of the record and whether it blocked.
#[derive(Debug)]
pub(super) struct PolicySeen {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) result: String,
    pub(super) grant_controls: Vec<String>,
    pub(super) conditions_satisfied: Option<String>,
    pub(super) conditions_not_satisfied: Option<String>,
    pub(super) blocked: bool,
    /// Why, if the rules had to ask.
    pub(super) reason: Option<&'static str>,
}

/// What the lake holds beside the record.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) from: Source,
    /// Rules and tables by which the stored verdict was reached.
    pub(super) taxonomy_version: i64,
    /// Columns that the rules of today would fill differently: name, stored, today.
    pub(super) differs: Vec<(&'static str, String, String)>,
}

/// What a record of the lake was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// As it came.
    Raw,
    /// Put together again, for it was not kept.
    Columns,
    /// The same, for what was kept is no sign-in by itself: a row of a table says nothing without its
    /// header.
    ColumnsInstead,
}

impl Story {
    /// The columns of the verdict with their values; an empty one is null in the lake.
    pub(super) fn columns(&self) -> [(&'static str, &'static str); 9] {
        let verdict = &self.verdict;
        [
            ("auth_class", verdict.auth_class.name()),
            ("auth_class_reason", verdict.auth_class_reason),
            ("protocol", verdict.protocol.name()),
            ("client_family", verdict.client_family),
            ("outcome", verdict.outcome.name()),
            (
                "block_reason",
                verdict.block_reason.map_or("", BlockReason::name),
            ),
            ("failure_class", verdict.failure_class.unwrap_or("")),
            ("password_verified", verdict.password_verified.name()),
            ("channel", verdict.channel.map_or("", Channel::name)),
        ]
    }

    /// What was decided about a part, if it had to be decided.
    pub(super) fn decided(&self, part: Part) -> Option<&Step> {
        let last = self.steps.decisions().filter_map(<[Step]>::last);
        let mut of_part = last.filter(|step| step.part == part);
        of_part.next()
    }
}

/// Explains records; the same parts as a worker of the pipeline.
pub(super) struct Explainer {
    decoder: Decoder,
    classifier: Classifier,
    knowledge: &'static Knowledge,
}

impl Explainer {
    pub(super) fn new() -> Explainer {
        let knowledge = Knowledge::builtin();
        Explainer {
            decoder: Decoder::default(),
            classifier: Classifier::new(knowledge),
            knowledge,
        }
    }

    /// Explains every record of a message; `place` is that of its first.
    pub(super) fn message(
        &mut self,
        message: &[u8],
        form: &Form,
        mut place: Place,
        each: &mut impl FnMut(Told),
    ) {
        let Explainer {
            decoder,
            classifier,
            knowledge,
        } = self;
        let mut take = |piece: Piece| {
            each(Told {
                place: place.clone(),
                became: became(&piece, classifier, knowledge),
            });
            place.index += 1;
        };
        match form {
            Form::Json => decoder.decode(message, &mut take),
            Form::Row(header) => decoder.table_row(header, message, &mut take),
        }
    }
}

fn became(piece: &Piece, classifier: &mut Classifier, knowledge: &'static Knowledge) -> Became {
    let (record, raw) = match piece {
        Piece::Record { record, raw, .. } => (record, *raw),
        Piece::Reject(Reject {
            reason,
            detail,
            raw,
            ..
        }) => return reject(*reason, detail.clone(), raw),
    };
    match normalise(record, None) {
        Normalised::SignIn(sign_in) => {
            Became::SignIn(Box::new(story(&sign_in, classifier, knowledge)))
        }
        Normalised::PassedOver(category) => Became::PassedOver(category.to_owned()),
        Normalised::Reject(reason, detail) => reject(reason, detail, raw),
    }
}

fn reject(reason: RejectReason, detail: String, raw: &[u8]) -> Became {
    Became::Reject {
        reason,
        detail,
        raw: raw[..raw.len().min(RAW_BYTES_MAX)].to_vec(),
        bytes: raw.len(),
    }
}

fn story(sign_in: &SignIn, classifier: &mut Classifier, knowledge: &'static Knowledge) -> Story {
    let mut steps = Steps::default();
    let verdict = classifier.classify_traced(sign_in, &mut steps);
    // What it means to the detector is told by the steps; the signal itself has no further use.
    let _ = Facts::of(sign_in, &verdict).signal_traced(knowledge, &mut steps);
    let fields = &sign_in.record.sign_in;
    Story {
        tenant_id: sign_in.tenant_id.to_owned(),
        id: sign_in.id.to_owned(),
        event_time: sign_in.event_time,
        user_id: fields.user_id.as_str().to_owned(),
        user_principal_name: fields.user_principal_name.as_str().to_owned(),
        policies: policies(sign_in, &verdict, &steps),
        flags: verdict.oddities(sign_in).iter().map(Oddity::name).collect(),
        verdict,
        steps,
        stored: None,
    }
}

/// The rules went through the failing policies in the order of the record.
fn policies(sign_in: &SignIn, verdict: &Verdict, steps: &Steps) -> Vec<PolicySeen> {
    let last = steps.decisions().filter_map(<[Step]>::last);
    let mut reasons = last.filter(|step| step.part == Part::Policy);
    let seen = |policy: &Policy| {
        let blocked = verdict.outcome == Outcome::Blocked && is_failing(policy);
        let names = |names: Option<std::borrow::Cow<str>>| names.map(|names| names.into_owned());
        PolicySeen {
            id: policy.id.as_str().to_owned(),
            name: policy.name.as_str().to_owned(),
            result: policy.result.as_str().to_owned(),
            grant_controls: policy.grant_controls.iter().map(str::to_owned).collect(),
            conditions_satisfied: names(policy.conditions_satisfied.names()),
            conditions_not_satisfied: names(policy.conditions_not_satisfied.names()),
            blocked,
            reason: if blocked {
                reasons.next().and_then(|step| step.decided)
            } else {
                None
            },
        }
    };
    sign_in.policies().iter().map(seen).collect()
}

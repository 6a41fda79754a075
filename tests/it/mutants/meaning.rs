//! What a message means: each of its pieces as the columns of the row that it becomes.

use signloop::domain::classify::Classifier;
use signloop::domain::decode::normalise::{Normalised, SignIn, normalise};
use signloop::domain::decode::wire::Policy;
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::knowledge::Knowledge;
use signloop::lake::columns::Cell;
use signloop::lake::sign_ins::{SIGN_INS, SignInRow};
use signloop::source::Origin;

/// Columns that tell of bytes, form or place and not of meaning.
const FORM: [&str; 7] = [
    "flags",
    "content_hash",
    "origin_stream",
    "origin_partition",
    "origin_offset",
    "origin_index",
    "raw",
];

/// A piece of a message: what became of it, and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub raw: Vec<u8>,
    pub became: Became,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Became {
    SignIn {
        /// Empty when the record has none.
        id: String,
        /// Column and value, but for those of its form.
        columns: Vec<(&'static str, String)>,
        flags: Vec<&'static str>,
    },
    PassedOver,
    /// By its reason.
    Reject(&'static str),
}

impl Became {
    /// What it became in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Became::SignIn { .. } => "sign_in",
            Became::PassedOver => "passed_over",
            Became::Reject(reason) => reason,
        }
    }
}

/// Reads messages as a worker does.
pub struct Reader {
    decoder: Decoder,
    classifier: Classifier,
}

impl Reader {
    pub fn new() -> Reader {
        Reader {
            decoder: Decoder::default(),
            classifier: Classifier::new(Knowledge::builtin()),
        }
    }

    /// The pieces of a message in order.
    pub fn read(&mut self, message: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        let classifier = &mut self.classifier;
        self.decoder.decode(message, &mut |piece| {
            found.push(match piece {
                Piece::Record { record, raw, .. } => Found {
                    raw: raw.to_vec(),
                    became: match normalise(record, None) {
                        Normalised::SignIn(sign_in) => became(&sign_in, classifier),
                        Normalised::PassedOver(_) => Became::PassedOver,
                        Normalised::Reject(reason, _) => Became::Reject(reason.name()),
                    },
                },
                Piece::Reject(reject) => Found {
                    raw: reject.raw.to_vec(),
                    became: Became::Reject(reject.reason.name()),
                },
            });
        });
        found
    }
}

fn became(sign_in: &SignIn, classifier: &mut Classifier) -> Became {
    let verdict = classifier.classify(sign_in);
    let row = SignInRow {
        sign_in,
        verdict: &verdict,
        oddities: sign_in.oddities,
        id: sign_in.id,
        origin: Origin {
            stream: "",
            partition: 0,
            offset: 0,
            index: 0,
        },
        content_hash: 0,
        raw: "",
    };
    let columns = SIGN_INS
        .iter()
        .filter(|column| !FORM.contains(&column.name));
    let columns = columns.map(|column| {
        let value = match &column.cell {
            Cell::Text(text) => text(&row).to_owned(),
            Cell::Made(text) => format!("{:?}", text(&row)),
            Cell::Time(value) | Cell::Long(value) => format!("{:?}", value(&row)),
            Cell::Int(value) => format!("{:?}", value(&row)),
            Cell::Real(value) => format!("{:?}", value(&row)),
            Cell::Bool(value) => format!("{:?}", value(&row)),
            Cell::Bytes(bytes) => format!("{:?}", bytes(&row)),
            Cell::Texts(collect) => {
                let mut texts = Vec::new();
                collect(&row, &mut |text| texts.push(text.to_owned()));
                format!("{texts:?}")
            }
            Cell::Policies(policies) => policies(&row).iter().map(policy).collect(),
        };
        (column.name, value)
    });
    Became::SignIn {
        id: sign_in.id.to_owned(),
        columns: columns.collect(),
        flags: sign_in
            .oddities
            .iter()
            .map(|oddity| oddity.name())
            .collect(),
    }
}

fn policy(policy: &Policy) -> String {
    let texts = [&policy.id, &policy.name, &policy.result].map(|text| text.as_str());
    let controls: Vec<&str> = policy.grant_controls.iter().collect();
    let met = policy.conditions_satisfied.names();
    let not_met = policy.conditions_not_satisfied.names();
    format!("{texts:?} {controls:?} {met:?} {not_met:?}; ")
}

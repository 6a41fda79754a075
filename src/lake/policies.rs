//! The column `policies`: one list a row, of policies that are nearly always the same few.
//!
//! Each different policy is taken apart once in a row group; a row is the numbers of its policies.

use std::array::from_fn;
use std::borrow::Cow;
use std::ops::Range;

use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::pages::{Closed, Content, Dictionary, Encoder, Pages, is_page};
use crate::domain::decode::wire::Policy;

/// Fields of a policy, as `policy_fields` declares them.
const FIELDS: usize = 6;
/// The field that holds several texts.
const CONTROLS: usize = 3;

/// How much of the path to a value is there.
mod definition {
    pub const NO_POLICIES: u8 = 0;
    pub const NO_TEXT: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const NO_CONTROLS: u8 = 3;
    pub const CONTROL: u8 = 5;
}

/// At which list a value goes on.
mod repetition {
    pub const ROW: u8 = 0;
    pub const POLICY: u8 = 1;
    pub const CONTROL: u8 = 2;
}

/// The policies of a row group on their way into pages.
pub struct PolicyColumn {
    /// Every different policy, its texts one behind the other.
    known: Dictionary,
    policies: Vec<Known>,
    /// Numbers of the controls, policy by policy.
    controls: Vec<u32>,
    /// Texts and pages of each field.
    fields: Vec<Pages>,
    waiting: Waiting,
    key: Vec<u8>,
}

/// What a different policy consists of.
struct Known {
    /// Number of each field's text.
    texts: [Option<u32>; FIELDS],
    controls: Range<usize>,
}

/// Rows since the last page.
#[derive(Default)]
struct Waiting {
    /// How many policies each row has.
    counts: Vec<u32>,
    /// Their numbers, row by row.
    policies: Vec<u32>,
    /// Places that they take in the largest of the pages.
    places: usize,
}

impl Waiting {
    /// Numbers of each row's policies.
    fn rows(&self) -> impl Iterator<Item = &[u32]> {
        let mut rest = self.policies.as_slice();
        self.counts.iter().map(move |count| {
            let (row, behind) = rest.split_at(*count as usize);
            rest = behind;
            row
        })
    }
}

impl PolicyColumn {
    /// No row yet; `columns` are the leaves of the column in the file's schema.
    ///
    /// # Panics
    /// If the column is declared otherwise than its levels are written here.
    #[must_use]
    pub fn new(columns: Vec<ColumnDescPtr>) -> PolicyColumn {
        let levels = columns.iter().map(|column| column.max_def_level());
        assert!(levels.eq([3, 3, 3, 5, 3, 3]), "the levels of {columns:?}");
        PolicyColumn {
            known: Dictionary::default(),
            policies: Vec::new(),
            controls: Vec::new(),
            fields: columns.into_iter().map(Pages::new).collect(),
            waiting: Waiting::default(),
            key: Vec::new(),
        }
    }

    /// Appends the policies of a row.
    pub fn append(&mut self, policies: &[Policy]) {
        for policy in policies {
            let number = self.number_of(policy);
            self.waiting.policies.push(number);
            self.waiting.places += self.policies[number as usize].controls.len().max(1);
        }
        self.waiting.counts.push(policies.len() as u32);
    }

    /// Bytes that are kept for the row group.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(Pages::bytes).sum::<usize>();
        let numbers = self.waiting.policies.len() + self.controls.len();
        let known = self.known.bytes() + self.policies.len() * size_of::<Known>();
        known + numbers * size_of::<u32>() + fields
    }

    /// Writes a page when there is enough for one.
    pub fn hand_over(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        if is_page(self.waiting.counts.len(), self.waiting.places) {
            self.write_page(encoder)?;
        }
        Ok(())
    }

    /// The leaves of the row group.
    pub fn close(mut self, encoder: &mut Encoder) -> Result<Vec<Closed>, ParquetError> {
        self.write_page(encoder)?;
        let fields = self.fields.into_iter();
        fields.map(|field| field.close(encoder)).collect()
    }

    fn number_of(&mut self, policy: &Policy) -> u32 {
        let texts = texts_of(policy);
        self.key.clear();
        for text in &texts {
            put_key(text.as_deref(), &mut self.key);
        }
        for control in policy.grant_controls.iter() {
            put_key(Some(control), &mut self.key);
        }
        let number = self.known.number_of(&self.key);
        if number as usize == self.policies.len() {
            self.learn(&texts, policy);
        }
        number
    }

    #[cold]
    fn learn(&mut self, texts: &[Option<Cow<str>>; FIELDS], policy: &Policy) {
        let begin = self.controls.len();
        for control in policy.grant_controls.iter() {
            let number = self.fields[CONTROLS].number_of(control);
            self.controls.push(number);
        }
        let number = |field: usize| {
            let text = texts[field].as_deref()?;
            Some(self.fields[field].number_of(text))
        };
        self.policies.push(Known {
            texts: from_fn(number),
            controls: begin..self.controls.len(),
        });
    }

    fn write_page(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        for field in 0..FIELDS {
            let content = encoder.next_page(self.waiting.counts.len());
            if field == CONTROLS {
                self.fill_controls(content);
            } else {
                self.fill_texts(field, content);
            }
            self.fields[field].add(encoder)?;
        }
        self.waiting.counts.clear();
        self.waiting.policies.clear();
        self.waiting.places = 0;
        Ok(())
    }

    fn fill_texts(&self, field: usize, content: &mut Content) {
        for row in self.waiting.rows() {
            if row.is_empty() {
                content.absent(repetition::ROW, definition::NO_POLICIES);
            }
            let mut goes_on = repetition::ROW;
            for policy in row {
                match self.policies[*policy as usize].texts[field] {
                    Some(text) => content.text(goes_on, definition::TEXT, text),
                    None => content.absent(goes_on, definition::NO_TEXT),
                }
                goes_on = repetition::POLICY;
            }
        }
    }

    fn fill_controls(&self, content: &mut Content) {
        for row in self.waiting.rows() {
            if row.is_empty() {
                content.absent(repetition::ROW, definition::NO_POLICIES);
            }
            let mut goes_on = repetition::ROW;
            for policy in row {
                let controls = self.policies[*policy as usize].controls.clone();
                if controls.is_empty() {
                    content.absent(goes_on, definition::NO_CONTROLS);
                }
                for control in &self.controls[controls] {
                    content.text(goes_on, definition::CONTROL, *control);
                    goes_on = repetition::CONTROL;
                }
                goes_on = repetition::POLICY;
            }
        }
    }
}

/// The fields of a policy that are one text. An empty text of an id, a name or a result is absent.
fn texts_of<'p>(policy: &'p Policy) -> [Option<Cow<'p, str>>; FIELDS] {
    let text = |text: &'p str| (!text.is_empty()).then_some(Cow::Borrowed(text));
    [
        text(policy.id.as_str()),
        text(policy.name.as_str()),
        text(policy.result.as_str()),
        None,
        policy.conditions_satisfied.names(),
        policy.conditions_not_satisfied.names(),
    ]
}

/// A text behind its length, so that no two policies have the same key.
fn put_key(text: Option<&str>, key: &mut Vec<u8>) {
    let length = text.map_or(u32::MAX, |text| text.len() as u32);
    key.extend_from_slice(&length.to_le_bytes());
    key.extend_from_slice(text.unwrap_or_default().as_bytes());
}

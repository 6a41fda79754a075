//! One record: the sign-in's own fields and the diagnostic ones around it, told apart by their keys.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::oddity::Oddities;
use super::scan::{Cursor, Field, Keys, Scan as _};
use super::wire::{Envelope, EnvelopeField, Key, Properties, PropertiesField};

/// One record as it came, before any judgement.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Record<'a> {
    /// The diagnostic fields around the sign-in; empty for Graph objects.
    pub envelope: Envelope<'a>,
    /// The sign-in: from `properties`, or from the top level of a Graph object.
    pub sign_in: Properties<'a>,
    /// Whether `properties` was there.
    pub has_properties: bool,
    /// What was odd about its form.
    pub oddities: Oddities,
}

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = Record::default();
        while let Some(key) = map.next_key::<Key>()? {
            record.read_value(&key.0, &mut map)?;
        }
        Ok(record)
    }
}

/// What the keys at the top of a record stand for.
#[derive(Debug, Clone, Copy)]
pub(super) enum RecordField {
    Properties,
    Envelope(EnvelopeField),
    SignIn(PropertiesField),
    /// `records` or `value`: with a list it may be a page.
    List,
}

impl Field for RecordField {
    fn place(self) -> u32 {
        // The envelope has 12 fields, the sign-in 29.
        match self {
            RecordField::Properties => 0,
            RecordField::Envelope(field) => 1 + field.place(),
            RecordField::SignIn(field) => 16 + field.place(),
            RecordField::List => 63,
        }
    }
}

impl RecordField {
    /// The envelope's keys count before the sign-in's own, as in [`Record::read_value`].
    pub(super) fn keys() -> Keys<RecordField> {
        let envelope = EnvelopeField::KEYS.iter();
        let envelope = envelope.map(|(key, field)| (*key, RecordField::Envelope(*field)));
        let own = PropertiesField::KEYS.iter();
        let own = own.map(|(key, field)| (*key, RecordField::SignIn(*field)));
        let properties = [("properties", RecordField::Properties)];
        let lists = ["records", "value"].map(|key| (key, RecordField::List));
        Keys::new(
            properties
                .into_iter()
                .chain(envelope)
                .chain(own)
                .chain(lists),
        )
    }
}

impl<'a> Record<'a> {
    /// The same as [`Record::read_value`], quickly.
    #[inline]
    pub(super) fn scan_value(
        &mut self,
        field: RecordField,
        cursor: &mut Cursor<'a, '_>,
    ) -> Option<()> {
        match field {
            RecordField::Properties => {
                self.has_properties = cursor.peek()? != b'n';
                self.sign_in.scan(cursor)
            }
            RecordField::Envelope(field) => self.envelope.scan_field(field, cursor),
            RecordField::SignIn(field) if !self.has_properties => {
                self.sign_in.scan_field(field, cursor)
            }
            RecordField::SignIn(_) => cursor.skip(),
            RecordField::List if cursor.peek()? == b'[' => None,
            RecordField::List => cursor.skip(),
        }
    }

    fn read_value<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key == "properties" {
            self.sign_in = map.next_value()?;
            self.has_properties = true;
            return Ok(());
        }
        if self.envelope.field(key, map)? {
            return Ok(());
        }
        // A diagnostic record never carries the sign-in's own keys at the top.
        if !self.has_properties && self.sign_in.field(key, map)? {
            return Ok(());
        }
        map.next_value::<IgnoredAny>().map(|_| ())
    }
}

//! Any JSON as a tree, within limits.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::{Oddities, Oddity};
use crate::domain::decode::scan::{DEPTH_MAX, KEYS_MAX};

/// Of a key that says who or which, the first counts when it stands there twice: what is added behind
/// must not take another's place.
const IDENTITY: [&str; 5] = [
    "id",
    "userId",
    "userPrincipalName",
    "tenantId",
    "createdDateTime",
];

/// Reads JSON.
///
/// # Errors
/// The reason and what exactly, if it is none or exceeds a limit.
pub(super) fn tree(text: &str, oddities: &mut Oddities) -> Result<Value, (RejectReason, String)> {
    let seen = Seen {
        oddities: Cell::new(*oddities),
        limit: Cell::new(None),
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node {
        seen: &seen,
        depth: 0,
    }
    .deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    *oddities = seen.oddities.get();
    value.map_err(|error| {
        (
            seen.limit.get().unwrap_or(RejectReason::InvalidJson),
            error.to_string(),
        )
    })
}

struct Seen {
    oddities: Cell<Oddities>,
    limit: Cell<Option<RejectReason>>,
}

impl Seen {
    fn over<E: Error>(&self, reason: RejectReason, what: String) -> E {
        self.limit.set(Some(reason));
        E::custom(what)
    }
}

#[derive(Clone, Copy)]
struct Node<'s> {
    seen: &'s Seen,
    depth: u32,
}

impl Node<'_> {
    fn below<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            let what = format!("nested more than {DEPTH_MAX} deep");
            return Err(self.seen.over(RejectReason::TooDeep, what));
        }
        Ok(Node {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let (mut map, mut keys) = (Map::new(), 0);
        while let Some(key) = members.next_key::<String>()? {
            keys += 1;
            if keys > KEYS_MAX {
                let what = format!("an object of more than {KEYS_MAX} keys");
                return Err(self.seen.over(RejectReason::TooManyKeys, what));
            }
            let value = members.next_value_seed(below)?;
            if !map.contains_key(&key) {
                map.insert(key, value);
                continue;
            }
            self.seen
                .oddities
                .set(self.seen.oddities.get().with(Oddity::DupKey));
            if !IDENTITY.contains(&key.as_str()) {
                map.insert(key, value);
            }
        }
        Ok(Value::Object(map))
    }
}

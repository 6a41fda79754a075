//! The conditions of a policy that a sign-in met: a bit mask in Event Hubs, names in Graph.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::values::Text;

/// Names by bit, lowest first (Microsoft Graph, `conditionalAccessConditions`; the first five bits
/// were verified on real events, the order of the others follows the enumeration).
const NAMES: [&str; 12] = [
    "application",
    "users",
    "devicePlatform",
    "location",
    "clientType",
    "signInRisk",
    "userRisk",
    "time",
    "deviceState",
    "client",
    "ipAddressSeenByAzureAD",
    "ipAddressSeenByResourceProvider",
];

/// Bit of the condition on the device's platform.
pub const PLATFORM: u32 = 4;
/// Bit of the condition on the place.
pub const LOCATION: u32 = 8;
/// Bit of the condition on the client's type.
pub const CLIENT_TYPE: u32 = 16;
/// Bits of the conditions on sign-in and user risk.
pub const RISK: u32 = 32 | 64;
/// Bit of the condition on the device's state.
pub const DEVICE_STATE: u32 = 256;

/// What was met, as it was written.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum Conditions<'a> {
    /// Not in the record.
    #[default]
    Absent,
    /// Event Hubs: one bit a condition.
    Mask(u32),
    /// Graph: names, comma-separated.
    Names(Text<'a>),
}

impl<'a> Conditions<'a> {
    /// What a text says: a mask in digits, or names.
    pub(super) fn of_text(text: Text<'a>) -> Conditions<'a> {
        match text.as_str().parse() {
            Ok(mask) => Conditions::Mask(mask),
            Err(_) => Conditions::Names(text),
        }
    }

    /// What a list of names says.
    pub(super) fn of_names<'n>(names: impl Iterator<Item = &'n str>) -> Conditions<'a> {
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Conditions::Absent;
        }
        Conditions::of_text(Text(Cow::Owned(names.join(","))))
    }

    /// The conditions as bits; names nobody knows add none.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self {
            Conditions::Absent => 0,
            Conditions::Mask(mask) => *mask,
            Conditions::Names(names) => names
                .as_str()
                .split(',')
                .map(bit_of)
                .fold(0, |bits, bit| bits | bit),
        }
    }

    /// The conditions as comma-separated names, `None` when absent.
    #[must_use]
    pub fn names(&self) -> Option<Cow<'_, str>> {
        match self {
            Conditions::Absent => None,
            Conditions::Mask(mask) => Some(match usual_names().get(*mask as usize) {
                Some(names) => Cow::Borrowed(names),
                None => Cow::Owned(mask_names(*mask)),
            }),
            Conditions::Names(names) => Some(Cow::Borrowed(names.as_str())),
        }
    }
}

/// Names of every mask of the first nine bits, so that they need not be put together for each policy.
fn usual_names() -> &'static [String] {
    static USUAL: LazyLock<Vec<String>> = LazyLock::new(|| (0..512).map(mask_names).collect());
    &USUAL
}

fn bit_of(name: &str) -> u32 {
    NAMES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name.trim()))
        .map_or(0, |at| 1 << at)
}

fn mask_names(mask: u32) -> String {
    if mask == 0 {
        return "none".to_owned();
    }
    let known = NAMES
        .iter()
        .enumerate()
        .filter(|(at, _)| mask & (1 << at) != 0);
    let mut names = known.map(|(_, name)| *name).collect::<Vec<_>>().join(",");
    let unknown = mask >> NAMES.len() << NAMES.len();
    if unknown != 0 {
        if !names.is_empty() {
            names.push(',');
        }
        names.push_str(&format!("bits:{unknown}"));
    }
    names
}

impl<'de> Deserialize<'de> for Conditions<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConditionsVisitor)
    }
}

struct ConditionsVisitor;

impl<'de> Visitor<'de> for ConditionsVisitor {
    type Value = Conditions<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a bit mask or names")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Conditions::of_text(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Conditions::of_text(Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(u32::try_from(value).map_or(Conditions::Absent, Conditions::Mask))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u32::try_from(value).map_or(Conditions::Absent, Conditions::Mask))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Conditions::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Conditions::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut names: Vec<Text> = Vec::new();
        while let Some(name) = seq.next_element()? {
            names.push(name);
        }
        Ok(Conditions::of_names(names.iter().map(Text::as_str)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Conditions::Absent)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Conditions::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_names_mean_the_same() {
        let names = Conditions::Names(Text(Cow::Borrowed("application, users,clientType")));
        assert_eq!(names.bits(), 19);
        assert_eq!(
            Conditions::Mask(19).names().as_deref(),
            Some("application,users,clientType")
        );
        assert_eq!(
            Conditions::Mask(12).names().as_deref(),
            Some("devicePlatform,location")
        );
        assert_eq!(Conditions::Mask(0).names().as_deref(), Some("none"));
        assert!(
            Conditions::Mask(511)
                .names()
                .is_some_and(|names| names.ends_with("deviceState"))
        );
        assert_eq!(Conditions::Mask(512).names().as_deref(), Some("client"));
        assert_eq!(Conditions::Mask(4096).names().as_deref(), Some("bits:4096"));
    }
}

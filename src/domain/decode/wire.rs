//! The one description of the input: which fields of a record we read, under which spellings.
//!
//! Everything not named here is skipped. A repeated key counts with its last value. Objects that
//! turn out to be something else read as absent. Field names follow the sign-in resource of
//! Microsoft Graph; the all-lower-case spellings are those of collectors that fold keys.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::code::Code;
use super::conditions::Conditions;
use super::scan::{Cursor, Field, Keys, Scan};
use super::values::{Flag, Int, List, Text, Texts};

/// An object's key; borrowed unless escaped.
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// A field as it is declared below, for those who describe the input.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// The keys it is read from.
    pub keys: &'static [&'static str],
    /// The type that its value is read as, as it is written below.
    pub holds: &'static str,
}

/// Every kind of object and the fields that are read of it.
#[must_use]
pub fn declared() -> [(&'static str, &'static [Declared]); 7] {
    [
        ("Envelope", EnvelopeField::DECLARED),
        ("Properties", PropertiesField::DECLARED),
        ("Location", LocationField::DECLARED),
        ("Device", DeviceField::DECLARED),
        ("Status", StatusField::DECLARED),
        ("Policy", PolicyField::DECLARED),
        ("Step", StepField::DECLARED),
    ]
}

/// Scalars where an object was expected read as absent.
macro_rules! absent_scalars {
    () => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// Declares an object of the wire: its fields and the keys they are read from, for both readers.
macro_rules! wire_object {
    ($(#[$doc:meta])* $name:ident by $names:ident {
        $($(#[$fdoc:meta])* $field:ident: $type:ty = $($key:literal)|+,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, PartialEq)]
        pub struct $name<'a> { $($(#[$fdoc])* pub $field: $type,)+ }

        impl<'a> $name<'a> {
            /// Takes the value if the key is one we read; `false` leaves it to the caller.
            #[inline]
            pub(super) fn field<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
                match key {
                    $($($key)|+ => self.$field = map.next_value()?,)+
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// Takes the value of a field quickly.
            #[inline]
            pub(super) fn scan_field(&mut self, field: $names, cursor: &mut Cursor<'a, '_>) -> Option<()> {
                match field {
                    $($names::$field => self.$field.scan(cursor),)+
                }
            }
        }

        #[allow(non_camel_case_types, reason = "named as the fields are")]
        #[derive(Debug, Clone, Copy)]
        pub(super) enum $names { $($field,)+ }

        impl $names {
            pub(super) const KEYS: &[(&str, $names)] = &[$($(($key, $names::$field),)+)+];
            const DECLARED: &[Declared] =
                &[$(Declared { keys: &[$($key),+], holds: stringify!($type) },)+];
        }

        impl Field for $names {
            fn place(self) -> u32 {
                self as u32
            }
        }
    };
}

/// A nested object: reads its own fields, skips the rest.
macro_rules! nested_object {
    ($name:ident by $names:ident) => {
        impl<'a> $name<'a> {
            /// Takes the object at the cursor quickly; what was there before is gone.
            pub(super) fn scan_whole(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
                static KEYS: LazyLock<Keys<$names>> =
                    LazyLock::new(|| Keys::new($names::KEYS.iter().copied()));
                *self = $name::default();
                if cursor.peek()? == b'n' {
                    return cursor.scalar().map(|_| ());
                }
                cursor.object(&KEYS, |field, cursor| self.scan_field(field, cursor))
            }
        }

        impl<'de> Deserialize<'de> for $name<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> Visitor<'de> for ObjectVisitor {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<Key>()? {
                            if !object.field(&key.0, &mut map)? {
                                map.next_value::<IgnoredAny>()?;
                            }
                        }
                        Ok(object)
                    }
                    absent_scalars!();
                }
                deserializer.deserialize_any(ObjectVisitor)
            }
        }
    };
}

/// Objects that are read anew each time; a [`Policy`] is recognised by its bytes.
macro_rules! scanned_whole {
    ($($name:ident)+) => {
        $(impl<'a> Scan<'a> for $name<'a> {
            fn scan(&mut self, cursor: &mut Cursor<'a, '_>) -> Option<()> {
                self.scan_whole(cursor)
            }
        })+
    };
}
scanned_whole!(Properties Location Device Status Step);

wire_object! {
    /// The sign-in itself: `properties` of a diagnostic record, or a whole Graph object.
    Properties by PropertiesField {
        id: Text<'a> = "id",
        created: Text<'a> = "createdDateTime",
        user_principal_name: Text<'a> = "userPrincipalName",
        user_id: Text<'a> = "userId",
        user_display_name: Text<'a> = "userDisplayName",
        user_type: Text<'a> = "userType",
        app_id: Text<'a> = "appId",
        app_display_name: Text<'a> = "appDisplayName",
        resource_id: Text<'a> = "resourceId",
        resource_display_name: Text<'a> = "resourceDisplayName",
        client_app_used: Text<'a> = "clientAppUsed",
        user_agent: Text<'a> = "userAgent",
        ip_address: Text<'a> = "ipAddress",
        location: Location<'a> = "location",
        asn: Int = "autonomousSystemNumber",
        device: Device<'a> = "deviceDetail",
        is_interactive: Flag = "isInteractive",
        correlation_id: Text<'a> = "correlationId",
        authentication_protocol: Text<'a> = "authenticationProtocol",
        authentication_requirement: Text<'a> = "authenticationRequirement",
        status: Status<'a> = "status",
        conditional_access_status: Text<'a> = "conditionalAccessStatus",
        policies: List<Policy<'a>> = "appliedConditionalAccessPolicies",
        steps: List<Step<'a>> = "authenticationDetails",
        tenant_id: Text<'a> = "tenantId",
        home_tenant_id: Text<'a> = "homeTenantId",
        resource_tenant_id: Text<'a> = "resourceTenantId",
        event_types: Texts<'a> = "signInEventTypes",
        service_principal_id: Text<'a> = "servicePrincipalId",
    }
}
nested_object!(Properties by PropertiesField);

wire_object! {
    /// Where the sign-in came from.
    Location by LocationField {
        city: Text<'a> = "city",
        country: Text<'a> = "countryOrRegion",
    }
}
nested_object!(Location by LocationField);

wire_object! {
    /// The device, mostly empty for basic authentication.
    Device by DeviceField {
        device_id: Text<'a> = "deviceId",
        operating_system: Text<'a> = "operatingSystem",
        browser: Text<'a> = "browser",
        is_compliant: Flag = "isCompliant",
        is_managed: Flag = "isManaged",
    }
}
nested_object!(Device by DeviceField);

wire_object! {
    /// Result code and its texts.
    Status by StatusField {
        error_code: Code = "errorCode",
        failure_reason: Text<'a> = "failureReason",
    }
}
nested_object!(Status by StatusField);

wire_object! {
    /// One Conditional Access policy and what it said.
    Policy by PolicyField {
        id: Text<'a> = "id",
        name: Text<'a> = "displayName",
        result: Text<'a> = "result",
        grant_controls: Texts<'a> = "enforcedGrantControls",
        conditions_satisfied: Conditions<'a> = "conditionsSatisfied",
        conditions_not_satisfied: Conditions<'a> = "conditionsNotSatisfied",
    }
}
nested_object!(Policy by PolicyField);

wire_object! {
    /// One authentication step.
    Step by StepField {
        method: Text<'a> = "authenticationMethod",
        succeeded: Flag = "succeeded",
    }
}
nested_object!(Step by StepField);

wire_object! {
    /// The diagnostic record around the sign-in.
    Envelope by EnvelopeField {
        time: Text<'a> = "time",
        category: Text<'a> = "category" | "Category",
        tenant_id: Text<'a> = "tenantId" | "tenantid",
        resource: Text<'a> = "resourceId" | "resourceid",
        result_type: Code = "resultType" | "resulttype",
        result_signature: Text<'a> = "resultSignature" | "resultsignature",
        result_description: Text<'a> = "resultDescription" | "resultdescription",
        caller_ip: Text<'a> = "callerIpAddress" | "calleripaddress",
        correlation_id: Text<'a> = "correlationId" | "correlationid",
        identity: Text<'a> = "identity",
        operation: Text<'a> = "operationName" | "operationname",
        country: Country<'a> = "location",
    }
}

/// Top-level `location`: a country code in diagnostic records, an object in Graph ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Country<'a> {
    /// Two-letter code.
    Code(Text<'a>),
    /// The object of a Graph record.
    Place(Location<'a>),
}

impl Default for Country<'_> {
    fn default() -> Self {
        Country::Code(Text::default())
    }
}

impl<'de> Deserialize<'de> for Country<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountryVisitor;
        impl<'de> Visitor<'de> for CountryVisitor {
            type Value = Country<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a country code or a place")
            }
            fn visit_borrowed_str<E: Error>(self, code: &'de str) -> Result<Self::Value, E> {
                Ok(Country::Code(Text(Cow::Borrowed(code))))
            }
            fn visit_str<E: Error>(self, code: &str) -> Result<Self::Value, E> {
                Ok(Country::Code(Text(Cow::Owned(code.to_owned()))))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let place = serde::de::value::MapAccessDeserializer::new(map);
                Ok(Country::Place(Location::deserialize(place)?))
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Country::default())
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Country::default())
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Country::default())
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Country::default())
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Country::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Country::default())
            }
        }
        deserializer.deserialize_any(CountryVisitor)
    }
}

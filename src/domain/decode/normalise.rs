//! Records to sign-ins: one meaning for every spelling, or the reason why there is none.
//!
//! Settles where a fact is read from when several places hold it: the sign-in's own field first, the
//! envelope's copy second. Event time is `createdDateTime`; the envelope's `time` is when the log was
//! published and only a fallback.

use super::record::Record;
use super::time::{date, instant};
use super::wire::{Country, Policy, Step};
use super::{RejectReason, conditions::Conditions};
use crate::domain::sign_in::Category;

/// A decoded event, borrowed from its record.
#[derive(Debug, Clone)]
pub struct SignIn<'a> {
    /// Tenant, a GUID as text; empty when the record does not say.
    pub tenant_id: &'a str,
    /// Request id; empty when the record has none.
    pub id: &'a str,
    /// When it happened, UTC microseconds.
    pub event_time: i64,
    /// When it was published, UTC microseconds.
    pub publish_time: Option<i64>,
    /// UTC date of the event, days since 1970.
    pub event_date: i32,
    /// Which log it came from.
    pub category: Category,
    /// AADSTS code, 0 is success; `None` when the record has none.
    pub error_code: Option<i32>,
    /// Text of the code.
    pub failure_reason: &'a str,
    /// Address of the client.
    pub ip_address: &'a str,
    /// Two-letter country.
    pub country: &'a str,
    /// Client's correlation id.
    pub correlation_id: &'a str,
    /// Id of the resource signed in to.
    pub resource_id: &'a str,
    /// Whether a person took part.
    pub is_interactive: Option<bool>,
    /// Whether the event time is the publish time for want of a better one.
    pub time_from_publish: bool,
    /// Everything else, as it was written.
    pub record: &'a Record<'a>,
}

impl SignIn<'_> {
    /// The policies, applied or not.
    #[must_use]
    pub fn policies(&self) -> &[Policy<'_>] {
        &self.record.sign_in.policies.0
    }

    /// The authentication steps.
    #[must_use]
    pub fn steps(&self) -> &[Step<'_>] {
        &self.record.sign_in.steps.0
    }
}

/// What a record turned out to be.
#[derive(Debug)]
pub enum Normalised<'a> {
    /// A sign-in.
    SignIn(SignIn<'a>),
    /// A record of another log, by its category: counted and passed over.
    PassedOver(&'a str),
    /// Neither, and why.
    Reject(RejectReason, String),
}

/// Gives a record its meaning.
#[must_use]
pub fn normalise<'a>(record: &'a Record<'a>) -> Normalised<'a> {
    let envelope = &record.envelope;
    let category_name = envelope.category.as_str();
    let category = match Category::of_log(category_name) {
        Some(category) => category,
        None if !category_name.is_empty() => return Normalised::PassedOver(category_name),
        None if record.is_sign_in() => category_of_graph(record),
        None => {
            return Normalised::Reject(
                RejectReason::NotASignIn,
                "no category, id, time or properties of a sign-in".to_owned(),
            );
        }
    };
    match times(record) {
        Err((reason, detail)) => Normalised::Reject(reason, detail),
        Ok(times) => Normalised::SignIn(sign_in(record, category, times)),
    }
}

/// Event time, publish time, and whether the former had to be taken from the latter.
struct Times(i64, Option<i64>, bool);

fn times(record: &Record) -> Result<Times, (RejectReason, String)> {
    let created = record.sign_in.created.as_str();
    let published = instant(record.envelope.time.as_str());
    match (instant(created), published) {
        (Some(created), published) => Ok(Times(created, published, false)),
        (None, Some(published)) => Ok(Times(published, Some(published), true)),
        (None, None) if created.is_empty() && record.envelope.time.is_empty() => Err((
            RejectReason::MissingTime,
            "neither createdDateTime nor time".to_owned(),
        )),
        (None, None) => {
            let time = if created.is_empty() {
                record.envelope.time.as_str()
            } else {
                created
            };
            let shown: String = time.chars().take(60).collect();
            Err((
                RejectReason::InvalidTime,
                format!("{shown:?} is no instant of the years 2000 to 2099"),
            ))
        }
    }
}

fn sign_in<'a>(
    record: &'a Record<'a>,
    category: Category,
    Times(event_time, publish_time, time_from_publish): Times,
) -> SignIn<'a> {
    let (envelope, own) = (&record.envelope, &record.sign_in);
    let code = own.status.error_code.0.or(envelope.result_type.0);
    SignIn {
        tenant_id: tenant(record),
        id: own.id.as_str(),
        event_time,
        publish_time,
        event_date: date(event_time),
        category,
        error_code: code.and_then(|code| i32::try_from(code).ok()),
        failure_reason: first([
            own.status.failure_reason.as_str(),
            envelope.result_description.as_str(),
        ]),
        ip_address: first([own.ip_address.as_str(), envelope.caller_ip.as_str()]),
        country: country(record),
        correlation_id: first([
            own.correlation_id.as_str(),
            envelope.correlation_id.as_str(),
        ]),
        resource_id: if record.has_properties {
            own.resource_id.as_str()
        } else {
            envelope.resource.as_str()
        },
        is_interactive: own.is_interactive.0.or_else(|| category.is_interactive()),
        time_from_publish,
        record,
    }
}

/// The first that holds something.
fn first<const N: usize>(texts: [&str; N]) -> &str {
    texts
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("")
}

fn tenant<'a>(record: &'a Record<'a>) -> &'a str {
    let (envelope, own) = (&record.envelope, &record.sign_in);
    let resource = envelope.resource.as_str();
    let from_resource = resource
        .get(..9)
        .filter(|start| start.eq_ignore_ascii_case("/tenants/"))
        .map(|_| &resource[9..]);
    first([
        envelope.tenant_id.as_str(),
        own.tenant_id.as_str(),
        from_resource
            .and_then(|rest| rest.split('/').next())
            .unwrap_or(""),
        own.resource_tenant_id.as_str(),
        own.home_tenant_id.as_str(),
    ])
}

fn country<'a>(record: &'a Record<'a>) -> &'a str {
    let outer = match &record.envelope.country {
        Country::Code(code) => code.as_str(),
        Country::Place(place) => place.country.as_str(),
    };
    first([record.sign_in.location.country.as_str(), outer])
}

/// Graph objects carry no category; their event types say as much.
fn category_of_graph(record: &Record) -> Category {
    let types = &record.sign_in.event_types;
    let is = |name: &str| types.iter().any(|kind| kind.eq_ignore_ascii_case(name));
    if is("managedIdentity") {
        Category::ManagedIdentity
    } else if is("servicePrincipal") {
        Category::ServicePrincipal
    } else if is("nonInteractiveUser")
        || (types.is_empty() && record.sign_in.is_interactive.0 == Some(false))
    {
        Category::NonInteractiveUser
    } else {
        Category::InteractiveUser
    }
}

impl Record<'_> {
    /// Neither a diagnostic record nor a sign-in.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.envelope.category.is_empty() && !self.is_sign_in()
    }

    /// Carries `properties`, or an id and a time of its own.
    fn is_sign_in(&self) -> bool {
        self.has_properties || !self.sign_in.id.is_empty() && !self.sign_in.created.is_empty()
    }
}

/// The bits of a policy's met conditions.
#[must_use]
pub fn satisfied(policy: &Policy) -> u32 {
    Conditions::bits(&policy.conditions_satisfied)
}

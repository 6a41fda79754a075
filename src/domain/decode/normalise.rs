//! Records to sign-ins: one meaning for every spelling, or the reason why there is none.
//!
//! Settles where a fact is read from when several places hold it: the sign-in's own field first, the
//! envelope's copy second. Event time is `createdDateTime`; the envelope's `time` is when the log was
//! published and only a fallback, the time of arrival the last one.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::RejectReason;
use super::code::error_code;
use super::conditions::Conditions;
use super::oddity::{Oddities, Oddity};
use super::record::Record;
use super::time::{FORMS, HOUR, SECOND, date, noted_instant};
use super::wire::{Country, Policy, Step};
use crate::domain::sign_in::Category;
use crate::domain::signal::parse_guid;

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
    /// Result of Conditional Access as a whole, by its name.
    pub conditional_access_status: &'a str,
    /// Address of the client.
    pub ip_address: &'a str,
    /// Two-letter country.
    pub country: &'a str,
    /// City.
    pub city: &'a str,
    /// Client's correlation id.
    pub correlation_id: &'a str,
    /// Id of the resource signed in to.
    pub resource_id: &'a str,
    /// Whether a person took part.
    pub is_interactive: Option<bool>,
    /// What was odd about it.
    pub oddities: Oddities,
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

/// How much later than the event its publication is usual: aggregation of MFA takes up to two hours.
const USUAL_DELAY: i64 = 2 * HOUR;
/// How much later than its publication an event may seem by rounding alone.
const ROUNDING: i64 = SECOND;
/// An id that stands for none.
const ZERO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Gives a record its meaning. `arrival` is when the broker took it, UTC microseconds: the event time of
/// a record that says none. A file has no such time, and now would be a wrong one.
#[must_use]
pub fn normalise<'a>(record: &'a Record<'a>, arrival: Option<i64>) -> Normalised<'a> {
    let category_name = record.envelope.category.as_str();
    let mut oddities = record.oddities;
    let category = match Category::of_log(category_name) {
        Some(category) => category,
        None if is_log_of_sign_ins(category_name) => {
            oddities.note(Oddity::UnknownCategory);
            Category::OtherSignIns
        }
        None if !category_name.is_empty() => return Normalised::PassedOver(category_name),
        None if record.is_sign_in() => category_of_graph(record),
        None => {
            return Normalised::Reject(
                RejectReason::NotASignIn,
                "no category, id, time or properties of a sign-in".to_owned(),
            );
        }
    };
    match times(record, arrival, &mut oddities) {
        Some(times) => Normalised::SignIn(sign_in(record, category, times, oddities)),
        None => no_time(record, oddities),
    }
}

fn is_log_of_sign_ins(category: &str) -> bool {
    let ending = "SignInLogs";
    let start = category.len().wrapping_sub(ending.len());
    category
        .get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn no_time<'a>(record: &Record, oddities: Oddities) -> Normalised<'a> {
    let written = first([
        record.sign_in.created.as_str(),
        record.envelope.time.as_str(),
    ]);
    if written.is_empty() {
        let detail = "neither createdDateTime nor time".to_owned();
        return Normalised::Reject(RejectReason::MissingTime, detail);
    }
    let shown: String = written.chars().take(60).collect();
    let detail = if oddities.has(Oddity::TimeOutOfRange) {
        format!("{shown:?} is not in the years 2000 to 2099")
    } else {
        format!("{shown:?} is not an instant in a form that is read: {FORMS}")
    };
    Normalised::Reject(RejectReason::InvalidTime, detail)
}

/// Event time and publish time.
struct Times(i64, Option<i64>);

fn times(record: &Record, arrival: Option<i64>, oddities: &mut Oddities) -> Option<Times> {
    let own = &record.sign_in;
    let created = noted_instant(own.created.as_str(), oddities);
    let published = noted_instant(record.envelope.time.as_str(), oddities);
    if let (Some(created), Some(published)) = (created, published) {
        oddities.note_if(created - published > ROUNDING, Oddity::FutureTime);
        oddities.note_if(published - created > USUAL_DELAY, Oddity::PublishedLate);
    }
    if let Some(created) = created {
        return Some(Times(created, published));
    }
    if let Some(published) = published {
        oddities.note(Oddity::TimeFromPublish);
        return Some(Times(published, Some(published)));
    }
    let says_who = [
        &own.id,
        &own.user_id,
        &own.user_principal_name,
        &own.service_principal_id,
    ]
    .iter()
    .any(|text| !text.is_empty());
    oddities.note(Oddity::TimeFromArrival);
    arrival
        .filter(|_| says_who)
        .map(|arrival| Times(arrival, None))
}

fn sign_in<'a>(
    record: &'a Record<'a>,
    category: Category,
    Times(event_time, publish_time): Times,
    mut oddities: Oddities,
) -> SignIn<'a> {
    let (envelope, own) = (&record.envelope, &record.sign_in);
    let id = own.id.as_str();
    let id = if id == ZERO_ID { "" } else { id };
    let ip_address = first([own.ip_address.as_str(), envelope.caller_ip.as_str()]);
    let error_code = error_code(record, &mut oddities);
    let follows = parse_guid(own.user_id.as_str()).is_some_and(|user| user != 0);
    oddities.note_if(id.is_empty(), Oddity::IdFromContent);
    oddities.note_if(
        !record.has_properties && !envelope.category.is_empty(),
        Oddity::NoProperties,
    );
    oddities.note_if(category.is_user() && !follows, Oddity::NoUserId);
    oddities.note_if(!is_address(ip_address), Oddity::OddAddress);
    SignIn {
        tenant_id: tenant(record),
        id,
        event_time,
        publish_time,
        event_date: date(event_time),
        category,
        error_code,
        conditional_access_status: access(own.conditional_access_status.as_str()),
        failure_reason: first([
            own.status.failure_reason.as_str(),
            envelope.result_description.as_str(),
        ]),
        ip_address,
        country: country(record),
        city: city(record),
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
        oddities,
        record,
    }
}

/// An address, perhaps with a port, perhaps with its last part hidden; or none at all.
fn is_address(text: &str) -> bool {
    // Nearly every address is tried once.
    text.is_empty()
        || text.parse::<Ipv4Addr>().is_ok()
        || text.contains(':')
            && (text.parse::<Ipv6Addr>().is_ok() || text.parse::<SocketAddr>().is_ok())
        || text
            .strip_suffix(".XXX")
            .is_some_and(|start| start.split('.').count() == 3)
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

/// A member of `conditionalAccessStatus`; old records have its number (Microsoft Graph metadata).
fn access(member: &str) -> &str {
    let members = ["success", "failure", "notApplied", "unknownFutureValue"];
    let number = member.parse::<usize>().ok();
    let named = number.and_then(|number| members.get(number));
    named.copied().unwrap_or(member)
}

fn country<'a>(record: &'a Record<'a>) -> &'a str {
    let outer = match &record.envelope.country {
        Country::Code(code) => code.as_str(),
        Country::Place(place) => place.country.as_str(),
    };
    first([record.sign_in.location.country.as_str(), outer])
}

fn city<'a>(record: &'a Record<'a>) -> &'a str {
    let outer = match &record.envelope.country {
        Country::Code(_) => "",
        Country::Place(place) => place.city.as_str(),
    };
    first([record.sign_in.location.city.as_str(), outer])
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

    /// A sign-in that says neither who nor when under the normal keys: these may be spelt otherwise.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let own = &self.sign_in;
        // `id` has no capital to lose.
        let who_and_when = [
            &own.created,
            &own.user_id,
            &own.user_principal_name,
            &own.service_principal_id,
        ];
        let category = self.envelope.category.as_str();
        who_and_when.iter().all(|text| text.is_empty())
            && (category.is_empty() || is_log_of_sign_ins(category))
    }

    /// A sign-in that says nothing of time: its time may go by another name.
    #[must_use]
    pub fn is_timeless(&self) -> bool {
        let category = self.envelope.category.as_str();
        self.sign_in.created.is_empty()
            && self.envelope.time.is_empty()
            && (category.is_empty() || is_log_of_sign_ins(category))
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

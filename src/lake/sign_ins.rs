//! The table `sign_ins` (and `sign_in_revisions`, which has the same columns): one row a sign-in.
//!
//! Microsoft's fields in snake_case, then our verdict, then where the record came from. Names are
//! relied on by others: add freely, do not rename.

use super::columns::{Cell, Collect, Column, RowKind, column, origin_column};
use crate::domain::classify::{TAXONOMY_VERSION, Verdict, failing};
use crate::domain::decode::normalise::SignIn;
use crate::domain::decode::oddity::Oddities;
use crate::domain::decode::wire::Properties;
use crate::domain::sign_in::Outcome;
use crate::source::Origin;

/// One decoded and classified sign-in on its way to the lake.
pub struct SignInRow<'a> {
    /// The sign-in.
    pub sign_in: &'a SignIn<'a>,
    /// What it was.
    pub verdict: &'a Verdict,
    /// What was odd about it.
    pub oddities: Oddities,
    /// Its id; made from the bytes when the record has none.
    pub id: &'a str,
    /// Where it came from.
    pub origin: Origin<'a>,
    /// Hash of the bytes: tells an exact copy from a revision.
    pub content_hash: i32,
    /// The record, when it is to be kept.
    pub raw: &'a str,
}

/// The kind of row of `sign_ins`.
pub struct SignIns;

impl RowKind for SignIns {
    type Row<'a> = SignInRow<'a>;
}

/// The columns, but for `event_date`, which is the partition.
pub const SIGN_INS: &[Column<SignIns>] = &[
    column!("tenant_id", Text, optional, "Tenant, a GUID", |row| row
        .sign_in
        .tenant_id),
    column!(
        "id",
        Text,
        required,
        "Request id of the sign-in, or `content:` and a hash when it has none",
        |row| row.id
    ),
    column!(
        "event_time",
        Time,
        required,
        "When it happened",
        |row| Some(row.sign_in.event_time)
    ),
    column!(
        "publish_time",
        Time,
        optional,
        "When Entra published it",
        |row| row.sign_in.publish_time
    ),
    column!(
        "category",
        Text,
        required,
        "Which log it belongs to",
        |row| row.sign_in.category.name()
    ),
    column!("user_id", Text, optional, "Object id of the user", |row| {
        row.sign_in.record.sign_in.user_id.as_str()
    }),
    column!(
        "user_principal_name",
        Text,
        optional,
        "Sign-in name of the user",
        |row| own(row).user_principal_name.as_str()
    ),
    column!(
        "user_display_name",
        Text,
        optional,
        "Display name of the user",
        |row| own(row).user_display_name.as_str()
    ),
    column!("user_type", Text, optional, "Member or guest", |row| own(
        row
    )
    .user_type
    .as_str()),
    column!(
        "app_id",
        Text,
        optional,
        "Id of the client application",
        |row| own(row).app_id.as_str()
    ),
    column!(
        "app_display_name",
        Text,
        optional,
        "Name of the client application",
        |row| own(row).app_display_name.as_str()
    ),
    column!(
        "resource_id",
        Text,
        optional,
        "Id of what was signed in to",
        |row| row.sign_in.resource_id
    ),
    column!(
        "resource_display_name",
        Text,
        optional,
        "Name of what was signed in to",
        |row| own(row).resource_display_name.as_str()
    ),
    column!(
        "client_app_used",
        Text,
        optional,
        "Client app as Entra names it",
        |row| own(row).client_app_used.as_str()
    ),
    column!(
        "user_agent",
        Text,
        optional,
        "User agent as the client wrote it",
        |row| own(row).user_agent.as_str()
    ),
    column!(
        "ip_address",
        Text,
        optional,
        "Address of the client",
        |row| row.sign_in.ip_address
    ),
    column!("country", Text, optional, "Country, two letters", |row| row
        .sign_in
        .country),
    column!("city", Text, optional, "City", |row| row.sign_in.city),
    column!(
        "asn",
        Long,
        optional,
        "Autonomous system of the address",
        |row| own(row).asn.0
    ),
    column!(
        "device_id",
        Text,
        optional,
        "Id of the registered device",
        |row| own(row).device.device_id.as_str()
    ),
    column!("device_os", Text, optional, "Operating system", |row| own(
        row
    )
    .device
    .operating_system
    .as_str()),
    column!("browser", Text, optional, "Browser", |row| own(row)
        .device
        .browser
        .as_str()),
    column!(
        "is_compliant",
        Bool,
        optional,
        "Whether the device is compliant",
        |row| own(row).device.is_compliant.0
    ),
    column!(
        "is_managed",
        Bool,
        optional,
        "Whether the device is managed",
        |row| own(row).device.is_managed.0
    ),
    column!(
        "is_interactive",
        Bool,
        optional,
        "Whether a person took part",
        |row| row.sign_in.is_interactive
    ),
    column!(
        "correlation_id",
        Text,
        optional,
        "Correlation id chosen by the client",
        |row| row.sign_in.correlation_id
    ),
    column!(
        "authentication_protocol",
        Text,
        optional,
        "Protocol of the token request",
        |row| own(row).authentication_protocol.as_str()
    ),
    column!(
        "authentication_requirement",
        Text,
        optional,
        "Single or multi factor",
        |row| own(row).authentication_requirement.as_str()
    ),
    column!(
        "error_code",
        Int,
        optional,
        "AADSTS code, 0 is success",
        |row| row.sign_in.error_code
    ),
    column!(
        "failure_reason",
        Text,
        optional,
        "Text of the code",
        |row| row.sign_in.failure_reason
    ),
    column!(
        "conditional_access_status",
        Text,
        optional,
        "Result of Conditional Access as a whole",
        |row| row.sign_in.conditional_access_status
    ),
    column!(
        "policies",
        Policies,
        required,
        "Every Conditional Access policy and what it said",
        |row| row.sign_in.policies()
    ),
    column!(
        "auth_class",
        Text,
        required,
        "legacy, modern, ropc, unknown or not_applicable",
        |row| row.verdict.auth_class.name()
    ),
    column!(
        "auth_class_reason",
        Text,
        required,
        "The rule that decided the class",
        |row| row.verdict.auth_class_reason
    ),
    column!(
        "taxonomy_version",
        Int,
        required,
        "Version of rules and tables",
        |_| Some(TAXONOMY_VERSION)
    ),
    column!("protocol", Text, required, "What was spoken", |row| row
        .verdict
        .protocol
        .name()),
    column!("client_family", Text, required, "Which software", |row| row
        .verdict
        .client_family),
    column!(
        "outcome",
        Text,
        required,
        "success, interrupted, blocked or failed",
        |row| row.verdict.outcome.name()
    ),
    column!(
        "block_reason",
        Text,
        optional,
        "Why a policy refused it",
        |row| row.verdict.block_reason.map_or("", |reason| reason.name())
    ),
    column!(
        "failure_class",
        Text,
        optional,
        "Class of the code when it did not succeed",
        |row| row.verdict.failure_class.unwrap_or("")
    ),
    column!(
        "blocking_policies",
        Texts,
        required,
        "Names of the policies that refused it",
        |row, collect| blocking_policies(row, collect)
    ),
    column!(
        "password_verified",
        Text,
        required,
        "Whether the password was right: yes, no, unknown",
        |row| row.verdict.password_verified.name()
    ),
    column!(
        "channel",
        Text,
        optional,
        "Software by which a modern sign-in reached Exchange Online",
        |row| row.verdict.channel.map_or("", |channel| channel.name())
    ),
    column!(
        "flags",
        Texts,
        required,
        "What was odd about the record",
        |row, collect| flags(row, collect)
    ),
    column!(
        "content_hash",
        Int,
        required,
        "Hash of the record's bytes: tells copies from revisions",
        |row| Some(row.content_hash)
    ),
    origin_column!(stream),
    origin_column!(partition),
    origin_column!(offset),
    origin_column!(index),
    column!(
        "raw",
        Text,
        optional,
        "The record itself, when kept",
        |row| row.raw
    ),
];

/// The sign-in's own fields, as written.
fn own<'r>(row: &'r SignInRow<'_>) -> &'r Properties<'r> {
    &row.sign_in.record.sign_in
}

fn blocking_policies(row: &SignInRow, collect: Collect) {
    if row.verdict.outcome == Outcome::Blocked {
        failing(row.sign_in.policies()).for_each(|policy| collect(policy.name.as_str()));
    }
}

fn flags(row: &SignInRow, collect: Collect) {
    row.oddities
        .iter()
        .for_each(|oddity| collect(oddity.name()));
}

//! Records in which no user signs in: applications, managed identities and audit records.
//!
//! Owns: the shape of `ServicePrincipalSignInLogs`, `ManagedIdentitySignInLogs` and `AuditLogs`
//! records. They share the stream with sign-ins and must be told apart from them.

use super::calendar::SECOND;
use super::dice::{Dice, Salt};
use super::json::Json;
use super::moment::{Ending, Moment};
use super::program::Client;
use super::record::{self, RESOURCE};
use super::tenant::{TENANT_ID, Tenant};

const APPS: [&str; 10] = [
    "Backup for mail",
    "ERP connector",
    "HR provisioning",
    "Intranet search",
    "Log forwarder",
    "Build pipeline",
    "Room display",
    "Signature service",
    "Ticket system",
    "Data gateway",
];

/// All of them want the same thing.
const TARGET: [(&str, &str); 8] = [
    ("resourceDisplayName", "Microsoft Graph"),
    ("resourceId", "00000003-0000-0000-c000-000000000000"),
    ("resourceTenantId", TENANT_ID),
    ("homeTenantId", TENANT_ID),
    ("conditionalAccessStatus", "notApplied"),
    ("crossTenantAccessType", "none"),
    ("incomingTokenType", "none"),
    ("authenticationProtocol", "none"),
];

const ASSIGNED: &str = r#"{"msiType":"systemAssigned","associatedResourceId":"","federatedTokenId":"","federatedTokenIssuer":""}"#;
const UNASSIGNED: &str = r#"{"msiType":"none","associatedResourceId":"","federatedTokenId":"","federatedTokenIssuer":""}"#;

pub(super) fn render(tenant: &Tenant, moment: &Moment, number: u32) -> String {
    let mut json = Json::with_capacity(2_600);
    match moment.client {
        Client::Audit => audit(&mut json, tenant, moment, number),
        _ => sign_in(&mut json, tenant, moment, number),
    }
    json.finish()
}

/// An application or managed identity gets a token.
fn sign_in(json: &mut Json, tenant: &Tenant, moment: &Moment, number: u32) {
    let managed = moment.client == Client::ManagedIdentity;
    let (category, credential, identity) = match managed {
        true => ("ManagedIdentitySignInLogs", "managedIdentity", ASSIGNED),
        false => ("ServicePrincipalSignInLogs", "clientSecret", UNASSIGNED),
    };
    let stream = -1 - i64::from(number);
    let mut ids = Dice::new(tenant.plan.seed, Salt::Person, u64::from(managed), stream);
    let round = number as usize / APPS.len() + 1;
    let name = format!("{} {round}", APPS[number as usize % APPS.len()]);
    record::head(json, moment, (category, moment.correlation));
    json.text("identity", &name);
    json.open("properties");
    json.guid("id", moment.id);
    let seventh = moment.correlation as u8;
    json.instant("createdDateTime", moment.created, seventh, "+00:00");
    json.guid("appId", ids.guid());
    json.guid("servicePrincipalId", ids.guid());
    json.text("servicePrincipalName", &name);
    json.ip("ipAddress", moment.place.ip);
    status(json, moment);
    record::location(json, moment);
    json.text("clientCredentialType", credential);
    json.raw("managedServiceIdentity", identity);
    json.texts(&TARGET);
    json.guid("correlationId", record::correlation(moment));
    json.raw("appliedConditionalAccessPolicies", "[]");
    json.raw("authenticationProcessingDetails", "[]");
    json.number("autonomousSystemNumber", u64::from(moment.place.city().asn));
    json.close();
}

fn status(json: &mut Json, moment: &Moment) {
    let (code, reason) = moment.ending.code();
    json.open("status");
    json.number("errorCode", u64::from(code));
    if moment.ending != Ending::Success {
        json.text("failureReason", reason);
    }
    json.close();
}

/// Somebody changed something: not a sign-in at all.
fn audit(json: &mut Json, tenant: &Tenant, moment: &Moment, number: u32) {
    const ACTIVITIES: [&str; 4] = [
        "Update user",
        "Add member to group",
        "Update conditional access policy",
        "Update device",
    ];
    let activity = ACTIVITIES[number as usize % ACTIVITIES.len()];
    json.instant("time", moment.published, moment.correlation as u8, "Z");
    json.texts(&[
        ("resourceId", RESOURCE),
        ("operationName", activity),
        ("operationVersion", "1.0"),
        ("category", "AuditLogs"),
        ("tenantId", TENANT_ID),
        ("resultSignature", "None"),
    ]);
    json.number("durationMs", 0);
    json.guid("correlationId", record::correlation(moment));
    json.number("Level", 4);
    json.open("properties");
    json.guid("id", moment.id);
    json.text("category", "UserManagement");
    json.text("activityDisplayName", activity);
    json.instant(
        "activityDateTime",
        moment.created / SECOND * SECOND,
        0,
        "+00:00",
    );
    json.texts(&[("result", "success"), ("loggedByService", "Core Directory")]);
    initiator(json, tenant);
    json.raw("targetResources", "[]");
    json.raw("additionalDetails", "[]");
    json.close();
}

fn initiator(json: &mut Json, tenant: &Tenant) {
    json.open("initiatedBy");
    json.open("user");
    json.guid("id", Dice::new(tenant.plan.seed, Salt::Person, 2, 0).guid());
    json.text("userPrincipalName", "admin.cloud@contoso.example");
    json.close();
    json.close();
}

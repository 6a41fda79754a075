//! The rest of the full key set of a sign-in's properties, as large tenants send it.
//!
//! Owns: fields that carry context for analysts and weight for benches. Must not: contradict
//! what `record` says about the same sign-in.

use super::dice::{Dice, Salt};
use super::json::Json;
use super::moment::Ending;
use super::record::View;
use super::tenant::TENANT_ID;

const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// Fields that are the same in every record of our tenant.
const CONSTANT: &str = concat!(
    r#""riskDetail":"none","riskEventTypes":[],"riskEventTypes_v2":[],"flaggedForReview":false,"#,
    r#""isTenantRestricted":false,"servicePrincipalId":"","servicePrincipalName":null,"#,
    r#""servicePrincipalCredentialKeyId":"","servicePrincipalCredentialThumbprint":"","#,
    r#""federatedCredentialId":"","clientCredentialType":"none","ssoExtensionVersion":"","#,
    r#""authenticationContextClassReferences":[],"authenticationStrengths":[],"#,
    r#""authenticationAppDeviceDetails":null,"authenticationAppPolicyEvaluationDetails":[],"#,
    r#""appliedEventListeners":[],"conditionalAccessAudiences":[],"privateLinkDetails":{},"#,
    r#""signInTokenProtectionStatus":"unbound","appTokenProtectionStatus":null,"#,
    r#""tokenProtectionStatusDetails":{"signInSessionStatus":"unbound","signInSessionStatusCode":1002},"#,
    r#""originalTransferMethod":"none","isThroughGlobalSecureAccess":false,"#,
    r#""globalSecureAccessIpAddress":"","azureResourceId":"","rngcStatus":0,"sourceAppClientId":"","#,
    r#""redirectUrl":"","homeTenantName":"","appServicePrincipalId":null,"#,
    r#""agent":{"agentType":"notAgentic","agentSubjectType":"notAgentic","parentAppId":""},"#,
);

const BY_POLICY: &str =
    r#"[{"requirementProvider":"multiConditionalAccess","detail":"Conditional Access"}]"#;
const SIGN_IN_FREQUENCY: &str = r#"[{"expirationRequirement":"signInFrequencyPeriodicReauthentication","detail":"Sign-in frequency (periodic re-authentication)"}]"#;
const REMEMBERED: &str = r#"[{"expirationRequirement":"rememberMultifactorAuthenticationOnTrustedDevices","detail":"Remember MFA"}]"#;

pub(super) fn push(view: &View<'_>, json: &mut Json, user_principal_name: &str) {
    let mut dice = Dice::new(view.spice, Salt::Render, 1, 0);
    json.texts(&[
        ("signInIdentifier", user_principal_name),
        ("signInIdentifierType", "userPrincipalName"),
        ("alternateSignInName", ""),
        ("appOwnerTenantId", MICROSOFT_TENANT),
        ("resourceOwnerTenantId", MICROSOFT_TENANT),
        ("tenantId", TENANT_ID),
    ]);
    json.guid(
        "resourceServicePrincipalId",
        Dice::new(view.tenant.plan.seed, Salt::Render, 2, 0).guid(),
    );
    match dice.chance(0.3) {
        true => json.text("sessionId", ""),
        false => json.guid("sessionId", dice.guid()),
    }
    match view.interactive() {
        true => json.raw("signInEventTypes", r#"["interactiveUser"]"#),
        false => json.raw("signInEventTypes", r#"["nonInteractiveUser"]"#),
    }
    json.out.push_str(CONSTANT);
    json.ip("ipAddressFromResourceProvider", view.moment.place.ip);
    processing(view, json);
    networks(view, json);
    requirements(view, json);
}

/// Keys and values about how the request was processed; the scopes are a list inside a text.
fn processing(view: &View<'_>, json: &mut Json) {
    let pairs = [
        ("Legacy TLS (TLS 1.0, 1.1, 3DES)", "False"),
        ("Is CAE Token", "False"),
        ("Root Key Type", "Unknown"),
        ("Is Client Capable", "True"),
    ];
    json.open_list("authenticationProcessingDetails");
    for (key, value) in pairs {
        json.item();
        json.texts(&[("key", key), ("value", value)]);
        json.close();
    }
    if !view.basic() {
        json.item();
        let library = "Family: MSAL Library: MSAL.NET 4.54.1.0 Platform: .NET FW";
        json.texts(&[
            ("key", "Azure AD App Authentication Library"),
            ("value", library),
        ]);
        json.close();
    }
    json.item();
    json.text("key", "Oauth Scope Info");
    json.out.push_str("\"value\":\"[");
    for (position, scope) in view.profile.scopes.split(',').enumerate() {
        json.out
            .push_str(if position > 0 { ",\\\"" } else { "\\\"" });
        json.out.push_str(scope);
        json.out.push_str("\\\"");
    }
    json.out.push_str("]\",");
    json.close();
    json.close_list();
}

fn networks(view: &View<'_>, json: &mut Json) {
    json.open_list("networkLocationDetails");
    if view.moment.place.is_office() {
        json.item();
        json.text("networkType", "trustedNamedLocation");
        let city = view.moment.place.city().name;
        json.raw("networkNames", &format!("[\"Offices\",\"{city} office\"]"));
        json.close();
    }
    json.close_list();
}

/// Why a second factor was asked for, and how long the session lasts.
fn requirements(view: &View<'_>, json: &mut Json) {
    let expired = view.moment.ending == Ending::FrequencyExpired;
    let asked = view.moment.interactive && !view.basic();
    json.raw(
        "authenticationRequirementPolicies",
        if asked { BY_POLICY } else { "[]" },
    );
    json.raw(
        "sessionLifetimePolicies",
        match (expired, asked) {
            (true, _) => SIGN_IN_FREQUENCY,
            (false, true) => REMEMBERED,
            (false, false) => "[]",
        },
    );
    json.raw(
        "authenticationMethodsUsed",
        if view.basic() {
            r#"["Password"]"#
        } else {
            "[]"
        },
    );
}

//! One sign-in as the record that a diagnostic setting sends to an Event Hub.
//!
//! Owns: the envelope fields and the properties that every record has, with the drift of types
//! that real streams show (codes as numbers, levels as words, other offsets). The rest of the
//! full key set is in `extra_fields`. Must not: decide anything about the sign-in.

use super::calendar::HOUR;
use super::dice::{Dice, Guid, Salt};
use super::json::Json;
use super::moment::{Ending, Moment, Who};
use super::names;
use super::person::Person;
use super::policy::Situation;
use super::program::{Client, Platform, Profile};
use super::tenant::{TENANT_ID, Tenant};
use super::{authentication, device, extra_fields, machine_record};

/// What Azure Monitor calls the directory; the tenant's id is in it.
pub(super) const RESOURCE: &str =
    "/tenants/7c0b2d1e-4a5f-4c3b-9d8e-2f6a1b0c9d7e/providers/Microsoft.aadiam";

/// What a record is rendered from.
pub(super) struct View<'a> {
    pub tenant: &'a Tenant,
    pub moment: &'a Moment,
    pub profile: Profile,
    pub person: Option<&'a Person>,
    /// Numbers of its own for every record, the same whenever it is rendered.
    pub spice: u64,
}

/// Renders a record as compact JSON.
pub(super) fn render(tenant: &Tenant, moment: &Moment) -> String {
    let person = match moment.who {
        Who::Person(who) => Some(&tenant.people[who as usize]),
        Who::Nobody(_) => None,
        Who::Machine(number) => return machine_record::render(tenant, moment, number),
    };
    let spice = Dice::new(
        tenant.plan.seed,
        Salt::Render,
        (moment.id.0 >> 64) as u64,
        0,
    )
    .roll();
    View {
        tenant,
        moment,
        profile: moment.client.profile(),
        person,
        spice,
    }
    .render()
}

/// The fields around `properties` that all categories have.
pub(super) fn head(json: &mut Json, moment: &Moment, (category, spice): (&str, u64)) {
    json.instant("time", moment.published, spice as u8, "Z");
    json.text("resourceId", RESOURCE);
    json.texts(&[
        ("operationName", "Sign-in activity"),
        ("operationVersion", "1.0"),
        ("category", category),
        ("tenantId", TENANT_ID),
    ]);
    let (code, reason) = moment.ending.code();
    match spice % 100 {
        0..3 => json.number("resultType", u64::from(code)),
        _ => json.raw("resultType", &format!("\"{code}\"")),
    }
    json.text(
        "resultSignature",
        if code == 0 { "SUCCESS" } else { "FAILURE" },
    );
    if code != 0 {
        json.text("resultDescription", reason);
    }
    json.number("durationMs", 0);
    json.ip("callerIpAddress", moment.place.ip);
    json.guid("correlationId", correlation(moment));
    match spice % 64 {
        0 => json.text("Level", "4"),
        1 => json.text("Level", "Informational"),
        2 => json.number("level", 4),
        _ => json.number("Level", 4),
    }
    json.text("location", moment.place.city().country);
}

pub(super) fn correlation(moment: &Moment) -> Guid {
    Dice::new(moment.correlation, Salt::Correlation, 0, 0).guid()
}

pub(super) fn location(json: &mut Json, moment: &Moment) {
    let city = moment.place.city();
    json.open("location");
    json.texts(&[
        ("city", city.name),
        ("state", city.state),
        ("countryOrRegion", city.country),
    ]);
    json.open("geoCoordinates");
    json.raw("latitude", city.latitude);
    json.raw("longitude", city.longitude);
    json.close();
    json.close();
}

impl View<'_> {
    fn render(&self) -> String {
        let full = self.tenant.plan.extra_fields;
        let mut json = Json::with_capacity(if full { 8_000 } else { 4_500 });
        let user_principal_name = self.user_principal_name();
        self.envelope(&mut json);
        json.open("properties");
        self.who(&mut json, &user_principal_name);
        self.client(&mut json);
        device::push(self, &mut json);
        location(&mut json, self.moment);
        self.access(&mut json);
        authentication::push(self, &mut json);
        self.rest(&mut json);
        if full {
            extra_fields::push(self, &mut json, &user_principal_name);
        }
        json.close();
        json.finish()
    }

    pub fn basic(&self) -> bool {
        self.profile.platform == Platform::Basic
    }

    /// Exchange clients appear in both logs, mostly in the non-interactive one.
    pub fn interactive(&self) -> bool {
        self.moment.interactive || (self.basic() && self.spice.is_multiple_of(4))
    }

    fn user_principal_name(&self) -> String {
        match (self.person, self.moment.who) {
            // Before anybody has signed in, the name is only known as the object id.
            (Some(person), _) if self.moment.ending == Ending::SilentImpossible => {
                person.user_id.text()
            }
            (Some(person), _) => person.upn.clone(),
            (None, Who::Nobody(number) | Who::Person(number) | Who::Machine(number)) => {
                names::nobody(number)
            }
        }
    }

    fn envelope(&self, json: &mut Json) {
        let category = match self.interactive() {
            true => "SignInLogs",
            false => "NonInteractiveUserSignInLogs",
        };
        head(json, self.moment, (category, self.spice));
        match self.person {
            Some(person) => json.raw("identity", &person.display_json),
            None => json.text("identity", ""),
        }
    }

    fn who(&self, json: &mut Json, user_principal_name: &str) {
        let moment = self.moment;
        json.guid("id", moment.id);
        match self.spice % 1_000 {
            7 => json.instant("createdDateTime", moment.created - 5 * HOUR, 0, "-05:00"),
            _ => json.instant(
                "createdDateTime",
                moment.created,
                self.spice as u8,
                "+00:00",
            ),
        }
        match self.person {
            Some(person) => {
                json.raw("userDisplayName", &person.display_json);
                json.text("userPrincipalName", user_principal_name);
                json.guid("userId", person.user_id);
            }
            None => {
                let zeros = "00000000-0000-0000-0000-000000000000";
                json.text("userDisplayName", "");
                json.text("userPrincipalName", user_principal_name);
                json.text(
                    "userId",
                    if self.spice.is_multiple_of(2) {
                        zeros
                    } else {
                        ""
                    },
                );
            }
        }
    }

    fn client(&self, json: &mut Json) {
        let profile = &self.profile;
        json.texts(&[("appId", profile.app.0), ("appDisplayName", profile.app.1)]);
        json.ip("ipAddress", self.moment.place.ip);
        self.status(json);
        // Now and then the service does not say which client it was.
        let vague = matches!(self.moment.client, Client::SharePoint | Client::Portal);
        json.text(
            "clientAppUsed",
            match self.spice % 500 {
                11 if vague => "Unknown",
                12 if vague => "",
                _ => profile.client_app,
            },
        );
        json.text("userAgent", self.moment.agent);
        json.texts(&[
            ("resourceDisplayName", profile.resource.1),
            ("resourceId", profile.resource.0),
            ("resourceTenantId", TENANT_ID),
            ("homeTenantId", TENANT_ID),
        ]);
    }

    fn status(&self, json: &mut Json) {
        let (code, reason) = self.moment.ending.code();
        json.open("status");
        match self.spice % 700 {
            13 => json.raw("errorCode", &format!("\"{code}\"")),
            _ => json.number("errorCode", u64::from(code)),
        }
        if code != 0 {
            json.text("failureReason", reason);
        }
        match self.moment.ending {
            Ending::MfaNeeded | Ending::MfaByPolicy => {
                json.text("additionalDetails", "MFA required in Azure AD");
            }
            Ending::Success if !self.basic() && self.spice % 10 < 7 => {
                let detail = "MFA requirement satisfied by claim in the token";
                json.text("additionalDetails", detail);
            }
            _ => {}
        }
        json.close();
    }

    fn access(&self, json: &mut Json) {
        let situation = Situation::of(self.moment, self.profile.platform);
        let (least, most) = self.tenant.plan.policies;
        let span = u128::from(most.saturating_sub(least)) + 1;
        // How many policies look at somebody depends on who it is, not on the day.
        let more = self
            .person
            .map_or(0, |person| (person.user_id.0 >> 80) % span);
        json.guid("correlationId", correlation(self.moment));
        json.text("conditionalAccessStatus", situation.status());
        json.open_list("appliedConditionalAccessPolicies");
        json.out.pop();
        self.tenant
            .policies
            .push(&mut json.out, situation, least as usize + more as usize);
        json.out.push(',');
    }

    fn rest(&self, json: &mut Json) {
        json.guid("originalRequestId", self.moment.id);
        json.truth("isInteractive", self.interactive());
        json.texts(&[("tokenIssuerName", ""), ("tokenIssuerType", "AzureAD")]);
        json.number("processingTimeInMilliseconds", 40 + self.spice % 900);
        json.text("userType", "Member");
        json.number(
            "autonomousSystemNumber",
            u64::from(self.moment.place.city().asn),
        );
        json.texts(&[("crossTenantAccessType", "none"), ("riskState", "none")]);
        json.texts(&[
            ("riskLevelDuringSignIn", "none"),
            ("riskLevelAggregated", "none"),
        ]);
        let refreshed = !self.interactive() && !self.basic();
        json.text(
            "incomingTokenType",
            if refreshed { "refreshToken" } else { "none" },
        );
        json.out.push_str("\"uniqueTokenIdentifier\":\"");
        self.moment.id.push_base64(&mut json.out);
        json.out.push_str("\",");
    }
}

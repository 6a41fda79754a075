//! What there is to judge a sign-in by: its fields, and the rows of knowledge they lead to.

use super::trace::Evidence;
use crate::domain::decode::conditions::Conditions;
use crate::domain::decode::normalise::{SignIn, satisfied};
use crate::domain::decode::wire::{Policy, Properties};
use crate::domain::knowledge::{
    Application, ClientApp, ErrorCode, GrantControl, Knowledge, TokenProtocol, UserAgent,
};

/// A sign-in and what the tables say about it.
pub(super) struct Clues<'a> {
    pub(super) knowledge: &'static Knowledge,
    pub(super) sign_in: &'a SignIn<'a>,
    pub(super) client_app: Option<ClientApp>,
    pub(super) agent: Option<UserAgent>,
    pub(super) token_protocol: Option<TokenProtocol>,
    pub(super) app: Option<Application>,
    pub(super) resource: Option<Application>,
    pub(super) code: Option<ErrorCode>,
}

/// The fields as evidence, under the names that Entra gives them.
impl Clues<'_> {
    pub(super) fn fields(&self) -> &Properties<'_> {
        &self.sign_in.record.sign_in
    }

    pub(super) fn category(&self) -> Evidence {
        let written = self.sign_in.record.envelope.category.as_str();
        if written.is_empty() {
            let taken_as = self.sign_in.category.name();
            return Evidence::of("category", format!("not written, taken as {taken_as}"));
        }
        Evidence::of("category", written)
    }

    pub(super) fn client_app_used(&self) -> Evidence {
        let row = self.client_app.map(|app| app.row);
        Evidence::of("clientAppUsed", self.fields().client_app_used.as_str()).found_in(row)
    }

    pub(super) fn user_agent(&self) -> Evidence {
        let row = self.agent.map(|agent| agent.row);
        Evidence::of("userAgent", self.fields().user_agent.as_str()).found_in(row)
    }

    pub(super) fn app_id(&self) -> Evidence {
        let row = self.app.map(|app| app.row);
        Evidence::of("appId", self.fields().app_id.as_str()).found_in(row)
    }

    pub(super) fn resource_id(&self) -> Evidence {
        let row = self.resource.map(|resource| resource.row);
        Evidence::of("resourceId", self.sign_in.resource_id).found_in(row)
    }

    pub(super) fn authentication_protocol(&self) -> Evidence {
        let written = self.fields().authentication_protocol.as_str();
        let row = self.token_protocol.map(|protocol| protocol.row);
        Evidence::of("authenticationProtocol", written).found_in(row)
    }

    /// The code under the name of the field that it was read from.
    pub(super) fn error_code(&self) -> Evidence {
        let own = self.fields().status.error_code.0;
        let outer = self.sign_in.record.envelope.result_type.0;
        let field = match (own, outer) {
            (None, Some(_)) => "resultType",
            _ => "status.errorCode",
        };
        let value = own.or(outer).map(|code| code.to_string());
        Evidence::of(field, value.unwrap_or_default()).found_in(self.code.map(|code| code.row))
    }

    pub(super) fn steps(&self) -> Evidence {
        let steps = self.sign_in.steps().iter().map(|step| {
            let succeeded = match step.succeeded.0 {
                Some(true) => "succeeded",
                Some(false) => "did not succeed",
                None => "does not say whether it succeeded",
            };
            format!("{} {succeeded}", step.method.as_str())
        });
        let steps: Vec<String> = steps.collect();
        Evidence::of("authenticationDetails", steps.join("; "))
    }

    pub(super) fn policies(&self) -> Evidence {
        let policies = self.sign_in.policies().iter();
        let policies = policies.map(|policy| {
            let (name, result) = (policy.name.as_str(), policy.result.as_str());
            format!("{name}: {result}")
        });
        let policies: Vec<String> = policies.collect();
        Evidence::of("appliedConditionalAccessPolicies", policies.join("; "))
    }

    /// What a policy demands, and what the table says of the first of it that it knows.
    pub(super) fn grant_controls(&self, policy: &Policy) -> Evidence {
        let controls: Vec<&str> = policy.grant_controls.iter().collect();
        let mut known = controls.iter().filter_map(|it| self.grant_control(it));
        let row = known.next().map(|control| control.row);
        Evidence::of("enforcedGrantControls", controls.join(", ")).found_in(row)
    }

    pub(super) fn grant_control(&self, written: &str) -> Option<GrantControl> {
        self.knowledge.grant_control(written)
    }
}

pub(super) fn conditions(policy: &Policy) -> Evidence {
    let names = Conditions::names(&policy.conditions_satisfied);
    let value = names.map(|names| format!("{names} (bits {})", satisfied(policy)));
    Evidence::of("conditionsSatisfied", value.unwrap_or_default())
}

//! The class of a code: one word for how a sign-in ended that did not succeed.
//!
//! Owns the names and what they mean. What a class does to a verdict is data
//! (`schemas/failure_classes.csv`), and so is which code belongs to which.

use super::sign_in::closed_list;

closed_list! {
    /// What the codes of the service are sorted into.
    FailureClass {
        /// It succeeded; in tables such a sign-in has no class.
        Success = "success",
        /// A step of a normal sign-in: to choose an account, to confirm, to consent.
        Interrupt = "interrupt",
        /// More than the password is asked for: the next step of a modern client, the end of a
        /// legacy one.
        MfaInterrupt = "mfa_interrupt",
        /// Conditional Access refused.
        CaBlock = "ca_block",
        /// Conditional Access refused for the state or platform of the device.
        CaDevice = "ca_device",
        /// Security defaults refused.
        SecurityDefaults = "security_defaults",
        /// A security policy for the whole tenant refused.
        TenantPolicy = "tenant_policy",
        /// The password is wrong.
        Password = "password",
        /// The account is locked, or the address is known as malicious.
        Locked = "locked",
        /// The password has expired or must be changed.
        Expired = "expired",
        /// The account is disabled.
        Disabled = "disabled",
        /// There is no such user or tenant.
        UnknownUser = "unknown_user",
        /// A token, session or code has expired or was revoked.
        Token = "token",
        /// The device could not prove what it is.
        Device = "device",
        /// The federated or on-premises part of the sign-in failed.
        Federation = "federation",
        /// The application, its consent or its configuration is at fault.
        App = "app",
        /// Refused because the user or the sign-in is at risk.
        Risk = "risk",
        /// One of the two tenants does not allow the other.
        TenantRestriction = "tenant_restriction",
        /// The service failed for the moment.
        Transient = "transient",
        /// The second factor was denied, failed or not given in time.
        MfaFailed = "mfa_failed",
        /// A modern client asked for the same thing too often.
        Loop = "loop",
        /// None of these; so are a code that the table does not know, and no code at all.
        Other = "other",
    }
}

closed_list! {
    /// How a sign-in with a code ends.
    Ends {
        /// With a token.
        Success = "success",
        /// Not yet: the client can go on.
        Interrupt = "interrupt",
        /// Refused by a policy.
        Block = "block",
        /// Refused for another reason.
        Fail = "fail",
    }
}

impl FailureClass {
    /// The class of this name; a name of another version of the tables is `Other`.
    #[must_use]
    pub fn named(name: &str) -> FailureClass {
        FailureClass::parse(name).unwrap_or(FailureClass::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_a_name_and_a_meaning_and_an_unknown_name_is_other() {
        let class = FailureClass::CaBlock;
        assert_eq!(
            (class.name(), class.meaning()),
            ("ca_block", "Conditional Access refused.")
        );
        assert_eq!(FailureClass::parse("ca_block"), Some(class));
        for name in ["", "conditional_access", "bad_password", "other_failure"] {
            assert_eq!(FailureClass::parse(name), None);
            assert_eq!(FailureClass::named(name), FailureClass::Other, "{name}");
        }
    }
}

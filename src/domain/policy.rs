//! What a Conditional Access policy said and what it demands, in closed lists.
//!
//! Owns how a result is read, for verdicts and for merging alike. Which words of the log name which
//! control is data (`schemas/grant_controls.csv`).

use super::sign_in::closed_list;

closed_list! {
    /// What a policy said of a sign-in, as Graph words it; each stands at the place of its number
    /// in the service's own enumeration (Microsoft Graph, `appliedConditionalAccessPolicyResult`).
    PolicyResult {
        /// It applied and was met.
        Success = "success",
        /// It applied and was not met.
        Failure = "failure",
        /// Its conditions were not met.
        NotApplied = "notApplied",
        /// It is switched off.
        NotEnabled = "notEnabled",
        /// The service does not know.
        Unknown = "unknown",
        /// A value that came after the interface.
        UnknownFutureValue = "unknownFutureValue",
        /// It only reports: it would have been met.
        ReportOnlySuccess = "reportOnlySuccess",
        /// It only reports: it would not have been met.
        ReportOnlyFailure = "reportOnlyFailure",
        /// It only reports: its conditions were not met.
        ReportOnlyNotApplied = "reportOnlyNotApplied",
        /// It only reports: the person would have been asked for more.
        ReportOnlyInterrupted = "reportOnlyInterrupted",
    }
}

impl PolicyResult {
    /// Reads a result however it is cased, or its number; `None` for a word that is none.
    #[must_use]
    pub fn of(text: &str) -> Option<PolicyResult> {
        if let [digit @ b'0'..=b'9'] = text.as_bytes() {
            return PolicyResult::ALL.get(usize::from(digit - b'0')).copied();
        }
        let mut all = PolicyResult::ALL.iter().copied();
        all.find(|result| result.name().eq_ignore_ascii_case(text))
    }

    /// Whether a policy that said this looked at the sign-in at all. The view `sign_ins_latest` has
    /// the same rule in SQL. A word that is not known may be that of a policy that did.
    #[must_use]
    pub fn took_part(text: &str) -> bool {
        let result = PolicyResult::of(text);
        let none = [PolicyResult::NotApplied, PolicyResult::NotEnabled];
        !text.is_empty() && !result.is_some_and(|result| none.contains(&result))
    }
}

closed_list! {
    /// What kind of thing a policy demands before it lets somebody in.
    ControlKind {
        /// Nothing helps: it blocks.
        Block = "block",
        /// A compliant or joined device.
        Device = "device",
        /// An approved or protected app.
        App = "app",
        /// Multifactor authentication.
        Mfa = "mfa",
        /// Consent to terms of use.
        TermsOfUse = "terms_of_use",
        /// A change of the password.
        PasswordChange = "password_change",
        /// Something else, such as a control of another vendor.
        Other = "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_a_word_in_any_case_or_its_number() {
        for (place, result) in PolicyResult::ALL.iter().enumerate() {
            let name = result.name();
            let spellings = [name.to_owned(), name.to_uppercase(), place.to_string()];
            for text in spellings {
                assert_eq!(PolicyResult::of(&text), Some(*result), "{text}");
            }
        }
        assert_eq!(PolicyResult::ALL[9], PolicyResult::ReportOnlyInterrupted);
        for text in ["", "10", "interrupt", "-1", "failure "] {
            assert_eq!(PolicyResult::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_policy_took_part_unless_it_says_that_it_did_not() {
        for text in ["", "notApplied", "NOTAPPLIED", "2", "notenabled", "3"] {
            assert!(!PolicyResult::took_part(text), "{text:?}");
        }
        for text in ["success", "1", "8", "reportOnlyNotApplied", "neverHeardOf"] {
            assert!(PolicyResult::took_part(text), "{text:?}");
        }
    }
}

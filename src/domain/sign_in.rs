//! The closed lists that a classified sign-in is described with.
//!
//! Every enum knows its stable name, which is what tables, metrics and dashboards show. Knowledge
//! about particular clients and codes is data under `schemas/`, not here.

/// Declares a closed list with one stable lower-case name per variant; what a variant means is its
/// doc comment, for readers of the code and of the documents alike.
macro_rules! closed_list {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[doc = $vdoc:literal])+ $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $vdoc])+ $variant,)+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The stable name in tables, metrics and SQL.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// What it stands for, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $($name::$variant => concat!($($vdoc),+).trim_ascii(),)+ }
            }

            /// The variant with this stable name.
            #[must_use]
            pub fn parse(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

pub(crate) use closed_list;

closed_list! {
    /// Whether legacy (basic) or modern authentication was spoken.
    AuthClass {
        /// Basic authentication in any of its protocols.
        Legacy = "legacy",
        /// Token-based sign-in of a browser or a native app.
        Modern = "modern",
        /// Password grant at a modern endpoint: cannot do MFA, not caught by "Other clients".
        Ropc = "ropc",
        /// The record does not tell; never guessed.
        Unknown = "unknown",
        /// Not a person's sign-in (service principals, managed identities).
        NotApplicable = "not_applicable",
    }
}

closed_list! {
    /// The rule that decided the class.
    AuthClassReason {
        /// The log is not one of people's sign-ins.
        Category = "category",
        /// The client app tells, legacy or modern.
        ClientApp = "client_app",
        /// The user agent alone tells that it was legacy.
        UserAgent = "user_agent",
        /// The token was asked for with a password.
        AuthenticationProtocol = "authentication_protocol",
        /// The record names no client app that tells, but a protocol that is modern only.
        ModernProtocol = "modern_protocol",
        /// The record names no client app, and nothing else tells: unknown.
        NoClientApp = "no_client_app",
        /// The table does not know the client app or its class: unknown.
        UnknownClientApp = "unknown_client_app",
    }
}

closed_list! {
    /// What was spoken to the service.
    Protocol {
        /// Exchange ActiveSync.
        Activesync = "activesync",
        /// SMTP submission.
        Smtp = "smtp",
        /// IMAP4.
        Imap = "imap",
        /// POP3.
        Pop = "pop",
        /// MAPI over HTTP.
        MapiHttp = "mapi_http",
        /// Outlook Anywhere (RPC over HTTP).
        RpcHttp = "rpc_http",
        /// Autodiscover.
        Autodiscover = "autodiscover",
        /// Exchange Web Services.
        Ews = "ews",
        /// Offline address book.
        Oab = "oab",
        /// Windows Mail and Calendar.
        OutlookService = "outlook_service",
        /// Exchange Online remote PowerShell.
        Powershell = "powershell",
        /// Reporting web services.
        Reporting = "reporting",
        /// Legacy, but the log does not say which ("Other clients").
        OtherLegacy = "other_legacy",
        /// A web browser.
        Browser = "browser",
        /// A native client with modern authentication.
        NativeApp = "native_app",
        /// The record does not tell.
        Unknown = "unknown",
    }
}

closed_list! {
    /// How a sign-in ended.
    Outcome {
        /// A token was issued.
        Success = "success",
        /// A normal intermediate step of a modern sign-in.
        Interrupted = "interrupted",
        /// Refused by a policy.
        Blocked = "blocked",
        /// Refused for another reason; the failure class says which.
        Failed = "failed",
    }
}

closed_list! {
    /// Why a policy refused a sign-in.
    BlockReason {
        /// A block policy aimed at legacy clients.
        LegacyAuthPolicy = "legacy_auth_policy",
        /// A block policy on legacy clients and a further condition.
        LegacyPlusCondition = "legacy_plus_condition",
        /// A block policy without any condition on the client.
        BlanketPolicy = "blanket_policy",
        /// Blocked because of the place.
        Location = "location",
        /// Blocked because of sign-in or user risk.
        Risk = "risk",
        /// Blocked because of platform or device state, or for want of a device that is managed.
        Device = "device",
        /// A policy aimed at a type of modern client.
        ClientTypePolicy = "client_type_policy",
        /// The policy asked for what a legacy client cannot give (MFA, a compliant device).
        LegacyCannotSatisfyControl = "legacy_cannot_satisfy_control",
        /// The policy asked for multifactor authentication, which was not given.
        MfaRequired = "mfa_required",
        /// The policy asked for an approved or protected app.
        AppProtection = "app_protection",
        /// The policy asked for consent to terms of use.
        TermsOfUse = "terms_of_use",
        /// The policy asked for a change of the password.
        PasswordChange = "password_change",
        /// The policy asked for something else, or for several things without saying which lacked.
        ControlNotMet = "control_not_met",
        /// Security defaults of the tenant.
        SecurityDefaults = "security_defaults",
        /// A tenant-wide security policy.
        TenantPolicy = "tenant_policy",
        /// Blocked, but the record does not tell by which policy, or not what that policy is about.
        Unexplained = "unexplained",
    }
}

closed_list! {
    /// Whether the password was right: access policies run after the password check.
    PasswordVerified {
        /// The password step passed.
        Yes = "yes",
        /// The password was wrong or not checked successfully.
        No = "no",
        /// The record does not tell.
        Unknown = "unknown",
    }
}

closed_list! {
    /// By which kind of software a modern success reached Exchange Online.
    Channel {
        /// Outlook for Windows or Mac.
        OutlookDesktop = "outlook_desktop",
        /// Outlook for iOS or Android.
        OutlookMobile = "outlook_mobile",
        /// The mail app of the phone or computer itself.
        NativeMail = "native_mail",
        /// Outlook on the web.
        OutlookWeb = "outlook_web",
        /// Any other program with modern authentication.
        OtherMail = "other_mail",
    }
}

closed_list! {
    /// Which sign-in log an event belongs to; names as Azure Monitor spells the categories.
    Category {
        /// A person took part.
        InteractiveUser = "SignInLogs",
        /// A client acted for a person.
        NonInteractiveUser = "NonInteractiveUserSignInLogs",
        /// An application acted for itself.
        ServicePrincipal = "ServicePrincipalSignInLogs",
        /// A managed identity of Azure.
        ManagedIdentity = "ManagedIdentitySignInLogs",
        /// Active Directory Federation Services.
        Adfs = "ADFSSignInLogs",
        /// An application of Microsoft itself.
        MicrosoftServicePrincipal = "MicrosoftServicePrincipalSignInLogs",
        /// A log of sign-ins that came after this program.
        OtherSignIns = "OtherSignInLogs",
    }
}

impl Category {
    /// The log of this name, however it is cased (Microsoft's own spelling varies).
    #[must_use]
    pub fn of_log(name: &str) -> Option<Category> {
        Category::ALL
            .iter()
            .copied()
            .find(|category| category.name().eq_ignore_ascii_case(name))
    }

    /// Whether the events are sign-ins of people.
    #[must_use]
    pub fn is_user(self) -> bool {
        matches!(
            self,
            Category::InteractiveUser | Category::NonInteractiveUser | Category::Adfs
        )
    }

    /// What the log itself says about a person's part.
    #[must_use]
    pub fn is_interactive(self) -> Option<bool> {
        match self {
            Category::InteractiveUser | Category::Adfs => Some(true),
            Category::NonInteractiveUser => Some(false),
            Category::ServicePrincipal
            | Category::ManagedIdentity
            | Category::MicrosoftServicePrincipal
            | Category::OtherSignIns => None,
        }
    }
}

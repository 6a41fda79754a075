//! The closed lists that are labels of metrics and nothing else.
//!
//! Lists that also describe sign-ins, loops or mailboxes stand in `domain`; here is what only an
//! operator asks about. No list holds anything that names a person, an address or a program's text.

use crate::domain::sign_in::closed_list;
use crate::domain::sign_in::{AuthClass, Category, Protocol};

closed_list! {
    /// What a record of another log was.
    PassedOver {
        /// A change of the directory.
        Audit = "audit",
        /// Anything else.
        Other = "other",
    }
}

closed_list! {
    /// How a sign-in was met again.
    Duplicate {
        /// The same in every field.
        Copy = "copy",
        /// The same sign-in with something changed or added.
        Revision = "revision",
    }
}

closed_list! {
    /// A stage of the pipeline.
    Stage {
        /// Bytes to classified sign-ins.
        Decode = "decode",
        /// Rows to durable files.
        Commit = "commit",
        /// Signals to findings.
        Detect = "detect",
    }
}

closed_list! {
    /// What the broker client complained about.
    BrokerError {
        /// A connection could not be made or broke.
        Transport = "transport",
        /// An answer took too long.
        Timeout = "timeout",
        /// The credentials were refused.
        Auth = "auth",
        /// The topic or partition does not exist.
        UnknownTopic = "unknown_topic",
        /// The offset to read is no longer, or not yet, in the topic.
        OffsetOutOfRange = "offset_out_of_range",
        /// Anything else.
        Other = "other",
    }
}

closed_list! {
    /// What became of the rows of the last migration import.
    FeedRows {
        /// Taken in.
        Loaded = "loaded",
        /// Taken in, but nobody seen matches them.
        Unresolved = "unresolved",
        /// Not readable.
        Refused = "refused",
    }
}

closed_list! {
    /// Why a commit to the lake failed.
    CommitFailure {
        /// Somebody else wrote to the table.
        Conflict = "conflict",
        /// The disk or store.
        Io = "io",
        /// Anything else.
        Other = "other",
    }
}

closed_list! {
    /// What is kept in memory.
    Store {
        /// People with attempts or successes.
        Users = "users",
        /// Fingerprints of sign-ins, against duplicates.
        Fingerprints = "fingerprints",
    }
}

/// The label of a log: its own name is Microsoft's spelling.
#[must_use]
pub(super) const fn category(category: Category) -> &'static str {
    match category {
        Category::InteractiveUser => "interactive",
        Category::NonInteractiveUser => "non_interactive",
        Category::ServicePrincipal => "service_principal",
        Category::ManagedIdentity => "managed_identity",
        Category::Adfs => "adfs",
        Category::MicrosoftServicePrincipal => "microsoft_service_principal",
        Category::OtherSignIns => "other",
    }
}

/// The protocols that a sign-in of this class can normally have: the series that exist from the start.
#[must_use]
pub(super) fn usual_protocols(class: AuthClass) -> &'static [Protocol] {
    use Protocol::{Browser, NativeApp, Unknown};
    match class {
        AuthClass::Legacy => LEGACY_PROTOCOLS,
        AuthClass::Modern | AuthClass::Ropc => &[Browser, NativeApp, Unknown],
        AuthClass::Unknown | AuthClass::NotApplicable => &[Unknown],
    }
}

/// The protocols of basic authentication.
pub(super) const LEGACY_PROTOCOLS: &[Protocol] = &[
    Protocol::Activesync,
    Protocol::Smtp,
    Protocol::Imap,
    Protocol::Pop,
    Protocol::MapiHttp,
    Protocol::RpcHttp,
    Protocol::Autodiscover,
    Protocol::Ews,
    Protocol::Oab,
    Protocol::OutlookService,
    Protocol::Powershell,
    Protocol::Reporting,
    Protocol::OtherLegacy,
];

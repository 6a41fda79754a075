//! What the detector needs of one sign-in, and nothing more.
//!
//! A signal is derived from the columns of a stored sign-in, so that the detector's state can be
//! folded again from the lake and comes out the same as from the stream.

use super::classify::Verdict;
use super::classify::trace::{Answer, Evidence, Silent, Trace, decide};
use super::decode::normalise::SignIn;
use super::failure_class::FailureClass;
use super::hash::fnv64;
use super::knowledge::{Knowledge, ROPC_GROUP};
use super::sign_in::{AuthClass, Channel, Outcome, PasswordVerified, Protocol};

/// A user of a tenant; both are GUIDs as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId {
    /// The tenant's id.
    pub tenant: u128,
    /// The user's object id, never zero.
    pub user: u128,
}

/// One sign-in as the detector sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Whose sign-in it was.
    pub user: UserId,
    /// User principal name as logged, lower-case.
    pub user_principal_name: String,
    /// Display name as logged, empty if absent; only used for weak identity joins.
    pub display_name: String,
    /// When it happened, UTC microseconds.
    pub at: i64,
    /// What it means.
    pub kind: SignalKind,
}

impl Signal {
    /// Whether it may come from a later copy of a sign-in that is known. What the copy tells of an
    /// attempt is known from the first one; that the sign-in succeeded after all may be new, as when
    /// the second factor was given, and the same success twice is one.
    #[must_use]
    pub fn is_news_of_a_copy(&self) -> bool {
        match self.kind {
            SignalKind::LegacySuccess { .. } | SignalKind::ModernSuccess { .. } => true,
            SignalKind::Attempt(_) => false,
        }
    }
}

/// What a sign-in means to loops and mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignalKind {
    /// A legacy or password-grant sign-in that did not succeed.
    Attempt(Attempt),
    /// A legacy sign-in of this client group that succeeded.
    LegacySuccess {
        /// The software it belongs to, by name of its client group.
        client_group: &'static str,
    },
    /// A modern sign-in to Exchange Online that succeeded.
    ModernSuccess {
        /// By which kind of software.
        channel: Channel,
    },
}

/// A failed or blocked legacy sign-in of a known user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The software it belongs to, by name of its client group.
    pub client_group: &'static str,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which software, as far as the user agent tells.
    pub client_family: &'static str,
    /// The AADSTS code.
    pub error_code: i32,
    /// Class of the code in the error table.
    pub failure_class: &'static str,
    /// Whether the password was right.
    pub password_verified: PasswordVerified,
    /// Hash of the address, 0 if absent.
    pub ip: u64,
}

/// The columns of a stored sign-in that decide its signal.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Tenant, a GUID as text.
    pub tenant_id: &'a str,
    /// Object id of the user.
    pub user_id: &'a str,
    /// Sign-in name of the user.
    pub user_principal_name: &'a str,
    /// Display name of the user.
    pub display_name: &'a str,
    /// When it happened, UTC microseconds.
    pub event_time: i64,
    /// Legacy, modern, …
    pub auth_class: AuthClass,
    /// What was spoken.
    pub protocol: Protocol,
    /// Which software.
    pub client_family: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// Class of the code, empty on success.
    pub failure_class: &'a str,
    /// The AADSTS code.
    pub error_code: i32,
    /// Whether the password was right.
    pub password_verified: PasswordVerified,
    /// Software of a modern success at Exchange Online.
    pub channel: Option<Channel>,
    /// Address of the client.
    pub ip_address: &'a str,
}

impl<'a> Facts<'a> {
    /// The facts of a sign-in that has just been classified.
    #[must_use]
    pub fn of(sign_in: &'a SignIn<'a>, verdict: &Verdict) -> Facts<'a> {
        let fields = &sign_in.record.sign_in;
        Facts {
            tenant_id: sign_in.tenant_id,
            user_id: fields.user_id.as_str(),
            user_principal_name: fields.user_principal_name.as_str(),
            display_name: fields.user_display_name.as_str(),
            event_time: sign_in.event_time,
            auth_class: verdict.auth_class,
            protocol: verdict.protocol,
            client_family: verdict.client_family,
            outcome: verdict.outcome,
            failure_class: verdict.failure_class.unwrap_or(""),
            error_code: sign_in.error_code.unwrap_or(0),
            password_verified: verdict.password_verified,
            channel: verdict.channel,
            ip_address: sign_in.ip_address,
        }
    }
}

/// Which kind of signal a sign-in is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Nothing,
    ModernSuccess(Channel),
    LegacySuccess,
    Attempt,
}

impl Answer for Meaning {
    fn name(self) -> &'static str {
        match self {
            Meaning::Nothing => "none",
            Meaning::ModernSuccess(_) => "modern_success",
            Meaning::LegacySuccess => "legacy_success",
            Meaning::Attempt => "attempt",
        }
    }
}

impl Facts<'_> {
    /// What the sign-in means to the detector; most mean nothing.
    #[must_use]
    pub fn signal(&self, knowledge: &'static Knowledge) -> Option<Signal> {
        self.signal_traced(knowledge, &mut Silent)
    }

    /// The same signal, telling of every rule that was tried.
    #[must_use]
    pub fn signal_traced(
        &self,
        knowledge: &'static Knowledge,
        trace: &mut impl Trace,
    ) -> Option<Signal> {
        let kind = match self.meaning(trace) {
            Meaning::Nothing => return None,
            Meaning::ModernSuccess(channel) => SignalKind::ModernSuccess { channel },
            Meaning::LegacySuccess => SignalKind::LegacySuccess {
                client_group: self.client_group(knowledge, trace),
            },
            Meaning::Attempt => SignalKind::Attempt(Attempt {
                client_group: self.client_group(knowledge, trace),
                protocol: self.protocol,
                client_family: knowledge.family_named(self.client_family),
                error_code: self.error_code,
                failure_class: FailureClass::named(self.failure_class).name(),
                password_verified: self.password_verified,
                ip: fnv64(self.ip_address.as_bytes()),
            }),
        };
        Some(Signal {
            user: UserId {
                tenant: parse_guid(self.tenant_id).unwrap_or(0),
                user: self.user()?,
            },
            user_principal_name: self.user_principal_name.to_lowercase(),
            display_name: self.display_name.to_owned(),
            at: self.event_time,
            kind,
        })
    }

    fn user(&self) -> Option<u128> {
        parse_guid(self.user_id).filter(|user| *user != 0)
    }

    fn meaning(&self, trace: &mut impl Trace) -> Meaning {
        let is_legacy = matches!(self.auth_class, AuthClass::Legacy | AuthClass::Ropc);
        let is_success = self.outcome == Outcome::Success;
        let means_nothing = self.channel.is_none() && !is_legacy;
        let channel = || Evidence::of("channel", self.channel.map_or("none", Channel::name));
        let class = || Evidence::of("auth_class", self.auth_class.name());
        let outcome = || Evidence::of("outcome", self.outcome.name());
        let (meaning, _) = decide! { Signal by trace;
            "not_legacy": "it is no legacy sign-in, and no modern success at Exchange Online",
                [class(), channel()], means_nothing.then_some(Meaning::Nothing);
            "no_user_id": "it names no user that could be followed",
                [Evidence::of("userId", self.user_id)],
                self.user().is_none().then_some(Meaning::Nothing);
            "modern_success": "it is a modern success at Exchange Online",
                [channel()], self.channel.map(Meaning::ModernSuccess);
            "legacy_success": "it is a legacy sign-in that succeeded",
                [class(), outcome()], is_success.then_some(Meaning::LegacySuccess);
            else "attempt": "it is a legacy sign-in that did not succeed",
                [class(), outcome()], Meaning::Attempt;
        };
        meaning
    }

    /// The piece of software that a legacy sign-in belongs to.
    fn client_group(&self, knowledge: &'static Knowledge, trace: &mut impl Trace) -> &'static str {
        let is_ropc = self.auth_class == AuthClass::Ropc;
        let by_family = knowledge.group_of_family(self.client_family, self.protocol);
        let by_protocol = knowledge.group_of_protocol(self.protocol);
        let class = || Evidence::of("auth_class", self.auth_class.name());
        let protocol = || Evidence::of("protocol", self.protocol.name());
        let family = || Evidence::of("client_family", self.client_family);
        let (group, _) = decide! { ClientGroup by trace;
            "password_grant": "it is a password grant at a modern endpoint",
                [class()], is_ropc.then_some(ROPC_GROUP);
            "client_family": "this software belongs elsewhere than what it speaks",
                [family().found_in(by_family.map(|group| group.row)), protocol()],
                by_family.map(|group| group.name);
            "protocol": "what it speaks tells the software",
                [protocol().found_in(by_protocol.map(|group| group.row))],
                by_protocol.map(|group| group.name);
            else "no_group": "no row of the tables has this protocol",
                [protocol()], ROPC_GROUP;
        };
        group
    }
}

/// A GUID as text to its number: with dashes or without, perhaps in braces; `None` for anything else.
#[must_use]
pub fn parse_guid(text: &str) -> Option<u128> {
    let bare = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let bytes = bare.unwrap_or(text).as_bytes();
    let is_dash = |place: usize| bytes.len() == 36 && matches!(place, 8 | 13 | 18 | 23);
    if !matches!(bytes.len(), 32 | 36) {
        return None;
    }
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if !is_dash(place) {
            value = value << 4 | u128::from((*byte as char).to_digit(16)?);
        } else if *byte != b'-' {
            return None;
        }
    }
    Some(value)
}

//! One mailbox of a migration, and the key that says which mailbox it is.
//!
//! Owns the comparison rules of identities: letters are compared without case, object ids as
//! numbers, and the zero id is no id. Must not know where a mailbox was read from beyond its
//! line, nor how a sign-in is joined to it (that is the index).

use std::borrow::Cow;
use std::fmt;

/// The batch of a mailbox whose export names none.
pub const UNBATCHED: &str = "unbatched";

/// What one row of an export says about one mailbox. Texts are as written, keys compare folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The strongest key of the row: the same mailbox has the same key in every import.
    pub user: UserKey,
    pub user_principal_name: Option<String>,
    /// The Entra object id, in lower case with hyphens.
    pub object_id: Option<String>,
    pub alias: Option<String>,
    pub display_name: Option<String>,
    /// The Exchange GUID, in lower case with hyphens. No sign-in carries it.
    pub exchange_guid: Option<String>,
    /// Never empty: [`UNBATCHED`] when the export names no batch.
    pub batch: String,
    /// The cutover in UTC microseconds; `None` when the move is not completed.
    pub cutover_at: Option<i64>,
    /// The state as the export wrote it; empty when the export has no such column.
    pub status: String,
    /// The line of the file on which the row begins.
    pub line: u64,
}

impl Mailbox {
    /// The strongest key that the identities of this mailbox give; `None` when it has none.
    pub fn strongest_key(&self) -> Option<UserKey> {
        let keys = [
            ("oid", &self.object_id),
            ("upn", &self.user_principal_name),
            ("guid", &self.exchange_guid),
            ("alias", &self.alias),
            ("name", &self.display_name),
        ];
        let (kind, value) = keys
            .into_iter()
            .find_map(|(kind, value)| Some((kind, value.as_ref()?)))?;
        Some(UserKey::new(format!("{kind}:{}", folded(value))))
    }

    /// Whether the mailbox has a key that sign-ins carry and that belongs to one user only.
    pub fn has_strong_key(&self) -> bool {
        self.object_id.is_some() || self.user_principal_name.is_some()
    }
}

/// Which mailbox: `oid:…`, `upn:…`, `guid:…`, `alias:…` or `name:…`, in lower case.
///
/// Different people may share an alias or a display name. Where one file has several, the second
/// is `name2:…` and so on, so that they stay apart and are seen to be ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserKey(String);

impl UserKey {
    /// The key with this text, as [`UserKey::as_str`] gave it.
    pub fn new(text: impl Into<String>) -> UserKey {
        UserKey(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of the `nth` mailbox (from 2) that has this weak key in one file.
    pub(super) fn nth(&self, nth: usize) -> UserKey {
        UserKey(self.0.replacen(':', &format!("{nth}:"), 1))
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text as keys compare it: trimmed and in lower case, borrowed when it already is.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.to_lowercase())
}

/// Whether a text looks like `local@domain` and like nothing else.
pub(super) fn is_address(text: &str) -> bool {
    let foreign = |c: char| c.is_whitespace() || c.is_control() || r#""(),:;<>[]\/=|"#.contains(c);
    match text.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.contains(foreign)
        }
        None => false,
    }
}

/// A GUID with hyphens, in braces or without. The zero GUID stands for "none" and is none.
pub(super) fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim();
    let inner = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(text);
    let hyphens = [8, 13, 18, 23];
    if inner.len() != 36 {
        return None;
    }
    let mut value = 0_u128;
    for (at, byte) in inner.bytes().enumerate() {
        if hyphens.contains(&at) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        value = value << 4 | u128::from(char::from(byte).to_digit(16)?);
    }
    (value != 0).then_some(value)
}

/// A GUID as messages and tables write it.
pub(super) fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

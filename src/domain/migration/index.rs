//! Which migrated mailbox a sign-in's user owns, and how sure that is.
//!
//! Strong keys (object id, user principal name) decide alone. Weak keys (alias, display name)
//! join only when exactly one mailbox has them and no strong key of that mailbox speaks against
//! it; an ambiguous weak key never joins, it is listed. An index is built once per import and
//! then only read. Must not know where mailboxes come from.

use super::mailbox::{Mailbox, UserKey, folded, parse_guid};
use std::collections::{BTreeMap, HashMap};

/// What a sign-in says about its user; an empty text says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity<'a> {
    pub user_id: &'a str,
    pub user_principal_name: &'a str,
    pub display_name: &'a str,
}

/// By what a user was joined to a mailbox, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    ObjectId,
    UserPrincipalName,
    /// The alias is the local part of the user principal name.
    Alias,
    DisplayName,
}

impl Join {
    /// Whether the join is a likelihood and must be reported as one.
    pub fn is_weak(self) -> bool {
        match self {
            Join::ObjectId | Join::UserPrincipalName => false,
            Join::Alias | Join::DisplayName => true,
        }
    }
}

/// The mailbox of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    pub mailbox: &'a Mailbox,
    pub joined_by: Join,
}

/// A weak key that several mailboxes have and that therefore joins none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous<'a> {
    pub key: Join,
    pub value: &'a str,
    pub mailboxes: Vec<&'a Mailbox>,
}

/// Every mailbox once, found by any of its keys.
#[derive(Debug, Clone, Default)]
pub struct MigrationIndex {
    mailboxes: Vec<Mailbox>,
    by_object_id: HashMap<u128, usize>,
    by_upn: HashMap<String, usize>,
    by_alias: HashMap<String, Vec<usize>>,
    by_display_name: HashMap<String, Vec<usize>>,
}

impl MigrationIndex {
    /// Takes mailboxes in the order of their imports: of several with one key the last is kept.
    pub fn new(mailboxes: impl IntoIterator<Item = Mailbox>) -> MigrationIndex {
        let mut index = MigrationIndex::default();
        let mut place_of: HashMap<UserKey, usize> = HashMap::new();
        for mailbox in mailboxes {
            match place_of.get(&mailbox.user) {
                Some(place) => index.mailboxes[*place] = mailbox,
                None => {
                    place_of.insert(mailbox.user.clone(), index.mailboxes.len());
                    index.mailboxes.push(mailbox);
                }
            }
        }
        index.fill();
        index
    }

    fn fill(&mut self) {
        for (place, mailbox) in self.mailboxes.iter().enumerate() {
            if let Some(id) = mailbox.object_id.as_deref().and_then(parse_guid) {
                self.by_object_id.insert(id, place);
            }
            if let Some(upn) = key_of(mailbox.user_principal_name.as_deref()) {
                self.by_upn.insert(upn, place);
            }
            if let Some(alias) = key_of(mailbox.alias.as_deref()) {
                self.by_alias.entry(alias).or_default().push(place);
            }
            if let Some(name) = key_of(mailbox.display_name.as_deref()) {
                self.by_display_name.entry(name).or_default().push(place);
            }
        }
    }

    /// The mailbox of a user by the strongest key that joins; `None` when none does.
    pub fn find(&self, user: &Identity<'_>) -> Option<Found<'_>> {
        let object_id = parse_guid(user.user_id);
        let upn = folded(user.user_principal_name);
        let found = |place: &usize, joined_by| Found {
            mailbox: &self.mailboxes[*place],
            joined_by,
        };
        if let Some(place) = object_id.and_then(|id| self.by_object_id.get(&id)) {
            return Some(found(place, Join::ObjectId));
        }
        if let Some(place) = self.by_upn.get(&*upn) {
            return Some(found(place, Join::UserPrincipalName));
        }
        let open = |found: &Found<'_>| {
            (object_id.is_none() || found.mailbox.object_id.is_none())
                && (upn.is_empty() || found.mailbox.user_principal_name.is_none())
        };
        let local_part = upn.split_once('@').map_or("", |(local, _)| local);
        let alias = only(self.by_alias.get(local_part)).map(|place| found(place, Join::Alias));
        alias.filter(open).or_else(|| {
            let name = folded(user.display_name);
            let place = only(self.by_display_name.get(&*name))?;
            Some(found(place, Join::DisplayName)).filter(open)
        })
    }

    /// Every mailbox, in the order in which its key was first seen.
    pub fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    pub fn len(&self) -> usize {
        self.mailboxes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.mailboxes.is_empty()
    }

    /// The weak keys that several mailboxes share, aliases first, by value. Mailboxes that have
    /// a strong key are named too: they are why the others cannot be joined.
    pub fn ambiguous(&self) -> Vec<Ambiguous<'_>> {
        let shared = |key: Join, map| {
            let map: &HashMap<String, Vec<usize>> = map;
            let sorted: BTreeMap<&String, &Vec<usize>> =
                map.iter().filter(|(_, places)| places.len() > 1).collect();
            sorted.into_iter().map(move |(value, places)| Ambiguous {
                key,
                value,
                mailboxes: places.iter().map(|place| &self.mailboxes[*place]).collect(),
            })
        };
        let aliases = shared(Join::Alias, &self.by_alias);
        aliases
            .chain(shared(Join::DisplayName, &self.by_display_name))
            .collect()
    }

    /// The mailboxes that no sign-in can be joined to: without a strong key, and without a weak
    /// key of their own.
    pub fn unresolved(&self) -> Vec<&Mailbox> {
        let own = |map: &HashMap<String, Vec<usize>>, text: Option<&str>| {
            key_of(text).is_some_and(|key| only(map.get(&key)).is_some())
        };
        let joinable = |mailbox: &&Mailbox| {
            mailbox.has_strong_key()
                || own(&self.by_alias, mailbox.alias.as_deref())
                || own(&self.by_display_name, mailbox.display_name.as_deref())
        };
        self.mailboxes
            .iter()
            .filter(|mailbox| !joinable(mailbox))
            .collect()
    }
}

fn key_of(text: Option<&str>) -> Option<String> {
    text.map(|text| folded(text).into_owned())
        .filter(|key| !key.is_empty())
}

fn only(places: Option<&Vec<usize>>) -> Option<&usize> {
    match places?.as_slice() {
        [place] => Some(place),
        _ => None,
    }
}

//! What was read before, recognised by its bytes.
//!
//! The sign-ins of a tenant repeat themselves: the same policies, and the same stretches of fields
//! that nobody wants, byte for byte. The same bytes at the same place in the grammar mean the same, so
//! one comparison takes the place of reading them. Never changes a meaning; may be forgotten at any
//! time; stays below about 40 MiB whatever comes, and below one for the log of a tenant.

use super::keys::{SLOTS, eight, mix};
use super::outline::Outline;
use crate::domain::decode::wire::Policy;

/// Longest stretch or policy kept: several times the length of a policy.
const BYTES_MAX: usize = 4096;
/// Most members of a stretch that are kept.
const MEMBERS_MAX: usize = 128;
/// Texts after which everything is learned anew: an odd record must not shorten stretches for ever.
const LIFETIME: u32 = 1 << 16;
/// Places for policies, each for the variants of one: with another result, or other conditions.
const PLACES: usize = 64;
const VARIANTS: usize = 8;

/// What a thread has read lately.
#[derive(Debug, Default)]
pub(super) struct Memory {
    stretches: Vec<Stretch>,
    policies: Vec<Vec<Seen>>,
    texts: u32,
}

/// Members of an object that nobody wants, one after the other.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    bytes: Vec<u8>,
    /// Where each member ends.
    ends: Vec<End>,
    /// The first member differed once, or white space stood behind it: it is not compared again.
    varies: bool,
}

/// The end of something, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) bytes: usize,
    pub(super) quotes: usize,
    /// Members of an object up to here.
    pub(super) members: usize,
}

impl End {
    /// Whether more may be learned behind it.
    pub(super) fn has_room(self) -> bool {
        self.bytes < BYTES_MAX && self.members < MEMBERS_MAX
    }
}

/// What is remembered of the members that begin at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recall {
    /// They were seen up to here.
    Until(End),
    /// They differ.
    Varies,
    /// They are seen for the first time.
    New,
}

/// A policy that was read.
#[derive(Debug)]
struct Seen {
    bytes: Vec<u8>,
    end: End,
    policy: Outline,
}

impl Memory {
    /// Another text begins.
    pub(super) fn next_text(&mut self) {
        self.texts += 1;
        if self.texts == LIFETIME {
            *self = Memory::default();
        }
    }

    /// What is known of the members after a key, by the table that does not have it and its slot.
    #[inline]
    pub(super) fn stretch(&mut self, table: usize, slot: usize) -> &mut Stretch {
        let place = table * SLOTS + slot;
        if self.stretches.len() <= place {
            self.stretches.resize_with(place + SLOTS, Stretch::default);
        }
        &mut self.stretches[place]
    }

    /// Makes `policy` the one that the text begins with, if it was seen before: its end.
    #[inline]
    pub(super) fn policy<'a>(&mut self, text: &'a str, policy: &mut Policy<'a>) -> Option<End> {
        let seen = self.policies.get_mut(place_of(text.as_bytes())?)?;
        let begins = |seen: &Seen| text.as_bytes().starts_with(&seen.bytes);
        let found = seen.iter().position(begins)?;
        let end = seen[found].end;
        seen[found].policy.fill(text, policy)?;
        // The frequent ones move to the front.
        seen.swap(found, found.saturating_sub(1));
        Some(end)
    }

    /// Stretches and policies that are remembered, and their bytes.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let stretches = self
            .stretches
            .iter()
            .filter(|stretch| !stretch.ends.is_empty());
        let policies = self.policies.iter().flatten();
        let bytes = self
            .stretches
            .iter()
            .map(|stretch| stretch.bytes.capacity());
        let bytes = bytes.chain(policies.clone().map(|seen| seen.bytes.capacity()));
        (stretches.count(), policies.count(), bytes.sum())
    }

    /// Keeps a policy that the text begins with.
    pub(super) fn note_policy(&mut self, text: &str, end: End, policy: &Policy) {
        let place = place_of(text.as_bytes()).filter(|_| end.bytes <= BYTES_MAX);
        let (Some(place), Some(outline)) = (place, Outline::of(policy, text)) else {
            return;
        };
        self.policies.resize_with(PLACES, Vec::new);
        let seen = &mut self.policies[place];
        seen.truncate(VARIANTS - 1);
        seen.push(Seen {
            bytes: text.as_bytes()[..end.bytes].to_vec(),
            end,
            policy: outline,
        });
    }
}

/// Policies begin with their id, which is what tells them apart: behind `{"id":"` stands its text.
#[inline]
fn place_of(text: &[u8]) -> Option<usize> {
    let id = text.get(7..23)?;
    Some((mix(eight(&id[..8]), eight(&id[8..])) >> 32) as usize % PLACES)
}

impl Stretch {
    /// Compares what was seen with what the text goes on with; what differs is forgotten.
    #[inline]
    pub(super) fn compare(&mut self, text: &[u8]) -> Recall {
        match self.ends.last() {
            _ if self.varies => Recall::Varies,
            None => Recall::New,
            Some(end) if text.starts_with(&self.bytes) && ends_a_member(text, end.bytes) => {
                Recall::Until(*end)
            }
            Some(_) => self.shorten(text),
        }
    }

    #[cold]
    fn shorten(&mut self, text: &[u8]) -> Recall {
        let pairs = self.bytes.iter().zip(text);
        let same = pairs.take_while(|(known, new)| known == new).count();
        self.ends
            .retain(|end| end.bytes <= same && ends_a_member(text, end.bytes));
        match self.ends.last() {
            Some(end) => {
                self.bytes.truncate(end.bytes);
                Recall::Until(*end)
            }
            None => {
                *self = Stretch {
                    varies: true,
                    ..Stretch::default()
                };
                Recall::Varies
            }
        }
    }

    /// Learns the members that the text begins with, as far as they are short enough.
    pub(super) fn learn(&mut self, text: &[u8], mut ends: Vec<End>) {
        ends.retain(|end| end.bytes <= BYTES_MAX);
        let length = ends.last().map_or(0, |end| end.bytes);
        self.varies = ends.is_empty();
        self.bytes = text[..length].to_vec();
        self.ends = ends;
    }
}

/// A number may go on where the known one ended.
#[inline]
fn ends_a_member(text: &[u8], end: usize) -> bool {
    matches!(text.get(end), Some(b',' | b'}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(text: &str, ends: &[usize]) -> Stretch {
        let mut stretch = Stretch::default();
        let ends = ends.iter().enumerate().map(|(member, bytes)| End {
            bytes: *bytes,
            quotes: 2 * (member + 1),
            members: member + 1,
        });
        stretch.learn(text.as_bytes(), ends.collect());
        stretch
    }

    fn until(recall: &Recall) -> Option<usize> {
        match recall {
            Recall::Until(end) => Some(end.bytes),
            Recall::Varies | Recall::New => None,
        }
    }

    #[test]
    fn what_is_the_same_is_recalled_and_what_differs_forgotten() {
        let text = r#""a":1,"b":2,"c":3}"#;
        let mut stretch = learned(text, &[5, 11, 17]);
        assert_eq!(until(&stretch.compare(text.as_bytes())), Some(17));
        let other = text.replace("2", "9").into_bytes();
        assert_eq!(until(&stretch.compare(&other)), Some(5));
        assert_eq!(
            until(&stretch.compare(text.as_bytes())),
            Some(5),
            "the rest is forgotten"
        );
        assert_eq!(stretch.compare(br#""a":2,"b":2}"#), Recall::Varies);
        assert_eq!(stretch.compare(text.as_bytes()), Recall::Varies);
        assert_eq!(Stretch::default().compare(text.as_bytes()), Recall::New);
    }

    #[test]
    fn a_number_that_goes_on_is_another() {
        for longer in [r#""a":45}"#, r#""a":4.5}"#, r#""a":4 }"#, r#""a":4"#] {
            let mut stretch = learned(r#""a":4}"#, &[5]);
            assert_eq!(
                stretch.compare(longer.as_bytes()),
                Recall::Varies,
                "{longer}"
            );
        }
    }

    #[test]
    fn long_members_are_not_kept() {
        let text = format!(r#""a":1,"b":"{}"}}"#, "x".repeat(BYTES_MAX));
        let mut stretch = learned(&text, &[5, text.len() - 1]);
        assert_eq!(
            (
                until(&stretch.compare(text.as_bytes())),
                stretch.bytes.len()
            ),
            (Some(5), 5)
        );
        let long = learned(&text[6..], &[text.len() - 7]);
        assert!(long.varies && long.bytes.is_empty());
    }

    #[test]
    fn everything_is_forgotten_in_time() {
        let mut memory = Memory::default();
        let end = End {
            bytes: 5,
            quotes: 2,
            members: 1,
        };
        memory.stretch(0, 0).learn(br#""a":1}"#, vec![end]);
        (1..LIFETIME).for_each(|_| memory.next_text());
        assert_eq!(memory.counts().0, 1);
        memory.next_text();
        assert_eq!(memory.counts(), (0, 0, 0));
    }
}

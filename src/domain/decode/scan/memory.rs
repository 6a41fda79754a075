//! What was read before, known again by its bytes.
//!
//! The sign-ins of a tenant repeat themselves: the same policies, and the same stretches of fields
//! that nobody wants, byte for byte. The same bytes at the same place in the grammar mean the same, so
//! one comparison takes the place of reading them. Everything here may be forgotten at any time.

use super::keys::SLOTS;
use crate::domain::decode::wire::Policy;

use super::outline::Outline;

/// Longest stretch kept: several times the length of a policy.
const BYTES_MAX: usize = 4096;
/// Texts after which everything is learned anew: one odd record must not shorten stretches for ever.
const LIFETIME: u32 = 1 << 16;
/// Places for policies, each for the variants of one: with another result, or other conditions.
const PLACES: usize = 64;
const VARIANTS: usize = 8;

/// What a thread has read lately; at most a few MiB.
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
    /// Behind each member: where, and after how many quotes.
    ends: Vec<End>,
    /// The very first member is different each time.
    varies: bool,
}

/// The end of something, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) bytes: usize,
    pub(super) quotes: usize,
}

/// What is known of the members that begin at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// They were seen up to here.
    Until(End),
    /// They are different each time.
    Varies,
    /// They are seen for the first time.
    New,
}

#[derive(Debug)]
struct Seen {
    bytes: Vec<u8>,
    quotes: usize,
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
        let variant = &seen[found];
        let end = End {
            bytes: variant.bytes.len(),
            quotes: variant.quotes,
        };
        variant.policy.fill(text, policy)?;
        // The frequent ones move to the front.
        seen.swap(found, found.saturating_sub(1));
        Some(end)
    }

    /// Stretches and policies that are known.
    #[cfg(test)]
    pub(super) fn known(&self) -> (usize, usize) {
        let stretches = self.stretches.iter();
        let known = stretches.filter(|stretch| !stretch.ends.is_empty());
        (known.count(), self.policies.iter().map(Vec::len).sum())
    }

    /// Keeps a policy that the text begins with.
    pub(super) fn note_policy(&mut self, text: &str, end: End, policy: &Policy) {
        let Some(place) = place_of(text.as_bytes()).filter(|_| end.bytes <= BYTES_MAX) else {
            return;
        };
        self.policies.resize_with(PLACES, Vec::new);
        let seen = &mut self.policies[place];
        seen.truncate(VARIANTS - 1);
        seen.push(Seen {
            bytes: text.as_bytes()[..end.bytes].to_vec(),
            quotes: end.quotes,
            policy: Outline::of(policy, text),
        });
    }
}

/// Policies begin with their id, which is what tells them apart.
#[inline]
fn place_of(text: &[u8]) -> Option<usize> {
    let [low, high] = [text.get(8..16)?, text.get(16..24)?]
        .map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
    let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Some((mixed >> 32) as usize % PLACES)
}

impl Stretch {
    /// Compares what was seen with what the text goes on with; what differs is forgotten.
    #[inline]
    pub(super) fn compare(&mut self, text: &[u8]) -> Known {
        match self.ends.last() {
            _ if self.varies => Known::Varies,
            None => Known::New,
            Some(end) if text.starts_with(&self.bytes) && ends_a_member(text, end.bytes) => {
                Known::Until(*end)
            }
            Some(_) => self.shorten(text),
        }
    }

    #[cold]
    fn shorten(&mut self, text: &[u8]) -> Known {
        let pairs = self.bytes.iter().zip(text);
        let same = pairs.take_while(|(known, new)| known == new).count();
        self.ends
            .retain(|end| end.bytes <= same && ends_a_member(text, end.bytes));
        match self.ends.last() {
            Some(end) => {
                self.bytes.truncate(end.bytes);
                Known::Until(*end)
            }
            None => {
                *self = Stretch {
                    varies: true,
                    ..Stretch::default()
                };
                Known::Varies
            }
        }
    }

    /// Whether members up to here may still be learned.
    pub(super) fn has_room(end: End) -> bool {
        end.bytes < BYTES_MAX
    }

    /// Learns the members that the text begins with.
    pub(super) fn learn(&mut self, text: &[u8], ends: Vec<End>) {
        let length = ends.last().map_or(0, |end| end.bytes);
        self.bytes = text[..length].to_vec();
        self.ends = ends;
    }
}

/// A number may go on where the known one ended.
#[inline]
fn ends_a_member(text: &[u8], end: usize) -> bool {
    matches!(text.get(end), Some(b',' | b'}'))
}

//! Walks a text along its index, checking the grammar of JSON between the strings.
//!
//! Every step answers `None` for what is no JSON, and for JSON that is too odd to be read quickly;
//! the caller then leaves the text to the lenient reader. What it accepts, any JSON parser accepts.
//! What was read before it recognises by its bytes.

use std::borrow::Cow;
use std::cell::RefCell;

use super::index::Index;
use super::keys::{Field, Keys};
use super::memory::{End, Memory, Recall};
use crate::domain::decode::values::Text;
use crate::domain::decode::wire::Policy;

/// Deepest nesting taken; a sign-in has five levels.
pub(in super::super) const DEPTH_MAX: u32 = 64;
/// Most keys of one object.
pub(in super::super) const KEYS_MAX: usize = 4096;
/// Longest text kept in a column, bytes.
pub(in super::super) const TEXT_MAX: usize = 8192;
/// Most items of a list that are kept in a column.
pub(in super::super) const LIST_MAX: usize = 1000;

/// A place in the text, with the place in the index that belongs to it and what was read before.
#[derive(Clone, Copy)]
pub(in super::super) struct Cursor<'a, 'i> {
    text: &'a str,
    places: &'i [u32],
    escapes: &'i [u32],
    memory: &'i RefCell<Memory>,
    at: usize,
    depth: u32,
}

/// Where a cursor was: what of it changes on the way, since a copy of the whole costs more than a key.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    at: usize,
    /// Places of the index that were left.
    left: usize,
}

impl<'a, 'i> Cursor<'a, 'i> {
    pub(super) fn new(
        text: &'a str,
        index: &'i Index,
        memory: &'i RefCell<Memory>,
    ) -> Cursor<'a, 'i> {
        Cursor {
            text,
            places: index.places(),
            escapes: index.escapes(),
            memory,
            at: 0,
            depth: 0,
        }
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is not white space.
    #[inline]
    pub(in super::super) fn peek(&mut self) -> Option<u8> {
        let byte = *self.bytes().get(self.at)?;
        if byte > b' ' {
            return Some(byte);
        }
        self.skip_space()
    }

    #[cold]
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            left: self.places.len(),
        }
    }

    /// Where in the text the cursor is.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none() && self.places.is_empty()
    }

    /// The bytes between the quotes of the string that begins here: the index knows where it ends.
    #[inline]
    fn string(&mut self) -> Option<(usize, usize)> {
        let [open, close, rest @ ..] = self.places else {
            return None;
        };
        let (from, to) = (*open as usize + 1, *close as usize);
        self.places = rest;
        self.at = to + 1;
        Some((from, to))
    }

    /// Whether a backslash stands at `from..to`; asked in ascending order.
    #[inline]
    fn has_escape(&mut self, from: usize, to: usize) -> bool {
        while let [escape, rest @ ..] = self.escapes {
            if *escape as usize >= from {
                return (*escape as usize) < to;
            }
            self.escapes = rest;
        }
        false
    }

    /// The string that begins here, borrowed if it can be.
    #[inline]
    pub(in super::super) fn text(&mut self) -> Option<Text<'a>> {
        let (from, to) = self.string()?;
        if to - from > TEXT_MAX {
            return None;
        }
        if self.has_escape(from, to) {
            let quoted = self.text.get(from - 1..=to)?;
            let text: String = serde_json::from_str(quoted).ok()?;
            let is_odd =
                text.contains(|letter: char| letter.is_control() && !letter.is_whitespace());
            return (!is_odd).then_some(Text(Cow::Owned(text)));
        }
        Some(Text(Cow::Borrowed(self.text.get(from..to)?)))
    }

    /// The string that begins here; `None` also if it carries escapes.
    pub(in super::super) fn plain_text(&mut self) -> Option<&'a str> {
        let (from, to) = self.string()?;
        if self.has_escape(from, to) {
            return None;
        }
        self.text.get(from..to)
    }

    /// The number, `true`, `false` or `null` that begins here.
    #[inline]
    pub(in super::super) fn scalar(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes().get(self.at..)?;
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
        let scalar = &rest[..rest.iter().position(is_end)?];
        self.at += scalar.len();
        is_scalar(scalar).then_some(scalar)
    }

    /// Reads the object that begins here; `field` takes each value, by the field its key names. An
    /// object with a field twice, or with too many keys, is left to the lenient reader.
    #[inline]
    pub(in super::super) fn object<F: Field>(
        &mut self,
        keys: &Keys<F>,
        mut field: impl FnMut(F, &mut Self) -> Option<()>,
    ) -> Option<()> {
        let (mut seen, mut count) = (0u64, 0);
        self.members(b'{', b'}', |cursor| {
            let before = cursor.mark();
            let (from, to) = cursor.key()?;
            match keys.find(cursor.bytes(), from, to) {
                Ok(named) => {
                    let bit = 1u64 << named.place();
                    if seen & bit != 0 {
                        return None;
                    }
                    seen |= bit;
                    count += 1;
                    field(named, cursor)?;
                }
                Err(_) if cursor.has_escape(from, to) => return None,
                Err(slot) => count += cursor.unwanted(keys, slot, before)?,
            }
            (count <= KEYS_MAX).then_some(())
        })
    }

    /// The members of the object that begins here, whatever their keys: `member` is shown each key and
    /// takes its value.
    pub(super) fn every_member(
        &mut self,
        mut member: impl FnMut(&'a [u8], &mut Self) -> Option<()>,
    ) -> Option<()> {
        let mut count = 0;
        self.members(b'{', b'}', |cursor| {
            let (from, to) = cursor.key()?;
            count += 1;
            if count > KEYS_MAX || cursor.has_escape(from, to) {
                return None;
            }
            member(&cursor.bytes()[from..to], cursor)
        })
    }

    /// Steps over members that nobody wants: at least the one whose value begins here. Its key, which
    /// stood at `before`, is not in the table and has this slot. Tells how many there were.
    #[inline]
    fn unwanted<F: Field>(&mut self, keys: &Keys<F>, slot: usize, before: Mark) -> Option<usize> {
        let mut memory = self.memory.borrow_mut();
        let stretch = memory.stretch(keys.table(), slot);
        let ahead = &self.bytes()[before.at..];
        match stretch.compare(ahead) {
            Recall::Until(end) => self.jump(before, end).map(|()| end.members),
            Recall::Varies => self.skip().map(|()| 1),
            Recall::New => {
                let ends = self.unwanted_ends(keys, before)?;
                let members = ends.len();
                stretch.learn(ahead, ends);
                Some(members)
            }
        }
    }

    /// Steps over members until one is wanted: where they ended.
    #[cold]
    fn unwanted_ends<F: Field>(&mut self, keys: &Keys<F>, before: Mark) -> Option<Vec<End>> {
        let mut ends = Vec::new();
        loop {
            self.skip()?;
            let end = self.since(before, ends.len() + 1);
            ends.push(end);
            let here = *self;
            if self.peek()? != b',' || !end.has_room() {
                return Some(ends);
            }
            self.at += 1;
            let (from, to) = self.key()?;
            if keys.find(self.bytes(), from, to).is_ok() || self.has_escape(from, to) {
                *self = here;
                return Some(ends);
            }
        }
    }

    /// How far the cursor has come since, over this many members.
    fn since(&self, before: Mark, members: usize) -> End {
        End {
            bytes: self.at - before.at,
            quotes: before.left - self.places.len(),
            members,
        }
    }

    /// Goes to the end of what begins at `before`.
    #[inline]
    fn jump(&mut self, before: Mark, end: End) -> Option<()> {
        let passed = before.left - self.places.len();
        self.at = before.at + end.bytes;
        self.places = self.places.get(end.quotes.checked_sub(passed)?..)?;
        Some(())
    }

    /// Makes `policy` the one that begins here, if the same bytes were read before, and steps over it.
    #[inline]
    pub(super) fn recall_policy(&mut self, policy: &mut Policy<'a>) -> Option<()> {
        let text = self.text.get(self.at..)?;
        let end = self.memory.borrow_mut().policy(text, policy)?;
        self.jump(self.mark(), end)
    }

    /// Keeps a policy that was read from `before` on.
    pub(super) fn note_policy(&self, before: Mark, policy: &Policy) {
        if let Some(text) = self.text.get(before.at..) {
            let end = self.since(before, 0);
            self.memory.borrow_mut().note_policy(text, end, policy);
        }
    }

    /// Reads the list that begins here; `item` takes each of its values.
    #[inline]
    pub(in super::super) fn list(
        &mut self,
        item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.members(b'[', b']', item)
    }

    /// The object or list that begins here, member by member.
    #[inline]
    fn members(
        &mut self,
        open: u8,
        close: u8,
        mut member: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if self.peek()? != open || self.depth == DEPTH_MAX {
            return None;
        }
        self.at += 1;
        self.depth += 1;
        if self.peek()? != close {
            loop {
                self.peek()?;
                member(self)?;
                match self.peek()? {
                    b',' => self.at += 1,
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        self.depth -= 1;
        self.at += 1;
        Some(())
    }

    /// The key that begins here, up to the value that follows it.
    #[inline]
    fn key(&mut self) -> Option<(usize, usize)> {
        if self.peek()? != b'"' {
            return None;
        }
        let key = self.string()?;
        self.expect(b':')?;
        self.peek()?;
        Some(key)
    }

    /// Steps over the value that begins here.
    #[inline]
    pub(in super::super) fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                let mut count = 0;
                self.members(b'{', b'}', |cursor| {
                    cursor.key()?;
                    count += 1;
                    cursor.skip()?;
                    (count <= KEYS_MAX).then_some(())
                })
            }
            b'[' => self.members(b'[', b']', Self::skip),
            _ => self.scalar().map(|_| ()),
        }
    }
}

/// A literal or a number, as JSON writes them.
#[inline]
fn is_scalar(scalar: &[u8]) -> bool {
    matches!(scalar, b"true" | b"false" | b"null") || is_number(scalar)
}

fn is_number(number: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = number.strip_prefix(b"-").unwrap_or(number);
    let whole = digits(unsigned);
    if whole == 0 || (whole > 1 && unsigned[0] == b'0') {
        return false;
    }
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let places = digits(fraction);
        if places == 0 {
            return false;
        }
        rest = &fraction[places..];
    }
    // Exponents are left to the lenient reader: the number may be out of range.
    rest.is_empty() && whole <= 18
}

//! The result code: a number, and what stands in its place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::oddity::{Oddities, Oddity};
use super::record::Record;
use super::values::{Int, IntVisitor};

/// A result code: a whole number, also as text and with the prefix `AADSTS`; words that tell how it went
/// stand in its place in some exports.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub Option<i64>, pub Word);

/// What stood in the place of a code.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A number, or nothing at all.
    #[default]
    None,
    /// `Success`.
    Success,
    /// `Failure` or `Interrupted`, which is no code.
    NoSuccess,
    /// Something that is no code.
    Unreadable,
}

impl Code {
    const UNREADABLE: Code = Code(None, Word::Unreadable);

    /// What a text says.
    pub(super) fn of_text(text: &str) -> Code {
        let text = text.trim();
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        let number = match text.get(..6) {
            Some(prefix) if prefix.eq_ignore_ascii_case("AADSTS") => {
                let digits = &text[6..];
                let number = digits.parse().ok();
                number.filter(|_| digits.as_bytes()[0].is_ascii_digit())
            }
            _ => text.parse().ok(),
        };
        match number {
            Some(number) => Code(Some(number), Word::None),
            None if text.is_empty() => Code::default(),
            None if is("success") => Code(None, Word::Success),
            None if is("failure") || is("interrupted") => Code(None, Word::NoSuccess),
            None => Code::UNREADABLE,
        }
    }

    fn of_int(int: Int) -> Code {
        int.0
            .map_or(Code::UNREADABLE, |number| Code(Some(number), Word::None))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodeVisitor)
    }
}

struct CodeVisitor;

impl<'de> Visitor<'de> for CodeVisitor {
    type Value = Code;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a code")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
        Ok(Code::of_text(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Code, E> {
        Ok(Code::UNREADABLE)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Code, E> {
        IntVisitor.visit_i64(value).map(Code::of_int)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Code, E> {
        IntVisitor.visit_u64(value).map(Code::of_int)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Code, E> {
        IntVisitor.visit_f64(value).map(Code::of_int)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Code, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Code::UNREADABLE)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Code, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Code::UNREADABLE)
    }

    fn visit_unit<E: Error>(self) -> Result<Code, E> {
        Ok(Code::default())
    }
}

/// The sign-in's own code counts before the envelope's, a number before a word.
pub(super) fn error_code(record: &Record, oddities: &mut Oddities) -> Option<i32> {
    let codes = [
        record.sign_in.status.error_code,
        record.envelope.result_type,
    ];
    let [own, outer] = codes.map(number_or_success);
    oddities.note_if(
        own.zip(outer).is_some_and(|(own, outer)| own != outer),
        Oddity::CodeConflict,
    );
    let code = codes.into_iter().find_map(usable);
    if code.is_none() && says_success(record, codes) {
        return Some(0);
    }
    let mut passed_over = codes.into_iter().take_while(|code| usable(*code).is_none());
    oddities.note_if(passed_over.any(is_unreadable), Oddity::UnreadableCode);
    oddities.note_if(code.is_none(), Oddity::NoErrorCode);
    code
}

/// The number of a code in range.
fn usable(code: Code) -> Option<i32> {
    let number = code.0.and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number >= 0)
}

fn number_or_success(code: Code) -> Option<i64> {
    code.0.or((code.1 == Word::Success).then_some(0))
}

fn is_unreadable(code: Code) -> bool {
    code.1 == Word::Unreadable || code.0.is_some() && usable(code).is_none()
}

/// Whether a word says so, where no number does. `resultSignature` counts only where nothing else speaks.
fn says_success(record: &Record, codes: [Code; 2]) -> bool {
    let has = |word| codes.iter().any(|code| code.1 == word);
    let signature = record.envelope.result_signature.as_str();
    has(Word::Success) || !has(Word::NoSuccess) && signature.eq_ignore_ascii_case("success")
}

//! What was odd about a record that could be read all the same.

use crate::domain::sign_in::closed_list;

closed_list! {
    /// A closed list: values of the column `flags` and a label of metrics.
    Oddity {
        /// It was no JSON until raw control characters, quotes or numbers were put right.
        Sanitized = "sanitized",
        /// Bytes that are no UTF-8; replaced in the columns, kept in `raw` as `\xHH`.
        BadUtf8 = "bad_utf8",
        /// Control characters inside a text.
        ControlChar = "control_char",
        /// A key stood there twice.
        DupKey = "dup_key",
        /// A number beyond all ranges was read as absent.
        NumberRange = "number_range",
        /// JSON inside a text was read as JSON.
        Stringified = "stringified",
        /// A list of one was read as its item, or a collector's wrapper taken off.
        Unwrapped = "unwrapped",
        /// It came in another shape: a Log Analytics row, a portal table, a Defender event.
        OtherShape = "other_shape",
        /// It followed another value without a line break.
        Concatenated = "concatenated",
        /// A text was longer than is kept in a column; `raw` holds all of it.
        TextCut = "text_cut",
        /// There were more policies than are kept in a column; `raw` holds all of them.
        ListCut = "list_cut",
        /// A diagnostic record without `properties`.
        NoProperties = "no_properties",
        /// `resultType` and `status.errorCode` disagree; the latter counts.
        CodeConflict = "code_conflict",
        /// The code is no whole number in range; read as absent.
        UnreadableCode = "unreadable_code",
        /// It has no code.
        NoErrorCode = "no_error_code",
        /// The code is one that the table does not know.
        UnknownErrorCode = "unknown_error_code",
        /// `clientAppUsed` is a value that the table does not know.
        UnknownClientApp = "unknown_client_app",
        /// A log of sign-ins that is not known.
        UnknownCategory = "unknown_category",
        /// It has no id, one was derived from its content.
        IdFromContent = "id_from_content",
        /// A person's sign-in that cannot be followed, for want of an object id.
        NoUserId = "no_user_id",
        /// The address is none.
        OddAddress = "odd_address",
        /// The time has no zone; read as UTC.
        TimeWithoutZone = "time_without_zone",
        /// The time stood in the US form, month first.
        UsTime = "us_time",
        /// The time was a count of seconds or of parts of them.
        EpochTime = "epoch_time",
        /// A leap second was read as the second before it.
        LeapSecond = "leap_second",
        /// The time lies outside the years 2000 to 2099 and was not used.
        TimeOutOfRange = "time_out_of_range",
        /// The record says only when it was published.
        TimeFromPublish = "time_from_publish",
        /// The record says nothing of time: that of its arrival counts.
        TimeFromArrival = "time_from_arrival",
        /// It happened after it was published.
        FutureTime = "future_time",
        /// It was published more than two hours after it happened.
        PublishedLate = "published_late",
    }
}

/// A set of oddities.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Oddities(u64);

impl Oddities {
    /// Adds one.
    pub fn note(&mut self, oddity: Oddity) {
        self.0 |= 1 << oddity as u32;
    }

    /// Adds one if it is so.
    pub fn note_if(&mut self, so: bool, oddity: Oddity) {
        self.0 |= u64::from(so) << oddity as u32;
    }

    /// The set with one more.
    #[must_use]
    pub fn with(mut self, oddity: Oddity) -> Oddities {
        self.note(oddity);
        self
    }

    /// Adds all of another set.
    pub fn join(&mut self, other: Oddities) {
        self.0 |= other.0;
    }

    /// Whether it holds this one.
    #[must_use]
    pub fn has(self, oddity: Oddity) -> bool {
        self.0 & (1 << oddity as u32) != 0
    }

    /// Nothing odd.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those it holds, in order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let place = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            Oddity::ALL.get(place).copied()
        })
    }

    /// The columns do not hold all that the record said.
    #[must_use]
    pub fn is_lossy(self) -> bool {
        use Oddity::{BadUtf8, ListCut, NumberRange, Sanitized, TextCut, UnknownCategory};
        let lossy = [
            BadUtf8,
            ListCut,
            NumberRange,
            Sanitized,
            TextCut,
            UnknownCategory,
        ];
        lossy.into_iter().any(|oddity| self.has(oddity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_what_was_noted_once_and_in_order() {
        assert!(Oddity::ALL.len() <= 64);
        let mut set = Oddities::default()
            .with(Oddity::PublishedLate)
            .with(Oddity::Sanitized);
        set.note(Oddity::Sanitized);
        set.note_if(false, Oddity::UsTime);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Oddity::Sanitized, Oddity::PublishedLate]
        );
        assert!(set.has(Oddity::Sanitized) && !set.has(Oddity::UsTime) && set.is_lossy());
        assert!(Oddities::default().is_empty() && Oddities::default().iter().next().is_none());
    }
}

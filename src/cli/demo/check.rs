//! Whether everything that was produced is accounted for. Pure.

use super::weekend::Produced;
use crate::metrics::{Duplicate, Tally};

/// Where the records went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// Records on the topic.
    pub records: u64,
    /// Sign-ins in the lake.
    pub sign_ins: u64,
    /// The same sign-in again.
    pub copies: u64,
    /// The same sign-in again, changed.
    pub revisions: u64,
    /// What could not be read.
    pub rejects: u64,
    /// Records of other logs.
    pub passed_over: u64,
}

/// Adds up what was committed, and holds it against what was produced and what the lake says.
///
/// # Errors
/// A sentence with the numbers that differ.
pub(crate) fn account(produced: &Produced, tally: &Tally, rows: u64) -> Result<Account, String> {
    let account = Account {
        records: produced.records,
        sign_ins: tally.events.iter().sum(),
        copies: tally.duplicates[Duplicate::Copy as usize],
        revisions: tally.duplicates[Duplicate::Revision as usize],
        rejects: tally.rejects.iter().sum(),
        passed_over: tally.passed_over.iter().sum(),
    };
    let equal = [
        (
            "messages were read",
            tally.records,
            "were produced",
            produced.envelopes,
        ),
        (
            "records are accounted for",
            tally.pieces(),
            "were produced",
            produced.records,
        ),
        (
            "rows are in sign_ins",
            rows,
            "sign-ins were committed",
            account.sign_ins,
        ),
    ];
    for (left, ours, right, theirs) in equal {
        if ours != theirs {
            return Err(format!(
                "the demo does not add up: {ours} {left}, but {theirs} {right}; please report this"
            ));
        }
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::PassedOver;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        tally.record(10);
        tally.events[0] = 5;
        tally.duplicate(Duplicate::Copy);
        tally.duplicate(Duplicate::Revision);
        tally.passed_over(PassedOver::Audit);
        tally
    }

    fn produced(records: u64) -> Produced {
        Produced {
            envelopes: 1,
            records,
            bytes: 10,
        }
    }

    #[test]
    fn what_adds_up_is_an_account() {
        let account = account(&produced(8), &tally(), 5);
        let expected = Account {
            records: 8,
            sign_ins: 5,
            copies: 1,
            revisions: 1,
            rejects: 0,
            passed_over: 1,
        };
        assert_eq!(account, Ok(expected));
    }

    #[test]
    fn a_lost_record_and_a_lost_row_are_told() {
        let lost = "the demo does not add up: 8 records are accounted for, but 9 were produced; please report this";
        assert_eq!(account(&produced(9), &tally(), 5), Err(lost.to_owned()));
        let lost = "the demo does not add up: 4 rows are in sign_ins, but 5 sign-ins were committed; please report this";
        assert_eq!(account(&produced(8), &tally(), 4), Err(lost.to_owned()));
    }
}

//! What the values of columns mean, for those columns that have a closed list of them.
//!
//! Owns which column has which list. The names and meanings are those of the declarations.

use std::fmt::Write as _;

use crate::domain::decode::RejectReason;
use crate::domain::decode::oddity::Oddity;
use crate::domain::failure_class::FailureClass;
use crate::domain::sign_in::{
    AuthClass, AuthClassReason, BlockReason, Channel, Outcome, PasswordVerified, Protocol,
};

const INTRODUCTION: &str = "
## Values

Columns with a closed list of values, and what each value means. A newer version may add values.
";

/// Appends the section of values.
pub(super) fn push(out: &mut String) {
    macro_rules! values {
        ($($column:literal of $table:literal: $list:ident;)+) => {
            $(
                let _ = write!(out, "\n### `{}` of `{}`\n\n", $column, $table);
                out.push_str("| value | means |\n|---|---|\n");
                for value in $list::ALL {
                    let _ = writeln!(out, "| `{}` | {} |", value.name(), value.meaning());
                }
            )+
        };
    }
    out.push_str(INTRODUCTION);
    values! {
        "reason" of "rejects": RejectReason;
        "flags" of "sign_ins": Oddity;
        "auth_class" of "sign_ins": AuthClass;
        "auth_class_reason" of "sign_ins": AuthClassReason;
        "protocol" of "sign_ins": Protocol;
        "outcome" of "sign_ins": Outcome;
        "block_reason" of "sign_ins": BlockReason;
        "failure_class" of "sign_ins": FailureClass;
        "password_verified" of "sign_ins": PasswordVerified;
        "channel" of "sign_ins": Channel;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_line_with_its_meaning() {
        let mut out = String::new();
        push(&mut out);
        for line in [
            "| `truncated` | It ends in its middle. |",
            "| `dup_key` | A key stood there twice. |",
            "| `ca_block` | Conditional Access refused. |",
            "| `terms_of_use` | The policy asked for consent to terms of use. |",
        ] {
            assert!(out.lines().any(|shown| shown == line), "{line}");
        }
        let rows = out.lines().filter(|line| line.starts_with("| `"));
        for row in rows {
            let bars = row.matches('|').count();
            assert!(bars == 3 && row.ends_with(". |"), "{row}");
        }
    }
}

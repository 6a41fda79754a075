//! Reading the lake back: what is in it already, and what the detector must know after a restart.
//!
//! The detector's state is a fold over the stored sign-ins, so nothing else needs to be kept for it.

mod findings;
mod ids;
mod rejects;
mod rows;

use arrow::array::Array;
use futures::StreamExt as _;

pub use findings::{Imports, imports, loops_of, newest_loops, newest_mailbox_states};
pub use ids::read_ids;
pub use rejects::{RejectKey, RejectReader, Resolved, StoredReject, Wanted, rejects_since};

use super::file::date_text;
use super::sql::{Session, query_error};
use super::{LakeError, names};
use crate::domain::decode::time::{HOUR, date};
use crate::domain::sign_in::{AuthClass, Channel, Outcome, PasswordVerified, Protocol};
use crate::domain::signal::Facts;
use rows::{Rows, text_at, time_at, unreadable};

/// The greatest event time in the lake that is not ahead of its publication, nor of `now`.
///
/// The same rule as while sign-ins come in: an event that claims to be from the future must not make
/// everything else look old.
pub async fn watermark(session: &Session, now: i64) -> Result<Option<i64>, LakeError> {
    // Years up to 2099 are taken, so a bound beyond them is none.
    let latest = jiff::Timestamp::from_microsecond(now.saturating_add(HOUR));
    let latest = latest.map_or("TIMESTAMP '2100-01-01 00:00:00'".to_owned(), |latest| {
        format!("TIMESTAMP '{}'", latest.strftime("%Y-%m-%d %H:%M:%S"))
    });
    let sql = format!(
        "SELECT max(event_time) AS watermark FROM {} WHERE event_time <= {latest} \
         AND (publish_time IS NULL OR event_time <= publish_time + INTERVAL '1 hour')",
        names::SIGN_INS
    );
    let (_, batches) = session.query(&sql).await?;
    for batch in batches {
        let rows = Rows(batch);
        let times = rows.times("watermark")?;
        if !times.is_empty() {
            return Ok(time_at(&times, 0));
        }
    }
    Ok(None)
}

/// Gives every stored sign-in since `from` (UTC microseconds) that the detector has to know to `observe`,
/// and every later copy of one that succeeded.
pub async fn replay(
    session: &Session,
    from: i64,
    mut observe: impl FnMut(&Facts),
) -> Result<(), LakeError> {
    let known = |table, and| {
        format!(
            "SELECT tenant_id, user_id, user_principal_name, user_display_name, event_time, auth_class, protocol, client_family, \
             outcome, failure_class, error_code, password_verified, channel, ip_address FROM {table} \
             WHERE event_date >= DATE '{}' AND user_id IS NOT NULL AND (auth_class IN ('legacy', 'ropc') OR channel IS NOT NULL) {and}",
            date_text(date(from))
        )
    };
    // What was no success is no news of a later copy.
    let sql = format!(
        "{} UNION ALL {}",
        known(names::SIGN_INS, ""),
        known(names::SIGN_IN_REVISIONS, "AND outcome = 'success'")
    );
    // Batch by batch: thirty days of a large tenant do not fit in memory.
    let mut batches = session.stream(&sql).await?;
    while let Some(batch) = batches.next().await {
        let rows = Rows(batch.map_err(query_error)?);
        let texts = [
            "tenant_id",
            "user_id",
            "user_principal_name",
            "user_display_name",
            "auth_class",
            "protocol",
            "client_family",
            "outcome",
            "failure_class",
            "password_verified",
            "channel",
            "ip_address",
        ];
        let columns = texts
            .iter()
            .map(|name| rows.texts(name))
            .collect::<Result<Vec<_>, _>>()?;
        let (times, codes) = (rows.times("event_time")?, rows.ints("error_code")?);
        for row in 0..times.len() {
            let text = |place: usize| text_at(&columns[place], row);
            observe(&Facts {
                tenant_id: text(0),
                user_id: text(1),
                user_principal_name: text(2),
                display_name: text(3),
                event_time: times.value(row),
                auth_class: AuthClass::parse(text(4))
                    .ok_or_else(|| unreadable("auth_class", text(4)))?,
                protocol: Protocol::parse(text(5))
                    .ok_or_else(|| unreadable("protocol", text(5)))?,
                client_family: text(6),
                outcome: Outcome::parse(text(7)).ok_or_else(|| unreadable("outcome", text(7)))?,
                failure_class: text(8),
                error_code: if codes.is_valid(row) {
                    codes.value(row)
                } else {
                    0
                },
                password_verified: PasswordVerified::parse(text(9))
                    .ok_or_else(|| unreadable("password_verified", text(9)))?,
                channel: Channel::parse(text(10)),
                ip_address: text(11),
            });
        }
    }
    Ok(())
}

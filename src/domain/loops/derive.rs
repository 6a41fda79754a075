//! From what is remembered of a key to the rows of its loops.
//!
//! Owns kind, phase and ending; verdict and cause have files of their own. The rows come without a
//! revision, without `replaces` and without the text of the fix: those belong to publishing.

use super::LoopSettings;
use super::MINUTE;
use super::episodes::{Episode, Opening, episodes};
use super::history::History;
use super::id::loop_id;
use super::row::LoopRow;
use super::successes::{ByChannel, Successes};
use super::verdict::Facts;
use super::words::{Ending, Kind, LoopState, Phase};
use crate::domain::causes;
use crate::domain::signal::UserId;

/// The migration of the user's own mailbox.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The batch.
    pub batch: &'a str,
    /// The cutover, if completed or planned to the minute.
    pub cutover: Option<i64>,
}

/// Whose loops are derived, and as of when.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The user.
    pub user: UserId,
    /// The latest name.
    pub user_principal_name: &'a str,
    /// The own mailbox's migration.
    pub moved: Option<Move<'a>>,
    /// The greatest event time seen.
    pub watermark: i64,
}

/// What is remembered of one key.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The client group.
    pub client_group: &'static str,
    /// Its attempts.
    pub history: &'a History,
    /// The user's modern successes.
    pub modern: &'a ByChannel,
    /// The legacy successes of the group.
    pub legacy: Option<&'a Successes>,
}

/// Everything that decides about the loops of one key.
#[derive(Debug, Clone, Copy)]
pub struct Derivation<'a> {
    /// The numbers.
    pub settings: &'a LoopSettings,
    /// Whose loops.
    pub subject: Subject<'a>,
    /// What is remembered.
    pub key: Key<'a>,
}

/// An episode in which a pattern was met.
struct Found<'a> {
    episode: &'a Episode,
    opening: Opening,
    ended: Option<(Ending, i64)>,
}

impl Derivation<'_> {
    /// The loops of the key, oldest first.
    #[must_use]
    pub fn loops(&self) -> Vec<LoopRow> {
        let episodes = episodes(self.key.history, self.cutover(), self.settings.quiet_after);
        let mut rows = Vec::new();
        for (at, episode) in episodes.iter().enumerate() {
            let Some(opening) = episode.opening(self.settings) else {
                continue;
            };
            let next = episodes.get(at + 1).map(|next| next.first);
            let ended = self.ending(episode.last, next);
            rows.push(self.row(&Found {
                episode,
                opening,
                ended,
            }));
        }
        rows
    }

    fn cutover(&self) -> Option<i64> {
        self.subject.moved.and_then(|moved| moved.cutover)
    }

    /// How an episode ended and when. A success after the next episode began belongs to that one.
    fn ending(&self, last: i64, next: Option<i64>) -> Option<(Ending, i64)> {
        let in_time = |at: &i64| next.is_none_or(|next| *at < next);
        let channels = self.settings.recovered_by.get(self.key.client_group);
        let channels = channels.map_or(&[][..], Vec::as_slice);
        let recovered = self.key.modern.first_after(channels, last);
        let accepted = self
            .key
            .legacy
            .and_then(|successes| successes.first_after(last));
        let recovered = recovered.filter(in_time).map(|at| (at, Ending::Recovered));
        let accepted = accepted
            .filter(in_time)
            .map(|at| (at, Ending::LegacyAccepted));
        let quiet_until = last.saturating_add(self.settings.quiet_after);
        let silent = next.is_some() || self.subject.watermark > quiet_until;
        let first = [recovered, accepted].into_iter().flatten().min();
        first
            .map(|(at, ending)| (ending, at))
            .or(silent.then_some((Ending::WentSilent, quiet_until)))
    }

    fn facts(&self, found: &Found<'_>) -> Facts {
        let mut facts = Facts::of(found.episode, &found.opening, self.key.client_group);
        let since = self
            .cutover()
            .map(|cutover| found.opening.onset.saturating_sub(cutover));
        let direct = since.is_some_and(|since| (0..=self.settings.reach).contains(&since));
        facts.kind = if direct {
            Kind::Direct
        } else {
            Kind::Unrelated
        };
        facts.since_cutover = since;
        facts.distinct_ips = self
            .key
            .history
            .distinct_ips(found.episode.first, found.episode.last);
        facts
    }

    fn row(&self, found: &Found<'_>) -> LoopRow {
        let Subject {
            user,
            user_principal_name,
            moved,
            ..
        } = self.subject;
        let facts = self.facts(found);
        let verdict = facts.verdict();
        let ranked = causes::rank(&facts, verdict);
        let ending = found.ended.map(|(ending, _)| ending);
        let recovered = found
            .ended
            .filter(|(ending, _)| *ending == Ending::Recovered);
        LoopRow {
            loop_id: loop_id(user, facts.client_group, found.episode.first),
            revision: 0,
            tenant: user.tenant,
            user: user.user,
            user_principal_name: user_principal_name.to_owned(),
            client_group: facts.client_group.to_owned(),
            protocol: facts.main_protocol(),
            protocols: facts.protocols.keys().copied().collect(),
            client_family: facts.main_family().to_owned(),
            pattern: found.opening.pattern,
            kind: facts.kind,
            verdict,
            first_attempt: found.episode.first,
            opened_at: found.opening.at,
            last_attempt: found.episode.last,
            recovered_at: recovered.map(|(_, at)| at),
            attempts: i64::try_from(facts.attempts).unwrap_or(i64::MAX),
            distinct_ips: i32::try_from(facts.distinct_ips).unwrap_or(i32::MAX),
            batch: moved.map(|moved| moved.batch.to_owned()),
            cutover_at: moved.and_then(|moved| moved.cutover),
            minutes_since_cutover: facts.since_cutover.map(|since| since.div_euclid(MINUTE)),
            phase: facts.since_cutover.map(|since| phase(self.settings, since)),
            cause: ranked[0].cause.to_owned(),
            cause_confidence: ranked[0].confidence,
            evidence: evidence(&facts, &ranked),
            fix: String::new(),
            state: if ending.is_some() {
                LoopState::Closed
            } else {
                LoopState::Open
            },
            ending,
            replaces: Vec::new(),
        }
    }
}

fn phase(settings: &LoopSettings, since_cutover: i64) -> Phase {
    match since_cutover {
        ..0 => Phase::Before,
        since if since < settings.settling => Phase::Settling,
        _ => Phase::After,
    }
}

fn evidence(facts: &Facts, ranked: &[causes::Ranked]) -> String {
    let mut evidence = facts.evidence();
    let others: Vec<&str> = ranked[1..].iter().map(|other| other.cause).collect();
    if !others.is_empty() {
        evidence.push(("other_causes", others.join(" ")));
    }
    let object = evidence
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value.into()));
    serde_json::Value::Object(object.collect()).to_string()
}

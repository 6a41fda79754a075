//! Counts where definitions and ours go apart, and writes it down.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use signloop::domain::classify::Verdict;
use signloop::domain::decode::normalise::SignIn;
use signloop::domain::sign_in::AuthClass;

use super::rule::{Apart, Cause, Definition};
use crate::prometheus_rules::{read, shipped};

/// Where it is written down.
pub const DOCUMENT: &str = "docs/definitions.md";
/// What stands before this is written by people.
const FROM_HERE: &str = "<!-- From here on written by the command above. -->\n\n";
const PUBLISHED: &str = "\n## The published records\n\n";
/// What stands in a cell when the log holds nothing.
const NOTHING: &str = "(empty)";

/// The disagreements of one definition: how they go apart, on what, and what we say instead.
type Rows = BTreeMap<(Apart, String, &'static str), u64>;

/// All definitions on one corpus.
#[derive(Default)]
pub struct Comparison {
    pub sign_ins: u64,
    pub legacy: u64,
    /// By name of definition; one that always agrees is not here.
    rows: BTreeMap<String, Rows>,
}

impl Comparison {
    /// Takes a sign-in in.
    pub fn add(&mut self, definitions: &[Definition], sign_in: &SignIn, verdict: &Verdict) {
        self.sign_ins += 1;
        self.legacy += u64::from(verdict.auth_class == AuthClass::Legacy);
        for definition in definitions {
            let Some(apart) = definition.rule.compare(sign_in, verdict) else {
                continue;
            };
            let by_agent = match &apart {
                Apart::Missed(_) => verdict.auth_class_reason == "user_agent",
                Apart::OverCounted(_) => definition.rule.asks_user_agent(),
            };
            let key = (apart, what(sign_in, by_agent), verdict.auth_class.name());
            let rows = self.rows.entry(definition.name.clone()).or_default();
            *rows.entry(key).or_default() += 1;
        }
    }

    /// The causes that came up for a definition.
    pub fn causes(&self, definition: &Definition) -> BTreeSet<Cause> {
        let rows = self.rows.get(&definition.name);
        let keys = rows.into_iter().flat_map(BTreeMap::keys);
        keys.map(|(apart, ..)| apart.cause()).collect()
    }

    /// How often a definition agrees, misses and over-counts.
    pub fn totals(&self, definition: &Definition) -> [u64; 3] {
        let (mut missed, mut over) = (0, 0);
        for ((apart, ..), count) in self.rows.get(&definition.name).into_iter().flatten() {
            match apart {
                Apart::Missed(_) => missed += count,
                Apart::OverCounted(_) => over += count,
            }
        }
        [self.sign_ins - missed - over, missed, over]
    }

    fn count(&self, definition: &Definition, key: &(Apart, String, &'static str)) -> u64 {
        let rows = self.rows.get(&definition.name);
        rows.and_then(|rows| rows.get(key))
            .copied()
            .unwrap_or_default()
    }
}

/// What the verdict or the definition went by, in words that harm no table.
fn what(sign_in: &SignIn, by_agent: bool) -> String {
    let fields = &sign_in.record.sign_in;
    let (kind, value) = match by_agent {
        true => ("user agent ", fields.user_agent.as_str()),
        false => ("", fields.client_app_used.as_str()),
    };
    let harmless = |letter: char| !letter.is_control() && !matches!(letter, '|' | '`' | '<');
    let shown: String = value
        .chars()
        .filter(|letter| harmless(*letter))
        .take(80)
        .collect();
    match shown.is_empty() {
        true => format!("{kind}{NOTHING}"),
        false => format!("{kind}`{shown}`"),
    }
}

/// What went wrong with the reasons: a disagreement without one, or one that nothing needs.
pub fn complaints(definitions: &[Definition], compared: &[&Comparison]) -> Vec<String> {
    let mut complaints = Vec::new();
    for definition in definitions {
        let causes = compared.iter().flat_map(|it| it.causes(definition));
        let causes: BTreeSet<Cause> = causes.collect();
        let given: BTreeSet<Cause> = definition.reasons.keys().copied().collect();
        let name = &definition.name;
        let lacking = causes.difference(&given);
        complaints.extend(lacking.map(|cause| format!("{name}: no reason for {cause:?}")));
        let idle = given.difference(&causes);
        complaints.extend(idle.map(|cause| format!("{name}: nothing needs {cause:?}")));
    }
    complaints
}

/// Totals, and then every definition with every disagreement.
pub fn disagreements(
    definitions: &[Definition],
    grid: &Comparison,
    synthetic: &Comparison,
) -> String {
    let mut out = format!(
        "## Totals\n\n\
         The grid has {} sign-ins, of which {} are legacy by our rules; the synthetic tenant {} \
         and {}.\n\n\
         | definition | grid: agrees | misses | over-counts | tenant: agrees | misses | \
         over-counts |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
        grid.sign_ins, grid.legacy, synthetic.sign_ins, synthetic.legacy
    );
    for definition in definitions {
        let [agrees, misses, over] = grid.totals(definition);
        let [also_agrees, also_misses, also_over] = synthetic.totals(definition);
        out += &format!(
            "| {} | {agrees} | {misses} | {over} | {also_agrees} | {also_misses} | {also_over} |\n",
            definition.title
        );
    }
    for definition in definitions {
        out += &section(definition, grid, synthetic);
    }
    out
}

fn section(definition: &Definition, grid: &Comparison, synthetic: &Comparison) -> String {
    let Definition {
        title,
        used_by,
        means,
        not_expressed,
        source,
        ..
    } = definition;
    let mut out = format!(
        "\n## {title}\n\nUsed by {used_by}. Legacy is: {means}\n\n\
         Not expressed: {not_expressed}\n\nSource: {source}\n"
    );
    let both = [grid, synthetic].into_iter();
    let rows = both.filter_map(|compared| compared.rows.get(&definition.name));
    let keys: BTreeSet<_> = rows.flat_map(BTreeMap::keys).collect();
    // What differs in nothing but its name stands in one line.
    let mut lines: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for key in keys {
        let (apart, what, ours) = key;
        let counts = (
            grid.count(definition, key),
            synthetic.count(definition, key),
        );
        lines
            .entry((apart, *ours, Reverse(counts)))
            .or_default()
            .push(what);
    }
    let mut before = None;
    for ((apart, ours, Reverse((counted, also))), what) in lines {
        if before.replace(apart) != Some(apart) {
            out += &heading(definition, apart);
        }
        let (what, theirs) = (what.join(", "), apart.theirs());
        out += &format!("| {what} | {theirs} | {ours} | {counted} | {also} |\n");
    }
    out
}

fn heading(definition: &Definition, apart: &Apart) -> String {
    let verb = match apart {
        Apart::Missed(_) => "Misses",
        Apart::OverCounted(_) => "Over-counts",
    };
    let reason = reason(definition, apart);
    format!(
        "\n{verb}: {reason}\n\n| what | theirs | ours | grid, each | tenant, each |\n\
         |---|---|---|---:|---:|\n"
    )
}

/// The published records: totals and every disagreement in one table each.
pub fn published(definitions: &[Definition], compared: &Comparison, unread: u64) -> String {
    let mut out = format!(
        "{} sign-ins, of which {} are legacy by our rules; {unread} more are published in a form \
         that is no JSON.\n\n\
         | definition | agrees | misses | over-counts |\n|---|---:|---:|---:|\n",
        compared.sign_ins, compared.legacy
    );
    for definition in definitions {
        let [agrees, misses, over] = compared.totals(definition);
        out += &format!("| {} | {agrees} | {misses} | {over} |\n", definition.title);
    }
    out += "\n| definition | what | theirs | ours | count | reason |\n|---|---|---|---|---:|---|\n";
    for definition in definitions {
        let rows = compared.rows.get(&definition.name);
        for ((apart, what, ours), count) in rows.into_iter().flatten() {
            let (title, theirs) = (&definition.title, apart.theirs());
            let reason = reason(definition, apart);
            out += &format!("| {title} | {what} | {theirs} | {ours} | {count} | {reason} |\n");
        }
    }
    out
}

fn reason<'a>(definition: &'a Definition, apart: &Apart) -> &'a str {
    let reason = definition.reasons.get(&apart.cause());
    reason.map_or("no reason is given", String::as_str)
}

/// The document in its three parts.
pub struct Document {
    prose: String,
    pub told: String,
    pub published: String,
}

impl Document {
    pub fn read() -> Document {
        let text = read(DOCUMENT);
        let (prose, told) = text
            .split_once(FROM_HERE)
            .expect("the document marks what is written");
        let (told, published) = told.split_once(PUBLISHED).unwrap_or((told, ""));
        Document {
            prose: prose.to_owned(),
            told: told.to_owned(),
            published: published.to_owned(),
        }
    }

    pub fn write(&self) {
        let Document {
            prose,
            told,
            published,
        } = self;
        let text = format!("{prose}{FROM_HERE}{told}{PUBLISHED}{published}");
        fs::write(shipped(DOCUMENT), text).unwrap();
    }
}

//! Findings are a function of the set of events: neither their order, nor copies, nor the moments of
//! commits and of a late import show in them.
//!
//! First without any file or clock, from the bytes of records to the health of batches, thousands of
//! times; then a few times through the real program. Everything lies within the time for which the
//! shipped settings remember exactly.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use signloop::domain::causes::texts::CauseTexts;
use signloop::domain::classify::Classifier;
use signloop::domain::decode::normalise::{Normalised, normalise};
use signloop::domain::decode::{Decoder, Piece};
use signloop::domain::detector::{Detector, DetectorSettings};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::loops::row::LoopRow;
use signloop::domain::loops::{DAY, HOUR, MINUTE};
use signloop::domain::mailbox::{MailboxState, MailboxStateRow};
use signloop::domain::migration::{ImportOptions, MigrationIndex, read};
use signloop::domain::signal::Facts;

use crate::support::{
    Client, Lake, OUTLOOK, OUTLOOK_MOBILE, Short, envelope, instant, object_id, upn,
};

const CASES: u32 = 2_000;
/// Cases that go through the real program.
const REAL_CASES: usize = 6;

/// 2026-03-12 00:00 UTC.
const START: i64 = 20_524 * DAY;
/// Less than what the shipped settings remember exactly.
const SPAN: i64 = 2 * DAY + 20 * HOUR;
const USERS: u32 = 5;

/// Users 0 to 2 are moved, two of them named by their sign-in name; 3 and 4 are not.
fn moves() -> String {
    let cutovers = [
        (upn(0), DAY, "North"),
        (object_id(1), DAY + 5 * HOUR, "North"),
        (upn(2), 2 * DAY, "South, coast"),
        ("nobody@tidewater.example".to_owned(), DAY, "South, coast"),
    ];
    let mut csv = "user,cutover_at,batch\n".to_owned();
    for (user, after, batch) in cutovers {
        csv += &format!("{user},{},\"{batch}\"\n", instant(START + after));
    }
    csv
}

fn legacy() -> impl Strategy<Value = Client> {
    prop_oneof![
        3 => Just(Client::Legacy("Exchange Web Services")),
        2 => Just(Client::Legacy("AutoDiscover")),
        2 => Just(Client::Legacy("MAPI Over HTTP")),
        2 => Just(Client::Legacy("Exchange ActiveSync")),
        1 => Just(Client::Legacy("Authenticated SMTP")),
        1 => Just(Client::Legacy("Other clients")),
    ]
}

fn modern() -> impl Strategy<Value = Client> {
    let web = Client::Modern("9199bf20-a13f-4107-85dc-02114787ef48");
    prop_oneof![3 => Just(OUTLOOK), 2 => Just(OUTLOOK_MOBILE), 1 => Just(web)]
}

fn code() -> impl Strategy<Value = i32> {
    prop_oneof![4 => Just(53003), 2 => Just(50126), 1 => Just(50076), 1 => Just(50053)]
}

/// When something begins: anywhere, or around a cutover.
fn begin() -> impl Strategy<Value = i64> {
    let near = DAY - 30 * MINUTE..DAY + 30 * MINUTE;
    prop_oneof![3 => 0..SPAN, 2 => near, 1 => Just(DAY), 1 => Just(2 * DAY - 1)]
}

/// Attempts of one client close enough to make a loop, and often what ends one.
fn cluster() -> impl Strategy<Value = Vec<Short>> {
    let gap = prop_oneof![1..MINUTE, MINUTE..20 * MINUTE, 30 * MINUTE..3 * HOUR];
    let gaps = prop::collection::vec(gap, 1..16);
    let who = (0..USERS, 1..20_u8, any::<bool>());
    let client = (legacy(), code(), 0..8_u8);
    (who, begin(), client, gaps).prop_map(
        |((user, ip, roams), begin, (client, code, end), gaps)| {
            let mut at = START + begin;
            let mut events = Vec::new();
            for (step, gap) in gaps.iter().enumerate() {
                let ip = if roams { ip + step as u8 } else { ip };
                events.push(Short {
                    number: 0,
                    user,
                    at,
                    client,
                    code,
                    ip,
                });
                at = (at + gap).min(START + SPAN);
            }
            let last = match end {
                0 | 1 => Some(OUTLOOK),
                2 => Some(OUTLOOK_MOBILE),
                3 => Some(client),
                _ => None,
            };
            events.extend(last.map(|client| Short {
                number: 0,
                user,
                at,
                client,
                code: 0,
                ip,
            }));
            events
        },
    )
}

fn single() -> impl Strategy<Value = Vec<Short>> {
    let what = prop_oneof![
        4 => modern().prop_map(|client| (client, 0)),
        1 => legacy().prop_map(|client| (client, 0)),
        2 => (legacy(), code()),
        1 => (modern(), code()),
    ];
    (0..USERS, begin(), what, 1..20_u8).prop_map(|(user, begin, (client, code), ip)| {
        vec![Short {
            number: 0,
            user,
            at: START + begin,
            client,
            code,
            ip,
        }]
    })
}

/// Sign-ins in order of time, each with an id of its own.
fn sign_ins() -> impl Strategy<Value = Vec<Short>> {
    let parts = prop::collection::vec(prop_oneof![2 => cluster(), 1 => single()], 1..9);
    parts.prop_map(|parts| {
        let mut all = parts.concat();
        all.sort_by_key(|short| (short.at, short.user));
        for (number, short) in (0..).zip(&mut all) {
            short.number = number;
        }
        all
    })
}

/// Sign-ins in order, and the same ones twice each and in any order.
fn in_two_orders() -> impl Strategy<Value = (Vec<Short>, Vec<Short>)> {
    sign_ins().prop_flat_map(|ordered| {
        let twice = [ordered.clone(), ordered.clone()].concat();
        (Just(ordered), Just(twice).prop_shuffle())
    })
}

/// From bytes to findings, as the pipeline does it but without files and threads.
struct Core {
    classifier: Classifier,
    detector: Detector,
    known: HashSet<(String, String)>,
    loops: BTreeMap<String, LoopRow>,
    states: BTreeMap<String, MailboxStateRow>,
}

impl Core {
    fn new() -> Core {
        static TEXTS: LazyLock<Arc<CauseTexts>> = LazyLock::new(|| {
            let texts = crate::prometheus_rules::read("schemas/causes.toml");
            Arc::new(CauseTexts::parse(&texts).unwrap())
        });
        let mut settings = DetectorSettings {
            texts: TEXTS.clone(),
            ..DetectorSettings::default()
        };
        let channels = Knowledge::builtin().recovered_by();
        settings.loops.recovered_by = channels
            .iter()
            .map(|(group, by)| (*group, by.clone()))
            .collect();
        Core {
            classifier: Classifier::new(Knowledge::builtin()),
            detector: Detector::new(settings),
            known: HashSet::new(),
            loops: BTreeMap::new(),
            states: BTreeMap::new(),
        }
    }

    fn import(&mut self) {
        let options = ImportOptions {
            tz: None,
            date_order: None,
            source: "moves.csv".to_owned(),
        };
        let import = read(moves().as_bytes(), &options).unwrap();
        assert_eq!((import.mailboxes.len(), import.refused_rows.len()), (4, 0));
        self.detector
            .set_migrations(Arc::new(MigrationIndex::new(import.mailboxes)));
    }

    fn take(&mut self, message: &[u8]) {
        Decoder::default().decode(message, &mut |piece| {
            let Piece::Record { record, .. } = piece else {
                panic!("every record is read");
            };
            let Normalised::SignIn(sign_in) = normalise(record, None) else {
                panic!("every record is a sign-in");
            };
            let key = (sign_in.tenant_id.to_owned(), sign_in.id.to_owned());
            if self.known.insert(key) {
                let verdict = self.classifier.classify(&sign_in);
                let signal = Facts::of(&sign_in, &verdict).signal(Knowledge::builtin());
                signal
                    .iter()
                    .for_each(|signal| self.detector.observe(signal));
                self.detector.advance(sign_in.event_time);
            }
        });
    }

    fn derive(&mut self) {
        let changes = self.detector.derive_changed();
        self.loops.extend(
            changes
                .loops
                .into_iter()
                .map(|row| (row.loop_id.clone(), row)),
        );
        let states = changes.mailbox_states.into_iter();
        self.states
            .extend(states.map(|row| (row.mailbox.clone(), row)));
    }

    fn findings(mut self) -> Findings {
        self.derive();
        let living = self.loops.into_values().filter(|row| !row.is_retraction());
        // How often a loop was revised on the way, and which ones it took over, is its history.
        let loops = living.map(|row| LoopRow {
            revision: 0,
            replaces: vec![],
            ..row
        });
        Findings {
            health: health(self.states.values()),
            loops: loops.collect(),
            states: self.states,
        }
    }
}

/// What people are told in the end.
#[derive(Debug, PartialEq)]
struct Findings {
    loops: Vec<LoopRow>,
    states: BTreeMap<String, MailboxStateRow>,
    health: BTreeMap<String, Health>,
}

/// A row of `batch_health`.
#[derive(Debug, Default, PartialEq)]
struct Health {
    by_state: BTreeMap<MailboxState, u64>,
    minutes: Vec<i64>,
}

fn health<'a>(states: impl Iterator<Item = &'a MailboxStateRow>) -> BTreeMap<String, Health> {
    let mut batches: BTreeMap<String, Health> = BTreeMap::new();
    for row in states {
        let health = batches.entry(row.batch.clone()).or_default();
        *health.by_state.entry(row.state).or_default() += 1;
        health.minutes.extend(row.minutes_to_reconfigure);
        health.minutes.sort_unstable();
    }
    batches
}

/// In order, each event once, with the import before and one look at the end.
fn plainly(ordered: &[Short]) -> Findings {
    let mut core = Core::new();
    core.import();
    ordered
        .iter()
        .for_each(|short| core.take(short.json().as_bytes()));
    core.findings()
}

/// In messages of several, with looks in between and an import at some time.
fn in_any_way(events: &[Short], sizes: &[usize], looks: &[bool], import_at: usize) -> Findings {
    let mut core = Core::new();
    let (mut rest, mut number) = (events, 0);
    while !rest.is_empty() {
        if number == import_at {
            core.import();
        }
        let (packed, later) = rest.split_at(sizes[number % sizes.len()].min(rest.len()));
        let records: Vec<String> = packed.iter().map(Short::json).collect();
        core.take(&envelope(&records));
        if looks[number % looks.len()] {
            core.derive();
        }
        (rest, number) = (later, number + 1);
    }
    if import_at >= number {
        core.import();
    }
    core.findings()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn any_order_with_every_event_twice_gives_the_same_findings(
        (ordered, twice) in in_two_orders(),
        sizes in prop::collection::vec(1..12_usize, 1..6),
        looks in prop::collection::vec(any::<bool>(), 1..12),
        import_at in 0..40_usize,
    ) {
        prop_assert_eq!(in_any_way(&twice, &sizes, &looks, import_at), plainly(&ordered));
    }
}

#[test]
fn the_cases_are_rich_in_findings() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..200 {
        let ordered = sign_ins().new_tree(&mut runner).unwrap().current();
        let findings = plainly(&ordered);
        for row in &findings.loops {
            *seen.entry(row.kind.name()).or_default() += 1;
            *seen.entry(row.state.name()).or_default() += 1;
            *seen
                .entry(row.ending.map_or("", |ending| ending.name()))
                .or_default() += 1;
        }
        for row in findings.states.values() {
            *seen.entry(row.state.name()).or_default() += 1;
        }
    }
    println!("in 200 cases: {seen:?}");
    for what in [
        "direct",
        "unrelated",
        "open",
        "closed",
        "recovered",
        "legacy_accepted",
    ] {
        assert!(
            seen.get(what).is_some_and(|count| *count >= 20),
            "{what} in {seen:?}"
        );
    }
    for what in ["pending", "reconfigured", "looping"] {
        assert!(
            seen.get(what).is_some_and(|count| *count >= 20),
            "{what} in {seen:?}"
        );
    }
}

#[test]
fn the_program_finds_the_same_in_any_order_of_files_with_every_event_twice() {
    let mut runner = TestRunner::deterministic();
    for case in 0..REAL_CASES {
        let parts = prop::collection::vec(in_two_orders(), 6);
        let sets = parts.new_tree(&mut runner).unwrap().current();
        let (ordered, twice) = joined(sets);
        let plain = Lake::new();
        plain.import(&moves());
        let (folder, files) = written(&ordered, 1);
        plain.ingest(&[folder.path()]);
        assert_eq!(files.len(), 1);

        let mixed = Lake::new();
        let (_folder, files) = written(&twice, 3);
        let sums = [mixed.ingest(&[&files[2]]), {
            mixed.import(&moves());
            mixed.ingest(&[&files[0], &files[1]])
        }];
        let copies = sums[0].copies + sums[1].copies;
        let new = sums[0].sign_ins + sums[1].sign_ins;
        assert_eq!(
            (new, copies),
            (ordered.len() as u64, ordered.len() as u64),
            "case {case}"
        );

        for query in [
            "SELECT * EXCLUDE (revision, replaces) FROM loops_latest ORDER BY loop_id",
            "SELECT * FROM batch_health ORDER BY batch",
        ] {
            let (left, right): (Vec<Value>, Vec<Value>) = (mixed.sql(query), plain.sql(query));
            assert!(!right.is_empty(), "case {case}: {query}");
            for (left, right) in left.iter().zip(&right) {
                assert_eq!(left, right, "case {case}: {query}");
            }
            assert_eq!(left.len(), right.len(), "case {case}: {query}");
        }
    }
}

/// Several sets as one, with ids and users of their own.
fn joined(sets: Vec<(Vec<Short>, Vec<Short>)>) -> (Vec<Short>, Vec<Short>) {
    let (mut ordered, mut twice) = (Vec::new(), Vec::new());
    for (place, (once, both)) in (0..).zip(sets) {
        let own = |short: Short| Short {
            number: short.number + 1_000_000 * u64::from(place),
            // Of the moved users only the first set has some.
            user: if place == 0 {
                short.user
            } else {
                short.user + 100 * place
            },
            ..short
        };
        ordered.extend(once.into_iter().map(own));
        twice.extend(both.into_iter().map(own));
    }
    ordered.sort_by_key(|short| short.at);
    (ordered, twice)
}

/// Records as files of one record a line.
fn written(events: &[Short], files: usize) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, part) in events.chunks(events.len().div_ceil(files)).enumerate() {
        let path = folder.path().join(format!("{number}.ndjson"));
        let lines: Vec<String> = part.iter().map(Short::json).collect();
        fs::write(&path, lines.join("\n")).unwrap();
        paths.push(path);
    }
    (folder, paths)
}

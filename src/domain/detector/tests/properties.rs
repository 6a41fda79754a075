//! The result is a function of the set of signals: order, batching, late imports and restarts do not
//! show in it.

use proptest::prelude::*;

use super::*;

const CASES: u32 = 2_500;

/// When the mailboxes of users 1 and 2 are cut over, in a run of eight days.
const CUTOVER: i64 = START + 2 * DAY;

fn groups() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("outlook_desktop"), 2 => Just("activesync"), 1 => Just("smtp")]
}

fn some_attempt() -> impl Strategy<Value = Attempt> {
    let protocols = prop_oneof![Just(Protocol::Ews), Just(Protocol::Autodiscover)];
    let families = prop_oneof![
        Just("unknown"),
        Just("outlook_2013"),
        Just("outlook_2016_plus")
    ];
    let codes = prop_oneof![
        Just((53003, "ca_block", PasswordVerified::Yes)),
        Just((50126, "password", PasswordVerified::No)),
        Just((50076, "mfa_interrupt", PasswordVerified::Unknown)),
    ];
    (groups(), protocols, families, codes, 0..12_u64).prop_map(
        |(client_group, protocol, client_family, (error_code, failure_class, password), ip)| {
            Attempt {
                client_group,
                protocol,
                client_family,
                error_code,
                failure_class,
                password_verified: password,
                ip,
            }
        },
    )
}

fn named(number: u128, at: i64, name: u8, kind: SignalKind) -> Signal {
    let mut signal = signal(number, at, kind);
    if name == 0 {
        signal.user_principal_name = format!("renamed{number}@x.org");
    }
    signal.display_name = format!("User {number}");
    signal
}

/// A run of attempts close enough to make a loop, near the cutover or anywhere.
fn cluster() -> impl Strategy<Value = Vec<Signal>> {
    let start = prop_oneof![
        0..8 * DAY,
        2 * DAY - HOUR..2 * DAY + HOUR,
        Just(2 * DAY - 1),
        Just(2 * DAY),
    ];
    let gap = prop_oneof![1..MINUTE, MINUTE..20 * MINUTE, 30 * MINUTE..3 * HOUR];
    let gaps = prop_oneof![
        12 => prop::collection::vec(gap, 1..14),
        1 => prop::collection::vec(MINUTE..20 * MINUTE, 60..120),
    ];
    (1..4_u128, start, gaps, some_attempt(), 0..20_u8).prop_map(
        |(number, start, gaps, attempt, name)| {
            let mut at = START + start;
            let mut signals = Vec::new();
            for (n, gap) in gaps.iter().enumerate() {
                let ip = if name % 3 == 0 {
                    attempt.ip + n as u64
                } else {
                    attempt.ip
                };
                let kind = SignalKind::Attempt(Attempt {
                    ip,
                    ..attempt.clone()
                });
                signals.push(named(number, at, name, kind));
                at += gap;
            }
            signals
        },
    )
}

fn single() -> impl Strategy<Value = Vec<Signal>> {
    let channels = prop_oneof![
        Just(Channel::OutlookDesktop),
        Just(Channel::OutlookMobile),
        Just(Channel::NativeMail),
        Just(Channel::OutlookWeb),
    ];
    let kind = prop_oneof![
        3 => channels.prop_map(|channel| SignalKind::ModernSuccess { channel }),
        1 => groups().prop_map(|client_group| SignalKind::LegacySuccess { client_group }),
        3 => some_attempt().prop_map(SignalKind::Attempt),
    ];
    let at = prop_oneof![0..8 * DAY, 2 * DAY - MINUTE..2 * DAY + MINUTE];
    (1..4_u128, at, kind, 0..20_u8)
        .prop_map(|(number, at, kind, name)| vec![named(number, START + at, name, kind)])
}

/// A set of signals in an order of its own, and a permutation of it.
fn signals() -> impl Strategy<Value = (Vec<Signal>, Vec<Signal>)> {
    let parts = prop::collection::vec(prop_oneof![cluster(), single()], 1..9);
    parts
        .prop_map(|parts| parts.concat())
        .prop_flat_map(|signals| {
            let shuffled = Just(signals.clone()).prop_shuffle();
            (Just(signals), shuffled)
        })
}

fn moved() -> Arc<MigrationIndex> {
    let second = Mailbox {
        user: UserKey::new("name:user 2"),
        user_principal_name: None,
        display_name: Some("user 2".to_owned()),
        ..mailbox(2, Some(CUTOVER + HOUR))
    };
    let ahead = mailbox(8, Some(START + 7 * DAY));
    index([
        mailbox(1, Some(CUTOVER)),
        second,
        mailbox(7, Some(CUTOVER)),
        ahead,
    ])
}

/// Everything is exact for the whole run, so that a late import has all it needs.
fn exact() -> DetectorSettings {
    DetectorSettings {
        exact_for: 9 * DAY,
        ..settings()
    }
}

/// The newest revision of everything, as a view over the tables shows it.
#[derive(Debug, Default, Clone, PartialEq)]
struct Newest {
    loops: BTreeMap<String, LoopRow>,
    states: BTreeMap<String, MailboxStateRow>,
}

impl Newest {
    fn take(&mut self, changes: Changes) {
        for row in changes.loops {
            let before = self
                .loops
                .get(&row.loop_id)
                .map_or(0, |before| before.revision);
            assert_eq!(row.revision, before + 1, "revisions count by one");
            self.loops.insert(row.loop_id.clone(), row);
        }
        for row in changes.mailbox_states {
            assert_ne!(
                self.states.get(&row.mailbox),
                Some(&row),
                "only changes are emitted"
            );
            self.states.insert(row.mailbox.clone(), row);
        }
    }

    /// What does not depend on how it came about.
    fn final_rows(&self) -> (Vec<LoopRow>, Vec<MailboxStateRow>) {
        let living = self.loops.values().filter(|row| !row.is_retraction());
        let loops = living.map(|row| LoopRow {
            revision: 0,
            replaces: vec![],
            ..row.clone()
        });
        (loops.collect(), self.states.values().cloned().collect())
    }

    /// Nothing that is alive was replaced by something that is alive.
    fn assert_consistent(&self) {
        let living: Vec<_> = self
            .loops
            .values()
            .filter(|row| !row.is_retraction())
            .collect();
        for (at, row) in living.iter().enumerate() {
            let rest = &living[at + 1..];
            let shares_time = |other: &&&LoopRow| row.user == other.user && row.overlaps(other);
            assert_eq!(rest.iter().find(shares_time), None, "two loops share time");
        }
    }
}

fn at_once(settings: DetectorSettings, signals: &[Signal]) -> Newest {
    let mut detector = Detector::new(settings);
    detector.set_migrations(moved());
    observe_all(&mut detector, signals);
    let mut newest = Newest::default();
    newest.take(detector.derive_changed());
    newest.assert_consistent();
    newest
}

/// Derives wherever `cuts` says; the index comes before the signal with number `import_at`.
fn in_steps(
    settings: DetectorSettings,
    signals: &[Signal],
    cuts: &[bool],
    import_at: usize,
) -> (Detector, Newest) {
    let mut detector = Detector::new(settings);
    let mut newest = Newest::default();
    for (n, signal) in signals.iter().enumerate() {
        if n == import_at {
            detector.set_migrations(moved());
        }
        detector.observe(signal);
        if cuts[n % cuts.len()] {
            newest.take(detector.derive_changed());
        }
    }
    if import_at >= signals.len() {
        detector.set_migrations(moved());
    }
    newest.take(detector.derive_changed());
    newest.assert_consistent();
    (detector, newest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn any_order_gives_the_same_findings((signals, shuffled) in signals()) {
        prop_assert_eq!(at_once(settings(), &signals), at_once(settings(), &shuffled));
    }

    #[test]
    fn deriving_in_between_changes_nothing_in_the_end(
        (signals, shuffled) in signals(),
        cuts in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let (_, newest) = in_steps(exact(), &shuffled, &cuts, 0);
        prop_assert_eq!(newest.final_rows(), at_once(exact(), &signals).final_rows());
    }

    #[test]
    fn a_late_import_equals_an_early_one(
        (signals, shuffled) in signals(),
        cuts in prop::collection::vec(any::<bool>(), 1..40),
        import_at in 0..80_usize,
    ) {
        let (_, newest) = in_steps(exact(), &shuffled, &cuts, import_at);
        prop_assert_eq!(newest.final_rows(), at_once(exact(), &signals).final_rows());
    }

    #[test]
    fn folding_what_is_old_changes_nothing_for_events_in_order(
        (signals, _) in signals(),
        cuts in prop::collection::vec(any::<bool>(), 1..6),
    ) {
        let mut ordered = signals.clone();
        ordered.sort_by_key(|signal| signal.at);
        let coarse = DetectorSettings { exact_for: HOUR, ..settings() };
        let (_, newest) = in_steps(coarse, &ordered, &cuts, 0);
        prop_assert_eq!(newest.final_rows(), at_once(exact(), &signals).final_rows());
    }

    #[test]
    fn a_restart_emits_nothing_new(
        (signals, shuffled) in signals(),
        cuts in prop::collection::vec(any::<bool>(), 1..40),
        import_at in 0..80_usize,
    ) {
        let (mut before, newest) = in_steps(exact(), &shuffled, &cuts, import_at);
        prop_assert_eq!(before.derive_changed(), Changes::default());
        let mut restarted = Detector::new(exact());
        let loops = newest.loops.values().cloned().collect();
        restarted.seed_emitted(loops, newest.states.values().cloned().collect());
        restarted.set_migrations(moved());
        observe_all(&mut restarted, &signals);
        prop_assert_eq!(restarted.derive_changed(), Changes::default());
        let open: Vec<_> = before.open_loops().map(|row| &row.loop_id).collect();
        let again: Vec<_> = restarted.open_loops().map(|row| &row.loop_id).collect();
        prop_assert_eq!(open, again);
        prop_assert_eq!(before.mailbox_counts(), restarted.mailbox_counts());
    }
}

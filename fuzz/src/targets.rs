//! What must hold for any bytes whatever: one function a target, which panics if it does not.
//!
//! The fuzzer looks for bytes that break it, and the tests replay those it has found interesting.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

use signloop::domain::classify::Classifier;
use signloop::domain::decode::normalise::{Normalised, normalise};
use signloop::domain::decode::oddity::{Oddities, Oddity};
use signloop::domain::decode::record::Record;
use signloop::domain::decode::table::Header;
use signloop::domain::decode::time::{date, instant, noted_instant};
use signloop::domain::decode::{Decoder, Piece, Pointer};
use signloop::domain::knowledge::Knowledge;
use signloop::domain::migration::{
    DateOrder, Identity, Import, ImportOptions, MigrationIndex, read,
};
use signloop::domain::signal::Facts;

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 5] = [
    ("message", message),
    ("record", record),
    ("time", time),
    ("table", table),
    ("migration", migration),
];

/// Messages of a decoder's past among which one is sought that explains a difference.
const PAST_MAX: usize = 64;
/// When the broker took a record, for those that do not say when they happened.
const ARRIVAL: i64 = 1_773_417_600_000_000;

/// A decoder that has read what came before, and the latest of that.
#[derive(Default)]
struct LongLived {
    decoder: Decoder,
    past: VecDeque<Vec<u8>>,
}

thread_local! {
    static LONG_LIVED: RefCell<LongLived> = RefCell::default();
    static CLASSIFIER: RefCell<Classifier> = RefCell::new(Classifier::new(Knowledge::builtin()));
}

/// A message: its pieces stand in order, leave nothing out, and do not depend on what came before.
fn message(bytes: &[u8]) {
    let fresh = pieces(&mut Decoder::default(), bytes);
    check_places(bytes);
    // Lines as messages, then all of them as one: like the records of one tenant, they are alike.
    let mut decoder = Decoder::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let alone = pieces(&mut Decoder::default(), line);
        assert_eq!(pieces(&mut decoder, line), alone, "a line after others");
    }
    assert_eq!(pieces(&mut decoder, bytes), fresh, "after its own lines");
    LONG_LIVED.with_borrow_mut(|long| {
        let found = pieces(&mut long.decoder, bytes);
        assert!(found == fresh, "{}", difference(&long.past, bytes));
        if long.past.len() == PAST_MAX {
            long.past.pop_front();
        }
        long.past.push_back(bytes.to_vec());
    });
    judge(&mut Decoder::default(), bytes);
}

/// Which message, read before, makes this one read differently.
fn difference(past: &VecDeque<Vec<u8>>, bytes: &[u8]) -> String {
    let fresh = pieces(&mut Decoder::default(), bytes);
    let culprit = past.iter().find(|earlier| {
        let mut decoder = Decoder::default();
        pieces(&mut decoder, earlier);
        pieces(&mut decoder, bytes) != fresh
    });
    match culprit {
        Some(earlier) => format!("read differently after {:?}", earlier.escape_ascii()),
        None => "read differently after many others".to_owned(),
    }
}

/// The pieces of a message as text.
fn pieces(decoder: &mut Decoder, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    decoder.decode(bytes, &mut |piece| {
        found.push(match &piece {
            Piece::Record {
                record,
                raw,
                pointer,
            } => format!("{record:?} {pointer:?} {}", raw.len()),
            Piece::Reject(reject) => format!(
                "{:?} {:?} {:?} {}",
                reject.reason,
                reject.detail,
                reject.pointer,
                reject.raw.len()
            ),
        });
    });
    found
}

/// Pieces never overlap, and between lone values there is nothing but space, a comma and empty lists.
fn check_places(bytes: &[u8]) {
    let mut places = Vec::new();
    let mut are_lone = true;
    Decoder::default().decode(bytes, &mut |piece| {
        let (raw, pointer) = match &piece {
            Piece::Record { raw, pointer, .. } => (*raw, *pointer),
            Piece::Reject(reject) => (reject.raw, reject.pointer),
        };
        are_lone &= pointer == Pointer::default();
        let start = raw.as_ptr() as usize;
        places.push(start..start + raw.len());
    });
    for pair in places.windows(2) {
        assert!(pair[0].end <= pair[1].start, "pieces overlap: {pair:?}");
    }
    let start = bytes.as_ptr() as usize;
    let own =
        |place: &std::ops::Range<usize>| start <= place.start && place.end <= start + bytes.len();
    if are_lone && places.iter().all(own) {
        for pair in places.windows(2) {
            let gap = &bytes[pair[0].end - start..pair[1].start - start];
            // A byte-order mark stands where files were put together.
            let gap = String::from_utf8_lossy(gap).replace('\u{feff}', "");
            let is_frame = matches!(gap.trim().as_bytes(), b"," | [] | [b'[' | b'{', ..]);
            assert!(is_frame, "left out: {gap:?}");
        }
    }
}

/// Every record gets a meaning, a verdict and perhaps a signal.
fn judge(decoder: &mut Decoder, bytes: &[u8]) {
    decoder.decode(bytes, &mut |piece| judge_piece(&piece));
}

fn judge_piece(piece: &Piece) {
    let Piece::Record { record, .. } = piece else {
        return;
    };
    for arrival in [None, Some(ARRIVAL)] {
        if let Normalised::SignIn(sign_in) = normalise(record, arrival) {
            let verdict = CLASSIFIER.with_borrow_mut(|classifier| classifier.classify(&sign_in));
            let facts = Facts::of(&sign_in, &verdict);
            let _ = facts.signal(Knowledge::builtin());
            assert_eq!(sign_in.event_date, date(sign_in.event_time));
        }
    }
}

/// A record: what the quick reader reads, the lenient one reads the same.
fn record(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    judge(&mut decoder, bytes);
    if decoder.take_lenient() > 0 || bytes.first() != Some(&b'{') {
        return;
    }
    let Some(quick) = lone(&mut decoder, bytes) else {
        return;
    };
    // The quick reader reads no escaped key; this one means nothing.
    let odd = [&br#"{"\u0078":0,"#[..], &bytes[1..]].concat();
    let lenient = lone(&mut decoder, &odd);
    assert_eq!(decoder.take_lenient(), 1, "it was to be read leniently");
    assert_eq!(Some(quick), lenient);
}

/// The one record that a message is, as text and without its oddities: those in fields that nobody
/// reads are seen by the lenient reader alone.
fn lone(decoder: &mut Decoder, bytes: &[u8]) -> Option<String> {
    let mut found = Vec::new();
    decoder.decode(bytes, &mut |piece| {
        found.push(match piece {
            Piece::Record {
                record, pointer, ..
            } if pointer == Pointer::default() => {
                let record = Record {
                    oddities: Oddities::default(),
                    ..record.clone()
                };
                Some(format!("{record:?}"))
            }
            Piece::Record { .. } | Piece::Reject(_) => None,
        });
    });
    match found.as_mut_slice() {
        [one] => one.take(),
        _ => None,
    }
}

/// A time: in range, the same when it is written in the normal form, and that of another reader.
fn time(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut oddities = Oddities::default();
    let found = noted_instant(&text, &mut oddities);
    assert_eq!(found, instant(&text), "noting changes nothing");
    let padded = format!(" {text}\t");
    assert_eq!(found, instant(&padded), "space around it means nothing");
    let Some(micros) = found else {
        return;
    };
    assert!(!oddities.has(Oddity::TimeOutOfRange));
    let stamp = jiff::Timestamp::from_microsecond(micros).expect("of this century");
    let normal = stamp.to_string();
    assert!(normal.starts_with("20"), "{normal}");
    assert_eq!(instant(&normal), Some(micros), "{normal}");
    let day = stamp.as_second().div_euclid(86_400);
    assert_eq!(i64::from(date(micros)), day, "{normal}");
    if let Ok(other) = text.trim().parse::<jiff::Timestamp>() {
        assert_eq!(micros, other.as_microsecond(), "{text:?}");
    }
}

/// A table: its rows follow each other, each is one row also when read alone, and gives one piece.
fn table(bytes: &[u8]) {
    for name in ["InteractiveSignIns.csv", "NonInteractiveSignIns.csv"] {
        let Some((header, from)) = Header::read(bytes, name) else {
            continue;
        };
        let mut starts = header.rows(bytes, from);
        assert!(starts.first().is_none_or(|first| *first >= from));
        starts.push(bytes.len());
        let mut decoder = Decoder::default();
        for ends in starts.windows(2) {
            assert!(ends[0] < ends[1], "rows overlap: {ends:?}");
            let raw = &bytes[ends[0]..ends[1]];
            assert_eq!(header.rows(raw, 0).len(), 1, "{:?}", raw.escape_ascii());
            let mut count = 0;
            decoder.table_row(&header, raw, &mut |piece| {
                count += 1;
                judge_piece(&piece);
            });
            assert_eq!(count, 1, "{:?}", raw.escape_ascii());
        }
    }
}

/// An export: read the same twice, a line for every refusal, one mailbox a user, nothing that
/// harms a terminal. The first byte chooses the options.
fn migration(bytes: &[u8]) {
    let Some((choice, file)) = bytes.split_first() else {
        return;
    };
    let options = options(*choice);
    let found = read(file, &options);
    assert_eq!(found, read(file, &options), "reading has no memory");
    match found {
        Ok(import) => check_import(import),
        Err(error) => check_harmless(&error.to_string()),
    }
}

fn options(choice: u8) -> ImportOptions {
    let zones = ["UTC", "Europe/Berlin", "America/New_York"];
    let zone = zones.get(usize::from(choice & 3));
    ImportOptions {
        tz: zone.map(|zone| jiff::tz::TimeZone::get(zone).expect("a zone of the bundle")),
        date_order: match choice >> 2 & 3 {
            0 => None,
            1 => Some(DateOrder::DayFirst),
            2 => Some(DateOrder::MonthFirst),
            _ => Some(DateOrder::YearFirst),
        },
        source: "moves.csv".to_owned(),
    }
}

fn check_import(import: Import) {
    for row in &import.refused_rows {
        assert!(row.line > 1, "the header is no row: {row:?}");
        check_harmless(&row.reason);
    }
    import.notes.iter().for_each(|note| check_harmless(note));
    let users: HashSet<&str> = import.mailboxes.iter().map(|it| it.user.as_str()).collect();
    assert_eq!(users.len(), import.mailboxes.len(), "one mailbox a user");
    let mailboxes = import.mailboxes.clone();
    let index = MigrationIndex::new(import.mailboxes);
    for mailbox in &mailboxes {
        assert!(!mailbox.batch.is_empty() && mailbox.strongest_key().is_some());
        let identity = Identity {
            user_id: mailbox.object_id.as_deref().unwrap_or_default(),
            user_principal_name: mailbox.user_principal_name.as_deref().unwrap_or_default(),
            display_name: mailbox.display_name.as_deref().unwrap_or_default(),
        };
        let found = index.find(&identity);
        assert!(found.is_some() || !mailbox.has_strong_key(), "{mailbox:?}");
    }
    let _ = (index.ambiguous(), index.unresolved());
}

/// A message for people ends on a terminal.
fn check_harmless(text: &str) {
    let harms = |letter: char| letter.is_control() && letter != '\n';
    assert!(!text.contains(harms), "{text:?}");
}

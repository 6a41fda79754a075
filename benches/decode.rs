//! Reading alone, one thread: the program's decoder beside serde_json on the same records in the same
//! run. Prints ratios; nothing is asserted about time. Run it with `cargo bench --bench decode`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use signloop::domain::decode::record::Record;
use signloop::domain::decode::{Decoder, Piece};
use signloop::generate::{Event, Plan, envelope, tenant};

const RECORDS: u64 = 20_000;
const ROUNDS: usize = 9;
const ENVELOPE: usize = 20;

fn main() {
    let events: Vec<Event> = tenant(&Plan::bulk(RECORDS)).events().collect();
    let lines: Vec<Vec<u8>> = events
        .iter()
        .map(|event| event.json.clone().into_bytes())
        .collect();
    let envelopes: Vec<Vec<u8>> = events.chunks(ENVELOPE).map(envelope).collect();
    println!("| messages | serde_json MB/s | decoder MB/s | ratio |\n|---|---|---|---|");
    compare("one record each", &lines, |line| {
        black_box(serde_json::from_slice::<Record>(line).expect("a record"));
    });
    compare("envelopes of 20", &envelopes, |message| {
        let envelope: BTreeMap<&str, Vec<Record>> =
            serde_json::from_slice(message).expect("an envelope");
        black_box(envelope);
    });
}

/// Both readers in turn, so that what disturbs the machine disturbs both; the best round counts.
fn compare(name: &str, messages: &[Vec<u8>], reference: impl Fn(&[u8])) {
    let mut decoder = Decoder::default();
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(timed(messages, &reference));
        best[1] = best[1].min(timed(messages, |message| {
            decoder.decode(message, &mut |piece: Piece| {
                black_box(piece);
            });
        }));
    }
    let bytes: usize = messages.iter().map(Vec::len).sum();
    let [reference, ours] = best.map(|took| bytes as f64 / took.as_secs_f64() / 1e6);
    println!(
        "| {name} | {reference:.0} | {ours:.0} | {:.2} |",
        ours / reference
    );
}

fn timed(messages: &[Vec<u8>], mut read: impl FnMut(&[u8])) -> Duration {
    let started = Instant::now();
    messages.iter().for_each(|message| read(message));
    started.elapsed()
}

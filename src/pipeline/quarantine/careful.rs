//! Reading what is suspect: nothing else in hand, one part after the other.
//!
//! A commit before it and one after it keep what is suspect apart from the rest, so that a crash in
//! between can only be by these messages.

use super::super::crew::Crew;
use super::super::{Pipeline, PipelineError};
use super::{Care, Portion};
use crate::source::Chunk;

impl Pipeline {
    /// Reads a chunk that holds something suspect.
    pub(in crate::pipeline) fn read_carefully(
        &mut self,
        chunk: &Chunk,
        care: Care,
        crew: &Crew,
    ) -> Result<(), PipelineError> {
        self.commit(crew)?;
        let offsets: Vec<i64> = chunk.messages.iter().map(|(offset, _)| *offset).collect();
        let quarantine = self.quarantine.as_ref();
        let portions = quarantine.map_or_else(Vec::new, |quarantine| {
            quarantine.portions(&chunk.lane, &offsets, care)
        });
        for (part, apart) in parts(chunk, &portions) {
            self.health.beat();
            if apart {
                self.commit(crew)?;
            }
            if let Some(quarantine) = &self.quarantine {
                quarantine.begin_part()?;
            }
            self.hand_out(part, crew)?;
            if apart {
                self.commit(crew)?;
            } else {
                crew.pause()?;
            }
        }
        self.commit(crew)
    }
}

/// The messages of a chunk in portions, and whether each is committed by itself; each part reaches
/// to where the next one begins.
fn parts(chunk: &Chunk, portions: &[Portion]) -> impl Iterator<Item = (Chunk, bool)> {
    let mut rest = &chunk.messages[..];
    let mut times = &chunk.times[..];
    portions.iter().map(move |portion| {
        let (part, after) = rest.split_at(portion.messages.min(rest.len()));
        rest = after;
        let (part_times, after) = times.split_at(part.len().min(times.len()));
        times = after;
        let next_offset = rest.first().map_or(chunk.next_offset, |(next, _)| *next);
        let mut bytes = Vec::new();
        let mut messages = Vec::new();
        for (offset, range) in part {
            let start = bytes.len();
            bytes.extend_from_slice(&chunk.bytes[range.clone()]);
            messages.push((*offset, start..bytes.len()));
        }
        let part = Chunk {
            lane: chunk.lane.clone(),
            bytes: bytes.into(),
            messages,
            times: part_times.to_vec(),
            form: chunk.form.clone(),
            next_offset,
        };
        (part, portion.apart)
    })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use super::*;
    use crate::source::{Form, Lane};

    #[test]
    fn parts_hold_every_message_once_and_reach_to_the_next() {
        let lane = Lane {
            stream: "t".into(),
            partition: 3,
            app_id: "t/3".into(),
        };
        let chunk = Chunk {
            lane: Arc::new(lane),
            bytes: b"aa bb cc".to_vec().into(),
            messages: vec![(10, 0..2), (12, 3..5), (17, 6..8)],
            times: vec![Some(5), None, Some(4)],
            form: Form::Json,
            next_offset: 20,
        };
        let told = |sizes: &[usize]| {
            let portions: Vec<_> = sizes
                .iter()
                .map(|size| Portion {
                    messages: *size,
                    apart: false,
                })
                .collect();
            let parts = parts(&chunk, &portions).map(|(part, _)| {
                let text = |(offset, range): &(i64, Range<usize>)| {
                    (*offset, part.bytes[range.clone()].to_vec())
                };
                let messages: Vec<_> = part.messages.iter().map(text).collect();
                (messages, part.next_offset, part.times)
            });
            parts.collect::<Vec<_>>()
        };
        let message = |offset, text: &str| (offset, text.as_bytes().to_vec());
        let (a, b, c) = (message(10, "aa"), message(12, "bb"), message(17, "cc"));
        let pair = (vec![a.clone(), b.clone()], 17, vec![Some(5), None]);
        let last = (vec![c.clone()], 20, vec![Some(4)]);
        assert_eq!(told(&[2, 1]), [pair, last.clone()]);
        assert_eq!(
            told(&[1, 1, 1]),
            [
                (vec![a], 12, vec![Some(5)]),
                (vec![b], 17, vec![None]),
                last
            ]
        );
    }
}

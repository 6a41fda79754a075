//! How far the weekend is: the simulated clock and what has been found so far.
//!
//! On a terminal a bar, else a line every tenth. Everything shown is durable already.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use prometheus::core::Collector;

use crate::cli::report::words::{clock, number};
use crate::domain::loops::words::Kind;
use crate::domain::loops::{DAY, MINUTE, SECOND};
use crate::generate::Plan;
use crate::metrics::Metrics;

/// Rest between two looks at the counters.
const LOOK: Duration = Duration::from_millis(100);

/// Progress of a weekend.
pub(crate) struct Progress {
    start: i64,
    minutes: i64,
    bar: Option<ProgressBar>,
    looked: Option<Instant>,
    /// Tenths that have been told, where there is no terminal.
    tenths: i64,
}

impl Progress {
    /// Nothing yet.
    pub(crate) fn new(plan: &Plan) -> Progress {
        let minutes = i64::from(plan.days) * DAY / MINUTE;
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(u64::try_from(minutes).unwrap_or(0)).with_style(style)
        });
        Progress {
            start: plan.start,
            minutes,
            bar,
            looked: None,
            tenths: 0,
        }
    }

    /// Shows the counters if it is time.
    pub(crate) fn show(&mut self, metrics: &Metrics) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        self.tell(metrics);
    }

    fn tell(&mut self, metrics: &Metrics) {
        let watermark = (metrics.event_watermark.get() * SECOND as f64) as i64;
        if watermark < self.start {
            return;
        }
        // The last minute counts when it has begun.
        let done = ((watermark - self.start) / MINUTE + 1).min(self.minutes);
        let line = line(
            watermark,
            total(&metrics.events, |metric| metric.get_counter().get_value()),
            stuck(metrics),
        );
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(done).unwrap_or(0));
            bar.set_message(line);
        } else if done * 10 / self.minutes > self.tenths {
            self.tenths = done * 10 / self.minutes;
            eprintln!("{:>4} %  {line}", self.tenths * 10);
        }
    }

    /// Shows the end and takes the bar away.
    pub(crate) fn finish(&mut self, metrics: &Metrics) {
        self.tell(metrics);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Those whom a migration explains, as at the end.
fn stuck(metrics: &Metrics) -> u64 {
    total(&metrics.loop_users, |metric| {
        let labels = metric.get_label();
        let unrelated = labels
            .iter()
            .any(|label| label.name() == "kind" && label.value() == Kind::Unrelated.name());
        if unrelated {
            0.0
        } else {
            metric.get_gauge().get_value()
        }
    })
}

fn line(clock_at: i64, sign_ins: u64, stuck: u64) -> String {
    format!(
        "{}  {} sign-ins, {} stuck because of the move",
        clock(clock_at),
        number(sign_ins),
        number(stuck)
    )
}

/// The sum over all label sets.
fn total(collector: &impl Collector, value: impl Fn(&prometheus::proto::Metric) -> f64) -> u64 {
    let families = collector.collect();
    families
        .iter()
        .flat_map(|family| family.get_metric())
        .map(value)
        .sum::<f64>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_simulated_clock_and_the_counts() {
        assert_eq!(
            line(1_773_480_000_000_000, 62_310, 18),
            "Sat 14 Mar 09:20  62,310 sign-ins, 18 stuck because of the move"
        );
    }

    #[test]
    fn those_whom_a_migration_explains_are_summed() {
        let metrics = Metrics::new();
        let loops = &metrics.loop_users;
        loops.with_label_values(&["a", "direct"]).set(3);
        loops.with_label_values(&["b", "delegate"]).set(4);
        loops.with_label_values(&["none", "unrelated"]).set(5);
        assert_eq!(stuck(&metrics), 7);
    }
}

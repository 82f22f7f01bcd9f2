//! What was measured, and how the servers stand to one another.

use crate::child::Kind;
use crate::load::Level;
use std::fmt::{self, Display};
use std::time::Duration;

/// A turn of one server.
pub(crate) struct Measurement {
    /// What its clients saw.
    pub(crate) outcome: Level,
    /// What its process computed meanwhile.
    pub(crate) cpu: Duration,
    /// What the load computed.
    pub(crate) load_cpu: Duration,
}

impl Measurement {
    /// Answers.
    #[expect(clippy::cast_precision_loss, reason = "there are no 2^52 of them")]
    pub(crate) fn answers(&self) -> f64 {
        self.outcome.latencies.len() as f64
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers() / self.outcome.elapsed.as_secs_f64()
    }

    /// Microseconds of the server's CPU for an answer.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answers()
    }

    /// Microseconds of the load's CPU for an answer.
    pub(crate) fn cost_of_load(&self) -> f64 {
        self.load_cpu.as_secs_f64() * 1e6 / self.answers()
    }

    /// Answers in a second of the server's CPU.
    pub(crate) fn capacity(&self) -> f64 {
        1e6 / self.cost()
    }

    /// The latency in microseconds that this share of the answers stays below.
    #[expect(clippy::cast_precision_loss, reason = "a minute has no 2^52 ns")]
    pub(crate) fn latency(&self, percentile: f64) -> f64 {
        self.outcome.latencies.value_at_percentile(percentile) as f64 / 1e3
    }
}

/// The turns of every server under one load.
pub(crate) struct Series {
    /// The load.
    pub(crate) load: &'static str,
    turns: [Vec<Measurement>; 3],
}

impl Series {
    pub(crate) fn of(load: &'static str) -> Self {
        Self { load, turns: [const { Vec::new() }; 3] }
    }

    pub(crate) fn add(&mut self, kind: Kind, measurement: Measurement) {
        self.turns[kind as usize].push(measurement);
    }

    /// A figure of one server.
    pub(crate) fn figure(&self, kind: Kind, figure: impl Fn(&Measurement) -> f64) -> Spread {
        Spread::of(self.turns[kind as usize].iter().map(figure))
    }

    /// A figure of ours as a multiple of a floor's, turn by turn: what disturbs both is in neither.
    pub(crate) fn ours_to(&self, floor: Kind, figure: impl Fn(&Measurement) -> f64) -> Spread {
        let turns = self.turns[Kind::Ours as usize].iter().zip(&self.turns[floor as usize]);
        Spread::of(turns.map(|(ours, floor)| figure(ours) / figure(floor)))
    }
}

/// A median, and how far the figures go apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        let (lower, upper) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Self { median: f64::midpoint(lower, upper), least: figures[0], most: figures[figures.len() - 1] }
    }
}

impl Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

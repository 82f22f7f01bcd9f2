//! The measurements, and comparisons between the servers.

use crate::child::Kind;
use crate::load::LoadResult;
use std::fmt::{self, Display};
use std::time::Duration;

/// The measurement of one turn of one server.
pub(crate) struct Measurement {
    /// Latencies and duration, as the load generator measured them.
    pub(crate) load: LoadResult,
    /// CPU time of the server in the turn.
    pub(crate) cpu: Duration,
    /// CPU time of the load generator in the turn.
    pub(crate) load_cpu: Duration,
}

impl Measurement {
    /// Number of responses.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
    pub(crate) fn responses(&self) -> f64 {
        self.load.latencies.len() as f64
    }

    /// Responses per second.
    pub(crate) fn rate(&self) -> f64 {
        self.responses() / self.load.elapsed.as_secs_f64()
    }

    /// CPU time of the server per response, in microseconds.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.responses()
    }

    /// CPU time of the load generator per response, in microseconds.
    pub(crate) fn cost_of_load(&self) -> f64 {
        self.load_cpu.as_secs_f64() * 1e6 / self.responses()
    }

    /// Responses per second of the server's CPU time.
    pub(crate) fn capacity(&self) -> f64 {
        1e6 / self.cost()
    }

    /// The latency in microseconds at this percentile.
    #[expect(clippy::cast_precision_loss, reason = "a minute has fewer than 2^52 ns")]
    pub(crate) fn latency(&self, percentile: f64) -> f64 {
        self.load.latencies.value_at_percentile(percentile) as f64 / 1e3
    }
}

/// The measurements of all servers under one load.
pub(crate) struct Series {
    /// The name of the load.
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

    /// The spread of a figure over the turns of one server.
    pub(crate) fn figure(&self, kind: Kind, figure: impl Fn(&Measurement) -> f64) -> Spread {
        Spread::of(self.turns[kind as usize].iter().map(figure))
    }

    /// The ratio of our figure to a floor's, turn by turn. Disturbances that affect both cancel out.
    pub(crate) fn ours_to(&self, floor: Kind, figure: impl Fn(&Measurement) -> f64) -> Spread {
        let turns = self.turns[Kind::Ours as usize].iter().zip(&self.turns[floor as usize]);
        Spread::of(turns.map(|(ours, floor)| figure(ours) / figure(floor)))
    }
}

/// A median with the lowest and the highest figure.
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

//! Prints the measurements as tables.

use crate::processes::NAMES;
use crate::series::{Measured, Series, Storage};
use crate::set_up::SetUp;
use crate::statistics::{Spread, quantile, sorted};
use crate::write::Write;
use std::collections::BTreeMap;

/// All measurements, as Markdown.
pub(crate) fn tables(measured: &Measured) -> String {
    let mut text = format!("Kubernetes {}; median over the alternations (least–most)\n", measured.kubernetes);
    for (storage, title) in [(Storage::Stored, "Writes that are stored"), (Storage::DryRun, "Dry runs")] {
        text += &format!("\n## {title}\n\n{}\n{}", latencies(measured, storage), added(measured, storage));
    }
    text + "\n## Idle\n\n" + &idle(measured)
}

fn latencies(measured: &Measured, storage: Storage) -> String {
    let mut text = "| write | set-up | p50 ms | p99 ms | writes/s |\n|---|---|---|---|---|\n".to_owned();
    for write in Write::ALL {
        for set_up in measured.set_ups_of(write) {
            let series: Vec<&Series> = measured.of(set_up, write, storage).collect();
            let latencies = sorted(series.iter().flat_map(|one| &one.latencies).map(|one| one.as_secs_f64() * 1e3));
            let rate = Spread::of(measured.turns(set_up, write, storage).map(|turn| turn.writes / turn.elapsed));
            let (half, most) = (quantile(&latencies, 0.5), quantile(&latencies, 0.99));
            let names = format!("{} | {}", write.name(), set_up.name());
            text += &format!("| {names} | {half:.2} | {most:.2} | {} |\n", rate.to_text(0));
        }
    }
    text
}

/// CPU that a set-up adds to the same write without a webhook.
fn added(measured: &Measured, storage: Storage) -> String {
    let header = format!("| write | set-up | {} | all, ms CPU per write | apim-keyless : native |", NAMES.join(" | "));
    let mut text = format!("{header}\n|---|---|---|---|---|---|---|\n");
    for write in Write::ALL {
        let base = measured.costs(SetUp::NoWebhook, write, storage);
        text += &row(write, SetUp::NoWebhook.name(), &base, "");
        let added = |set_up| difference(&measured.costs(set_up, write, storage), &base);
        for set_up in measured.set_ups_of(write).filter(|set_up| set_up.enforces()) {
            let is_compared = set_up != SetUp::Native && measured.set_ups.contains(&SetUp::Native);
            let ratio = if is_compared { ratio(&added(set_up), &added(SetUp::Native)) } else { String::new() };
            text += &row(write, &format!("{} adds", set_up.name()), &added(set_up), &ratio);
        }
    }
    text
}

fn difference(costs: &[[f64; 3]], base: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let pairs = costs.iter().zip(base);
    pairs.map(|(cost, base)| [0, 1, 2].map(|index| cost[index] - base[index])).collect()
}

fn row(write: Write, what: &str, costs: &[[f64; 3]], ratio: &str) -> String {
    let of = |index: usize| Spread::of(costs.iter().map(|cost| cost[index])).to_text(2);
    let all = Spread::of(costs.iter().map(all)).to_text(2);
    format!("| {} | {what} | {} | {} | {} | {all} | {ratio} |\n", write.name(), of(0), of(1), of(2))
}

/// The ratio of two costs; a dash if one of them is not above zero, because then it cannot be separated from the
/// spread.
fn ratio(ours: &[[f64; 3]], native: &[[f64; 3]]) -> String {
    let are_positive = ours.iter().chain(native).all(|cost| all(cost) > 0.0);
    let each = ours.iter().zip(native).map(|(ours, native)| all(ours) / all(native));
    if are_positive { Spread::of(each).to_text(2) } else { "–".to_owned() }
}

fn all(cost: &[f64; 3]) -> f64 {
    cost.iter().sum()
}

fn idle(measured: &Measured) -> String {
    let mut text = format!("| ms CPU per second | {} |\n|---|---|---|---|\n", NAMES.join(" | "));
    for set_up in &measured.set_ups {
        let of = |index: usize| Spread::of(measured.idle_of(*set_up).map(|rates| rates[index] * 1e3)).to_text(1);
        text += &format!("| {} | {} | {} | {} |\n", set_up.name(), of(0), of(1), of(2));
    }
    text
}

/// The sums of an alternation.
#[derive(Default)]
struct Total {
    writes: f64,
    elapsed: f64,
    used: [f64; 3],
}

impl Measured {
    fn set_ups_of(&self, write: Write) -> impl Iterator<Item = SetUp> {
        self.set_ups.iter().copied().filter(move |set_up| set_up.writes().contains(&write))
    }

    fn of(&self, set_up: SetUp, write: Write, storage: Storage) -> impl Iterator<Item = &Series> {
        let series = self.series.iter().filter(move |one| one.set_up == set_up && one.write == write);
        series.filter(move |one| one.storage == storage)
    }

    /// The sums of each alternation, in order.
    fn turns(&self, set_up: SetUp, write: Write, storage: Storage) -> impl Iterator<Item = Total> {
        let mut totals = BTreeMap::<usize, Total>::new();
        for one in self.of(set_up, write, storage) {
            let total = totals.entry(one.alternation).or_default();
            total.writes += writes(one);
            total.elapsed += one.elapsed;
            total.used = [0, 1, 2].map(|index| total.used[index] + one.used[index]);
        }
        totals.into_values()
    }

    fn idle_of(&self, set_up: SetUp) -> impl Iterator<Item = [f64; 3]> {
        self.idle.iter().filter(move |(of, _)| *of == set_up).map(|(_, rates)| *rates)
    }

    /// CPU milliseconds of each process per write, for each alternation, without its idle CPU.
    fn costs(&self, set_up: SetUp, write: Write, storage: Storage) -> Vec<[f64; 3]> {
        // the median of all pauses, because a single pause is short
        let idle = [0, 1, 2].map(|index| Spread::of(self.idle_of(set_up).map(|rates| rates[index])).median);
        let cost = |turn: Total| [0, 1, 2].map(|at| (turn.used[at] - idle[at] * turn.elapsed) * 1e3 / turn.writes);
        self.turns(set_up, write, storage).map(cost).collect()
    }
}

#[allow(clippy::cast_precision_loss, reason = "there are fewer than 2^52 writes")]
fn writes(series: &Series) -> f64 {
    series.latencies.len() as f64
}

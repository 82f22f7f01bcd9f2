//! The search: each part alone, then changes of the most expensive shapes, as long as they make them more expensive.

use crate::cost::{Cost, Goal};
use crate::options::Options;
use crate::trial::{RESULT, SEARCH};
use std::time::{Duration, Instant};
use test_support::worst_case::{Operation, PARTS, Part, Random, Related, Shape};

/// How many changes are tried before the search goes on with another shape.
const CHANGES: usize = 30;

/// How many of the most expensive shapes are changed; the others begin with a random shape.
const KEPT: usize = 24;

/// The most expensive shapes at full length, the most expensive one first, for CPU time and for memory.
pub(crate) fn worst(options: &Options) -> Vec<Cost> {
    let mut worst = Worst::default();
    for shape in each_part(options.bytes) {
        worst.add(&Cost::of(&shape, SEARCH));
    }
    eprintln!("each part alone: {} shapes", worst.tried);
    let mut random = Random::new(options.seed);
    let (start, time) = (Instant::now(), Duration::from_secs_f64(options.minutes * 60.0));
    while start.elapsed() < time {
        for goal in [Goal::Cpu, Goal::Memory] {
            worst.climb(goal, &mut random, options.bytes);
        }
        eprintln!("{:.0} s, {} shapes", start.elapsed().as_secs_f64(), worst.tried);
    }
    worst.at_full_length(options.rows)
}

/// The shape at its full length; if it exceeds the limits of a trial, at the half, the quarter and so on.
pub(crate) fn at_full_length(shape: &Shape) -> Cost {
    let lengths = (0..10).map(|halvings| Shape::FULL >> halvings);
    let costs = lengths.map(|bytes| Cost::of(&Shape { bytes, ..shape.clone() }, RESULT));
    let mut last = None;
    for cost in costs {
        let is_measured = cost.figures.is_some();
        last = Some(cost);
        if is_measured {
            break;
        }
    }
    last.unwrap()
}

/// Each part alone, with and without its related objects, a long text, a long name of its container and an update.
fn each_part(bytes: usize) -> impl Iterator<Item = Shape> {
    PARTS.iter().flat_map(move |part| {
        // the rules of pod templates are the same in all kinds of workloads
        let kinds = part.kinds().iter().take(if part.is_in_template() { 2 } else { usize::MAX });
        let shapes = kinds.map(move |kind| Shape { bytes, ..Shape::of(*kind, &[part]) });
        let with_related = |shape: Shape| Related::ALL.map(|related| Shape { related, ..shape.clone() });
        let with_text = move |shape: Shape| [1, 4000, bytes / 4].map(|text| Shape { text, ..shape.clone() });
        let with_name = move |shape: Shape| [1, bytes / 4].map(|name| Shape { name, ..shape.clone() });
        let with_update =
            |shape: Shape| [Operation::Create, Operation::Change].map(|operation| Shape { operation, ..shape.clone() });
        let is_useful = |shape: &Shape| {
            (shape.related == Related::Unknown || part.refers_to_related())
                && (shape.text == 1 || part.has_text())
                && (shape.name == 1 || part.is_in_container())
        };
        shapes.flat_map(with_related).flat_map(with_text).flat_map(with_name).flat_map(with_update).filter(is_useful)
    })
}

/// The most expensive shapes so far.
#[derive(Default)]
struct Worst {
    cpu: Vec<Cost>,
    memory: Vec<Cost>,
    tried: usize,
}

impl Worst {
    /// Keeps a shape if it is one of the most expensive ones. Of those with the same parts only the most expensive one
    /// is kept.
    fn add(&mut self, cost: &Cost) {
        self.tried += 1;
        if cost.cpu() > 1.0 || cost.memory() > 1.0 {
            eprintln!("{:.1} of the CPU time, {:.1} of the memory: {}", cost.cpu(), cost.memory(), cost.shape);
        }
        for goal in [Goal::Cpu, Goal::Memory] {
            let kept = self.of(goal);
            kept.push(cost.clone());
            kept.sort_by(|one, other| other.value(goal).total_cmp(&one.value(goal)));
            let mut seen = Vec::new();
            kept.retain(|cost| {
                let parts = parts(&cost.shape);
                let is_new = !seen.contains(&parts);
                seen.push(parts);
                is_new
            });
            kept.truncate(KEPT);
        }
    }

    fn of(&mut self, goal: Goal) -> &mut Vec<Cost> {
        match goal {
            Goal::Cpu => &mut self.cpu,
            Goal::Memory => &mut self.memory,
        }
    }

    /// Changes one of the most expensive shapes, or a random one, and goes on with each change that is more expensive.
    fn climb(&mut self, goal: Goal, random: &mut Random, bytes: usize) {
        // what exceeds the limits of a trial has no figures that a change could increase
        let measured = self.of(goal).iter().filter(|cost| cost.figures.is_some());
        let mut starts: Vec<Shape> = measured.map(|cost| cost.shape.clone()).collect();
        starts.extend((0..=starts.len()).map(|_| random.shape(bytes)));
        let start = random.of(&starts).clone();
        let mut best = Cost::of(&start, SEARCH);
        for _ in 0..CHANGES {
            let changed = Cost::of(&random.changed(&best.shape), SEARCH);
            if changed.value(goal) > best.value(goal) {
                self.add(&std::mem::replace(&mut best, changed));
            } else {
                self.add(&changed);
            }
        }
        self.add(&best);
    }

    /// The most expensive shapes, at full length: first by CPU time, then by memory.
    fn at_full_length(self, rows: usize) -> Vec<Cost> {
        let shapes = self.cpu.iter().take(rows).chain(self.memory.iter().take(rows)).map(|cost| &cost.shape);
        let mut unique: Vec<&Shape> = Vec::new();
        for shape in shapes {
            if !unique.iter().any(|other| other.to_string() == shape.to_string()) {
                unique.push(shape);
            }
        }
        let mut costs: Vec<Cost> = unique.into_iter().map(at_full_length).collect();
        let excess = |cost: &Cost| cost.cpu().max(cost.memory());
        costs.sort_by(|one, other| excess(other).total_cmp(&excess(one)));
        costs
    }
}

/// The parts of a shape, without their weights and order.
fn parts(shape: &Shape) -> Vec<&'static str> {
    let mut parts: Vec<&str> = shape.parts.iter().map(|(part, _): &(&Part, usize)| part.name).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

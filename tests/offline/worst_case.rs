//! The cost of expensive reviews grows no faster than their bytes. `make worst-case` searches further, and compares the
//! costs with that of a parse.
//!
//! Memory is counted in allocated bytes, which are the same in every run. CPU time is that of the thread, and only its
//! growth is compared: how busy the machine is changes both sides.

use allocation_counter::measure;
use apim_keyless::admission::Endpoint;
use axum::body::Bytes;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;
use test_support::worst_case::{Operation, PARTS, Part, Random, Related, Scene, Shape, Sign};

/// The length of the shorter object.
const BYTES: usize = 32 * 1024;
/// How many times as long the longer object is.
const LONGER: usize = 4;
/// How many times the CPU time may grow meanwhile: linear growth is 4, and quadratic growth is 16.
const GROWTH: f64 = 9.0;
/// CPU time in which growth is not compared: caches and page faults have a part in it.
const SHORT: Duration = Duration::from_millis(2);
/// How often growth is measured again before it counts.
const ATTEMPTS: usize = 6;

/// The memory that a review may take besides its body, in bytes, and for each byte of the body.
const MEMORY: u64 = 16 * 1024 * 1024;
const MEMORY_PER_BYTE: u64 = 12;

/// How many random shapes are tried.
const RANDOM: usize = 60;

/// Parts that exceed a limit. A part that no longer does has to leave this list.
const EXPENSIVE: &[&str] = &[];

#[test]
fn the_cost_of_each_part_grows_no_faster_than_its_bytes() {
    let problems: Vec<String> = PARTS.iter().flat_map(shapes_of).filter_map(|shape| problem(&shape)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_cost_of_mixed_parts_grows_no_faster_than_their_bytes() {
    let mut random = Random::new(1);
    let shapes = (0..RANDOM).map(|_| {
        let shape = random.shape(BYTES);
        random.changed(&shape)
    });
    let problems: Vec<String> = shapes.filter_map(|shape| problem(&shape)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The part with each of the related objects that it refers to, in a gateway and in a workload that a label marks.
fn shapes_of(part: &'static Part) -> Vec<Shape> {
    let kind = part.kinds()[0];
    let shape = Shape { bytes: BYTES, text: 4000, operation: Operation::Change, ..Shape::of(kind, &[part]) };
    let related = if part.refers_to_related() { &Related::ALL[..] } else { &Related::ALL[..1] };
    let with =
        |related: &Related| [Sign::Images, Sign::Label].map(|sign| Shape { related: *related, sign, ..shape.clone() });
    related.iter().flat_map(with).collect()
}

/// What a review of the shape costs.
#[derive(Clone, Copy)]
struct Cost {
    body: u64,
    memory: u64,
    cpu: Duration,
}

/// The limit that a shape exceeds, in words.
fn problem(shape: &Shape) -> Option<String> {
    let scene = Scene::new(shape.related);
    let bodies = [1, LONGER].map(|times| Bytes::from(Shape { bytes: shape.bytes * times, ..shape.clone() }.body()));
    Endpoint::ALL.into_iter().find_map(|endpoint| {
        let [short, long] = [&bodies[0], &bodies[1]].map(|body| cost(&scene, endpoint, body));
        let is_listed = shape.parts.iter().any(|(part, _)| EXPENSIVE.contains(&part.name));
        let problem = memory_problem(short, long).or_else(|| {
            growth_problem(short, long, || [&bodies[0], &bodies[1]].map(|body| cost(&scene, endpoint, body).cpu))
        });
        problem.filter(|_| !is_listed).map(|problem| format!("{}: {problem}: {shape}", endpoint.path()))
    })
}

fn memory_problem(short: Cost, long: Cost) -> Option<String> {
    // a shape that stays short has parts that get no longer, and its memory no growth
    let growth = match long.body - short.body {
        further if further < BYTES as u64 => 0,
        further => long.memory.saturating_sub(short.memory) / further,
    };
    let limit = MEMORY + MEMORY_PER_BYTE * long.body;
    (long.memory > limit || growth > MEMORY_PER_BYTE)
        .then(|| format!("{} bytes of memory for {} bytes, {growth} for each further byte", long.memory, long.body))
}

fn growth_problem(short: Cost, long: Cost, measure_again: impl Fn() -> [Duration; 2]) -> Option<String> {
    let [mut short, mut long] = [short.cpu, long.cpu];
    let grows = |short: Duration, long: Duration| long > SHORT && long.as_secs_f64() > GROWTH * short.as_secs_f64();
    for _ in 0..ATTEMPTS {
        if !grows(short, long) {
            return None;
        }
        let [again_short, again_long] = measure_again();
        (short, long) = (short.min(again_short), long.min(again_long));
    }
    Some(format!("CPU time grows from {short:?} to {long:?} with {LONGER} times the bytes"))
}

/// The cost of a response. A review that is deferred is sent again, as an API server does.
fn cost(scene: &Scene, endpoint: Endpoint, body: &Bytes) -> Cost {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let mut cost = Cost { body: body.len() as u64, memory: 0, cpu: Duration::ZERO };
    for _ in 0..2 {
        let (mut status, before) = (0, now());
        let allocations = measure(|| status = scene.response(endpoint, body.clone()));
        cost = Cost { memory: cost.memory.max(allocations.bytes_max), cpu: now().saturating_sub(before), ..cost };
        assert!([200, 503].contains(&status), "{status}");
        if status == 200 {
            break;
        }
    }
    cost
}

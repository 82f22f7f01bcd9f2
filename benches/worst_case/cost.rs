//! What a shape costs, compared with the limits that the product promises.

use crate::trial::{self, Limits, Response};
use apim_keyless::admission::Endpoint;
use apim_keyless::admission::routes::BODY_BYTES;
use std::time::Duration;
use test_support::worst_case::Shape;

/// How many times the CPU time of a parse a response may take.
const PARSES: f64 = 5.0;
/// The CPU time that any response may take besides.
const CPU: Duration = Duration::from_micros(200);
/// Memory that a response may take for each byte of the body.
const BYTES: f64 = 12.0;
/// Memory that any response may take besides, in bytes.
const MEMORY: f64 = 16.0 * 1024.0 * 1024.0;

/// How often a shape is measured whose CPU time is above the limit.
const TRIALS: usize = 4;

/// The memory that any response may take, divided by this, is what the search adds: it looks for the cost of a byte.
const SEARCHED_PART: f64 = 16.0;

/// What a shape costs.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) shape: Shape,
    /// The length of the body.
    pub(crate) body: usize,
    /// The figures; `None` if it exceeds the limits of a trial.
    pub(crate) figures: Option<Figures>,
}

/// The figures of a shape that is answered.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// CPU time of a parse.
    pub(crate) parse: Duration,
    /// The most CPU time of a response, and its endpoint.
    pub(crate) cpu: (Duration, Endpoint),
    /// The most memory of a response, in bytes, and its endpoint.
    pub(crate) memory: (f64, Endpoint),
}

/// What the search looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Cpu,
    Memory,
}

impl Cost {
    /// Measures a shape within these limits. A cost above the limit counts if it is measured each time: a busy machine
    /// makes single trials slower.
    pub(crate) fn of(shape: &Shape, limits: Limits) -> Self {
        let mut least = Self::measured(shape.clone(), limits);
        for _ in 1..TRIALS {
            if least.cpu() <= 1.0 || least.figures.is_none() {
                break;
            }
            let again = Self::measured(shape.clone(), limits);
            if again.cpu() < least.cpu() {
                least = again;
            }
        }
        least
    }

    fn measured(shape: Shape, limits: Limits) -> Self {
        let body = shape.body();
        let measured = if is_accepted(body.len()) { trial::run(shape.related, &body, limits) } else { None };
        let figures = measured.map(|measured| {
            let responses = || Endpoint::ALL.into_iter().zip(&measured.endpoints);
            let most = |figure: fn(&Response) -> f64| {
                let figures = responses().map(|(endpoint, response)| (figure(response), endpoint));
                figures.max_by(|one, other| one.0.total_cmp(&other.0)).unwrap()
            };
            let (seconds, endpoint) = most(|response| response.cpu.as_secs_f64());
            Figures {
                parse: measured.parse,
                cpu: (Duration::from_secs_f64(seconds), endpoint),
                memory: most(|response| as_float(response.memory)),
            }
        });
        Self { shape, body: body.len(), figures }
    }

    /// The CPU time of a response in parts of what it may take: more than 1 is too much.
    pub(crate) fn cpu(&self) -> f64 {
        let cost = |figures: &Figures| {
            figures.cpu.0.as_secs_f64() / (PARSES * figures.parse.as_secs_f64() + CPU.as_secs_f64())
        };
        self.of_figures(cost)
    }

    /// The memory of a response in parts of what it may take: more than 1 is too much.
    pub(crate) fn memory(&self) -> f64 {
        self.memory_above(MEMORY)
    }

    /// How near the goal it is.
    pub(crate) fn value(&self, goal: Goal) -> f64 {
        match goal {
            Goal::Cpu => self.cpu(),
            Goal::Memory => self.memory_above(MEMORY / SEARCHED_PART),
        }
    }

    fn memory_above(&self, free: f64) -> f64 {
        let cost = |figures: &Figures| figures.memory.0 / (free + BYTES * as_float(self.body as u64));
        self.of_figures(cost)
    }

    fn of_figures(&self, cost: impl Fn(&Figures) -> f64) -> f64 {
        let unmeasured = if is_accepted(self.body) { f64::INFINITY } else { 0.0 };
        self.figures.as_ref().map_or(unmeasured, cost)
    }
}

/// Whether the server accepts a body of this length. Many long names can make longer ones.
fn is_accepted(body: usize) -> bool {
    u32::try_from(body).is_ok_and(|body| body <= BODY_BYTES)
}

#[expect(clippy::cast_precision_loss, reason = "no figure has 2^52 bytes")]
pub(crate) fn as_float(number: u64) -> f64 {
    number as f64
}

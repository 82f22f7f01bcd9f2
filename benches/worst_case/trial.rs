//! A trial: a process that answers one body at each endpoint, within limits of its memory and its CPU time.

use apim_keyless::admission::Endpoint;
use axum::body::Bytes;
use nix::sys::resource::{Resource, setrlimit};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{Read, Write, stdin};
use std::process::{Command, Stdio};
use std::time::Duration;
use test_support::webhook::image::environment;
use test_support::worst_case::{Related, Scene, Shape};

/// The first argument of a process that measures.
pub(crate) const ARGUMENT: &str = "trial";

/// What a trial may use before it is ended.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Memory in bytes.
    memory: u64,
    /// CPU time in seconds.
    seconds: u64,
}

/// During the search, in which many reviews are tried.
pub(crate) const SEARCH: Limits = Limits { memory: 2 << 30, seconds: 2 };
/// For the results.
pub(crate) const RESULT: Limits = Limits { memory: 4 << 30, seconds: 30 };

/// A response that takes this much CPU time is not repeated.
const LONG: Duration = Duration::from_millis(100);
/// How often a response and a parse are repeated; the least CPU time counts.
const REPETITIONS: usize = 4;

/// What a trial measures.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// CPU time of parsing the body into a `serde_json::Value`, and of dropping that.
    pub(crate) parse: Duration,
    /// What each endpoint costs, in the order of [`Endpoint::ALL`].
    pub(crate) endpoints: Vec<Response>,
}

/// What a response costs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Response {
    /// CPU time, from the bytes of the body to the bytes of the response.
    pub(crate) cpu: Duration,
    /// The most memory that it takes besides the body, in bytes.
    pub(crate) memory: u64,
    /// HTTP status.
    pub(crate) status: u16,
}

/// Runs a trial in a process of its own. `None` if it exceeds a limit.
pub(crate) fn run(related: Related, body: &[u8], limits: Limits) -> Option<Measured> {
    let mut command = Command::new(env::current_exe().unwrap());
    let limits = [limits.memory, limits.seconds].map(|limit| limit.to_string());
    command.args([ARGUMENT, related.into()]).args(limits).envs(environment());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

/// The process of a trial: measures the body on stdin, and prints the figures.
pub(crate) fn measure(related: Related, [memory, seconds]: [u64; 2]) {
    let mut body = Vec::new();
    stdin().read_to_end(&mut body).unwrap();
    body.shrink_to_fit();
    let (body, scene) = (Bytes::from(body), Scene::new(related));
    for (resource, limit) in
        [(Resource::RLIMIT_AS, memory), (Resource::RLIMIT_CPU, seconds), (Resource::RLIMIT_CORE, 0)]
    {
        setrlimit(resource, limit, limit).unwrap();
    }
    warm_up(&scene);
    // memory first: later, the allocator may still hold what an earlier response used
    let mut endpoints: Vec<Response> =
        Endpoint::ALL.into_iter().map(|endpoint| first_response(&scene, endpoint, &body)).collect();
    let mut parse = Duration::MAX;
    for _ in 0..REPETITIONS {
        parse = parse.min(cpu_of(|| black_box(serde_json::from_slice::<Value>(&body)).is_ok()).0);
        for (endpoint, response) in Endpoint::ALL.into_iter().zip(&mut endpoints) {
            if response.cpu < LONG {
                response.cpu = response.cpu.min(cpu_of(|| scene.response(endpoint, body.clone())).0);
            }
        }
    }
    println!("{}", serde_json::to_string(&Measured { parse, endpoints }).unwrap());
}

/// Reads the code into memory, so that it does not count as memory of the first review.
fn warm_up(scene: &Scene) {
    let shape: Shape = "Deployment operation=change sign=images related=unknown + 1 * env: auth keys".parse().unwrap();
    let body = Bytes::from(Shape { bytes: 1000, ..shape }.body());
    for endpoint in Endpoint::ALL {
        scene.response(endpoint, body.clone());
    }
    _ = black_box(serde_json::from_slice::<Value>(&body));
}

/// The first response of an endpoint, with its memory. A review that is deferred is sent again, as an API server does.
fn first_response(scene: &Scene, endpoint: Endpoint, body: &Bytes) -> Response {
    let before = memory("VmRSS:");
    // from now on VmHWM counts from the memory that is in use
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (mut cpu, mut status) = cpu_of(|| scene.response(endpoint, body.clone()));
    if status == 503 {
        (cpu, status) = cpu_of(|| scene.response(endpoint, body.clone()));
    }
    Response { cpu, memory: memory("VmHWM:").saturating_sub(before), status }
}

/// The CPU time of this thread that `run` takes.
fn cpu_of<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let before = now();
    let result = run();
    (now().saturating_sub(before), result)
}

/// A field of `/proc/self/status`, in bytes.
fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

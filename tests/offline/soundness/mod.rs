//! Searches every sequence of writes for one after which a gateway of an enforced namespace reads a key (explicit-state
//! model checking).
//!
//! The universe is small and complete (`universe.rs`): a gateway container with every choice of `env`, `envFrom` and
//! `args` up to a size, two `ConfigMap`s with every key that can matter to it, and the label of the Namespace. From an
//! empty namespace, `search.rs` explores every sequence of four writes. Each write is admitted or denied by the policy as
//! the webhook uses it: first the mutating, then the validating endpoint (`decisions.rs`). Its cache is current, one write
//! behind, or knows nothing. After each write a model of the kubelet and of .NET, which shares no code with the policy,
//! computes what the container reads as its auth setting (`reading.rs`). The properties, in `properties.rs`:
//!
//! - In an enforced namespace no admitted write brings a container to read anything but `workloadIdentity` or nothing.
//!   Each exception has a name and is counted.
//! - A `ConfigMap` is admitted if and only if it is correct, and so is a workload in the permitted forms.
//! - A workload with an endpoint and certainly without an auth method is denied.
//! - What the mutating webhook fixed is not denied by the same rule, and a second call changes nothing.
//! - A gateway that is put right is denied once at most, in every order and with every delay of the cache
//!   (`migration.rs`).
//!
//! Equal by symmetry, so left out: other names of variables and objects; another workload before, because a write
//! replaces the whole container; what a Secret holds, because a value that depends on one counts as a key; a `ConfigMap`
//! with more than two keys that matter. Not explored: other kinds and container lists (`bypasses`), scripts of a shell
//! (`crates/core/src/gateway/command_line.rs`), mounted files, Secrets that the policy document allows.
//!
//! `make soundness` searches everything, about 28,000 containers.

mod decisions;
mod migration;
mod properties;
mod reading;
mod search;
mod state;
mod universe;

use decisions::Decisions;
use properties::Exception;
use search::Search;
use state::Counts;
use std::thread;
use universe::{Element, Gateway, containers, elements, few_elements};

/// How many violated properties each thread shows.
const SHOWN: usize = 4;

#[test]
fn no_sequence_of_writes_lets_a_gateway_of_two_elements_read_a_key() {
    search(&elements(), 2, 4);
}

#[test]
fn no_sequence_of_writes_lets_a_gateway_of_three_elements_read_a_key() {
    search(&few_elements(), 3, 8);
}

/// Searches the worlds of every container with at most `size` elements. Without `SOUNDNESS=full` only of one in `share`:
/// of every choice of the other elements, each `share`th one more.
fn search(elements: &[Element], size: usize, share: usize) {
    let share = if std::env::var("SOUNDNESS").is_ok_and(|value| value == "full") { 1 } else { share };
    let mut containers = containers(elements, size);
    containers.retain(|container| container.iter().copied().map(usize::from).sum::<usize>() % share == 0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let run = |start: usize| {
        let (mut counts, mut decisions) = (Counts::default(), Decisions::new());
        for container in containers.iter().skip(start).step_by(threads) {
            let gateway = Gateway::of(container.iter().map(|index| &elements[usize::from(*index)]));
            let result = Search::run(&gateway, &mut decisions, &mut counts);
            counts.violated.extend(result.err().map(|violation| format!("{gateway:?}\n{violation}\n")));
            if counts.violated.len() == SHOWN {
                break;
            }
        }
        counts.reviews = decisions.reviews;
        counts
    };
    let counts = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|start| scope.spawn(move || run(start))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).fold(Counts::default(), Counts::and)
    });
    println!("up to {size} of {} elements: {counts}", elements.len());
    assert!(counts.violated.is_empty(), "a property is violated\n{}", counts.violated.join("\n"));
    assert_eq!(counts.exceptions.len(), Exception::COUNT, "each exception is needed");
}

//! Threads with a large stack for the parser: it needs tens of kilobytes per nesting level of a document, and the caller's
//! stack may be small.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::{self, available_parallelism};
use std::vec;

/// Ten times what the deepest accepted document needs.
const STACK_BYTES: usize = 64 << 20;

thread_local! {
    /// Whether this thread has a large stack: then it needs no other one.
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// The result of `work` on a large stack, on which all documents are read that it reads; `None` if it panicked.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| map(vec![work], |work| work()).pop())).ok()?
}

/// The result of `work` on a large stack; `None` if no thread can be started or `work` panicked.
pub(super) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if IS_DEEP.get() {
        return catch_unwind(AssertUnwindSafe(work)).ok();
    }
    thread::scope(|scope| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).ok()?.join().ok())
}

/// The results of `work` for each item, in their order. Each core has a thread with a large stack.
pub(super) fn map<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    let threads = available_parallelism().map_or(1, usize::from).min(items.len());
    let mut slots: Vec<Option<T>> = items.iter().map(|_| None).collect();
    let queue = Mutex::new(items.into_iter().zip(slots.iter_mut()));
    let run = || {
        while let Some((item, slot)) = next(&queue) {
            *slot = Some(work(item));
        }
    };
    thread::scope(|scope| {
        let started = (0..threads).filter(|_| {
            let builder = thread::Builder::new().stack_size(STACK_BYTES);
            let deep = || {
                IS_DEEP.set(true);
                run();
            };
            builder.spawn_scoped(scope, deep).is_ok()
        });
        if started.count() == 0 {
            run();
        }
    });
    drop(queue);
    slots.into_iter().flatten().collect()
}

type Queue<'s, I, T> = std::iter::Zip<vec::IntoIter<I>, std::slice::IterMut<'s, Option<T>>>;

fn next<'s, I, T>(queue: &Mutex<Queue<'s, I, T>>) -> Option<(I, &'s mut Option<T>)> {
    queue.lock().ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recurse(depth: usize) -> usize {
        let frame = std::hint::black_box([1_u8; 1 << 14]);
        if depth == 0 { 0 } else { recurse(depth - 1) + usize::from(frame[depth]) }
    }

    #[test]
    fn the_stack_holds_megabytes() {
        assert_eq!(with_deep_stack(|| recurse(1000)), Some(1000));
        assert_eq!(map(vec![1000, 999], recurse), [1000, 999]);
    }

    #[test]
    fn a_panic_of_the_work_does_not_reach_the_caller() {
        assert_eq!(with_deep_stack(|| panic!("on purpose")), None::<()>);
    }

    #[test]
    fn results_have_the_order_of_the_items() {
        let work = |number: u64| {
            thread::sleep(std::time::Duration::from_millis(10_u64.saturating_sub(number)));
            number
        };
        assert_eq!(map((0..30).collect(), work), (0..30).collect::<Vec<_>>());
        assert!(map(Vec::new(), work).is_empty());
    }
}

//! A large stack for the parser: it needs tens of kilobytes per nesting level of a document, and the caller's stack may
//! be small.

use std::thread;

/// Ten times what the deepest accepted document needs.
const STACK_BYTES: usize = 64 << 20;

/// The result of `work` on a large stack; `None` if no thread can be started or `work` panicked.
pub(super) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).ok()?.join().ok())
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
    }

    #[test]
    fn a_panic_of_the_work_does_not_reach_the_caller() {
        assert_eq!(with_deep_stack(|| panic!("on purpose")), None::<()>);
    }
}

//! A deep stack to read documents on: the parser takes some tens of kilobytes for every level that a document nests,
//! and the caller's stack may be small.

use std::thread;

/// Ten times what the deepest document takes.
const SIZE: usize = 64 << 20;

/// The outcome of `work`; none if the system has no thread to spare, or `work` broke down.
pub(super) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| thread::Builder::new().stack_size(SIZE).spawn_scoped(scope, work).ok()?.join().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dig(depth: usize) -> usize {
        let room = std::hint::black_box([1_u8; 1 << 14]);
        if depth == 0 { 0 } else { dig(depth - 1) + usize::from(room[depth]) }
    }

    #[test]
    fn there_is_room_for_megabytes() {
        assert_eq!(with_deep_stack(|| dig(1000)), Some(1000));
    }

    #[test]
    fn work_that_breaks_down_is_no_panic_of_the_caller() {
        assert_eq!(with_deep_stack(|| panic!("broken down")), None::<()>);
    }
}

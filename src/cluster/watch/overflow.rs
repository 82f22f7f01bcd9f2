//! Objects that did not fit into the cache.

/// The objects of a kind in a namespace that did not fit into the cache. They are unknown until the namespace is listed
/// again.
#[derive(Default)]
pub(super) struct Overflow {
    /// The size of the smallest of them, in bytes.
    smallest: Option<usize>,
    /// Whether one of them may have been deleted, or may fit after an update.
    pub(super) may_have_ended: bool,
    /// Whether it is older than the ongoing list, so that it ends with the list.
    is_before_list: bool,
}

impl Overflow {
    /// An object of this size did not fit.
    pub(super) fn add(&mut self, size: usize) {
        if self.is_before_list {
            *self = Self::default();
        }
        self.smallest = Some(self.smallest.map_or(size, |smallest| smallest.min(size)));
    }

    /// A list starts that shows which of the objects still exist.
    pub(super) fn start_list(&mut self) {
        self.is_before_list = true;
    }

    /// Whether every object that did not fit did so before the ongoing list started.
    pub(super) fn ends_with_list(&self) -> bool {
        self.is_before_list
    }

    /// Whether one of the objects may fit now, or may no longer exist. `can_fit` decides for a size.
    pub(super) fn may_have_ended_now(&self, can_fit: impl FnOnce(usize) -> bool) -> bool {
        self.may_have_ended || self.smallest.is_some_and(can_fit)
    }
}

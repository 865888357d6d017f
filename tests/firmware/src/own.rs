//! What an interrupt owns.

use core::cell::RefCell;

use critical_section::Mutex;

/// Given by `run`, and then used by one interrupt; as RTIC gives locals to a task.
pub struct Own<T>(Mutex<RefCell<Option<T>>>);

impl<T> Own<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(RefCell::new(None)))
    }

    /// Gives it.
    pub fn give(&self, value: T) {
        critical_section::with(|masked| self.0.replace(masked, Some(value)));
    }

    /// Takes it back.
    pub fn take(&self) -> T {
        critical_section::with(|masked| self.0.take(masked)).expect("it was given")
    }

    /// Uses it, with interrupts.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.take();
        let result = use_it(&mut value);
        self.give(value);
        result
    }
}

impl<T> Default for Own<T> {
    fn default() -> Self {
        Self::new()
    }
}

//! One of something for each worker.
//! Not for: the workers (`workers.rs`).

use super::number;

/// One for each worker, of whom there is at least one.
pub struct Each<T> {
    first: T,
    further: Vec<T>,
}

impl<T> Each<T> {
    /// The first worker's, and those of the further ones.
    pub fn new(first: T, further: Vec<T>) -> Self {
        Self { first, further }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.further.len() + 1
    }

    /// All of them, by the number of the worker.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// That of the worker of this number; the first, if there is none.
    #[must_use]
    pub fn of(&self, number: usize) -> &T {
        number.checked_sub(1).and_then(|place| self.further.get(place)).unwrap_or(&self.first)
    }

    /// That of the worker that asks.
    #[must_use]
    pub fn here(&self) -> &T {
        self.of(number())
    }
}

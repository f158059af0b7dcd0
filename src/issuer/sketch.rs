//! Buckets that leak, one for each name, for any number of names in memory of a fixed size: a count-min sketch of them.
//! A bucket is never emptier than it would be with memory of its own; it may be fuller, since names share places.
//! Not for: how large a bucket is, or what is poured into it (`guesses.rs`).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// In how many places a name has its bucket. The emptiest of them tells.
const ROWS: u32 = 4;

/// For each place the time at which what is in it will have leaked away, whose unit is the caller's.
pub(super) struct Sketch {
    width: u32,
    /// Made when something is poured in for the first time: most servers never need it.
    places: OnceLock<Box<[AtomicU32]>>,
}

impl Sketch {
    /// Empty, with `2^bits` places in each of four rows, four bytes each.
    pub(super) const fn new(bits: u32) -> Self {
        Self { width: 1 << bits, places: OnceLock::new() }
    }

    /// When the bucket of this name, a keyed hash, is empty; zero when nothing was ever poured into it.
    pub(super) fn empty_at(&self, name: u64) -> u32 {
        let Some(places) = self.places.get() else { return 0 };
        self.places_of(name)
            .filter_map(|place| places.get(place))
            .map(|place| place.load(Ordering::Relaxed))
            .min()
            .unwrap_or(0)
    }

    /// Pours into the bucket of this name until it is empty at that time and no earlier. What others have in the same
    /// places is left as it is where it is more. Two who read before they pour need a lock for each name.
    pub(super) fn pour_until(&self, name: u64, time: u32) {
        let places = self.places.get_or_init(|| (0..self.width * ROWS).map(|_| AtomicU32::new(0)).collect());
        for place in self.places_of(name).filter_map(|place| places.get(place)) {
            place.fetch_max(time, Ordering::Relaxed);
        }
    }

    /// One place in each row, by two halves of the hash, which are as good as four hashes.
    fn places_of(&self, name: u64) -> impl Iterator<Item = usize> {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        let (first, step) = (half(name >> 32), half(name) | 1);
        let width = self.width;
        (0..ROWS).filter_map(move |row| {
            let place = first.wrapping_add(step.wrapping_mul(row)) & (width - 1);
            usize::try_from(row * width + place).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::hash::{BuildHasher, RandomState};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is poured in for whom, however many names share so few places.
        #[test]
        fn no_bucket_is_ever_emptier_than_with_memory_of_its_own(
            poured in proptest::collection::vec((0_u32..200, 0_u32..5, 1_u32..400), 1..500)
        ) {
            let (sketch, hash) = (Sketch::new(4), RandomState::new());
            let mut exact: HashMap<u32, u32> = HashMap::new();
            let mut now = 0;
            for (name, passed, amount) in poured {
                now += passed;
                let hashed = hash.hash_one(name);
                sketch.pour_until(hashed, sketch.empty_at(hashed).max(now) + amount);
                let own = exact.entry(name).or_default();
                *own = (*own).max(now) + amount;
                for (name, empty_at) in &exact {
                    prop_assert!(sketch.empty_at(hash.hash_one(name)) >= *empty_at);
                }
            }
        }
    }

    #[test]
    fn names_that_share_no_place_know_nothing_of_each_other() {
        let sketch = Sketch::new(18);
        assert_eq!(sketch.empty_at(7), 0);
        sketch.pour_until(7, 10);
        sketch.pour_until(7, 5);
        assert_eq!((sketch.empty_at(7), sketch.empty_at(8 << 32)), (10, 0));
    }

    /// As many made-up names in an hour as 4,000 a second are in a sketch of 2^19.
    #[test]
    fn a_flood_of_names_fills_nobodys_bucket() {
        const STEP: u32 = 3_600;
        let (sketch, hash) = (Sketch::new(12), RandomState::new());
        for number in 0..112_500_u32 {
            let (name, now) = (hash.hash_one(number), number * 8 / 25);
            sketch.pour_until(name, sketch.empty_at(name).max(now) + STEP);
        }
        let others = (200_000..200_100_u32).map(|name| sketch.empty_at(hash.hash_one(name)));
        assert!(others.max().unwrap() + STEP <= 36_000 + 36_000);
    }
}

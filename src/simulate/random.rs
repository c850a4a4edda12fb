//! Chance that repeats: the same seed gives the same draws on every machine and with every version of every crate.
//!
//! The stream is `ChaCha` with 8 rounds, whose output the algorithm itself fixes. What is drawn from it is computed here, in
//! integers: the distributions of `rand` may change between its releases, and the logarithms of a machine's C library
//! differ between machines.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// A sequence of choices made by a seed.
#[derive(Debug)]
pub struct Dice(ChaCha8Rng);

/// How likely something is, in parts of a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odds(u32);

/// A stretch of time that is not always the same: seconds, from the shortest to the longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// The shortest.
    pub least: i64,
    /// The longest; not less than `least`.
    pub most: i64,
}

impl Odds {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// A million of a million.
    pub const ALWAYS: Self = Self(1_000_000);

    /// `parts` of a million; more than a million is always.
    #[must_use]
    pub const fn per_million(parts: u32) -> Self {
        if parts > Self::ALWAYS.0 {
            return Self::ALWAYS;
        }
        Self(parts)
    }

    /// Reads `5%`, `0.25%` (up to four decimals) or a fraction such as `0.05`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (number, decimals) = match text.strip_suffix('%') {
            Some(number) => (number, 4),
            None => (text, 6),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || part.len() > decimals || !digits(whole) || !digits(part) {
            return None;
        }
        let scaled: u64 = format!("{whole}{part:0<decimals$}").parse().ok()?;
        let parts = u32::try_from(scaled).ok()?;
        (parts <= Self::ALWAYS.0).then_some(Self(parts))
    }

    /// Parts of a million.
    #[must_use]
    pub const fn parts(self) -> u32 {
        self.0
    }
}

impl Spread {
    /// From `least` to `most` seconds.
    #[must_use]
    pub const fn new(least: i64, most: i64) -> Self {
        Self { least, most }
    }
}

impl Dice {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(seed.to_le_bytes()) {
            *to = from;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number below `end`; 0 where `end` is 0. The bias is below 2⁻³² for any `end` used here.
    pub fn below(&mut self, end: u64) -> u64 {
        let drawn = u128::from(self.0.next_u64()) * u128::from(end);
        u64::try_from(drawn >> 64).unwrap_or_default()
    }

    /// Whether something of these odds happens.
    pub fn happens(&mut self, odds: Odds) -> bool {
        self.below(u64::from(Odds::ALWAYS.0)) < u64::from(odds.0)
    }

    /// Seconds out of `spread`: the middle is likelier than the ends.
    pub fn within(&mut self, spread: Spread) -> i64 {
        let width = u64::try_from(spread.most - spread.least).unwrap_or_default();
        let half = width / 2;
        let drawn = self.below(half + 1) + self.below(width - half + 1);
        spread.least + i64::try_from(drawn).unwrap_or_default()
    }

    /// One of `from`; `None` where there is nothing.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.below(from.len() as u64);
        from.get(usize::try_from(index).unwrap_or_default())
    }

    /// The place of one of `weights`, as likely as its weight; `None` where all are 0.
    pub fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
        let total: u64 = weights.clone().map(u64::from).sum();
        let mut drawn = self.below(total);
        for (index, weight) in weights.enumerate() {
            match drawn.checked_sub(u64::from(weight)) {
                Some(rest) => drawn = rest,
                None => return Some(index),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_draws_for_ever() {
        let mut dice = Dice::new(42);
        let drawn: Vec<u64> = (0..6).map(|_| dice.below(1_000_000)).collect();
        // Written down once: a new release of a crate must not change them.
        assert_eq!(drawn, [348_254, 285_698, 493_472, 367_892, 825_678, 67_269]);
    }

    #[test]
    fn odds_are_read_exactly() {
        for (text, parts) in [
            ("5%", 50_000),
            ("0.25%", 2_500),
            ("100%", 1_000_000),
            ("0.05", 50_000),
            ("1", 1_000_000),
            ("0", 0),
        ] {
            assert_eq!(Odds::read(text), Some(Odds(parts)), "{text}");
        }
        for text in ["", "%", "101%", "1.1", "-1%", "5 %", "0.12345%", ".5", "+1"] {
            assert_eq!(Odds::read(text), None, "{text}");
        }
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut dice = Dice::new(7);
        let spread = Spread::new(60, 63);
        let mut seen = [0_u32; 4];
        for _ in 0..1000 {
            let drawn = dice.within(spread);
            seen[usize::try_from(drawn - 60).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
        assert_eq!(dice.within(Spread::new(5, 5)), 5);
        assert_eq!(dice.weighted([0, 3, 0].into_iter()), Some(1));
        assert_eq!(dice.weighted([0, 0].into_iter()), None);
        assert!(dice.happens(Odds::ALWAYS) && !dice.happens(Odds::NEVER));
        let odds = Odds::per_million(300_000);
        let hits = (0..10_000).filter(|_| dice.happens(odds)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert_eq!(dice.pick(&[] as &[u8]), None);
    }
}

//! Random choices that can be made again: a failing test prints its seed, `WARDWIRE_SEED` sets it.

/// A sequence of choices.
pub(crate) struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// A new sequence, or the one of `WARDWIRE_SEED`.
    pub(crate) fn new() -> Self {
        let seed = number("WARDWIRE_SEED").unwrap_or_else(|| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes) >> 32
        });
        Self { seed, state: seed }
    }

    /// The next number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    /// The next number of `from..=to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again with: WARDWIRE_SEED={}", self.seed);
        }
    }
}

/// A number from the environment: how far a test goes when a person asks for more.
pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

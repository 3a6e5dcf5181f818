//! Seeded chance: the same on every machine, and the seed is printed, so that a failure can be played again.

/// SplitMix64 (Steele et al. 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed in `BIRDDOG_SEED`, or a fresh one; printed either way.
    pub(crate) fn from_environment(test: &str) -> Self {
        let given = std::env::var("BIRDDOG_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()) ^ now_us());
        println!("{test}: play this run again with BIRDDOG_SEED={seed}");
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `below` − 1.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.roll() % below.max(1)
    }

    pub(crate) fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

/// Microseconds since the epoch.
pub(crate) fn now_us() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(0))
}

/// How many random cases to try: `BIRDDOG_CASES`, or so many.
pub(crate) fn cases_or(usual: u32) -> u32 {
    std::env::var("BIRDDOG_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

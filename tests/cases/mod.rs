//! How many trials a property makes, and which.

use std::env;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// So many, unless PROPTEST_CASES asks for others; the same in every run, unless PROPTEST_RNG_SEED does.
pub fn config(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: if env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases },
        rng_seed: match asked.rng_seed {
            RngSeed::Random => RngSeed::Fixed(9112),
            fixed => fixed,
        },
        failure_persistence: None,
        max_shrink_time: 10_000,
        ..asked
    }
}

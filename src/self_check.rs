//! Notices that the module runs interpreted. WasmEdge does so silently, and many times slower, when the module was
//! not compiled, was compiled by another version, or (from 0.15 on) when `--run-mode aot` is missing.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

/// Compiled code takes about a hundredth of [`LIMIT`] for this many rounds, the interpreter some four times as long.
const ROUNDS: u32 = 200_000;
const LIMIT: Duration = Duration::from_millis(10);

/// Whether this code takes as long as only an interpreter does. Always false in a native build, and in one for
/// development: that is slow in any case, and nobody expects otherwise.
pub fn runs_interpreted() -> bool {
    // The best of three: a busy machine can make one slow, not all.
    cfg!(all(target_arch = "wasm32", not(debug_assertions))) && (0..3).all(|_| time() > LIMIT)
}

fn time() -> Duration {
    let started = SystemTime::now();
    let mut state: u32 = 1;
    for round in 0..ROUNDS {
        state = black_box(state.rotate_left(5) ^ round);
    }
    black_box(state);
    started.elapsed().unwrap_or_default()
}

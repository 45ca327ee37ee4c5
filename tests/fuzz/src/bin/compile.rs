//! The target `compile` of libFuzzer: models are compiled, and programs run beside the exact reference.

#![no_main]

use exactum_fuzz::limits::Limited;
use exactum_fuzz::random::Random;
use exactum_fuzz::{check, edit};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

#[global_allocator]
static ALLOCATOR: Limited = Limited;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    match check::compile(bytes) {
        check::Outcome::Unreadable => Corpus::Reject,
        _ => Corpus::Keep,
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let edited = edit::edited(&data[..size], &mut Random::new(seed.into()));
    match edited.filter(|bytes| bytes.len() <= max_size) {
        Some(bytes) => {
            data[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});

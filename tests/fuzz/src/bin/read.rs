//! The target `read` of libFuzzer: any bytes, and what is read of them is written and read again.

#![no_main]

use exactum_fuzz::limits::Limited;
use exactum_fuzz::random::Random;
use exactum_fuzz::{check, edit};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

#[global_allocator]
static ALLOCATOR: Limited = Limited;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    check::read(bytes);
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Bytes as often as models: here it is the wire format that is tried.
    let mut random = Random::new(seed.into());
    let edited = if random.once_in(2) { edit::edited(&data[..size], &mut random) } else { None };
    match edited.filter(|bytes| bytes.len() <= max_size) {
        Some(bytes) => {
            data[..bytes.len()].copy_from_slice(&bytes);
            bytes.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});

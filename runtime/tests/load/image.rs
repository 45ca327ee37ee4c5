//! The image as bytes: listed, written again, cut, extended, with bits flipped, with other headers.

use exactum_runtime::program::{Model, Source, TensorId, VERSION, encode};
use exactum_runtime::{LoadError, OpFault, Program, TensorFault};
use proptest::prelude::*;

use crate::networks::{
    ADD, CONCAT, CONV_TRANSPOSE, HEADER_BYTES, MUL, Network, SUM_POOL, TOP_K, branches, chain,
};
use crate::support::image::{Image, accepted_runs, run, run_all};

fn demand_lines(network: &Network, lines: &[&str]) {
    let image = network.image();
    let listing = image.load().unwrap().to_string();
    for line in lines {
        assert!(listing.contains(line), "{line}\n{listing}");
    }
}

#[test]
fn the_chain_loads_runs_and_lists() {
    let network = chain();
    let image = network.image();
    let program = image.load().unwrap();
    assert_eq!(run(&program, &[3; 32]).len(), 3);
    assert_eq!(program.ops().count(), 5);
    demand_lines(
        &network,
        &[
            "%0: u8[2, 4, 4] in 0..=15 at 0",
            "input %0 scale 1e-1 zero point 3",
            "0: rearrange %0 -> %1 dims [1, 1, 1, 1, 16, 2] strides [0, 0, 0, 0, 1, 16] from 0",
            "1: conv2d %1 -> %2 in %3 window 3x3 pads 1,1,1,1, 54 weights, i32 bias, multiply64 to -128..=127",
            "2: max-pool2d %2 -> %4 window 2x2 stride 2x2",
            "3: requantize %4 -> %5 3 channels, shift-half-even to -64..=64",
            "4: dense %5 -> %6 in %7 12 -> 3 features, 36 weights, i16 bias, accumulators",
            "output %6",
        ],
    );
}

#[test]
fn the_branches_load_and_list() {
    let network = branches();
    demand_lines(
        &network,
        &[
            "input %0 6 thresholds, 2 channels by 1, rising, NaN 2",
            "0: add %0, %1 -> %2 multipliers 1 and 2, 2 channels, offset to -8..=7",
            "1: mul %2, %2 -> %3 zero points 1 and 0, 1 channels, shift-half-even64 to -64..=64",
            "2: sum-pool2d %2 -> %4 window 2x2 stride 2x2, averages by 4, shift-half-even to -8..=7",
            "3: concat %2, %4 -> %5 4 rows",
            "4: conv-transpose2d %4 -> %6 in %7 window 2x2 stride 2x2, 24 i16 weights, i32 bias, 64-bit sums, multiply128 to",
            "5: rearrange %6 -> %8 dims [1, 1, 1, 3, 6, 4] strides [0, 0, 0, 1, 12, 3] from 0, \
         sizes [1, 1, 1, 3, 4, 4] after [0, 0, 0, 0, 1, 0], else -3",
            "6: top-k %8 -> %9 positions of the 2 largest of 4, 4 lines",
        ],
    );
    let image = network.image();
    let program = image.load().unwrap();
    let inputs: Vec<Vec<TensorId>> = program.ops().map(|op| op.operands().collect()).collect();
    assert_eq!(inputs[usize::from(ADD)], [0, 1].map(TensorId));
    assert_eq!(inputs[usize::from(CONCAT)], [2, 4].map(TensorId));
    assert_eq!(inputs[usize::from(TOP_K)], [TensorId(8)]);
}

/// The first output of the branches, calculated by hand from the definitions.
#[test]
fn the_branches_run() {
    let image = branches().image();
    let codes: Vec<i64> = (0..32).map(|index| index % 4).collect();
    let expected: Vec<i64> = codes
        .iter()
        .enumerate()
        .map(|(index, code)| {
            let sum = if index % 2 == 0 { code + 2 * 2 + 1 } else { code - 2 };
            let product = (sum - 1) * sum;
            // No half: one of two neighbours is even.
            product / 2
        })
        .collect();
    // Offsets of `halves` leave out the rounding's constant, 0 for a shift by 1.
    assert_eq!(run_all(&image.load().unwrap(), &[&codes, &[2, -1]]), expected);
}

#[test]
fn writing_what_was_read_gives_the_same_bytes() {
    for network in [chain(), branches()] {
        let image = network.image();
        let program = image.load().unwrap();
        let (tensors, inputs): (Vec<_>, Vec<_>) = (program.tensors().collect(), program.inputs().collect());
        let (outputs, ops): (Vec<_>, Vec<_>) = (program.outputs().collect(), program.ops().collect());
        let mut again = Vec::new();
        let source = Source {
            arena_bytes: program.arena_bytes(),
            tensors: &tensors,
            inputs: &inputs,
            states: &program.states().collect::<Vec<_>>(),
            outputs: &outputs,
            ops: &ops,
            model: Model {
                name: program.model_name(),
                version: program.model_version(),
                digest: *program.model_digest(),
            },
        };
        encode(&source, &mut again).unwrap();
        assert_eq!(image.bytes(), again);
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let image = chain().image();
    let mut longer = image.bytes().to_vec();
    longer.extend([0; 8]);
    for length in (0..image.bytes().len()).chain(image.bytes().len() + 1..=longer.len()) {
        let mut cut = Image::new(&longer[..length]);
        assert!(cut.load().is_err(), "{length} bytes were loaded");
        // The same with a header that tells the truth about the length.
        if length >= HEADER_BYTES {
            cut.bytes_mut()[12..16].copy_from_slice(&(length as u32).to_le_bytes());
            cut.seal();
            assert_eq!(cut.load().err(), Some(LoadError::Sections), "{length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut image = chain().image();
    for bit in 0..image.bytes().len() * 8 {
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(image.load().is_err(), "bit {bit}");
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(image.load().is_ok());
}

#[test]
fn the_header_is_checked() {
    let image = chain().image();
    let with = |at: usize, value: u32| chain().overwritten(at, &value.to_le_bytes());
    assert_eq!(with(0, 0), LoadError::Magic);
    assert_eq!(with(8, VERSION + 1), LoadError::Version { found: VERSION + 1 });
    assert_eq!(with(20, 1 << 31), LoadError::Arena { need_bytes: 1 << 31 });
    assert_eq!(with(20, 111), LoadError::Tensor { tensor: TensorId(2), fault: TensorFault::Place });
    assert_eq!(with(32, u32::MAX), LoadError::Sections);
    let mut bytes = vec![0; 8];
    bytes.extend(image.bytes());
    let shifted = Image::new(&bytes);
    assert_eq!(Program::load(&shifted.bytes()[4..]).err(), Some(LoadError::Misaligned));
    assert!(Program::load(&shifted.bytes()[8..]).is_ok());
    let mut op_count = Image::new(image.bytes());
    op_count.bytes_mut()[30] += 1;
    op_count.seal();
    assert_eq!(op_count.load().err(), Some(LoadError::Op { op: 5, fault: OpFault::Record }));
    op_count.bytes_mut()[30] -= 2;
    op_count.seal();
    assert_eq!(op_count.load().err(), Some(LoadError::Op { op: 4, fault: OpFault::Record }));
}

#[test]
fn reserved_bytes_are_checked() {
    let load = |op: u16, at: usize, value: u8| branches().fault_of_byte(op, at, value);
    assert_eq!(load(ADD, 20, 2), OpFault::Reserved);
    assert_eq!(load(ADD, 21, 1), OpFault::Reserved);
    assert_eq!(load(ADD, 12, 1), OpFault::Record);
    assert_eq!(load(ADD, 110, 1), OpFault::Record);
    assert_eq!(load(MUL, 100, 2), OpFault::Reserved);
    assert_eq!(load(MUL, 101, 1), OpFault::Reserved);
    assert_eq!(load(SUM_POOL, 116, 1), OpFault::Reserved);
    assert_eq!(load(CONCAT, 20, 1), OpFault::Reserved);
    assert_eq!(load(CONCAT, 2, 0), OpFault::Record);
    assert_eq!(load(CONV_TRANSPOSE, 41, 4), OpFault::Element);
    assert_eq!(load(CONV_TRANSPOSE, 41, 2), OpFault::Packing);
    assert_eq!(load(CONV_TRANSPOSE, 42, 200), OpFault::Packing);
    assert_eq!(load(CONV_TRANSPOSE, 43, 2), OpFault::Reserved);
    assert_eq!(load(CONV_TRANSPOSE, 135, 1), OpFault::Reserved);
    assert_eq!(load(TOP_K, 40, 2), OpFault::Reserved);
    assert_eq!(load(TOP_K, 41, 2), OpFault::Reserved);
    assert_eq!(load(TOP_K, 42, 1), OpFault::Reserved);
    assert_eq!(load(ADD, 0, 200), OpFault::Kind { found: 200 });
    assert_eq!(load(ADD, 2, 16), OpFault::Record);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Bytes changed before the checksum was made: either refused, or a program that runs to its end, whatever
    /// its inputs hold.
    #[test]
    fn whatever_is_accepted_of_the_chain_runs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        input in any::<u8>(),
    ) {
        accepted_runs(chain().image(), &changes, input)?;
    }

    #[test]
    fn whatever_is_accepted_of_the_branches_runs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        input in any::<u8>(),
    ) {
        accepted_runs(branches().image(), &changes, input)?;
    }
}

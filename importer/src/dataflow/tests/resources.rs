//! What FINN's own Python said of resources, which the formulas must give.

use crate::dataflow::Device;
use crate::dataflow::converter;
use crate::dataflow::resources::Resources;
use crate::dataflow::stage::{
    Accumulator, Arithmetic, ConvolutionInputGenerator, Folding, Memory, Multiplication, Mvau,
    Requantization, Streaming, Thresholding, Vvau,
};

fn device() -> &'static Device {
    Device::named("xc7z020clg400-1").unwrap()
}

/// A layer of W1A1, with one-bit agreements, or of W2A2; both with `accumulator_bits` by FINN.
fn layer(width: usize, height: usize, bits: u32, finn_accumulator_bits: u32, has_codes: bool) -> Mvau {
    let requantization = has_codes.then_some(Requantization::Thresholds { per_channel: (1 << bits) - 1 });
    let arithmetic = Arithmetic {
        multiplication: if bits == 1 { Multiplication::Xnor } else { Multiplication::Integer },
        input_bits: bits,
        input_signed: bits > 1,
        input_zero_point: 0,
        weight_bits: bits,
        accumulator: Accumulator { lo: -128, hi: 127, bits: 8 },
        finn_accumulator_bits,
        requantization,
        output_bits: if has_codes { bits } else { finn_accumulator_bits },
    };
    Mvau { matrix_width: width, matrix_height: height, vectors: 1, arithmetic, rtl: false, flattened: None }
}

/// MW, MH, bits, bits of the accumulator, whether codes leave, PE, SIMD, memory; LUT, BRAM_18K, BRAM_efficiency.
type Layer = (usize, usize, u32, u32, bool, usize, usize, Memory, u64, u64, f64);

/// `estimate_layer_resources.json` of FINN `dev` (73ba5ed) for xc7z020 at 10 ns: TFC w1a1 for 1,000,000 frames a second, with
/// the folding file of finn-examples and with a wide one; TFC w1a2.
const LAYERS: [Layer; 12] = [
    (784, 64, 1, 10, true, 32, 28, Memory::Auto, 6495, 25, 0.1089),
    (64, 64, 1, 7, true, 1, 64, Memory::Auto, 727, 2, 0.1111),
    (64, 10, 1, 7, false, 1, 8, Memory::Auto, 358, 1, 0.03472),
    (784, 64, 1, 10, true, 16, 49, Memory::Auto, 5615, 22, 0.1237),
    (64, 64, 1, 7, true, 8, 8, Memory::Auto, 766, 2, 0.1111),
    (64, 10, 1, 7, false, 10, 8, Memory::Distributed, 963, 0, 1.0),
    (784, 64, 1, 10, true, 32, 112, Memory::Auto, 24236, 100, 0.02722),
    (64, 64, 1, 7, true, 32, 32, Memory::Auto, 7234, 29, 0.007663),
    (64, 10, 1, 7, false, 10, 32, Memory::Auto, 2467, 9, 0.003858),
    (784, 64, 2, 12, true, 32, 28, Memory::Auto, 12408, 50, 0.1089),
    (64, 64, 2, 8, true, 1, 64, Memory::Auto, 1149, 4, 0.1111),
    (64, 10, 2, 8, false, 1, 8, Memory::Auto, 410, 1, 0.06944),
];

#[test]
fn layers_take_what_finn_says() {
    for row in LAYERS {
        let (width, height, bits, accumulator, has_codes, pe, simd, memory, luts, blocks, efficiency) = row;
        let unit = layer(width, height, bits, accumulator, has_codes);
        let estimate = unit.estimate(Folding { pe, simd, memory, ..Folding::ONE }, device());
        let expected = Resources { luts, block_memories: blocks, urams: 0, dsps: 0 };
        assert_eq!(estimate.resources, expected, "{row:?}");
        assert!((estimate.block_memory_efficiency / efficiency - 1.0).abs() < 1e-3, "{row:?}");
    }
}

/// Channels, PE, bits of a code; LUT, of the same runs.
#[test]
fn thresholds_take_what_finn_says() {
    for (pe, output_bits, luts) in [(8, 1, 128), (49, 1, 392), (14, 1, 112), (8, 2, 384)] {
        let requantization = Requantization::Thresholds { per_channel: (1 << output_bits) - 1 };
        let unit = Thresholding {
            channels: 784,
            pixels: 1,
            input_bits: 8,
            threshold_bits: 8,
            output_bits,
            requantization,
        };
        let estimate = unit.estimate(Folding { pe, ..Folding::ONE }, device());
        assert_eq!(estimate.resources, Resources::luts(luts), "{pe} {output_bits}");
    }
}

/// FINN's names and amounts for TFC w1a1: a last layer without thresholds counts none.
#[test]
fn operations_are_counted_as_finn_counts_them() {
    let counts = |unit: Mvau| {
        let counts = unit.counts();
        counts.into_iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
    };
    let first = "op_mac_1bx1b=50176 param_weight_1b=50176 param_threshold_10b=64";
    assert_eq!(counts(layer(784, 64, 1, 10, true)), first);
    assert_eq!(counts(layer(64, 10, 1, 7, false)), "op_mac_1bx1b=640 param_weight_1b=640");
    let mut mixed = layer(64, 64, 2, 8, true);
    mixed.arithmetic.weight_bits = 4;
    mixed.vectors = 9;
    assert_eq!(counts(mixed), "op_mac_2bx4b=36864 param_weight_4b=4096 param_threshold_8b=64");
}

/// FINN+ 1.6.1's formulas on these attributes, evaluated outside this repository: channels, input, window, stride, dilation,
/// SIMD, parallel window, memory; LUT, BRAM_18K.
type Window = (usize, [usize; 2], [usize; 2], [usize; 2], [usize; 2], usize, bool, Memory, u64, u64);

const WINDOWS: [Window; 8] = [
    (3, [32, 32], [3, 3], [1, 1], [1, 1], 3, false, Memory::Distributed, 324, 0),
    (64, [30, 30], [3, 3], [1, 1], [1, 1], 32, false, Memory::Block, 300, 4),
    (64, [30, 30], [3, 3], [1, 1], [1, 1], 64, true, Memory::Block, 300, 16),
    (8, [17, 17], [3, 3], [2, 2], [1, 1], 2, false, Memory::Distributed, 340, 0),
    (8, [10, 14], [3, 5], [2, 1], [1, 2], 4, false, Memory::Distributed, 332, 0),
    (4, [9, 9], [1, 1], [2, 2], [1, 1], 2, false, Memory::Distributed, 308, 0),
    (256, [64, 300], [3, 3], [1, 1], [1, 1], 1, false, Memory::Block, 300, 38),
    (16, [40, 40], [2, 2], [5, 5], [2, 2], 4, false, Memory::Block, 300, 1),
];

#[test]
fn sliding_windows_take_what_finn_says() {
    for row in WINDOWS {
        let (channels, input_size, window, stride, dilation, simd, parallel_window, memory, luts, blocks) =
            row;
        let along =
            |axis: usize| (input_size[axis] - (window[axis] - 1) * dilation[axis] - 1) / stride[axis] + 1;
        let unit = ConvolutionInputGenerator {
            channels,
            input_size,
            output_size: [along(0), along(1)],
            window,
            stride,
            dilation,
            depthwise: false,
            code_bits: 4,
        };
        let estimate = unit.estimate(Folding { pe: 1, simd, parallel_window, memory }, device());
        let expected = Resources { luts, block_memories: blocks, urams: 0, dsps: 0 };
        assert_eq!(estimate.resources, expected, "{row:?}");
    }
}

/// FINN+ 1.6.1's formulas likewise: channels, window, PE, SIMD; LUT, BRAM_18K, of 4-bit codes and weights with 15 thresholds.
#[test]
fn depthwise_layers_take_what_finn_says() {
    for (channels, window, pe, simd, luts, blocks) in [
        (16, [3, 3], 4, 1, 1260, 0),
        (256, [3, 3], 1, 1, 1254, 1),
        (16, [3, 3], 16, 3, 5414, 0),
        (512, [5, 5], 2, 1, 2209, 4),
        (96, [7, 7], 8, 1, 2402, 2),
    ] {
        let Mvau { arithmetic, .. } = layer(1, 1, 4, 11, true);
        let unit = Vvau { channels, window, output_size: [8, 8], arithmetic };
        let estimate = unit.estimate(Folding { pe, simd, ..Folding::ONE }, device());
        let expected = Resources { luts, block_memories: blocks, urams: 0, dsps: 0 };
        assert_eq!(estimate.resources, expected, "{channels} {window:?} {pe} {simd}");
    }
}

/// FINN+ 1.6.1's formula for a width converter, evaluated outside this repository.
#[test]
fn width_converters_take_what_finn_says() {
    let cases = [
        (8, 32, 34),
        (32, 8, 10),
        (6, 4, 19),
        (24, 36, 110),
        (1, 64, 70),
        (7, 7, 0),
        (96, 40, 526),
        (3, 5, 24),
        (100, 4, 9),
    ];
    for (input_bits, output_bits, luts) in cases {
        assert_eq!(converter::luts(input_bits, output_bits), luts, "{input_bits} to {output_bits}");
    }
}

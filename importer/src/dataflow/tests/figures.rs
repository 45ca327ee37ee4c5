//! Figures from outside that the cycle formulas must give. Each says how far it is FINN's own.

use crate::dataflow::network::{End, Link};
use crate::dataflow::parameters::Parameters;
use crate::dataflow::stage::{
    Accumulator, AddStreams, Arithmetic, ChannelwiseFunction, ChannelwiseOp, ConvolutionInputGenerator,
    DuplicateStreams, FmPadding, Folding, GlobalAccPool, Multiplication, Mvau, Pool, Requantization,
    Streaming, StreamingConcat, Thresholding, Unit, Vvau,
};
use crate::dataflow::{Design, Stage, Target};
use crate::graph::ValueId;

/// The links of `stages` stages behind each other.
fn chain(stages: usize) -> Vec<Link> {
    let end = |stage| End::Stage { stage, port: 0 };
    let link = |stage: usize| Link {
        from: stage.checked_sub(1).map_or(End::Host(0), end),
        to: end(stage),
        value: ValueId::new(stage),
        fifo_words: 2,
    };
    (0..stages).map(link).collect()
}

fn arithmetic() -> Arithmetic {
    Arithmetic {
        multiplication: Multiplication::Integer,
        input_bits: 2,
        input_signed: true,
        input_zero_point: 0,
        weight_bits: 2,
        accumulator: Accumulator { lo: -128, hi: 127, bits: 8 },
        finn_accumulator_bits: 8,
        requantization: None,
        output_bits: 8,
    }
}

pub(super) fn mvau(matrix_width: usize, matrix_height: usize, vectors: usize) -> Mvau {
    Mvau { matrix_width, matrix_height, vectors, arithmetic: arithmetic(), rtl: false, flattened: None }
}

fn thresholding(channels: usize, pixels: usize) -> Thresholding {
    let requantization = Requantization::Thresholds { per_channel: 1 };
    Thresholding { channels, pixels, input_bits: 8, threshold_bits: 8, output_bits: 2, requantization }
}

fn folding(pe: usize, simd: usize) -> Folding {
    Folding { pe, simd, ..Folding::ONE }
}

/// Name, PE and SIMD, cycles.
type Row = (&'static str, (usize, usize), u64);

/// The TFC network as FINN `dev` (73ba5ed, April 2026) reported it for xc7z020 at 10 ns, for three foldings:
/// `estimate_layer_cycles.json` without `LabelSelect`, then `max_cycles` with its node and `critical_path_cycles`
/// with the cycles of `LabelSelect` in it.
const TFC: [([Row; 5], u64, &str, u64, u64); 3] = [
    // Automatic folding for 1,000,000 frames per second; the same for w1a1 and w1a2.
    (
        [
            ("Thresholding_rtl_0", (8, 1), 98),
            ("MVAU_hls_0", (32, 28), 56),
            ("MVAU_hls_1", (1, 64), 64),
            ("MVAU_hls_2", (1, 64), 64),
            ("MVAU_hls_3", (1, 8), 80),
        ],
        98,
        "Thresholding_rtl_0",
        372,
        10,
    ),
    // The folding file of finn-examples.
    (
        [
            ("Thresholding_rtl_0", (49, 1), 16),
            ("MVAU_hls_0", (16, 49), 64),
            ("MVAU_hls_1", (8, 8), 64),
            ("MVAU_hls_2", (8, 8), 64),
            ("MVAU_hls_3", (10, 8), 8),
        ],
        64,
        "MVAU_hls_0",
        226,
        10,
    ),
    // A folding file with wide stages.
    (
        [
            ("Thresholding_rtl_0", (14, 1), 56),
            ("MVAU_hls_0", (32, 112), 14),
            ("MVAU_hls_1", (32, 32), 4),
            ("MVAU_hls_2", (32, 32), 4),
            ("MVAU_hls_3", (10, 32), 2),
        ],
        56,
        "Thresholding_rtl_0",
        82,
        2,
    ),
];

fn tfc_units() -> [Unit; 5] {
    let dense = |inputs, outputs| Unit::Mvau(mvau(inputs, outputs, 1));
    [Unit::Thresholding(thresholding(784, 1)), dense(784, 64), dense(64, 64), dense(64, 64), dense(64, 10)]
}

#[test]
fn tfc_takes_finns_cycles() {
    for (rows, max_cycles, slowest, critical_path_cycles, label_select_cycles) in TFC {
        let stages = tfc_units().into_iter().zip(rows).map(|(unit, (name, (pe, simd), cycles))| {
            let folding = folding(pe, simd);
            assert!(unit.foldings().contains(&folding), "{name} {folding:?}");
            assert_eq!(unit.cycles(folding), cycles, "{name}");
            let (nodes, node_names, origin) = (vec![], vec![], vec![]);
            let parameters = Parameters::default();
            Stage { name: name.to_owned(), nodes, node_names, origin, unit, parameters, folding, cycles }
        });
        let target = Target::new("xc7z020", 10.0, 1e6).unwrap();
        let stages: Vec<Stage> = stages.collect();
        let links = chain(stages.len());
        let design = Design {
            model: "tfc".to_owned(),
            target,
            target_cycles: 100,
            is_proven_least: false,
            stages,
            links,
        };
        assert_eq!((design.max_cycles(), design.slowest().name.as_str()), (max_cycles, slowest));
        assert_eq!(design.critical_path_cycles() + label_select_cycles, critical_path_cycles);
        assert!((design.fps() - 1e8 / max_cycles as f64).abs() < 1e-6);
    }
}

/// The matrix units of CNV-w1a1 with the folding file of finn-examples (`build/bnn-pynq`, commit 087ad90): MW, MH, V,
/// PE, SIMD. The known figure is that of the slowest, 32,768 cycles; the others are the products by hand.
#[test]
fn cnv_takes_32768_cycles() {
    let layers = [
        (27, 64, 900, 16, 3),
        (576, 64, 784, 32, 32),
        (576, 128, 144, 16, 32),
        (1152, 128, 100, 16, 32),
        (1152, 256, 9, 4, 32),
        (2304, 256, 1, 1, 32),
        (256, 512, 1, 1, 4),
        (512, 512, 1, 1, 8),
        (512, 10, 1, 5, 1),
    ];
    let cycles = layers
        .map(|(width, height, vectors, pe, simd)| mvau(width, height, vectors).cycles(folding(pe, simd)));
    assert_eq!(cycles, [32400, 28224, 20736, 28800, 20736, 18432, 32768, 32768, 1024]);
}

/// Channels; input, window, stride, dilation; depthwise, SIMD, parallel window, cycles.
type Window = (usize, [usize; 2], [usize; 2], [usize; 2], [usize; 2], bool, usize, bool, u64);

/// The formula of FINN's `ConvolutionInputGenerator_rtl.get_exp_cycles` (commit 01c4628), evaluated in Python on these
/// attributes outside FINN, with the parallel style where the window is parallel or 1x1.
const WINDOWS: [Window; 11] = [
    (3, [32, 32], [3, 3], [1, 1], [1, 1], false, 3, false, 8167),
    (3, [32, 32], [3, 3], [1, 1], [1, 1], false, 3, true, 1026),
    (64, [30, 30], [3, 3], [1, 1], [1, 1], false, 32, false, 14238),
    (8, [10, 14], [3, 5], [2, 1], [1, 2], false, 4, false, 794),
    (4, [9, 9], [1, 1], [2, 2], [1, 1], false, 2, false, 164),
    (64, [28, 28], [2, 2], [2, 2], [1, 1], true, 4, false, 16412),
    (8, [17, 17], [3, 3], [2, 2], [1, 1], true, 2, false, 2712),
    (8, [10, 10], [3, 3], [1, 1], [1, 1], true, 8, true, 102),
    (16, [1, 50], [1, 4], [1, 2], [1, 1], false, 4, false, 386),
    (16, [50, 1], [4, 1], [3, 1], [1, 1], true, 4, false, 279),
    (8, [16, 6], [6, 1], [5, 1], [1, 1], false, 8, false, 139),
];

#[test]
fn sliding_windows_take_the_cycles_of_finns_formula() {
    for row in WINDOWS {
        let (channels, input_size, window, stride, dilation, depthwise, simd, parallel_window, cycles) = row;
        let along =
            |axis: usize| (input_size[axis] - (window[axis] - 1) * dilation[axis] - 1) / stride[axis] + 1;
        let output_size = [along(0), along(1)];
        let unit = ConvolutionInputGenerator {
            channels,
            input_size,
            output_size,
            window,
            stride,
            dilation,
            depthwise,
            code_bits: 4,
        };
        assert_eq!(unit.cycles(Folding { pe: 1, simd, parallel_window, ..Folding::ONE }), cycles, "{row:?}");
    }
}

/// The formulas of FINN's `FMPadding`, `Pool` and `VVAU`, worked out by hand: FINN reported none of these.
#[test]
fn the_other_kinds_take_the_cycles_of_finns_formulas() {
    let padding = FmPadding { channels: 32, input_size: [28, 26], pads: [1, 1, 1, 1], code: 0, code_bits: 4 };
    assert_eq!(padding.cycles(folding(1, 8)), 4 * 30 * 28);
    let pool = Pool { channels: 64, window: [2, 2], output_size: [14, 14], code_bits: 2 };
    assert_eq!(pool.cycles(folding(4, 1)), 12544);
    let sizes = || (64, 49);
    let (channels, pixels) = sizes();
    let add = AddStreams { channels, pixels, input_bits: [4, 4], output_bits: 5 };
    let duplicate = DuplicateStreams { channels, pixels, outputs: 2, code_bits: 4 };
    assert_eq!((add.cycles(folding(4, 1)), duplicate.cycles(folding(8, 1))), (784, 392));
    let concat = StreamingConcat {
        channels_per_stream: vec![16, 24, 8],
        pixels,
        input_bits: vec![4; 3],
        output_bits: 4,
    };
    assert_eq!(concat.foldings().into_iter().map(|folding| folding.simd).collect::<Vec<_>>(), [1, 2, 4, 8]);
    assert_eq!(concat.cycles(folding(1, 8)), 294);
    let average = GlobalAccPool { channels, pixels, input_bits: 4, output_bits: 10 };
    assert_eq!(average.cycles(folding(4, 1)), 784 + 16);
    let factor =
        ChannelwiseOp { channels, pixels, function: ChannelwiseFunction::Mul, input_bits: 4, output_bits: 8 };
    assert_eq!(factor.cycles(folding(16, 1)), 196);
    let vvau = Vvau { channels: 16, window: [3, 3], output_size: [10, 10], arithmetic: arithmetic() };
    assert_eq!((vvau.cycles(folding(4, 1)), vvau.cycles(folding(16, 3))), (3600, 300));
}

//! The description as a whole, on small graphs; figures of FINN are in `figures`.

mod execute;
mod figures;
mod forks;
mod kinds;
mod moved;
mod nets;
mod resources;
mod solver;

use super::stage::{KINDS, Streaming, Thresholding};
use super::*;
use nets::Net;
use proptest::prelude::*;
use serde_json::Value as Json;

fn target(target_fps: f64) -> Target {
    Target::new("xc7z020clg400-1", 10.0, target_fps).unwrap()
}

/// Every kind of stage of a chain.
fn everything() -> Net {
    Net::new(&[1, 3, 12, 12], "uint8")
        .conv([8, 3, 3, 3], [1, 1], [1, 1, 1, 1], 1, "uint4")
        .max_pool([2, 2])
        .conv([8, 1, 3, 3], [2, 2], [1, 1, 1, 1], 8, "uint4")
        .conv([16, 8, 1, 1], [1, 1], [0; 4], 1, "int8")
        .reshape(&[1, 16 * 9])
        .dense(10, "uint2")
        .requantize("uint4")
        .dense_sums(5)
}

pub(super) fn names_of(design: &Design) -> Vec<String> {
    design.stages.iter().map(|stage| stage.name.clone()).collect()
}

fn kinds(design: &Design) -> Vec<&str> {
    design.stages.iter().map(|stage| stage.name.as_str()).collect()
}

#[test]
fn a_network_becomes_a_pipeline() {
    let design = describe(&everything().integer(), &target(10_000.0)).unwrap();
    let expected = [
        "FMPadding_rtl_0",
        "ConvolutionInputGenerator_rtl_0",
        "MVAU_hls_0",
        "ConvolutionInputGenerator_rtl_1",
        "Pool_hls_0",
        "FMPadding_rtl_1",
        "ConvolutionInputGenerator_rtl_2",
        "VVAU_hls_0",
        "MVAU_hls_1",
        "MVAU_hls_2",
        "Thresholding_rtl_0",
        "MVAU_rtl_0",
    ];
    assert_eq!(kinds(&design), expected);
    assert!(design.max_cycles() <= design.target_cycles && design.fps() >= 10_000.0);
}

#[test]
fn what_one_stage_writes_the_next_one_reads() {
    for target_fps in [1.0, 3_000.0, 40_000.0, 100_000.0] {
        let design = describe(&everything().integer(), &target(target_fps)).unwrap();
        let bits = |stream: stage::Stream| stream.width_bits * stream.words_per_frame;
        for pair in design.stages.windows(2) {
            let (output, input) = (pair[0].unit.output(pair[0].folding), pair[1].unit.input(pair[1].folding));
            assert_eq!((output.elem_bits, bits(output)), (input.elem_bits, bits(input)), "{pair:?}");
        }
        let window = |index: usize| design.stages[index].folding;
        assert_eq!(window(3).simd, window(4).pe, "a pool runs in step with its window");
        assert_eq!(window(6).simd, window(7).pe, "a depthwise convolution runs in step with its window");
        assert_eq!(window(6).parallel_window, window(7).simd > 1);
    }
}

#[test]
fn widths_and_requantizations_follow_from_the_graph() {
    let design = describe(&everything().integer(), &target(1.0)).unwrap();
    let files = design.files(&[]);
    let stages: Json = serde_json::from_str(&files[3].1).unwrap();
    let arithmetic = |index: usize| &stages["stages"][index]["dimensions"]["arithmetic"];
    // 27 weights of -3 to 3 in the pattern of `nets`, times codes 0 to 255.
    let lo = arithmetic(2)["accumulator"]["lo"].as_i64().unwrap();
    let hi = arithmetic(2)["accumulator"]["hi"].as_i64().unwrap();
    assert!(lo < 0 && hi > 0 && lo % 255 == 0 && hi % 255 == 0, "{lo} {hi}");
    let bits = arithmetic(2)["accumulator"]["bits"].as_i64().unwrap();
    assert!(lo >= -(1 << (bits - 1)) && hi < 1 << (bits - 1), "{bits} bits hold {lo} to {hi}");
    assert!(lo < -(1 << (bits - 2)) || hi >= 1 << (bits - 2), "{bits} bits are needed");
    assert_eq!(arithmetic(2)["requantization"]["kind"], "thresholds");
    assert_eq!(arithmetic(2)["requantization"]["per_channel"], 15);
    // 8 weights of -3 to 3 times codes 0 to 15 in sixteenths reach few of 256 codes.
    assert_eq!(arithmetic(8)["requantization"]["kind"], "thresholds");
    assert!(arithmetic(8)["requantization"]["per_channel"].as_i64().unwrap() < 33);
    assert_eq!(stages["stages"][9]["dimensions"]["flattened"], serde_json::json!([3, 3, 16]));
    assert_eq!(arithmetic(11)["requantization"], Json::Null);
    assert_eq!(stages["stages"][8]["weight_memory"]["total_bits"], 16 * 8 * 4);
}

#[test]
fn files_have_finns_shape() {
    let design = describe(&everything().integer(), &target(5_000.0)).unwrap();
    let files = design.files(&[]);
    let names: Vec<&str> =
        files.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with(MEMORIES)).collect();
    let expected = [
        "folding_config.json",
        "estimate_layer_cycles.json",
        "estimate_network_performance.json",
        "dataflow.json",
        "estimate_layer_resources.json",
        "op_and_param_counts.json",
    ];
    assert_eq!(names, expected);
    let parsed: Vec<Json> =
        files[..expected.len()].iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    let config = parsed[0].as_object().unwrap();
    assert_eq!(
        config.keys().map(String::as_str).collect::<Vec<_>>(),
        [&["Defaults"], &kinds(&design)[..]].concat()
    );
    assert_eq!(config["Defaults"], serde_json::json!({}));
    for stage in &design.stages {
        let entry = config[&stage.name].as_object().unwrap();
        for (key, value) in [("PE", stage.folding.pe), ("SIMD", stage.folding.simd)] {
            let written = entry.get(key).map_or(1, |value| value.as_u64().unwrap());
            assert_eq!(written, value as u64, "{} {key}", stage.name);
        }
        assert_eq!(parsed[1][&stage.name], stage.cycles);
    }
    let performance = &parsed[2];
    assert_eq!(performance["max_cycles"], design.max_cycles());
    assert_eq!(performance["critical_path_cycles"], design.critical_path_cycles());
    let slowest = performance["max_cycles_node_name"].as_str().unwrap();
    assert_eq!(parsed[1][slowest], design.max_cycles());
    let fps = performance["estimated_throughput_fps"].as_f64().unwrap();
    assert!((fps - 1e8 / design.max_cycles() as f64).abs() < 1e-6);
}

#[test]
fn an_unreachable_target_names_the_slowest_stage() {
    let report = describe(&everything().integer(), &target(10_000_000.0)).unwrap_err();
    let [diagnostic] = report.diagnostics() else { panic!("{report}") };
    assert_eq!(diagnostic.code, Code::TargetNotReachable);
    // Padding streams 14 * 14 pixels, its window as many and 2 more: nothing takes longer fully unrolled.
    assert!(
        diagnostic.found.starts_with("ConvolutionInputGenerator_rtl needs 198 cycles"),
        "{}",
        diagnostic.found
    );
    let reachable = 1e8 / 198.0;
    assert!(describe(&everything().integer(), &target(reachable - 1.0)).is_ok());
    assert!(describe(&everything().integer(), &target(reachable + 10_000.0)).is_err());
}

#[test]
fn graphs_without_a_pipeline_are_refused() {
    let net = || Net::new(&[1, 4, 6, 6], "int8");
    let cases = [(net(), "no layer"), (net().reshape(&[1, 4, 36]), "no layer")];
    for (net, found) in cases {
        let report = describe(&net.integer(), &target(1.0)).unwrap_err();
        let text = report.to_string();
        assert!(
            report.diagnostics().iter().all(|d| d.code == Code::NotDataflow) && text.contains(found),
            "{text}"
        );
    }
    let quantized = net().conv([4, 4, 1, 1], [1, 1], [0; 4], 1, "uint4").quantized();
    assert!(describe(&quantized, &target(1.0)).unwrap_err().to_string().contains("the quantized level"));
}

#[test]
fn unpadded_pools_and_reshapes_that_keep_the_order_are_accepted() {
    let net = Net::new(&[1, 1, 6, 6], "int8").reshape(&[1, 36]).dense_sums(3);
    let design = describe(&net.integer(), &target(1.0)).unwrap();
    assert_eq!(kinds(&design), ["MVAU_rtl_0"]);
    assert!(matches!(&design.stages[0].unit, Unit::Mvau(unit) if unit.flattened.is_none()));
    let net = Net::new(&[1, 4, 6, 6], "int8").max_pool([2, 2]).requantize("int4");
    let design = describe(&net.integer(), &target(1.0)).unwrap();
    assert_eq!(kinds(&design), ["ConvolutionInputGenerator_rtl_0", "Pool_hls_0", "Thresholding_rtl_0"]);
}

#[test]
fn targets_are_checked() {
    let code = |device, clock_ns, fps| Target::new(device, clock_ns, fps).unwrap_err().diagnostics()[0].code;
    assert_eq!(code("xc7z0200", 10.0, 1.0), Code::UnknownDevice);
    assert_eq!(code("xc7z020", 0.0, 1.0), Code::TargetNotReachable);
    assert_eq!(code("xc7z020", 10.0, f64::NAN), Code::TargetNotReachable);
    assert_eq!(Target::new("XC7Z020-1CLG400C", 5.0, 200.0).unwrap().cycles(), 1_000_000);
    assert!(Device::all().iter().all(|device| Device::named(&device.name).unwrap() == device));
}

#[test]
fn dsps_of_the_7_series_need_narrow_weights() {
    let wide = || Net::new(&[1, 8], "uint4").widest_weights().dense_sums(4).integer();
    let on = |device: &str| {
        describe(&wide(), &Target::new(device, 10.0, 1.0).unwrap()).unwrap().stages[0].name.clone()
    };
    assert_eq!((on("xc7z020").as_str(), on("xczu7ev").as_str()), ("MVAU_hls_0", "MVAU_rtl_0"));
}

#[test]
fn the_chapter_lists_every_kind() {
    let chapter = include_str!("../../../docs/dataflow.md");
    for kind in KINDS {
        let row = format!("| {} | {} | {} | `{}` |", kind.name, kind.about, kind.folding, kind.cycles);
        assert!(chapter.contains(&row), "docs/dataflow.md has no row\n{row}");
    }
}

proptest! {
    #[test]
    fn foldings_are_legal_and_the_least_that_reach_the_target(
        height in 1usize..40, width in 1usize..40, vectors in 1usize..30, target_cycles in 1u64..5000,
    ) {
        let unit = figures::mvau(width, height, vectors);
        let foldings = unit.foldings();
        for folding in &foldings {
            prop_assert!(height % folding.pe == 0 && width % folding.simd == 0 && !folding.parallel_window);
        }
        // Independent: all pairs, not only those of `divisors`.
        let pairs = (1..=height).flat_map(|pe| (1..=width).map(move |simd| (pe, simd)));
        let least = pairs
            .filter(|(pe, simd)| height % pe == 0 && width % simd == 0)
            .filter(|(pe, simd)| ((height / pe) * (width / simd) * vectors) as u64 <= target_cycles)
            .map(|(pe, simd)| pe * simd)
            .min();
        let chosen = foldings.iter().find(|folding| unit.cycles(**folding) <= target_cycles);
        prop_assert_eq!(chosen.map(|folding| folding.pe * folding.simd), least);
    }

    #[test]
    fn thresholding_takes_one_word_a_cycle(channels in 1usize..200, pixels in 1usize..100) {
        let requantization = stage::Requantization::Thresholds { per_channel: 15 };
        let unit = Thresholding { channels, pixels, input_bits: 8, threshold_bits: 8, output_bits: 4, requantization };
        for folding in unit.foldings() {
            prop_assert_eq!(unit.cycles(folding) * folding.pe as u64, (channels * pixels) as u64);
        }
    }
}

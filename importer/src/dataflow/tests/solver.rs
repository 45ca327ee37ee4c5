//! The choice of foldings against all foldings of small networks, tried one by one, and against FINN's own for CNV.

use proptest::prelude::*;

use super::nets::Net;
use crate::dataflow::converter::{self, converters};
use crate::dataflow::folding::{FoldingFile, Goal};
use crate::dataflow::network::End;
use crate::dataflow::resources::Resources;
use crate::dataflow::stage::{ConvolutionInputGenerator, Folding, Unit};
use crate::dataflow::{Design, Device, folded, front};
use crate::diagnostic::Code;
use crate::graph::Graph;

fn device() -> &'static Device {
    Device::named("xc7z020").unwrap()
}

/// All foldings of all stages of `design`, in which depthwise windows run in step with the stage behind them.
fn all(design: &Design) -> Vec<Vec<Folding>> {
    let mut all: Vec<Vec<Folding>> = vec![vec![]];
    for (index, stage) in design.stages.iter().enumerate() {
        let with_memory = |folding: Folding| {
            stage.unit.memories().iter().map(move |memory| Folding { memory: *memory, ..folding })
        };
        let own: Vec<Folding> = match &stage.unit {
            // Any that some stage behind it can need.
            Unit::ConvolutionInputGenerator(unit) if unit.depthwise => {
                let behind = design.stages[index + 1].unit.foldings().into_iter();
                let mut own: Vec<Folding> =
                    behind.map(ConvolutionInputGenerator::before).flat_map(with_memory).collect();
                own.dedup();
                own
            }
            unit => unit.foldings().into_iter().flat_map(with_memory).collect(),
        };
        let longer = |before: &Vec<Folding>| {
            own.iter()
                .map(|last| before.iter().copied().chain([*last]).collect())
                .collect::<Vec<Vec<Folding>>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    let in_step = |foldings: &Vec<Folding>| {
        design.stages.iter().enumerate().all(|(index, stage)| match &stage.unit {
            Unit::ConvolutionInputGenerator(unit) if unit.depthwise => {
                let needed = ConvolutionInputGenerator::before(foldings[index + 1]);
                foldings[index] == Folding { memory: foldings[index].memory, ..needed }
            }
            _ => true,
        })
    };
    all.into_iter().filter(in_step).collect()
}

/// Cycles, parts and the sum of shares of the device, counted from scratch.
fn measured(design: &Design, foldings: &[Folding]) -> (u64, Resources, u128) {
    let stages = || design.stages.iter().zip(foldings);
    let cycles = stages().map(|(stage, folding)| stage.unit.cycles(*folding)).max().unwrap();
    let mut luts = 0;
    for link in &design.links {
        if let (End::Stage { stage: from, port: out }, End::Stage { stage: to, port: into }) =
            (link.from, link.to)
        {
            let written = design.stages[from].unit.outputs(foldings[from])[out].width_bits;
            let read = design.stages[to].unit.inputs(foldings[to])[into].width_bits;
            luts += converter::luts(written, read);
        }
    }
    let own: Resources = stages().map(|(stage, folding)| stage.unit.resources(*folding, device())).sum();
    let used = own + Resources::luts(luts);
    let shares = used.amounts().into_iter().zip(Resources::of(device()).amounts());
    let score =
        shares.map(|(used, there)| u128::from(used) * u128::from(1_000_000_000_000 / there.max(1))).sum();
    (cycles, used, score)
}

fn own(design: &Design) -> Vec<Folding> {
    design.stages.iter().map(|stage| stage.folding).collect()
}

/// Small networks: a chain, a depthwise one with a pool, a fork and a join.
fn network(kind: usize, channels: usize, outputs: usize) -> Graph {
    let net = Net::new(&[1, channels, 4, 4], "uint4");
    match kind {
        0 => Net::new(&[1, channels * 2], "uint4")
            .dense(outputs * 2, "uint2")
            .dense(outputs, "uint4")
            .dense_sums(4),
        1 => net.conv([channels, 1, 2, 2], [1, 1], [0; 4], channels.max(2), "uint4").max_pool([3, 3]),
        2 => {
            let net = net.conv([outputs, channels, 1, 1], [1, 1], [0; 4], 1, "uint4");
            let fork = net.here();
            net.conv([outputs, outputs, 1, 1], [1, 1], [0; 4], 1, "uint4").add(fork).requantize("uint4")
        }
        _ => {
            let net = net.conv([outputs, channels, 1, 1], [1, 1], [0; 4], 1, "uint4");
            let fork = net.here();
            net.max_pool([1, 1]).concat(&[fork])
        }
    }
    .integer()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_cheaper_than_the_chosen_foldings(
        kind in 0usize..4, channels in 2usize..5, outputs in 1usize..5, at in 0usize..1000, spare in 0u64..1000,
    ) {
        let graph = network(kind, channels, outputs);
        let slowest = folded(&graph, device(), 10.0, &Goal::Rate(1.0)).unwrap();
        let every: Vec<(u64, Resources, u128)> =
            all(&slowest).iter().map(|foldings| measured(&slowest, foldings)).collect();
        let mut counts: Vec<u64> = every.iter().map(|(cycles, ..)| *cycles).collect();
        counts.sort_unstable();
        counts.dedup();
        // Half a cycle more, so that no rounding of the rate can matter.
        let wanted = counts[at % counts.len()];
        let design = folded(&graph, device(), 10.0, &Goal::Rate(1e8 / (wanted as f64 + 0.5))).unwrap();
        let (cycles, used, score) = measured(&design, &own(&design));
        prop_assert!(cycles <= wanted && design.is_proven_least);
        prop_assert_eq!(used, design.resources());
        let least = every.iter().filter(|(cycles, ..)| *cycles <= wanted).map(|(.., score)| *score).min();
        prop_assert_eq!(Some(score), least);

        // The same network within what lies between its smallest and its largest designs.
        let part = |of: fn(&Resources) -> u64| {
            let (lo, hi) = (every.iter().map(|(_, used, _)| of(used)).min(), every.iter().map(|(_, used, _)| of(used)).max());
            lo.unwrap() + (hi.unwrap() - lo.unwrap()) * spare / 1000
        };
        let budget = Resources {
            luts: part(|used| used.luts),
            block_memories: part(|used| used.block_memories),
            urams: 0,
            dsps: part(|used| used.dsps),
        };
        let fastest = every.iter().filter(|(_, used, _)| used.fit(&budget)).map(|(cycles, ..)| *cycles).min();
        match (folded(&graph, device(), 10.0, &Goal::Budget(budget)), fastest) {
            (Ok(design), Some(fastest)) => {
                let (cycles, used, score) = measured(&design, &own(&design));
                prop_assert!(used.fit(&budget));
                prop_assert_eq!(cycles, fastest);
                let fitting = every.iter().filter(|(cycles, used, _)| *cycles <= fastest && used.fit(&budget));
                prop_assert_eq!(Some(score), fitting.map(|(.., score)| *score).min());
            }
            (Err(report), None) => prop_assert_eq!(report.diagnostics()[0].code, Code::DesignTooBig),
            (found, fastest) => prop_assert!(false, "{:?} {:?}", found.map(|design| own(&design)), fastest),
        }

        // The front: at each of its points the least cost, and nothing cheaper that is as fast.
        for point in front(&graph, device(), 10.0).unwrap() {
            let least = every.iter().filter(|(cycles, ..)| *cycles <= point.cycles).map(|(.., score)| *score).min();
            let own = Resources::of(device()).amounts().into_iter().zip(point.resources.amounts());
            let score = own.map(|(there, used)| u128::from(used) * u128::from(1_000_000_000_000 / there.max(1))).sum();
            prop_assert_eq!(Some(score), least, "{} cycles", point.cycles);
        }
    }
}

/// CNV's shape. FINN's pools stand behind the second and fourth convolution.
fn cnv() -> Graph {
    let conv = |net: Net, to: usize, from: usize| net.conv([to, from, 3, 3], [1, 1], [0; 4], 1, "uint2");
    let mut net = conv(conv(Net::new(&[1, 3, 32, 32], "uint8"), 64, 3), 64, 64).max_pool([2, 2]);
    net = conv(conv(net, 128, 64), 128, 128).max_pool([2, 2]);
    net = conv(conv(net, 256, 128), 256, 256).reshape(&[1, 256]);
    net.dense(512, "uint2").dense(512, "uint2").dense_sums(10).integer()
}

/// PE and SIMD of the nine layers, and SIMD of the six sliding windows, in the folding file of finn-examples
/// (`build/bnn-pynq`, commit 087ad90).
const FINNS_LAYERS: [(usize, usize); 9] =
    [(16, 3), (32, 32), (16, 32), (16, 32), (4, 32), (1, 32), (1, 4), (1, 8), (5, 1)];
const FINNS_WINDOWS: [usize; 6] = [3, 32, 32, 32, 32, 32];

#[test]
fn cnv_costs_no_more_than_by_finns_hand() {
    let graph = cnv();
    let start = std::time::Instant::now();
    let design = folded(&graph, device(), 10.0, &Goal::Rate(1e8 / 32768.5));
    let big = Device::named("xczu9eg").unwrap();
    let design = design.or_else(|_| folded(&graph, big, 10.0, &Goal::Rate(1e8 / 32768.5))).unwrap();
    let (mut layers, mut windows) = (FINNS_LAYERS.iter(), FINNS_WINDOWS.iter());
    let mut entries = serde_json::Map::new();
    for stage in &design.stages {
        let entry = match &stage.unit {
            Unit::Mvau(_) => {
                let (pe, simd) = layers.next().unwrap();
                serde_json::json!({ "PE": pe, "SIMD": simd })
            }
            Unit::ConvolutionInputGenerator(unit) if !unit.depthwise => {
                serde_json::json!({ "SIMD": windows.next().unwrap(), "ram_style": "distributed" })
            }
            // As few as keep to the rate: FINN's own pool has no folding there.
            Unit::ConvolutionInputGenerator(_) => serde_json::json!({ "SIMD": 4 }),
            Unit::Pool(_) => serde_json::json!({ "PE": 4 }),
            _ => serde_json::json!({}),
        };
        entries.insert(stage.name.clone(), entry);
    }
    let file = FoldingFile::read(&serde_json::Value::Object(entries).to_string()).unwrap();
    let by_hand = folded(&graph, design.target.device, 10.0, &Goal::File(file)).unwrap();
    assert_eq!(by_hand.max_cycles(), 32_768);
    assert!(design.max_cycles() <= 32_768 && design.is_proven_least);
    let score = |design: &Design| {
        let there = Resources::of(design.target.device).amounts().into_iter();
        let shares = there.zip(design.resources().amounts());
        shares.map(|(there, used)| used as f64 / there.max(1) as f64).sum::<f64>()
    };
    assert!(score(&design) <= score(&by_hand), "{:?} {:?}", design.resources(), by_hand.resources());
    let points = front(&graph, design.target.device, 10.0).unwrap();
    assert!(points.len() > 20);
    println!(
        "{:?} {:?} of {:?}, {} points, {:?}",
        design.resources(),
        converters(&design).len(),
        by_hand.resources(),
        points.len(),
        start.elapsed()
    );
}

fn file_error(text: &str) -> String {
    let graph = Net::new(&[1, 8], "uint4").dense(6, "uint4").dense_sums(4).integer();
    let read = FoldingFile::read(text).and_then(|file| folded(&graph, device(), 10.0, &Goal::File(file)));
    let report = read.unwrap_err();
    assert!(report.diagnostics().iter().all(|problem| problem.code == Code::BadFolding), "{report}");
    report.to_string()
}

#[test]
fn files_with_other_foldings_are_refused() {
    let cases = [
        (r#"{"MVAU_hls_0": {"PE": 4}}"#, "MVAU_hls_0 with PE 4, SIMD 1"),
        (r#"{"MVAU_hls_0": {"PE": 0}}"#, "PE 0"),
        (r#"{"MVAU_hls_0": {"SIMD": -1}}"#, "-1"),
        (r#"{"MVAU_hls_0": {"ram_style": "paper"}}"#, "paper"),
        (r#"{"MVAU_hls_7": {"PE": 2}}"#, "MVAU_hls_7"),
        (r#"{"Defaults": {"PE": 2}}"#, "Defaults.PE"),
        ("[]", "no object"),
        ("{", "EOF"),
    ];
    for (text, part) in cases {
        let found = file_error(text);
        assert!(found.contains(part), "{text}: {found}");
    }
}

/// Wherever two stages have words of different widths a converter stands, and nowhere else.
#[test]
fn converters_stand_between_different_widths() {
    for kind in 0..4 {
        for rate in [1.0, 1e6, 3e6] {
            let design = folded(&network(kind, 4, 4), device(), 10.0, &Goal::Rate(rate)).unwrap();
            let found = converters(&design);
            for (index, link) in design.links.iter().enumerate() {
                let (End::Stage { stage: from, port: out }, End::Stage { stage: to, port: into }) =
                    (link.from, link.to)
                else {
                    assert!(found.iter().all(|converter| converter.link != index));
                    continue;
                };
                let (from, to) = (&design.stages[from], &design.stages[to]);
                let written = from.unit.outputs(from.folding)[out].width_bits;
                let read = to.unit.inputs(to.folding)[into].width_bits;
                let own = found.iter().find(|converter| converter.link == index);
                let widths = own.map(|converter| (converter.input_bits, converter.output_bits));
                assert_eq!(widths, (written != read).then_some((written, read)));
            }
            let names: std::collections::BTreeSet<&String> =
                found.iter().map(|converter| &converter.name).collect();
            assert_eq!(names.len(), found.len());
        }
    }
}

#[test]
fn a_design_is_read_from_its_own_folding_file() {
    for kind in 0..4 {
        let graph = network(kind, 4, 4);
        let design = folded(&graph, device(), 10.0, &Goal::Rate(2e6)).unwrap();
        let (_, text) = &design.files(&[])[0];
        let again = folded(&graph, device(), 10.0, &Goal::File(FoldingFile::read(text).unwrap())).unwrap();
        assert_eq!(again.stages, design.stages);
        assert_eq!(again.resources(), design.resources());
    }
}

#[test]
fn defaults_are_for_the_operators_that_they_name() {
    let text = r#"{"Defaults": {"PE": [2, ["MVAU_hls"]], "SIMD": [4, ["all"]]}, "MVAU_hls_0": {"SIMD": 2}}"#;
    let graph = Net::new(&[1, 8], "uint4").dense(8, "uint4").dense(4, "uint4").integer();
    let design = folded(&graph, device(), 10.0, &Goal::File(FoldingFile::read(text).unwrap())).unwrap();
    let found: Vec<(usize, usize)> = own(&design).iter().map(|own| (own.pe, own.simd)).collect();
    assert_eq!(found, [(2, 2), (2, 4)]);
}

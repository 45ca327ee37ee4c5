//! Networks whose ways part and meet: residual blocks, concatenations, values that are outputs too, averages.

use std::collections::BTreeMap;

use super::execute::assert_exact;
use super::nets::Net;
use super::*;
use crate::dataflow::network::{End, into_stage};
use crate::dataflow::parameters::most_thresholds;
use crate::dataflow::stage::{Requantization, Unit};

fn start() -> Net {
    Net::new(&[1, 4, 8, 8], "uint4")
}

/// Two convolutions beside a way without any.
fn block(net: Net) -> Net {
    let x = net.here();
    net.conv([4, 4, 3, 3], [1, 1], [1; 4], 1, "uint4")
        .conv([4, 4, 3, 3], [1, 1], [1; 4], 1, "uint4")
        .add(x)
        .requantize("uint4")
}

fn concat_of_three() -> Net {
    let net = start();
    let x = net.here();
    let net = net.conv([2, 4, 1, 1], [1, 1], [0; 4], 1, "uint4");
    let narrow = net.here();
    let net = net.from(x).conv([6, 4, 3, 3], [1, 1], [1; 4], 1, "uint4");
    let wide = net.here();
    net.from(x).concat(&[narrow, wide]).conv([3, 12, 1, 1], [1, 1], [0; 4], 1, "uint4")
}

fn also_an_output() -> Net {
    let net = start().conv([4, 4, 3, 3], [1, 1], [1; 4], 1, "uint4").output();
    net.conv([2, 4, 1, 1], [1, 1], [0; 4], 1, "uint2")
}

fn two_inputs() -> Net {
    let net = start().conv([4, 4, 3, 3], [2, 2], [1; 4], 1, "uint4");
    let x = net.here();
    net.input(&[1, 4, 4, 4], "int4").add(x).requantize("int4")
}

fn twice_the_input() -> Net {
    let net = start();
    let x = net.here();
    net.add(x).requantize("uint4")
}

fn times(multipliers: [i64; 2]) -> Net {
    let net = start();
    let x = net.here();
    net.conv([4, 4, 1, 1], [1, 1], [0; 4], 1, "int8").add_times(x, multipliers).requantize("int8")
}

fn nested() -> Net {
    let net = start();
    let x = net.here();
    block(net.conv([4, 4, 3, 3], [1, 1], [1; 4], 1, "uint4")).add(x).requantize("uint4")
}

fn kinds() -> Vec<(&'static str, Net)> {
    vec![
        ("a choice of channels", start().reshape(&[1, 256]).dense_sums(7).top_k(3)),
        ("a choice of columns", start().conv([4, 4, 1, 1], [1, 1], [0; 4], 1, "uint4").top_k(2)),
        ("twice itself", start().times(start().here()).requantize("uint8")),
        ("residual block", block(start())),
        ("two residual blocks", block(block(start()))),
        ("nested blocks", nested()),
        ("concat of three", concat_of_three()),
        ("also an output", also_an_output()),
        ("two inputs", two_inputs()),
        ("twice the input", twice_the_input()),
        ("other multipliers", times([3, -2])),
        ("one multiplier", times([1, 5])),
        ("sums that leave", start().add(start().here())),
        ("global average", start().sum_pool([8, 8], [1, 1], [0; 4]).requantize("uint4")),
        (
            "global average of shifted codes",
            start().zero_point(3).sum_pool([8, 8], [1, 1], [0; 4]).requantize("uint8"),
        ),
        ("global sums of shifted codes", start().zero_point(3).sum_pool([8, 8], [1, 1], [0; 4])),
        ("average of windows", start().sum_pool([2, 3], [2, 1], [0; 4]).requantize("uint4")),
        ("average of padded windows", start().sum_pool([3, 3], [2, 2], [1; 4]).requantize("uint8")),
        (
            "windows of shifted codes",
            start().zero_point(5).sum_pool([2, 2], [2, 2], [0; 4]).requantize("int8"),
        ),
        ("shifted codes", start().zero_point(7).conv([5, 4, 2, 2], [1, 1], [0; 4], 1, "int8")),
        ("flattened", start().max_pool([2, 2]).reshape(&[1, 64]).dense(5, "uint4")),
        ("repeated pixels", start().repeat(&[1, 1, 2, 2]).requantize("int4")),
        ("everything", everything()),
    ]
}

fn design(kind: &str, net: &Net, target_fps: f64) -> Design {
    describe(&net.clone().integer(), &target(target_fps)).unwrap_or_else(|report| panic!("{kind}: {report}"))
}

/// From its stages and their parameters alone each network computes what the exact reference does.
#[test]
fn every_network_computes_the_exact_codes() {
    for (kind, net) in kinds() {
        for target_fps in [1.0, 20_000.0] {
            assert_exact(&net.clone().quantized(), &design(kind, &net, target_fps));
        }
    }
}

/// Every input of a stage is written once, every output of a stage read once, by links that go forward and carry as much
/// as both ends say.
#[test]
fn links_fit_both_ends() {
    for (kind, net) in kinds() {
        for target_fps in [1.0, 3_000.0, 50_000.0] {
            let design = design(kind, &net, target_fps);
            let mut written: BTreeMap<End, usize> = BTreeMap::new();
            for link in &design.links {
                *written.entry(link.from).or_default() += usize::from(!matches!(link.from, End::Host(_)));
                let (End::Stage { stage: from, port: out }, End::Stage { stage: to, port }) =
                    (link.from, link.to)
                else {
                    continue;
                };
                assert!(from < to, "{kind}: {link:?}");
                let (writer, reader) = (&design.stages[from], &design.stages[to]);
                let output = writer.unit.outputs(writer.folding)[out];
                let input = reader.unit.inputs(reader.folding)[port];
                let bits = |stream: stage::Stream| stream.width_bits * stream.words_per_frame;
                assert_eq!(
                    (output.elem_bits, bits(output)),
                    (input.elem_bits, bits(input)),
                    "{kind}: {} to {}",
                    writer.name,
                    reader.name
                );
            }
            assert!(written.iter().all(|(end, count)| matches!(end, End::Host(_)) || *count == 1), "{kind}");
            for (index, stage) in design.stages.iter().enumerate() {
                let into = into_stage(&design.links, index);
                assert_eq!(into.len(), stage.unit.inputs(stage.folding).len(), "{kind}: {}", stage.name);
                let outputs = stage.unit.outputs(stage.folding).len();
                let read =
                    written.keys().filter(|end| matches!(end, End::Stage { stage, .. } if *stage == index));
                assert_eq!(read.count(), outputs, "{kind}: {}", stage.name);
            }
        }
    }
}

#[test]
fn every_kind_of_stage_occurs() {
    let designs: Vec<Design> = kinds().iter().map(|(kind, net)| design(kind, net, 1.0)).collect();
    for kind in KINDS {
        let has = |design: &Design| design.stages.iter().any(|stage| stage.unit.kind() == kind);
        assert!(designs.iter().any(has), "{}", kind.name);
    }
}

#[test]
fn joins_and_forks_have_finns_names() {
    let names = |net: &Net| names_of(&design("net", net, 1.0));
    let residual = names(&block(start()));
    assert_eq!(residual[0], "DuplicateStreams_hls_0");
    assert_eq!(residual[residual.len() - 2..], ["AddStreams_hls_0", "Thresholding_rtl_0"]);
    let blocks = names(&block(block(start())));
    let count = |names: &[String], name: &str| names.iter().filter(|own| own.starts_with(name)).count();
    assert_eq!((count(&blocks, "DuplicateStreams_hls"), count(&blocks, "AddStreams_hls")), (2, 2));
    let concat = design("concat", &concat_of_three(), 1.0);
    let duplicate = concat.stages.iter().find(|stage| stage.name == "DuplicateStreams_hls_0").unwrap();
    assert!(matches!(&duplicate.unit, Unit::DuplicateStreams(unit) if unit.outputs == 3), "{duplicate:?}");
    assert_eq!(count(&names_of(&concat), "StreamingConcat_hls"), 1);
    assert_eq!(names(&times([1, 5])).iter().filter(|name| name.starts_with("ChannelwiseOp_hls")).count(), 1);
    assert_eq!(
        names(&start().sum_pool([8, 8], [1, 1], [0; 4]).requantize("uint4")),
        ["GlobalAccPool_hls_0", "Thresholding_rtl_0"]
    );
    let average = names(&start().sum_pool([2, 2], [2, 2], [0; 4]).requantize("uint4"));
    assert_eq!(average, ["ConvolutionInputGenerator_rtl_0", "VVAU_hls_0"]);
    let config: Json =
        serde_json::from_str(&design("residual", &block(start()), 1.0).files(&[])[0].1).unwrap();
    assert!(config["AddStreams_hls_0"]["inFIFODepths"][1].as_u64() > Some(2), "{config}");
}

/// Lets whole pixels go through the network, each stage taking and giving as soon as it can, with FIFOs of the sizes that
/// the design says: every frame comes out. With the FIFOs of a chain it stops.
fn runs_through(design: &Design, depth: impl Fn(usize) -> usize) -> bool {
    let mut waiting = vec![0usize; design.links.len()];
    let mut taken = vec![vec![]; design.stages.len()];
    let mut given = vec![0usize; design.stages.len()];
    let mut from_host = vec![0usize; design.links.len()];
    let links = |stage: usize, into: bool| -> Vec<usize> {
        let mut found: Vec<(usize, usize)> = design
            .links
            .iter()
            .enumerate()
            .filter_map(|(index, link)| match if into { link.to } else { link.from } {
                End::Stage { stage: at, port } if at == stage => Some((port, index)),
                _ => None,
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, index)| index).collect()
    };
    for (stage, taken) in taken.iter_mut().enumerate() {
        *taken = vec![0usize; links(stage, true).len()];
    }
    loop {
        let mut moved = false;
        for (index, link) in design.links.iter().enumerate() {
            let End::Stage { stage, .. } = link.to else {
                moved |= waiting[index] > 0;
                waiting[index] = 0;
                continue;
            };
            let frame = design.stages[stage].unit.pixels()[0];
            if matches!(link.from, End::Host(_)) && from_host[index] < frame && waiting[index] < depth(index)
            {
                waiting[index] += 1;
                from_host[index] += 1;
                moved = true;
            }
        }
        for (stage, unit) in design.stages.iter().map(|stage| &stage.unit).enumerate() {
            let (into, out) = (links(stage, true), links(stage, false));
            let [read, written] = unit.pixels();
            if given[stage] < written {
                let needed = unit.needed(given[stage]).min(read);
                // Joins take a pixel of all operands at once, others as much as the next result needs.
                let together = into.iter().all(|link| waiting[*link] > 0);
                for (position, link) in into.iter().enumerate() {
                    let wanted = taken[stage][position] < needed && waiting[*link] > 0;
                    if wanted && (into.len() == 1 || together) {
                        waiting[*link] -= 1;
                        taken[stage][position] += 1;
                        moved = true;
                    }
                }
                let ready = taken[stage].iter().all(|taken| *taken >= needed);
                if ready && out.iter().all(|link| waiting[*link] < depth(*link)) {
                    out.iter().for_each(|link| waiting[*link] += 1);
                    given[stage] += 1;
                    moved = true;
                }
            } else if let Some(link) = into.first().filter(|link| waiting[**link] > 0) {
                // What is behind the last window is read and dropped.
                waiting[*link] -= 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    given.iter().zip(&design.stages).all(|(given, stage)| *given == stage.unit.pixels()[1])
}

#[test]
fn no_join_waits_for_ever() {
    for (kind, net) in kinds() {
        let flat = ["flattened", "everything", "a choice of columns"].contains(&kind);
        for target_fps in [1.0, 20_000.0] {
            let design = design(kind, &net, target_fps);
            let pixels = |link: usize| {
                let link = &design.links[link];
                let End::Stage { stage, port } = link.to else { return 1 };
                let stage = &design.stages[stage];
                let words = stage.unit.inputs(stage.folding)[port].words_per_frame;
                let of_pixel = words.div_ceil(stage.unit.pixels()[0].max(1) as u64).max(1);
                // A FIFO of few words passes a pixel on word by word.
                (link.fifo_words / of_pixel).max(1) as usize
            };
            // A dense layer and a shuffle count a whole frame as their pixel.
            assert!(flat || runs_through(&design, pixels), "{kind} at {target_fps}");
        }
    }
    let design = design("residual", &block(start()), 1.0);
    assert!(!runs_through(&design, |_| 1), "a chain's FIFOs are too small for a residual block");
}

/// Two windows of 3 rows see 4 rows and 5 pixels before the first sum: the FIFO beside them holds these.
#[test]
fn a_fifo_holds_what_the_longer_way_needs() {
    let design = design("residual", &block(start()), 1.0);
    let add = design.stages.iter().position(|stage| stage.name == "AddStreams_hls_0").unwrap();
    let depths: Vec<u64> = into_stage(&design.links, add).iter().map(|link| link.fifo_words).collect();
    // Two rows and two pixels past the pixel itself: 8 + 8 + 3 pixels, and one more, of 4 channels each.
    assert_eq!(depths, [2, 20 * 4]);
}

#[test]
fn thresholds_follow_from_the_function() {
    assert!((8..=32).all(|bits| (25..=33).contains(&most_thresholds(bits))), "as the chapter says");
    let requantization = |net: Net| {
        let design = design("net", &net, 1.0);
        let stage = design.stages.iter().find(|stage| stage.parameters.codes.is_some()).unwrap();
        let codes = stage.parameters.codes.clone().unwrap();
        (codes.requantization(), codes)
    };
    // Eight bits of which a narrow sum reaches few are thresholds; many steps are a form.
    let (few, codes) = requantization(Net::new(&[1, 2], "uint2").dense(3, "int8"));
    assert!(
        matches!(few, Requantization::Thresholds { per_channel } if per_channel < 16),
        "{few:?} {codes:?}"
    );
    let (many, _) = requantization(Net::new(&[1, 64], "uint8").dense(3, "int8"));
    assert!(matches!(many, Requantization::CertifiedForm { thresholds_instead: 255, .. }), "{many:?}");
    let (falling, _) = requantization(Net::new(&[1, 24], "uint4").falling().dense(3, "uint4"));
    assert!(matches!(falling, Requantization::Thresholds { per_channel: 15 }), "{falling:?}");
}

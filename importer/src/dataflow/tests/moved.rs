//! Networks whose elements move, whose windows are padded by other codes than 0, and whose ends choose.

use super::execute::assert_exact;
use super::nets::Net;
use super::*;

fn net() -> Net {
    Net::new(&[1, 4, 6, 6], "int8")
}

/// What a graph becomes, compared with the reference, and the operator types of its stages.
fn exact(name: &str, net: &Net) -> Vec<String> {
    let mut types = vec![];
    for target_fps in [1.0, 100_000.0] {
        let design =
            describe(&net.clone().integer(), &target(target_fps)).unwrap_or_else(|r| panic!("{name}: {r}"));
        assert_exact(&net.clone().quantized(), &design);
        for link in &design.links {
            let (End::Stage { stage: from, port: out }, End::Stage { stage: to, port }) =
                (link.from, link.to)
            else {
                continue;
            };
            let [from, to] = [from, to].map(|stage| &design.stages[stage]);
            let (written, read) = (from.unit.outputs(from.folding)[out], to.unit.inputs(to.folding)[port]);
            let bits = |stream: stage::Stream| stream.width_bits * stream.words_per_frame;
            let (written, read) = ((written.elem_bits, bits(written)), (read.elem_bits, bits(read)));
            assert_eq!(written, read, "{name}: {} to {}", from.name, to.name);
        }
        types = design.stages.iter().map(|stage| stage.unit.op_type().to_owned()).collect();
    }
    types
}

use crate::dataflow::network::End;

#[test]
fn moves_are_exact() {
    let cases = [
        ("transpose that leaves", net().transpose(&[0, 2, 3, 1])),
        ("flatten that leaves", net().reshape(&[1, 144])),
        ("flatten before codes", net().reshape(&[1, 144]).requantize("uint4")),
        (
            "transpose before a layer",
            net().transpose(&[0, 3, 1, 2]).conv([3, 6, 3, 3], [1, 1], [0; 4], 1, "uint4"),
        ),
        (
            "transpose before a dense layer",
            net().transpose(&[0, 2, 3, 1]).reshape(&[1, 144]).dense(5, "uint4"),
        ),
        ("rows before a dense layer", net().reshape(&[1, 144]).dense_sums(3)),
        ("along rows", net().conv([4, 4, 1, 1], [1, 1], [0; 4], 1, "uint4").concat_along(2)),
        ("along columns", net().conv([4, 4, 1, 1], [1, 1], [0; 4], 1, "uint4").concat_along(3)),
    ];
    for (name, net) in cases {
        let types = exact(name, &net);
        let dense = name.ends_with("dense layer");
        assert_eq!(
            types.iter().any(|name| name == "Shuffle_hls"),
            !dense && name != "along rows",
            "{name} {types:?}"
        );
    }
}

#[test]
fn one_row_of_pixels_is_the_same_stream() {
    let net = || Net::new(&[1, 4, 12], "int8");
    let there = net().reshape(&[1, 4, 1, 12]).conv([6, 4, 1, 3], [1, 1], [0, 1, 0, 1], 1, "uint4");
    let cases = [
        ("there", there.clone()),
        ("and back", there.clone().reshape(&[1, 6, 12]).requantize("uint2")),
        (
            "and turned",
            there.reshape(&[1, 6, 12]).transpose(&[0, 2, 1]).transpose(&[0, 2, 1]).requantize("uint2"),
        ),
    ];
    for (name, net) in cases {
        let types = exact(name, &net);
        assert!(!types.iter().any(|name| name == "Shuffle_hls"), "{name} {types:?}");
    }
}

#[test]
fn padding_has_the_code_of_zero_or_the_smallest() {
    let layer = |net: Net| net.conv([4, 4, 3, 3], [1, 1], [1; 4], 1, "uint4");
    let cases = [
        ("a zero point", layer(net().zero_point(3))),
        ("a depthwise layer", net().zero_point(-5).conv([4, 1, 3, 3], [2, 2], [1; 4], 4, "uint4")),
        ("a pool of negative codes", net().padded_max_pool([2, 2], [1, 0, 1, 0])),
        ("sums", net().zero_point(2).sum_pool([3, 3], [1, 1], [1; 4]).requantize("uint4")),
    ];
    for (name, net) in cases {
        exact(name, &net);
    }
}

#[test]
fn groups_are_a_layer_with_zeros() {
    exact("two groups", &net().conv([6, 2, 3, 3], [1, 1], [0; 4], 2, "uint4"));
    exact("a multiplier", &net().conv([8, 1, 3, 3], [1, 1], [1; 4], 4, "uint4"));
}

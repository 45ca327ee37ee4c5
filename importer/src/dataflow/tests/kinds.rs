//! Kinds of nodes that need stages of their own or several: transposed convolutions, constants, bipolar layers, upsampling,
//! averages of windows with different numbers of elements, and channels whose codes fall.

use super::execute::assert_exact;
use super::nets::Net;
use super::*;
use crate::dataflow::stage::{Multiplication, Requantization};

fn net() -> Net {
    Net::new(&[1, 3, 5, 6], "int4")
}

/// The stages of `net`, which is compared with the reference at two rates.
fn exact(name: &str, net: &Net) -> Vec<Stage> {
    let mut stages = vec![];
    for target_fps in [1.0, 200_000.0] {
        let design =
            describe(&net.clone().integer(), &target(target_fps)).unwrap_or_else(|r| panic!("{name}: {r}"));
        assert_exact(&net.clone().quantized(), &design);
        stages = design.stages;
    }
    stages
}

fn kinds_of(stages: &[Stage]) -> Vec<&'static str> {
    stages.iter().map(|stage| stage.unit.kind().name).collect()
}

#[test]
fn transposed_convolutions_are_exact() {
    let plain = ([1, 1], [0, 0], 1);
    let cases = [
        ("one tap", net().conv_transpose([4, 3, 1, 1], [1, 1], [0; 4], plain, "uint4")),
        ("stride", net().conv_transpose([4, 3, 2, 2], [2, 2], [0; 4], plain, "uint4")),
        ("strides and pads", net().conv_transpose([2, 3, 3, 4], [2, 3], [1, 0, 1, 2], plain, "uint8")),
        ("output padding", net().conv_transpose([2, 3, 3, 3], [2, 2], [1; 4], ([1, 1], [1, 1], 1), "int4")),
        ("dilation", net().conv_transpose([2, 3, 2, 3], [1, 2], [0; 4], ([2, 2], [0, 0], 1), "uint4")),
        ("groups", net().conv_transpose([6, 1, 2, 2], [2, 1], [0; 4], ([1, 1], [0, 0], 3), "uint4")),
        ("zero point", net().zero_point(2).conv_transpose([4, 3, 3, 3], [2, 2], [1; 4], plain, "uint4")),
    ];
    for (name, net) in cases {
        let stages = exact(name, &net);
        assert_eq!(kinds_of(&stages).last(), Some(&"MVAU"), "{name}");
    }
}

#[test]
fn constants_are_exact() {
    let codes = |count: i32| (0..count).map(|i| i * 5 % 13 - 6).collect::<Vec<i32>>();
    let cases = [
        ("one for all", net().add_constant(&[1, 1, 1, 1], codes(1)), 3),
        ("one for each channel", net().add_constant(&[1, 3, 1, 1], codes(3)), 3),
        ("one for each element", net().add_constant(&[1, 3, 5, 6], codes(90)), 90),
        ("one for each column", net().add_constant(&[1, 1, 1, 6], codes(6)), 90),
        ("factors of channels", net().times_constant(&[1, 3, 1, 1], codes(3)), 3),
        ("factors of elements", net().times_constant(&[1, 3, 5, 6], codes(90)), 90),
    ];
    for (name, net, channels) in cases {
        for net in [net.clone(), net.requantize("uint4")] {
            let stages = exact(name, &net);
            let factors = |stage: &Stage| stage.parameters.factors.len();
            let most = stages.iter().map(factors).max().unwrap();
            assert_eq!(most, channels, "{name}");
            assert!(kinds_of(&stages).contains(&"ChannelwiseOp"), "{name}");
        }
    }
}

#[test]
fn bipolar_networks_are_exact() {
    let multiplication = |stage: &Stage| match &stage.unit {
        Unit::Mvau(unit) => Some((unit.arithmetic.multiplication, unit.arithmetic.weight_bits)),
        Unit::Vvau(unit) => Some((unit.arithmetic.multiplication, unit.arithmetic.weight_bits)),
        _ => None,
    };
    let of = |stages: &[Stage]| stages.iter().filter_map(multiplication).collect::<Vec<_>>();
    let dense = Net::new(&[1, 24], "uint4")
        .bipolar_weights()
        .dense_sums(12)
        .sign()
        .dense_sums(7)
        .sign()
        .dense_sums(5);
    let (weights, xnor) = ((Multiplication::BipolarWeights, 1), (Multiplication::Xnor, 1));
    assert_eq!(of(&exact("dense", &dense)), [weights, xnor, xnor]);
    let convolutions = net()
        .bipolar_weights()
        .conv_sums([4, 3, 2, 2], [1, 1], [0; 4], 1)
        .sign()
        .max_pool([2, 2])
        .conv_sums([6, 4, 2, 2], [1, 1], [0; 4], 1)
        .sign()
        .reshape(&[1, 6])
        .dense_sums(3);
    assert_eq!(of(&exact("convolutions", &convolutions)), [weights, xnor, xnor]);
    // Padding is a third code, so the operand has two bits.
    let padded = net()
        .bipolar_weights()
        .conv_sums([4, 3, 1, 1], [1, 1], [0; 4], 1)
        .sign()
        .conv_sums([2, 4, 3, 3], [1, 1], [1; 4], 1)
        .sign();
    assert_eq!(of(&exact("padded", &padded)), [weights, weights]);
    let falling = Net::new(&[1, 24], "uint4")
        .bipolar_weights()
        .falling_in(&[true, false])
        .dense(6, "uint2")
        .dense_sums(2);
    exact("falling", &falling);
}

#[test]
fn repeated_pixels_need_one_row() {
    let cases = [
        ("both axes", net().repeat(&[1, 1, 2, 3])),
        ("rows", net().conv([4, 3, 1, 1], [1, 1], [0; 4], 1, "uint4").repeat(&[1, 1, 2, 1])),
        ("columns", net().repeat(&[1, 1, 1, 4]).conv([2, 3, 3, 3], [1, 1], [1; 4], 1, "uint4")),
    ];
    for (name, net) in cases {
        let stages = exact(name, &net.requantize("int4"));
        let unit = stages.iter().find_map(|stage| match &stage.unit {
            Unit::Upsample(unit) => Some(unit.clone()),
            _ => None,
        });
        let unit = unit.unwrap_or_else(|| panic!("{name}: {:?}", kinds_of(&stages)));
        // A pixel leaves once the one that it repeats is there.
        let columns = unit.output_size()[1];
        assert_eq!(unit.needed(0), 1);
        assert_eq!(unit.needed(unit.pixels()[1] - 1), unit.pixels()[0]);
        assert_eq!(unit.needed(columns - 1), unit.input_size[1]);
    }
    // Channels that are repeated, or rows of another order, are moved.
    let stages = exact("channels", &net().repeat(&[1, 2, 2, 1]).requantize("int4"));
    assert!(kinds_of(&stages).contains(&"Shuffle"));
}

#[test]
fn averages_of_different_windows_are_exact() {
    let cases = [
        ("padded", net().weighted_sums([3, 3], [2, 2], [1; 4], 36)),
        ("padded on one side", net().weighted_sums([2, 3], [1, 1], [0, 1, 0, 0], 12)),
        ("shifted codes", net().zero_point(3).weighted_sums([3, 3], [1, 1], [1; 4], 36)),
    ];
    for (name, net) in cases {
        for net in [net.clone(), net.requantize("uint4")] {
            let stages = exact(name, &net);
            let factors: Vec<&Vec<i64>> = stages
                .iter()
                .map(|stage| &stage.parameters.factors)
                .filter(|list| !list.is_empty())
                .collect();
            assert!(factors.len() == 1 && factors[0].iter().any(|factor| *factor != factors[0][0]), "{name}");
        }
    }
}

#[test]
fn channels_that_fall_have_thresholds() {
    let cases = [
        ("all", Net::new(&[1, 24], "uint4").falling().dense(6, "uint4")),
        ("some", Net::new(&[1, 24], "uint4").falling_in(&[true, false, false]).dense(6, "uint4")),
        ("convolution", net().falling_in(&[false, true]).conv([4, 3, 2, 2], [1, 1], [0; 4], 1, "uint4")),
        ("depthwise", net().falling_in(&[false, true, true]).conv([3, 1, 2, 2], [1, 1], [0; 4], 3, "uint4")),
        (
            "shifted codes",
            net().zero_point(3).falling_in(&[true, false]).conv([4, 3, 2, 2], [1, 1], [1; 4], 1, "int4"),
        ),
        ("standing alone", net().falling().requantize("uint2")),
        // The most negative weight has no negative of 4 bits, and all fall.
        ("widest weights", Net::new(&[1, 24], "uint4").widest_weights().falling().dense(6, "uint4")),
    ];
    for (name, net) in cases {
        for stage in exact(name, &net) {
            let requantization = match &stage.unit {
                Unit::Mvau(unit) => unit.arithmetic.requantization.clone(),
                Unit::Vvau(unit) => unit.arithmetic.requantization.clone(),
                Unit::Thresholding(unit) => Some(unit.requantization.clone()),
                _ => continue,
            };
            let thresholds = matches!(requantization, Some(Requantization::Thresholds { .. }));
            assert!(thresholds, "{name}: {} {requantization:?}", stage.name);
        }
    }
}

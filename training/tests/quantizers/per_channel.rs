//! Activation scales per channel, by keywords and by a definition.

use crate::common::{GOLDEN, assert_close, floats, ints, parameter, shape, tensor, values};
use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::nn::{Conv2d, QuantConv2d, QuantIdentity, WbiolBuilder};
use exactum_training::quant::{ActQuant, Int8ActPerTensorFloat, Int16Bias, ScalingPerOutputType};
use exactum_training::{Activation, ForwardError, Parameter};

/// The depthwise convolution of cell 23; its one dimension is the width of an image of height 1.
fn depthwise(input: impl FnOnce(WbiolBuilder<Conv2d>) -> WbiolBuilder<Conv2d>) -> (QuantConv2d, Tensor<4>) {
    let cell = &GOLDEN["c23_pc_act"];
    let image = |value: &serde_json::Value| {
        let [a, b, c] = shape(value)[..] else { panic!("three dimensions") };
        [a, b, 1, c]
    };
    let weight = Parameter::new(floats(&cell["weight"]), &image(&cell["weight"]));
    let builder = QuantConv2d::builder("conv", 2, 2, [1, 3]).groups(2).bias_quant(Int16Bias);
    let conv = input(builder).with_parameters(weight, Some(parameter(&cell["bias"]))).unwrap();
    (conv, tensor::<3>(&cell["x"]).reshape(image(&cell["x"])))
}

fn assert_depthwise(conv: &QuantConv2d, x: Tensor<4>, zero_point_is_bias: bool) {
    let cell = &GOLDEN["c23_pc_act"];
    let trained = conv.forward(&Activation::train(x.clone())).unwrap();
    let trained = trained.quant().unwrap();
    assert_close(&values(trained.value()), &floats(&cell["q"]["value"]));
    assert_eq!(trained.scale(), floats(&cell["q"]["scale"]));
    assert_eq!(trained.bit_width(), 17.0);
    let bias = ints(&cell["qbias"]["int"]);
    let golden = ints(&cell["q"]["int"]);
    let with_bias: Vec<i64> = golden.iter().enumerate().map(|(i, code)| code + bias[i / 3]).collect();
    if zero_point_is_bias {
        assert_close(&trained.zero_point(), &floats(&cell["q"]["zero_point"]));
        assert_eq!(trained.codes().unwrap(), golden);
    } else {
        assert_eq!(trained.zero_point(), [0.0, 0.0]);
        assert_eq!(trained.codes().unwrap(), with_bias);
    }
    let evaluated = conv.forward(&Activation::eval(x)).unwrap();
    assert_eq!(evaluated.quant().unwrap().codes().unwrap(), with_bias);
    assert_eq!(evaluated.quant().unwrap().bit_width(), 17.0);
}

#[test]
fn s50_activation_scales_per_channel() {
    for compatible in [false, true] {
        let (conv, x) = depthwise(|builder| {
            builder
                .input_quant(Int8ActPerTensorFloat)
                .input_bit_width(3)
                .input_scaling_per_output_channel(true)
                .input_scaling_stats_permute_dims(vec![1, 0, 2, 3])
                .input_per_channel_broadcastable_shape(vec![1, 2, 1, 1])
                .bias_as_zero_point(compatible)
        });
        assert_depthwise(&conv, x, compatible);
    }
    // Channels are static: another number of them is refused, as are outputs that mix channels.
    let (conv, _) = depthwise(|builder| {
        builder.input_quant(ActQuant {
            scaling_per_output_type: ScalingPerOutputType::Channel,
            scaling_stats_permute_dims: Some(vec![1, 0, 2, 3]),
            per_channel_broadcastable_shape: Some(vec![1, 3, 1, 1]),
            ..Int8ActPerTensorFloat
        })
    });
    let x = Activation::train(Tensor::zeros([1, 2, 1, 5], &evaluation_device()));
    assert!(matches!(conv.forward(&x).map(|_| ()), Err(ForwardError::Quantizer { .. })));
}

#[test]
fn s51_quantizers_inherit_attributes() {
    let per_channel_3_bits = ActQuant {
        bit_width: 3,
        scaling_per_output_type: ScalingPerOutputType::Channel,
        scaling_stats_permute_dims: Some(vec![1, 0, 2, 3]),
        ..Int8ActPerTensorFloat
    };
    let (conv, x) = depthwise(|builder| {
        builder.input_quant(per_channel_3_bits).input_per_channel_broadcastable_shape(vec![1, 2, 1, 1])
    });
    assert_eq!(GOLDEN["c24_inherit"]["q"], GOLDEN["c23_pc_act"]["q"]);
    assert_depthwise(&conv, x, false);
}

/// Scales along any dimension: each code is that of the scale of its own index, whether it comes from floats or from
/// codes with scales along another dimension. Training rounds the same values.
#[test]
fn channels_are_the_dimension_that_the_quantizer_names() {
    let along = |axis: usize, shape: [usize; 3]| {
        let mut broadcast = vec![1; 3];
        broadcast[axis] = shape[axis];
        let mut order = vec![0, 1, 2];
        order.swap(0, axis);
        let quant = ActQuant {
            scaling_per_output_type: ScalingPerOutputType::Channel,
            scaling_stats_permute_dims: Some(order),
            per_channel_broadcastable_shape: Some(broadcast),
            ..Int8ActPerTensorFloat
        };
        QuantIdentity::builder("act").act_quant(quant).build().unwrap()
    };
    let shape = [2, 3, 4];
    // Magnitudes grow along both dimensions, so that a scale at a wrong place gives other codes.
    let value =
        |i: usize| ((i * 37 % 23) as f32 - 11.0) * (1.0 + (i % 4) as f32) * (1.0 + (i / 4 % 3) as f32);
    let x = Activation::from_values((0..24).map(value).collect(), shape);
    let codes_by = |values: &[f32], scales: &[f32], axis: usize| -> Vec<i64> {
        let run: usize = shape[axis + 1..].iter().product();
        let code = |(i, v): (usize, &f32)| {
            (v / scales[i / run % shape[axis]]).round_ties_even().clamp(-128.0, 127.0)
        };
        values.iter().enumerate().map(code).map(|code| code as i64).collect()
    };
    for (first, second) in [(1, 2), (2, 1), (2, 2)] {
        let [from, to] = [first, second].map(|axis| along(axis, shape));
        to.forward(&from.forward(&Activation::train(x.value())).unwrap()).unwrap();
        let y = from.forward(&x).unwrap();
        let exact = y.quant().unwrap();
        assert_eq!(exact.scale().len(), shape[first]);
        assert_eq!(exact.codes().unwrap(), codes_by(&values(x.value()), &exact.scale(), first));
        let z = to.forward(&y).unwrap();
        let again = z.quant().unwrap();
        assert_eq!(again.codes().unwrap(), codes_by(&values(y.value()), &again.scale(), second));
    }
}

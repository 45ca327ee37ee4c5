//! Weights limited so that no accumulator overflows.

use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::nn::{QuantIdentity, QuantLinear};
use exactum_training::quant::{
    ActQuant, Int8AccumulatorAwareWeightQuant, Int8AccumulatorAwareZeroCenterWeightQuant,
    Int8ActPerTensorFloat, Uint8ActPerTensorFloat, WeightQuant,
};
use exactum_training::{Activation, Parameter};

/// For the worst input of the input's type no accumulator leaves its width, and with a wide one nothing is limited.
#[test]
fn accumulator_aware_weights_never_overflow() {
    let weight: Vec<f32> = (0..96).map(|i| ((i * 37) % 53) as f32 / 26.0 - 0.9).collect();
    let greatest = |quant: &WeightQuant, bits: u8, act: ActQuant, worst: [f32; 2]| {
        let fc = QuantLinear::builder("fc", 32, 3)
            .bias(false)
            .weight_quant(quant.clone())
            .weight_accumulator_bit_width(bits)
            .with_parameters(Parameter::new(weight.clone(), &[3, 32]), None)
            .unwrap();
        let input = QuantIdentity::builder("in").act_quant(act).max_val(1.0).build().unwrap();
        let forward = |values: Vec<f32>| {
            let x = input.forward(&Activation::from_values(values, [1, 32])).unwrap();
            fc.forward(&x).unwrap().quant().unwrap().codes().unwrap()
        };
        forward(vec![0.0; 32]);
        let (codes, _) = fc.weight_quant().unwrap().codes(fc.weight()).unwrap();
        let mut greatest = 0;
        for (channel, codes) in codes.chunks(32).enumerate() {
            for flip in [1, -1] {
                let x = codes.iter().map(|code| if code * flip > 0 { worst[1] } else { worst[0] }).collect();
                greatest = greatest.max(forward(x)[channel].abs());
            }
        }
        // Training sees the same codes.
        let x = input.forward(&Activation::train(Tensor::zeros([1, 32], &evaluation_device()))).unwrap();
        fc.forward(&x).unwrap();
        let trained: Vec<i64> = fc.quant_weight::<2>().unwrap().codes().unwrap();
        assert_eq!(trained, codes.iter().map(|code| i64::from(*code)).collect::<Vec<_>>());
        greatest
    };
    let mut reached = Vec::new();
    for quant in [Int8AccumulatorAwareWeightQuant, Int8AccumulatorAwareZeroCenterWeightQuant] {
        for (act, worst) in [(Int8ActPerTensorFloat, [-9.0, 9.0]), (Uint8ActPerTensorFloat, [0.0, 9.0])] {
            for bits in [12, 14, 16] {
                let found = greatest(&quant, bits, act.clone(), worst);
                assert!(found < 1 << (bits - 1), "{found} in {bits} bits");
                assert!(bits < 16 || found > 1 << 13, "{found} wastes {bits} bits");
            }
        }
        reached.push(greatest(&quant, 16, Uint8ActPerTensorFloat, [0.0, 9.0]));
    }
    assert!(reached[1] >= reached[0], "{reached:?}");
    let free = greatest(&Int8AccumulatorAwareWeightQuant, 32, Uint8ActPerTensorFloat, [0.0, 9.0]);
    assert!(free > 1 << 16, "{free}");
}

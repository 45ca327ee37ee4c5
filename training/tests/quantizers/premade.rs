//! The quantizers that can be imported by name: power-of-two scales, binary weights, and all of them built and used.

use crate::common::{GOLDEN, assert_golden, floats, tensor};
use crate::layer;
use exactum_training::nn::{QuantIdentity, QuantLinear};
use exactum_training::quant::*;
use exactum_training::{Activation, Parameter};

#[test]
fn s13_power_of_two_weight_scale() {
    let quant = layer("c05_fixed_point", Int8WeightPerTensorFixedPoint).quant_weight::<2>().unwrap();
    assert_golden(&quant, &GOLDEN["c05_fixed_point"]["q"]);
    assert_eq!(-quant.scale()[0].log2(), GOLDEN["c05_fixed_point"]["fix_point"].as_f64().unwrap() as f32);
}

/// Every premade quantizer can be imported, built and used; those without a starting range say so.
#[test]
fn s14_premade_quantizers() {
    let weights = [
        Int8WeightPerTensorFloat,
        Int8WeightPerChannelFloat,
        Int8WeightPerTensorFixedPoint,
        Int8WeightPerChannelFixedPoint,
        Int8WeightPerTensorFloatMSE,
        Int8WeightPerChannelFloatMSE,
        Int8WeightPerTensorFixedPointMSE,
        Int8WeightPerChannelFixedPointMSE,
        ShiftedUint8WeightPerTensorFloat,
        ShiftedUint8WeightPerChannelFloat,
        SignedBinaryWeightPerTensorConst,
        SignedTernaryWeightPerTensorConst,
    ];
    for quant in weights {
        let fc = layer("c02_default_weight", quant.clone());
        let trained = fc.quant_weight::<2>().unwrap();
        let (codes, fixed) = fc.weight_quant().unwrap().codes(fc.weight()).unwrap();
        let codes: Vec<i64> = codes.into_iter().map(i64::from).collect();
        assert_eq!(trained.codes().unwrap(), codes, "{quant:?}");
        assert_eq!(trained.scale(), fixed.scales(), "{quant:?}");
        assert!(trained.is_valid(), "{quant:?}");
    }
    let acts = [
        Int8ActPerTensorFloat,
        Uint8ActPerTensorFloat,
        Int8ActPerTensorFixedPoint,
        Uint8ActPerTensorFixedPoint,
        Int8ActPerTensorFloatMSE,
        Uint8ActPerTensorFloatMSE,
        Int8ActPerTensorFixedPointMSE,
        Uint8ActPerTensorFixedPointMSE,
        ShiftedUint8ActPerTensorFloat,
        ShiftedUint8ActPerTensorFixedPoint,
        SignedBinaryActPerTensorConst,
        SignedTernaryActPerTensorConst,
        ActQuant { max_val: Some(2.0), ..Int8ActPerTensorFloatMinMaxInit },
        ActQuant { max_val: Some(2.0), ..Uint8ActPerTensorFloatMaxInit },
        ActQuant { max_val: Some(2.0), ..Int8ActPerTensorFixedPointMinMaxInit },
        ActQuant { max_val: Some(2.0), ..Uint8ActPerTensorFixedPointMaxInit },
    ];
    let x = tensor::<2>(&GOLDEN["c10_identity"]["x"]);
    for quant in acts {
        let identity = QuantIdentity::builder("id").act_quant(quant.clone()).build().unwrap();
        let trained = identity.forward(&Activation::train(x.clone())).unwrap();
        let trained = trained.quant().unwrap();
        // The first batch is the whole average, so evaluation has the same scale.
        let evaluated = identity.forward(&Activation::eval(x.clone())).unwrap();
        let evaluated = evaluated.quant().unwrap();
        assert_eq!(trained.scale(), evaluated.scale(), "{quant:?}");
        assert_eq!(trained.zero_point(), evaluated.zero_point(), "{quant:?}");
        assert_eq!(trained.codes().unwrap(), evaluated.codes().unwrap(), "{quant:?}");
        assert!(evaluated.is_valid(), "{quant:?}");
    }
}

#[test]
fn s15_binary_weights_clip_the_stored_ones() {
    let cell = &GOLDEN["c06_binary"];
    let fc = layer("c02_default_weight", SignedBinaryWeightPerTensorConst);
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
    assert_eq!(fc.weight().values(), floats(&cell["weight"]));
    let zeros = Parameter::new(vec![0.0, -0.0, 1e-9, -1e-9], &[2, 2]);
    let fc = QuantLinear::builder("fc", 2, 2)
        .bias(false)
        .weight_quant(SignedBinaryWeightPerTensorConst)
        .with_parameters(zeros, None)
        .unwrap();
    assert_eq!(fc.quant_weight::<2>().unwrap().codes().unwrap(), [1, 1, 1, -1]);
    // A bipolar layer is exact: one product with each sign, and an accumulator bit for the sign.
    let x = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    let x = x.forward(&Activation::from_values(vec![1.0, -1.0], [1, 2])).unwrap();
    let acc = fc.forward(&x).unwrap();
    assert_eq!(acc.quant().unwrap().codes().unwrap(), [127 - 128, 127 + 128]);
    assert_eq!(acc.quant().unwrap().bit_width(), 10.0);
}

//! Dense layers, and the bounds of their accumulators.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Bias, Dense, Layer, Weights};
use exactum_runtime::program::{Packing, TensorId};
use exactum_runtime::{Element, OpFault};

use crate::networks::{DENSE, INT8, chain};
use crate::support::image::{single_op, tensor};

#[test]
fn dense_layers_are_checked() {
    refused_op! { chain, DENSE, Dense,
        |op| op.in_features = 0 => OpFault::Geometry;
        |op| op.in_features = 7 => OpFault::InputShape;
        |op| op.out_features = 2 => OpFault::OutputShape;
        |op| op.layer.weights = Weights::i8s(&[]) => OpFault::WeightCount;
        |op| op.layer.weights.packing = Packing::TapMajor => OpFault::Packing;
    }
    let output = |changed| chain().fault(DENSE, |n| n.tensors[6] = changed);
    assert_eq!(output(tensor(Element::I16, &[3], 16, INT8)), OpFault::Element);
    assert_eq!(output(tensor(Element::I32, &[3], 16, INT8)), OpFault::OutputRange);
}

/// The bounds of an accumulator are attained, so a range one tighter on either side is refused.
#[test]
fn accumulator_bounds_are_tight() {
    let weights: Vec<i8> = vec![3, -2, 0, 100];
    let load = |lo, hi| {
        let op = Dense {
            input: TensorId(0),
            output: TensorId(1),
            scratch: None,
            in_features: 4,
            out_features: 1,
            layer: Layer {
                input_zero_point: 1,
                weights: Weights::i8s(&weights),
                bias: Bias::I16(&[7]),
                requant: None,
                wide: false,
            },
        };
        let tensors = [
            tensor(Element::U8, &[4], 0, IntRange { lo: 0, hi: 15 }),
            tensor(Element::I32, &[1], 8, IntRange { lo, hi }),
        ];
        single_op(op.into(), &tensors).load().map(|_| ())
    };
    let (lo, hi) = (7 - 103 - 28, 7 + 14 * 103 + 2);
    assert!(load(lo, hi).is_ok());
    assert!(load(lo + 1, hi).is_err());
    assert!(load(lo, hi - 1).is_err());
}

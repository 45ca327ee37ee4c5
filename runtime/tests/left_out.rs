//! A build without a kernel refuses the programs that need it; run with every set of features.

mod support;

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Form, Requant};
use exactum_runtime::program::op::{
    Add, Bias, Concat, Conv2d, ConvTranspose2d, Dense, Layer, MaxPool2d, Mul, Multipliers, Op, Push,
    Rearrange, Requantize, SumPool2d, TopK, Weights,
};
use exactum_runtime::program::{OpKind, TensorId, Window2d};
use exactum_runtime::{Element, LoadError, OpFault};
use support::image::{pair, run, single_op, tensor};

/// An op that copies the code -5, or finds it at position 0.
fn copy(kind: OpKind) -> Op<'static> {
    let (input, output) = (TensorId(0), TensorId(1));
    let window = Window2d::new([1, 1]);
    let requant = Requant { form: Form::Offset { offsets: &[] }, lo: -128, hi: 127 };
    let (groups, channels, input_zero_point, requant) = (1, 1, 0, Some(requant));
    let weights = Weights::i8s(&[1]);
    let layer = Layer { input_zero_point, weights, bias: Bias::None, requant, wide: false };
    match kind {
        OpKind::Dense => {
            let (in_features, out_features) = (1, 1);
            Dense { input, output, scratch: None, in_features, out_features, layer }.into()
        }
        OpKind::Conv2d => Conv2d { input, output, scratch: None, window, groups, layer }.into(),
        OpKind::ConvTranspose2d => {
            ConvTranspose2d { input, output, scratch: None, window, groups, layer }.into()
        }
        OpKind::MaxPool2d => MaxPool2d { input, output, window }.into(),
        OpKind::SumPool2d => SumPool2d { input, output, input_zero_point, window, unit: 0, requant }.into(),
        OpKind::Requantize => Requantize { input, output, channels, requant: requant.unwrap() }.into(),
        OpKind::Rearrange => Rearrange {
            input,
            output,
            dims: [1; 6],
            strides: [0; 6],
            first: 0,
            before: [0; 6],
            sizes: [1; 6],
            fill: 0,
        }
        .into(),
        OpKind::Add => {
            let multipliers = Multipliers::I32(&[[2, -1]]);
            Add { input, second: input, output, multipliers, channels, requant }.into()
        }
        OpKind::Mul => {
            let zero_points = [-4, -10];
            Mul { input, second: input, output, zero_points, channels, requant, wide: false }.into()
        }
        OpKind::Concat => Concat { input, rest: &[], output, rows: 1 }.into(),
        OpKind::TopK => TopK {
            input,
            output,
            elems: 1,
            k: 1,
            largest: true,
            values: false,
            multipliers: &[],
            offsets: &[],
        }
        .into(),
        OpKind::Push => Push { input, output }.into(),
        other => panic!("no program for {other}"),
    }
}

#[test]
fn programs_load_exactly_where_their_kernel_is_built() {
    let range = IntRange { lo: -128, hi: 127 };
    let code = tensor(Element::I8, &[1, 1, 1], 0, range);
    let position = tensor(Element::I32, &[1, 1, 1], 0, range);
    for &kind in OpKind::ALL {
        let (output, expected) = if kind == OpKind::TopK { (&position, 0) } else { (&code, -5) };
        let image = single_op(copy(kind), &pair(code.clone(), output.clone()));
        if kind.is_built() {
            assert_eq!(run(&image.load().unwrap(), &[-5]), [expected], "{kind}");
        } else {
            let fault = OpFault::KernelLeftOut { kind };
            assert_eq!(image.load().err(), Some(LoadError::Op { op: 0, fault }));
        }
    }
}

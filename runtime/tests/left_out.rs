//! A build without a kernel refuses the programs that need it; run with every set of features.

mod support;

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Form, Requant};
use exactum_runtime::program::op::{Bias, Conv2d, Dense, MaxPool2d, Op, Requantize, Transpose};
use exactum_runtime::program::{OpKind, TensorId, Window2d};
use exactum_runtime::{Element, LoadError, OpFault};
use support::image::{pair, run, single_op, tensor};

/// An op that copies one code.
fn copy(kind: OpKind) -> Op<'static> {
    let (input, output) = (TensorId(0), TensorId(1));
    let window = Window2d::new([1, 1]);
    let requant = Requant { form: Form::Offset { offsets: &[] }, lo: -128, hi: 127 };
    let (weights, bias, input_zero_point): (&[i8], _, _) = (&[1], Bias::None, 0);
    match kind {
        OpKind::Dense => {
            let (in_features, out_features, requant) = (1, 1, Some(requant));
            Dense { input, output, input_zero_point, in_features, out_features, weights, bias, requant }
                .into()
        }
        OpKind::Conv2d => {
            let (groups, requant) = (1, Some(requant));
            Conv2d { input, output, input_zero_point, window, groups, weights, bias, requant }.into()
        }
        OpKind::MaxPool2d => MaxPool2d { input, output, window }.into(),
        OpKind::Requantize => Requantize { input, output, channels: 1, requant }.into(),
        OpKind::Transpose => Transpose { input, output, rows: 1, columns: 1 }.into(),
        other => panic!("no program for {other}"),
    }
}

#[test]
fn programs_load_exactly_where_their_kernel_is_built() {
    let range = IntRange { lo: -128, hi: 127 };
    let code = tensor(Element::I8, &[1, 1, 1], 0, range);
    for &kind in OpKind::ALL {
        let image = single_op(copy(kind), &pair(code.clone(), code.clone()));
        if kind.is_built() {
            assert_eq!(run(&image.load().unwrap(), &[-5]), [-5], "{kind}");
        } else {
            let fault = OpFault::KernelLeftOut { kind };
            assert_eq!(image.load().err(), Some(LoadError::Op { op: 0, fault }));
        }
    }
}

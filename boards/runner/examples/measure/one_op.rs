//! Programs of one op, whose instructions are counted. The examples `measure` and `kernels` make theirs with it.

use exactum_runtime::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Form, Requant};
use exactum_runtime::program::op::{Bias, Layer};
use exactum_runtime::program::packing::Weights;
use exactum_runtime::program::{
    Input, Model, Op, Output, Role, Shape, Source, Tensor, TensorId, Window2d, encode,
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A program and an input for it.
pub(crate) struct Sample {
    pub(crate) image: Vec<u8>,
    pub(crate) input: Vec<u8>,
}

pub(crate) const CODES: IntRange = IntRange { lo: -128, hi: 127 };
pub(crate) const INPUT: TensorId = TensorId(0);
/// The output of an op of one input.
pub(crate) const OUTPUT: TensorId = TensorId(1);

/// `count` reproducible codes.
pub(crate) fn noise(seed: u32, count: usize) -> Vec<i8> {
    exactum_runner::noise(seed).map(|byte| byte as i8).take(count).collect()
}

/// `op` between tensors of these shapes: inputs, then the output.
pub(crate) fn sample(
    op: Op<'_>,
    inputs: &[&[u32]],
    output: &[u32],
    codes: (Element, IntRange),
) -> Result<Sample> {
    placed(op, inputs, output, codes, false)
}

/// The same, with the output in place of the first input if `in_place`.
pub(crate) fn placed(
    op: Op<'_>,
    inputs: &[&[u32]],
    output: &[u32],
    codes: (Element, IntRange),
    in_place: bool,
) -> Result<Sample> {
    let mut offset_bytes = 0;
    let mut tensor = |shape: &[u32], element: Element, range| -> Result<Tensor> {
        let shape = Shape::new(shape).ok_or("a shape of too many dimensions")?;
        let tensor = Tensor { element, shape, offset_bytes, range, role: Role::Value };
        offset_bytes += tensor.size_bytes().next_multiple_of(8);
        Ok(tensor)
    };
    let mut tensors = vec![];
    for shape in inputs {
        tensors.push(tensor(shape, Element::I8, CODES)?);
    }
    tensors.push(tensor(output, codes.0, codes.1)?);
    if in_place {
        tensors[1].offset_bytes = tensors[0].offset_bytes;
    }
    let scratch = Tensor::scratch(offset_bytes, op.scratch_bytes(&tensors[0]));
    offset_bytes += scratch.as_ref().map_or(0, |scratch| scratch.size_bytes().next_multiple_of(8));
    let works_in = scratch.as_ref().map(|_| TensorId(tensors.len() as u16));
    tensors.extend(scratch);
    let given = vec![Input::default(); inputs.len()];
    let bytes: u32 = inputs.iter().map(|shape| shape.iter().product::<u32>()).sum();
    let source = Source {
        arena_bytes: offset_bytes,
        tensors: &tensors,
        inputs: &given,
        states: &[],
        outputs: &[Output::new(TensorId(inputs.len() as u16))],
        ops: &[op.with_scratch(works_in)],
        model: Model::default(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image)?;
    Ok(Sample { image, input: exactum_runner::noise(2).take(bytes as usize).collect() })
}

/// The requantization that kernels are measured with, a multiplier for each channel.
pub(crate) fn requant(multipliers: &[i32]) -> Option<Requant<'_>> {
    // An offset for each channel, as layers with biases have them.
    static OFFSETS: [i32; 4096] = [1 << 14; 4096];
    let form = Form::Multiply32 { multipliers, offsets: &OFFSETS[..multipliers.len()], shifts: &[15] };
    Some(Requant { form, lo: -128, hi: 127 })
}

/// What ops read and write.
pub(crate) const BYTES: (Element, IntRange) = (Element::I8, CODES);
/// What layers are measured with.
pub(crate) fn layer<'p>(weights: Weights<'p>, bias: Bias<'p>, multipliers: &'p [i32]) -> Layer<'p> {
    Layer { input_zero_point: -128, weights, bias, requant: requant(multipliers), wide: false }
}

/// A window of `size` with `stride` and `pads`: top, left, bottom, right.
pub(crate) fn window(size: [u16; 2], stride: u16, pads: [u16; 4]) -> Window2d {
    Window2d { stride: [stride; 2], pads, ..Window2d::new(size) }
}

//! A small network for each layer and each quantizer of training, with what training computes: the exports that other
//! tools must accept and run to the same codes.
//!
//! Called by `examples/exports.rs`, which writes them for `fixtures/make/training_exports.py`, and by `suites/exports.rs`,
//! which compares them with what that script recorded.

mod biases;
mod layers;
mod quantizers;
mod rounding;
mod structure;

use exactum_qonnx::Model;
use exactum_training::export::{trace_to_qcdq, trace_to_qonnx};
use exactum_training::nn::QuantIdentity;
use exactum_training::trace::{Trace, Tracer};
use exactum_training::{Activation, BuildError, ExportError, ForwardError};
use num_traits::ToPrimitive;

use crate::values::Values;

/// Samples of an input.
const BATCH: usize = 2;

/// What any step of a network can fail with.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// One network, its input, and the output that training's evaluation gives.
#[derive(Clone, Debug)]
pub struct Export {
    /// Such as `layer_conv2d_groups`; the names of its files.
    pub name: String,
    /// Shape of the input, batch included.
    pub shape: Vec<usize>,
    /// The input, row-major.
    pub inputs: Vec<f32>,
    /// Shape of the output.
    pub output_shape: Vec<usize>,
    /// The output, row-major, each value the one nearest to the exact one.
    pub outputs: Vec<f64>,
    /// The codes of the output; `None` if the network ends in floats.
    pub codes: Option<Vec<i64>>,
    trace: Trace,
}

impl Export {
    /// The network in QONNX.
    ///
    /// # Errors
    /// If QONNX cannot say what a quantizer does.
    pub fn qonnx(&self) -> Result<Model, ExportError> {
        trace_to_qonnx(&self.trace, &self.name)
    }

    /// The network in standard operators.
    ///
    /// # Errors
    /// If these cannot say what a quantizer does.
    pub fn qcdq(&self) -> Result<Model, ExportError> {
        trace_to_qcdq(&self.trace, &self.name)
    }

    /// Both flavours, with the ends of their files' names.
    pub fn flavours(&self) -> [(&'static str, Result<Model, ExportError>); 2] {
        [("qonnx", self.qonnx()), ("qcdq", self.qcdq())]
    }
}

/// All networks.
///
/// # Errors
/// If one cannot be built or evaluated.
pub fn all() -> Result<Vec<Export>, Error> {
    Ok([
        layers::exports()?,
        structure::exports()?,
        quantizers::exports()?,
        biases::exports()?,
        rounding::exports()?,
    ]
    .concat())
}

/// The network `forward`, after one pass of training that collects statistics, on numbers around -1 to 1.
fn export<const D: usize, const E: usize>(
    name: impl Into<String>,
    shape: [usize; D],
    forward: impl Fn(&Activation<D>) -> Result<Activation<E>, ForwardError>,
) -> Result<Export, Error> {
    let values = &mut Values::new(shape.iter().product::<usize>() as u64);
    let elems = BATCH * shape.iter().product::<usize>();
    let inputs = (0..elems).map(|_| (2.2 * values.unit() - 1.1) as f32).collect();
    export_of(name, shape, inputs, forward)
}

/// As [`export`], on given numbers. The shape is that of one sample, batch included.
fn export_of<const D: usize, const E: usize>(
    name: impl Into<String>,
    mut shape: [usize; D],
    inputs: Vec<f32>,
    forward: impl Fn(&Activation<D>) -> Result<Activation<E>, ForwardError>,
) -> Result<Export, Error> {
    let name = name.into();
    let failed = |error: ForwardError| format!("{name}: {error}");
    let tracer = Tracer::new();
    let sample = shape;
    shape[0] = BATCH;
    let x = Activation::from_values(inputs.clone(), shape);
    forward(&Activation::train(x.value())).map_err(failed)?;
    let output = forward(&x).map_err(failed)?;
    forward(&Activation::traced(sample, &tracer)).map_err(failed)?;
    let quant = output.quant();
    let exact = quant.and_then(|quant| quant.exact_values());
    let floats = output.value().into_data().try_into_vec_as::<f64>();
    let nearest = |values: Vec<num_rational::BigRational>| {
        values.iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect()
    };
    Ok(Export {
        shape: shape.to_vec(),
        inputs,
        output_shape: output.dims().to_vec(),
        outputs: exact.map_or_else(
            || floats.map_err(|error| format!("{name}: {error:?}")),
            |values| Ok(nearest(values)),
        )?,
        codes: quant.map(|quant| quant.codes()).transpose()?,
        trace: tracer.trace(),
        name,
    })
}

/// A layer between an 8-bit quantizer of the input and one of the output, whose range is what the layer gives.
fn between<const D: usize, const E: usize>(
    name: impl Into<String>,
    shape: [usize; D],
    layer: impl Fn(&Activation<D>) -> Result<Activation<E>, ForwardError>,
) -> Result<Export, Error> {
    let (input, output) = (input()?, QuantIdentity::builder("out").build()?);
    export(name, shape, |x| output.forward(&layer(&input.forward(x)?)?))
}

/// The quantizer of inputs: 8 bits, to 1.
fn input() -> Result<QuantIdentity, BuildError> {
    QuantIdentity::builder("in").max_val(1.0).build()
}

//! What quantization did to each layer, for tables: bits, scales, and how often codes hit the ends of their range.

use exactum_runtime::num::IntType;

use super::execute::check_inputs;
use super::{FloatGraphError, GraphNetwork, Ranked};
use crate::network::Network;
use crate::{Activation, backend};

/// Samples of one pass; bounds memory, not results.
const BATCH_SAMPLES: usize = 256;

/// The quantizer of a layer's weight, or of what it returns.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The layer.
    pub name: String,
    /// Its kind, such as `QuantConv2d`.
    pub kind: String,
    /// Bits of a code.
    pub bits: u8,
    /// Whether codes can be negative.
    pub signed: bool,
    /// One, or one per channel.
    pub scales: Vec<f32>,
    /// The fraction of activations that have the largest code or, where codes can be negative, the smallest; none for
    /// weights.
    pub saturation: Option<f64>,
}

/// Evaluates `network` on row-major `inputs` and describes its quantizers.
///
/// # Errors
///
/// If the inputs are no whole number of finite samples, or a layer fails.
pub fn summarize<const D: usize, const E: usize>(
    network: &GraphNetwork<D, E>,
    inputs: &[f32],
) -> Result<Vec<LayerSummary>, FloatGraphError>
where
    Activation<D>: Ranked,
    Activation<E>: Ranked,
{
    let mut shape = network.input_shape();
    let elems: usize = shape.iter().skip(1).product();
    check_inputs(inputs, elems)?;
    let mut summaries = Vec::new();
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for (batch_index, batch) in inputs.chunks(BATCH_SAMPLES * elems).enumerate() {
        shape[0] = batch.len() / elems;
        let x = Activation::eval(backend::tensor(batch.to_vec(), shape, &backend::evaluation_device()));
        let mut at = 0;
        network.observe(&x, |seen| {
            let weight = seen.kind.weight_quantizer();
            let int_type = weight.as_ref().map(|quantizer| quantizer.int_type());
            let act = seen.codes.and_then(|(bits, signed)| IntType::new(bits, signed, false));
            let (Some(int_type), scales) =
                (int_type.or(act), weight.map(|quantizer| quantizer.scales().to_vec()))
            else {
                return;
            };
            if batch_index == 0 {
                summaries.push(LayerSummary {
                    name: seen.layer.to_owned(),
                    kind: seen.kind.kind(),
                    bits: int_type.width.bits(),
                    signed: int_type.signed,
                    scales: scales.clone().or_else(|| seen.value.scale()).unwrap_or_default(),
                    saturation: None,
                });
                counts.push((0, 0));
            }
            if scales.is_none() {
                let ends =
                    |code: &&i64| **code == int_type.max() || (int_type.signed && **code == int_type.min());
                let codes = seen.value.codes().unwrap_or_default();
                counts[at].0 += codes.iter().filter(ends).count();
                counts[at].1 += codes.len();
            }
            at += 1;
        })?;
    }
    for (summary, (saturated, all)) in summaries.iter_mut().zip(counts) {
        summary.saturation = (all > 0).then(|| saturated as f64 / all as f64);
    }
    Ok(summaries)
}

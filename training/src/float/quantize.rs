//! Replacing the layers of a float graph by quantized ones.
//!
//! The input is quantized; activations become quantized activations; layers with weights get quantized weights and
//! biases; what else computes gets a quantizer behind it where its result is read by something that needs codes.
//! Operands of sums and concatenations are aligned by one shared quantizer. The last layer returns its accumulator.

use std::collections::BTreeMap;

use super::builder::LayerBuilder;
use super::error::form;
use super::layer::GraphLayer;
use super::network::{GraphNetwork, Step, Wiring};
use super::{FloatGraph, FloatGraphError, FloatNode, FloatOp, Window, transform};
use crate::nn::QuantIdentity;
use crate::quant::{
    ActQuant, BiasQuant, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int32Bias, RestrictValueType,
    ScalingPerOutputType, Uint8ActPerTensorFloat, WeightQuant,
};

/// The quantizers of a network.
#[derive(Clone, Debug)]
pub struct QuantizeConfig {
    /// Of the input.
    pub input_quant: ActQuant,
    /// Of values that can be negative.
    pub signed_act_quant: ActQuant,
    /// Of values that cannot.
    pub unsigned_act_quant: ActQuant,
    /// Of weights.
    pub weight_quant: WeightQuant,
    /// Of biases; `None` keeps them in floats.
    pub bias_quant: Option<BiasQuant>,
}

impl Default for QuantizeConfig {
    /// 8 bits, one float scale per tensor, 32-bit biases.
    fn default() -> Self {
        Self {
            input_quant: Int8ActPerTensorFloat,
            signed_act_quant: Int8ActPerTensorFloat,
            unsigned_act_quant: Uint8ActPerTensorFloat,
            weight_quant: Int8WeightPerTensorFloat,
            bias_quant: Some(Int32Bias),
        }
    }
}

impl QuantizeConfig {
    /// Bits of weights.
    #[must_use]
    pub fn weight_bits(mut self, bits: u8) -> Self {
        self.weight_quant.bit_width = bits;
        self
    }

    /// Bits of activations, the input included.
    #[must_use]
    pub fn act_bits(self, bits: u8) -> Self {
        self.acts(|quant| quant.bit_width = bits)
    }

    /// One weight scale per output channel.
    #[must_use]
    pub fn per_channel(mut self, per_channel: bool) -> Self {
        self.weight_quant.scaling_per_output_type =
            if per_channel { ScalingPerOutputType::Channel } else { ScalingPerOutputType::Tensor };
        self
    }

    /// Permitted scales of weights and activations.
    #[must_use]
    pub fn restrict_scaling_type(mut self, kind: RestrictValueType) -> Self {
        self.weight_quant.restrict_scaling_type = kind;
        self.acts(|quant| quant.restrict_scaling_type = kind)
    }

    /// Passes that collect statistics of activations.
    #[must_use]
    pub fn collect_stats_steps(self, steps: usize) -> Self {
        self.acts(|quant| quant.collect_stats_steps = Some(steps))
    }

    fn acts(mut self, change: impl Fn(&mut ActQuant)) -> Self {
        change(&mut self.input_quant);
        change(&mut self.signed_act_quant);
        change(&mut self.unsigned_act_quant);
        self
    }

    /// The quantizer of values of a sign.
    pub(super) fn act(&self, signed: bool) -> ActQuant {
        if signed { self.signed_act_quant.clone() } else { self.unsigned_act_quant.clone() }
    }
}

/// Preprocesses `graph` and replaces its layers by quantized ones. The weights of the network are copies.
///
/// # Errors
///
/// If the graph is not consistent, its input or output has another rank than `D` and `E`, or a node has no quantized
/// layer: the error names the node.
pub fn quantize<const D: usize, const E: usize>(
    graph: &FloatGraph,
    config: &QuantizeConfig,
) -> Result<GraphNetwork<D, E>, FloatGraphError> {
    let mut graph = graph.clone();
    transform::preprocess(&mut graph)?;
    let shapes = graph.shapes()?;
    let flatten = ", the batch included; let the network end in Flatten";
    for (value, rank, help) in [(&graph.input, D, ""), (&graph.output, E, flatten)] {
        if shapes[value].len() != rank {
            return Err(FloatGraphError::Interface {
                network: graph.name.clone(),
                found: format!("`{value}` of shape {:?}", shapes[value]),
                needed: format!("{rank} dimensions{help}"),
            });
        }
    }
    let mut quantizer = Quantizer {
        build: LayerBuilder::new(config),
        layers: Vec::new(),
        steps: Vec::new(),
        values: BTreeMap::new(),
    };
    quantizer.input(&graph)?;
    for node in &graph.nodes {
        if let FloatOp::Softmax { .. } = node.op
            && !ends(&graph, &node.output)
        {
            let needed = "Softmax behind the last layer; quantize a network without attention, or without the layers behind";
            return Err(form(&node.name, "Softmax before other layers", needed));
        }
        quantizer.node(node)?;
    }
    let output = quantizer.values[&graph.output].raw.place;
    let wiring = Wiring { input_shape: graph.input_shape.clone(), steps: quantizer.steps, output };
    Ok(GraphNetwork::new(quantizer.layers, wiring))
}

/// Whether nothing but flattening lies between `value` and the output of `graph`.
fn ends(graph: &FloatGraph, value: &str) -> bool {
    let mut readers = graph.consumers(value).into_iter().map(|index| &graph.nodes[index]);
    readers.all(|node| node.op == FloatOp::Flatten && ends(graph, &node.output))
}

/// A value of the float graph in the quantized network.
#[derive(Clone, Copy)]
struct Value {
    /// As its layer returns it.
    raw: Place,
    /// As codes of a quantizer.
    codes: Option<Place>,
}

/// A value of the quantized network.
#[derive(Clone, Copy)]
struct Place {
    /// Its number, see [`Wiring`].
    place: usize,
    /// Whether it can be negative.
    signed: bool,
}

struct Quantizer<'a> {
    build: LayerBuilder<'a>,
    layers: Vec<GraphLayer>,
    steps: Vec<Step>,
    values: BTreeMap<String, Value>,
}

impl Quantizer<'_> {
    fn input(&mut self, graph: &FloatGraph) -> Result<(), FloatGraphError> {
        let name = graph.fresh_name("input_quant");
        let quant = self.build.config.input_quant.clone();
        let (bits, signed) = (quant.bit_width, quant.signed);
        let layer = self.build.identity(&name, quant)?;
        let place = self.push(name, layer, vec![0], Some((bits, signed)));
        self.define(&graph.input, Place { place, signed }, true);
        Ok(())
    }

    fn node(&mut self, node: &FloatNode) -> Result<(), FloatGraphError> {
        let first = &node.inputs[0];
        match &node.op {
            FloatOp::Relu | FloatOp::Clip { .. } | FloatOp::Sigmoid | FloatOp::Tanh => {
                let x = self.values[first].raw;
                let layer = self.build.activation(node)?;
                let signed = match node.op {
                    FloatOp::Clip { min, .. } => min != 0.0,
                    _ => node.op == FloatOp::Tanh,
                };
                let quant = self.build.config.act(signed);
                self.codes_layer(node, layer, vec![x.place], &quant);
            }
            FloatOp::Weighted(layer) => {
                let x = self.codes(first)?;
                let layer = self.build.weighted(node, layer)?;
                self.plain_layer(node, layer, x.place, true, false);
            }
            FloatOp::MaxPool(_) => {
                let x = self.codes(first)?;
                let layer = self.build.pool(node)?;
                self.plain_layer(node, layer, x.place, x.signed, true);
            }
            FloatOp::Add | FloatOp::Concat { .. } => {
                let operands = self.aligned(node)?;
                let layer = self.build.join(node)?;
                let signed = operands.iter().any(|operand| operand.signed);
                let inputs = operands.iter().map(|operand| operand.place).collect();
                let place = self.push(node.name.clone(), layer, inputs, None);
                // Side by side codes stay codes; a sum needs one bit more.
                self.define(&node.output, Place { place, signed }, node.op != FloatOp::Add);
            }
            FloatOp::Flatten | FloatOp::Softmax { .. } => {
                let Value { raw, codes } = self.values[first];
                let is_codes =
                    node.op == FloatOp::Flatten && codes.is_some_and(|codes| codes.place == raw.place);
                let layer = self.build.shape(node)?;
                self.plain_layer(node, layer, raw.place, raw.signed, is_codes);
            }
            // Codes of one scale can go anywhere, and zero is one of them.
            FloatOp::Reshape { .. } | FloatOp::Transpose { .. } | FloatOp::Pad { .. } => {
                let x = self.codes(first)?;
                let layer = self.build.shape(node)?;
                self.plain_layer(node, layer, x.place, x.signed, true);
            }
            op => {
                let x = self.codes(first)?;
                let (node, x) = self.padded(node, x)?;
                let node = &node;
                let layer = self.build.affine(node)?;
                let signed = x.signed || matches!(op, FloatOp::BatchNorm(_));
                self.plain_layer(node, layer, x.place, signed, false);
            }
        }
        Ok(())
    }

    /// An average pool whose padding differs at both ends, with layers of its own for the zeros: `x` between them, and the
    /// pool without them. Other nodes stay.
    fn padded(&mut self, node: &FloatNode, x: Place) -> Result<(FloatNode, Place), FloatGraphError> {
        let mut node = node.clone();
        let FloatOp::AveragePool(pool) = &mut node.op else { return Ok((node, x)) };
        if !pool.count_include_pad || pool.window.is_symmetric() {
            return Ok((node, x));
        }
        let Window { begin, end, .. } = pool.window.clone();
        let none = vec![0; begin.len()];
        (pool.window.begin, pool.window.end) = (none.clone(), none);
        let name = format!("{}_pad", node.name);
        let pad = FloatNode { name: name.clone(), op: FloatOp::Pad { begin, end }, ..node.clone() };
        let place = self.push(name, self.build.shape(&pad)?, vec![x.place], None);
        Ok((node, Place { place, ..x }))
    }

    /// The operands of `node` as codes of one quantizer.
    fn aligned(&mut self, node: &FloatNode) -> Result<Vec<Place>, FloatGraphError> {
        let signed = node.inputs.iter().any(|name| self.values[name].raw.signed);
        let quant = self.build.config.act(signed);
        let codes = (quant.bit_width, quant.signed);
        let proxy = self.build.shared(node, quant)?;
        let mut places: BTreeMap<&str, Place> = BTreeMap::new();
        for (index, name) in node.inputs.iter().enumerate() {
            if places.contains_key(name.as_str()) {
                continue;
            }
            let value = self.values[name];
            let layer_name = format!("{}_operand_{index}", node.name);
            let layer = GraphLayer::Identity(QuantIdentity::with_proxy(&layer_name, proxy.clone()));
            let place =
                Place { place: self.push(layer_name, layer, vec![value.raw.place], Some(codes)), signed };
            places.insert(name, place);
            // What reads the value later needs no second quantizer.
            self.values.insert(name.clone(), Value { codes: value.codes.or(Some(place)), ..value });
        }
        Ok(node.inputs.iter().map(|name| places[name.as_str()]).collect())
    }

    /// A layer that ends in a quantizer.
    fn codes_layer(&mut self, node: &FloatNode, layer: GraphLayer, inputs: Vec<usize>, quant: &ActQuant) {
        let place = self.push(node.name.clone(), layer, inputs, Some((quant.bit_width, quant.signed)));
        self.define(&node.output, Place { place, signed: quant.signed }, true);
    }

    /// A layer that ends without a quantizer. `is_codes` if it keeps codes.
    fn plain_layer(
        &mut self,
        node: &FloatNode,
        layer: GraphLayer,
        input: usize,
        signed: bool,
        is_codes: bool,
    ) {
        let place = self.push(node.name.clone(), layer, vec![input], None);
        self.define(&node.output, Place { place, signed }, is_codes);
    }

    /// The value as codes: a quantizer is put behind it where it has none.
    fn codes(&mut self, name: &str) -> Result<Place, FloatGraphError> {
        let value = self.values[name];
        if let Some(codes) = value.codes {
            return Ok(codes);
        }
        let quant = self.build.config.act(value.raw.signed);
        let layer_name = format!("{name}_quant");
        let codes = (quant.bit_width, quant.signed);
        let layer = self.build.identity(&layer_name, quant)?;
        let place = self.push(layer_name, layer, vec![value.raw.place], Some(codes));
        let codes = Place { place, signed: value.raw.signed };
        self.values.insert(name.to_owned(), Value { codes: Some(codes), ..value });
        Ok(codes)
    }

    fn push(
        &mut self,
        name: String,
        layer: GraphLayer,
        inputs: Vec<usize>,
        codes: Option<(u8, bool)>,
    ) -> usize {
        self.layers.push(layer);
        self.steps.push(Step { name, inputs, codes });
        self.layers.len()
    }

    fn define(&mut self, name: &str, raw: Place, is_codes: bool) {
        self.values.insert(name.to_owned(), Value { raw, codes: is_codes.then_some(raw) });
    }
}

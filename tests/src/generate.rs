//! Random networks: layers with every attribute, bit width and kind of scale, as QONNX models.
//!
//! A [`Network`] holds choices, small numbers that proptest shrinks one by one; [`Network::source`] turns any choices
//! into a valid model and samples for it. Scales are either arbitrary or, in a network of powers of two, such that
//! many quotients lie exactly between two codes.

mod build;
pub mod cells;
mod lines;
mod mixed;
mod rules;
mod trainable;

use proptest::prelude::*;

pub use cells::Cell;
pub use lines::{Line, Padding};
pub use mixed::{Mixed, Step, mixed};
pub use rules::{places, rules};
pub use trainable::Trainable;

/// Choices for a network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Channels, height and width of a sample; the first alone for networks of dense layers.
    pub input: [usize; 3],
    /// Whether the input is an image.
    pub spatial: bool,
    /// Whether all scales are powers of two.
    pub power_of_two: bool,
    /// Quantizer of the input.
    pub quantizer: Quantizer,
    /// Layers, from the input on.
    pub layers: Vec<Layer>,
    /// Determines weights, biases and samples.
    pub seed: u64,
}

/// Choices for a quantizer of activations.
#[derive(Clone, Copy, Debug)]
pub struct Quantizer {
    /// 1 to 16.
    pub bits: u32,
    /// Two's complement.
    pub signed: bool,
    /// One code less.
    pub narrow: bool,
    /// Position of the zero point in the range of codes, in 16ths; `None` for zero point 0.
    pub zero_point: Option<u8>,
    /// Rounding mode, by position in QONNX's list; inputs take the first.
    pub rounding: usize,
    /// How much of the codes the accumulators reach: below 1 few, above 1 clamped.
    pub spread: f64,
}

/// Choices for a layer and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// What it computes.
    pub kind: Kind,
    /// Output channels of a layer with weights.
    pub outputs: usize,
    /// 2 to 8.
    pub weight_bits: u32,
    /// Signedness and narrow range of the weights.
    pub weight_type: (bool, bool),
    /// A scale for each output channel.
    pub per_channel: bool,
    /// Its bias.
    pub bias: Bias,
    /// A ReLU before the quantizer.
    pub relu: bool,
    /// A node that does nothing before the quantizer.
    pub identity: bool,
    /// The quantizer; the last layer may go without.
    pub quantizer: Option<Quantizer>,
    /// A max pool on the codes of an image.
    pub pool: Option<Window>,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A dense layer; flattens an image first, in one of several ways.
    Dense {
        /// Which nodes say so.
        form: usize,
        /// How an image is flattened.
        flatten: usize,
    },
    /// A convolution; a dense layer where there is no image.
    Conv {
        /// Where the window goes.
        window: Window,
        /// 0 for one group, 1 for two where they fit, 2 for a group per channel.
        groups: usize,
    },
    /// Another quantizer for the same values.
    Requantize,
}

/// Choices for a window, cut down to what fits the image.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Steps.
    pub strides: [usize; 2],
    /// Distance of taps.
    pub dilations: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// Position in the list of `auto_pad` values.
    pub auto_pad: usize,
}

/// The kinds of bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// None.
    Absent,
    /// Floats, as trained without a bias quantizer.
    Float,
    /// Codes in units of the accumulator, as `Int16Bias` exports them.
    Units,
    /// Codes with a scale of their own.
    OtherScale,
}

/// Any quantizer of activations, of 2 to 8 bits or, if `wide`, of up to 16.
fn quantizer(wide: bool) -> impl Strategy<Value = Quantizer> {
    let zero_point = prop_oneof![2 => Just(None), 1 => (0..=16u8).prop_map(Some)];
    let rounding = prop_oneof![3 => Just(0), 1 => 0..build::ROUNDING.len()];
    let (long, longest) = if wide { (9..=15u32, 16u32) } else { (2..=8, 8) };
    let bits = prop_oneof![8 => 2..=8u32, 1 => long, 1 => Just(longest)];
    (bits, any::<bool>(), any::<bool>(), zero_point, rounding, 0.1..2.0f64).prop_map(
        |(bits, signed, narrow, zero_point, rounding, spread)| Quantizer {
            bits,
            signed,
            narrow: narrow && signed,
            zero_point,
            rounding,
            spread,
        },
    )
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |most: usize| [1..=most, 1..=most];
    let pads = [0..=2usize, 0..=2, 0..=2, 0..=2];
    (pair(3), pair(2), pair(2), pads, 0..build::AUTO_PAD.len()).prop_map(
        |(size, strides, dilations, pads, auto_pad)| Window { size, strides, dilations, pads, auto_pad },
    )
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => (0..build::DENSE_FORMS, 0..build::FLATTEN_FORMS).prop_map(|(form, flatten)| Kind::Dense { form, flatten }),
        4 => (window(), 0..3usize).prop_map(|(window, groups)| Kind::Conv { window, groups }),
        1 => Just(Kind::Requantize),
    ]
}

fn layer() -> impl Strategy<Value = Layer> {
    let bias = prop_oneof![Just(Bias::Absent), Just(Bias::Float), Just(Bias::Units), Just(Bias::OtherScale)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    let quantizer = prop_oneof![1 => Just(None), 4 => quantizer(true).prop_map(Some)];
    let weights = (2..=8u32, prop_oneof![Just((true, true)), Just((true, false)), Just((false, false))]);
    (kind(), 1..=6usize, weights, bias, flags, quantizer, prop::option::weighted(0.3, window())).prop_map(
        |(kind, outputs, (weight_bits, weight_type), bias, flags, quantizer, pool)| {
            let (per_channel, relu, _, identity) = flags;
            Layer {
                kind,
                outputs,
                weight_bits,
                weight_type,
                per_channel,
                bias,
                relu,
                identity,
                quantizer,
                pool,
            }
        },
    )
}

/// Any network of one to three layers.
pub fn network() -> impl Strategy<Value = Network> {
    let input = [1..=5usize, 2..=6usize, 2..=6usize];
    (
        input,
        any::<bool>(),
        any::<bool>(),
        quantizer(true),
        prop::collection::vec(layer(), 1..=3),
        any::<u64>(),
    )
        .prop_map(|(input, spatial, power_of_two, quantizer, layers, seed)| Network {
            input,
            spatial,
            power_of_two,
            quantizer,
            layers,
            seed,
        })
}

/// Networks with what no fixture has: an image of several channels in and out, and codes that are quantized again.
pub fn examples() -> Vec<(&'static str, Network)> {
    let quantizer =
        Quantizer { bits: 8, signed: true, narrow: false, zero_point: Some(7), rounding: 0, spread: 0.7 };
    let window = Window { size: [3, 2], strides: [1, 2], dilations: [1, 1], pads: [1, 0, 1, 1], auto_pad: 0 };
    let layer = Layer {
        kind: Kind::Conv { window, groups: 0 },
        outputs: 3,
        weight_bits: 5,
        weight_type: (true, true),
        per_channel: true,
        bias: Bias::Units,
        relu: false,
        identity: false,
        quantizer: Some(quantizer),
        pool: None,
    };
    let network = Network {
        input: [2, 5, 6],
        spatial: true,
        power_of_two: false,
        quantizer,
        layers: vec![layer],
        seed: 1,
    };
    let again = Quantizer { bits: 4, signed: false, zero_point: Some(3), rounding: 7, ..quantizer };
    let requantize = Layer { kind: Kind::Requantize, quantizer: Some(again), relu: true, ..layer };
    let depthwise = Layer { kind: Kind::Conv { window, groups: 2 }, quantizer: None, ..layer };
    vec![
        ("image_with_channels", network.clone()),
        ("codes_quantized_again", Network { layers: vec![layer, requantize], ..network.clone() }),
        ("accumulators_of_an_image", Network { layers: vec![requantize, depthwise], ..network }),
    ]
}

//! Compares how a program quantizes its inputs with the exact reference: at both ends of every code.
//!
//! Codes rise or fall with the float, so where both sides agree at the first and the last float of each code of the
//! program, and a function that keeps the order is behind them, they agree everywhere between.

use exactum_runtime::num::float_key;
use exactum_runtime::program::ElementQuantizer;
use serde::Serialize;

use crate::container::Container;
use crate::reference::Reference;

/// What a comparison of one input found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InputComparison {
    /// Name of the input.
    pub input: String,
    /// Floats compared, in all channels.
    pub floats: u64,
    /// Those of which program and reference make different codes.
    pub mismatches: u64,
    /// The first of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<InputMismatch>,
}

/// One float with two codes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputMismatch {
    /// Channel of the element.
    pub channel: usize,
    /// The float, as text: JSON has no infinities.
    pub value: String,
    /// Code of the exact reference.
    pub reference: i64,
    /// Code of the program.
    pub program: i64,
}

/// Compares each input of `container`'s program that takes floats with `reference`.
pub(super) fn compare(container: &Container, reference: &Reference<'_>) -> Vec<InputComparison> {
    let program = container.program();
    let inputs = program.inputs().zip(&container.interface().inputs).enumerate();
    let compared = inputs.filter_map(|(position, (input, port))| {
        let quantizer = input.quantizer(program.input_tensor(position)?.range)?;
        let (channels, inner) = reference.input_channels(position)?;
        let mut found = InputComparison { input: port.name.clone(), ..InputComparison::default() };
        for channel in 0..channels {
            let element = port.program_index(channel * inner);
            let code = |value| i64::from(quantizer.quantize(element, value)) + port.stored_less;
            for value in ends(&quantizer, element) {
                found.floats += 1;
                let (exact, own) = (reference.input_code(position, channel, value)?, code(value));
                if exact != own {
                    found.mismatches += 1;
                    found.first.get_or_insert_with(|| InputMismatch {
                        channel,
                        value: value.to_string(),
                        reference: exact,
                        program: own,
                    });
                }
            }
        }
        Some(found)
    });
    compared.collect()
}

/// NaN, both infinities, and the floats on both sides of every step between two codes of element `index`.
fn ends(quantizer: &ElementQuantizer<'_>, index: usize) -> Vec<f32> {
    let [least, most] = [f32::NEG_INFINITY, f32::INFINITY].map(float_key);
    let code = |key: i32| quantizer.quantize(index, float_of(key));
    let mut ends = vec![f32::NAN, f32::NEG_INFINITY];
    let mut from = least;
    while code(from) != code(most) {
        let (mut below, mut above) = (from, most);
        while above.abs_diff(below) > 1 {
            let middle = below.midpoint(above);
            if code(middle) == code(from) { below = middle } else { above = middle }
        }
        ends.extend([below, above].map(float_of));
        from = above;
    }
    ends.push(f32::INFINITY);
    ends
}

/// The float of a [`float_key`].
fn float_of(key: i32) -> f32 {
    let magnitude = f32::from_bits(key.unsigned_abs());
    if key < 0 { -magnitude } else { magnitude }
}

//! Quantizers for inputs that a file leaves in floats, given beside the model.
//!
//! Many networks are trained on inputs that nothing quantizes: the first layer reads what a camera or a sensor gives.
//! [`InputType`] says what that is; [`apply`] puts the `Quant` node it stands for into the model, so that every stage,
//! the exact reference and other tools see one model. The command line's `--input-type` uses it.

use std::str::FromStr;

use exactum_qonnx::{Model, Node, Tensor};
use exactum_runtime::num::IntType;

use crate::diagnostic::{Code, Diagnostic, Location, Result};

/// The quantizer of one input: `NAME=TYPE*SCALE` or `NAME=TYPE*SCALE+ZERO_POINT`, such as `image=uint8*0.00392156862`.
#[derive(Clone, Debug, PartialEq)]
pub struct InputType {
    /// Name of the input in the file.
    pub name: String,
    /// Type of its codes.
    pub int: IntType,
    /// Real value of one code; positive and finite.
    pub scale: f32,
    /// Code of the real value 0.
    pub zero_point: i64,
}

impl FromStr for InputType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("{text:?} is not NAME=TYPE*SCALE or NAME=TYPE*SCALE+ZERO_POINT");
        let (name, rest) = text.rsplit_once('=').ok_or_else(problem)?;
        let (int, rest) = rest.split_once('*').unwrap_or((rest, "1"));
        // A scale can hold an exponent with a sign; a zero point is what follows a plus after a digit.
        let plus =
            rest.char_indices().find(|(at, c)| *c == '+' && *at > 0 && !rest[..*at].ends_with(['e', 'E']));
        let (scale, zero_point) = plus.map_or((rest, "0"), |(at, _)| (&rest[..at], &rest[at + 1..]));
        let int =
            int.parse().map_err(|error| format!("{int:?} is no type of codes, such as uint8: {error}"))?;
        let scale: f32 = scale.parse().map_err(|_| problem())?;
        if !scale.is_finite() || scale <= 0.0 {
            return Err(format!("the scale {scale:?} is not a positive finite number"));
        }
        let zero_point = zero_point.parse().map_err(|_| problem())?;
        Ok(Self { name: name.to_owned(), int, scale, zero_point })
    }
}

/// Puts a quantizer after each named input of `model`.
///
/// # Errors
/// [`Code::BadInput`] if the model has no such input.
pub fn apply(model: &mut Model, types: &[InputType]) -> Result<()> {
    for InputType { name, int, scale, zero_point } in types {
        let inputs: Vec<String> = model.graph.real_inputs().iter().map(|input| input.name.clone()).collect();
        if !inputs.contains(name) {
            let at = Location::part(format!("input `{name}`"));
            let needed = format!("an input of the model: {}", inputs.join(", "));
            return Err(Diagnostic::new(Code::BadInput, at, "no input of that name", needed).into());
        }
        let quantized = quantized(name);
        for input in
            model.graph.nodes.iter_mut().flat_map(|node| &mut node.inputs).filter(|input| *input == name)
        {
            input.clone_from(&quantized);
        }
        let operand = |what: &str| format!("{name}.{what}");
        let constants = [
            ("scale", *scale),
            ("zero_point", *zero_point as f32),
            ("bit_width", f32::from(int.width.bits())),
        ];
        model.graph.initializers.extend(constants.map(|(what, value)| Tensor::scalar(operand(what), value)));
        let operands = [name.clone(), operand("scale"), operand("zero_point"), operand("bit_width")];
        let node = Node::new("Quant", operands, [quantized.clone()])
            .named(quantized)
            .attr("signed", i64::from(int.signed))
            .attr("narrow", i64::from(int.narrow))
            .attr("rounding_mode", "ROUND");
        model.graph.nodes.insert(0, node);
    }
    Ok(())
}

/// Whether [`apply`] put `node` into its model.
pub(crate) fn is_added(node: &Node) -> bool {
    node.op_type == "Quant" && node.input(0).is_some_and(|name| node.name == quantized(name))
}

fn quantized(name: &str) -> String {
    format!("{name}.quantized")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_their_types() {
        let parsed: InputType = "a=b=uint8*2.5e+1+128".parse().unwrap();
        assert_eq!((parsed.name.as_str(), parsed.scale, parsed.zero_point), ("a=b", 25.0, 128));
        assert_eq!(parsed.int, IntType::UINT8);
        let plain: InputType = "x=int4".parse().unwrap();
        assert_eq!((plain.scale, plain.zero_point), (1.0, 0));
        for bad in ["x", "x=", "x=float*1", "x=uint8*0", "x=uint8*nan", "x=uint8*1+a"] {
            assert!(bad.parse::<InputType>().is_err(), "{bad}");
        }
    }
}

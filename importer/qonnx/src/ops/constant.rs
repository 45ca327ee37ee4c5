//! Constants as nodes, the other place besides initializers, and what files compute shapes with.

use super::AttributeKind::{Float, Floats, Int, Ints, String, Strings, Tensor};
use super::{AttributeSchema, OpSchema, STANDARD_OP, required};
use crate::model::{AttributeValue, Node, Tensor as Elements};

pub(super) const SCHEMAS: &[OpSchema] = &[
    OpSchema {
        op_type: "Constant",
        summary: "the one attribute given, as a tensor",
        inputs: &[],
        attributes: &[
            AttributeSchema::derived("value", Tensor),
            AttributeSchema::derived("value_float", Float).since(12),
            AttributeSchema::derived("value_floats", Floats).since(12),
            AttributeSchema::derived("value_int", Int).since(12),
            AttributeSchema::derived("value_ints", Ints).since(12),
            AttributeSchema::derived("value_string", String).since(12),
            AttributeSchema::derived("value_strings", Strings).since(12),
        ],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "ConstantOfShape",
        since: 9,
        summary: "one value in a shape",
        inputs: &[required("input")],
        attributes: &[AttributeSchema::derived("value", Tensor)],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Range",
        since: 11,
        summary: "numbers at equal distances",
        inputs: &[required("start"), required("limit"), required("delta")],
        ..STANDARD_OP
    },
    OpSchema {
        op_type: "Shape",
        summary: "sizes of the axes",
        inputs: &[required("data")],
        attributes: &[
            AttributeSchema::derived("end", Int).since(15),
            AttributeSchema::int("start", 0).since(15),
        ],
        ..STANDARD_OP
    },
    OpSchema { op_type: "Size", summary: "number of elements", inputs: &[required("data")], ..STANDARD_OP },
];

impl Node {
    /// The numbers that a `Constant` node gives, if it is one of numbers.
    pub fn constant(&self) -> Option<Elements> {
        self.attributes.iter().find_map(|attribute| {
            Some(match (attribute.name.as_str(), &attribute.value) {
                ("value", AttributeValue::Tensor(tensor)) => tensor.clone(),
                ("value_float", AttributeValue::Float(value)) => Elements::new("", &[], vec![*value]),
                ("value_int", AttributeValue::Int(value)) => Elements::new("", &[], vec![*value]),
                ("value_floats", AttributeValue::Floats(values)) => {
                    Elements::new("", &[values.len()], values.clone())
                }
                ("value_ints", AttributeValue::Ints(values)) => {
                    Elements::new("", &[values.len()], values.clone())
                }
                _ => return None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_the_shape_of_their_attribute() {
        let of = |name: &str, value: AttributeValue| {
            let constant = Node::new("Constant", [""; 0], ["y"]).attr(name, value).constant();
            constant.map(|tensor| (tensor.shape.clone(), tensor.to_f64()))
        };
        assert_eq!(of("value_int", AttributeValue::Int(3)), Some((vec![], Some(vec![3.0]))));
        let floats = AttributeValue::Floats(vec![0.5, 2.0]);
        assert_eq!(of("value_floats", floats), Some((vec![2], Some(vec![0.5, 2.0]))));
        assert_eq!(of("value_string", AttributeValue::String("3".to_owned())), None);
        assert_eq!(of("value_int", AttributeValue::Float(3.0)), None);
    }
}

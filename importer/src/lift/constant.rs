//! Initializers and `Constant` nodes as constants of the graph.

use exactum_qonnx::{Tensor, TensorData};

use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{Constant, Type, Value};

/// The constant that `tensor` holds: floats as `f32`, integers as shapes.
pub(super) fn value(tensor: &Tensor) -> Result<Value, Diagnostic> {
    let at = || Location::part(format!("initializer `{}`", tensor.name));
    if !tensor.is_consistent() {
        let found = format!("shape {:?} and other data", tensor.shape);
        return Err(Diagnostic::new(Code::BadTensor, at(), found, "as many elements as the shape has"));
    }
    let (ty, constant) = match &tensor.data {
        TensorData::F32(values) => (Type::Float, Constant::Float(values.clone())),
        TensorData::F64(values) => {
            let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            if values.iter().zip(&narrow).any(|(wide, narrow)| f64::from(*narrow) != *wide) {
                let needed = "values that float32 holds exactly";
                return Err(Diagnostic::new(Code::BadTensor, at(), "float64 values", needed));
            }
            (Type::Float, Constant::Float(narrow))
        }
        TensorData::I64(values) => (Type::Shape, Constant::Shape(values.clone())),
        TensorData::I32(values) => {
            (Type::Shape, Constant::Shape(values.iter().map(|v| i64::from(*v)).collect()))
        }
        other => {
            let found = format!("elements of type {}", other.elem());
            return Err(Diagnostic::new(Code::BadTensor, at(), found, "float32, float64, int32 or int64"));
        }
    };
    let mut value = Value::new(tensor.name.clone(), tensor.shape.clone(), ty);
    value.constant = Some(constant);
    Ok(value)
}

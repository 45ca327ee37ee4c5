//! What tests share: the recorded numbers of the Brevitas tutorial, and comparisons.
//!
//! Floats are compared to print rounding, integers exactly.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::LazyLock;

use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::{Activation, Parameter, QuantTensor};
use serde_json::Value;

/// Inputs, weights, outputs and integers of the tutorial's cells.
pub(crate) static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/brevitas_tutorial_golden.json")).unwrap());

/// The numbers of nested lists, row-major.
pub(crate) fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

/// The integers of nested lists, row-major.
pub(crate) fn ints(value: &Value) -> Vec<i64> {
    match value {
        Value::Array(items) => items.iter().flat_map(ints).collect(),
        number => vec![number.as_i64().unwrap()],
    }
}

/// Extents of nested lists.
pub(crate) fn shape(value: &Value) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::Array(items) = level {
        shape.push(items.len());
        level = &items[0];
    }
    shape
}

/// Nested lists as a tensor.
pub(crate) fn tensor<const D: usize>(value: &Value) -> Tensor<D> {
    let shape: [usize; D] = shape(value).try_into().unwrap();
    Tensor::from_data(TensorData::new(floats(value), shape), &evaluation_device())
}

/// Nested lists as a parameter.
pub(crate) fn parameter(value: &Value) -> Parameter {
    Parameter::new(floats(value), &shape(value))
}

/// The input `x` of a cell in a training pass.
pub(crate) fn input(cell: &str) -> Activation<2> {
    Activation::train(tensor(&GOLDEN[cell]["x"]))
}

/// The elements, row-major.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec_as::<f32>().unwrap()
}

/// Equal to print rounding.
pub(crate) fn assert_close(found: &[f32], needed: &[f32]) {
    assert_eq!(found.len(), needed.len());
    for (found, needed) in found.iter().zip(needed) {
        assert!((found - needed).abs() <= 2e-6 * needed.abs().max(1.0), "{found} is not {needed}");
    }
}

/// Compares everything the tutorial prints of a quantized tensor.
pub(crate) fn assert_golden<const D: usize>(found: &QuantTensor<D>, golden: &Value) {
    assert_eq!(found.codes().unwrap(), ints(&golden["int"]));
    assert_eq!(found.scale(), floats(&golden["scale"]));
    assert_eq!(found.zero_point()[0], floats(&golden["zero_point"])[0]);
    assert_eq!(f64::from(found.bit_width()), golden["bit_width"].as_f64().unwrap());
    assert_eq!(found.signed(), golden["signed"].as_bool().unwrap());
    assert_eq!(found.training(), golden["training"].as_bool().unwrap());
    assert_eq!(found.is_valid(), golden["is_valid"].as_bool().unwrap());
    assert_close(&values(found.value()), &floats(&golden["value"]));
}

/// The distance of two vectors in lengths of the second one.
pub(crate) fn relative_distance(found: &[f32], needed: &[f32]) -> f32 {
    assert_eq!(found.len(), needed.len());
    let length =
        |values: &mut dyn Iterator<Item = f32>| values.map(|value| value * value).sum::<f32>().sqrt();
    let distance = length(&mut found.iter().zip(needed).map(|(found, needed)| found - needed));
    distance / length(&mut needed.iter().copied())
}

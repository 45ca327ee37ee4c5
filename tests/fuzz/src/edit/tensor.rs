//! Edits of constants: elements, shapes, element types.

use exactum_qonnx::{Graph, Tensor, TensorData};

use crate::random::Random;

/// Elements that a changed tensor may have.
const MOST_ELEMS: usize = 4096;

pub(super) fn edit_initializer(graph: &mut Graph, random: &mut Random) {
    // Scales, zero points and bit widths are small; they are chosen more often than weights.
    for _ in 0..3 {
        let index = random.below(graph.initializers.len());
        let Some(tensor) = graph.initializers.get_mut(index) else { return };
        if tensor.len_elems().is_some_and(|elems| elems <= 16) || random.once_in(3) {
            change(tensor, random);
            return;
        }
    }
}

pub(super) fn change(tensor: &mut Tensor, random: &mut Random) {
    match random.below(10) {
        0 => reshape(tensor, random),
        1 => resize(tensor, random),
        2 => retype(tensor, random),
        3 => every(tensor, random),
        _ => one(tensor, random),
    }
}

macro_rules! each_kind {
    ($data:expr, $random:ident, $values:ident, $int:expr, $float:expr) => {
        match $data {
            TensorData::F32($values) => $float,
            TensorData::I8($values) => $int,
            TensorData::U8($values) => $int,
            TensorData::I16($values) => $int,
            TensorData::U16($values) => $int,
            TensorData::I32($values) => $int,
            TensorData::U32($values) => $int,
            TensorData::I64($values) => $int,
            TensorData::U64($values) => $int,
            TensorData::F64($values) => {
                if let Some(value) = $random.pick_mut($values) {
                    *value = f64::from($random.float(*value as f32)) * 1.000_000_000_1;
                }
            }
            TensorData::Bool($values) => {
                if let Some(value) = $random.pick_mut($values) {
                    *value = !*value;
                }
            }
            TensorData::Strings($values) => {
                if let Some(value) = $random.pick_mut($values) {
                    value.push(0xff);
                }
            }
            TensorData::Opaque { bytes: $values, .. } => $int,
        }
    };
}

/// Another value of one element.
#[allow(clippy::unnecessary_cast, reason = "one expression for elements of all types")]
fn one(tensor: &mut Tensor, random: &mut Random) {
    each_kind!(
        &mut tensor.data,
        random,
        values,
        if let Some(value) = random.pick_mut(values) {
            *value = random.integer(*value as i64) as _;
        },
        if let Some(value) = random.pick_mut(values) {
            *value = random.float(*value);
        }
    );
}

/// One value for all elements.
#[allow(clippy::unnecessary_cast, reason = "one expression for elements of all types")]
fn every(tensor: &mut Tensor, random: &mut Random) {
    each_kind!(
        &mut tensor.data,
        random,
        values,
        {
            let now = values.first().map_or(0, |value| *value as i64);
            values.fill(random.integer(now) as _);
        },
        {
            let now = values.first().copied().unwrap_or(1.0);
            values.fill(random.float(now));
        }
    );
}

/// The same elements in another shape.
fn reshape(tensor: &mut Tensor, random: &mut Random) {
    let elems = tensor.len_elems().unwrap_or(0);
    let shape = &mut tensor.shape;
    match random.below(5) {
        0 => shape.insert(0, 1),
        1 => shape.push(1),
        2 => *shape = if elems == 1 && random.once_in(2) { vec![] } else { vec![elems] },
        3 if elems > 1 && elems.is_multiple_of(2) => *shape = vec![elems / 2, 2],
        _ => {
            let (a, b) = (random.below(shape.len()), random.below(shape.len()));
            if a < shape.len() && b < shape.len() {
                shape.swap(a, b);
            }
        }
    }
}

/// Another size of one axis; elements are cut off or repeated.
fn resize(tensor: &mut Tensor, random: &mut Random) {
    let mut shape = tensor.shape.clone();
    match random.pick_mut(&mut shape) {
        Some(dim) => *dim = random.integer(*dim as i64).unsigned_abs() as usize,
        None => shape = vec![random.below(4)],
    }
    let elems = shape.iter().try_fold(1usize, |elems, dim| elems.checked_mul(*dim));
    let Some(elems) = elems.filter(|elems| *elems <= MOST_ELEMS) else { return };
    fn fit<T: Clone + Default>(values: &mut Vec<T>, elems: usize) {
        let old = values.clone();
        values.clear();
        values.extend(old.iter().cycle().take(elems).cloned());
        values.resize(elems, T::default());
    }
    match &mut tensor.data {
        TensorData::F32(values) => fit(values, elems),
        TensorData::F64(values) => fit(values, elems),
        TensorData::I8(values) => fit(values, elems),
        TensorData::U8(values) => fit(values, elems),
        TensorData::I16(values) => fit(values, elems),
        TensorData::U16(values) => fit(values, elems),
        TensorData::I32(values) => fit(values, elems),
        TensorData::U32(values) => fit(values, elems),
        TensorData::I64(values) => fit(values, elems),
        TensorData::U64(values) => fit(values, elems),
        TensorData::Bool(values) => fit(values, elems),
        TensorData::Strings(values) => fit(values, elems),
        TensorData::Opaque { elem, bytes } => fit(bytes, (elems * elem.size_bits()).div_ceil(8)),
    }
    tensor.shape = shape;
}

/// The same numbers in another element type.
fn retype(tensor: &mut Tensor, random: &mut Random) {
    let Some(values) = tensor.to_f64() else { return };
    tensor.data = match random.below(10) {
        0 => TensorData::F64(values),
        1 => TensorData::I8(values.iter().map(|value| *value as i8).collect()),
        2 => TensorData::U8(values.iter().map(|value| *value as u8).collect()),
        3 => TensorData::I16(values.iter().map(|value| *value as i16).collect()),
        4 => TensorData::I32(values.iter().map(|value| *value as i32).collect()),
        5 => TensorData::U32(values.iter().map(|value| *value as u32).collect()),
        6 => TensorData::I64(values.iter().map(|value| *value as i64).collect()),
        7 => TensorData::U64(values.iter().map(|value| *value as u64).collect()),
        8 => TensorData::Bool(values.iter().map(|value| *value != 0.0).collect()),
        _ => TensorData::F32(values.iter().map(|value| *value as f32).collect()),
    };
}

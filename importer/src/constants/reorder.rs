//! Elements moved, repeated and made; windows of signals.

use super::{Call, Numbers, Result, Tensor, elems, family, of_type, one};
use exactum_host::elements::{position, strided, strides};
use exactum_qonnx::ElemType;

family! {
    "Shape" 1..=1 ["start" "end"] shape_of;
    "Size" 1..=1 [] |call| {
        let count = call.operand(0)?.len() as i64;
        one(Tensor::longs(vec![], vec![count]))
    };
    "Trilu" 1..=2 ["upper"] trilu;
    "EyeLike" 1..=1 ["dtype" "k"] eye_like;
    "DepthToSpace" 1..=1 ["blocksize" "mode"] depth_to_space;
    "SpaceToDepth" 1..=1 ["blocksize" "mode"] space_to_depth;
    "Pad" 1..=4 ["mode" "pads" "value"] pad;
    "CenterCropPad" 2..=2 ["axes"] center_crop_pad;
    "Det" 1..=1 [] determinant;
    "HannWindow" 1..=1 ["output_datatype" "periodic"] |call| window(call, &[0.5, 0.5]);
    "HammingWindow" 1..=1 ["output_datatype" "periodic"] |call| window(call, &[25.0 / 46.0, 21.0 / 46.0]);
    "BlackmanWindow" 1..=1 ["output_datatype" "periodic"] |call| window(call, &[0.42, 0.5, 0.08]);
}

fn shape_of(call: &Call<'_>) -> Result {
    let shape = &call.operand(0)?.shape;
    let rank = shape.len() as i64;
    let clamp = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank) as usize;
    let start = clamp(call.int("start", 0)?);
    let end = clamp(call.int("end", rank)?).max(start);
    one(Tensor::ints(shape[start..end].iter().map(|size| *size as i64).collect()))
}

/// The elements at `at`, and zeros where there is none.
fn or_zero(x: &Tensor, shape: Vec<usize>, at: impl Iterator<Item = Option<usize>>) -> Tensor {
    let numbers = match &x.numbers {
        Numbers::Real(values) => Numbers::Real(at.map(|at| at.map_or(0.0, |at| values[at])).collect()),
        Numbers::Int(values) => Numbers::Int(at.map(|at| at.map_or(0, |at| values[at])).collect()),
    };
    Tensor { elem: x.elem, shape, numbers }
}

fn trilu(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let k = if call.optional(1).is_some() { call.integer(1)? } else { 0 };
    let upper = call.int("upper", 1)? != 0;
    let [.., rows, columns] = x.shape.as_slice() else {
        return Err(call.shapes(format!("{:?}", x.shape), "matrices"));
    };
    let kept = |at: usize| {
        let beyond = (at % columns) as i128 - (at / columns % rows) as i128 - i128::from(k);
        (if upper { beyond >= 0 } else { beyond <= 0 }).then_some(at)
    };
    one(or_zero(x, x.shape.clone(), (0..x.len()).map(kept)))
}

fn eye_like(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let [_, columns] = x.shape.as_slice() else {
        return Err(call.shapes(format!("{:?}", x.shape), "a matrix"));
    };
    let k = call.int("k", 0)?;
    let elem = match call.node.attribute("dtype") {
        None => x.elem,
        Some(_) => {
            i32::try_from(call.int("dtype", 0)?).ok().and_then(ElemType::from_code).unwrap_or_default()
        }
    };
    let ones = (0..x.len()).map(|at| (at % columns) as i64 == ((at / columns) as i64).saturating_add(k));
    one(match elem {
        ElemType::F32 | ElemType::F64 | ElemType::F16 | ElemType::Bf16 => {
            Tensor::real(elem, x.shape.clone(), ones.map(|one| f64::from(u8::from(one))))
        }
        elem if elem == ElemType::Bool || elem.integer().is_some() => {
            Tensor::wrapped(elem, x.shape.clone(), ones.map(i128::from))?
        }
        elem => return Err(call.no_form(format!("type {elem}"), "a type of numbers")),
    })
}

fn image(call: &Call<'_>) -> Result<([usize; 4], usize)> {
    let block = usize::try_from(call.int("blocksize", 0)?).unwrap_or(0);
    match *call.operand(0)?.shape.as_slice() {
        [n, c, h, w] if block > 0 => Ok(([n, c, h, w], block)),
        _ => Err(call
            .shapes(format!("{:?}, blocks of {block}", call.operand(0)?.shape), "images and a block size")),
    }
}

fn depth_to_space(call: &Call<'_>) -> Result {
    let ([n, c, h, w], b) = image(call)?;
    let x = call.operand(0)?;
    let depth = c / b.saturating_mul(b);
    if b > c || c % (b * b) != 0 {
        return Err(call.shapes(format!("{c} channels"), format!("a multiple of {b} times {b}")));
    }
    let plane = h * w;
    // Channel, row and column of the result.
    let (channel, rows, columns) = match call.text("mode", "DCR")? {
        "DCR" => (plane, b * depth * plane, depth * plane),
        "CRD" => (b * b * plane, b * plane, plane),
        other => return Err(call.no_form(format!("mode {other:?}"), "DCR or CRD")),
    };
    let axes = [(n, c * plane), (depth, channel), (h, w), (b, rows), (w, 1), (b, columns)];
    one(x.picked(vec![n, depth, h * b, w * b], &strided(axes)))
}

fn space_to_depth(call: &Call<'_>) -> Result {
    let ([n, c, h, w], b) = image(call)?;
    if h % b != 0 || w % b != 0 {
        return Err(call.shapes(format!("{h} times {w}"), format!("multiples of {b}")));
    }
    let shape = vec![n, c * b * b, h / b, w / b];
    let mut axes = [(n, c * h * w), (b, w), (b, 1), (c, h * w), (h / b, w * b), (w / b, b)];
    match call.text("mode", "DCR")? {
        "DCR" => {}
        "CRD" => axes[1..4].rotate_right(1),
        other => return Err(call.no_form(format!("mode {other:?}"), "DCR or CRD")),
    }
    one(call.operand(0)?.picked(shape, &strided(axes)))
}

fn pad(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let rank = x.shape.len();
    let pads = call.ints_of("pads", 1)?.unwrap_or_default();
    let axes: Vec<usize> = match call.optional(3) {
        Some(_) => call.whole(3)?.iter().map(|axis| call.axis(*axis, rank)).collect::<Result<_>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(call.shapes(format!("{} pads", pads.len()), format!("{}", 2 * axes.len())));
    }
    let mut before = vec![0i64; rank];
    let mut shape = x.shape.clone();
    for (i, axis) in axes.iter().enumerate() {
        before[*axis] = pads[i];
        let size = i128::from(pads[i]) + i128::from(pads[axes.len() + i]) + x.shape[*axis] as i128;
        shape[*axis] = usize::try_from(size)
            .map_err(|_| call.shapes(format!("pads {pads:?}"), "no more than there is"))?;
    }
    let shape = call.sized(shape)?;
    let mode = call.text("mode", "constant")?;
    let source = |index: usize, axis: usize| -> Result<Option<usize>> {
        let size = x.shape[axis] as i64;
        let at = index as i64 - before[axis];
        if (0..size).contains(&at) {
            return Ok(Some(at as usize));
        }
        let at = match mode {
            "constant" => return Ok(None),
            "edge" if size > 0 => at.clamp(0, size - 1),
            "wrap" if size > 0 => at.rem_euclid(size),
            "reflect" if size == 1 => 0,
            "reflect" if size > 1 => {
                let around = at.rem_euclid(2 * size - 2);
                if around < size { around } else { 2 * size - 2 - around }
            }
            mode => {
                return Err(call.no_form(format!("mode {mode:?} of {size} elements"), "elements to repeat"));
            }
        };
        Ok(Some(at as usize))
    };
    let sources: Vec<Vec<Option<usize>>> = (0..rank)
        .map(|axis| (0..shape[axis]).map(|index| source(index, axis)).collect::<Result<_>>())
        .collect::<Result<_>>()?;
    let steps = strides(&x.shape);
    let from = |at: usize| {
        let index = position(&shape, at);
        (0..rank).try_fold(0, |sum, axis| Some(sum + sources[axis][index[axis]]? * steps[axis]))
    };
    let at: Vec<Option<usize>> = (0..elems(&shape)).map(from).collect();
    let mut result = or_zero(x, shape, at.iter().copied());
    let value = match call.optional(2) {
        Some(value) if value.elem != x.elem => return Err(of_type(value, "the type of the data")),
        Some(value) if value.len() == 1 => value.numbers.clone(),
        Some(value) => return Err(call.shapes(format!("{:?}", value.shape), "one number")),
        None => match &x.numbers {
            Numbers::Real(_) => Numbers::Real(vec![call.float("value", 0.0)?]),
            Numbers::Int(_) => Numbers::Int(vec![call.float("value", 0.0)? as i64]),
        },
    };
    match (&mut result.numbers, value) {
        (Numbers::Real(values), Numbers::Real(value)) => {
            values.iter_mut().zip(&at).filter(|(_, at)| at.is_none()).for_each(|(old, _)| *old = value[0]);
        }
        (Numbers::Int(values), Numbers::Int(value)) => {
            values.iter_mut().zip(&at).filter(|(_, at)| at.is_none()).for_each(|(old, _)| *old = value[0]);
        }
        _ => return Err(of_type(x, "the type of the padding")),
    }
    one(result)
}

fn center_crop_pad(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let rank = x.shape.len();
    let sizes = call.whole(1)?;
    let axes: Vec<usize> = match call.ints("axes")? {
        Some(axes) => axes.iter().map(|axis| call.axis(*axis, rank)).collect::<Result<_>>()?,
        None => (0..rank).collect(),
    };
    if sizes.len() != axes.len() {
        return Err(call.shapes(format!("{} sizes", sizes.len()), format!("{}", axes.len())));
    }
    let mut shape = x.shape.clone();
    let mut shift = vec![0i64; rank];
    for (axis, size) in axes.iter().zip(sizes) {
        let new = usize::try_from(*size).map_err(|_| call.shapes(format!("size {size}"), "0 or more"))?;
        let old = x.shape[*axis];
        shift[*axis] = if new > old { -(((new - old) / 2) as i64) } else { ((old - new) / 2) as i64 };
        shape[*axis] = new;
    }
    let shape = call.sized(shape)?;
    let steps = strides(&x.shape);
    let from = |at: usize| {
        let index = position(&shape, at);
        (0..rank).try_fold(0, |sum, axis| {
            let old =
                usize::try_from(index[axis] as i64 + shift[axis]).ok().filter(|old| *old < x.shape[axis])?;
            Some(sum + old * steps[axis])
        })
    };
    let result = or_zero(x, shape.clone(), (0..elems(&shape)).map(from));
    one(result)
}

fn determinant(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let [batch @ .., n, m] = x.shape.as_slice() else {
        return Err(call.shapes(format!("{:?}", x.shape), "matrices"));
    };
    if n != m || *n == 0 {
        return Err(call.shapes(format!("{n} by {m}"), "square matrices"));
    }
    call.steps(&[elems(batch), *n, *n, *n])?;
    let of = |matrix: &[f64]| {
        let mut a = matrix.to_vec();
        let mut product = 1.0;
        for k in 0..*n {
            let pivot =
                (k..*n).fold(k, |best, i| if a[i * n + k].abs() > a[best * n + k].abs() { i } else { best });
            if a[pivot * n + k] == 0.0 {
                return 0.0;
            }
            if pivot != k {
                product = -product;
                (0..*n).for_each(|j| a.swap(pivot * n + j, k * n + j));
            }
            product *= a[k * n + k];
            for i in k + 1..*n {
                let factor = a[i * n + k] / a[k * n + k];
                (k..*n).for_each(|j| a[i * n + j] -= factor * a[k * n + j]);
            }
        }
        product
    };
    one(Tensor::real(x.elem, batch.to_vec(), values.chunks(n * n).map(of)))
}

/// A sum of cosines of multiples of the angle, of which every second one is subtracted.
fn window(call: &Call<'_>, weights: &[f64]) -> Result {
    let size = usize::try_from(call.integer(0)?).unwrap_or(usize::MAX);
    let shape = call.sized(vec![size])?;
    let code = call.int("output_datatype", 1)?;
    let elem = i32::try_from(code).ok().and_then(ElemType::from_code).unwrap_or_default();
    if !matches!(elem, ElemType::F32 | ElemType::F64 | ElemType::F16 | ElemType::Bf16) {
        return Err(call.no_form(format!("type {elem}"), "a type of floats"));
    }
    let steps = if call.int("periodic", 1)? != 0 { size } else { size.saturating_sub(1) }.max(1);
    let value = |i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / steps as f64;
        weights
            .iter()
            .enumerate()
            .map(|(k, weight)| if k % 2 == 0 { *weight } else { -weight } * (angle * k as f64).cos())
            .sum::<f64>()
    };
    one(Tensor::real(elem, shape, (0..size).map(value)))
}

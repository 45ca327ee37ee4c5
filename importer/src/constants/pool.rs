//! Pools over windows.

use super::linear::{MOST, places, taps};
use super::number::sum;
use super::{Call, Numbers, Result, Tensor, elems, family, of_type, one};
use exactum_host::elements::position;
use exactum_qonnx::{PoolWindow, Window};

family! {
    "AveragePool" 1..=1 ["auto_pad" "ceil_mode" "count_include_pad" "dilations" "kernel_shape" "pads" "strides"] average_pool;
    "LpPool" 1..=1 ["auto_pad" "ceil_mode" "dilations" "kernel_shape" "p" "pads" "strides"] lp_pool;
    "MaxPool" 1..=1 ["auto_pad" "ceil_mode" "dilations" "kernel_shape" "pads" "storage_order" "strides"] max_pool;
    "GlobalAveragePool" 1..=1 [] |call| global(call, |v| sum(v.iter().copied()) / v.len() as f64);
    "GlobalMaxPool" 1..=1 [] |call| global(call, |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    "GlobalLpPool" 1..=1 ["p"] |call| {
        let p = call.int("p", 2)? as f64;
        global(call, |v| sum(v.iter().map(|x| x.abs().powf(p))).powf(1.0 / p))
    };
}

fn image<'c>(call: &'c Call<'_>) -> Result<(usize, &'c [usize])> {
    match call.operand(0)?.shape.as_slice() {
        [n, c, image @ ..] if !image.is_empty() => Ok((n * c, image)),
        shape => Err(call.shapes(format!("{shape:?}"), "channels and an image")),
    }
}

fn global(call: &Call<'_>, function: impl Fn(&[f64]) -> f64) -> Result {
    let x = call.operand(0)?;
    let (_, image) = image(call)?;
    let values = call.reals(0)?;
    let shape = x.shape.iter().enumerate().map(|(axis, size)| if axis < 2 { *size } else { 1 }).collect();
    one(Tensor::real(x.elem, shape, values.chunks(elems(image).max(1)).map(function)))
}

/// The windows of a pool: the shape of its result, and the elements of the image in each window of a plane.
struct Pool {
    window: Window,
    shape: Vec<usize>,
    places: Vec<usize>,
    taps: Vec<Vec<Option<usize>>>,
    plane: usize,
}

fn pool(call: &Call<'_>) -> Result<Pool> {
    let x = call.operand(0)?;
    let (_, image) = image(call)?;
    call.int("ceil_mode", 0)?;
    let pool = PoolWindow::of(call.node, image, MOST)?;
    let places = places(call, &pool.padded(), image)?;
    let window = pool.window;
    let mut shape = x.shape[..2].to_vec();
    shape.extend(&places);
    let shape = call.sized(shape)?;
    call.steps(&[elems(&shape), elems(&window.kernel), 16])?;
    let of = |at: usize| taps(&window, &position(&places, at), image).into_iter().map(|(_, at)| at).collect();
    let taps = (0..elems(&places)).map(of).collect();
    Ok(Pool { shape, taps, plane: elems(image), places, window })
}

impl Pool {
    /// Applies `function` to the elements in each window, told which one it is.
    fn results(&self, values: &[f64], function: impl Fn(usize, &[f64]) -> f64) -> Vec<f64> {
        let planes = values.chunks(self.plane.max(1));
        planes
            .flat_map(|plane| {
                self.taps
                    .iter()
                    .enumerate()
                    .map(|(place, taps)| {
                        let inside: Vec<f64> = taps.iter().flatten().map(|at| plane[*at]).collect();
                        function(place, &inside)
                    })
                    .collect::<Vec<f64>>()
            })
            .collect()
    }

    /// Elements of the window at `place` that are inside of the image and its padding.
    fn padded(&self, place: usize, image: &[usize]) -> usize {
        let place = position(&self.places, place);
        (0..image.len())
            .map(|axis| {
                let window = &self.window;
                let limit = image[axis] + window.begin[axis] + window.end[axis];
                (0..window.kernel[axis])
                    .filter(|tap| place[axis] * window.stride[axis] + tap * window.dilation[axis] < limit)
                    .count()
            })
            .product()
    }
}

fn average_pool(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let pool = pool(call)?;
    let (_, image) = image(call)?;
    let all = call.int("count_include_pad", 0)? != 0;
    let mean = |place: usize, inside: &[f64]| {
        let count = if all { pool.padded(place, image) } else { inside.len() };
        sum(inside.iter().copied()) / count as f64
    };
    one(Tensor::real(x.elem, pool.shape.clone(), pool.results(values, mean)))
}

fn lp_pool(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let pool = pool(call)?;
    let p = call.int("p", 2)? as f64;
    let norm = |_: usize, inside: &[f64]| sum(inside.iter().map(|x| x.abs().powf(p))).powf(1.0 / p);
    one(Tensor::real(x.elem, pool.shape.clone(), pool.results(values, norm)))
}

fn max_pool(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let pool = pool(call)?;
    let (_, image) = image(call)?;
    let values = x.numbers.reals();
    let column_major = match (call.int("storage_order", 0)?, image.len()) {
        (0, _) => false,
        (1, 2) => true,
        (order, rank) => {
            return Err(call.no_form(format!("storage_order {order} of {rank} axes"), "0, or 1 of images"));
        }
    };
    let mut best = vec![];
    for plane in 0..values.len() / pool.plane.max(1) {
        for taps in &pool.taps {
            let inside = taps.iter().flatten().map(|at| plane * pool.plane + at);
            let largest = inside.reduce(|best, at| if values[at] > values[best] { at } else { best });
            best.push(
                largest.ok_or_else(|| call.shapes("a window beyond the image", "windows that meet it"))?,
            );
        }
    }
    let place = |at: &usize| match image {
        [rows, columns] if column_major => {
            let (plane, inside) = (at / pool.plane, at % pool.plane);
            (plane * pool.plane + inside % columns * rows + inside / columns) as i64
        }
        _ => *at as i64,
    };
    let places = best.iter().map(place).collect();
    match &x.numbers {
        Numbers::Int(_) if x.elem.integer().is_none() => Err(of_type(x, "numbers")),
        _ => Ok(vec![x.picked(pool.shape.clone(), &best), Tensor::longs(pool.shape.clone(), places)]),
    }
}

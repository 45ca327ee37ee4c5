//! Products of constants: matrices and convolutions.

use super::number::Sum;
use super::{Call, Numbers, Result, Tensor, elems, family, of_type, one, spread};
use exactum_host::elements::{position, strides};
use exactum_qonnx::{ElemType, TransposedWindow, Window};

family! {
    "MatMul" 2..=2 [] |call| {
        let (a, b) = (call.operand(0)?, call.operand(1)?);
        if a.elem != b.elem {
            return Err(of_type(b, "the same type in both operands"));
        }
        one(match_mul(call, a, b, a.elem)?)
    };
    "MatMulInteger" 2..=4 [] mat_mul_integer;
    "Gemm" 2..=3 ["alpha" "beta" "transA" "transB" "broadcast"] gemm;
    "Conv" 2..=3 ["auto_pad" "dilations" "group" "kernel_shape" "pads" "strides"] conv;
    "ConvInteger" 2..=4 ["auto_pad" "dilations" "group" "kernel_shape" "pads" "strides"] conv_integer;
    "ConvTranspose" 2..=3
        ["auto_pad" "dilations" "group" "kernel_shape" "output_padding" "output_shape" "pads" "strides"] conv_transpose;
}

/// Sums of products, of floats or of integers.
enum Dot<'t> {
    Real(&'t [f64], &'t [f64]),
    Int(&'t [i64], &'t [i64]),
}

impl<'t> Dot<'t> {
    fn new(a: &'t Tensor, b: &'t Tensor) -> Result<Self> {
        match (&a.numbers, &b.numbers) {
            (Numbers::Real(a), Numbers::Real(b)) => Ok(Self::Real(a, b)),
            (Numbers::Int(a), Numbers::Int(b)) => Ok(Self::Int(a, b)),
            _ => Err(of_type(b, "the type of the other operand")),
        }
    }

    /// The results, each the sum over its pairs of elements.
    fn results<P: Iterator<Item = (usize, usize)>>(
        &self,
        elem: ElemType,
        shape: Vec<usize>,
        pairs: impl Fn(usize) -> P,
    ) -> Result<Tensor> {
        let count = elems(&shape);
        match self {
            Self::Real(a, b) => {
                let result = |at: usize| {
                    let mut sum = Sum::default();
                    pairs(at).for_each(|(i, j)| sum.add(a[i] * b[j]));
                    sum.value()
                };
                Ok(Tensor::real(elem, shape, (0..count).map(result)))
            }
            Self::Int(a, b) => {
                let result = |at: usize| {
                    pairs(at).fold(0i128, |sum, (i, j)| sum.wrapping_add(i128::from(a[i]) * i128::from(b[j])))
                };
                Tensor::wrapped(elem, shape, (0..count).map(result))
            }
        }
    }
}

pub(super) fn match_mul(call: &Call<'_>, a: &Tensor, b: &Tensor, elem: ElemType) -> Result<Tensor> {
    let (mut left, mut right) = (a.shape.clone(), b.shape.clone());
    let (row, column) = (left.len() == 1, right.len() == 1);
    if row {
        left.insert(0, 1);
    }
    if column {
        right.push(1);
    }
    let ([left_batch @ .., m, k], [right_batch @ .., inner, n]) = (left.as_slice(), right.as_slice()) else {
        return Err(call.shapes("a number", "vectors or matrices"));
    };
    if k != inner {
        return Err(call.shapes(format!("{:?} times {:?}", a.shape, b.shape), "as many columns as rows"));
    }
    let batch = call.broadcast_shape(&[left_batch, right_batch])?;
    let (lefts, rights) = (spread(left_batch, &batch), spread(right_batch, &batch));
    let mut shape = batch.clone();
    shape.extend((!row).then_some(*m));
    shape.extend((!column).then_some(*n));
    let shape = call.sized(shape)?;
    call.steps(&[elems(&batch), *m, *n, *k])?;
    let (m, n, k) = (*m, *n, *k);
    Dot::new(a, b)?.results(elem, shape, |at| {
        let (z, i, j) = (at / (m * n), at / n % m, at % n);
        let (left, right) = (lefts[z] * m * k + i * k, rights[z] * k * n + j);
        (0..k).map(move |l| (left + l, right + l * n))
    })
}

/// `x` without its zero point, which is one number or one for each row along `axis`.
pub(super) fn centred(call: &Call<'_>, x: usize, zero: usize, axis: usize) -> Result<Tensor> {
    let tensor = call.operand(x)?;
    let values = call.whole(x)?;
    let zeros = match call.optional(zero) {
        None => vec![0],
        Some(_) => call.whole(zero)?.to_vec(),
    };
    let size = tensor.shape.get(axis).copied().unwrap_or(1);
    if zeros.len() != 1 && zeros.len() != size {
        return Err(call.shapes(format!("{} zero points", zeros.len()), format!("1 or {size}")));
    }
    let inner = elems(tensor.shape.get(axis + 1..).unwrap_or_default()).max(1);
    let zero = |at: usize| if zeros.len() == 1 { zeros[0] } else { zeros[at / inner % size] };
    let values = values.iter().enumerate().map(|(at, value)| value - zero(at)).collect();
    Ok(Tensor::longs(tensor.shape.clone(), values))
}

fn mat_mul_integer(call: &Call<'_>) -> Result {
    let (a, b) = (&call.operand(0)?.shape, &call.operand(1)?.shape);
    let a = centred(call, 0, 2, a.len().saturating_sub(2))?;
    let b = centred(call, 1, 3, b.len().saturating_sub(1))?;
    one(match_mul(call, &a, &b, ElemType::I32)?)
}

fn gemm(call: &Call<'_>) -> Result {
    let turned = |index: usize, name: &str| -> Result<Tensor> {
        let x = call.operand(index)?;
        let [rows, columns] = x.shape[..] else {
            return Err(call.shapes(format!("{:?}", x.shape), "a matrix"));
        };
        if call.int(name, 0)? == 0 {
            return Ok(x.clone());
        }
        let at: Vec<usize> = (0..columns).flat_map(|j| (0..rows).map(move |i| i * columns + j)).collect();
        Ok(x.picked(vec![columns, rows], &at))
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    let (alpha, beta) = (call.float("alpha", 1.0)?, call.float("beta", 1.0)?);
    let elem = a.elem;
    if b.elem != elem {
        return Err(of_type(&b, "the same type in both operands"));
    }
    if a.as_ints().is_some() {
        if alpha != 1.0 || beta != 1.0 || call.optional(2).is_some() {
            return Err(call.no_form("scaled integers", "a product of integers"));
        }
        return one(match_mul(call, &a, &b, elem)?);
    }
    let product = match_mul(call, &a, &b, ElemType::F64)?;
    let summand = match call.optional(2) {
        None => None,
        Some(c) if call.broadcast_shape(&[&product.shape, &c.shape])? != product.shape => {
            return Err(
                call.shapes(format!("{:?} and {:?}", product.shape, c.shape), "a summand that broadcasts")
            );
        }
        Some(c) => Some((call.reals(2)?, spread(&c.shape, &product.shape))),
    };
    let values = product.numbers.reals();
    let add = |at: usize| summand.as_ref().map_or(0.0, |(values, from)| beta * values[from[at]]);
    let results = values.iter().enumerate().map(|(at, value)| alpha * value + add(at));
    one(Tensor::real(elem, product.shape.clone(), results))
}

/// Largest size, stride, dilation or padding.
pub(super) const MOST: usize = 1 << 30;

/// How many windows there are along each axis of `image`.
pub(super) fn places(call: &Call<'_>, window: &Window, image: &[usize]) -> Result<Vec<usize>> {
    let place = |axis: usize| {
        window.count(axis, image[axis]).ok_or_else(|| {
            let found = format!("axis {axis} of {image:?} for {} elements", window.span(axis));
            call.shapes(found, "a window that fits")
        })
    };
    (0..image.len()).map(place).collect()
}

/// For the window at `place` each element of the kernel, by its number, and the one of the image that it meets, if there
/// is one.
pub(super) fn taps(window: &Window, place: &[usize], image: &[usize]) -> Vec<(usize, Option<usize>)> {
    let steps = strides(image);
    (0..elems(&window.kernel))
        .map(|tap| {
            let index = position(&window.kernel, tap);
            let at = (0..image.len()).try_fold(0, |sum, axis| {
                let padded = place[axis] * window.stride[axis] + index[axis] * window.dilation[axis];
                let at = padded.checked_sub(window.begin[axis]).filter(|at| *at < image[axis])?;
                Some(sum + at * steps[axis])
            });
            (tap, at)
        })
        .collect()
}

pub(super) fn convolved(call: &Call<'_>, x: &Tensor, w: &Tensor, elem: ElemType) -> Result<Tensor> {
    let ([n, c, image @ ..], [m, per_group, kernel @ ..]) = (x.shape.as_slice(), w.shape.as_slice()) else {
        return Err(call.shapes(format!("{:?} and {:?}", x.shape, w.shape), "channels and an image"));
    };
    let group = usize::try_from(call.int("group", 1)?).unwrap_or(0);
    if group == 0 || per_group * group != *c || m % group != 0 {
        return Err(
            call.shapes(format!("{:?} and {:?} in {group} groups", x.shape, w.shape), "channels that fit")
        );
    }
    if kernel.len() != image.len() || kernel.contains(&0) {
        return Err(call.shapes(format!("kernel {kernel:?} over {image:?}"), "a size for each axis"));
    }
    let window = Window::of(call.node, image, Some(kernel), MOST)?;
    let places = places(call, &window, image)?;
    let mut shape = vec![*n, *m];
    shape.extend(&places);
    let shape = call.sized(shape)?;
    call.steps(&[elems(&shape), *per_group, elems(kernel)])?;
    let (plane, taps_per) = (elems(&places), elems(kernel));
    let taps: Vec<Vec<(usize, usize)>> = (0..plane)
        .map(|at| {
            let taps = taps(&window, &position(&places, at), image);
            taps.into_iter().filter_map(|(tap, at)| at.map(|at| (tap, at))).collect()
        })
        .collect();
    let (size, out, channels) = (elems(image), m / group, *per_group);
    let (c, m) = (*c, *m);
    let taps = &taps;
    Dot::new(x, w)?.results(elem, shape, |at| {
        let (sample, filter, place) = (at / plane / m, at / plane % m, at % plane);
        let first = filter / out * channels;
        (0..channels).flat_map(move |channel| {
            let from = (sample * c + first + channel) * size;
            let weight = (filter * channels + channel) * taps_per;
            taps[place].iter().map(move |(tap, at)| (from + at, weight + tap))
        })
    })
}

/// Adds operand 2, one number for each channel, and rounds once.
fn biased(call: &Call<'_>, sums: Tensor) -> Result {
    let elem = call.operand(0)?.elem;
    let channels = sums.shape[1];
    let plane = elems(&sums.shape[2..]).max(1);
    let bias = match call.optional(2) {
        None => vec![0.0; channels],
        Some(_) => call.reals(2)?.to_vec(),
    };
    if bias.len() != channels {
        return Err(call.shapes(format!("{} biases", bias.len()), format!("{channels}")));
    }
    let values = sums.numbers.reals();
    let results = values.iter().enumerate().map(|(at, sum)| sum + bias[at / plane % channels]);
    one(Tensor::real(elem, sums.shape.clone(), results))
}

fn conv(call: &Call<'_>) -> Result {
    call.reals(0)?;
    biased(call, convolved(call, call.operand(0)?, call.operand(1)?, ElemType::F64)?)
}

fn conv_integer(call: &Call<'_>) -> Result {
    let (x, w) = (centred(call, 0, 2, 0)?, centred(call, 1, 3, 0)?);
    one(convolved(call, &x, &w, ElemType::I32)?)
}

fn conv_transpose(call: &Call<'_>) -> Result {
    let (x, w) = (call.operand(0)?, call.operand(1)?);
    let (values, weights) = (call.reals(0)?, call.reals(1)?);
    let ([n, c, image @ ..], [rows, per_group, kernel @ ..]) = (x.shape.as_slice(), w.shape.as_slice())
    else {
        return Err(call.shapes(format!("{:?} and {:?}", x.shape, w.shape), "channels and an image"));
    };
    let group = usize::try_from(call.int("group", 1)?).unwrap_or(0);
    if group == 0 || c % group != 0 || rows != c || kernel.len() != image.len() {
        return Err(
            call.shapes(format!("{:?} and {:?} in {group} groups", x.shape, w.shape), "channels that fit")
        );
    }
    let rank = image.len();
    let TransposedWindow { window, output_padding } = TransposedWindow::of(call.node, image, kernel, MOST)?;
    let out: Vec<usize> = (0..rank)
        .map(|axis| {
            let full = window.reach(axis, image[axis]).saturating_add(output_padding[axis]);
            full.saturating_sub(window.begin[axis] + window.end[axis])
        })
        .collect();
    let filters = per_group * group;
    let mut shape = vec![*n, filters];
    shape.extend(&out);
    let shape = call.sized(shape)?;
    call.steps(&[values.len(), *per_group, elems(kernel)])?;
    let (size, plane, taps) = (elems(image), elems(&out), elems(kernel));
    let out_steps = strides(&out);
    // Where each element of the image goes with each element of the kernel.
    let goal = |at: usize, tap: usize| {
        let (from, index) = (position(image, at), position(kernel, tap));
        (0..rank).try_fold(0, |sum, axis| {
            let reached = from[axis] * window.stride[axis] + index[axis] * window.dilation[axis];
            let to = reached.checked_sub(window.begin[axis])?;
            (to < out[axis]).then_some(sum + to * out_steps[axis])
        })
    };
    let goals: Vec<(usize, usize, usize)> = (0..size)
        .flat_map(|at| (0..taps).map(move |tap| (at, tap)))
        .filter_map(|(at, tap)| goal(at, tap).map(|to| (at, tap, to)))
        .collect();
    let mut sums = vec![Sum::default(); elems(&shape)];
    let in_group = c / group;
    for sample in 0..*n {
        for channel in 0..*c {
            for filter in 0..*per_group {
                let target = (sample * filters + channel / in_group * per_group + filter) * plane;
                let (from, weight) = ((sample * c + channel) * size, (channel * per_group + filter) * taps);
                for (at, tap, to) in &goals {
                    sums[target + to].add(values[from + at] * weights[weight + tap]);
                }
            }
        }
    }
    let sums = Tensor::real(ElemType::F64, shape, sums.into_iter().map(Sum::value));
    biased(call, sums)
}

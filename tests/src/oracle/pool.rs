//! Pools: the largest number or the mean under each window.

use num_integer::Integer;
use num_rational::BigRational;

use super::applied::Applied;
use super::int::Int;
use super::window::Window;
use super::{Exact, Result, fail};

pub(super) fn pool(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    match applied.node.op_type.as_str() {
        "MaxPool" => max(applied, x),
        "AveragePool" => average(applied, x),
        "GlobalAveragePool" => global_average(x),
        _ => {
            let largest = |plane: &[Int]| plane.iter().max().cloned().unwrap_or(Int::ZERO);
            let (shape, integers) = of_planes(x, largest)?;
            Ok(Exact { shape, integers, unit: x.unit.clone() })
        }
    }
}

/// The axes of the image.
fn image(x: &Exact) -> Result<&[usize]> {
    match &x.shape[..] {
        [_, _, image @ ..] if !x.is_empty() => Ok(image),
        shape => fail("pool", format!("shape {shape:?}")),
    }
}

/// `f` of each image, and the shape of the results.
fn of_planes(x: &Exact, f: impl Fn(&[Int]) -> Int) -> Result<(Vec<usize>, Vec<Int>)> {
    let image = image(x)?;
    let shape = [&x.shape[..2], &vec![1; image.len()]].concat();
    Ok((shape, x.integers.chunks(image.iter().product()).map(f).collect()))
}

fn sum<'a>(integers: impl Iterator<Item = &'a Int>) -> Int {
    integers.fold(Int::ZERO, |sum, integer| &sum + integer)
}

/// The mean of each image.
pub(super) fn global_average(x: &Exact) -> Result<Exact> {
    let count: usize = image(x)?.iter().product();
    let (shape, integers) = of_planes(x, |plane| sum(plane.iter()))?;
    Ok(Exact { shape, integers, unit: &x.unit / BigRational::from_integer(count.into()) })
}

/// Padding counts as nothing.
pub(super) fn max(applied: &Applied<'_>, x: &Exact) -> Result<Exact> {
    if applied.node.output(1).is_some() {
        return applied.fail("the places of the largest numbers");
    }
    let image = image(x)?;
    let window = Window::of_pool(applied, image)?;
    let taps: Vec<_> = (0..window.positions()).map(|at| window.taps(at)).collect();
    let mut integers = Vec::with_capacity(taps.len() * x.shape[0] * x.shape[1]);
    for plane in x.integers.chunks(image.iter().product()) {
        for taps in &taps {
            match taps.iter().map(|(_, pixel)| &plane[*pixel]).max() {
                Some(largest) => integers.push(largest.clone()),
                None => return applied.fail("a window that lies in the padding"),
            }
        }
    }
    let shape = [&x.shape[..2], &window.output[..]].concat();
    Ok(Exact { shape, integers, unit: x.unit.clone() })
}

/// Padding counts as zeros, or not at all; what a window has beyond the padding never counts.
pub(super) fn average(applied: &Applied<'_>, x: &Exact) -> Result<Exact> {
    let image = image(x)?;
    let window = Window::of_pool(applied, image)?;
    let with_padding = applied.int("count_include_pad", 0)? != 0;
    let taps: Vec<_> = (0..window.positions()).map(|at| window.taps(at)).collect();
    let count = |(at, taps): (usize, &Vec<_>)| if with_padding { window.cells(at) } else { taps.len() };
    let counts: Vec<usize> = taps.iter().enumerate().map(count).collect();
    if counts.contains(&0) {
        return applied.fail("a window that lies in the padding");
    }
    let multiple = counts.iter().fold(1, |lcm: usize, count| lcm.lcm(count));
    let factors: Vec<Int> = counts.iter().map(|count| Int::from((multiple / count) as i64)).collect();
    let mut integers = Vec::with_capacity(taps.len() * x.shape[0] * x.shape[1]);
    for plane in x.integers.chunks(image.iter().product()) {
        for (taps, factor) in taps.iter().zip(&factors) {
            integers.push(&sum(taps.iter().map(|(_, pixel)| &plane[*pixel])) * factor);
        }
    }
    let shape = [&x.shape[..2], &window.output[..]].concat();
    Ok(Exact { shape, integers, unit: &x.unit / BigRational::from_integer(multiple.into()) })
}

//! Gives float weights that lie on a grid their codes.
//!
//! Tools that write no quantizer for weights leave the numbers that quantized weights stand for, each rounded to
//! `float32`. `docs/arithmetic.md`, "Weights on a grid", says which codes and scale such numbers mean.

use std::collections::BTreeMap;

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Codes, Constant, Graph, Level, Op, Type, Value, ValueId};

pub(super) const PASS: Pass = Pass {
    name: "find-grids",
    about: "turn float weights that are multiples of a step into integer codes",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Largest magnitude of a code of 8 bits, and of any.
const LIMITS: [u32; 2] = [128, 32768];

fn run(graph: &mut Graph) -> Result<()> {
    let mut found: BTreeMap<(ValueId, usize), Option<ValueId>> = BTreeMap::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let axis = match node.op {
            Op::Conv(_) | Op::Gemm { trans_b: true, .. } => 0,
            Op::ConvTranspose(_) | Op::Gemm { trans_b: false, .. } => 1,
            _ => continue,
        };
        let id = node.inputs[1];
        let weight = graph.value(id);
        let Some(Constant::Float(values)) = &weight.constant else { continue };
        let codes = match found.get(&(id, axis)) {
            Some(known) => *known,
            None => {
                let made = of_weight(&weight.shape, values, axis).map(|(ty, constant)| {
                    let name = format!("{}:codes", weight.name);
                    let (ty, constant) = (Type::Codes(ty), Some(Constant::Codes(constant)));
                    Value { constant, ..Value::new(name, weight.shape.clone(), ty) }
                });
                let made = made.map(|value| graph.add(value));
                *found.entry((id, axis)).or_insert(made)
            }
        };
        if let Some(codes) = codes {
            graph.nodes[index].inputs[1] = codes;
        }
    }
    Ok(())
}

/// Codes of a weight: with one scale if 8 bits hold them, then with one for each output, then either in 16 bits.
fn of_weight(shape: &[usize], values: &[f32], axis: usize) -> Option<(Codes, Vec<i32>)> {
    let inner: usize = shape[axis + 1..].iter().product::<usize>().max(1);
    let channels = *shape.get(axis)?;
    let mut rows: Vec<Vec<f32>> = vec![vec![]; channels];
    for (index, value) in values.iter().enumerate() {
        rows[index / inner % channels.max(1)].push(*value);
    }
    for limit in LIMITS {
        if let Some(step) = step(values, limit) {
            return Some(coded(values, |_| step, vec![step], None));
        }
        let steps: Option<Vec<f32>> = rows.iter().map(|row| step(row, limit)).collect();
        if let Some(steps) = steps.filter(|_| channels > 1) {
            return Some(coded(values, |index| steps[index / inner % channels], steps.clone(), Some(axis)));
        }
    }
    None
}

fn coded(
    values: &[f32],
    step: impl Fn(usize) -> f32,
    scale: Vec<f32>,
    axis: Option<usize>,
) -> (Codes, Vec<i32>) {
    let code = |(index, value): (usize, &f32)| (f64::from(*value) / f64::from(step(index))).round() as i32;
    let codes: Vec<i32> = values.iter().enumerate().map(code).collect();
    (Codes::of_constant(&codes, scale, axis), codes)
}

/// The step of the coarsest grid that holds `values`, with codes of a magnitude of at most `limit`, of which only the
/// lowest reaches it.
///
/// The largest magnitude has code `k` for the least `k` for which there is such a step; of the steps for this `k` it is
/// the one nearest to the quotient of the two.
fn step(values: &[f32], limit: u32) -> Option<f32> {
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut magnitudes: Vec<f32> =
        values.iter().map(|value| value.abs()).filter(|value| *value > 0.0).collect();
    // Small numbers rule out most grids.
    magnitudes.sort_by(f32::total_cmp);
    magnitudes.dedup();
    let Some(largest) = magnitudes.last() else { return Some(1.0) };
    let last = if values.contains(largest) { limit - 1 } else { limit };
    (1..=last).find_map(|count| step_of(&magnitudes, *largest, count))
}

/// The step for which the largest magnitude has code `count`.
fn step_of(values: &[f32], largest: f32, count: u32) -> Option<f32> {
    // Weights and the step are off by half a unit in the last place each, so quotients by a little more than both.
    const SLACK: f64 = 2.0e-7;
    let per_step = f64::from(count) / f64::from(largest);
    let near = |value: &f32| {
        let quotient = f64::from(*value) * per_step;
        let whole = quotient.round();
        (quotient - whole).abs() <= whole.abs() * SLACK
    };
    if !values.iter().all(near) {
        return None;
    }
    let exact =
        |step: f32| values.iter().all(|value| (f64::from(*value) * per_step).round() as f32 * step == *value);
    let nearest = (f64::from(largest) / f64::from(count)) as f32;
    [nearest, nearest.next_down(), nearest.next_up()]
        .into_iter()
        .find(|step| *step > 0.0 && step.is_finite() && exact(*step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounded_multiples_have_a_step_that_gives_them_back(
            codes in proptest::collection::vec(-128i32..=127, 1..40), scale in 1e-6f32..10.0,
        ) {
            let values: Vec<f32> = codes.iter().map(|code| *code as f32 * scale).collect();
            let (found, elements) = of_weight(&[1, values.len()], &values, 0).unwrap();
            prop_assert!(elements.iter().all(|code| (-128..=127).contains(code)));
            for (value, code) in values.iter().zip(&elements) {
                prop_assert_eq!(*code as f32 * found.scale[0], *value);
            }
        }
    }

    #[test]
    fn each_output_has_a_step_where_one_does_not_do() {
        let scales = [0.0123_f32, 0.00457];
        let values: Vec<f32> = (0..20).map(|i| (i % 10 * 13 - 60) as f32 * scales[i as usize / 10]).collect();
        let (codes, elements) = of_weight(&[2, 10], &values, 0).unwrap();
        assert_eq!(codes.axis, Some(0));
        assert!(elements.iter().all(|code| code.abs() <= 127));
        for (i, code) in elements.iter().enumerate() {
            assert_eq!(*code as f32 * codes.scale[i / 10], values[i]);
        }
    }

    #[test]
    fn numbers_of_no_grid_have_no_codes() {
        let values: Vec<f32> = (1..40).map(|i| (i as f32).sqrt()).collect();
        assert_eq!(of_weight(&[1, 39], &values, 0), None);
        assert_eq!(of_weight(&[1, 2], &[f32::NAN, 1.0], 0), None);
        let (codes, elements) = of_weight(&[1, 3], &[0.0; 3], 0).unwrap();
        assert_eq!((codes.scale, elements), (vec![1.0], vec![0; 3]));
    }
}

//! What `verify` counts: a program that is not its model's, and expected outputs that are not exact.

use exactum_importer::batch::Batch;
use exactum_importer::comparison::{Comparison, Expected, compare};
use exactum_importer::container::Container;
use exactum_importer::npy::Array;
use exactum_importer::reference::Reference;
use exactum_qonnx::Model;

use crate::models::{data, inputs, tiny, with_quantized_softmax, without_output_quantizer};

/// The program of `program` against the reference of `model`, on seven samples.
fn compared(program: &Model, model: &Model, expected: impl FnOnce(Vec<f64>) -> Vec<f64>) -> Comparison {
    let compiled = exactum_importer::compile(model).unwrap();
    let container = Container::new(&exactum_importer::compile(program).unwrap(), program, &[]);
    let interface = container.interface();
    let values: Vec<f64> = inputs(7).into_iter().map(f64::from).collect();
    let batch = Batch::new(interface, &[Array { shape: vec![7, 4], values }]).unwrap();
    let reference = Reference::new(&compiled.quantized);
    let exact = (0..7).flat_map(|sample| reference.run(&batch.sample(sample)).unwrap().swap_remove(0));
    let real =
        exact.enumerate().map(|(index, integer)| interface.outputs[0].real(index % 2, integer)).collect();
    let expected = [Array { shape: vec![7, 2], values: expected(real) }];
    let expected = Expected::new(interface, &expected, 7).unwrap();
    compare(&container, &reference, &batch, Some(&expected), || {})
}

#[test]
fn a_program_of_another_model_is_found() {
    let mut other = tiny();
    data(&mut other, "b2")[1] = 0.0371;
    let result = compared(&other, &tiny(), |real| real);
    assert_eq!((result.samples, result.elements, result.expected_mismatches), (7, 14, Some(0)));
    // One more unit of the output in its second channel, wherever that is not at an end of its range.
    assert_eq!((result.mismatches, result.max_difference), (7, 1));
    let first = result.first.unwrap();
    assert_eq!((first.sample, first.index.as_slice()), (0, &[1][..]));
    assert_eq!(first.runtime, first.reference + 1);
}

#[test]
fn expected_codes_are_the_nearest_ones() {
    let shifted = |by: f64| {
        move |mut real: Vec<f64>| {
            real[5] += by * f64::from(0.037f32);
            real
        }
    };
    assert_eq!(compared(&tiny(), &tiny(), shifted(0.4)).expected_mismatches, Some(0));
    let result = compared(&tiny(), &tiny(), shifted(-2.6));
    assert_eq!((result.mismatches, result.expected_mismatches, result.max_difference), (0, Some(1), 0));
    let quality = &result.quality[0];
    assert_eq!((quality.elements, quality.differing), (14, 1));
    assert!((quality.max_error - 2.6 * f64::from(0.037f32)).abs() < 1e-9, "{quality:?}");
    assert!((quality.mean_error * 14.0 - quality.max_error).abs() < 1e-9, "{quality:?}");
    let first = result.first.unwrap();
    assert_eq!((first.sample, first.expected), (2, Some(first.reference - 3)));
}

/// The caller computes a softmax and the quantizer behind it; expected outputs are compared with what it gets.
#[test]
fn expected_outputs_of_a_softmax_are_those_of_the_model() {
    let model = with_quantized_softmax();
    let softmax = |real: Vec<f64>| -> Vec<f64> {
        let row = |row: &[f64]| {
            let [a, b] = [row[0].exp(), row[1].exp()];
            [a, b].map(|power| (power / (a + b) * 256.0).round_ties_even().clamp(0.0, 255.0) / 256.0)
        };
        real.chunks(2).flat_map(row).collect()
    };
    let result = compared(&model, &model, softmax);
    assert_eq!((result.mismatches, result.expected_mismatches, result.first), (0, Some(0), None));
    let result = compared(&model, &model, |real| {
        let mut expected = softmax(real);
        expected[3] += 1.0 / 256.0;
        expected
    });
    assert_eq!((result.mismatches, result.expected_mismatches, result.max_difference), (0, Some(1), 0));
    let first = result.first.unwrap();
    let [own, expected] = first.results.unwrap();
    assert_eq!((first.sample, &*first.index, first.expected), (1, &[1][..], None));
    assert_eq!((own * 256.0).fract(), 0.0);
    assert_eq!(expected - own, 1.0 / 256.0);
}

#[test]
fn expected_real_values_have_a_tolerance() {
    let model = without_output_quantizer();
    let off = |by: f64| {
        move |mut real: Vec<f64>| {
            let largest = real[..2].iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            real[0] += by * largest;
            real
        }
    };
    assert_eq!(compared(&model, &model, off(0.9e-5)).expected_mismatches, Some(0));
    assert_eq!(compared(&model, &model, off(2e-5)).expected_mismatches, Some(1));
    assert_eq!(compared(&model, &model, off(2e-5)).mismatches, 0);
}

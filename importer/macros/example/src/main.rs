//! Classifies a handwritten digit with a model that Cargo compiles from its ONNX file: `cargo run --release`.
//!
//! Twice, to show both ways: by the build script, and by a macro. A firmware needs one of them.

use exactum_display::{RealFixed, fixed::types::I16F16, softmax};
use exactum_runtime::num::Real;

/// The model that `build.rs` compiles.
mod built {
    exactum_runtime::include_model!("model");
}

/// The same model as a macro compiles it.
mod included {
    exactum_macros::model!(
        "../../../tests/fixtures/digits/digits_mlp/model.onnx",
        "--target",
        "mps2-an386",
        "--labels",
        "labels.txt"
    );
}

/// Grey levels of a nine, 0 to 16.
#[rustfmt::skip]
const NINE: [u8; 64] = [
    0, 0, 11, 12,  0,  0,  0, 0,
    0, 2, 16, 16, 16, 13,  0, 0,
    0, 3, 16, 12, 10, 14,  0, 0,
    0, 1, 16,  1, 12, 15,  0, 0,
    0, 0, 13, 16,  9, 15,  2, 0,
    0, 0,  0,  3,  0,  9, 11, 0,
    0, 0,  0,  0,  9, 15,  4, 0,
    0, 0,  9, 12, 13,  3,  0, 0,
];

/// The scores of an image. Channels have scales of their own, so integers alone do not compare.
fn scores(image: &[u8; 64]) -> [Real; 10] {
    let pixels = image.map(|level| f32::from(level) / 16.0);
    let mut model = built::Model::new();
    let codes = *model.run_f32(&pixels);
    assert_eq!(codes, *included::Model::new().run_f32(&pixels), "both are the same model");
    std::array::from_fn(|class| built::OUTPUT_NUMBERS.real(class, codes[class]))
}

/// The class of the largest score. All are in one unit, so their counts compare.
fn best(scores: &[Real; 10]) -> usize {
    (0..scores.len()).max_by_key(|class| scores[*class].count).unwrap_or_default()
}

fn main() {
    let scores = scores(&NINE);
    let class = best(&scores);
    let mut probabilities = [0.0; 10];
    softmax(scores, &mut probabilities);
    println!(
        "{}: score {:.3}, {:.1} %",
        built::OUTPUT_LABELS[class],
        scores[class].saturating_fixed::<I16F16>(),
        100.0 * probabilities[class]
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scores that the Python `qonnx` executor computes in floats: those of the second test image.
    const EXPECTED: [f32; 10] = [
        0.17073303, -6.101012, -13.669148, -6.59424, -8.162881, 1.8106412, -7.020817, -4.5567255, -1.1964128,
        5.189411,
    ];

    #[test]
    fn scores_are_those_of_the_file() {
        let found = scores(&NINE);
        assert_eq!(built::OUTPUT_LABELS[best(&found)], "nine");
        for (found, expected) in found.iter().zip(EXPECTED) {
            // Its floats are rounded at every step.
            assert!((found.to_f32() - expected).abs() < 1e-5, "{} {expected}", found.to_f32());
        }
    }
}

//! What stays refused on constants, and why: the one list that the documentation prints and the test of ONNX's own cases
//! holds complete.

/// Operators of the standard that no constants are computed with.
pub(super) const OPERATORS: &[(&[&str], &str)] = &[
    (
        &[
            "Attention",
            "CausalConvWithState",
            "FlexAttention",
            "LinearAttention",
            "RotaryEmbedding",
            "SwiGLU",
            "TensorScatter",
        ],
        "layers of transformers, whose operands are computed",
    ),
    (&["GRU", "LSTM", "RNN"], "recurrent layers, whose operands are computed"),
    (
        &["AffineGrid", "Col2Im", "DeformConv", "GridSample", "MaxUnpool", "NonMaxSuppression", "RoiAlign"],
        "sampling of images and choice of boxes, whose operands are computed",
    ),
    (&["DFT", "MelWeightMatrix", "STFT"], "spectra: store their tables as initializers"),
    (
        &[
            "Bernoulli",
            "Multinomial",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike",
        ],
        "random numbers, which are others each time",
    ),
    (&["Loop", "Scan", "SequenceMap"], "loops: unroll them"),
    (
        &[
            "ConcatFromSequence",
            "Optional",
            "OptionalGetElement",
            "OptionalHasElement",
            "SequenceAt",
            "SequenceConstruct",
            "SequenceEmpty",
            "SequenceErase",
            "SequenceInsert",
            "SequenceLength",
            "SplitToSequence",
        ],
        "values that are no tensors",
    ),
    (
        &["RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"],
        "texts, which are no numbers",
    ),
    (&["ImageDecoder"], "files of images"),
];

/// Forms of operators that are computed else.
pub(super) const FORMS: &[(&[&str], &str)] = &[
    (
        &["Cast", "CastLike"],
        "numbers beyond an integer type and NaN in float4e2m1, whose result the definition leaves open; float8e8m0",
    ),
    (&["Dropout"], "training with a ratio above 0, which is random"),
    (&["BatchNormalization"], "training mode"),
    (&["DequantizeLinear"], "blocks of integers whose scales have no small common step"),
    (
        &["Resize"],
        "align_corners with scales that leave a part of an element, on which readers do not agree; nearest with antialias",
    ),
];

/// The part of the documentation on constants.
pub(crate) fn page() -> String {
    let mut computed: Vec<&str> = super::operators().map(|operator| operator.name).collect();
    computed.sort_unstable();
    let mut page = String::from(concat!(
        "\n## On constants\n\n",
        "Where all operands are constants, these operators of the standard are computed as well, as they are defined but for\n",
        "the forms below:\n\n",
    ));
    let names: Vec<String> = computed.iter().map(|name| format!("`{name}`")).collect();
    page.push_str(&names.join(", "));
    page.push_str(concat!(
        ".\n\nRefused on constants, beside results that are too large to be meant and NaN or infinities that a network would\n",
        "compute with:\n\n| Operators | Why |\n|---|---|\n",
    ));
    for (names, why) in OPERATORS.iter().chain(FORMS) {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        page.push_str(&format!("| {} | {why} |\n", names.join(", ")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_not_computed() {
        let computed = |name: &str| super::super::operator(name).is_some();
        assert!(OPERATORS.iter().flat_map(|(names, _)| *names).all(|name| !computed(name)));
        assert!(FORMS.iter().flat_map(|(names, _)| *names).all(|name| computed(name) || *name == "Dropout"));
    }
}

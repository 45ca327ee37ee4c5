//! What of each operator the compiler reads: one declaration an operator, beside the function that reads it.
//!
//! `lift` looks nodes up here; `exactum ops` and `docs/operators.md` are printed from it.

use exactum_qonnx::ops::{OpSchema, schemas};
use exactum_qonnx::{DEFAULT_DOMAIN_NAME, Node};

use super::{
    Context, Lifter, activation, arithmetic, choose, conv, extremes, functions, fused, integer, matmul,
    moves, normalization, padding, patches, pool, qlinear, quant, reduce, repeat, resize, slices,
};
use crate::diagnostic::{Code, Diagnostic, Location};

/// An operator that the compiler reads.
#[derive(Debug)]
pub struct Support {
    /// Name in its schema.
    pub op: &'static str,
    /// What of it is read, and what is not.
    pub note: &'static str,
    pub(super) lift: fn(&mut Lifter<'_>, &Context<'_>) -> Result<(), Diagnostic>,
}

macro_rules! operators {
    ($($op:literal, $lift:path, $note:literal;)*) => {
        /// Every operator that is read, in families.
        pub const OPERATORS: &[Support] = &[$(Support { op: $op, note: $note, lift: $lift },)*];
    };
}

operators! {
    "Quant", quant::quant,
        "all rounding modes, 1 to 32 bits, signed 1 bit as -1 and 1; constant positive scale, zero point and bit width";
    "BipolarQuant", quant::bipolar, "constant positive scale";
    "Trunc", quant::trunc, "versions 1 and 2";
    "Im2Col", patches::im2col, "windows as rows, `pad_value` 0; with a `MatMul` by a constant the convolution that it was";
    "MultiThreshold", quant::multi_threshold, "constant thresholds, positive out_scale; channels second or last";
    "QuantizeLinear", qlinear::quantize, "2, 4, 8 and 16 bits, per tensor or channel, constant scales; no blocks but of equal scales";
    "DequantizeLinear", qlinear::dequantize, "of codes and of constants, int32 biases too; blocks of constants whose scales are small multiples of one";
    "DynamicQuantizeLinear", qlinear::dynamic, "of constants; else refused: scales are constants";
    "QLinearConv", qlinear::conv, "as Conv, constant weight and bias";
    "QLinearMatMul", qlinear::mat_mul, "as MatMul, constant second operand";
    "QGemm", qlinear::gemm, "as Gemm, constant matrix and summand; codes or floats as result";
    "QLinearAdd", qlinear::binary, "as Add";
    "QLinearMul", qlinear::binary, "as Mul";
    "QLinearConcat", qlinear::concat, "as Concat";
    "QLinearAveragePool", qlinear::unary, "as AveragePool, channels first or last";
    "QLinearGlobalAveragePool", qlinear::unary, "as GlobalAveragePool, channels first or last";
    "QLinearSigmoid", qlinear::unary, "as Sigmoid";
    "QLinearLeakyRelu", qlinear::unary, "as LeakyRelu";
    "QLinearSoftmax", qlinear::unary, "as Softmax";
    "QLinearReduceMean", qlinear::unary, "as ReduceMean";
    "ConvInteger", integer::conv_integer, "codes of one constant scale, constant weight";
    "MatMulInteger", integer::mat_mul_integer, "codes of one constant scale, constant second operand";
    "Conv", conv::conv, "lines and images, constant weight and bias; groups, dilations, all kinds of padding";
    "ConvTranspose", conv::conv_transpose, "lines and images, constant weight and bias; output_padding, output_shape, groups";
    "Gemm", matmul::gemm, "constant matrix and summand";
    "FusedConv", fused::conv, "as Conv, a summand and an activation: Relu, LeakyRelu, Clip, Sigmoid, Tanh, HardSigmoid";
    "FusedGemm", fused::gemm, "as Gemm and an activation, as FusedConv";
    "FusedMatMul", fused::mat_mul, "as MatMul, operands transposed and a factor; not transBatchA, transBatchB";
    "MatMul", matmul::mat_mul, "one constant matrix, on either side, times a tensor of any rank";
    "BatchNormalization", normalization::batch_normalization, "inference, constant statistics";
    "Add", arithmetic::binary, "two computed tensors, or a constant per tensor, channel or element";
    "Sub", arithmetic::binary, "two computed tensors, or a constant per tensor, channel or element on either side";
    "Mul", arithmetic::binary, "two computed tensors, or a constant per tensor, channel or element";
    "Div", arithmetic::binary, "by a constant per tensor, channel or element, or by a function of the same quantized values";
    "Pow", arithmetic::binary, "by a constant, or of a positive constant; not of accumulators where it rises and falls";
    "Sum", arithmetic::sum, "as Add";
    "Mean", arithmetic::sum, "as Add";
    "Min", extremes::bound, "computed tensors, and constants per tensor, channel or element";
    "Max", extremes::bound, "computed tensors, and constants per tensor, channel or element";
    "Neg", activation::neg, "";
    "Ceil", activation::round, "";
    "Floor", activation::round, "";
    "Round", activation::round, "";
    "Abs", activation::plain, "";
    "Relu", activation::relu, "";
    "LeakyRelu", activation::leaky_relu, "";
    "PRelu", activation::p_relu, "a constant slope, or one for each channel";
    "Clip", activation::clip, "constant bounds; of codes too";
    "HardSigmoid", activation::hard_sigmoid, "";
    "HardSwish", activation::hard_swish, "of quantized values";
    "Elu", activation::elu, "";
    "Erf", activation::plain, "";
    "Gelu", functions::gelu, "of quantized values; also the approximation by tanh";
    "QuickGelu", functions::swish, "of quantized values";
    "FastGelu", functions::biased_gelu, "of quantized values, with a constant bias";
    "BiasGelu", functions::biased_gelu, "of quantized values, with a constant bias";
    "Selu", functions::selu, "";
    "Celu", functions::celu, "positive alpha";
    "ThresholdedRelu", functions::thresholded_relu, "";
    "Shrink", functions::shrink, "";
    "Swish", functions::swish, "of quantized values";
    "Mish", functions::mish, "of quantized values";
    "Softplus", functions::plain, "";
    "Softsign", functions::plain, "";
    "Reciprocal", functions::plain, "of quantized values";
    "Sign", functions::plain, "";
    "Sqrt", functions::plain, "where no negative value is reached";
    "Exp", functions::plain, "";
    "Log", functions::plain, "where no negative value is reached";
    "Sin", functions::plain, "of quantized values";
    "Cos", functions::plain, "of quantized values";
    "Tan", functions::plain, "of quantized values";
    "Asin", functions::plain, "of quantized values from -1 to 1";
    "Acos", functions::plain, "of quantized values from -1 to 1";
    "Atan", functions::plain, "";
    "Sinh", functions::plain, "";
    "Cosh", functions::plain, "of quantized values";
    "Asinh", functions::plain, "";
    "Acosh", functions::plain, "of quantized values from 1 on";
    "Atanh", functions::plain, "of quantized values from -1 to 1";
    "Sigmoid", activation::plain, "";
    "Tanh", activation::plain, "";
    "Softmax", choose::softmax, "at the end of the network";
    "MaxPool", pool::max_pool, "lines and images, ceil_mode, dilations; not Indices";
    "ReorderInput", pool::reorder, "";
    "ReorderOutput", pool::reorder, "";
    "NhwcMaxPool", pool::max_pool, "as MaxPool, channels last";
    "AveragePool", pool::average_pool, "lines and images, ceil_mode, count_include_pad, dilations";
    "GlobalAveragePool", pool::global_average_pool, "";
    "MaxPoolNHWC", pool::max_pool, "as MaxPool, channels last";
    "GlobalMaxPool", pool::global_max_pool, "";
    "ReduceMean", reduce::reduce, "over any axes but the batch";
    "ReduceSum", reduce::reduce, "over any axes but the batch";
    "ReduceMax", reduce::reduce, "over any axes but the batch";
    "ReduceMin", reduce::reduce, "over any axes but the batch";
    "ReduceL1", reduce::reduce, "over any axes but the batch";
    "ReduceL2", reduce::reduce, "over any axes but the batch";
    "ReduceSumSquare", reduce::reduce, "over any axes but the batch";
    "ReduceLogSum", reduce::reduce, "over any axes but the batch";
    "ReduceProd", reduce::reduce, "of at most 16 elements, whose product fits 32 bits";
    "CumSum", reduce::cum_sum, "along any axis but the batch";
    "Equal", functions::compare, "of computed values and constants";
    "Greater", functions::compare, "of computed values and constants";
    "Less", functions::compare, "of computed values and constants";
    "GreaterOrEqual", functions::compare, "of computed values and constants";
    "LessOrEqual", functions::compare, "of computed values and constants";
    "And", functions::logic, "of computed values and constants";
    "Or", functions::logic, "of computed values and constants";
    "Xor", functions::logic, "of computed values and constants";
    "Not", functions::logic, "";
    "Where", extremes::choose, "a constant condition, or one that is computed";
    "TopK", choose::top_k, "";
    "ArgMax", choose::arg, "the first of equal elements";
    "ArgMin", choose::arg, "the first of equal elements";
    "Flatten", moves::reshape, "";
    "Reshape", moves::reshape, "constant shape";
    "Squeeze", moves::reshape, "constant axes";
    "Unsqueeze", moves::reshape, "constant axes";
    "Transpose", moves::transpose, "";
    "Concat", moves::concat, "not along the batch";
    "Slice", slices::slice, "constant bounds and steps, negative ones too";
    "Split", slices::split, "constant sizes";
    "Gather", slices::gather, "constant indices";
    "Pad", padding::pad, "constant, reflect, edge and wrap; negative padding too";
    "Expand", repeat::expand, "constant shape";
    "Tile", repeat::tile, "constant counts";
    "Resize", resize::resize, "nearest neighbours: repetitions, or a regular part";
    "Upsample", resize::resize, "nearest neighbours: repetitions";
    "DepthToSpace", repeat::blocks, "DCR and CRD";
    "SpaceToDepth", repeat::blocks, "DCR and CRD";
    "Identity", moves::identity, "";
    "Dropout", moves::identity, "inference";
    "DebugMarker", moves::identity, "";
    "Cast", moves::cast, "between floats, of which short ones round; of codes to floats, of codes and limited numbers to integers; of constants to all numbers";
    "Shape", moves::shape_of, "";
    "Size", moves::shape_of, "";
    "Constant", known, "numbers";
    "ConstantOfShape", known, "of constants";
    "Range", known, "of constants";
}

/// Operators that people ask for, and what to use instead.
const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["FloatQuant"],
        "FloatQuant rounds to a minifloat (an exponent and a mantissa), which no integer program holds: use an integer \
         quantizer of Brevitas, such as Int8WeightPerTensorFloat for weights and Int8ActPerTensorFloat for activations",
    ),
    (&["LogSoftmax"], "remove it: log-probabilities are in the order of its inputs; or end in Softmax"),
    (
        &["LSTM", "GRU", "RNN", "QuantLSTMCell", "Scan", "Loop", "If"],
        "loops, states and branches have no program: write one step of it with layers, sigmoids and tanhs, its state as \
         one more input and output; or use convolutions along time",
    ),
    (
        &["LayerNormalization", "InstanceNormalization", "GroupNormalization", "LpNormalization", "LRN"],
        "statistics of the input are none of constants: use BatchNorm, which inference makes constant",
    ),
    (
        &["Attention", "MultiHeadAttention", "Einsum", "QAttention"],
        "products of two computed tensors have no integer form here: use layers with constant weights",
    ),
    (
        &["DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"],
        "quantize statically, with calibration data, so that the scales of activations are constants: \
         `exactum-quantize`, or quantize_static of ONNX Runtime",
    ),
];

/// An operator that constants only are computed with.
fn known(_: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let computed = (0..context.operands.len()).find(|index| context.value(*index).is_some());
    match computed {
        Some(index) => {
            let problem = context.computed(index, "constants only");
            Err(problem.with_hint(
                "the operator serves shapes and scales; it has no integer form of computed values",
            ))
        }
        None => Err(context.form("", "constants of this form", "numbers")),
    }
}

impl Support {
    /// How `node` is read.
    pub(super) fn of(node: &Node) -> Option<&'static Self> {
        let schema = node.operator()?;
        OPERATORS.iter().find(|support| support.op == schema.op_type)
    }
}

/// What to use instead of an operator that is not read, in whatever letters it is called.
pub fn instead_of(op: &str) -> Option<&'static str> {
    let called = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(op));
    INSTEAD.iter().find(|(names, _)| called(names)).map(|(_, instead)| *instead)
}

/// The problem of a node whose operator is not read.
pub(super) fn refusal(at: &Location, node: &Node) -> Diagnostic {
    let found = match node.domain.as_str() {
        "" => node.op_type.clone(),
        domain => format!("{} of domain {domain}", node.op_type),
    };
    let problem =
        Diagnostic::new(Code::UnsupportedOperator, at.clone(), found, "an operator that `exactum ops` lists");
    let instead = instead_of(&node.op_type);
    let known = schemas().find(|schema| schema.is_called(&node.op_type) && node.operator().is_none());
    match (instead, known) {
        (Some(hint), _) => problem.with_hint(hint),
        (None, Some(schema)) => {
            problem.with_hint(format!("the operator is known in domain {}", domain(schema.domains[0])))
        }
        (None, None) => problem,
    }
}

fn domain(name: &str) -> &str {
    if name.is_empty() { DEFAULT_DOMAIN_NAME } else { name }
}

/// A row of the support table: an operator with all its signatures.
#[derive(Debug)]
pub struct Row {
    /// Name.
    pub op: &'static str,
    /// Other names.
    pub aliases: Vec<&'static str>,
    /// Domains it is found in, the usual one first.
    pub domains: Vec<&'static str>,
    /// Versions of its domain in which a signature began.
    pub versions: Vec<i64>,
    /// What it computes.
    pub summary: &'static str,
    /// What of it is read; `None` if it is refused.
    pub note: Option<&'static str>,
}

/// Every operator with a schema, those that are read first and in the order of their families.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = vec![];
    for support in OPERATORS {
        let signatures: Vec<&OpSchema> = schemas().filter(|schema| schema.op_type == support.op).collect();
        rows.extend(row(&signatures, Some(support.note)));
    }
    let refused: Vec<&OpSchema> =
        schemas().filter(|schema| OPERATORS.iter().all(|support| support.op != schema.op_type)).collect();
    for schema in refused {
        rows.extend(row(&[schema], None));
    }
    rows
}

fn row(signatures: &[&'static OpSchema], note: Option<&'static str>) -> Option<Row> {
    let first = signatures.first()?;
    let mut domains: Vec<&str> = vec![];
    for name in signatures.iter().flat_map(|schema| schema.domains).map(|name| domain(name)) {
        if !domains.contains(&name) {
            domains.push(name);
        }
    }
    let mut versions: Vec<i64> = signatures.iter().map(|schema| schema.since).collect();
    versions.sort_unstable();
    versions.dedup();
    Some(Row {
        op: first.op_type,
        aliases: first.aliases.to_vec(),
        domains,
        versions,
        summary: first.summary,
        note,
    })
}

/// The text of `docs/operators.md`.
pub fn page() -> String {
    let mut page = String::from(concat!(
        "# Operators\n\n",
        "What `exactum` reads, as `exactum ops` prints it. Versions are those of the operator set in which a form of the\n",
        "operator began. An operator whose operands are all constants of the model is computed when the model is read.\n\n",
        "| Operator | Domains | Versions | Computes | What is read |\n|---|---|---|---|---|\n",
    ));
    for row in rows() {
        let names: Vec<String> =
            std::iter::once(&row.op).chain(&row.aliases).map(|name| format!("`{name}`")).collect();
        let versions: Vec<String> = row.versions.iter().map(i64::to_string).collect();
        let note = match row.note {
            Some("") => "all",
            Some(note) => note,
            None => "refused",
        };
        page.push_str(&format!(
            "| {} | {} | {} | {} | {note} |\n",
            names.join(", "),
            row.domains.join(", "),
            versions.join(", "),
            row.summary,
        ));
    }
    page.push_str(&crate::constants::page());
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_declared_once_and_has_a_schema() {
        for (index, support) in OPERATORS.iter().enumerate() {
            assert!(schemas().any(|schema| schema.op_type == support.op), "{}", support.op);
            assert!(OPERATORS[..index].iter().all(|other| other.op != support.op), "{}", support.op);
        }
        let refused: Vec<&str> = rows().iter().filter(|row| row.note.is_none()).map(|row| row.op).collect();
        assert_eq!(refused, ["FloatQuant"]);
    }

    #[test]
    fn the_page_in_the_documentation_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operators.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page(), "docs/operators.md is outdated; BLESS=1 with this test rewrites it");
    }
}

//! What helps where an operator has no float layer.

/// Whether `operator` keeps a state from one step of a sequence to the next.
pub(super) fn is_recurrent(operator: &str) -> bool {
    matches!(operator, "LSTM" | "GRU" | "RNN" | "Scan" | "Loop")
}

/// What to do instead of using `operator`, as part of a sentence.
pub(super) fn instead_of(operator: &str) -> &'static str {
    match operator {
        "LogSoftmax" => "remove it: log-probabilities are in the order of its inputs; or end in Softmax",
        "ArgMax" | "ArgMin" | "TopK" => {
            "remove it and export its input: the class is the index of the largest output"
        }
        "HardSwish" | "HardSigmoid" | "Gelu" | "Erf" | "Elu" | "Selu" | "Celu" | "Mish" | "Softplus"
        | "Softsign" | "Swish" | "LeakyRelu" | "PRelu" | "ThresholdedRelu" | "Pow" | "Exp" | "Log"
        | "Sqrt" => {
            "train the network with Relu, Clip, Sigmoid or Tanh, or quantize it with Brevitas, whose files `exactum \
             build` reads"
        }
        "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "LpNormalization"
        | "LRN"
        | "MeanVarianceNormalization" => {
            "use BatchNormalization: statistics of the input at hand have no integer program"
        }
        "LSTM" | "GRU" | "RNN" | "Scan" | "Loop" | "If" => {
            "use convolutions over time, such as those of a temporal convolutional network"
        }
        "Attention" | "MultiHeadAttention" | "Einsum" => {
            "use convolutions and linear layers with constant weights"
        }
        "Gather" | "GatherND" | "GatherElements" | "OneHot" => {
            "feed the network what it looks up: embeddings are computed before the first layer"
        }
        "Resize" | "Upsample" => {
            "use ConvTranspose, or train with exactum_training, which has an upsampling layer"
        }
        "DepthToSpace" | "SpaceToDepth" => "use ConvTranspose or a Conv with a stride",
        "GlobalMaxPool" => "use MaxPool with windows as large as the input",
        "ReduceMax" | "ReduceMin" | "ReduceSum" | "ReduceL2" | "Max" | "Min" | "Sum" | "Mean" => {
            "use MaxPool, AveragePool, ReduceMean or Add"
        }
        "Split" | "Slice" => "use a Conv for each part of the channels, or groups",
        "QuantizeLinear" | "DequantizeLinear" | "Quant" | "QLinearConv" | "QLinearMatMul" | "ConvInteger" => {
            "the network is quantized already; give it to `exactum build`"
        }
        "NonMaxSuppression" | "RoiAlign" | "Where" | "NonZero" => {
            "export the network without its postprocessing"
        }
        _ => "export the network without it, or with layers of the following operators",
    }
}

//! The codes of all diagnostics, declared once: number, title, explanation, help.
//!
//! `exactum explain`, `docs/errors.md` and the fixtures of failing inputs are all driven by this table.

macro_rules! codes {
    ($($variant:ident = $number:literal, $title:literal, $help:literal;)*) => {
        /// The kind of a problem. The first two digits are the stage: 01 reading, 02 unsupported, 03 quantization,
        /// 04 ranges and proofs, 05 memory, 06 dataflow, 07 programs, 08 data, 09 boards.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, ascending.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// `E0304` and the like.
            pub const fn number(self) -> &'static str {
                match self { $(Self::$variant => $number,)* }
            }

            /// The problem in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what to do about it, one paragraph.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

codes! {
    Unreadable = "E0101", "the file cannot be read",
        "The file does not exist, is a folder, or its permissions forbid reading. Check the path as it is printed.";
    NotOnnx = "E0102", "the file is not a complete ONNX model",
        "The bytes do not decode as an ONNX protobuf. The file is truncated or of another kind; or a side file, in which exporters keep the data of large models, is missing or shorter than the model says. Keep side files in the folder of the model, under their names.";
    BadTensor = "E0103", "a tensor of the file is malformed",
        "The declared shape and the data of an initializer do not fit together, or its element type is not supported. Export the model again.";
    BadGraph = "E0104", "the graph is not well formed",
        "A node reads a value that nothing produces, a value is produced twice, or nodes form a cycle. Run the ONNX checker on the file and export it again.";
    BadSchema = "E0105", "a node does not follow its operator's schema",
        "The node has a missing, unknown or ill-typed attribute, or the wrong number of inputs or outputs. Compare it with the operator's definition.";
    UnsupportedOperator = "E0201", "the operator is not supported",
        "No integer meaning is defined for this operator. Replace it in the model, or export it as supported operators: `exactum ops` lists them, with what of each is read. In Brevitas use the Quant layers (QuantConv2d, QuantLinear, QuantReLU, QuantHardTanh, QuantSigmoid, QuantTanh) with integer quantizers.";
    UnsupportedForm = "E0202", "the operator is supported, but not in this form",
        "An attribute or an input has a value that the compiler cannot turn into integers. The message says which values are possible; `exactum ops NAME` says what of the operator is read.";
    NotConstant = "E0203", "the input must be a constant of the model",
        "Weights, biases, scales, zero points, bit widths and shapes have to be known when the model is compiled. Dynamic quantization is not supported: in ONNX Runtime quantize statically with calibration data, in Brevitas use activation quantizers with learned or constant scales (not the dynamic ones), and export after model.eval().";
    ShapeMismatch = "E0204", "the shapes do not fit",
        "The shapes of a node's inputs contradict each other or the node's attributes, or an input leaves sizes open other than the batch. Check the layer's sizes. Sizes that the file leaves open are given by `--dim height=32` or `--input-shape x=1,3,32,32`, or by an export with an example input of the size that the model will run on.";
    NoSteps = "E0205", "the network cannot run step by step along the streamed axis",
        "`--stream` makes a program of a step from the network of a window: layers along the axis keep what they need of the past. A node that mixes all frames before others follow, or all of a window of which padding reaches some, has no such form. docs/streaming.md lists what has one. Before values of the whole window pad before the first frame only, and in every layer or in none.";
    BadBinding = "E0206", "an output cannot be kept as an input",
        "`--bind OUTPUT=INPUT` makes a state of the device of what the model gives to its caller and takes again with the next sample. Both have to be the same integers: one shape, one type, one scale and zero point. Share the quantizer, or quantize the output as the input is.";
    BadOrder = "E0207", "an input cannot be taken with its channels last",
        "`--channels-last` makes a program that takes images as height, width, channels, and signals as frames, channels, where the file has the channels along axis 1. The input needs axes behind that one.";
    MissingScale = "E0301", "a value has no quantization",
        "A layer can only be computed in integers if its inputs and weights are quantized. In Brevitas give the layer an input quantizer (or put a QuantIdentity before it) and a weight quantizer. For an input that comes as integers already, `--input-type NAME=uint8*0.0039` says what they stand for. `exactum-quantize` gives a network in floats its quantizers.";
    BadScale = "E0302", "the scale is not a positive finite number",
        "A scale of zero, below zero, infinite or NaN has no integer meaning. Calibrate or train the model before it is exported; an abs-max scale of an all-zero weight is zero. A negative scale is no magnitude: turn the sign of the weights instead.";
    BadZeroPoint = "E0303", "the zero point is not usable",
        "A zero point has to be an integer inside the range of its codes, and weights need zero point 0.";
    BadBitWidth = "E0304", "the bit width is not supported",
        "Bit widths are integers: 1 to 16 for weights, 1 to 24 for activations that a layer reads, 1 to 32 for biases and for codes that only move. Learned bit widths have to be rounded when the model is exported.";
    BadChannels = "E0305", "the scale does not fit the channels",
        "A scale is a scalar, or has one element for each output channel of the weight. Other shapes, such as scales for groups or for input channels, have no integer form here.";
    AccumulatorTooWide = "E0401", "an accumulator needs more than 32 bits",
        "The exact bounds of the accumulator, from the actual weights and the range of the inputs, leave 32 bits, and the sums are stored. A layer whose sums a quantizer takes at once may have 64-bit ones, with a warning. Use narrower weights or activations, put a quantizer after the layer, or split it.";
    NoRequantization = "E0402", "no integer form of the requantization exists within the limits",
        "Every form the compiler knows was tried and refuted for the named channel. Use an output of 8 bits or less, or a power-of-two scale.";
    ProofRefuted = "E0403", "the independent checker refuted a requantization",
        "The checker found an accumulator for which the integer form differs from the exact function. This is a fault of the compiler: please report it with the model.";
    TooLarge = "E0501", "the model exceeds a limit of the program format",
        "A tensor or the whole program is larger than the format can address. Use a smaller model.";
    DoesNotFit = "E0502", "the program does not fit the target",
        "A target's file or a board's memory map says how much flash and RAM the machine has, `--max-flash`, `--max-ram` and `--max-stack` say how much a program may take; this one needs more. `exactum size` shows where it goes. Fewer or smaller layers, weights of fewer bits and smaller inputs need less; or choose another target or board.";
    BadTarget = "E0503", "the target is not known, or its file is not one",
        "`--target` takes the name of a target, which `exactum targets` lists, or the path of a file that ends in .toml. docs/targets.md says what such a file holds.";
    UnknownBoard = "E0504", "the board is not known",
        "`--board` takes the name of a board, which `exactum boards` lists. A machine of your own is a target: a file of facts, as docs/targets.md describes it, given by `--target`.";
    UnknownDevice = "E0601", "the device is not known",
        "The dataflow command knows the devices and boards that `exactum dataflow --help` lists. Choose one of them.";
    TargetNotReachable = "E0602", "the target frame rate is not reachable",
        "Even with the largest legal folding the slowest stage needs more cycles than the target allows. Lower the target, raise the clock, or change the layer that is named.";
    NotDataflow = "E0603", "the graph has no dataflow form",
        "A node of the integer graph has no streaming stage. The message names it.";
    BadFolding = "E0604", "the folding is not one of the stage's",
        "A folding file names stages as `folding_config.json` does, and for each a PE and a SIMD that divide what they unroll. The message says which do.";
    DesignTooBig = "E0605", "the design does not fit",
        "The stages and the width converters between them take more than the device has, or than `--max-lut`, `--max-bram`, `--max-uram` and `--max-dsp` allow. Lower the rate, allow more, or choose a larger device.";
    BadProgram = "E0701", "the program is corrupted or not a program",
        "A check of the program's header, checksum, tables or operators failed. Build it again from the model.";
    BadContainer = "E0702", "the file is not a complete .exa container",
        "The bytes do not decode as the container that exactum build writes. The file is truncated or of another kind. Build it again from the model.";
    BadInput = "E0801", "the input data does not fit the model",
        "The array has another shape than the model's input, is missing or one too many, or holds NaN or no numbers. The first axis is the batch; the others must equal the model's input shape.";
    NotNpy = "E0802", "the file is not a readable .npy array",
        "The bytes do not decode as a NumPy array. Save it again with numpy.save.";
    CannotWrite = "E0803", "the output cannot be written",
        "The folder does not exist, is read-only, or the disk is full. Nothing was left half written.";
    NotNpz = "E0804", "the file is not a readable .npz archive",
        "The bytes are no complete ZIP archive of NumPy arrays, or hold more than 2 GiB of them. Save it again with numpy.savez.";
    BadLabels = "E0805", "the labels do not fit the output",
        "`--labels` takes a text file with the name of a class on each line, in the order of the classes, and as many as the output tells apart. Where the model has several outputs, the one is named: `--labels OUTPUT=FILE`.";
    ToolMissing = "E0901", "a tool is missing",
        "Running or building firmware takes programs of the machine: QEMU for an emulated board, bash, and Cargo with Rust's target for the board's processor. The message names the one that is missing and how to install it; then do the same again.";
    FirmwareFailed = "E0902", "the firmware does not build",
        "The sources inside exactum were handed to Cargo, which refused them; its messages say why. Most often crates cannot be fetched because there is no network, or the compiler is older than exactum. The built firmware is kept, so this is needed once.";
    BoardRefuses = "E0903", "the board cannot run the program",
        "The board is not emulated, or its firmware has no room for the program, its working memory or its inputs; or the firmware stopped, and its log says why. `exactum boards` lists the boards.";
    OutputsDiffer = "E0904", "a device computes other outputs than this machine",
        "Every machine computes the same integers, so this is a fault of exactum, of the compiler of the firmware or of the device: please report it with the model.";
    FolderTaken = "E0905", "the folder is not empty",
        "A new project is written to a folder that does not exist yet, or is empty. Nothing was overwritten.";
}

/// What the first two digits of a number mean, in order from 01.
const STAGES: [&str; 9] = [
    "Reading",
    "Unsupported models",
    "Quantization",
    "Ranges and proofs",
    "Memory",
    "Dataflow",
    "Programs",
    "Data",
    "Boards",
];

impl Code {
    /// The stage that finds the problem.
    ///
    /// # Panics
    /// Never: every number belongs to a stage.
    pub fn stage(self) -> &'static str {
        let number: usize = self.number()[1..3].parse().expect("numbers are digits");
        STAGES[number - 1]
    }

    /// The code that is written `text`, in any case, with or without the `E` and zeros in front.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_start_matches(['E', 'e']);
        let digits = format!("{digits:0>4}");
        Self::ALL.iter().copied().find(|code| code.number()[1..] == digits)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_parse_back() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        for code in Code::ALL {
            assert_eq!(Code::parse(code.number()), Some(*code));
            assert!(!code.stage().is_empty());
        }
        for text in ["e0304", "E304", "304", "0304"] {
            assert_eq!(Code::parse(text), Some(Code::BadBitWidth), "{text}");
        }
        for text in ["E9999", "", "E", "E00304", "3O4"] {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }
}

//! What the command line says about a model's inputs beside the file: what their integers stand for, and open sizes.

use std::str::FromStr;

use crate::Keeping;
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::Outside;
use crate::input_shape::{self, AxisSize, InputShape};
use crate::input_type::{self, InputType};
use crate::lift::is_quantizer;
use crate::passes::InputOrder;
use exactum_qonnx::{Dim, Model};

use super::shell::{Shell, label};

/// What is told about inputs beside the model.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Inputs {
    /// Quantizer of an input that the model leaves in floats, or that it preprocesses, as NAME=TYPE*SCALE+ZERO_POINT,
    /// such as image=uint8*0.00392156862; the zero point may be left out.
    #[arg(long, value_name = "INPUT")]
    input_type: Vec<Told>,
    /// Size of the axes that the model calls NAME, such as height=32.
    #[arg(long, value_name = "NAME=SIZE")]
    dim: Vec<AxisSize>,
    /// Shape of an input whose sizes the model leaves open, such as image=1,3,32,32; the first counts the samples.
    #[arg(long, value_name = "NAME=SIZES")]
    input_shape: Vec<InputShape>,
    /// Make the program of a step, which takes the next frames of a signal: AXIS of the inputs, by its position (the batch
    /// is 0) or its name, is where frames follow each other, and what layers need of earlier ones is kept from run to run.
    #[arg(long, value_name = "AXIS", allow_negative_numbers = true)]
    stream: Option<String>,
    /// Take inputs with their channels last, as cameras give images, where the file has them along axis 1: all inputs with axes
    /// behind the channels, or the one of this name. Files of samples keep the order of the model's file.
    #[arg(long, value_name = "INPUT", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    channels_last: Vec<String>,
    /// Keep an output on the device as what an input is in the next run: zero in the first.
    #[arg(long, value_name = "OUTPUT=INPUT", conflicts_with = "stream")]
    bind: Vec<Pair>,
    /// Ports that take no place in the arena: they lie in buffers that the firmware gives for each run.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SIDES")]
    outside: Vec<Side>,
}

/// A side of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    /// What the program is given.
    Inputs,
    /// What it gives.
    Outputs,
}

/// Names of an output and an input.
#[derive(Clone, Debug)]
struct Pair([String; 2]);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text.split_once('=').filter(|(output, input)| !output.is_empty() && !input.is_empty());
        let (output, input) = pair.ok_or("OUTPUT=INPUT is needed, names of the model")?;
        Ok(Self([output.to_owned(), input.to_owned()]))
    }
}

/// A quantizer as it was typed.
#[derive(Clone, Debug)]
struct Told {
    quantizer: InputType,
    /// Whether a scale was typed as well.
    scaled: bool,
}

impl FromStr for Told {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { quantizer: text.parse()?, scaled: text.contains('*') })
    }
}

impl Inputs {
    /// Whether a program with states is asked for.
    pub(super) const fn keeps(&self) -> bool {
        self.stream.is_some() || !self.bind.is_empty()
    }

    /// Ports that lie outside the arena.
    pub(super) fn outside(&self) -> Outside {
        let [inputs, outputs] = [Side::Inputs, Side::Outputs].map(|side| self.outside.contains(&side));
        Outside { inputs, outputs }
    }

    /// The order in which the program takes the axes of its inputs.
    pub(super) fn order(&self) -> InputOrder {
        match self.channels_last.as_slice() {
            [] => InputOrder::OfFile,
            names if names.iter().any(String::is_empty) => InputOrder::ChannelsLast,
            names => InputOrder::ChannelsLastOf(names.to_vec()),
        }
    }

    /// What the program of `model`, whose sizes are as its file has them, keeps from run to run.
    pub(super) fn keeping(&self, model: &Model) -> Result<Keeping> {
        let Some(text) = &self.stream else {
            return Ok(match self.bind.as_slice() {
                [] => Keeping::Nothing,
                pairs => Keeping::Bound(pairs.iter().map(|Pair(names)| names.clone()).collect()),
            });
        };
        if let Ok(axis) = text.parse() {
            return Ok(Keeping::Steps { axis });
        }
        let named = |dim: &Dim| matches!(dim, Dim::Symbol(name) if name == text);
        let shapes = model.graph.inputs.iter().filter_map(|input| input.shape.as_ref());
        match shapes.filter_map(|shape| shape.iter().position(named)).next() {
            Some(axis) => Ok(Keeping::Steps { axis: axis as isize }),
            None => {
                let needed = "the position of an axis, such as 2, or a name that the model has for its size";
                let at = Location::part("--stream");
                Err(Diagnostic::new(Code::NoSteps, at, format!("axis `{text}`"), needed).into())
            }
        }
    }

    /// Writes it into `model`.
    pub(super) fn apply(&self, model: &mut Model, shell: &Shell) -> Result<()> {
        input_shape::apply(model, &self.dim, &self.input_shape)?;
        for Told { quantizer, scaled } in &self.input_type {
            let InputType { name, int, .. } = quantizer;
            let reads = |node: &&exactum_qonnx::Node| node.input(0) == Some(name) && is_quantizer(node);
            if let Some(reader) = model.graph.nodes.iter().find(reads) {
                shell.status(&format!(
                    "warning: the model quantizes `{}` itself, by {}; --input-type puts another quantizer before it",
                    label(name),
                    reader.op_type
                ));
            }
            if !scaled {
                shell.status(&format!(
                    "note: --input-type {0}={int} has no scale, so one code stands for 1; for numbers from {1} it is \
                     {0}={int}*{2}",
                    label(name),
                    if int.signed { "-1 to 1" } else { "0 to 1" },
                    1.0 / int.range().hi.max(1) as f32,
                ));
            }
        }
        let quantizers: Vec<InputType> = self.input_type.iter().map(|told| told.quantizer.clone()).collect();
        input_type::apply(model, &quantizers)
    }
}

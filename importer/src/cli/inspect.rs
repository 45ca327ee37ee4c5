//! `exactum inspect`: prints a model at any level of the compiler, or a compiled program.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::diagnostic::{Report, Result};
use crate::graph::{Graph, Level};
use crate::passes::InputOrder;
use crate::target::Target;
use crate::{Keeping, float_network, lift, passes};
use clap::ValueEnum;
use serde_json::json;

use super::inputs::Inputs;
use super::shell::Shell;
use super::target::Goal;
use super::{files, listing};

/// Print a model at a level of the compiler, or a compiled program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model or compiled program (.exa).
    file: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    goal: Goal,
    /// Level of a model [default: integer].
    #[arg(long, value_enum)]
    level: Option<At>,
    /// Print long constants whole, so that the text can be parsed back.
    #[arg(long)]
    full: bool,
}

/// What of a model to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum At {
    /// The file itself.
    File,
    /// The graph as it was read, one sample of it.
    Imported,
    /// Every value with its integer type and exact meaning.
    Quantized,
    /// Integers only, with proven bounds and certified requantizations.
    Integer,
    /// In the order and at the places in which the program runs it.
    Scheduled,
}

impl At {
    const fn level(self) -> Option<Level> {
        match self {
            Self::File => None,
            Self::Imported => Some(Level::Imported),
            Self::Quantized => Some(Level::Quantized),
            Self::Integer => Some(Level::Integer),
            Self::Scheduled => Some(Level::Scheduled),
        }
    }
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let file = files::name(&args.file);
    // A level is asked of a model; a container is refused where the model is read.
    if args.level.is_none()
        && let Some(container) = files::container(&args.file)?
    {
        let json = json!({ "file": file, "level": "program", "program": listing::json(&container) });
        shell.result(&json, || listing::text(&container))?;
        return Ok(ExitCode::SUCCESS);
    }
    let target = args.goal.target()?;
    let at = args.level.unwrap_or(At::Integer);
    let (model, source) = files::model(&args.file, &args.inputs, shell)?;
    let (level, text) = match at.level() {
        None => ("file", model.to_string()),
        Some(level) => {
            let graph = graph(&model, &source.keeping, &args.inputs.order(), level, &target)
                .map_err(|report| float_network::explained(report, &file, &model))?;
            (level.name(), if args.full { format!("{graph}") } else { format!("{graph:#}") })
        }
    };
    shell.result(&json!({ "file": file, "level": level, "text": text }), || text.clone())?;
    Ok(ExitCode::SUCCESS)
}

/// The model's graph, no further than `level`: a model that does not compile can still be looked at before.
fn graph(
    model: &exactum_qonnx::Model,
    keeping: &Keeping,
    order: &InputOrder,
    level: Level,
    target: &Target,
) -> Result<Graph, Report> {
    let mut graph = lift::lift(model)?;
    if level >= Level::Quantized {
        passes::advance(&mut graph, Level::Quantized, target)?;
        passes::order_inputs(&mut graph, order)?;
        match keeping {
            Keeping::Nothing => {}
            Keeping::Steps { axis } => graph = passes::stream(&graph, *axis)?.graph,
            Keeping::Bound(pairs) => {
                pairs.iter().try_for_each(|[output, input]| passes::bind(&mut graph, output, input))?;
            }
        }
    }
    passes::advance(&mut graph, level, target)?;
    Ok(graph)
}

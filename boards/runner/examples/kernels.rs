//! Prints what each kernel executes on the Cortex-M4, for the layer shapes of common benchmarks.
//!
//! `cargo run --release -p exactum-runner --example kernels`. Counts are instructions under QEMU, not cycles,
//! and exact for the compiler that `.ci/firmware-cargo` chooses. Weights and inputs are random 8-bit codes;
//! accumulators are requantized by 32-bit multiplication, a multiplier for each channel.
#![allow(clippy::print_stdout)]

#[path = "measure/one_op.rs"]
mod one_op;

use exactum_runner::{Board, Counting, Emulator};
use exactum_runtime::program::op::{Add, Bias, Conv2d, Dense, MaxPool2d, Multipliers, Rearrange, SumPool2d};
use exactum_runtime::program::packing::Weights;
use exactum_runtime::program::{Op, Window2d};
use one_op::{BYTES, INPUT, OUTPUT, Result, Sample, layer, noise, requant, sample, window};

/// A layer: its name, the shapes of its input and output, and its kernel.
struct Layer {
    name: &'static str,
    input: Vec<u32>,
    output: Vec<u32>,
    kernel: Kernel,
}

enum Kernel {
    Dense,
    Conv { window: Window2d, groups: u16 },
    MaxPool { window: Window2d },
    AveragePool { window: Window2d },
    Add,
    ChannelsLast,
}

fn layers() -> Vec<Layer> {
    let layer = |name, input: &[u32], output: &[u32], kernel| Layer {
        name,
        input: input.to_vec(),
        output: output.to_vec(),
        kernel,
    };
    let conv = |size, stride, pads, groups| Kernel::Conv { window: window(size, stride, pads), groups };
    vec![
        layer("dense 784 to 64", &[784], &[64], Kernel::Dense),
        layer("dense 256 to 128", &[256], &[128], Kernel::Dense),
        layer("conv 3x3 16 to 16, 32x32", &[32, 32, 16], &[32, 32, 16], conv([3, 3], 1, [1; 4], 1)),
        layer("conv 3x3 3 to 16, 32x32", &[32, 32, 3], &[32, 32, 16], conv([3, 3], 1, [1; 4], 1)),
        layer("conv 1x1 64 to 64, 25x5", &[25, 5, 64], &[25, 5, 64], conv([1, 1], 1, [0; 4], 1)),
        layer(
            "conv 10x4 1 to 64 stride 2, 49x10",
            &[49, 10, 1],
            &[25, 5, 64],
            conv([10, 4], 2, [4, 1, 5, 1], 1),
        ),
        layer("depthwise 3x3 64, 25x5", &[25, 5, 64], &[25, 5, 64], conv([3, 3], 1, [1; 4], 64)),
        layer(
            "max pool 2x2 16, 32x32",
            &[32, 32, 16],
            &[16, 16, 16],
            Kernel::MaxPool { window: window([2, 2], 2, [0; 4]) },
        ),
        layer(
            "average pool 2x2 16, 32x32",
            &[32, 32, 16],
            &[16, 16, 16],
            Kernel::AveragePool { window: window([2, 2], 2, [0; 4]) },
        ),
        layer("add 16, 32x32", &[32, 32, 16], &[32, 32, 16], Kernel::Add),
        layer("channels last 3, 32x32", &[3, 32, 32], &[32, 32, 3], Kernel::ChannelsLast),
        layer("channels last 16, 32x32", &[16, 32, 32], &[32, 32, 16], Kernel::ChannelsLast),
    ]
}

impl Layer {
    fn output_elems(&self) -> u32 {
        self.output.iter().product()
    }

    /// Input channels that one output channel reads, and taps.
    fn filter_elems(&self) -> u32 {
        match self.kernel {
            Kernel::Dense => self.input[0],
            Kernel::Conv { window, groups } => self.input[2] / u32::from(groups) * window.taps(),
            _ => 0,
        }
    }

    /// Multiply-accumulates with every padded element counted, as benchmarks do.
    fn macs(&self) -> u32 {
        self.output_elems() * self.filter_elems()
    }

    /// The layer as a program of one op.
    fn program(&self) -> Result<Sample> {
        let channels = *self.output.last().ok_or("a layer without shape")?;
        let weights = noise(1, (channels * self.filter_elems()) as usize);
        let multipliers: Vec<i32> = (0..channels as i32).map(|channel| 40 + channel).collect();
        let requant = requant(&multipliers);
        let (input, output) = (INPUT, OUTPUT);
        let layer = layer(Weights::i8s(&weights), Bias::None, &multipliers);
        let op: Op<'_> = match self.kernel {
            Kernel::Dense => {
                let in_features = self.input[0];
                Dense { input, output, scratch: None, in_features, out_features: channels, layer }.into()
            }
            Kernel::Conv { window, groups } => {
                Conv2d { input, output, scratch: None, window, groups, layer }.into()
            }
            Kernel::MaxPool { window } => MaxPool2d { input, output, window }.into(),
            Kernel::AveragePool { window } => {
                SumPool2d { input, output, input_zero_point: -128, window, unit: window.taps(), requant }
                    .into()
            }
            Kernel::Add => {
                let multipliers = Multipliers::I32(&[[3, 5]]);
                Add { input, second: input, output, multipliers, channels, requant }.into()
            }
            Kernel::ChannelsLast => {
                let pixels = self.input[1] * self.input[2];
                let dims = [1, 1, 1, 1, pixels, channels];
                let (strides, first) = ([0, 0, 0, 0, 1, pixels as i32], 0);
                Rearrange { input, output, dims, strides, first, before: [0; 6], sizes: dims, fill: 0 }.into()
            }
        };
        sample(op, &[&self.input], &self.output, BYTES)
    }
}

fn main() -> Result<()> {
    let emulator = Emulator::find(&Board::named("mps2-an386")?)?;
    let generic = emulator.build("generic")?;
    println!("{:<34} {:>9} {:>13} {:>8}", "layer", "MACs", "instructions", "per MAC");
    for layer in layers() {
        let Sample { image, input } = layer.program()?;
        let run = emulator.run_program(&generic, &image, &input, Counting::On)?;
        let instructions = run.counts[0].ops[0];
        // A pool multiplies nothing; its measure is the output element.
        let (unit, per) =
            if layer.macs() > 0 { (layer.macs(), "") } else { (layer.output_elems(), " a code") };
        let each = instructions as f64 / f64::from(unit);
        println!("{:<34} {:>9} {instructions:>13} {each:>8.3}{per}", layer.name, layer.macs());
    }
    Ok(())
}

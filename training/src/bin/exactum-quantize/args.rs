//! The command line.

use std::path::PathBuf;

use clap::Parser;
use exactum_training::float::QuantizeConfig;
use exactum_training::quant::RestrictValueType;

/// Quantizes a float network: replaces its layers by quantized ones and finds their scales from samples.
#[derive(Debug, Parser)]
#[command(name = "exactum-quantize", version)]
pub(crate) struct Args {
    /// Float network, an ONNX file as PyTorch exports it.
    pub(crate) model: PathBuf,
    /// Samples to find scales with, a .npy file whose first dimension counts them.
    #[arg(long, value_name = "NPY")]
    pub(crate) calibration: PathBuf,
    /// Class of each sample, a .npy file of integers; prints the accuracy before and after.
    #[arg(long, value_name = "NPY")]
    pub(crate) labels: Option<PathBuf>,
    /// Bits of weights and activations.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=8))]
    bits: u8,
    /// Bits of weights, if others.
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=8))]
    weight_bits: Option<u8>,
    /// Bits of activations, if others.
    #[arg(long, value_parser = clap::value_parser!(u8).range(2..=8))]
    act_bits: Option<u8>,
    /// One weight scale per output channel.
    #[arg(long)]
    per_channel: bool,
    /// Scales that are powers of two.
    #[arg(long)]
    power_of_two: bool,
    /// The input is never negative.
    #[arg(long)]
    unsigned_input: bool,
    /// Equalize the weights of neighbouring layers first.
    #[arg(long)]
    pub(crate) equalize: bool,
    /// Correct the biases for what quantization adds to the mean of each channel.
    #[arg(long)]
    pub(crate) bias_correction: bool,
    /// Samples of a calibration step.
    #[arg(long, default_value_t = 64, value_name = "SAMPLES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: u32,
    /// Where to write the quantized network, a QONNX file.
    #[arg(short, long, value_name = "ONNX")]
    pub(crate) output: PathBuf,
    /// Print the table and problems only.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Args {
    /// The quantizers asked for.
    pub(crate) fn config(&self) -> QuantizeConfig {
        let scales = if self.power_of_two { RestrictValueType::PowerOfTwo } else { RestrictValueType::Fp };
        let mut config = QuantizeConfig::default()
            .weight_bits(self.weight_bits.unwrap_or(self.bits))
            .act_bits(self.act_bits.unwrap_or(self.bits))
            .per_channel(self.per_channel)
            .restrict_scaling_type(scales);
        if self.unsigned_input {
            config.input_quant = config.unsigned_act_quant.clone();
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}

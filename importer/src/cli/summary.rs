//! The figures and the certificate line that `check` and `build` print.

use std::collections::BTreeSet;

use crate::container::{Container, wire};
use crate::report::Headline;
use crate::target::Target;
use exactum_runtime::Program;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::packing::FilterShape;
use exactum_runtime::program::{Op, OpKind};
use serde::Serialize;

use super::shell::label;

/// Bytes of one requantization that are worth no warning, whatever the flash is.
const SMALL_TABLE_BYTES: u64 = 4 << 10;

/// The part of the flash that one requantization may take without a warning.
const PART_OF_FLASH: u64 = 10;

/// A requantization whose table or thresholds are large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LargeTable {
    /// Name of the layer.
    name: String,
    /// Bytes of the image.
    bytes: u64,
}

/// What was proven about a program, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    /// The file that was compiled.
    pub(super) model: String,
    /// Layers with accumulators.
    pub(super) layers: usize,
    /// Requantizations.
    pub(super) requantizations: usize,
    /// Channels of all requantizations.
    pub(super) channels: usize,
    /// Accumulators at which form and exact function were compared.
    pub(super) points: u64,
    /// How: `proven`, `exhaustive`, or both.
    pub(super) scope: &'static str,
    /// Bits of the widest accumulator.
    pub(super) accumulator_bits: u32,
    /// Layers whose accumulators need 64 bits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) wide: Vec<String>,
    /// Sums of two values that are added in 64 bits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) wide_sums: Vec<String>,
    /// Inputs of the file that nothing reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unread_inputs: Vec<String>,
    /// Outputs whose channels have scales or offsets of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unequal_outputs: Vec<String>,
    /// Requantizations whose tables and thresholds are large.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) large_tables: Vec<LargeTable>,
    /// Features of `exactum-runtime` that the program needs: the kernels of its ops.
    pub(super) features: Vec<&'static str>,
    /// Bytes of the image.
    pub(super) flash_bytes: usize,
    /// Those that the weights of layers take beyond plain ones, so that they are multiplied faster.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) speed_bytes: u64,
    /// Bytes of working memory.
    pub(super) ram_bytes: u64,
    /// Bytes of inputs and outputs in buffers of the caller.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) outside_bytes: u64,
    /// Bytes of stack that a run takes beside it, where the target's were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stack_bytes: Option<u64>,
    /// Multiply-accumulates for one sample.
    pub(super) macs: u64,
}

impl Summary {
    pub(super) fn new(model: String, container: &Container, target: &Target) -> Self {
        let contents = container.contents();
        let certificates: Vec<&wire::Certificate> =
            contents.layers.iter().filter_map(|layer| layer.certificate.as_ref()).collect();
        let channels = || certificates.iter().flat_map(|certificate| &certificate.channels);
        let has = |scope| certificates.iter().any(|certificate| certificate.scope() == scope);
        let bounds = contents.layers.iter().flat_map(|layer| &layer.accumulators);
        let bits = |range: &wire::Range| IntRange { lo: range.lo, hi: range.hi }.signed_bits();
        let wide =
            contents.layers.iter().filter(|layer| layer.accumulators.iter().any(|range| bits(range) > 32));
        let is_wide_sum = |layer: &&wire::Layer| {
            let certificate =
                layer.certificate.as_ref().filter(|certificate| !certificate.operands.is_empty());
            let mut channels = certificate.iter().flat_map(|certificate| &certificate.channels);
            channels.any(|channel| channel.range.is_some_and(|range| bits(&range) > 32))
        };
        let unequal = container.interface().outputs.iter().filter(|port| port.has_unequal_units());
        let flash = target.facts.flash_bytes.unwrap_or(container.image().len() as u64);
        let large = |op: &&wire::Op| {
            op.table_bytes > SMALL_TABLE_BYTES && op.table_bytes.saturating_mul(PART_OF_FLASH) > flash
        };
        let program = container.program();
        let kinds: BTreeSet<_> = program.ops().map(|op| op.kind()).collect();
        let wide_sums = contents.layers.iter().filter(is_wide_sum);
        Self {
            model,
            unread_inputs: container.interface().unread_inputs().into_iter().map(str::to_owned).collect(),
            unequal_outputs: unequal.map(|port| port.name.clone()).collect(),
            wide_sums: wide_sums.map(|layer| layer.name.clone()).collect(),
            wide: wide.map(|layer| layer.name.clone()).collect(),
            large_tables: contents
                .ops
                .iter()
                .filter(large)
                .map(|op| LargeTable { name: op.name.clone(), bytes: op.table_bytes })
                .collect(),
            features: kinds.into_iter().map(OpKind::name).collect(),
            layers: contents.layers.iter().filter(|layer| !layer.accumulators.is_empty()).count(),
            requantizations: certificates.len(),
            channels: channels().count(),
            points: channels().map(|channel| channel.points).sum(),
            scope: match (has(wire::certificate::Scope::Proven), has(wire::certificate::Scope::Exhaustive)) {
                (_, false) => "proven",
                (false, true) => "exhaustive",
                (true, true) => "proven and exhaustive",
            },
            accumulator_bits: bounds.map(bits).max().unwrap_or(0),
            flash_bytes: container.image().len(),
            speed_bytes: program.ops().filter_map(|op| speed_bytes(&program, &op)).sum(),
            ram_bytes: contents.memory.map_or(0, |memory| memory.arena_bytes),
            outside_bytes: program.outside_bytes(),
            stack_bytes: target.stack_bytes(&program),
            macs: contents.ops.iter().map(|op| op.macs).sum(),
        }
    }

    /// What was proven, in one line.
    pub(super) fn certificate(&self) -> String {
        let Self { layers, requantizations, channels, points, scope, accumulator_bits, .. } = self;
        let accumulators =
            format!("accumulators of {} within {accumulator_bits} bits", count(*layers, "layer"));
        if *requantizations == 0 {
            return format!("certificate: proven: {accumulators}; there is nothing to requantize");
        }
        format!(
            "certificate: {scope}: {} exact for every input ({}, {points} points compared); {accumulators}",
            count(*requantizations, "requantization"),
            count(*channels, "channel"),
        )
    }

    /// The same, for the head of a report.
    pub(super) fn headline(&self) -> Headline {
        Headline {
            file: self.model.clone(),
            certificate: self.certificate(),
            channels: self.channels,
            points: self.points,
            accumulator_bits: self.accumulator_bits,
            flash_bytes: self.flash_bytes,
            ram_bytes: self.ram_bytes,
            outside_bytes: self.outside_bytes,
            stack_bytes: self.stack_bytes,
            macs: self.macs,
        }
    }

    /// A line for each layer or sum that is slow on a microcontroller, or large, and need not be, for each output whose
    /// integers mislead, and for each input that nothing reads.
    pub(super) fn warnings(&self) -> Vec<String> {
        let warning = |layer: &String| {
            format!(
                "warning: the accumulators of `{}` need 64 bits, several times slower than 32 on a microcontroller; \
                 fewer bits for its activations or weights avoid that",
                label(layer)
            )
        };
        let of_sum = |sum: &String| {
            format!(
                "warning: the operands of `{}` are added in 64 bits, several times slower than 32 on a microcontroller; \
                 a quantizer on each avoids that",
                label(sum)
            )
        };
        let unread = |input: &String| format!("note: nothing reads the input `{}`", label(input));
        let of_output = |output: &String| {
            format!(
                "warning: the channels of output `{}` have different scales or offsets: do not compare them as integers, \
                 as for the largest; an output quantizer with one scale avoids that",
                label(output)
            )
        };
        let of_table = |table: &LargeTable| {
            format!(
                "warning: what follows `{}` takes a list of {} bytes, more than a tenth of the flash; a quantizer of 8 bits \
                 or fewer right after it, before any function, avoids that",
                label(&table.name),
                table.bytes,
            )
        };
        let slow = self.wide.iter().map(warning).chain(self.wide_sums.iter().map(of_sum));
        let costly = slow.chain(self.large_tables.iter().map(of_table));
        let misleading = costly.chain(self.unequal_outputs.iter().map(of_output));
        misleading.chain(self.unread_inputs.iter().map(unread)).collect()
    }

    /// What the program needs, in one line.
    pub(super) fn needs(&self) -> String {
        let Self { flash_bytes, ram_bytes, macs, .. } = self;
        let outside = outside(self.outside_bytes);
        let stack = self.stack_bytes.map(|bytes| format!(" and {bytes} of stack")).unwrap_or_default();
        let features = self.features.join(",");
        let speed = match self.speed_bytes {
            0 => String::new(),
            bytes => format!(" (of which {bytes} for speed, which --prefer flash saves)"),
        };
        format!(
            "needs: flash {flash_bytes} bytes{speed}, RAM {ram_bytes} bytes{outside}{stack}, {macs} multiply-accumulates for one sample; \
             features {features} of exactum-runtime"
        )
    }
}

/// Bytes that the weights of a convolution take beyond those of filter after filter.
fn speed_bytes(program: &Program<'_>, op: &Op<'_>) -> Option<u64> {
    let Op::Conv2d(conv) = op else { return None };
    let channels = |id| program.tensor(id).and_then(|tensor| tensor.shape.dims().last().copied());
    let inputs = channels(conv.input)?.checked_div(conv.groups.into())?;
    let elems = (conv.window.taps() * inputs) as usize;
    let (weights, shape) =
        (conv.layer.weights, FilterShape { filters: channels(conv.output)? as usize, elems });
    let all = (0..shape.filters).flat_map(|o| (0..elems).map(move |i| (o, i)));
    let is_short = all.into_iter().all(|(o, i)| i8::try_from(weights.get(shape, o, i)).is_ok());
    let plain = shape.filters * elems * if is_short { 1 } else { 2 };
    (weights.elements.as_bytes().len() as u64).checked_sub(plain as u64)
}

/// Whether there is nothing to tell.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
pub(super) const fn is_none(bytes: &u64) -> bool {
    *bytes == 0
}

/// What a program needs beside its arena: ` and 80 of the caller's buffers`.
pub(super) fn outside(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" and {bytes} of the caller's buffers") }
}

/// `1 layer`, `2 layers`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

//! Width converters: what stands between two stages whose words have different widths.
//!
//! They follow from the foldings, so they are no stages of their own: each belongs to a stream. Called by the choice of
//! foldings, which counts them, and by the files.

use num_integer::Integer;
use serde::Serialize;

use super::Design;
use super::network::End;
use super::resources::Resources;
use super::stage::Stream;

/// A converter of words in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WidthConverter {
    /// FINN's name: type and running number.
    pub name: String,
    /// Position of its stream in the design.
    #[serde(skip)]
    pub link: usize,
    /// Bits of a word that enters.
    pub input_bits: u64,
    /// Bits of a word that leaves.
    pub output_bits: u64,
    /// Words of a frame that enter or leave, whichever are more: it takes as many cycles.
    pub cycles: u64,
    /// What it takes, by FINN's formula.
    pub resources: Resources,
}

/// Look-up tables between words of two widths: FINN's shift registers through their least common multiple.
pub fn luts(input_bits: u64, output_bits: u64) -> u64 {
    let between = match input_bits.checked_div(input_bits.gcd(&output_bits)) {
        Some(factor) => factor.saturating_mul(output_bits),
        None => return 0,
    };
    let mut luts = 0u64;
    if input_bits != between {
        // FINN rounds the negative logarithm up, which is this one rounded down.
        let counter = u64::from((between / input_bits).max(1).ilog2());
        luts = luts.saturating_add(counter).saturating_add(between);
    }
    if output_bits != between {
        let counter = u64::from((between / output_bits.max(1)).max(1).next_power_of_two().ilog2());
        luts = luts.saturating_add(counter).saturating_add(output_bits);
    }
    luts
}

/// The converters of `design`, in the order of its streams. The host takes and gives whatever words a stage has.
pub fn converters(design: &Design) -> Vec<WidthConverter> {
    let mut found: Vec<WidthConverter> = vec![];
    for (link, stream) in design.links.iter().enumerate() {
        let (End::Stage { stage: from, port: of_writer }, End::Stage { stage: to, port: of_reader }) =
            (stream.from, stream.to)
        else {
            continue;
        };
        let (writer, reader) = (&design.stages[from], &design.stages[to]);
        let port = |streams: Vec<Stream>, port: usize| streams.get(port).or(streams.first()).copied();
        let written = port(writer.unit.outputs(writer.folding), of_writer);
        let read = port(reader.unit.inputs(reader.folding), of_reader);
        let (Some(written), Some(read)) = (written, read) else { continue };
        if written.width_bits == read.width_bits {
            continue;
        }
        let (input_bits, output_bits) = (written.width_bits, read.width_bits);
        let whole = input_bits.is_multiple_of(output_bits) || output_bits.is_multiple_of(input_bits);
        let kind = if whole { "StreamingDataWidthConverter_rtl" } else { "StreamingDataWidthConverter_hls" };
        let number = found.iter().filter(|earlier| earlier.name.starts_with(kind)).count();
        found.push(WidthConverter {
            name: format!("{kind}_{number}"),
            link,
            input_bits,
            output_bits,
            cycles: written.words_per_frame.max(read.words_per_frame),
            resources: Resources::luts(luts(input_bits, output_bits)),
        });
    }
    found
}

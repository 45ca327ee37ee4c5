//! What stages keep in memories, as files of hexadecimal words that `$readmemh` reads: weights and the thresholds of
//! Thresholding stages in FINN's layout (`.dat`), the rest in the order in which a stage needs it (`.mem`).

use std::fmt::Write;

use super::parameters::CodeFunction;
use super::stage::{Multiplication, Unit};
use super::{Design, Stage};

/// Folder of the files.
pub const FOLDER: &str = "memories";

/// Name and words, each as digits, of one file; the first word is that of address 0.
type File = (String, Vec<String>);

/// Names and contents of all files.
pub(super) fn files(design: &Design) -> Vec<(String, String)> {
    let text = |(name, words): File| (format!("{FOLDER}/{name}"), words.join("\n") + "\n");
    design.stages.iter().flat_map(of_stage).map(text).collect()
}

/// Names of the files of `stage`.
pub(super) fn names(_design: &Design, stage: &Stage) -> Vec<String> {
    of_stage(stage).into_iter().map(|(name, _)| format!("{FOLDER}/{name}")).collect()
}

fn of_stage(stage: &Stage) -> Vec<File> {
    let name = &stage.name;
    let mut files = vec![];
    if let Some(words) = weights(stage) {
        files.push((format!("{name}_weights.dat"), words));
    }
    if let Some(CodeFunction::Thresholds { thresholds, .. }) = &stage.parameters.codes {
        match &stage.unit {
            Unit::Thresholding(unit) => {
                files.extend(search_trees(stage, thresholds, unit.threshold_bits, unit.output_bits))
            }
            _ => files.extend(lanes(stage, thresholds, "thresholds")),
        }
    }
    for (list, part) in [(&stage.parameters.offsets, "offsets"), (&stage.parameters.factors, "factors")] {
        if !list.is_empty() {
            let each: Vec<Vec<i64>> = list.iter().map(|value| vec![*value]).collect();
            files.extend(lanes(stage, &each, part));
        }
    }
    files
}

/// Word `nf * SF + sf` holds the weights of PE 0, then those of PE 1, from the least significant bit on; of a depthwise stage
/// the taps of each PE the other way round, as FINN has it.
fn weights(stage: &Stage) -> Option<Vec<String>> {
    let (pe, simd) = (stage.folding.pe, stage.folding.simd);
    let rows = &stage.parameters.weights;
    let (arithmetic, is_depthwise) = match &stage.unit {
        Unit::Mvau(unit) => (&unit.arithmetic, false),
        Unit::Vvau(unit) => (&unit.arithmetic, true),
        _ => return None,
    };
    let is_bipolar = arithmetic.multiplication != Multiplication::Integer;
    let encoded = |weight: i32| i64::from(if is_bipolar { (weight + 1) / 2 } else { weight });
    let columns = rows.first()?.len();
    let mut words = vec![];
    for group in rows.chunks(pe) {
        for first in (0..columns).step_by(simd) {
            let mut word = Word::new(arithmetic.weight_bits, pe * simd);
            for row in group {
                let operands = &row[first..first + simd];
                if is_depthwise {
                    operands.iter().rev().for_each(|weight| word.push(encoded(*weight)));
                } else {
                    operands.iter().for_each(|weight| word.push(encoded(*weight)));
                }
            }
            words.push(word.digits());
        }
    }
    Some(words)
}

/// FINN's files for a binary search: one for each PE and bit of the code. The memory of bit `x` from the top holds `2^x`
/// thresholds of each channel, in the order of the search; where there are fewer thresholds than codes, zeros.
fn search_trees(stage: &Stage, thresholds: &[Vec<i64>], bits: u32, output_bits: u32) -> Vec<File> {
    let pe = stage.folding.pe;
    let channels = match &stage.unit {
        Unit::Thresholding(unit) if thresholds.len() > 1 => unit.channels / pe,
        _ => 1,
    };
    let mut files = vec![];
    for lane in 0..pe {
        for stage_of_search in 0..output_bits {
            let step = 1usize << (output_bits - stage_of_search);
            let mut words = vec![];
            for channel in 0..channels {
                let own = &thresholds[(channel * pe + lane) % thresholds.len()];
                for node in 0..1usize << stage_of_search {
                    let threshold = own.get(node * step + step / 2 - 1).copied().unwrap_or(0);
                    let mut word = Word::new(bits, 1);
                    word.push(threshold);
                    words.push(word.digits());
                }
            }
            files.push((format!("{}_threshs_{lane}_{stage_of_search}.dat", stage.name), words));
        }
    }
    files
}

/// One word for each group of PE channels: the values of PE 0, then those of PE 1, from the least significant bit on. One
/// list for all channels is one word of one PE.
fn lanes(stage: &Stage, values: &[Vec<i64>], part: &str) -> Option<File> {
    let all = || values.iter().flatten().copied();
    let (lo, hi) = (all().min()?, all().max()?);
    let bits = exactum_runtime::num::IntRange::new(lo, hi)?.signed_bits();
    let pe = if values.len() == 1 { 1 } else { stage.folding.pe };
    let word = |group: &[Vec<i64>]| {
        let mut word = Word::new(bits, group.iter().map(Vec::len).sum());
        group.iter().flatten().for_each(|value| word.push(*value));
        word.digits()
    };
    Some((format!("{}_{part}.mem", stage.name), values.chunks(pe).map(word).collect()))
}

/// A word under construction, from the least significant bit on.
struct Word {
    elem_bits: u32,
    bits: Vec<bool>,
}

impl Word {
    fn new(elem_bits: u32, elems: usize) -> Self {
        Self { elem_bits, bits: Vec::with_capacity(elems.saturating_mul(elem_bits as usize)) }
    }

    /// Adds the two's complement of `value`.
    fn push(&mut self, value: i64) {
        self.bits.extend((0..self.elem_bits).map(|bit| value >> bit.min(63) & 1 == 1));
    }

    fn digits(&self) -> String {
        let digit = |bits: &[bool]| bits.iter().rev().fold(0, |digit: u8, bit| digit << 1 | u8::from(*bit));
        let mut text = String::new();
        for bits in self.bits.chunks(4).rev() {
            let _ = write!(text, "{:x}", digit(bits));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::parameters::Parameters;
    use crate::dataflow::stage::{Accumulator, Arithmetic, Folding, Mvau, Requantization, Thresholding};

    fn stage(unit: Unit, parameters: Parameters, pe: usize, simd: usize) -> Stage {
        let folding = Folding { pe, simd, ..Folding::ONE };
        let (name, cycles) = ("stage".to_owned(), unit.cycles(folding));
        let (nodes, node_names, origin) = (vec![], vec![], vec![]);
        Stage { name, nodes, node_names, origin, unit, parameters, folding, cycles }
    }

    fn mvau(
        weights: Vec<Vec<i32>>,
        bits: u32,
        multiplication: Multiplication,
        pe: usize,
        simd: usize,
    ) -> Stage {
        let arithmetic = Arithmetic {
            multiplication,
            input_bits: 4,
            input_signed: false,
            input_zero_point: 0,
            weight_bits: bits,
            accumulator: Accumulator { lo: 0, hi: 1, bits: 2 },
            finn_accumulator_bits: 2,
            requantization: None,
            output_bits: 2,
        };
        let (matrix_width, matrix_height) = (weights[0].len(), weights.len());
        let unit = Mvau { matrix_width, matrix_height, vectors: 1, arithmetic, rtl: false, flattened: None };
        stage(Unit::Mvau(unit), Parameters { weights, ..Parameters::default() }, pe, simd)
    }

    /// Files that FINN wrote for these two matrices.
    #[test]
    fn weights_lie_as_in_finns_files() {
        let row_major: Vec<i32> = (0..8).chain(-8..0).chain(0..8).collect();
        let columns = |height: usize| {
            let row_major = row_major.clone();
            (0..height).map(move |row| row_major.clone().into_iter().skip(row).step_by(height).collect())
        };
        let four_bits = mvau(columns(4).collect(), 4, Multiplication::Integer, 2, 3);
        assert_eq!(weights(&four_bits).unwrap(), ["951840", "51d40c", "b73a62", "73f62e"]);
        let bipolar = [[1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, -1, -1], [-1, -1, 1, 1]];
        let transposed = (0..4).map(|row| bipolar.iter().map(|line| line[row]).collect()).collect();
        let one_bit = mvau(transposed, 1, Multiplication::BipolarWeights, 2, 4);
        assert_eq!(weights(&one_bit).unwrap(), ["65", "b9"]);
    }

    /// A search through the files finds as many thresholds as are reached.
    #[test]
    fn thresholds_lie_in_the_order_of_the_search() {
        let thresholds: Vec<Vec<i64>> =
            (0..4).map(|channel| (0..7).map(|step| channel * 5 + step * 3 - 9).collect()).collect();
        let codes = CodeFunction::Thresholds { first: 0, step: 1, thresholds: thresholds.clone() };
        let requantization = Requantization::Thresholds { per_channel: 7 };
        let unit = Thresholding {
            channels: 4,
            pixels: 1,
            input_bits: 8,
            threshold_bits: 6,
            output_bits: 3,
            requantization,
        };
        let parameters = Parameters { codes: Some(codes), ..Parameters::default() };
        let stage = stage(Unit::Thresholding(unit), parameters, 2, 1);
        let files = of_stage(&stage);
        assert_eq!(files.len(), 6);
        let read = |lane: usize, bit: usize, address: usize| {
            let (_, words) =
                files.iter().find(|(name, _)| *name == format!("stage_threshs_{lane}_{bit}.dat")).unwrap();
            let word = i64::from_str_radix(&words[address], 16).unwrap();
            if word >= 32 { word - 64 } else { word }
        };
        for (channel, own) in thresholds.iter().enumerate() {
            for sum in -32..32 {
                let code = (0..3).fold(0usize, |code, bit| {
                    let threshold = read(channel % 2, bit, ((channel / 2) << bit) + code);
                    code << 1 | usize::from(threshold <= sum)
                });
                assert_eq!(code, own.iter().filter(|threshold| **threshold <= sum).count());
            }
        }
    }

    #[test]
    fn words_hold_all_lanes() {
        let mut stage = mvau(vec![vec![0]; 4], 1, Multiplication::Integer, 2, 1);
        stage.parameters.offsets = vec![1, -1, 2, -2];
        let (name, words) = of_stage(&stage).pop().unwrap();
        // Three bits each: 1 and -1, 2 and -2.
        assert_eq!((name.as_str(), words), ("stage_offsets.mem", vec!["39".to_owned(), "32".to_owned()]));
    }
}

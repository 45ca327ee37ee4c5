//! What was proven about the requantization of one layer, as plain data for containers and reports.

use exactum_runtime::num::requant::{Form, FormKind};
use exactum_runtime::num::{IntRange, Requant};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// How a statement about all accumulators was reached. Words of the certificate, used strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For every accumulator in the range, by the end point lemma.
    Proven,
    /// Every accumulator in the range was compared.
    Exhaustive,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proven => "proven",
            Self::Exhaustive => "exhaustive",
        })
    }
}

/// The proof of one output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelProof {
    /// Every accumulator that can occur.
    #[serde(with = "crate::exact::text::range")]
    pub range: IntRange,
    /// Maximal intervals of accumulators with one code.
    pub runs: u64,
    /// Accumulators at which requantization and exact function were compared.
    pub points: u64,
    /// 64-bit FNV-1a of the first accumulator and the code of each run in ascending order, both as little-endian
    /// 32-bit integers; accumulators as 64-bit integers where the range exceeds 32 bits. Names the exact function on
    /// its range, not the form that implements it.
    pub thresholds_digest: u64,
}

impl ChannelProof {
    pub(super) fn new(range: IntRange) -> Self {
        Self { range, runs: 0, points: 0, thresholds_digest: FNV_OFFSET_BASIS }
    }

    pub(super) fn push_run(&mut self, first: i64, code: i64) {
        self.runs += 1;
        let width = if super::conditions::in_32_bits(self.range) { 4 } else { 8 };
        self.thresholds_digest = fnv1a(self.thresholds_digest, &first.to_le_bytes()[..width]);
        // A compared code fits 32 bits, because the requantization produced it.
        self.thresholds_digest = fnv1a(self.thresholds_digest, &code.to_le_bytes()[..4]);
    }
}

/// Name of a form, one of those that [`Requant::form_name`] gives.
pub(crate) type FormName = &'static str;

/// The proof of one layer: its codes are the exact ones for every accumulator in the ranges of its channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCertificate {
    /// How it was reached.
    pub scope: Scope,
    /// Name of the form, as [`Requant::form_name`] gives it.
    #[serde(deserialize_with = "form_name")]
    pub form: FormName,
    /// Codes of the output.
    #[serde(with = "crate::exact::text::range")]
    pub codes: IntRange,
    /// One proof per output channel.
    pub channels: Vec<ChannelProof>,
    /// Whether all channels of a layer with several use one set of parameters.
    pub shared: bool,
    /// Bits of the widest multiplier without its sign; 0 for forms without multipliers.
    pub multiplier_bits: u32,
    /// For functions of two operands, what each can be: the proof is then of every pair, and points are those of
    /// pairs.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::exact::text::range_pair")]
    pub operands: Option<[IntRange; 2]>,
}

/// Reads the name of a requantization form.
fn form_name<'de, D: Deserializer<'de>>(from: D) -> Result<FormName, D::Error> {
    let name = String::deserialize(from)?;
    let known = FormKind::ALL.iter().map(|form| form.name()).find(|known| *known == name);
    known.ok_or_else(|| serde::de::Error::custom(format!("requantization form {name:?}")))
}

impl LayerCertificate {
    pub(super) fn new(
        requant: &Requant<'_>,
        scope: Scope,
        shared: bool,
        channels: Vec<ChannelProof>,
    ) -> Self {
        Self {
            scope,
            form: requant.form_name(),
            codes: requant.range(),
            channels,
            shared,
            multiplier_bits: multiplier_bits(&requant.form),
            operands: None,
        }
    }

    /// The smallest range that holds the accumulators of all channels.
    pub fn range(&self) -> Option<IntRange> {
        self.channels.iter().map(|channel| channel.range).reduce(IntRange::union)
    }

    /// Accumulators compared in all channels.
    pub fn points(&self) -> u64 {
        self.channels.iter().map(|channel| channel.points).sum()
    }

    /// 64-bit FNV-1a of the channels' digests in order, as little-endian integers.
    pub fn thresholds_digest(&self) -> u64 {
        self.channels
            .iter()
            .fold(FNV_OFFSET_BASIS, |hash, channel| fnv1a(hash, &channel.thresholds_digest.to_le_bytes()))
    }
}

impl fmt::Display for LayerCertificate {
    /// One line without a final full stop, such as `proven: multiply64 gives the exact code ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, form, codes, .. } = self;
        write!(f, "{scope}: {form} gives the exact code in {codes} for every ")?;
        if let Some([a, b]) = self.operands {
            return write!(f, "pair of {a} and {b}, {} points compared", self.points());
        }
        f.write_str("accumulator")?;
        if let Some(range) = self.range() {
            write!(f, " in {range}")?;
        }
        let plural = if self.channels.len() == 1 { "" } else { "s" };
        write!(f, ", {} channel{plural}, {} points compared", self.channels.len(), self.points())
    }
}

fn multiplier_bits(form: &Form<'_>) -> u32 {
    let mut widest = 0;
    form.visit_multipliers(|factor| widest = widest.max(u64::BITS - factor.unsigned_abs().leading_zeros()));
    widest
}

const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// The Fowler-Noll-Vo hash, variant 1a, continued over `bytes`.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published test vectors of the hash.
    #[test]
    fn fnv1a_of_known_strings() {
        assert_eq!(fnv1a(FNV_OFFSET_BASIS, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(FNV_OFFSET_BASIS, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(FNV_OFFSET_BASIS, b"foobar"), 0x8594_4171_f739_67e8);
    }
}

//! The checker: proves that a requantization equals the exact function on every accumulator that can occur.
//!
//! It shares no code with `requant` and trusts nothing of it: not the multipliers, not the thresholds, not the
//! choice of a form. It knows the exact function, the code the device runs, and one lemma. If two monotone
//! functions agree at both ends of an interval and do not change between the ends, they agree on all of it.
//! `requant` sends every candidate through here; the verifier does so again for a finished program.

mod certificate;
mod conditions;
mod nearly;
mod pair;
mod runs;

pub use certificate::{ChannelProof, LayerCertificate, Scope};
pub use conditions::Condition;
pub use pair::certify_pair;

use crate::exact::{Channel, Shape};
use exactum_runtime::num::{IntRange, Requant};
use runs::Runs;

/// Why there is no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// The layer has no channels.
    #[error("a layer without channels has nothing to certify")]
    NoChannels,
    /// A parameter array has neither one element (or group) nor one per channel.
    #[error(
        "`{parameter}` has {found} elements, needed 0, {group} or {group} for each of {channels} channels"
    )]
    Length {
        /// Name of the array in its form.
        parameter: &'static str,
        /// Elements it has.
        found: usize,
        /// Elements of one channel.
        group: usize,
        /// Channels of the layer.
        channels: usize,
    },
    /// An accumulator does not fit the form: 32 bits, or 64 bits for the forms of wide accumulators.
    #[error("accumulators {range} of channel {channel} exceed 32 bits, which the form takes")]
    Range {
        /// Output channel.
        channel: usize,
        /// Its accumulators.
        range: IntRange,
    },
    /// The lemma does not apply, because arithmetic may wrap or the form may not be monotone. Nothing is known
    /// about equality; [`certify_exhaustively`] can decide.
    #[error("channel {channel}: {condition}")]
    Unproven {
        /// Output channel.
        channel: usize,
        /// What does not hold.
        condition: Condition,
    },
    /// The requantization is wrong at this accumulator.
    #[error("channel {channel}: accumulator {acc} gives {found}, the exact code is {expected}")]
    Refuted {
        /// Output channel.
        channel: usize,
        /// The counterexample.
        acc: i64,
        /// The exact code.
        expected: i64,
        /// What the device would compute.
        found: i32,
    },
}

/// Largest range of a function without a known direction, whose integers are compared one by one.
const MAX_COMPARED: u64 = 1 << 16;

/// Proves `requant` equal to the channels' functions on their whole ranges: by the end point lemma where all functions
/// are monotone, else by comparing every accumulator.
///
/// # Errors
///
/// [`CertifyError::Refuted`] with a counterexample if they differ at an end of a run, which they do if they differ
/// anywhere and the conditions of the form hold; the other variants if nothing can be said.
pub fn certify(channels: &[Channel], requant: &Requant<'_>) -> Result<LayerCertificate, CertifyError> {
    let without_direction = |channel: &Channel| channel.function.shape(channel.range) == Shape::General;
    if channels.iter().any(without_direction) {
        if let Some(index) = channels.iter().position(|channel| !is_short(channel.range)) {
            return Err(CertifyError::Unproven { channel: index, condition: Condition::Direction });
        }
        return certify_exhaustively(channels, requant);
    }
    certificate(channels, requant, Scope::Proven, |channel, index| {
        conditions::check(requant, index, channel.range)
            .map_err(|condition| CertifyError::Unproven { channel: index, condition })?;
        let mut proof = ChannelProof::new(channel.range);
        for run in Runs::new(&channel.function, channel.range) {
            compare(requant, index, run.first, run.code)?;
            compare(requant, index, run.last, run.code)?;
            proof.points += if run.first == run.last { 1 } else { 2 };
            proof.push_run(run.first, run.code);
        }
        Ok(proof)
    })
}

/// Compares `requant` with the channels' functions on every accumulator, one by one. Needs no lemma.
///
/// # Errors
///
/// [`CertifyError::Refuted`] with the first counterexample; the other variants if the layer is malformed.
pub fn certify_exhaustively(
    channels: &[Channel],
    requant: &Requant<'_>,
) -> Result<LayerCertificate, CertifyError> {
    certificate(channels, requant, Scope::Exhaustive, |channel, index| {
        let mut proof = ChannelProof::new(channel.range);
        let mut last = None;
        for acc in channel.range.lo..=channel.range.hi {
            let code = channel.function.eval(acc);
            compare(requant, index, acc, code)?;
            proof.points += 1;
            if last.replace(code) != Some(code) {
                proof.push_run(acc, code);
            }
        }
        Ok(proof)
    })
}

fn certificate(
    channels: &[Channel],
    requant: &Requant<'_>,
    scope: Scope,
    prove: impl Fn(&Channel, usize) -> Result<ChannelProof, CertifyError>,
) -> Result<LayerCertificate, CertifyError> {
    if channels.is_empty() {
        return Err(CertifyError::NoChannels);
    }
    let lengths = conditions::lengths(requant, channels.len())?;
    let prove_channel = |(index, channel): (usize, &Channel)| {
        if conditions::takes(requant, channel.range) {
            prove(channel, index)
        } else {
            Err(CertifyError::Range { channel: index, range: channel.range })
        }
    };
    let proofs = channels.iter().enumerate().map(prove_channel).collect::<Result<Vec<_>, _>>()?;
    Ok(LayerCertificate::new(requant, scope, lengths.shared, proofs))
}

fn is_short(range: IntRange) -> bool {
    range.hi.abs_diff(range.lo) < MAX_COMPARED
}

fn compare(requant: &Requant<'_>, channel: usize, acc: i64, expected: i64) -> Result<(), CertifyError> {
    let found = requant.apply_wide(channel, acc);
    if i64::from(found) == expected {
        Ok(())
    } else {
        Err(CertifyError::Refuted { channel, acc, expected, found })
    }
}

#[cfg(test)]
mod tests;

//! Constants and activations: pieces of the real function of a value.

use num_traits::Zero;

use super::Quantizer;
use super::known::Known;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Piece, Rational};
use crate::graph::{Activation, Affine, Node, Softmax};

impl Quantizer<'_> {
    pub(super) fn affine(&mut self, at: &Location, node: &Node, affine: &Affine) -> Result<(), Diagnostic> {
        let channels = affine.multiply.len().max(affine.divide.len()).max(affine.add.len());
        let pick = |values: &[f64], channel: usize| {
            exact::from_f64(*values.get(if values.len() == 1 { 0 } else { channel })?)
        };
        let mut gain = vec![];
        let mut offset = vec![];
        for channel in 0..channels {
            let (Some(multiply), Some(divide), Some(add)) = (
                pick(&affine.multiply, channel),
                pick(&affine.divide, channel).filter(|divide| !divide.is_zero()),
                pick(&affine.add, channel),
            ) else {
                let found = format!("constants of channel {channel} that are not finite, or a division by 0");
                return Err(Diagnostic::new(Code::BadTensor, at.clone(), found, "finite numbers"));
            };
            gain.push(multiply / divide);
            offset.push(add);
        }
        self.piece(at, node, Piece::Affine { gain: shared(gain), offset: shared(offset) }, affine.axis)
    }

    pub(super) fn activation(
        &mut self,
        at: &Location,
        node: &Node,
        activation: &Activation,
    ) -> Result<(), Diagnostic> {
        let number = |value: f64| {
            exact::from_f64(value).ok_or_else(|| {
                Diagnostic::new(
                    Code::BadTensor,
                    at.clone(),
                    format!("the constant {value}"),
                    "a finite number",
                )
            })
        };
        // An infinite end is none.
        let end = |value: Option<f64>| value.filter(|value| !value.is_infinite()).map(number).transpose();
        let piece = match activation {
            Activation::Relu => Piece::Clip { lo: Some(Rational::zero()), hi: None },
            Activation::Clip { lo, hi } => Piece::Clip { lo: end(*lo)?, hi: end(*hi)? },
            Activation::LeakyRelu { slope } => {
                let slope = slope.iter().map(|slope| number(*slope)).collect::<Result<_, _>>()?;
                Piece::LeakyRelu { slope: shared(slope) }
            }
            Activation::Abs => Piece::Abs,
            Activation::Power { exponent } => Piece::Power { exponent: *exponent },
            Activation::Sigmoid => Piece::Sigmoid,
            Activation::Tanh => Piece::Tanh,
            Activation::Elu { alpha } => Piece::Elu { alpha: number(*alpha)? },
            Activation::Erf => Piece::Erf,
        };
        self.piece(at, node, piece, 1)
    }

    /// Adds `piece`, whose channels lie along `axis` of the node's operand, to what the operand stands for.
    fn piece(&mut self, at: &Location, node: &Node, piece: Piece, axis: usize) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let known = match self.with_piece(&known, piece.clone(), axis) {
            Some(known) => known,
            // Elements that were moved across channels have to be there before each gets its function.
            None => {
                let moved = self.integers(at, known)?;
                self.with_piece(&moved, piece, axis).ok_or_else(|| {
                    let found =
                        format!("constants along axis {axis} of `{}`", self.from.value(node.inputs[0]).name);
                    Diagnostic::new(
                        Code::BadChannels,
                        at.clone(),
                        found,
                        "one constant, or one for each channel (axis 1)",
                    )
                })?
            }
        };
        let origin = known.origin.iter().chain(&node.origin).cloned().collect();
        self.known.insert(node.output, Known { origin, ..known });
        Ok(())
    }

    fn with_piece(&self, known: &Known, piece: Piece, axis: usize) -> Option<Known> {
        let channels = match &piece {
            Piece::Affine { gain, offset } => gain.len().max(offset.len()),
            Piece::LeakyRelu { slope } => slope.len(),
            _ => 1,
        };
        if let Some(Softmax { axis, then }) = &known.softmax {
            let softmax = Some(Softmax { axis: *axis, then: then.clone().then(piece) });
            return (channels == 1).then(|| Known { softmax, ..known.clone() });
        }
        let fits = channels == 1
            || self.source_axis(known, axis) == Some(1) && self.source_shape(known).get(1) == Some(&channels);
        fits.then(|| Known { curve: known.curve.clone().then(piece), ..known.clone() })
    }
}

/// One element instead of many equal ones.
fn shared(mut values: Vec<Rational>) -> Vec<Rational> {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        values.truncate(1);
    }
    values
}

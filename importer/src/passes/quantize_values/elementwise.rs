//! Constants and activations: pieces of the real function of a value.

use num_traits::Zero;

use super::Quantizer;
use super::known::Known;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Piece, Rational};
use crate::graph::{Activation, Affine, Node};

impl Quantizer<'_> {
    pub(super) fn affine(&mut self, at: &Location, node: &Node, affine: &Affine) -> Result<(), Diagnostic> {
        let (gain, offset) = affine.line().map_err(|channel| {
            let found = format!("constants of channel {channel} that are not finite, or a division by 0");
            Diagnostic::new(Code::BadTensor, at.clone(), found, "finite numbers")
        })?;
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
            Activation::LeakyRelu { slope, .. } => {
                let slope = slope.iter().map(|slope| number(*slope)).collect::<Result<_, _>>()?;
                Piece::LeakyRelu { slope: shared(slope) }
            }
            Activation::Abs => Piece::Abs,
            Activation::Power { exponent } => Piece::Power { exponent: *exponent },
            Activation::Sigmoid => Piece::Sigmoid,
            Activation::Tanh => Piece::Tanh,
            Activation::Elu { alpha } => Piece::Elu { alpha: number(*alpha)? },
            Activation::Erf => Piece::Erf,
            Activation::Sign => Piece::Sign,
            Activation::Round { rounding } => Piece::Round { rounding: *rounding },
            Activation::Short { float } => Piece::Short { float: *float },
            Activation::Softsign => Piece::Softsign,
            Activation::Reciprocal => Piece::Reciprocal,
            Activation::Elementary { of } => Piece::Elementary { function: of.clone() },
        };
        let axis = match activation {
            Activation::LeakyRelu { axis, .. } => *axis,
            _ => 1,
        };
        self.piece(at, node, piece, axis)
    }

    /// Adds `piece`, whose channels lie along `axis` of the node's operand, to what the operand stands for.
    fn piece(&mut self, at: &Location, node: &Node, piece: Piece, axis: usize) -> Result<(), Diagnostic> {
        let channels = match &piece {
            Piece::Affine { gain, offset } => gain.len().max(offset.len()),
            Piece::LeakyRelu { slope } => slope.len(),
            _ => 1,
        };
        let mut known = self.known(at, node.inputs[0])?;
        known = match &mut known.softmax {
            Some(softmax) if channels == 1 => {
                softmax.then = softmax.then.clone().then(piece);
                known
            }
            _ if channels == 1 => Known { curve: known.curve.clone().then(piece), ..known },
            _ => {
                let known = self.along(at, known, axis, channels)?;
                Known { curve: known.curve.clone().then(piece), ..known }
            }
        };
        known.origin.extend(node.origin.iter().cloned());
        self.known.insert(node.output, known);
        Ok(())
    }
}

/// One element instead of many equal ones.
fn shared(mut values: Vec<Rational>) -> Vec<Rational> {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        values.truncate(1);
    }
    values
}

//! Moving a factor and an addend per output channel into weight and bias.

use super::{OperatorShape, Wbiol};
use crate::Parameter;
use crate::error::ForwardError;

impl<O: OperatorShape> Wbiol<O> {
    /// Makes the layer compute what it did, times `factors` plus `addends`, one of each per output channel. `by` is the
    /// layer these come from.
    pub(in crate::nn) fn scale_outputs(
        &self,
        by: &str,
        factors: &[f64],
        addends: &[f64],
    ) -> Result<(), ForwardError> {
        let (shape, axis) = (self.weight.shape(), self.operator.output_axis());
        let channels = self.operator.out_channels();
        // Of grouped transposed convolutions the output channels of each group share the weight's output dimension.
        if factors.len() != channels || shape[axis] != channels {
            let needed = format!("a layer with {} output channels that do not share weights", factors.len());
            return Err(ForwardError::Shape { layer: by.to_owned(), found: shape.to_vec(), needed });
        }
        let run: usize = shape.iter().skip(axis + 1).product();
        let weight = self.weight.values().into_iter().enumerate();
        let scaled = weight.map(|(i, w)| (f64::from(w) * factors[i / run.max(1) % channels]) as f32);
        self.weight.set(scaled.collect());
        let old = self.bias().map_or_else(|| vec![0.0; channels], Parameter::values);
        let values =
            old.iter().zip(factors.iter().zip(addends)).map(|(b, (f, a))| (f64::from(*b) * f + a) as f32);
        let values: Vec<f32> = values.collect();
        match self.bias() {
            Some(bias) => bias.set(values),
            None => {
                // Another handle may give the layer a bias at the same time; then that one holds.
                let _ = self.bias.set(Parameter::new(values, &[channels]));
            }
        }
        Ok(())
    }
}

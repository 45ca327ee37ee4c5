//! Layers with weights, and how their channels can be scaled.

use super::{Array, Window};

/// A linear operator with a weight and a bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// The operator.
    pub kind: WeightedKind,
    /// The weight; see [`WeightedKind`] for its shape.
    pub weight: Array,
    /// One element per output channel.
    pub bias: Option<Vec<f32>>,
}

/// The operator of a layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightedKind {
    /// `x * transpose(w)`, with `w` as `[out, in]`; `x` is `[batch, in]`.
    Linear,
    /// Convolution over one or two dimensions; the weight is `[out, in / groups, kernel...]`.
    Conv {
        /// Its windows.
        window: Window,
        /// Groups of channels that do not mix.
        groups: usize,
    },
    /// Transposed convolution over one or two dimensions; the weight is `[in, out / groups, kernel...]`.
    ConvTranspose {
        /// Its windows, in the output.
        window: Window,
        /// Extents added at the end of each dimension of the output.
        output_padding: Vec<usize>,
        /// Groups of channels that do not mix.
        groups: usize,
    },
}

impl Weighted {
    /// The operator's name.
    pub fn name(&self) -> &'static str {
        let one_dimension = self.weight.shape.len() == 3;
        match self.kind {
            WeightedKind::Linear => "Linear",
            WeightedKind::Conv { .. } if one_dimension => "Conv1d",
            WeightedKind::Conv { .. } => "Conv2d",
            WeightedKind::ConvTranspose { .. } if one_dimension => "ConvTranspose1d",
            WeightedKind::ConvTranspose { .. } => "ConvTranspose2d",
        }
    }

    /// Groups of channels that do not mix.
    pub fn groups(&self) -> usize {
        match self.kind {
            WeightedKind::Linear => 1,
            WeightedKind::Conv { groups, .. } | WeightedKind::ConvTranspose { groups, .. } => groups,
        }
    }

    /// Number of output channels.
    pub fn out_channels(&self) -> usize {
        match self.kind {
            WeightedKind::Linear | WeightedKind::Conv { .. } => self.weight.shape[0],
            WeightedKind::ConvTranspose { groups, .. } => self.weight.shape[1] * groups,
        }
    }

    /// Number of input channels.
    pub fn in_channels(&self) -> usize {
        match self.kind {
            WeightedKind::Linear => self.weight.shape[1],
            WeightedKind::Conv { groups, .. } => self.weight.shape[1] * groups,
            WeightedKind::ConvTranspose { .. } => self.weight.shape[0],
        }
    }

    /// Whether no input element is padding, so that a constant added to the input is a constant of the output.
    pub(super) fn sees_whole_windows(&self) -> bool {
        match &self.kind {
            WeightedKind::Linear => true,
            WeightedKind::Conv { window, .. } => window.is_unpadded(),
            // Border elements of the output see fewer elements of the input.
            WeightedKind::ConvTranspose { .. } => false,
        }
    }

    /// Output and input channel of each element of the weight, with the element.
    pub fn elements(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        let channels = self.channels();
        self.weight.values.iter().enumerate().map(move |(index, value)| {
            let (output, input) = channels.of(index);
            (output, input, *value)
        })
    }

    /// Multiplies each output channel by its factor, the bias included.
    pub fn scale_outputs(&mut self, factors: &[f64]) {
        let channels = self.channels();
        for (index, value) in self.weight.values.iter_mut().enumerate() {
            *value = (f64::from(*value) * factors[channels.of(index).0]) as f32;
        }
        for (value, factor) in self.bias.iter_mut().flatten().zip(factors) {
            *value = (f64::from(*value) * factor) as f32;
        }
    }

    /// Multiplies the weights of each input channel by its factor.
    pub fn scale_inputs(&mut self, factors: &[f64]) {
        let channels = self.channels();
        for (index, value) in self.weight.values.iter_mut().enumerate() {
            *value = (f64::from(*value) * factors[channels.of(index).1]) as f32;
        }
    }

    /// Adds a term to each output channel.
    pub fn add_bias(&mut self, terms: &[f64]) {
        let bias = self.bias.get_or_insert_with(|| vec![0.0; terms.len()]);
        for (value, term) in bias.iter_mut().zip(terms) {
            *value = (f64::from(*value) + term) as f32;
        }
    }

    fn channels(&self) -> Channels {
        let shape = &self.weight.shape;
        Channels {
            transposed: matches!(self.kind, WeightedKind::ConvTranspose { .. }),
            second: shape[1],
            first_per_group: shape[0] / self.groups().max(1),
            kernel_elems: shape[2..].iter().product(),
        }
    }
}

/// Channels of the elements of a weight.
#[derive(Clone, Copy)]
struct Channels {
    transposed: bool,
    /// Extent of the second dimension, which counts within a group.
    second: usize,
    first_per_group: usize,
    kernel_elems: usize,
}

impl Channels {
    /// Output and input channel of element `index`.
    fn of(self, index: usize) -> (usize, usize) {
        let first = index / (self.second * self.kernel_elems);
        let group = first / self.first_per_group;
        let second = group * self.second + index / self.kernel_elems % self.second;
        if self.transposed { (second, first) } else { (first, second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(kind: WeightedKind, shape: &[usize]) -> Weighted {
        let elems: usize = shape.iter().product();
        let values = (0..elems).map(|index| index as f32).collect();
        Weighted { kind, weight: Array { shape: shape.to_vec(), values }, bias: None }
    }

    #[test]
    fn elements_know_their_channels_within_groups() {
        let window = Window::new(&[2]);
        let conv = layer(WeightedKind::Conv { window: window.clone(), groups: 2 }, &[4, 1, 2]);
        assert_eq!((conv.out_channels(), conv.in_channels()), (4, 2));
        let found: Vec<(usize, usize)> = conv.elements().map(|(output, input, _)| (output, input)).collect();
        assert_eq!(found, [(0, 0), (0, 0), (1, 0), (1, 0), (2, 1), (2, 1), (3, 1), (3, 1)]);
        let kind = WeightedKind::ConvTranspose { window, output_padding: vec![0], groups: 2 };
        let transposed = layer(kind, &[2, 2, 2]);
        assert_eq!((transposed.out_channels(), transposed.in_channels()), (4, 2));
        let found: Vec<(usize, usize)> =
            transposed.elements().map(|(output, input, _)| (output, input)).collect();
        assert_eq!(found, [(0, 0), (0, 0), (1, 0), (1, 0), (2, 1), (2, 1), (3, 1), (3, 1)]);
    }

    #[test]
    fn scaling_reaches_the_channels_it_names() {
        let mut linear = layer(WeightedKind::Linear, &[2, 3]);
        linear.bias = Some(vec![1.0, 2.0]);
        linear.scale_outputs(&[1.0, 10.0]);
        linear.scale_inputs(&[1.0, 1.0, 0.5]);
        linear.add_bias(&[0.5, 0.25]);
        assert_eq!(linear.weight.values, [0.0, 1.0, 1.0, 30.0, 40.0, 25.0]);
        assert_eq!(linear.bias, Some(vec![1.5, 20.25]));
    }
}

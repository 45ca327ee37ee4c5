//! Labelled samples.

pub mod digits;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

/// Labelled samples with float features.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Row-major, `features` values per sample.
    pub inputs: Vec<f32>,
    /// One class per sample, below `classes`.
    pub labels: Vec<usize>,
    /// Values of a sample.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
}

/// A training and a test set.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// To learn from.
    pub train: Dataset,
    /// To measure with.
    pub test: Dataset,
}

impl Dataset {
    /// Number of samples.
    pub fn len_samples(&self) -> usize {
        self.labels.len()
    }

    /// The features of sample `index`.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    pub fn input(&self, index: usize) -> &[f32] {
        &self.inputs[index * self.features..][..self.features]
    }

    /// The features and labels of samples `indices`, in that order.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    pub fn batch(&self, indices: &[usize]) -> (Vec<f32>, Vec<usize>) {
        let inputs: Vec<&[f32]> = indices.iter().map(|&index| self.input(index)).collect();
        (inputs.concat(), indices.iter().map(|&index| self.labels[index]).collect())
    }

    fn push(&mut self, input: impl IntoIterator<Item = f32>, label: usize) {
        self.inputs.extend(input);
        self.labels.push(label);
    }

    fn empty(features: usize, classes: usize) -> Self {
        Self { inputs: Vec::new(), labels: Vec::new(), features, classes }
    }
}

/// The order of samples in each epoch, determined by a seed.
#[derive(Clone, Debug)]
pub struct Shuffle {
    rng: Pcg64Mcg,
    order: Vec<usize>,
}

impl Shuffle {
    /// Orders of `samples` samples.
    pub fn new(samples: usize, seed: u64) -> Self {
        Self { rng: Pcg64Mcg::seed_from_u64(seed), order: (0..samples).collect() }
    }

    /// The order of the next epoch.
    pub fn epoch(&mut self) -> &[usize] {
        self.order.shuffle(&mut self.rng);
        &self.order
    }
}

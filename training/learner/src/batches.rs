//! Digits as burn's data loaders hand them out.

use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::tensor::{Device, Int, Tensor, TensorData};
use exactum_training::data::Dataset;

/// One image.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pixels: Vec<f32>,
    label: i64,
}

/// Images `[batch, pixels]` and their labels `[batch]`.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) images: Tensor<2>,
    pub(crate) labels: Tensor<1, Int>,
}

struct Digits;

impl Batcher<Sample, Batch> for Digits {
    fn batch(&self, samples: Vec<Sample>, device: &Device) -> Batch {
        let shape = [samples.len(), samples.first().map_or(0, |sample| sample.pixels.len())];
        let labels: Vec<i64> = samples.iter().map(|sample| sample.label).collect();
        let pixels: Vec<f32> = samples.into_iter().flat_map(|sample| sample.pixels).collect();
        Batch {
            images: Tensor::from_data(TensorData::new(pixels, shape), device),
            labels: Tensor::from_data(TensorData::new(labels, [shape[0]]), device),
        }
    }
}

pub(crate) fn samples(data: &Dataset) -> Vec<Sample> {
    let sample =
        |index: usize| Sample { pixels: data.input(index).to_vec(), label: data.labels[index] as i64 };
    (0..data.len_samples()).map(sample).collect()
}

/// Batches of `samples`, shuffled by a seed if there is one.
pub(crate) fn loader(
    samples: Vec<Sample>,
    batch_samples: usize,
    shuffle: Option<u64>,
) -> Arc<dyn DataLoader<Batch>> {
    let builder = DataLoaderBuilder::new(Digits).batch_size(batch_samples);
    let builder = match shuffle {
        Some(seed) => builder.shuffle(seed),
        None => builder,
    };
    builder.build(InMemDataset::new(samples))
}

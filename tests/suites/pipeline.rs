//! From training to the microcontroller: what training evaluates is what every other backend computes.
//!
//! Trains both digit classifiers, exports and compiles them, and runs every test image everywhere; networks of random
//! layers of training go the same way untrained. The Python `qonnx` executor's classes are recorded in
//! `tests/fixtures/digits`; `tests/fixtures/digits/README.md` says how.

use std::sync::{Arc, LazyLock};

use exactum_tests::backend::{self, Backend, Training};
use exactum_tests::case::{Case, Integers, Made, array, fixtures};
use exactum_tests::generate::Trainable;
use exactum_training::data::{Split, digits};
use exactum_training::models::{Arithmetic, DigitsCnn, DigitsMlp, digits_cnn, digits_mlp};
use exactum_training::{Network, TrainConfig, train};
use libtest_mimic::{Arguments, Failed, Trial};

/// Passes over the training data; few, for accuracy is what the example is for.
const EPOCHS: usize = 4;
/// Test images that even such a training classifies correctly.
const LEAST_CORRECT: usize = 270;
/// Networks of random layers.
const RANDOM_NETWORKS: u64 = 40;
/// Those of them that the emulated microcontroller runs as well.
const EMULATED_NETWORKS: u64 = 4;
/// Samples of each.
const SAMPLES: usize = 8;

/// A network, trained or drawn when first asked for.
type Trained = LazyLock<Result<Training, String>, Box<dyn FnOnce() -> Result<Training, String> + Send>>;

/// [`Training`] of a network that may not be there yet.
struct Lazy(Arc<Trained>);

impl Backend for Lazy {
    fn name(&self) -> &'static str {
        "training"
    }

    fn run(&self, case: &Made) -> Result<Integers, String> {
        LazyLock::force(&self.0).as_ref().map_err(String::clone)?.run(case)
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let backends = backend::all();
    let mut trials = vec![];
    let classifiers = [
        lazy(|| classifier("digits_mlp", digits_mlp(Arithmetic::Quantized, 1).unwrap(), DigitsMlp::TRAINING)),
        lazy(|| classifier("digits_cnn", digits_cnn(Arithmetic::Quantized, 1).unwrap(), DigitsCnn::TRAINING)),
    ];
    for (trained, name) in classifiers.into_iter().zip(["digits_mlp", "digits_cnn"]) {
        trials.extend(pipeline(name.to_owned(), &trained, &backends));
        trials.push(Trial::test(format!("{name}::learns"), move || learns(&trained)));
        trials.push(Trial::test(format!("{name}::python_classes"), move || python_classes(name)));
    }
    for seed in 0..RANDOM_NETWORKS {
        let trained =
            lazy(move || Training::new("random", &Trainable::new(seed), &Trainable::samples(seed, SAMPLES)));
        let used = if seed < EMULATED_NETWORKS { &backends[..] } else { &backends[..2] };
        trials.extend(pipeline(format!("random_{seed}"), &trained, used));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn lazy(make: impl FnOnce() -> Result<Training, String> + Send + 'static) -> Arc<Trained> {
    Arc::new(LazyLock::new(Box::new(make)))
}

fn classifier<const D: usize>(
    name: &str,
    mut network: impl Network<D>,
    config: TrainConfig,
) -> Result<Training, String> {
    let Split { train: data, test } = digits::load().map_err(|error| error.to_string())?;
    let config = TrainConfig { epochs: EPOCHS, ..config };
    train(&mut network, &data, &config, |_| {}).map_err(|error| error.to_string())?;
    let images: Vec<Vec<f32>> = (0..test.len_samples()).map(|index| test.input(index).to_vec()).collect();
    Training::new(name, &network, &images)
}

/// Every backend on the exported model, and the meaning of training's integers.
fn pipeline(name: String, trained: &Arc<Trained>, backends: &[Arc<dyn Backend>]) -> Vec<Trial> {
    let made = Arc::clone(trained);
    let case = Arc::new(Case::new(name.clone(), move || {
        LazyLock::force(&made).as_ref().map(|training| training.source().clone()).map_err(String::clone)
    }));
    let training: Arc<dyn Backend> = Arc::new(Lazy(Arc::clone(trained)));
    let mut trials: Vec<Trial> =
        [&training].into_iter().chain(backends).map(|backend| backend::trial(&case, backend)).collect();
    let trained = Arc::clone(trained);
    trials.push(Trial::test(format!("{name}::training_meaning"), move || {
        let training = LazyLock::force(&trained).as_ref().map_err(String::clone)?;
        Ok(training.means(case.made()?)?)
    }));
    trials
}

/// The comparison is between outputs that depend on the input: most images get their class.
fn learns(trained: &Trained) -> Result<(), Failed> {
    let training = LazyLock::force(trained).as_ref().map_err(String::clone)?;
    let labels = digits::load()?.test.labels;
    let correct = training.classes().iter().zip(&labels).filter(|(class, label)| class == label).count();
    assert!(correct >= LEAST_CORRECT, "{correct} of {} images", labels.len());
    Ok(())
}

/// A model as training writes it passed `onnx.checker` and ran in the Python `qonnx` executor: the executor's class is
/// the exact one for every test image, unless two outputs are equal.
fn python_classes(name: &'static str) -> Result<(), Failed> {
    let folder = fixtures().join("digits").join(name);
    let case = Case::exported(name, usize::MAX);
    let made = case.made()?;
    let outputs = array(&folder.join("output.npy"))?;
    let [images, features] = outputs.shape[..] else { return Err("no list of outputs".into()) };
    assert_eq!(images, digits::load()?.test.len_samples());
    for (image, (python, exact)) in outputs.values.chunks(features).zip(&made.exact).enumerate() {
        let exact: Vec<_> = (0..features).map(|feature| exact[0].rational(feature)).collect();
        let best = exact.iter().max().ok_or("no outputs")?;
        let largest = python.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let class = python.iter().position(|value| *value == largest).ok_or("no outputs")?;
        assert_eq!(&exact[class], best, "image {image}: the executor says class {class}");
    }
    Ok(())
}

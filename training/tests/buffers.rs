//! Buffers: running statistics are part of the state under the names of PyTorch and Brevitas, and no optimizer moves
//! them. And training as a whole, which gives the same bits on any number of threads.

use exactum_training::backend::{AdamConfig, GradientsParams, ModuleOptimizer, Tensor, evaluation_device};
use exactum_training::burn::{self, module::Module};
use exactum_training::data::digits;
use exactum_training::nn::{BatchNorm2d, Flatten, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    ActQuant, BitWidthImplType, Int8ActPerTensorFloat, Int8WeightPerChannelFloat, ScalingImplType,
};
use exactum_training::{
    Activation, ForwardError, Init, LoadPolicy, Network, StateDict, TrainConfig, evaluate, load_state,
    named_buffers, named_parameters, state_dict, train,
};

/// A convolution, a batch norm and a linear layer; the input's scale stays a statistic of the activations.
#[derive(Module, Debug)]
struct Net {
    input: QuantIdentity,
    conv: QuantConv2d,
    bn: BatchNorm2d,
    relu: QuantReLU,
    flatten: Flatten,
    fc: QuantLinear,
}

impl Net {
    fn new(seed: u64) -> Self {
        let running = ActQuant { scaling_impl_type: ScalingImplType::Stats, ..Int8ActPerTensorFloat };
        let mut init = Init::from_seed(seed);
        Self {
            input: QuantIdentity::builder("input").act_quant(running).build().unwrap(),
            conv: QuantConv2d::builder("conv", 1, 4, [3, 3])
                .padding([1, 1])
                .weight_quant(Int8WeightPerChannelFloat)
                .weight_bit_width_impl_type(BitWidthImplType::StatefulConst)
                .build(&mut init)
                .unwrap(),
            bn: BatchNorm2d::new("bn", 4),
            relu: QuantReLU::builder("relu").build().unwrap(),
            flatten: Flatten::new("flatten"),
            fc: QuantLinear::builder("fc", 4 * digits::PIXELS, digits::CLASSES).build(&mut init).unwrap(),
        }
    }
}

impl Network<4> for Net {
    fn input_shape(&self) -> [usize; 4] {
        [1, 1, digits::SIDE, digits::SIDE]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.bn.forward(&self.conv.forward(&self.input.forward(x)?)?)?;
        self.fc.forward(&self.flatten.forward(&self.relu.forward(&x)?))
    }
}

const BUFFERS: [&str; 5] = [
    "input.act_quant.tensor_quant.scaling_impl.runtime_stats.running_stats",
    "conv.weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width",
    "bn.running_mean",
    "bn.running_var",
    "bn.num_batches_tracked",
];

fn config(epochs: usize) -> TrainConfig {
    TrainConfig { epochs, batch_samples: 64, learning_rate: 5e-3, seed: 1 }
}

/// A network after one pass over a part of the digits.
fn trained(seed: u64) -> Net {
    let mut data = digits::load().unwrap().train;
    data.labels.truncate(256);
    data.inputs.truncate(256 * digits::PIXELS);
    let mut network = Net::new(seed);
    train(&mut network, &data, &config(1), |_| {}).unwrap();
    network
}

fn images() -> Tensor<4> {
    let values: Vec<f32> = (0..8 * digits::PIXELS).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.3).collect();
    Activation::from_values(values, [8, 1, digits::SIDE, digits::SIDE]).value()
}

#[test]
fn optimizers_see_parameters_and_the_state_has_buffers_too() {
    let network = Net::new(1);
    let paths: Vec<String> = named_buffers(&network).into_iter().map(|named| named.path).collect();
    assert_eq!(paths, BUFFERS);
    assert!(named_parameters(&network).iter().all(|named| !BUFFERS.contains(&named.path.as_str())));
    assert!(named_parameters(&network).iter().any(|named| named.path == "bn.weight"));
    let state = state_dict(&trained(1));
    for name in BUFFERS {
        assert!(state.get(name).is_some(), "{name} in {:?}", state.keys().collect::<Vec<_>>());
    }
    assert_eq!(state.get("bn.num_batches_tracked").unwrap().values, [4.0]);
}

/// Weight decay moves all that an optimizer can reach.
#[test]
fn a_step_leaves_buffers_where_the_forward_pass_put_them() {
    let network = Net::new(2);
    let loss = network.forward(&Activation::train(images())).unwrap().value().powf_scalar(2.0).mean();
    let gradients = loss.backward();
    let buffers = || named_buffers(&network).into_iter().map(|named| named.parameter.values());
    let weight = network.bn.weight().values();
    for named in named_buffers(&network) {
        assert!(named.parameter.gradient(&gradients).is_none(), "{}", named.path);
    }
    assert!(network.bn.weight().gradient(&gradients).is_some());
    let moved: Vec<Vec<f32>> = buffers().collect();
    assert_ne!(moved[2], [0.0; 4]);
    let decay = burn::optim::decay::WeightDecayConfig::new(0.1);
    let mut optimizer = ModuleOptimizer::from(AdamConfig::new().with_weight_decay(Some(decay)).build());
    let gradients = GradientsParams::from_grads(gradients, &network);
    let _ = optimizer.step(0.1, network.clone(), gradients);
    assert_eq!(buffers().collect::<Vec<_>>(), moved);
    assert_ne!(network.bn.weight().values(), weight);
}

#[test]
fn checkpoints_restore_running_statistics() {
    let network = trained(3);
    let path = std::env::temp_dir().join(format!("exactum-buffers-{}.safetensors", std::process::id()));
    state_dict(&network).save_safetensors(&path).unwrap();
    let saved = StateDict::from_safetensors(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let other = Net::new(4);
    load_state(&other, &saved, LoadPolicy::STRICT).unwrap();
    assert_eq!(state_dict(&other), saved);
    let inputs: Vec<f32> = digits::load().unwrap().test.inputs[..16 * digits::PIXELS].to_vec();
    assert_eq!(evaluate(&other, &inputs).unwrap(), evaluate(&network, &inputs).unwrap());
    // The next batch moves the averages on from there: it does not start them anew.
    for network in [&network, &other] {
        network.forward(&Activation::train(images())).unwrap();
    }
    let (moved, needed) = (state_dict(&other), state_dict(&network));
    for name in BUFFERS {
        assert_eq!(moved.get(name), needed.get(name), "{name}");
    }
    assert_ne!(moved.get(BUFFERS[0]), saved.get(BUFFERS[0]));
}

/// PyTorch's counter has no dimension, and files of other programs do not have it at all.
#[test]
fn batch_norms_of_pytorch_load_with_and_without_their_counter() {
    let mut state = state_dict(&trained(5));
    state.insert("bn.num_batches_tracked", vec![], vec![17.0]);
    let other = Net::new(6);
    load_state(&other, &state, LoadPolicy::STRICT).unwrap();
    assert_eq!(other.bn.num_batches_tracked().values(), [17.0]);
    state.remove("bn.num_batches_tracked");
    let report = load_state(&other, &state, LoadPolicy::STRICT).unwrap();
    assert!(report.missing.is_empty());
    assert_eq!(other.bn.num_batches_tracked().values(), [17.0]);
    state.remove("bn.running_var");
    let error = load_state(&other, &state, LoadPolicy::STRICT).unwrap_err().to_string();
    assert!(error.contains("bn.running_var"), "{error}");
}

/// Setting, moving and mapping keep a frozen parameter frozen and a buffer a buffer.
#[test]
fn replaced_values_keep_their_kind() {
    let network = Net::new(7).no_grad();
    let weight = network.bn.weight();
    weight.set(vec![2.0; 4]);
    network.bn.running_mean().set(vec![0.5; 4]);
    let network = network.to_device(&evaluation_device());
    let loss = network.forward(&Activation::train(images())).unwrap().value();
    assert!(!loss.is_tracked());
    assert!(network.bn.running_mean().is_buffer() && !network.bn.weight().is_buffer());
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let network = pool.install(|| trained(8));
        let bits = |named: exactum_training::NamedParameter| {
            named.parameter.values().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let all = named_parameters(&network).into_iter().chain(named_buffers(&network));
        all.map(|named| (named.path.clone(), bits(named))).collect::<Vec<_>>()
    };
    let one = run(1);
    assert_eq!(one.len(), named_parameters(&Net::new(8)).len() + BUFFERS.len());
    for threads in [2, 3] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

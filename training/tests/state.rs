//! Saving and loading: rows S61 to S65, checkpoints of Brevitas, files, and burn's own records.

mod common;

use std::process::Command;

use common::{GOLDEN, assert_golden, floats, ints, parameter, values};
use exactum_training::backend::{Tensor, evaluation_device};
use exactum_training::burn::{self, module::Module};
use exactum_training::models::{Arithmetic, digits_mlp};
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    ActQuant, BitWidthImplType, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int16Bias,
    RestrictValueType, ScalingImplType, ScalingPerOutputType, WeightQuant,
};
use exactum_training::state::LoadError;
use exactum_training::{
    Activation, ForwardError, Init, LoadPolicy, Network, StateDict, evaluate, load_state, state_dict,
};
use serde_json::Value;

/// Scale per channel as a learned logarithm, learned bit width.
fn learned_weight() -> WeightQuant {
    WeightQuant {
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        restrict_scaling_type: RestrictValueType::LogFp,
        scaling_per_output_type: ScalingPerOutputType::Channel,
        bit_width_impl_type: BitWidthImplType::Parameter,
        ..Int8WeightPerTensorFloat
    }
}

fn learned_act() -> ActQuant {
    ActQuant {
        restrict_scaling_type: RestrictValueType::LogFp,
        bit_width_impl_type: BitWidthImplType::Parameter,
        ..Int8ActPerTensorFloat
    }
}

/// The layer of the tutorial that is retrained from floats.
fn layer() -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(learned_weight())
        .input_quant(learned_act())
        .with_parameters(parameter(&GOLDEN["x_shared_learned_reload"]["w2"]), None)
        .unwrap()
}

/// The state of a float layer with the weight of the tutorial.
fn float_state() -> StateDict {
    let weight = parameter(&GOLDEN["c31_retrain"]["weight_before_float"]);
    let float = QuantLinear::builder("fc", 2, 4).bias(false).weight_quant(None);
    state_dict(&float.with_parameters(weight, None).unwrap())
}

const MISSING: [&str; 4] = [
    "input_quant.tensor_quant.scaling_impl.value",
    "input_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset",
    "weight_quant.tensor_quant.scaling_impl.value",
    "weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset",
];

fn sorted(keys: &[impl AsRef<str>]) -> Vec<String> {
    let mut keys: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
    keys.sort();
    keys
}

/// The keys that the tutorial's message lists, in our names.
#[test]
fn s61_strict_load_lists_the_missing_keys() {
    let fc = layer();
    let before = fc.weight().values();
    let error = load_state(&fc, &float_state(), LoadPolicy::STRICT).unwrap_err();
    let LoadError::Mismatch { missing, unexpected, shapes } = &error else { panic!("{error}") };
    assert_eq!(sorted(missing), sorted(&MISSING));
    assert!(unexpected.is_empty() && shapes.is_empty());
    let golden = GOLDEN["c29_missing"].as_str().unwrap().replace("fused_activation_quant_proxy.", "");
    for key in MISSING {
        assert!(golden.contains(key), "{key}");
        assert!(error.to_string().contains(&format!("\"{key}\"")), "{error}");
    }
    assert_eq!(fc.weight().values(), before, "a refused state changes nothing");
}

/// In a process with the variable: the default policy accepts what the strict one refuses.
#[test]
fn s62_environment_variable_accepts_missing_keys() {
    if std::env::var_os("EXACTUM_TEST_CHILD").is_some() {
        load_state(&layer(), &float_state(), LoadPolicy::default()).unwrap();
        return;
    }
    assert!(load_state(&layer(), &float_state(), LoadPolicy::STRICT).is_err());
    let child = |variable: &str, value: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "s62_environment_variable_accepts_missing_keys"]);
        command.env("EXACTUM_TEST_CHILD", "1").env(variable, value).output().unwrap().status.success()
    };
    assert!(child("EXACTUM_IGNORE_MISSING_KEYS", "1"));
    assert!(child("BREVITAS_IGNORE_MISSING_KEYS", "1"));
    assert!(!child("EXACTUM_IGNORE_MISSING_KEYS", "0"));
}

#[test]
fn s63_policy_accepts_missing_keys() {
    let policy = LoadPolicy { ignore_missing_keys: true, ..LoadPolicy::STRICT };
    let report = load_state(&layer(), &float_state(), policy).unwrap();
    assert_eq!(sorted(&report.missing), sorted(&MISSING));
    let fc = layer();
    let complete = state_dict(&collected(&fc));
    let report = load_state(&layer(), &complete, LoadPolicy::STRICT).unwrap();
    let message = report.to_string();
    assert_eq!(GOLDEN["c31_msg"].as_str().unwrap(), format!("<{message}>"));
}

/// The layer after one training pass.
fn collected(fc: &QuantLinear) -> QuantLinear {
    fc.forward(&Activation::train(Tensor::ones([3, 2], &evaluation_device()))).unwrap();
    fc.clone()
}

#[test]
fn s63_missing_weights_are_refused_by_every_policy() {
    let policy = LoadPolicy { ignore_missing_keys: true, ignore_unexpected_keys: true };
    let error = load_state(&layer(), &StateDict::default(), policy).unwrap_err();
    assert!(matches!(&error, LoadError::Mismatch { missing, .. } if missing == &["weight"]), "{error}");
}

#[test]
fn s64_learned_weight_scale_starts_from_the_loaded_weights() {
    let fc = layer();
    let cell = &GOLDEN["c31_retrain"];
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["before"]);
    let policy = LoadPolicy { ignore_missing_keys: true, ..LoadPolicy::STRICT };
    load_state(&fc, &float_state(), policy).unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["after"]);
}

#[test]
fn s65_shared_learned_weight_scale_starts_from_all_loaded_weights() {
    #[derive(Module, Debug)]
    struct Pair {
        first: QuantLinear,
        second: QuantLinear,
    }
    let cell = &GOLDEN["x_shared_learned_reload"];
    let linear = |name: &str| QuantLinear::builder(name, 2, 4).bias(false).weight_quant(learned_weight());
    let mut init = Init::from_seed(1);
    let first = linear("first").build(&mut init).unwrap();
    let shared = first.weight_quant().unwrap().clone();
    let second = linear("second").shared_weight_quant(shared).build(&mut init).unwrap();
    let pair = Pair { first, second };
    let mut state = StateDict::default();
    state.insert("first.weight", vec![4, 2], floats(&cell["w1"]));
    state.insert("second.weight", vec![4, 2], floats(&cell["w2"]));
    let policy = LoadPolicy { ignore_missing_keys: true, ..LoadPolicy::STRICT };
    load_state(&pair, &state, policy).unwrap();
    assert_golden(&pair.first.quant_weight::<2>().unwrap(), &cell["q1"]);
    assert_golden(&pair.second.quant_weight::<2>().unwrap(), &cell["q2"]);
}

/// The network of `data/brevitas_state.py`.
#[derive(Module, Debug)]
struct Net {
    fc1: QuantLinear,
    relu: QuantReLU,
    fc2: QuantLinear,
}

impl Net {
    fn new(seed: u64) -> Self {
        let mut init = Init::from_seed(seed);
        Self {
            fc1: QuantLinear::builder("fc1", 4, 3)
                .input_quant(learned_act())
                .weight_quant(learned_weight())
                .bias_quant(Int16Bias)
                .build(&mut init)
                .unwrap(),
            relu: QuantReLU::builder("relu").build().unwrap(),
            fc2: QuantLinear::builder("fc2", 3, 2).bias(false).weight_bit_width(4).build(&mut init).unwrap(),
        }
    }
}

impl Network<2> for Net {
    fn input_shape(&self) -> [usize; 2] {
        [1, 4]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.fc2.forward(&self.relu.forward(&self.fc1.forward(x)?)?)
    }
}

const CHECKPOINT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/brevitas_state.pt");

/// A network trained in Brevitas gives the same codes here.
#[test]
fn brevitas_checkpoints_load_and_give_the_same_codes() {
    let expected: Value = serde_json::from_str(include_str!("data/brevitas_state.json")).unwrap();
    let state = StateDict::from_pytorch(CHECKPOINT).unwrap();
    let network = Net::new(5);
    let report = load_state(&network, &state, LoadPolicy::STRICT).unwrap();
    assert_eq!(report.to_string(), "All keys matched successfully");
    let outputs = evaluate(&network, &floats(&expected["x"])).unwrap();
    assert_eq!(outputs.integers.unwrap().codes, ints(&expected["codes"]));
}

#[test]
fn a_checkpoint_of_another_model_is_refused_with_names_and_shapes() {
    let mut state = StateDict::from_pytorch(CHECKPOINT).unwrap();
    let error =
        load_state(&digits_mlp(Arithmetic::Float, 1).unwrap(), &state, LoadPolicy::STRICT).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("Missing key(s) in state: \"fc2.bias\", \"fc3.weight\", \"fc3.bias\""), "{text}");
    assert!(
        text.contains("\"relu.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value\""),
        "{text}"
    );
    assert!(text.contains("\"fc1.weight\" has shape [3, 4], needed [64, 64]"), "{text}");
    let network = Net::new(5);
    state.transpose("fc1.weight");
    let text = load_state(&network, &state, LoadPolicy::STRICT).unwrap_err().to_string();
    assert!(
        text.contains("\"fc1.weight\" has shape [4, 3], needed [3, 4]; use `StateDict::transpose`"),
        "{text}"
    );
    state.transpose("fc1.weight");
    load_state(&network, &state, LoadPolicy::STRICT).unwrap();
    state.insert("fc2.weight", vec![2, 3], vec![0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0]);
    let error = load_state(&network, &state, LoadPolicy::STRICT).unwrap_err();
    assert!(matches!(&error, LoadError::NotFinite { key, index: 3, .. } if key == "fc2.weight"), "{error}");
}

#[test]
fn safetensors_files_keep_every_bit_and_end_collections() {
    let folder = std::env::temp_dir().join(format!("exactum-state-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.safetensors");
    let network = Net::new(5);
    network.forward(&Activation::train(Tensor::ones([3, 4], &evaluation_device()))).unwrap();
    let state = state_dict(&network);
    state.save_safetensors(&path).unwrap();
    // Once more: a file that is there is replaced.
    state.save_safetensors(&path).unwrap();
    let read = StateDict::from_safetensors(&path).unwrap();
    assert_eq!(read, state);
    let other = Net::new(6);
    load_state(&other, &read, LoadPolicy::STRICT).unwrap();
    other.forward(&Activation::train(Tensor::ones([3, 4], &evaluation_device()) * 100.0)).unwrap();
    assert_eq!(state_dict(&other), state, "loaded scales are not collected again");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside the file");
    std::fs::write(&path, b"no state").unwrap();
    let error = StateDict::from_safetensors(&path).unwrap_err().to_string();
    assert!(error.contains("state.safetensors"), "{error}");
    assert!(StateDict::from_pytorch(&path).is_err());
    assert!(StateDict::from_pytorch(folder.join("absent.pt")).is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Scales that no batch was collected for are not saved; loading such a state leaves them to be collected.
#[test]
fn states_saved_before_the_first_batch_leave_statistics_to_be_collected() {
    let identity = QuantIdentity::builder("id").build().unwrap();
    assert_eq!(state_dict(&identity).keys().count(), 0);
    identity.forward(&Activation::train(Tensor::<2>::ones([1, 2], &evaluation_device()) * 4.0)).unwrap();
    let state = state_dict(&identity);
    let key = "act_quant.tensor_quant.scaling_impl.value";
    assert_eq!(state.get(key).unwrap().values, [4.0], "the parameter follows the average");
}

#[test]
fn burn_records_load_into_other_networks() {
    let network = Net::new(5);
    network.forward(&Activation::train(Tensor::ones([3, 4], &evaluation_device()))).unwrap();
    let state = state_dict(&network);
    let other = Net::new(6).load_record(network.clone().into_record());
    assert_eq!(state_dict(&other), state);
    let x = Activation::from_values(vec![0.5, -0.25, 1.0, 0.75], [1, 4]);
    let output = |net: &Net| values(net.forward(&x).unwrap().value());
    assert_eq!(output(&other), output(&network));
    other.forward(&Activation::train(Tensor::ones([3, 4], &evaluation_device()) * 100.0)).unwrap();
    assert_eq!(state_dict(&other), state, "loaded scales are not collected again");
    let path = std::env::temp_dir().join(format!("exactum-record-{}.bpk", std::process::id()));
    network.clone().save_file(&path).unwrap();
    assert_eq!(state_dict(&Net::new(7).load_file(&path)), state);
    std::fs::remove_file(path).unwrap();
}

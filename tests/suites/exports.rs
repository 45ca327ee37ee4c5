//! What training exports, layer by layer and quantizer by quantizer, against what other tools made of the same files.
//!
//! `fixtures/make/training_exports.py` recorded the results of `onnx.checker`, the Python `qonnx` executor and onnxruntime.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use exactum_qonnx::{Model, TensorData};
use exactum_tests::case::fixtures;
use exactum_tests::exports::{Error, Export, all};
use serde_json::Value as Json;

/// Of the largest output, for outputs that are floats: the executors accumulate in float32.
const TOLERANCE: f64 = 2e-6;

/// Units in the last place by which collected scales may differ.
const LAST_BITS: u32 = 4;

/// How to record again.
const AGAIN: &str = "if the change is meant, record it again; see tests/fixtures/README.md";

fn folder() -> PathBuf {
    fixtures().join("training")
}

fn recorded() -> Result<Json, Error> {
    let index: Json = serde_json::from_slice(&fs::read(folder().join("index.json"))?)?;
    Ok(index["networks"].clone())
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().into_iter().flatten().filter_map(Json::as_f64).collect()
}

/// Whether two files differ in nothing but the version of the tool that wrote them, and in the last bits of scales: statistics of
/// sums of floats, which processors with longer vectors add up in another order.
fn same(mut model: Model, mut accepted: Model) -> bool {
    for model in [&mut model, &mut accepted] {
        model.producer_version.clear();
    }
    for (tensor, accepted) in model.graph.initializers.iter_mut().zip(&accepted.graph.initializers) {
        let (TensorData::F32(own), TensorData::F32(other)) = (&mut tensor.data, &accepted.data) else {
            continue;
        };
        let close = |(own, other): (&f32, &f32)| own.to_bits().abs_diff(other.to_bits()) <= LAST_BITS;
        if tensor.name.ends_with(".scale") && own.len() == other.len() && own.iter().zip(other).all(close) {
            own.clone_from(other);
        }
    }
    model == accepted
}

#[test]
fn exports_are_those_that_other_tools_accepted() -> Result<(), Error> {
    let recorded = recorded()?;
    let exports = all()?;
    let mut files = BTreeSet::from(["README.md", "index.json"].map(str::to_owned));
    for export in &exports {
        let network = &recorded[&export.name];
        for (flavour, model) in export.flavours() {
            let file = format!("{}.{flavour}.onnx", export.name);
            match (model, network[flavour]["refused"].as_str()) {
                (Ok(model), None) => {
                    assert_eq!(model.check(), [], "{file}");
                    let accepted = exactum_qonnx::read(&fs::read(folder().join(&file))?)?;
                    assert!(same(model, accepted), "{file} is another model; {AGAIN}");
                    files.insert(file);
                }
                (Err(refused), Some(reason)) => assert_eq!(refused.to_string(), reason, "{file}"),
                (model, reason) => {
                    panic!("{file}: refused with {:?}, recorded as {reason:?}; {AGAIN}", model.err())
                }
            }
        }
    }
    let found: BTreeSet<String> = fs::read_dir(folder())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, Error>>()?;
    assert_eq!(found, files, "{AGAIN}");
    assert_eq!(recorded.as_object().map(serde_json::Map::len), Some(exports.len()), "{AGAIN}");
    Ok(())
}

#[test]
fn other_tools_compute_the_codes_of_training() -> Result<(), Error> {
    let recorded = recorded()?;
    let (mut codes, mut values) = (0, 0);
    for export in all()? {
        let network = &recorded[&export.name];
        let given: Vec<f32> = numbers(&network["input"]).into_iter().map(|value| value as f32).collect();
        assert_eq!(given, export.inputs, "{}", export.name);
        for flavour in ["qonnx", "qcdq"] {
            let found = &network[flavour];
            if found["refused"].is_string() {
                continue;
            }
            let name = format!("{}, {flavour}", export.name);
            assert_eq!(numbers(&found["shape"]), sizes(&export), "{name}");
            if found["codes"].is_array() {
                let found: Vec<i64> = numbers(&found["codes"]).into_iter().map(|code| code as i64).collect();
                assert_eq!(Some(&found), export.codes.as_ref(), "{name}");
                codes += found.len();
            } else {
                let found = numbers(&found["values"]);
                let largest = export.outputs.iter().fold(0f64, |largest, value| largest.max(value.abs()));
                let near = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * largest;
                assert!(
                    found.len() == export.outputs.len() && found.iter().zip(&export.outputs).all(near),
                    "{name}: {found:?} instead of {:?}",
                    export.outputs
                );
                values += found.len();
            }
        }
    }
    assert!(codes > 6000 && values > 500, "{codes} codes and {values} values compared");
    Ok(())
}

fn sizes(export: &Export) -> Vec<f64> {
    export.output_shape.iter().map(|extent| *extent as f64).collect()
}

/// The text of a source file of training.
fn source(name: &str) -> Result<String, Error> {
    let path = fixtures().join("../../training/src").join(name);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

#[test]
fn every_premade_quantizer_is_exported() -> Result<(), Error> {
    let exports = all()?;
    let mut names = vec![];
    for file in ["act.rs", "weight.rs", "bias.rs"] {
        let text = source(&format!("quant/named/{file}"))?;
        let declared = text.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
        names.extend(declared.map(str::to_owned));
    }
    assert!(names.len() > 30, "{names:?}");
    let exported = |name: &&String| exports.iter().any(|export| export.name.ends_with(&format!("_{name}")));
    let missing: Vec<&String> = names.iter().filter(|name| !exported(name)).collect();
    assert_eq!(missing, Vec::<&String>::new());
    Ok(())
}

#[test]
fn every_layer_is_exported() -> Result<(), Error> {
    /// Of `nn`, what is no layer: builders, operators and settings, and the names that layers of all ranks share.
    const NO_LAYERS: [&str; 20] = [
        "ActBuilder",
        "AlignedBuilder",
        "AvgPool",
        "BatchNorm",
        "Conv",
        "Conv1d",
        "Conv2d",
        "ConvTranspose",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "EmbeddingBuilder",
        "Linear",
        "MaxPool",
        "OperatorShape",
        "Padding",
        "PerAxis",
        "TruncAvgPool",
        "Wbiol",
        "WbiolBuilder",
        "WeightedOperator",
    ];
    let exports = all()?;
    let text = source("nn.rs")?;
    let uses = text.lines().skip_while(|line| !line.starts_with("pub use")).collect::<String>();
    let public = uses
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(char::is_uppercase) && !NO_LAYERS.contains(word));
    let layers: BTreeSet<&str> = public.collect();
    assert!(layers.len() > 20, "{layers:?}");
    let snake = |layer: &str| {
        let name = layer.strip_prefix("Quant").unwrap_or(layer);
        let name = name.replace("ReLU", "Relu");
        let word = |c: char| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() };
        name.chars().map(word).collect::<String>()
    };
    let exported = |layer: &&&str| {
        let name = format!("layer{}", snake(layer));
        exports.iter().any(|export| {
            export.name.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    };
    let missing: Vec<&&str> = layers.iter().filter(|layer| !exported(layer)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
    Ok(())
}

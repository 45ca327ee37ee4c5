//! `exactum emulate`: outputs equal to those of `exactum run`, counts that add up, and firmware that is built once.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use exactum_importer::npy;
use exactum_qonnx::Model;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::models::{image, inputs, line, recurrent, tiny, without_output_quantizer};
use crate::{BOARDS, Place, Test};

/// A model, options that it is compiled with, and its inputs.
struct Case {
    name: &'static str,
    model: fn() -> Model,
    options: &'static str,
    shapes: &'static [&'static [usize]],
    outputs: usize,
}

/// Codes and accumulators, images in either order, several outputs, and states.
const CASES: [Case; 6] = [
    Case { name: "codes", model: tiny, options: "", shapes: &[&[5, 4]], outputs: 1 },
    Case {
        name: "accumulators",
        model: without_output_quantizer,
        options: "",
        shapes: &[&[3, 4]],
        outputs: 1,
    },
    Case { name: "image", model: image, options: "", shapes: &[&[2, 3, 4, 5]], outputs: 1 },
    Case {
        name: "channels_last",
        model: image,
        options: "--channels-last",
        shapes: &[&[2, 3, 4, 5]],
        outputs: 1,
    },
    Case {
        name: "steps",
        model: || line([4, 0]),
        options: "--dim time=8 --stream time",
        shapes: &[&[9, 2, 1]],
        outputs: 2,
    },
    Case {
        name: "bound",
        model: || recurrent(0.031),
        options: "--bind next.out=h",
        shapes: &[&[6, 2]],
        outputs: 1,
    },
];

pub(crate) fn tests() -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = vec![];
    for board in BOARDS {
        for case in &CASES {
            tests.push((format!("emulate::{board}::{}", case.name), Box::new(move || agrees(board, case))));
        }
    }
    tests.push(("emulate::tools_that_are_missing_are_told".to_owned(), Box::new(missing_tools)));
    tests.push(("emulate::what_does_not_run_is_told".to_owned(), Box::new(refusals)));
    tests
}

fn agrees(board: &str, case: &Case) -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&(case.model)()))?;
    let mut given = String::new();
    for (index, shape) in case.shapes.iter().enumerate() {
        let values: Vec<f32> = inputs(shape.iter().product::<usize>().div_ceil(4));
        place.write(&format!("x{index}.npy"), npy::write(shape, &values[..shape.iter().product()]))?;
        given += &format!(" --input x{index}.npy");
    }
    let outputs = |name: &str| {
        (0..case.outputs).map(|index| format!(" --output {name}{index}.npy")).collect::<String>()
    };
    let asked = format!("model.onnx {}{given} --codes", case.options);
    place.ok(&format!("run {asked}{}", outputs("host")))?;
    let emulated = format!("emulate {asked} --board {board} --profile --format json");
    let ran = place.ok(&format!("{emulated}{}", outputs("board")))?;
    for index in 0..case.outputs {
        assert!(
            place.read(&format!("host{index}.npy"))? == place.read(&format!("board{index}.npy"))?,
            "output {index}"
        );
    }
    let result: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(result["samples"], case.shapes[0][0]);
    let ops: u64 =
        result["ops"].as_array().ok_or("ops")?.iter().filter_map(|op| op["instructions"].as_u64()).sum();
    let whole = result["instructions"].as_u64().ok_or("instructions")?;
    assert!(ops > 0 && ops < whole, "{ops} of {whole}");
    assert!((100..4096).contains(&result["stack_bytes"].as_u64().ok_or("stack")?), "{result}");
    // The same again: nothing is built, and every count repeats.
    assert_eq!(place.ok(&format!("{emulated}{}", outputs("again")))?.stdout, ran.stdout);
    let told = place.ok(&format!("emulate {asked} --board {board} --output all.npz"))?;
    assert!(!told.stderr.contains("building"), "{}", told.stderr);
    assert!(told.stderr.contains("are those of this machine"), "{}", told.stderr);
    assert!(place.read("all.npz")?.starts_with(b"PK"));
    Ok(())
}

/// The one clear sentence for each tool, with a cache in which nothing is built.
fn missing_tools() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&tiny()))?;
    place.write("x.npy", npy::write(&[3, 4], &inputs(3)))?;
    let bin = place.path().join("bin");
    std::fs::create_dir(&bin)?;
    let cache = place.path().join("cache");
    let tool = |name: &str| -> Result<(), Failed> {
        let paths = std::env::var_os("PATH").ok_or("PATH")?;
        let found = std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file());
        Ok(symlink(found.ok_or_else(|| format!("{name} is missing"))?, bin.join(name))?)
    };
    let asked = "emulate model.onnx --board mps2-an386 --input x.npy";
    let run = || place.run_with(asked, &[("PATH", bin.as_os_str()), ("EXACTUM_CACHE", cache.as_os_str())]);
    for (missing, told) in [
        ("qemu-system-arm", "apt install qemu-system-arm"),
        ("bash", "bash, which chooses"),
        ("cargo", "as rustup installs them"),
        ("dirname", "rustup target add thumbv7em-none-eabihf"),
    ] {
        let ran = run()?;
        assert_eq!(ran.code, Some(1), "{missing}: {}", ran.stderr);
        let words: Vec<&str> = ran.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(told) && ran.stderr.contains("E0901"), "{missing}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
        tool(missing)?;
    }
    Ok(())
}

fn refusals() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&tiny()))?;
    place.write("x.npy", npy::write(&[3, 4], &inputs(3)))?;
    place.write("file", "no folder")?;
    let asked = "emulate model.onnx --board mps2-an386 --input x.npy";
    let file = place.path().join("file");
    let ran = place.run_with(asked, &[("EXACTUM_CACHE", file.as_os_str())])?;
    assert!(ran.code == Some(1) && ran.stderr.contains("E0803"), "{}", ran.stderr);
    let nothing =
        [("EXACTUM_CACHE", OsStr::new("")), ("XDG_CACHE_HOME", OsStr::new("")), ("HOME", OsStr::new(""))];
    let ran = place.run_with(asked, &nothing)?;
    assert!(ran.code == Some(1) && ran.stderr.contains("EXACTUM_CACHE"), "{}", ran.stderr);
    let ran = place.run(&format!("{asked} --output a.npy --output b.npy"))?;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let ran = place.run(&format!("{asked} --output x.npy"))?;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    Ok(())
}

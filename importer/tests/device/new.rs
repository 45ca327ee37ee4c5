//! `exactum new firmware`: a project builds at once outside the repository, and gives the host's outputs in QEMU.

use std::process::Command;

use exactum_importer::npy;
use exactum_qonnx::Model;
use libtest_mimic::Failed;

use crate::models::{image, inputs, line, recurrent, tiny};
use crate::{BOARDS, Place, Test};

/// A model, options that it is compiled with, and the shape of its samples.
struct Case {
    name: &'static str,
    model: fn() -> Model,
    options: &'static str,
    shape: &'static [usize],
    outputs: usize,
}

const CASES: [Case; 3] = [
    Case { name: "codes", model: tiny, options: "", shape: &[1, 4], outputs: 1 },
    Case {
        name: "channels_last",
        model: image,
        options: "--channels-last",
        shape: &[1, 3, 4, 5],
        outputs: 1,
    },
    Case {
        name: "steps",
        model: || line([4, 0]),
        options: "--dim time=8 --stream time",
        shape: &[1, 2, 1],
        outputs: 2,
    },
];

pub(crate) fn tests() -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = vec![];
    for board in BOARDS {
        for (index, case) in CASES.iter().enumerate() {
            // Every model on the first board, one on the others.
            if board == BOARDS[0] || index == 0 {
                tests.push((
                    format!("new::{board}::{}", case.name),
                    Box::new(move || builds_and_runs(board, case)),
                ));
            }
        }
    }
    tests.push(("new::a_project_without_a_sample_makes_one".to_owned(), Box::new(own_sample)));
    tests.push(("new::nothing_is_overwritten".to_owned(), Box::new(nothing_is_overwritten)));
    tests
}

/// Runs Cargo in the project `folder` of `place`; what it printed.
fn cargo(place: &Place, folder: &str, arguments: &[&str]) -> Result<String, Failed> {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(place.path().join(folder));
    // A surrounding `cargo test` leaves its own in the environment.
    for variable in
        ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTUP_TOOLCHAIN"]
    {
        command.env_remove(variable);
    }
    let output = command.output()?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() {
        Ok(stdout)
    } else {
        Err(format!("{arguments:?}\n{stdout}\n{stderr}").into())
    }
}

fn builds_and_runs(board: &str, case: &Case) -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&(case.model)()))?;
    let values = inputs(case.shape.iter().product::<usize>().div_ceil(4));
    place.write("x.npy", npy::write(case.shape, &values[..case.shape.iter().product()]))?;
    let asked = format!("{} --input x.npy", case.options);
    place.ok(&format!("new firmware my-app --board {board} --model model.onnx {asked}"))?;
    let outputs: String = (0..case.outputs).map(|index| format!(" --output y{index}.npy")).collect();
    place.ok(&format!("run model.onnx {asked} --codes{outputs}"))?;
    cargo(&place, "my-app", &["build", "--release"])?;
    let printed = cargo(&place, "my-app", &["run", "--release", "--quiet"])?;
    let mut lines = printed.lines();
    for index in 0..case.outputs {
        let expected = npy::read(&place.read(&format!("y{index}.npy"))?)?.values;
        let line = lines.next().ok_or("a line for each output")?;
        let (_, numbers) = line.split_once(':').ok_or("name: numbers")?;
        let numbers: Vec<f64> = numbers.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        assert_eq!(numbers, expected, "output {index}");
    }
    assert_eq!(lines.collect::<Vec<_>>(), ["the outputs are those of the host"]);
    Ok(())
}

/// Without samples the firmware has codes of its own; a wrong expectation is noticed, so the comparison is one.
fn own_sample() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&recurrent(0.031)))?;
    place.ok("new firmware app --board mps2-an386 --model model.onnx")?;
    assert!(
        cargo(&place, "app", &["run", "--release", "--quiet"])?
            .ends_with("the outputs are those of the host\n")
    );
    let sample = String::from_utf8(place.read("app/src/sample.rs")?)?;
    let at = sample.find("same &= *model.").ok_or("a comparison")?;
    let bracket = at + sample[at..].find('[').ok_or("codes")? + 1;
    let (head, tail) = sample.split_at(bracket);
    let first = tail.split([',', ']']).next().ok_or("a code")?;
    let other = if first == "1" { "2" } else { "1" };
    place.write("app/src/sample.rs", format!("{head}{other}{}", &tail[first.len()..]))?;
    let told =
        cargo(&place, "app", &["run", "--release", "--quiet"]).err().ok_or("a wrong code is not noticed")?;
    assert!(told.message().is_some_and(|told| told.contains("are not those of the host")), "{told:?}");
    Ok(())
}

fn nothing_is_overwritten() -> Result<(), Failed> {
    let place = Place::new()?;
    place.write("model.onnx", exactum_qonnx::write(&recurrent(0.031)))?;
    std::fs::create_dir(place.path().join("app"))?;
    place.ok("new firmware app --board microbit --model model.onnx")?;
    let main = place.read("app/src/main.rs")?;
    place.write("app/src/main.rs", "mine")?;
    let again = place.run("new firmware app --board microbit --model model.onnx")?;
    assert!(again.code == Some(1) && again.stderr.contains("E0905"), "{}", again.stderr);
    assert_eq!(place.read("app/src/main.rs")?, b"mine");
    for name in ["9lives", "test"] {
        let told = "no name of a package";
        let ran = place.run(&format!("new firmware {name} --board microbit --model model.onnx"))?;
        assert!(ran.code == Some(2) && ran.stderr.contains(told), "{}", ran.stderr);
        assert!(!place.path().join(name).exists());
    }
    let ran = place.run("new firmware other --board microbit --model model.onnx --path nowhere")?;
    assert!(ran.code == Some(1) && !place.path().join("other").exists(), "{}", ran.stderr);
    // With a checkout of exactum nothing is copied.
    let checkout = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    place.ok(&format!(
        "new firmware linked --board microbit --model model.onnx --path {}",
        checkout.display()
    ))?;
    assert!(!place.path().join("linked/vendor").exists() && place.read("linked/src/main.rs")? == main);
    Ok(())
}

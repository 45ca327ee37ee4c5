//! Every case on every backend against the oracle, and Brevitas' own results against the oracle.
//!
//! `cargo test --release -p exactum-tests --test conformance -- conv_padded` runs one case on all backends.

use std::collections::BTreeSet;
use std::sync::Arc;

use exactum_runtime::Program;
use exactum_runtime::program::op::OpKind;
use exactum_runtime::program::words_as_bytes;
use exactum_tests::backend;
use exactum_tests::case::{Case, array, brevitas_index, fixtures};
use exactum_tests::generate;
use libtest_mimic::{Arguments, Failed, Trial};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use serde_json::Value as Json;

fn main() {
    let arguments = Arguments::from_args();
    let backends = backend::all();
    let mut trials = vec![];
    let examples = generate::examples().into_iter();
    let mut cases: Vec<Arc<Case>> = examples
        .map(|(name, network)| {
            Arc::new(Case::new(format!("generated::{name}"), move || Ok(network.source())))
        })
        .collect();
    cases.extend(["digits_mlp", "digits_cnn"].map(|name| Arc::new(Case::exported(name, usize::MAX))));
    for fixture in brevitas_index().expect("the list of fixtures is part of the repository") {
        let case = Arc::new(Case::brevitas(fixture["name"].as_str().unwrap_or_default()));
        let recorded = Arc::clone(&case);
        trials.push(Trial::test(format!("{}::brevitas", case.name), move || {
            recorded_results(&recorded, &fixture)
        }));
        cases.push(case);
    }
    trials.extend(
        cases.iter().flat_map(|case| backends.iter().map(move |backend| backend::trial(case, backend))),
    );
    trials.push(Trial::test("every_op_of_the_runtime_has_a_case", move || every_op(&cases)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// What Brevitas computed in float32 equals the exact reading of the file: all codes if the output has a quantizer,
/// else the values up to 1e-5 of the largest.
fn recorded_results(case: &Case, fixture: &Json) -> Result<(), Failed> {
    let folder = fixtures().join("brevitas").join(fixture["name"].as_str().unwrap_or_default());
    let exact = &case.made()?.exact;
    let elems = exact[0].iter().map(|output| output.integers.len()).sum::<usize>();
    let all = exact.iter().flatten().flat_map(|output| (0..elems).map(|index| output.rational(index)));
    let quantizer = &fixture["output_quantizer"];
    if quantizer.is_null() {
        let recorded = array(&folder.join("output.npy"))?.values;
        let largest = recorded.iter().fold(0f64, |largest, value| largest.max(value.abs()));
        let exact: Vec<f64> = all.map(|value| value.to_f64().unwrap_or(f64::NAN)).collect();
        assert_eq!(recorded.len(), exact.len());
        let off = recorded.iter().zip(&exact).position(|(a, b)| (a - b).abs() > largest * 1e-5 || b.is_nan());
        return match off {
            None => Ok(()),
            Some(at) => Err(format!("element {at}: {} instead of {}", recorded[at], exact[at]).into()),
        };
    }
    assert_eq!(fixture["codes_off_exact"], 0, "the fixture itself counts differing codes");
    let scale = quantizer["scale"].as_f64().and_then(BigRational::from_float).ok_or("no scale")?;
    let zero_point = BigInt::from(quantizer["zero_point"].as_i64().ok_or("no zero point")?);
    let recorded = array(&folder.join("output_codes.npy"))?.values;
    let mut compared = 0;
    for (index, (code, exact)) in recorded.iter().zip(all).enumerate() {
        let code = BigInt::from(*code as i64) - &zero_point;
        assert_eq!(&scale * code, exact, "element {index}");
        compared += 1;
    }
    assert_eq!(compared, recorded.len());
    assert_eq!(compared, exact.len() * elems);
    Ok(())
}

/// The programs of all cases together use every op, so that each is compared on every backend.
fn every_op(cases: &[Arc<Case>]) -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    for case in cases {
        let image = &case.made()?.compiled.image;
        let words = backend::aligned(image);
        let program = Program::load(&words_as_bytes(&words)[..image.len()])?;
        seen.extend(program.ops().map(|op| op.kind().name()));
    }
    let missing: Vec<&str> =
        OpKind::ALL.iter().map(|kind| kind.name()).filter(|name| !seen.contains(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case has {}", missing.join(", ")).into()) }
}

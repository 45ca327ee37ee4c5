//! Every case on every backend against the oracle.
//!
//! `cargo test --release -p exactum-tests --test conformance -- conv_padded` runs one case on all backends. Files of
//! other people are cases too where the environment variable `EXACTUM_MODELS` names a folder of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use exactum_runtime::Program;
use exactum_runtime::program::op::OpKind;
use exactum_runtime::program::words_as_bytes;
use exactum_tests::backend::{self, Backend, Generated};
use exactum_tests::case::{Case, shared_models};
use exactum_tests::{cases, field, generate};
use libtest_mimic::{Arguments, Failed, Trial};

/// Flash of a small network with one sum into a curve: thresholds of 8-bit codes take 1 KiB.
const CURVE_BYTES: usize = 4096;

/// Files whose programs take their inputs channels last as well: constants of channels, and scales of any axis, before the quantizer.
const TURNED: [&str; 7] = [
    "input_quantizers::images",
    "channels_last_constants::input_sub_div_3",
    "channels_last_constants::scales_input",
    "channels_last_constants::thresholds_input",
    "layouts::turned_0231",
    "layouts::residual",
    "layouts::sequence",
];

fn main() {
    let arguments = Arguments::from_args();
    let mut backends = backend::all();
    let mut trials = vec![];
    let mut cases = cases::of_repository(usize::MAX);
    let turned = generate::examples().into_iter().map(|(name, network)| {
        Case::new(format!("generated::{name}"), move || Ok(network.source())).channels_last()
    });
    cases.extend(turned.map(Arc::new));
    cases.extend(
        ["keyword_spotting_legacy", "conv1d"].map(|name| Arc::new(Case::brevitas(name).channels_last())),
    );
    for fixture in field::all().expect("the fixtures are part of the repository") {
        if TURNED.contains(&fixture.name.as_str()) {
            cases.push(Arc::new(fixture.case().channels_last()));
        }
        if let Some(code) = fixture.refused.clone() {
            let case = fixture.case();
            let name = format!("{}::refused", case.name);
            trials.push(Trial::test(name, move || refused(&case, &code, "")));
        }
    }
    // The operators of the runtime have to be in cases that are always there.
    let mut own = cases.clone();
    match shared_models().expect("EXACTUM_MODELS names a folder of .onnx files") {
        None => {
            let name = "shared: EXACTUM_MODELS names no folder of .onnx files";
            trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
        }
        Some(paths) => {
            for path in paths {
                cases.push(Arc::new(Case::shared(&path)));
            }
        }
    }
    for (name, code, operator) in cases::REFUSED {
        if let Some(at) = cases.iter().position(|case| case.name == name) {
            let case = cases.remove(at);
            trials.push(Trial::test(format!("{name}::refused"), move || refused(&case, code, operator)));
        }
    }
    own.retain(|case| !cases::is_refused(case));
    let asked = |case: &&Arc<Case>| {
        let name = format!("{}::generated", case.name);
        arguments.filter.as_ref().is_none_or(|filter| name.contains(filter))
    };
    let generated = Generated::new(cases.iter().filter(asked).cloned().collect());
    backends.push(Arc::new(generated) as Arc<dyn Backend>);
    trials.extend(
        cases.iter().flat_map(|case| backends.iter().map(move |backend| backend::trial(case, backend))),
    );
    let curves: Vec<Arc<Case>> =
        own.iter().filter(|case| case.name.starts_with("field::sums_into_curves")).cloned().collect();
    trials.push(Trial::test("sums_into_curves_need_no_table_of_pairs", move || small(&curves)));
    trials.push(Trial::test("every_op_of_the_runtime_has_a_case", move || every_op(&own)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The file is refused by the name of its operator.
fn refused(case: &Case, code: &str, operator: &str) -> Result<(), Failed> {
    match case.made() {
        Ok(_) => Err("the model was compiled".into()),
        Err(problem) if problem.contains(code) && problem.contains(operator) => Ok(()),
        Err(problem) => Err(problem.into()),
    }
}

/// Whatever the scales are, a sum of two values of 8 bits and a curve take thresholds and no table of all pairs.
fn small(cases: &[Arc<Case>]) -> Result<(), Failed> {
    for case in cases {
        let bytes = case.made()?.compiled.image.len();
        if bytes > CURVE_BYTES {
            return Err(format!("{}: {bytes} bytes", case.name).into());
        }
    }
    if cases.is_empty() { Err("no cases".into()) } else { Ok(()) }
}

/// The programs of all cases together use every op, so that each is compared on every backend; states live from run to run,
/// which the suite `streaming` compares.
fn every_op(cases: &[Arc<Case>]) -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    for case in cases {
        let image = &case.made()?.compiled.image;
        let words = backend::aligned(image);
        let program = Program::load(&words_as_bytes(&words)[..image.len()])?;
        seen.extend(program.ops().map(|op| op.kind()));
    }
    seen.insert(OpKind::Push);
    let missing: Vec<&str> =
        OpKind::ALL.iter().filter(|kind| !seen.contains(kind)).map(|kind| kind.name()).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case has {}", missing.join(", ")).into()) }
}

//! Random networks and random requantizations against the oracle.

use std::sync::Arc;

use exactum_importer::certify::certify_exhaustively;
use exactum_importer::exact::{Channel, Function};
use exactum_importer::requant::{Costs, choose};
use exactum_runtime::num::{IntRange, Rounding};
use exactum_tests::backend::{self, Emulated, Host, Reference, agree};
use exactum_tests::case::Case;
use exactum_tests::generate::{Mixed, Network, Quantizer, mixed, network, places, rules};
use exactum_tests::oracle::round;
use libtest_mimic::{Arguments, Failed, Trial};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

/// Random networks that the reference and the host run, for each case that proptest is asked for: `PROPTEST_CASES`
/// in the environment makes it more.
const NETWORKS: u32 = 8;
/// Random networks that the emulated microcontroller runs as well, a start of the emulator each.
const EMULATED_NETWORKS: usize = 24;
/// Bits of the widest quantizers that layers take.
const WIDEST: u32 = 16;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("networks", networks),
        Trial::test("mixed_networks", mixed_networks),
        Trial::test("rules_at_every_place", rules_at_every_place),
        Trial::test("requantizations", requantizations),
        Trial::test("networks_cover_every_choice", coverage),
    ];
    let emulated: Arc<dyn backend::Backend> = Arc::new(Emulated::cortex_m4());
    let mut runner = TestRunner::deterministic();
    for index in 0..EMULATED_NETWORKS {
        let network = network().new_tree(&mut runner).expect("no choice is rejected").current();
        let case = Arc::new(case(format!("network_{index}"), &network));
        trials.push(backend::trial(&case, &emulated));
        let network = mixed().new_tree(&mut runner).expect("no choice is rejected").current();
        let case = Arc::new(mixed_case(format!("mixed_network_{index}"), &network));
        trials.push(backend::trial(&case, &emulated));
    }
    // Of the grid of rules those that are stored in another way than they are written.
    let wide = rules(WIDEST).into_iter().filter(|rule| rule.bits == WIDEST && !rule.signed);
    for rule in wide.step_by(3) {
        trials.push(backend::trial(&Arc::new(rule_case(&rule)), &emulated));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn rule_case(rule: &Quantizer) -> Case {
    let rule = *rule;
    let Quantizer { bits, signed, narrow, zero_point, rounding, .. } = rule;
    let name = format!("rule_{bits}_{signed}_{narrow}_{zero_point:?}_{rounding}");
    Case::new(name, move || Ok(places(&rule)))
}

/// Every rounding mode, width, sign and narrow flag after every operator and before every one: reference and host agree
/// with the oracle.
fn rules_at_every_place() -> Result<(), Failed> {
    // All of the widest, of the others enough that every width meets every mode, sign and zero point in turn.
    let chosen = |(index, rule): &(usize, Quantizer)| rule.bits == WIDEST || index % 4 == 0;
    let problems: Vec<String> = rules(WIDEST)
        .into_iter()
        .enumerate()
        .filter(chosen)
        .flat_map(|(_, rule)| {
            let case = rule_case(&rule);
            [&Reference as &dyn backend::Backend, &Host].map(|backend| agree(&case, backend).err())
        })
        .flatten()
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

fn runner(factor: u32) -> TestRunner {
    let config = Config::default();
    TestRunner::new(Config { cases: config.cases * factor, failure_persistence: None, ..config })
}

/// One in three images is taken with its channels last.
fn case(name: String, network: &Network) -> Case {
    let network = network.clone();
    let turned = network.spatial && network.seed.is_multiple_of(3);
    let case = Case::new(name, move || Ok(network.source()));
    if turned { case.channels_last() } else { case }
}

fn mixed_case(name: String, network: &Mixed) -> Case {
    let network = network.clone();
    Case::new(name, move || Ok(network.source()))
}

/// The same of networks of all operators.
fn mixed_networks() -> Result<(), Failed> {
    let mut runner = runner(1);
    let result = runner.run(&mixed(), |network| {
        let case = mixed_case("mixed network".to_owned(), &network);
        for backend in [&Reference as &dyn backend::Backend, &Host] {
            match agree(&case, backend) {
                Err(problem) if network.may_lack_a_form() && problem.contains("E0402") => return Ok(()),
                agreed => agreed.map_err(TestCaseError::fail)?,
            }
        }
        Ok(())
    });
    result.map_err(|error| error.to_string().into())
}

/// Every random network is accepted, and reference and host agree with the oracle on all samples.
fn networks() -> Result<(), Failed> {
    let mut runner = runner(NETWORKS);
    let result = runner.run(&network(), |network| {
        let case = case("network".to_owned(), &network);
        for backend in [&Reference as &dyn backend::Backend, &Host] {
            agree(&case, backend).map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    result.map_err(|error| error.to_string().into())
}

/// A requantization: slope and intercept as fractions, codes, accumulators and rounding.
#[derive(Clone, Debug)]
struct Requantization {
    alpha: BigRational,
    beta: BigRational,
    codes: IntRange,
    range: IntRange,
    rounding: Rounding,
}

/// Slopes of either sign, powers of two and others; a few thousand accumulators, about as many codes as they reach.
fn requantization() -> impl Strategy<Value = Requantization> {
    let slope = prop_oneof![
        (-1i64..=1, 0u32..12).prop_map(|(sign, shift)| (sign, 1i64 << shift)),
        (-40_000i64..40_000, 1i64..3_000_000),
    ];
    let intercept =
        prop_oneof![(-600i64..600).prop_map(|halves| (halves, 2)), (-3_000_000i64..3_000_000, 1i64..20_000)];
    let codes = (1u32..=8, any::<bool>());
    (slope, intercept, codes, -2000i64..2000, 1i64..4000, 0..Rounding::ALL.len()).prop_map(
        |(alpha, beta, (bits, signed), lo, length, rounding)| {
            let half = 1i64 << (bits - 1);
            let (lowest, highest) = if signed { (-half, half - 1) } else { (0, 2 * half - 1) };
            Requantization {
                alpha: BigRational::new(alpha.0.into(), alpha.1.into()),
                beta: BigRational::new(beta.0.into(), beta.1.into()),
                codes: IntRange { lo: lowest, hi: highest },
                range: IntRange { lo, hi: lo + length },
                rounding: Rounding::ALL[rounding],
            }
        },
    )
}

/// The chosen form gives the rounded fraction on the whole range, and the exhaustive checker agrees. Channels of one
/// layer share codes and rounding and differ in everything else, as batch norms with scales of either sign make them.
fn requantizations() -> Result<(), Failed> {
    let layers = (requantization(), prop::collection::vec(requantization(), 0..3));
    let mut runner = runner(1);
    let result = runner.run(&layers, |(first, others)| {
        let same =
            |other: Requantization| Requantization { codes: first.codes, rounding: first.rounding, ..other };
        let layer: Vec<Requantization> =
            [first.clone()].into_iter().chain(others.into_iter().map(same)).collect();
        let channel = |r: &Requantization| Channel {
            function: Function::affine(r.alpha.clone(), r.beta.clone(), r.codes, r.rounding),
            range: r.range,
        };
        let channels: Vec<Channel> = layer.iter().map(channel).collect();
        let choice =
            choose(&channels, Costs::default()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let requant = choice.params.view();
        for (index, r) in layer.iter().enumerate() {
            for acc in r.range.lo..=r.range.hi {
                let real = &r.alpha * BigRational::from_integer(acc.into()) + &r.beta;
                let rounded = round(real.numer(), real.denom(), r.rounding.qonnx_name());
                let rounded = rounded.and_then(|code| code.to_i64());
                let expected = rounded.map(|code| code.clamp(r.codes.lo, r.codes.hi));
                prop_assert_eq!(
                    Some(i64::from(requant.apply(index, acc as i32))),
                    expected,
                    "channel {} at {}",
                    index,
                    acc
                );
            }
        }
        let exhaustive = certify_exhaustively(&channels, &requant);
        prop_assert!(exhaustive.is_ok(), "{:?}", exhaustive.err());
        Ok(())
    });
    result.map_err(|error| error.to_string().into())
}

/// The generated networks are no special cases: between them they hold every operator, rounding mode and padding,
/// and most outputs are inside their clamp.
fn coverage() -> Result<(), Failed> {
    let mut runner = TestRunner::deterministic();
    let (mut text, mut inside, mut all) = (String::new(), 0, 0);
    for _ in 0..150 {
        let network = network().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let case = case("network".to_owned(), &network);
        let made = case.made()?;
        text.push_str(&made.source.model.to_string());
        text.push_str(&made.compiled.scheduled.to_string());
        let range = made.compiled.interface.outputs[0].range;
        let integers = made.expected.iter().flatten();
        inside += integers.clone().filter(|code| (range.lo + 1..range.hi).contains(*code)).count();
        all += integers.count();
    }
    let choices = [
        "Conv(",
        "Gemm(",
        "MatMul(",
        "Add(",
        "Relu(",
        "MaxPool(",
        "Flatten(",
        "Reshape(",
        "Transpose(",
        "Identity(",
        "CEIL",
        "FLOOR",
        "\"UP\"",
        "DOWN",
        "HALF_UP",
        "HALF_DOWN",
        "SAME_UPPER",
        "SAME_LOWER",
        "VALID",
        "\"groups\":2",
        "\"dilation\":[2,",
        "\"stride\":[2,",
        "offset",
        "multiply32",
        "shift_half_even",
        "thresholds",
    ];
    let absent: Vec<&str> = choices.into_iter().filter(|choice| !text.contains(choice)).collect();
    assert!(absent.is_empty(), "no network has {absent:?}");
    assert!(inside * 2 > all, "{inside} of {all} outputs are inside their clamp");
    Ok(())
}

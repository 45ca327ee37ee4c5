//! Programs of steps of random networks against the oracle's values of whole windows, and recurrent cells with bound states against
//! the oracle's, which is given each state.

use std::sync::Arc;

use exactum_runtime::program::Packing;
use exactum_tests::backend::{Backend, Emulated, Host, Packed, Reference};
use exactum_tests::cells;
use exactum_tests::generate::cells::{Join, Mix};
use exactum_tests::generate::{Cell, Line};
use exactum_tests::steps::Stepwise;
use libtest_mimic::{Arguments, Failed, Trial};

/// Networks that the reference and the host run with all packings; `EXACTUM_LINES` in the environment makes it more.
const NETWORKS: u64 = 60;
/// Networks that the emulated microcontroller runs, a start of the emulator each.
const EMULATED: u64 = 4;
/// Recurrent cells; `EXACTUM_CELLS` in the environment makes it more.
const CELLS: u64 = 3;
/// Steps of a cell.
const STEPS: usize = 5;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("networks", networks)];
    let emulated = Arc::new(Emulated::cortex_m4());
    let missing = emulated.missing().is_some() && std::env::var_os("CI").is_none();
    for seed in 0..EMULATED {
        let emulated = Arc::clone(&emulated);
        let test = move || Ok(Stepwise::new(&Line::new(seed))?.agree(emulated.as_ref())?);
        trials.push(Trial::test(format!("network_{seed}::cortex_m4"), test).with_ignored_flag(missing));
    }
    trials.push(Trial::test("cells", random_cells));
    for seed in 0..EMULATED {
        let emulated = Arc::clone(&emulated);
        let test = move || {
            let made = Cell::new(seed);
            match cell(&made, &[emulated.as_ref()]) {
                Err(problem) if !may_be_refused(&made, &problem) => Err(problem.into()),
                _ => Ok(()),
            }
        };
        trials.push(Trial::test(format!("cell_{seed}::cortex_m4"), test).with_ignored_flag(missing));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Every network that has a program has one of steps, and all backends agree with the windows.
fn networks() -> Result<(), Failed> {
    let count = std::env::var("EXACTUM_LINES").ok().and_then(|count| count.parse().ok()).unwrap_or(NETWORKS);
    let (mut networks, mut compared, mut problems) = (0, 0, vec![]);
    for seed in 0..count {
        let stepwise = match Stepwise::new(&Line::new(seed)) {
            Ok(stepwise) => stepwise,
            // A function of two values can be without a form, of a window as of a step.
            Err(problem) if problem.starts_with("window: ") && problem.contains("E0402") => continue,
            // Many padded layers leave no frame that padding does not reach.
            Err(problem) if problem.contains("padding that reaches all") => continue,
            Err(problem) => {
                problems.push(format!("network {seed}: {problem}"));
                continue;
            }
        };
        networks += 1;
        compared += stepwise.expected.iter().map(Vec::len).sum::<usize>();
        let packed = [Packing::RowMajor, Packing::Nibbles].map(Packed);
        let backends: [&dyn Backend; 4] = [&Reference, &Host, &packed[0], &packed[1]];
        let failed = backends.iter().filter_map(|backend| stepwise.agree(*backend).err());
        problems.extend(failed.map(|problem| format!("network {seed}: {problem}")));
    }
    // Nearly all networks have a program, and each gives several integers.
    if networks * 10 < count * 9 || compared < 4 * count as usize {
        problems.push(format!("only {compared} integers of {networks} networks were compared"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Every cell has a program, in proportion to its size whatever its scales are, and all backends give the oracle's states.
fn random_cells() -> Result<(), Failed> {
    let count = std::env::var("EXACTUM_CELLS").ok().and_then(|count| count.parse().ok()).unwrap_or(CELLS);
    let packed = [Packing::RowMajor, Packing::Nibbles].map(Packed);
    let backends: [&dyn Backend; 4] = [&Reference, &Host, &packed[0], &packed[1]];
    let mut problems = vec![];
    for seed in 0..count {
        let made = Cell::new(seed);
        match cell(&made, &backends) {
            Ok(_) => {}
            Err(problem) if may_be_refused(&made, &problem) => {}
            Err(problem) => {
                problems.push(format!("cell {seed}, {:?} {:?}: {problem}", made.choices, made.sizes))
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// Whether a cell like this may have no program: long sums before a curve, and three terms in no common unit.
fn may_be_refused(cell: &Cell, problem: &str) -> bool {
    cell.choices.join == Join::Sums && problem.contains("E0402")
        || cell.choices.mix == Mix::Plain && problem.contains("E0401")
}

/// The bytes of the image of `cell`, if they are in proportion and all `backends` give what the oracle does.
fn cell(cell: &Cell, backends: &[&dyn Backend]) -> Result<usize, String> {
    let made = cells::bound(cell, STEPS)?;
    for backend in backends {
        let found = backend.run(&made)?;
        if let Some(step) = (0..made.expected.len().max(found.len()))
            .find(|step| found.get(*step) != made.expected.get(*step))
        {
            let (found, expected) = (found.get(step), made.expected.get(step));
            return Err(format!("{}: step {step}: {found:?}, the oracle's is {expected:?}", backend.name()));
        }
    }
    let (bytes, most) = (made.compiled.image.len(), most_bytes(cell));
    if bytes > most { Err(format!("{bytes} bytes, more than {most}")) } else { Ok(bytes) }
}

/// The largest image a cell may have: its weights, what describes each operator, and for each curve the thresholds of 8-bit codes.
fn most_bytes(cell: &Cell) -> usize {
    let [inputs, hidden] = cell.sizes;
    let [layers, curves] = cell.parts();
    let weights = layers * hidden * (inputs + hidden);
    let described = 1024 + 224 * cell.model.graph.nodes.iter().filter(|node| node.op_type == "Quant").count();
    let list = match cell.choices.join {
        Join::After | Join::ConcatAfter => 320 + 48 * hidden,
        Join::Codes | Join::Shared => 1024 + 16 * hidden,
        // Channels have thresholds of their own.
        Join::Concat | Join::Sums => 8 * 255 * hidden,
    };
    described + weights + curves * list
}

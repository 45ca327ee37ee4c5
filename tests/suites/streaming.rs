//! Programs of steps of random networks against the oracle's values of whole windows.

use std::sync::Arc;

use exactum_runtime::program::Packing;
use exactum_tests::backend::{Backend, CortexM4, Host, Packed, Reference};
use exactum_tests::generate::Line;
use exactum_tests::steps::Stepwise;
use libtest_mimic::{Arguments, Failed, Trial};

/// Networks that the reference and the host run with all packings; `EXACTUM_LINES` in the environment makes it more.
const NETWORKS: u64 = 60;
/// Networks that the emulated microcontroller runs, a start of the emulator each.
const EMULATED: u64 = 4;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("networks", networks)];
    let emulated = Arc::new(CortexM4::new());
    let missing = emulated.missing().is_some() && std::env::var_os("CI").is_none();
    for seed in 0..EMULATED {
        let emulated = Arc::clone(&emulated);
        let test = move || Ok(Stepwise::new(&Line::new(seed))?.agree(emulated.as_ref())?);
        trials.push(Trial::test(format!("network_{seed}::cortex_m4"), test).with_ignored_flag(missing));
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
            Err(problem) => {
                problems.push(format!("network {seed}: {problem}"));
                continue;
            }
        };
        networks += 1;
        compared += stepwise.expected.iter().map(Vec::len).sum::<usize>();
        let packed = [Packing::RowMajor, Packing::Nibbles, Packing::FilterPairs, Packing::TapBlocks].map(Packed);
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

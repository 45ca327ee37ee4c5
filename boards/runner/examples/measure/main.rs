//! Measures what kernels and requantization forms cost on the emulated board, and prints the table of costs:
//!
//! `cargo run --release -p exactum-runner --example measure -- mps2-an386 > importer/targets/costs/cortex-m4.toml`, and so for
//! `mps2-an385-armv6m` (`cortex-m0`), `mps2-an385` (`cortex-m3`) and `riscv-virt` (`riscv32`).
//!
//! Programs of one op run in many shapes; the instructions of each kernel are fitted by what its loops count
//! (`exactum_importer::cost::Work`). Counts repeat, so the same firmware always gives the same table. `-- BOARD PREFIX` measures only
//! kernels whose names start with it, and prints what each of their programs executes.
#![allow(clippy::print_stdout)]

mod fit;
mod one_op;
mod programs;

use std::collections::BTreeMap;

use exactum_importer::cost::{FormCost, Work};
use exactum_importer::lower::aligned;
use exactum_runner::{Board, Counting, Counts, Emulator};
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};

use one_op::{Result, Sample};
use programs::{forms, samples};

/// One measured op: its work and its instructions.
struct Measured {
    kernel: String,
    terms: Vec<(&'static str, u64)>,
    requantized: u64,
    form: Option<&'static str>,
    codes: u64,
    instructions: f64,
    stack_bytes: u32,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let board = arguments.next().ok_or("the name of a board")?;
    let emulator = Emulator::find(&Board::named(&board)?)?;
    let generic = emulator.build("generic")?;
    let measure = |sample: &Sample| -> Result<Measured> {
        let run = emulator.run_program(&generic, &sample.image, &sample.input, Counting::On)?;
        if run.output != on_host(sample)? {
            return Err("the board computes something else than the host".into());
        }
        measured(sample, run.counts.first().ok_or("nothing was counted")?)
    };
    if let Some(prefix) = arguments.next() {
        return only(&prefix, &measure);
    }
    let forms = of_forms(&forms()?.iter().map(&measure).collect::<Result<Vec<_>>>()?)?;
    let measured = samples()?.iter().map(&measure).collect::<Result<Vec<_>>>()?;
    let kernels = of_kernels(&measured, &forms)?;
    println!(
        "# Written by `cargo run --release -p exactum-runner --example measure -- {board}`; instructions, not cycles."
    );
    println!("source = \"{}, firmware for the board {board}\"\n", emulator.version());
    for (form, FormCost { element, doubling }) in &forms {
        println!("[forms.{form}]\nelement = {element:.2}\ndoubling = {doubling:.2}\n");
    }
    for (kernel, terms) in &kernels {
        println!("[kernels.\"{kernel}\"]");
        terms.iter().for_each(|(term, cost)| println!("{term} = {cost:.3}"));
        println!();
    }
    println!("[stack]");
    let mut stack: BTreeMap<&str, u32> = BTreeMap::new();
    for Measured { kernel, stack_bytes, .. } in &measured {
        let most = stack.entry(kernel).or_default();
        *most = (*most).max(*stack_bytes);
    }
    stack.iter().for_each(|(kernel, bytes)| println!("\"{kernel}\" = {bytes}"));
    Ok(())
}

/// What the program of `sample` gives on this machine, as the board writes it.
fn on_host(sample: &Sample) -> Result<Vec<u8>> {
    let words = aligned(&sample.image);
    let program = Program::load(&words_as_bytes(&words)[..sample.image.len()])?;
    let mut arena = vec![0u64; program.arena_bytes().div_ceil(8) as usize];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let mut rest = sample.input.as_slice();
    for index in 0..program.inputs().len() {
        let mut codes = engine.input_mut(index).ok_or("an input")?;
        let to = codes.as_bytes_mut();
        let (own, behind) = rest.split_at_checked(to.len()).ok_or("codes of every input")?;
        to.copy_from_slice(own);
        rest = behind;
    }
    engine.run();
    let outputs = (0..program.outputs().len()).filter_map(|index| engine.output(index));
    Ok(outputs.flat_map(|codes| codes.as_bytes().to_vec()).collect())
}

/// Prints the work and the instructions of every program of kernels whose names start with `prefix`.
fn only(prefix: &str, measure: &impl Fn(&Sample) -> Result<Measured>) -> Result<()> {
    for sample in samples()? {
        let words = aligned(&sample.image);
        let program = Program::load(&words_as_bytes(&words)[..sample.image.len()])?;
        let op = program.ops().next().ok_or("a program of one op")?;
        if Work::of(&program, &op).is_some_and(|work| work.kernel.starts_with(prefix)) {
            let Measured { kernel, terms, instructions, stack_bytes, .. } = measure(&sample)?;
            println!("{kernel}: {instructions} instructions, {stack_bytes} bytes of stack, {terms:?}");
        }
    }
    Ok(())
}

fn measured(sample: &Sample, counts: &Counts) -> Result<Measured> {
    let words = aligned(&sample.image);
    let program = Program::load(&words_as_bytes(&words)[..sample.image.len()])?;
    let op = program.ops().next().ok_or("a program of one op")?;
    let work = Work::of(&program, &op).ok_or("an op whose work is known")?;
    Ok(Measured {
        form: work.requant.map(|requant| requant.form_name()),
        codes: work.codes(),
        kernel: work.kernel,
        terms: work.terms,
        requantized: work.requantized,
        instructions: *counts.ops.first().ok_or("no op was counted")? as f64,
        stack_bytes: counts.stack_bytes,
    })
}

/// What each form adds to storing accumulators as they are, for each element.
fn of_forms(measured: &[Measured]) -> Result<BTreeMap<String, FormCost>> {
    let bare = |kernel: &str| {
        let bare = measured.iter().find(|measured| measured.form.is_none() && measured.kernel == kernel);
        bare.map(|measured| measured.instructions).ok_or("an op without requantization")
    };
    let mut points: BTreeMap<String, (Vec<Vec<f64>>, Vec<f64>)> = BTreeMap::new();
    for measured in measured {
        let Some(form) = measured.form else { continue };
        let each = (measured.instructions - bare(&measured.kernel)?) / measured.requantized as f64;
        let (rows, wanted) = points.entry(form.to_owned()).or_default();
        rows.push(vec![1.0, (measured.codes as f64).log2()]);
        wanted.push(each);
    }
    let cost = |(form, (mut rows, each)): (String, (Vec<Vec<f64>>, Vec<f64>))| {
        // Doublings tell only where codes differ.
        if rows.windows(2).all(|pair| pair[0][1] == pair[1][1]) {
            rows.iter_mut().for_each(|row| row[1] = 0.0);
        }
        let [element, doubling] = fit::not_negative(&rows, &each).try_into().unwrap_or_default();
        (form, FormCost { element, doubling })
    };
    Ok(points.into_iter().map(cost).collect())
}

/// Instructions of each turn of a kernel's loops.
fn of_kernels(
    measured: &[Measured],
    forms: &BTreeMap<String, FormCost>,
) -> Result<BTreeMap<String, BTreeMap<&'static str, f64>>> {
    let mut by_kernel: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for measured in measured {
        by_kernel.entry(&measured.kernel).or_default().push(measured);
    }
    let mut costs = BTreeMap::new();
    for (kernel, measured) in by_kernel {
        let mut rows = vec![];
        let mut ones = vec![];
        for measured in &measured {
            let form = measured.form.map(|form| forms.get(form).ok_or("a measured form")).transpose()?;
            let each = form.map_or(0.0, |form| form.each(measured.codes));
            let loops = measured.instructions - each * measured.requantized as f64;
            // Relative errors count.
            rows.push(measured.terms.iter().map(|(_, count)| *count as f64 / loops).collect());
            ones.push(1.0);
        }
        let fitted = fit::not_negative(&rows, &ones);
        for (row, measured) in rows.iter().zip(&measured) {
            let predicted: f64 = row.iter().zip(&fitted).map(|(term, cost)| term * cost).sum();
            let terms = &measured.terms;
            eprintln!(
                "{kernel} {:.0} instructions, predicted {:+.1} %: {terms:?}",
                measured.instructions,
                (predicted - 1.0) * 100.0
            );
        }
        costs
            .insert(kernel.to_owned(), measured[0].terms.iter().map(|(name, _)| *name).zip(fitted).collect());
    }
    Ok(costs)
}

//! What operators and requantizations cost on a machine, in instructions: tables that were measured on emulated boards.
//!
//! `targets/costs/NAME.toml` holds one; the example `measure` of `exactum-runner` writes it. `requant` orders forms by it,
//! `exactum size --target` predicts instructions with it.

mod work;

use std::collections::BTreeMap;

use exactum_runtime::program::{Op, Program};
use serde::{Deserialize, Serialize};

pub use work::Work;

/// The costs of one machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CostTable {
    /// What was measured, and how it can be done again.
    pub source: String,
    /// By the name of a requantization form.
    pub forms: BTreeMap<String, FormCost>,
    /// By the name of a kernel, instructions for one of each of the [terms of its work](Work::terms).
    pub kernels: BTreeMap<String, BTreeMap<String, f64>>,
    /// By the name of a kernel, bytes of stack that a program takes with it, from the call that runs the program on.
    pub stack: BTreeMap<String, u64>,
}

/// The cost of one requantization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormCost {
    /// Instructions for each element.
    pub element: f64,
    /// Instructions for each element and each doubling of the codes that the output has.
    #[serde(default)]
    pub doubling: f64,
}

impl CostTable {
    /// Instructions that `op` of `program` takes; `None` if its kernel or its requantization was not measured.
    pub fn predict(&self, program: &Program<'_>, op: &Op<'_>) -> Option<f64> {
        let work = Work::of(program, op)?;
        let costs = self.kernels.get(&work.kernel)?;
        let loops =
            work.terms.iter().map(|(name, count)| costs.get(*name).copied().unwrap_or(0.0) * *count as f64);
        let each = match &work.requant {
            Some(requant) => self.form(requant.form_name(), work.codes())?,
            None => 0.0,
        };
        Some(loops.sum::<f64>() + each * work.requantized as f64)
    }

    /// Whether there are kernels that make codes of the form `multiply-high` before they store anything.
    pub fn has_codes_in_registers(&self) -> bool {
        self.kernels.keys().any(|kernel| kernel.ends_with(work::HIGH))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong with `text`, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let forms = table.forms.values().flat_map(|cost| [cost.element, cost.doubling]);
        let numbers = forms.chain(table.kernels.values().flat_map(|terms| terms.values().copied()));
        match numbers.into_iter().find(|number| !number.is_finite() || *number < 0.0) {
            Some(number) => Err(format!("a cost of {number}, needed a finite number that is not negative")),
            None => Ok(table),
        }
    }

    /// Bytes of stack that a run of `program` takes: those of its deepest op. `None` if a kernel was not measured.
    pub fn stack_bytes(&self, program: &Program<'_>) -> Option<u64> {
        let of_op = |op: Op<'_>| self.stack.get(&Work::of(program, &op)?.kernel).copied();
        program.ops().map(of_op).try_fold(0, |most, bytes| Some(bytes?.max(most)))
    }

    /// Instructions for one element of a requantization by the form called `form` to `codes` codes; `None` if it was not
    /// measured.
    pub fn form(&self, form: &str, codes: u64) -> Option<f64> {
        Some(self.forms.get(form)?.each(codes))
    }
}

impl FormCost {
    /// Instructions for one element.
    pub fn each(&self, codes: u64) -> f64 {
        self.element + self.doubling * (codes.max(1) as f64).log2()
    }
}

//! Chooses the cheapest form that the checker proves.

use super::{FormKind, Layer, RequantError, RequantParams};
use crate::certify::{LayerCertificate, certify};
use crate::cost::CostTable;
use crate::exact::Channel;
use exactum_runtime::num::IntRange;
use std::cmp::Ordering;

/// Codes up to which counting thresholds is cheaper than multiplying.
const FEW_CODES: i64 = 4;

/// Codes up to which their thresholds are no larger than the parameters of a 128-bit line.
const SHORT_LISTS: i64 = 7;

/// The requantization of a layer and its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the program holds.
    pub params: RequantParams,
    /// Why it is right.
    pub certificate: LayerCertificate,
    /// Cheaper forms that cannot compute the layer, in the order they were tried.
    pub passed_over: Vec<FormKind>,
}

/// What is known of the costs of forms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs<'c> {
    /// What was measured.
    pub table: Option<&'c CostTable>,
    /// Whether the kernel that sums makes codes of the form `multiply-high` before it stores anything.
    pub in_registers: bool,
}

/// Codes of a byte: what kernels make in registers.
const BYTE_CODES: i64 = 256;

/// The order in which [`choose`] tries forms for outputs with `codes` codes: by `costs` where all are known, else by what
/// processors with a 32-bit multiplier take; and lists of thresholds or entries last where they are larger.
pub fn order(codes: i64, costs: Costs<'_>) -> [FormKind; FormKind::ALL.len()] {
    let Costs { table, in_registers } = costs;
    let mut forms = FormKind::ALL;
    forms.sort_by_key(|form| rank(*form, codes));
    let lines = forms.iter().filter(|form| rank(**form, codes) < LISTS).count();
    let is_free = |form: FormKind| form == FormKind::MultiplyHigh && in_registers && codes == BYTE_CODES;
    let measured = |form: FormKind| table.and_then(|costs| costs.form(form.name(), codes.unsigned_abs()));
    let cost = |form: &FormKind| if is_free(*form) { Some(0.0) } else { measured(*form) };
    if forms[..lines].iter().all(|form| cost(form).is_some()) {
        forms[..lines].sort_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap_or(Ordering::Equal));
    }
    forms
}

/// The rank from which on forms are large lists.
const LISTS: u8 = 10;

/// The place of `form` among the others where nothing is known of their costs.
const fn rank(form: FormKind, codes: i64) -> u8 {
    match form {
        FormKind::Offset => 0,
        FormKind::Thresholds if codes <= FEW_CODES => 1,
        FormKind::ShiftHalfEven => 2,
        FormKind::Multiply32 => 3,
        FormKind::Multiply64 => 4,
        FormKind::MultiplyHigh => 5,
        FormKind::EvenOdd => 6,
        FormKind::Thresholds if codes <= SHORT_LISTS => 7,
        FormKind::ShiftHalfEven64 => 8,
        FormKind::Multiply128 => 9,
        FormKind::Thresholds => LISTS,
        FormKind::Thresholds64 => LISTS + 1,
        FormKind::Table => LISTS + 2,
    }
}

/// The list `params` or a table of codes, if that is smaller: it is found in one step, too.
fn smaller(layer: &Layer<'_>, form: FormKind, params: RequantParams) -> (FormKind, RequantParams) {
    let ranges = layer.channels.iter().map(|channel| channel.range).reduce(IntRange::union);
    // An entry has a byte at least.
    let entries = ranges.map_or(u64::MAX, |range| range.hi.abs_diff(range.lo));
    if form == FormKind::Table || entries >= params.size_bytes() as u64 {
        return (form, params);
    }
    match layer.solve(FormKind::Table) {
        Some(table) if table.size_bytes() < params.size_bytes() => (FormKind::Table, table),
        _ => (form, params),
    }
}

/// Solves the requantization of one layer: the cheapest form that computes every channel's function on its whole
/// range, with its certificate.
///
/// An integer bias that starts the accumulator is expressed with [`Channel::with_bias`].
///
/// # Errors
///
/// [`RequantError`] if the layer is malformed or no form computes it.
pub fn choose(channels: &[Channel], costs: Costs<'_>) -> Result<Choice, RequantError> {
    let layer = Layer::new(channels)?;
    let codes = layer.codes();
    let mut passed_over = Vec::new();
    let steps = codes.hi - codes.lo + 1;
    for form in order(steps, costs) {
        let Some(params) = layer.solve(form) else {
            passed_over.push(form);
            continue;
        };
        let (form, params) = match rank(form, steps) < LISTS {
            true => (form, params),
            false => smaller(&layer, form, params),
        };
        let certificate =
            certify(channels, &params.view()).map_err(|error| RequantError::Uncertified { form, error })?;
        return Ok(Choice { params, certificate, passed_over });
    }
    Err(RequantError::NoForm { channels: channels.len(), codes })
}

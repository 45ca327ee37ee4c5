//! Chooses the cheapest form that the checker proves.

use super::{FormKind, Layer, RequantError, RequantParams};
use crate::certify::{LayerCertificate, certify};
use crate::cost::CostTable;
use crate::exact::Channel;

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

/// The order in which [`choose`] tries forms for outputs with `codes` codes: by `costs` where they are known, else by what
/// processors with a 32-bit multiplier take; and lists of thresholds or entries last where they are larger.
pub fn order(codes: i64, costs: Option<&CostTable>) -> [FormKind; 9] {
    use FormKind::{
        EvenOdd, Multiply32, Multiply64, Multiply128, Offset, ShiftHalfEven, ShiftHalfEven64, Table,
        Thresholds,
    };
    let mut order = [
        Offset,
        ShiftHalfEven,
        Multiply32,
        Multiply64,
        EvenOdd,
        ShiftHalfEven64,
        Multiply128,
        Thresholds,
        Table,
    ];
    // Where thresholds stand among the lines without costs.
    let place = match codes {
        ..=FEW_CODES => 1,
        ..=SHORT_LISTS => 5,
        _ => return by_cost(order, 7, codes, costs),
    };
    order[place..8].rotate_right(1);
    by_cost(order, 8, codes, costs)
}

/// `order` with its first `sorted` forms by their `costs`, if all were measured.
fn by_cost(mut order: [FormKind; 9], sorted: usize, codes: i64, costs: Option<&CostTable>) -> [FormKind; 9] {
    let cost = |form: &FormKind| costs.and_then(|costs| costs.form(form.name(), codes.unsigned_abs()));
    if order[..sorted].iter().all(|form| cost(form).is_some()) {
        order[..sorted].sort_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap_or(std::cmp::Ordering::Equal));
    }
    order
}

/// Solves the requantization of one layer: the cheapest form that computes every channel's function on its whole
/// range, with its certificate.
///
/// An integer bias that starts the accumulator is expressed with [`Channel::with_bias`].
///
/// # Errors
///
/// [`RequantError`] if the layer is malformed or no form computes it.
pub fn choose(channels: &[Channel], costs: Option<&CostTable>) -> Result<Choice, RequantError> {
    let layer = Layer::new(channels)?;
    let codes = layer.codes();
    let mut passed_over = Vec::new();
    for form in order(codes.hi - codes.lo + 1, costs) {
        let Some(params) = layer.solve(form) else {
            passed_over.push(form);
            continue;
        };
        let certificate =
            certify(channels, &params.view()).map_err(|error| RequantError::Uncertified { form, error })?;
        return Ok(Choice { params, certificate, passed_over });
    }
    Err(RequantError::NoForm { channels: channels.len(), codes })
}

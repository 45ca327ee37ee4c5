//! The log: `defmt` in firmware, nothing on hosts, whose programs have no sections for it.

use crate::frames::{Counts, Fault};
use crate::report::{Notice, Report, Totals};

#[cfg(feature = "defmt")]
mod by_defmt {
    use super::*;

    pub(crate) fn report(report: &Report) {
        match report.decision {
            Some(decision) => defmt::info!(
                "run {}: class {}, probability {}, lead {}, {}, {} ticks, headroom {} permille",
                report.runs,
                decision.class,
                report.probability,
                decision.lead,
                if decision.holds { "holds" } else { "open" },
                report.ticks,
                report.headroom_permille
            ),
            None => defmt::debug!(
                "run {}: warming up, {} ticks, headroom {} permille",
                report.runs,
                report.ticks,
                report.headroom_permille
            ),
        }
    }

    pub(crate) fn fault(fault: Fault) {
        defmt::warn!("serial: {}", fault);
    }

    pub(crate) fn notice(notice: Notice) {
        defmt::warn!("signal: {}", notice);
    }

    pub(crate) fn end(totals: Totals, counts: Counts) {
        defmt::info!("end: {}, {}", totals, counts);
    }

    pub(crate) fn overrun() {
        defmt::warn!("sensor: samples were lost");
    }
}

#[cfg(not(feature = "defmt"))]
mod by_nothing {
    use super::*;

    pub(crate) fn report(_: &Report) {}

    pub(crate) fn fault(_: Fault) {}

    pub(crate) fn notice(_: Notice) {}

    pub(crate) fn end(_: Totals, _: Counts) {}

    pub(crate) fn overrun() {}
}

#[cfg(feature = "defmt")]
pub(crate) use by_defmt::*;
#[cfg(not(feature = "defmt"))]
pub(crate) use by_nothing::*;

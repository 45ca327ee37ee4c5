//! Layers whose codes come from thresholds or signs.

use proptest::prelude::*;

use super::{Act, Family, family};
use crate::generate::Quantizer;
use crate::generate::build::{Builder, Codes};

/// A convolution whose codes come from thresholds or signs.
#[derive(Debug)]
struct Thresholds {
    /// Whether signs.
    bipolar: bool,
}

pub(super) fn steps() -> Family {
    family(1, any::<bool>().prop_map(|bipolar| Thresholds { bipolar }))
}

impl Act for Thresholds {
    fn add(&self, builder: &mut Builder, _: &Quantizer) {
        builder.thresholds(self.bipolar);
    }
}

impl Builder {
    /// Codes of a convolution by `MultiThreshold`, or its signs by `BipolarQuant`.
    fn thresholds(&mut self, bipolar: bool) {
        let outputs = self.values.integer(1, 3) as usize;
        let reach = self.convolution(false, outputs);
        let scale = self.values.scale(0.25, self.power_of_two);
        if bipolar {
            let name = self.floats("scale", &[], vec![scale]);
            self.push("BipolarQuant", &[name], |node| node);
            self.codes = Codes { scale, zero_point: 0, lo: -1, hi: 1 };
            return;
        }
        let channels = self.shape[1];
        let rows = if self.values.integer(0, 1) == 0 { 1 } else { channels };
        let steps = 7;
        let mut thresholds = vec![];
        for _ in 0..rows {
            let mut row: Vec<f32> = (0..steps).map(|_| ((self.values.unit() - 0.5) * reach) as f32).collect();
            row.sort_by(f32::total_cmp);
            thresholds.extend(row);
        }
        let name = self.floats("thresholds", &[rows, steps], thresholds);
        let signed = self.values.integer(0, 1);
        let (lo, bias) = if signed == 1 { (-4, -4.0 * scale) } else { (0, 0.0) };
        let dtype = if signed == 1 { "INT3" } else { "UINT3" };
        self.push("MultiThreshold", &[name], |node| {
            node.attr("out_dtype", dtype)
                .attr("out_scale", scale)
                .attr("out_bias", bias)
                .attr("data_layout", "NCHW")
        });
        self.codes = Codes { scale, zero_point: 0, lo, hi: lo + 7 };
    }
}

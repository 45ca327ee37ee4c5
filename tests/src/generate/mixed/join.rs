//! Branches that are added, multiplied or joined.

use exactum_qonnx::Node;
use proptest::prelude::*;

use super::{Act, Family, Place, family};
use crate::generate::Quantizer;
use crate::generate::build::Builder;

/// The sum of two requantized branches.
#[derive(Debug)]
struct Residual {
    /// Whether both branches have one scale.
    shared: bool,
}

/// The branch times a sigmoid of each channel's mean.
#[derive(Debug)]
struct Gate;

/// Two branches, joined along the channels.
#[derive(Debug)]
struct Concat {
    /// Whether both branches have one scale.
    shared: bool,
}

pub(super) fn sums() -> Family {
    family(2, any::<bool>().prop_map(|shared| Residual { shared }))
}

pub(super) fn gates() -> Family {
    family(1, Just(()).prop_map(|()| Gate))
}

pub(super) fn concatenations() -> Family {
    family(1, any::<bool>().prop_map(|shared| Concat { shared }))
}

impl Act for Residual {
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer) {
        let [a, b] = builder.branches(quantizer, self.shared, None);
        let reach = builder.joined("Add", a, b);
        let reach = builder.function(builder.shape[1] % 2, reach);
        builder.quantize_reach(quantizer, reach);
    }
}

impl Act for Gate {
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer) {
        builder.gate(quantizer);
    }
}

impl Act for Concat {
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer) {
        let outputs = builder.values.integer(1, 3) as usize;
        let [a, b] = builder.branches(quantizer, self.shared, Some(outputs));
        let reach = [&a, &b].map(|(_, _, codes)| f64::from(codes.scale) * codes.reach() as f64);
        let channels = a.1[1] + b.1[1];
        let (mut shape, codes) = (a.1.clone(), a.2);
        shape[1] = channels;
        let inputs = [a.0, b.0];
        let joined = builder.node(Node::new("Concat", inputs, Vec::<String>::new()).attr("axis", 1));
        builder.go_to((joined, shape, codes));
        if !self.shared {
            builder.quantize_reach(quantizer, reach[0].max(reach[1]));
        }
    }
}

impl Builder {
    /// Two convolutions of the same codes, or the codes and a convolution, each with codes of its own; of one scale
    /// if they are `shared`. The second has `outputs` channels, or as many as the first.
    fn branches(&mut self, quantizer: &Quantizer, shared: bool, outputs: Option<usize>) -> [Place; 2] {
        let start = self.place();
        let channels = self.shape[1];
        let reach = self.convolution(true, channels);
        self.quantize_reach(quantizer, reach);
        let first = self.place();
        self.go_to(start);
        let reach = self.convolution(false, outputs.unwrap_or(first.1[1]));
        if outputs.is_none() && self.shape[1] != first.1[1] {
            // Groups rounded the channels up.
            return [first.clone(), first];
        }
        if shared {
            self.quantize(quantizer, first.2.scale);
        } else {
            self.quantize_reach(quantizer, reach);
        }
        [first, self.place()]
    }

    /// `a` and `b` under one operator of both; returns what the results do not exceed if they are sums.
    fn joined(&mut self, op_type: &str, a: Place, b: Place) -> f64 {
        let reach: f64 = [&a, &b].iter().map(|place| f64::from(place.2.scale) * place.2.reach() as f64).sum();
        let result = self.node(Node::new(op_type, [a.0.clone(), b.0], Vec::<String>::new()));
        self.go_to((result, a.1, a.2));
        reach
    }

    /// Each channel times the quantized sigmoid of its mean.
    fn gate(&mut self, quantizer: &Quantizer) {
        let start = self.place();
        let reach = self.real_reach();
        self.push("GlobalAveragePool", &[], |node| node);
        self.push("Sigmoid", &[], |node| node);
        let unsigned =
            Quantizer { bits: 6, signed: false, narrow: false, zero_point: None, rounding: 0, spread: 1.0 };
        self.quantize_reach(&unsigned, 1.0);
        let gate = self.place();
        self.joined("Mul", start, gate);
        self.quantize_reach(quantizer, reach);
    }
}

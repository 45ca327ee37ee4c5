//! Codes at other places: padded, enlarged, exchanged, cut, or the largest of windows.

use exactum_qonnx::{Node, Tensor};
use proptest::prelude::*;

use super::{Act, Family, LARGEST_IMAGE, family};
use crate::generate::Quantizer;
use crate::generate::build::Builder;

/// Kinds of rearrangement: see [`Builder::rearrange`].
const REARRANGEMENTS: usize = 6;

/// The same codes at other places.
#[derive(Debug)]
struct Rearrange(usize);

pub(super) fn steps() -> Family {
    family(2, (0..REARRANGEMENTS).prop_map(Rearrange))
}

impl Act for Rearrange {
    fn add(&self, builder: &mut Builder, _: &Quantizer) {
        builder.rearrange(self.0);
    }
}

impl Builder {
    /// The same codes padded, enlarged, with channels and pixels exchanged, shuffled, cut, or the largest of windows.
    fn rearrange(&mut self, kind: usize) {
        let [_, channels, height, width] = self.shape[..] else { return };
        let small = height.max(width) <= LARGEST_IMAGE / 2;
        let list = |builder: &mut Self, what: &str, values: &[i64]| {
            let name = builder.name(what);
            builder.initializer(Tensor::new(name, &[values.len()], values.to_vec()))
        };
        match kind {
            0 => {
                let pads = list(self, "pads", &[0, 0, 1, 0, 0, 0, 0, 2]);
                let value = self.floats("value", &[], vec![0.0]);
                self.push("Pad", &[pads, value], |node| node.attr("mode", "constant"));
                self.shape[2] += 1;
                self.shape[3] += 2;
            }
            1 if small => {
                let scales = self.floats("scales", &[4], vec![1.0, 1.0, 2.0, 2.0]);
                self.push("Resize", &[String::new(), scales], |node| {
                    node.attr("mode", "nearest")
                        .attr("coordinate_transformation_mode", "asymmetric")
                        .attr("nearest_mode", "floor")
                });
                self.shape[2] *= 2;
                self.shape[3] *= 2;
            }
            2 if small && channels.is_multiple_of(4) => {
                let mode = if self.values.integer(0, 1) == 0 { "DCR" } else { "CRD" };
                self.push("DepthToSpace", &[], |node| node.attr("blocksize", 2).attr("mode", mode));
                self.shape = vec![1, channels / 4, height * 2, width * 2];
            }
            3 if channels > 1 => {
                // Halves exchanged.
                let sizes = [channels / 2, channels - channels / 2];
                let split = list(self, "split", &sizes.map(|size| size as i64));
                let name = self.name("Split");
                let parts = [format!("{name}_0"), format!("{name}_1")];
                let node = Node::new("Split", [self.last.clone(), split], parts.clone()).attr("axis", 1);
                self.graph.nodes.push(node.named(name));
                let [a, b] = parts;
                self.last = self.node(Node::new("Concat", [b, a], Vec::<String>::new()).attr("axis", 1));
            }
            4 if height > 2 => {
                let operands = [[1], [height as i64], [2], [1]];
                let names: Vec<String> = ["starts", "ends", "axes", "steps"]
                    .iter()
                    .zip(operands)
                    .map(|(what, values)| list(self, what, &values))
                    .collect();
                self.push("Slice", &names, |node| node);
                self.shape[2] -= 1;
            }
            _ => {
                let size = [height.min(2), width.min(2)];
                let room = [height - size[0], width - size[1]];
                self.push("MaxPool", &[], |node| {
                    node.attr("kernel_shape", size.map(|size| size as i64))
                        .attr("strides", [2i64, 2])
                        .attr("ceil_mode", 1)
                });
                self.shape[2] = room[0].div_ceil(2) + 1;
                self.shape[3] = room[1].div_ceil(2) + 1;
            }
        }
    }
}

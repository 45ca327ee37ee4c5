//! Notes which inputs a program is to take with their channels last, as cameras and other tools have them, whatever the order of the
//! file. Everything above the pass `channels-last`, which then needs no transpose, keeps the file's order.
//!
//! It runs only when asked, so it is none of [`PASSES`](super::PASSES).

use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Graph, Op, ValueId};

/// The order in which a program takes the axes of its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InputOrder {
    /// That of the file.
    #[default]
    OfFile,
    /// Channels last, of all inputs that have more axes than the batch and the channels.
    ChannelsLast,
    /// Channels last, of the inputs of these names.
    ChannelsLastOf(Vec<String>),
}

/// Notes `order` in `graph`, of any level above the program's.
///
/// # Errors
/// [`Code::BadOrder`] if there is no input of a name, or an input has no channels, along axis 1, that could be anywhere else.
pub fn order_inputs(graph: &mut Graph, order: &InputOrder) -> Result<()> {
    let refused = |found: String, needed: &str| -> Report {
        Diagnostic::new(Code::BadOrder, Location::part("--channels-last"), found, needed).into()
    };
    let turns = |graph: &Graph, id: &ValueId| graph.value(*id).shape.len() > 2;
    let inputs = graph.inputs.clone();
    let chosen: Vec<ValueId> = match order {
        InputOrder::OfFile => return Ok(()),
        InputOrder::ChannelsLast => {
            let all: Vec<ValueId> = inputs.into_iter().filter(|id| turns(graph, id)).collect();
            if all.is_empty() {
                return Err(refused(
                    "inputs without axes behind the channels".into(),
                    "an image, or a signal of frames",
                ));
            }
            all
        }
        InputOrder::ChannelsLastOf(names) => {
            let mut all = vec![];
            for name in names {
                let own: Vec<ValueId> =
                    inputs.iter().copied().filter(|id| graph.value(*id).name == *name).collect();
                if own.is_empty() {
                    return Err(refused(format!("no input `{name}` that is read"), "the name of an input"));
                }
                if let Some(flat) = own.iter().find(|id| !turns(graph, id)) {
                    let found = format!("input `{name}` of shape {:?}", graph.value(*flat).shape);
                    return Err(refused(found, "axes behind the channels, which are axis 1"));
                }
                all.extend(own);
            }
            all
        }
    };
    for id in chosen {
        let shape = graph.value(id).shape.clone();
        let quantize = graph.nodes.iter().find(|node| node.inputs.first() == Some(&id));
        let odd = quantize.is_some_and(|node| match &node.op {
            Op::Quantize(edge) => edge.channels.as_ref().is_some_and(|map| map.axis(&shape).is_none()),
            _ => false,
        });
        if odd {
            let found = format!("input `{}`, whose channels are along no axis", graph.value(id).name);
            return Err(refused(found, "a quantizer whose channels are the indices along an axis"));
        }
        let mut tensor = graph.value(id).tensor.clone().unwrap_or_default();
        tensor.channels_last = true;
        graph.value_mut(id).tensor = Some(tensor);
    }
    Ok(())
}

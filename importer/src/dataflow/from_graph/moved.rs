//! Values that are others moved: which stream stands for them, and the [`Shuffle`] where none does.
//!
//! A move of elements is none in a stream if they come in the same order, as of a reshape of one row of pixels or of a
//! transpose that another one turns back. What remains of several moves behind each other is one stage.

use std::collections::BTreeMap;

use super::{Builder, Flow, Step};
use crate::dataflow::moves::{self, Source, places, stream_order};
use crate::dataflow::parameters::Parameters;
use crate::dataflow::stage::{Shuffle, Unit, Upsample};
use crate::diagnostic::Result;
use crate::graph::{Graph, Type, ValueId};

/// Of each value that moves make the value that it is made of, and its elements, in the file's order.
#[derive(Default)]
pub(super) struct Moved {
    made_of: BTreeMap<ValueId, (ValueId, Vec<Source>)>,
    /// Values whose streams these have.
    streams: BTreeMap<ValueId, ValueId>,
    /// For each place of a stream of its own the place of the root's.
    orders: BTreeMap<ValueId, Vec<Source>>,
}

impl Moved {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut moved = Self::default();
        for node in &graph.nodes {
            let (Some(from), to) = (node.inputs.first(), node.output) else { continue };
            let [x, y] = [*from, to].map(|id| graph.value(id));
            if x.constant.is_some() || matches!(y.ty, Type::Float | Type::Shape) {
                continue;
            }
            let Some(mut sources) = moves::of_op(&node.op, &x.shape, &y.shape) else { continue };
            let mut root = *from;
            if let Some((before, earlier)) = moved.made_of.get(from) {
                root = *before;
                for source in &mut sources {
                    if let Source::Element(index) = *source {
                        *source = earlier[index];
                    }
                }
            }
            moved.stream(graph, to, root, &sources);
            moved.made_of.insert(to, (root, sources));
        }
        moved
    }

    /// Finds out which stream has the elements of `id`, which is `root` moved.
    fn stream(&mut self, graph: &Graph, id: ValueId, root: ValueId, sources: &[Source]) {
        let place_of = places(&stream_order(&graph.value(root).shape));
        let order: Vec<Source> = stream_order(&graph.value(id).shape)
            .into_iter()
            .map(|index| match sources[index] {
                Source::Element(element) => Source::Element(place_of[element]),
                code => code,
            })
            .collect();
        if is_identity(&order, place_of.len()) {
            self.streams.insert(id, root);
            return;
        }
        let same = self.orders.iter().find(|(other, known)| self.root(**other) == root && **known == order);
        match same.map(|(other, _)| *other) {
            Some(other) => self.streams.insert(id, other),
            None => self.orders.insert(id, order).map(|_| id),
        };
    }

    /// The value whose stream `id` has.
    pub(super) fn standing(&self, id: ValueId) -> ValueId {
        self.streams.get(&id).copied().unwrap_or(id)
    }

    /// Whether the stream of `id` is that of its root in another order.
    pub(super) fn is_shuffled(&self, id: ValueId) -> bool {
        self.orders.contains_key(&id)
    }

    /// The value that `id` is moved from, itself if it is not moved.
    pub(super) fn root(&self, id: ValueId) -> ValueId {
        self.made_of.get(&id).map_or(id, |(root, _)| *root)
    }

    /// For each place of the root's stream the index of its element in the value `id`, if that has exactly these elements.
    pub(super) fn elements(&self, graph: &Graph, id: ValueId) -> Option<Vec<usize>> {
        let Some((root, sources)) = self.made_of.get(&id) else {
            return Some(stream_order(&graph.value(id).shape));
        };
        let elems = graph.value(*root).elems();
        let mut index_of = vec![None; elems];
        for (index, source) in sources.iter().enumerate() {
            let Source::Element(element) = source else { return None };
            if index_of[*element].replace(index).is_some() {
                return None;
            }
        }
        let order = stream_order(&graph.value(*root).shape);
        order.into_iter().map(|element| index_of[element]).collect()
    }

    /// Codes besides those of the root that are in the stream of `id`.
    pub(super) fn codes(&self, id: ValueId) -> impl Iterator<Item = i64> {
        self.made_of.get(&id).into_iter().flat_map(|(_, sources)| sources).filter_map(|source| match source {
            Source::Code(code) => Some(*code),
            Source::Element(_) => None,
        })
    }
}

fn is_identity(order: &[Source], elems: usize) -> bool {
    order.len() == elems && order.iter().enumerate().all(|(place, source)| *source == Source::Element(place))
}

/// The most neighbours that stay together in words.
fn together(order: &[Source], read: usize) -> usize {
    let stays = |size: usize| {
        order.chunks(size).all(|word| match word[0] {
            Source::Element(first) => {
                first % size == 0
                    && word.iter().enumerate().all(|(i, source)| *source == Source::Element(first + i))
            }
            Source::Code(_) => word.iter().all(|source| *source == word[0]),
        })
    };
    let common = num_integer::gcd(order.len(), read).max(1);
    // A divisor can only hold if its prime factors do, so the largest is found by taking them away.
    let mut found = 1;
    let mut rest = common;
    let mut factor = 2;
    while rest > 1 {
        if factor * factor > rest {
            factor = rest;
        }
        while rest.is_multiple_of(factor) {
            rest /= factor;
            if stays(found * factor) {
                found *= factor;
            }
        }
        factor += 1;
    }
    found
}

/// The stage that repeats pixels, if that is what `order` does to a frame of shape `from`.
fn upsample(from: &[usize], to: &[usize], order: &[Source], code_bits: u32) -> Option<Upsample> {
    let size = |shape: &[usize]| match *shape {
        [1, channels, height, width] => Some((channels, [height, width])),
        [1, channels, width] => Some((channels, [1, width])),
        _ => None,
    };
    let ((channels, input_size), (kept, output_size)) = (size(from)?, size(to)?);
    let factors = [0, 1].map(|axis| output_size[axis].checked_div(input_size[axis]).unwrap_or(0));
    let unit = Upsample { channels, input_size, factors, code_bits };
    let is_repeated = |(place, source): (usize, &Source)| {
        let (pixel, channel) = (place / channels, place % channels);
        let (row, column) = (pixel / output_size[1] / factors[0], pixel % output_size[1] / factors[1]);
        *source == Source::Element((row * input_size[1] + column) * channels + channel)
    };
    let fits = kept == channels && !factors.contains(&0) && unit.output_size() == output_size;
    (fits && order.iter().enumerate().all(is_repeated)).then_some(unit)
}

impl Builder<'_> {
    /// The stream of `id`, which its root's stream is shuffled for.
    pub(super) fn shuffled(&mut self, step: &Step<'_>, id: ValueId) -> Result<Flow> {
        let root = self.moved.root(id);
        let flow = self.taken(step, root)?;
        let order = self.moved.orders[&id].clone();
        let bits = [self.bits(root), self.bits(id)];
        let read = self.graph.value(root).elems();
        let nodes = self.graph.producer(id).into_iter().collect();
        let [from, to] = [root, id].map(|id| self.graph.value(id).shape.as_slice());
        if bits[0] == bits[1]
            && let Some(unit) = upsample(from, to, &order, bits[0])
        {
            return Ok(self.stage_at(Unit::Upsample(unit), nodes, &step.at, &[flow], id));
        }
        Ok(self.shuffle_at(step, nodes, flow, (read, order), bits, id))
    }

    /// The elements of `flow`, of which there are `read`, in an order.
    pub(super) fn shuffle(
        &mut self,
        step: &Step<'_>,
        flow: Flow,
        (read, order): (usize, Vec<Source>),
        bits: [u32; 2],
        value: ValueId,
    ) -> Flow {
        self.shuffle_at(step, vec![step.index], flow, (read, order), bits, value)
    }

    fn shuffle_at(
        &mut self,
        step: &Step<'_>,
        nodes: Vec<usize>,
        flow: Flow,
        (read, order): (usize, Vec<Source>),
        [input_bits, output_bits]: [u32; 2],
        value: ValueId,
    ) -> Flow {
        if is_identity(&order, read) && input_bits == output_bits {
            return flow;
        }
        let together = together(&order, read);
        let unit = Shuffle { read, written: order.len(), together, input_bits, output_bits };
        let flow = self.stage_at(Unit::Shuffle(unit), nodes, &step.at, &[flow], value);
        self.parameters(Parameters { sources: order, ..Parameters::default() });
        flow
    }
}

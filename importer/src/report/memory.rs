//! The arena over the steps of a program: which bytes hold which value while which op runs.

use crate::Compiled;
use crate::lower::{Resident, residents};

use super::charts::ends;
use super::markup::{Markup, grouped, length};

/// Places start at multiples of this.
const ALIGNMENT_BYTES: usize = 8;

/// Most steps whose names fit below the chart.
const MAX_TICKS: usize = 12;

/// The arena's use over time.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Moments, in order: inputs that are filled, then ops.
    slots: Vec<Slot>,
    places: Vec<Place>,
    arena_bytes: usize,
    lower_bound_bytes: usize,
    optimal: bool,
}

#[derive(Clone, Debug)]
struct Slot {
    name: String,
    /// Value that is written.
    writes: String,
    live_bytes: usize,
}

#[derive(Clone, Debug)]
struct Place {
    name: String,
    first: usize,
    last: usize,
    offset_bytes: usize,
    size_bytes: usize,
}

impl Memory {
    pub(super) fn new(compiled: &Compiled) -> Self {
        let graph = &compiled.scheduled;
        let mut nodes: Vec<usize> =
            (0..graph.nodes.len()).filter(|index| graph.nodes[*index].op.name() == "quantize").collect();
        nodes.extend(compiled.ops.iter().filter_map(|op| graph.producer(op.output)));
        nodes.sort_unstable();
        nodes.dedup();
        let scratch = graph.nodes.iter().enumerate();
        let scratch: Vec<(usize, usize)> =
            scratch.filter_map(|(node, known)| Some((node, known.scratch?.size_bytes))).collect();
        let (residents, lifetimes) = residents(graph, &scratch);
        let within = |first: usize, last: usize| {
            let mut slots = nodes.iter().enumerate().filter(|(_, node)| (first..=last).contains(*node));
            let start = slots.next()?.0;
            Some((start, slots.next_back().map_or(start, |(slot, _)| slot)))
        };
        let place = |(resident, lifetime): (&Resident, &crate::lower::memory_plan::Buffer)| {
            let (name, placement) = match resident {
                Resident::Values(values) => {
                    let value = graph.value(*values.first()?);
                    (value.name.clone(), value.placement?)
                }
                Resident::Scratch(node) => {
                    let node = &graph.nodes[*node];
                    (format!("scratch of {}", node.name), node.scratch?)
                }
            };
            let (first, last) = within(lifetime.first, lifetime.last)?;
            let (offset_bytes, size_bytes) = (placement.offset_bytes, lifetime.size_bytes);
            Some(Place { name, first, last, offset_bytes, size_bytes })
        };
        let places: Vec<Place> = residents.iter().zip(&lifetimes).filter_map(place).collect();
        let slot = |(slot, node): (usize, &usize)| {
            let node = &graph.nodes[*node];
            let layer = compiled.ops.iter().find(|op| op.output == node.output);
            Slot {
                name: layer.map_or_else(|| node.name.clone(), |op| op.name.clone()),
                writes: graph.value(node.output).name.clone(),
                live_bytes: union_bytes(
                    places.iter().filter(|place| (place.first..=place.last).contains(&slot)),
                ),
            }
        };
        Self {
            slots: nodes.iter().enumerate().map(slot).collect(),
            arena_bytes: compiled.memory.arena_bytes,
            lower_bound_bytes: compiled.memory.lower_bound_bytes,
            optimal: compiled.memory.optimal,
            places,
        }
    }

    /// Bytes in use while the value `name` is written.
    pub(super) fn live_bytes(&self, name: &str) -> Option<usize> {
        self.slots.iter().filter(|slot| slot.writes == name).map(|slot| slot.live_bytes).max()
    }

    fn peak_bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.live_bytes).max().unwrap_or(0)
    }

    /// How good the plan is, in words.
    pub(super) fn sentence(&self) -> String {
        let Self { arena_bytes, lower_bound_bytes, .. } = self;
        let arena = grouped(*arena_bytes as i128);
        if arena_bytes == lower_bound_bytes {
            return format!(
                "The arena takes {arena} bytes, which is the lower bound: no smaller plan exists."
            );
        }
        let bound = grouped(*lower_bound_bytes as i128);
        match self.optimal {
            true => format!(
                "The arena takes {arena} bytes. At one moment {bound} bytes are in use, but no plan that small \
                 exists: the search was exhausted."
            ),
            false => format!(
                "The arena takes {arena} bytes; the lower bound is {bound} bytes, and a smaller plan may exist."
            ),
        }
    }

    pub(super) const fn arena_bytes(&self) -> usize {
        self.arena_bytes
    }

    pub(super) const fn is_optimal(&self) -> bool {
        self.optimal
    }

    /// The chart: time from left to right, addresses upwards.
    pub(super) fn chart(&self, page: &mut Markup) {
        const HEIGHT: f64 = 260.0;
        let (slots, arena) = (self.slots.len().max(1) as f64, self.arena_bytes.max(1) as f64);
        let percent = |slot: usize| format!("{}%", length(100.0 * slot as f64 / slots));
        let height = |bytes: usize| HEIGHT * bytes as f64 / arena;
        let label = format!("Arena of {} bytes over {} steps", self.arena_bytes, self.slots.len());
        page.element(
            "svg",
            &[("class", &"memory"), ("height", &HEIGHT), ("role", &"img"), ("aria-label", &label)],
            |svg| {
                let peak = self.peak_bytes();
                for (index, _) in self.slots.iter().enumerate().filter(|(_, slot)| slot.live_bytes == peak) {
                    let (x, width) = (percent(index), percent(1));
                    svg.element(
                        "rect",
                        &[("class", &"peak"), ("x", &x), ("y", &0), ("width", &width), ("height", &HEIGHT)],
                        |rect| {
                            let name = &self.slots[index].name;
                            rect.text_element("title", &[], format!("peak: {peak} bytes in use at {name}"));
                        },
                    );
                }
                for (index, place) in self.places.iter().enumerate() {
                    let size = place.size_bytes.next_multiple_of(ALIGNMENT_BYTES);
                    let top = HEIGHT - height(place.offset_bytes + size);
                    let (x, y) = (percent(place.first), length(top));
                    let (width, tall) = (percent(place.last + 1 - place.first), height(size));
                    let group: [(&'static str, &dyn std::fmt::Display); 4] =
                        [("x", &x), ("y", &y), ("width", &width), ("height", &length(tall))];
                    svg.element("svg", &group, |inner| {
                        let shade = format!("place shade{}", index % 4);
                        inner.element(
                            "rect",
                            &[("class", &shade), ("width", &"100%"), ("height", &length(tall)), ("rx", &2)],
                            |rect| {
                                let steps = (&self.slots[place.first].name, &self.slots[place.last].name);
                                let place = format!(
                                    "{}: {} bytes at {}, from {} to {}",
                                    place.name, place.size_bytes, place.offset_bytes, steps.0, steps.1
                                );
                                rect.text_element("title", &[], place);
                            },
                        );
                        if tall >= 15.0 {
                            let middle = length(tall / 2.0 + 4.0);
                            inner.text_element("text", &[("x", &6), ("y", &middle)], &place.name);
                        }
                    });
                }
                let bound = length(HEIGHT - height(self.lower_bound_bytes.min(self.arena_bytes)));
                svg.element(
                    "line",
                    &[("class", &"bound"), ("x1", &0), ("x2", &"100%"), ("y1", &bound), ("y2", &bound)],
                    |line| {
                        line.text_element(
                            "title",
                            &[],
                            format!("lower bound: {} bytes", self.lower_bound_bytes),
                        );
                    },
                );
            },
        );
        if let (Some(first), Some(last), true) =
            (self.slots.first(), self.slots.last(), self.slots.len() > MAX_TICKS)
        {
            return ends(page, &first.name, &format!("{} steps", self.slots.len()), &last.name);
        }
        page.element("ol", &[("class", &"ticks"), ("aria-hidden", &"true")], |ticks| {
            for slot in &self.slots {
                ticks.element("li", &[("title", &slot.name)], |tick| {
                    tick.text_element("span", &[], &slot.name)
                });
            }
        });
    }
}

/// Bytes that some of `places` cover; values that share a place count once.
fn union_bytes<'a>(places: impl Iterator<Item = &'a Place>) -> usize {
    let mut spans: Vec<(usize, usize)> = places
        .map(|place| {
            let size = place.size_bytes.next_multiple_of(ALIGNMENT_BYTES);
            (place.offset_bytes, place.offset_bytes + size)
        })
        .collect();
    spans.sort_unstable();
    let (mut covered, mut end) = (0, 0);
    for (from, to) in spans {
        covered += to.saturating_sub(from.max(end));
        end = end.max(to);
    }
    covered
}

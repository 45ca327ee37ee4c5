//! How stages are connected: links from stage to stage, their FIFOs, and the longest way through them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Stage;
use crate::graph::ValueId;

/// Words that a FIFO holds if nothing needs more, as in FINN.
pub const DEFAULT_FIFO_WORDS: u64 = 2;

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The host: an input or output of the graph, by its position.
    Host(usize),
    /// A stream of a stage.
    Stage {
        /// Position of the stage.
        stage: usize,
        /// Which of its inputs or outputs.
        port: usize,
    },
}

/// A stream between two stages, or between a stage and the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who writes it.
    pub from: End,
    /// Who reads it.
    pub to: End,
    /// The graph's value whose elements it carries, or which a stage makes of it on its way through a node.
    pub value: ValueId,
    /// Words that have to fit between both, in the width of the reader.
    pub fifo_words: u64,
}

/// The links that end at each input of stage `stage`, in the order of its inputs.
pub fn into_stage(links: &[Link], stage: usize) -> Vec<&Link> {
    let port = |link: &Link| match link.to {
        End::Stage { stage: to, port } if to == stage => Some(port),
        _ => None,
    };
    let mut found: Vec<(usize, &Link)> = links.iter().filter_map(|link| Some((port(link)?, link))).collect();
    found.sort_by_key(|(port, _)| *port);
    found.into_iter().map(|(_, link)| link).collect()
}

/// The most cycles that stages behind each other take.
pub(super) fn longest_path(stages: &[Stage], links: &[Link]) -> u64 {
    let mut until = vec![0u64; stages.len()];
    for (index, stage) in stages.iter().enumerate() {
        let before = into_stage(links, index).into_iter().filter_map(|link| match link.from {
            End::Stage { stage, .. } => Some(until[stage]),
            End::Host(_) => None,
        });
        until[index] = before.max().unwrap_or(0).saturating_add(stage.cycles);
    }
    until.into_iter().max().unwrap_or(0)
}

/// For each pixel of a stream the pixels of each input of the network that have to be there before it can leave.
type Needs = BTreeMap<usize, Vec<usize>>;

/// Makes the FIFOs before joins deep enough that no join waits for ever.
///
/// A fork writes to all its readers at once, so what the shorter way has ready before the longer one has to fit into its
/// FIFO. How much that is follows from the pixels that each stage needs before a pixel of it leaves: when the longer way
/// delivers pixel `k`, the shorter one can have delivered what the same pixels of the input are enough for. One pixel
/// more covers words that are on their way. Stages in the middle of a pixel hold no more than that.
pub(super) fn size_fifos(stages: &[Stage], links: &mut [Link]) {
    let is_join = |stage: &Stage| stage.unit.inputs(stage.folding).len() > 1;
    let mut needs: Vec<Needs> = vec![];
    // Readers that a stage's needs are still kept for.
    let mut unread = vec![0usize; stages.len()];
    for link in links.iter() {
        if let (End::Stage { stage, .. }, End::Stage { .. }) = (link.from, link.to) {
            unread[stage] += 1;
        }
    }
    if !stages.iter().any(is_join) {
        return;
    }
    for (index, stage) in stages.iter().enumerate() {
        let [read, written] = stage.unit.pixels();
        let into: Vec<Link> = into_stage(links, index).into_iter().copied().collect();
        // What each input needs for its first pixels, counted in pixels of this stage.
        let operands: Vec<Option<&Needs>> = into
            .iter()
            .map(|link| match link.from {
                End::Stage { stage, .. } => needs.get(stage),
                End::Host(_) => None,
            })
            .collect();
        let mut own = Needs::new();
        for (link, operand) in into.iter().zip(&operands) {
            let host = match link.from {
                End::Host(input) => Some((input, None)),
                End::Stage { .. } => None,
            };
            let known = operand.iter().flat_map(|operand| operand.iter());
            for (source, before) in host.into_iter().chain(known.map(|(source, list)| (*source, Some(list))))
            {
                let list = own.entry(source).or_insert_with(|| vec![0; written]);
                let arriving = before.map_or(read, Vec::len);
                for (output, needed) in list.iter_mut().enumerate() {
                    let pixels = stage.unit.needed(output).min(read);
                    // The stage may count several pixels of its writer as one, or the other way round.
                    let pixels = (pixels * arriving).div_ceil(read.max(1));
                    let most = match before {
                        None => pixels,
                        Some(before) => pixels.checked_sub(1).map_or(0, |last| before[last]),
                    };
                    *needed = (*needed).max(most);
                }
            }
        }
        if is_join(stage) {
            let streams = stage.unit.inputs(stage.folding);
            for ((position, link), stream) in into.iter().enumerate().zip(&streams) {
                let Some(operand) = operands[position] else { continue };
                let words = stream.words_per_frame / (read.max(1) as u64);
                let others = operands.iter().enumerate().filter(|(other, _)| *other != position);
                let others: Vec<&Needs> = others.filter_map(|(_, needs)| *needs).collect();
                let held = held(operand, &others);
                if held > 1 {
                    let depth = (held as u64 + 1).saturating_mul(words.max(1));
                    let to = link.to;
                    for link in links.iter_mut().filter(|link| link.to == to) {
                        link.fifo_words = link.fifo_words.max(depth);
                    }
                }
            }
        }
        needs.push(own);
        for link in &into {
            if let End::Stage { stage, .. } = link.from {
                unread[stage] -= 1;
                if unread[stage] == 0 {
                    needs[stage] = Needs::new();
                }
            }
        }
    }
}

/// Most pixels of an operand that are ready while the join still waits for a pixel of one of the others.
fn held(operand: &Needs, others: &[&Needs]) -> usize {
    let mut shared: Vec<(&[usize], Vec<&[usize]>)> = vec![];
    for (source, own) in operand {
        let of_others: Vec<&[usize]> =
            others.iter().filter_map(|needs| needs.get(source)).map(Vec::as_slice).collect();
        if !of_others.is_empty() {
            shared.push((own, of_others));
        }
    }
    // What comes from other inputs of the network does not wait for each other.
    let pixels = shared.iter().map(|(own, _)| own.len()).min().unwrap_or(0);
    let mut ready = 0;
    let mut most = 0;
    for joined in 0..pixels {
        let is_ready = |pixel: usize| {
            shared.iter().all(|(own, of_others)| {
                let awaited = of_others.iter().filter_map(|needs| needs.get(joined)).max();
                awaited.is_some_and(|awaited| own[pixel] <= *awaited)
            })
        };
        while ready < pixels && is_ready(ready) {
            ready += 1;
        }
        most = most.max(ready.saturating_sub(joined));
    }
    most
}

//! Places the boxes of a directed acyclic graph in layers from top to bottom, with a lane for every edge that skips
//! layers, so that residual branches stand beside the path that they bypass.

/// Size and distances of boxes.
pub(super) const WIDTH: f64 = 216.0;
/// Height of a box.
pub(super) const HEIGHT: f64 = 42.0;
const LANE: f64 = 10.0;
const GAP_X: f64 = 14.0;
const GAP_Y: f64 = 26.0;
/// Rounds of moving boxes towards their neighbours.
const ROUNDS: usize = 12;

/// Distances from the left and from the top.
type Point = (f64, f64);

/// A picture of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Left upper corner of each box.
    pub(super) boxes: Vec<Point>,
    /// From, to, and the points of each edge.
    pub(super) edges: Vec<(usize, usize, Vec<Point>)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A box or one layer of a lane.
struct Item {
    layer: usize,
    width: f64,
    above: Vec<usize>,
    below: Vec<usize>,
    centre: f64,
}

/// Lays out boxes, each of which is below its `sources`, which have smaller numbers.
pub(super) fn layout(sources: &[Vec<usize>]) -> Layout {
    let mut items: Vec<Item> = vec![];
    for above in sources {
        let layer = above.iter().map(|source| items[*source].layer + 1).max().unwrap_or(0);
        items.push(Item { layer, width: WIDTH, above: vec![], below: vec![], centre: 0.0 });
    }
    let mut edges = vec![];
    for (to, above) in sources.iter().enumerate() {
        for from in above {
            let mut path = vec![*from];
            for layer in items[*from].layer + 1..items[to].layer {
                items.push(Item { layer, width: LANE, above: vec![], below: vec![], centre: 0.0 });
                path.push(items.len() - 1);
            }
            path.push(to);
            for pair in path.windows(2) {
                items[pair[0]].below.push(pair[1]);
                items[pair[1]].above.push(pair[0]);
            }
            edges.push((*from, to, path));
        }
    }
    let layers = place(&mut items);
    let left = items.iter().map(|item| item.centre - item.width / 2.0).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|item| item.centre + item.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let shift = if left.is_finite() { 2.0 - left } else { 0.0 };
    let top = |item: &Item| 2.0 + item.layer as f64 * (HEIGHT + GAP_Y);
    let boxes = items[..sources.len()].iter();
    let boxes = boxes.map(|item| (item.centre + shift - WIDTH / 2.0, top(item))).collect();
    let points = |path: &[usize]| {
        let mut points = vec![];
        for (position, item) in path.iter().map(|index| &items[*index]).enumerate() {
            let (x, y) = (item.centre + shift, top(item));
            if position > 0 {
                points.push((x, y));
            }
            if position + 1 < path.len() {
                points.push((x, y + HEIGHT));
            }
        }
        points
    };
    Layout {
        boxes,
        edges: edges.iter().map(|(from, to, path)| (*from, *to, points(path))).collect(),
        width: (right - left).max(0.0) + 4.0,
        height: (layers as f64 * (HEIGHT + GAP_Y) - GAP_Y).max(0.0) + 4.0,
    }
}

/// Orders the items of each layer by their neighbours, then moves them towards these. Gives the number of layers.
fn place(items: &mut [Item]) -> usize {
    let count = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![vec![]; count];
    for (index, item) in items.iter().enumerate() {
        rows[item.layer].push(index);
    }
    for row in &rows {
        spread(items, row);
    }
    for round in 0..ROUNDS {
        let down = round % 2 == 0;
        for step in 0..count {
            let row = &mut rows[if down { step } else { count - 1 - step }];
            let mut wanted: Vec<(f64, usize)> = row
                .iter()
                .map(|index| {
                    let item = &items[*index];
                    let neighbours = if down { &item.above } else { &item.below };
                    let sum: f64 = neighbours.iter().map(|other| items[*other].centre).sum();
                    (if neighbours.is_empty() { item.centre } else { sum / neighbours.len() as f64 }, *index)
                })
                .collect();
            // Boxes before lanes where both want one place, so that lanes bypass them on the right.
            wanted.sort_by(|a, b| {
                let lane = |index: usize| items[index].width == LANE;
                a.0.total_cmp(&b.0).then(lane(a.1).cmp(&lane(b.1))).then(a.1.cmp(&b.1))
            });
            *row = wanted.iter().map(|(_, index)| *index).collect();
            for (centre, index) in wanted {
                items[index].centre = centre;
            }
            spread(items, row);
        }
    }
    count
}

/// Moves the items of a row apart until none overlap, about their common centre.
fn spread(items: &mut [Item], row: &[usize]) {
    let before: f64 = row.iter().map(|index| items[*index].centre).sum();
    for pair in row.windows(2) {
        let distance = (items[pair[0]].width + items[pair[1]].width) / 2.0 + GAP_X;
        items[pair[1]].centre = items[pair[1]].centre.max(items[pair[0]].centre + distance);
    }
    let after: f64 = row.iter().map(|index| items[*index].centre).sum();
    let shift = (before - after) / row.len().max(1) as f64;
    for index in row {
        items[*index].centre += shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaps(layout: &Layout) -> bool {
        let meet = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).abs() < WIDTH && (a.1 - b.1).abs() < HEIGHT;
        layout.boxes.iter().enumerate().any(|(i, a)| layout.boxes[..i].iter().any(|b| meet(a, b)))
    }

    #[test]
    fn a_chain_is_a_column() {
        let chain = layout(&[vec![], vec![0], vec![1]]);
        assert!(chain.boxes.iter().all(|(x, _)| *x == chain.boxes[0].0));
        assert_eq!(chain.width, WIDTH + 4.0);
    }

    #[test]
    fn a_residual_branch_has_a_lane_of_its_own() {
        let residual = layout(&[vec![], vec![0], vec![1], vec![0, 2], vec![3]]);
        assert!(!overlaps(&residual));
        let (_, _, skip) = residual.edges.iter().find(|(from, to, _)| (*from, *to) == (0, 3)).unwrap();
        for (x, y) in &skip[1..skip.len() - 1] {
            let inside = |(left, top): &(f64, f64)| {
                (*left..left + WIDTH).contains(x) && (*top..=top + HEIGHT).contains(y)
            };
            assert!(!residual.boxes.iter().any(inside), "({x}, {y}) crosses a box");
        }
    }

    #[test]
    fn wide_graphs_do_not_overlap() {
        let mut sources: Vec<Vec<usize>> = vec![vec![]];
        sources.extend((0..5).map(|_| vec![0]));
        sources.push((1..6).collect());
        sources.push(vec![0, 6]);
        assert!(!overlaps(&layout(&sources)));
        assert_eq!(layout(&[]).boxes, []);
    }
}

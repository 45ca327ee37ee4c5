//! Upper and lower hulls of lattice points: all that a family of lines can touch.
//!
//! The least offset that puts a line above some points depends only on their upper hull, which has a handful of
//! corners for the points of a rounded line, however many codes there are.

/// Accumulator `x` and a code `k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) x: i64,
    pub(super) k: i64,
}

/// The upper hull of points that arrive in the order of `x`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UpperHull(Vec<Point>);

/// The lower hull of points that arrive in the order of `x`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LowerHull(UpperHull);

impl UpperHull {
    /// Adds a point right of all earlier ones, or above the last at the same place.
    pub(super) fn push(&mut self, point: Point) {
        match self.0.last() {
            Some(last) if last.x == point.x && last.k >= point.k => return,
            Some(last) if last.x == point.x => drop(self.0.pop()),
            _ => {}
        }
        while let [.., a, b] = self.0[..]
            && rises_at(a, b, point)
        {
            self.0.pop();
        }
        self.0.push(point);
    }

    pub(super) fn corners(&self) -> impl Iterator<Item = Point> {
        self.0.iter().copied()
    }

    /// The hull of all points of several hulls.
    pub(super) fn union<'a>(hulls: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut corners: Vec<Point> = hulls.into_iter().flat_map(Self::corners).collect();
        corners.sort_unstable();
        let mut union = Self::default();
        corners.into_iter().for_each(|corner| union.push(corner));
        union
    }
}

impl LowerHull {
    /// Adds a point right of all earlier ones, or below the last at the same place.
    pub(super) fn push(&mut self, point: Point) {
        self.0.push(mirrored(point));
    }

    pub(super) fn corners(&self) -> impl Iterator<Item = Point> {
        self.0.corners().map(mirrored)
    }

    /// The hull of all points of several hulls.
    pub(super) fn union<'a>(hulls: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(UpperHull::union(hulls.into_iter().map(|hull| &hull.0)))
    }
}

fn mirrored(point: Point) -> Point {
    Point { k: -point.k, ..point }
}

/// Whether the path from `a` over `b` to `c` does not turn downwards, so that `b` is no upper corner.
fn rises_at(a: Point, b: Point, c: Point) -> bool {
    let (dx, dk) = (|p: Point| i128::from(p.x - a.x), |p: Point| i128::from(p.k - a.k));
    dx(b) * dk(c) >= dk(b) * dx(c)
}

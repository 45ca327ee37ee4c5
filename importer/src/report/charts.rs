//! Small charts: histograms of codes, and what accumulators use of their proven bounds. Horizontal lengths are shares of
//! the width, so charts are as wide as their place; texts are beside them.

use std::collections::BTreeMap;

use exactum_runtime::num::IntRange;

use super::markup::{Markup, grouped, length, percent};

/// Most bars of a histogram; codes share bars beyond that.
const BARS: i64 = 64;
const HISTOGRAM_HEIGHT: f64 = 96.0;
const STRIP_HEIGHT: f64 = 150.0;

fn share(part: f64, whole: f64) -> String {
    format!("{}%", length(100.0 * part / whole.max(f64::MIN_POSITIVE)))
}

/// How often each code of `range` occurred.
pub(super) fn histogram(page: &mut Markup, title: &str, range: IntRange, counts: &BTreeMap<i64, u64>) {
    let codes = (range.hi - range.lo + 1).max(1);
    let per_bar = codes.div_euclid(BARS) + i64::from(codes % BARS > 0);
    let bars = codes.div_euclid(per_bar) + i64::from(codes % per_bar > 0);
    let mut heights = vec![0u64; bars as usize];
    for (code, count) in counts {
        if let Some(height) = heights.get_mut(((code - range.lo) / per_bar) as usize) {
            *height += count;
        }
    }
    let total: u64 = counts.values().sum();
    let largest = heights.iter().copied().max().unwrap_or(0).max(1);
    figure(page, title, |figure| {
        let label = format!("{title}: {total} values in {}..={}", range.lo, range.hi);
        figure.element(
            "svg",
            &[
                ("class", &"histogram"),
                ("height", &HISTOGRAM_HEIGHT),
                ("role", &"img"),
                ("aria-label", &label),
            ],
            |svg| {
                for (index, height) in heights.iter().enumerate().filter(|(_, height)| **height > 0) {
                    let tall = (HISTOGRAM_HEIGHT * (*height as f64 / largest as f64).sqrt()).max(1.0);
                    let first = range.lo + index as i64 * per_bar;
                    let last = (first + per_bar - 1).min(range.hi);
                    let at_end = first == range.lo || last == range.hi;
                    svg.element(
                        "rect",
                        &[
                            ("class", &if at_end { "bar at-end" } else { "bar" }),
                            ("x", &share(index as f64 + 0.08, bars as f64)),
                            ("width", &share(0.84, bars as f64)),
                            ("y", &length(HISTOGRAM_HEIGHT - tall)),
                            ("height", &length(tall)),
                        ],
                        |bar| {
                            let code = if first == last {
                                format!("code {first}")
                            } else {
                                format!("codes {first} to {last}")
                            };
                            bar.text_element(
                                "title",
                                &[],
                                format!("{code}: {height} of {total}, {}", percent(*height, total)),
                            );
                        },
                    );
                }
            },
        );
        ends(figure, &grouped(range.lo), "height: square root of the count", &grouped(range.hi));
    });
}

/// The proven bounds of each channel's accumulator, and inside them what the samples reached.
pub(super) fn strip(page: &mut Markup, bounds: &[IntRange], seen: Option<&[IntRange]>) {
    let Some(all) = bounds.iter().copied().reduce(IntRange::union).map(|all| all.union(IntRange::point(0)))
    else {
        return;
    };
    let span = (all.hi - all.lo).max(1) as f64;
    let y = |value: i64| STRIP_HEIGHT * (all.hi - value) as f64 / span;
    let tall = |range: IntRange| (STRIP_HEIGHT * (range.hi - range.lo) as f64 / span).max(1.0);
    let title =
        if seen.is_some() { "Accumulators within their bounds" } else { "Proven bounds of accumulators" };
    figure(page, title, |figure| {
        let label = format!("{title}, {} channels", bounds.len());
        figure.element(
            "svg",
            &[("class", &"strip"), ("height", &STRIP_HEIGHT), ("role", &"img"), ("aria-label", &label)],
            |svg| {
                for (channel, bound) in bounds.iter().enumerate() {
                    let reached = seen.and_then(|seen| seen.get(channel)).copied();
                    svg.element("g", &[], |group| {
                        let mut text = format!("channel {channel}: proven {} to {}", bound.lo, bound.hi);
                        if let Some(reached) = reached {
                            let used = (reached.hi - reached.lo).max(0) as u64;
                            let share = percent(used, (bound.hi - bound.lo).max(1) as u64);
                            text.push_str(&format!(", seen {} to {} ({share})", reached.lo, reached.hi));
                        }
                        group.text_element("title", &[], text);
                        let mut bar = |class: &str, range: IntRange, inset: f64| {
                            let count = bounds.len() as f64;
                            group.empty(
                                "rect",
                                &[
                                    ("class", &class),
                                    ("x", &share(channel as f64 + inset, count)),
                                    ("width", &share(1.0 - 2.0 * inset, count)),
                                    ("y", &length(y(range.hi).min(STRIP_HEIGHT - 1.0))),
                                    ("height", &length(tall(range))),
                                ],
                            );
                        };
                        bar("proven", *bound, 0.08);
                        if let Some(reached) = reached {
                            bar("seen", reached, 0.2);
                        }
                    });
                }
                let zero = length(y(0));
                svg.empty(
                    "line",
                    &[("class", &"zero"), ("x1", &0), ("x2", &"100%"), ("y1", &zero), ("y2", &zero)],
                );
            },
        );
        let last = bounds.len() - 1;
        let range = format!("{} to {}", grouped(all.lo), grouped(all.hi));
        ends(figure, "channel 0", &range, &last.to_string());
    });
}

/// A bar for the proven range and inside it the part that was seen.
pub(super) fn headroom(page: &mut Markup, proven: IntRange, seen: IntRange) {
    let span = (proven.hi - proven.lo).max(1) as f64;
    let left = (seen.lo - proven.lo).max(0) as f64;
    let width = ((seen.hi - seen.lo) as f64).max(span / 100.0);
    page.element("svg", &[("class", &"headroom"), ("height", &6), ("aria-hidden", &"true")], |svg| {
        svg.empty("rect", &[("class", &"proven"), ("width", &"100%"), ("height", &6), ("rx", &3)]);
        let (x, width) = (share(left, span), share(width, span));
        svg.empty("rect", &[("class", &"seen"), ("x", &x), ("width", &width), ("height", &6), ("rx", &2)]);
    });
}

/// A figure with its title above.
pub(super) fn figure(page: &mut Markup, title: &str, content: impl FnOnce(&mut Markup)) {
    page.element("figure", &[], |figure| {
        figure.text_element("figcaption", &[], title);
        content(figure);
    });
}

/// Texts at the ends of an axis and between them.
pub(super) fn ends(page: &mut Markup, left: &str, middle: &str, right: &str) {
    page.element("div", &[("class", &"axis")], |axis| {
        for text in [left, middle, right] {
            axis.text_element("span", &[], text);
        }
    });
}

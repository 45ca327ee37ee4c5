//! The graph of a program's steps as a picture whose boxes lead to the layers' sections.

use std::fmt::Write;

use super::facts::Step;
use super::layout::{HEIGHT, WIDTH, layout};
use super::markup::{Markup, length};

/// Signs of a name that fit a box.
const NAME_SIGNS: usize = 27;
/// Signs of the second line that fit a box.
const LINE_SIGNS: usize = 33;

/// Draws `steps`.
pub(super) fn diagram(page: &mut Markup, steps: &[Step]) {
    let sources: Vec<Vec<usize>> = steps.iter().map(|step| step.sources.clone()).collect();
    let layout = layout(&sources);
    let (width, height) = (length(layout.width), length(layout.height));
    let view = format!("0 0 {width} {height}");
    page.element(
        "svg",
        &[
            ("class", &"diagram"),
            ("viewBox", &view),
            ("width", &width),
            ("height", &height),
            ("role", &"img"),
            ("aria-labelledby", &"diagram-title"),
        ],
        |svg| {
            let title = format!("Graph of the program: {} steps, from top to bottom", steps.len());
            svg.text_element("title", &[("id", &"diagram-title")], title);
            for (from, to, points) in &layout.edges {
                let names = format!("{} to {}", steps[*from].name, steps[*to].name);
                svg.element("path", &[("class", &"edge"), ("d", &curve(points))], |path| {
                    path.text_element("title", &[], names);
                });
            }
            for (index, (step, (x, y))) in steps.iter().zip(&layout.boxes).enumerate() {
                let target = format!("#layer-{index}");
                svg.element("a", &[("href", &target)], |link| boxed(link, step, *x, *y));
            }
        },
    );
}

fn boxed(link: &mut Markup, step: &Step, x: f64, y: f64) {
    let title = format!("{} ({}), {} {}", step.name, step.op, step.output_shape, step.output_type);
    link.text_element("title", &[], title);
    let class = match step.op {
        "quantize" => "box edge-of-graph",
        _ if step.macs > 0 => "box has-weights",
        _ if step.is_output => "box edge-of-graph",
        _ => "box",
    };
    let place: [(&'static str, &dyn std::fmt::Display); 6] = [
        ("class", &class),
        ("x", &length(x)),
        ("y", &length(y)),
        ("width", &WIDTH),
        ("height", &HEIGHT),
        ("rx", &6),
    ];
    link.empty("rect", &place);
    let left = length(x + 12.0);
    link.text_element(
        "text",
        &[("class", &"name"), ("x", &left), ("y", &length(y + 18.0))],
        end(&step.name, NAME_SIGNS),
    );
    let about = format!("{} \u{2192} {} {}", step.op, step.output_shape, step.output_type);
    link.text_element(
        "text",
        &[("class", &"about"), ("x", &left), ("y", &length(y + 33.0))],
        start(&about, LINE_SIGNS),
    );
}

/// A line through `points` that leaves and enters boxes vertically.
pub(super) fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        match index.checked_sub(1).map(|before| points[before]) {
            None => {
                let _ = write!(path, "M{} {}", length(*x), length(*y));
            }
            Some((from_x, from_y)) if from_x == *x => {
                let _ = write!(path, "L{} {}", length(*x), length(*y));
                let _ = from_y;
            }
            Some((from_x, from_y)) => {
                let middle = length(f64::midpoint(from_y, *y));
                let [from_x, x, y] = [from_x, *x, *y].map(length);
                let _ = write!(path, "C{from_x} {middle} {x} {middle} {x} {y}");
            }
        }
    }
    path
}

/// The end of a long name, which tells layers apart better than its start.
pub(super) fn end(name: &str, signs: usize) -> String {
    match name.chars().count() {
        count if count <= signs => name.to_owned(),
        count => format!("\u{2026}{}", name.chars().skip(count + 1 - signs).collect::<String>()),
    }
}

fn start(text: &str, signs: usize) -> String {
    match text.chars().count() {
        count if count <= signs => text.to_owned(),
        _ => format!("{}\u{2026}", text.chars().take(signs - 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_the_end_that_fits() {
        assert_eq!([end("conv1", 5), end("/features/conv1", 6)], ["conv1", "\u{2026}conv1"]);
        assert_eq!([start("dense", 5), start("max_pool", 5)], ["dense", "max_\u{2026}"]);
    }
}

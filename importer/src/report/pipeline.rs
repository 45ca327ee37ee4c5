//! The page about a dataflow design, for `exactum dataflow`: the pipeline drawn, cycles and parts of each stage, what the device
//! has, and the front of rates and costs.

use super::STYLE;
use super::charts::figure;
use super::diagram::{curve, end};
use super::layout::{HEIGHT, WIDTH, layout};
use super::markup::{Markup, grouped, length, percent};
use crate::dataflow::converter::converters;
use crate::dataflow::folding::FrontPoint;
use crate::dataflow::network::End;
use crate::dataflow::resources::Resources;
use crate::dataflow::{Design, Stage};

/// Signs of a name that fit a box.
const NAME_SIGNS: usize = 27;

/// The page about `design`, with the points of its `front`.
pub fn pipeline(design: &Design, front: &[FrontPoint]) -> String {
    let mut page = Markup::default();
    page.verbatim("<!DOCTYPE html>\n");
    page.element("html", &[("lang", &"en")], |html| {
        html.element("head", &[], |head| {
            head.empty("meta", &[("charset", &"utf-8")]);
            let viewport = "width=device-width, initial-scale=1";
            head.empty("meta", &[("name", &"viewport"), ("content", &viewport)]);
            head.empty("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            head.text_element("title", &[], format!("{} \u{2013} Exactum dataflow", design.model));
            head.element("style", &[], |style| style.verbatim(STYLE));
        });
        html.newline();
        html.element("body", &[], |body| {
            header(body, design);
            body.element("div", &[("class", &"columns")], |columns| {
                columns.element("nav", &[("aria-label", &"Pipeline")], |nav| {
                    nav.text_element("h2", &[], "Pipeline");
                    nav.element("div", &[("class", &"frame")], |frame| diagram(frame, design));
                });
                columns.element("main", &[], |main| sections(main, design, front));
            });
        });
    });
    page.newline();
    page.finish()
}

fn header(page: &mut Markup, design: &Design) {
    let slowest = design.slowest();
    page.element("header", &[], |header| {
        header.text_element("p", &[("class", &"brand")], "Exactum dataflow");
        header.text_element("h1", &[], &design.model);
        let target = &design.target;
        let source = format!("{} with a clock of {} ns", target.device.name, target.clock_ns);
        header.text_element("p", &[("class", &"source")], source);
        header.element("dl", &[("class", &"tiles")], |tiles| {
            let mut tile = |term: &str, value: String, unit: &str| {
                tiles.element("div", &[], |tile| {
                    tile.text_element("dt", &[], term);
                    tile.element("dd", &[], |number| {
                        number.text(value);
                        number.text_element("small", &[], unit);
                    });
                });
            };
            let used = design.resources();
            tile("Rate", format!("{:.1}", design.fps()), "frames a second");
            tile("Frame to frame", grouped(design.max_cycles()), "cycles");
            tile("Longest way", grouped(design.critical_path_cycles()), "cycles");
            tile("Look-up tables", grouped(used.luts), "");
            tile("Block memories", grouped(used.block_memories), "");
            tile("Multipliers", grouped(used.dsps), "");
        });
        let least = if design.is_proven_least {
            "No other foldings reach this at a lower cost, by the formulas of these figures."
        } else {
            "The foldings are those of a file, or not proven to be the cheapest."
        };
        let text = format!("{} sets the rate. {least}", slowest.name);
        header.text_element("p", &[("class", &"quiet")], text);
    });
    page.newline();
}

fn diagram(page: &mut Markup, design: &Design) {
    let sources: Vec<Vec<usize>> = (0..design.stages.len())
        .map(|stage| {
            let from = |link: &crate::dataflow::network::Link| match (link.from, link.to) {
                (End::Stage { stage: from, .. }, End::Stage { stage: to, .. }) if to == stage => Some(from),
                _ => None,
            };
            design.links.iter().filter_map(from).collect()
        })
        .collect();
    let layout = layout(&sources);
    let (width, height) = (length(layout.width), length(layout.height));
    page.element(
        "svg",
        &[
            ("class", &"diagram"),
            ("viewBox", &format!("0 0 {width} {height}")),
            ("width", &width),
            ("height", &height),
            ("role", &"img"),
            ("aria-labelledby", &"diagram-title"),
        ],
        |svg| {
            let title = format!("Pipeline of {} stages, from top to bottom", design.stages.len());
            svg.text_element("title", &[("id", &"diagram-title")], title);
            for (from, to, points) in &layout.edges {
                let names = format!("{} to {}", design.stages[*from].name, design.stages[*to].name);
                svg.element("path", &[("class", &"edge"), ("d", &curve(points))], |path| {
                    path.text_element("title", &[], names);
                });
            }
            for (index, (stage, place)) in design.stages.iter().zip(&layout.boxes).enumerate() {
                let target = format!("#stage-{index}");
                svg.element("a", &[("href", &target)], |link| boxed(link, design, stage, *place));
            }
        },
    );
}

/// A box whose coloured part is the stage's share of the slowest one's cycles.
fn boxed(link: &mut Markup, design: &Design, stage: &Stage, (x, y): (f64, f64)) {
    let share = stage.cycles as f64 / design.max_cycles().max(1) as f64;
    link.text_element("title", &[], format!("{}: {} cycles", stage.name, stage.cycles));
    let mut rectangle = |class: &'static str, width: f64| {
        let place: [(&'static str, &dyn std::fmt::Display); 6] = [
            ("class", &class),
            ("x", &length(x)),
            ("y", &length(y)),
            ("width", &length(width)),
            ("height", &HEIGHT),
            ("rx", &6),
        ];
        link.empty("rect", &place);
    };
    rectangle("box", WIDTH);
    rectangle("box has-weights", WIDTH * share);
    let left = length(x + 12.0);
    let name = end(&stage.name, NAME_SIGNS);
    link.text_element("text", &[("class", &"name"), ("x", &left), ("y", &length(y + 18.0))], name);
    let about = format!("{} cycles, {}", grouped(stage.cycles), folding(stage));
    link.text_element("text", &[("class", &"about"), ("x", &left), ("y", &length(y + 33.0))], about);
}

fn folding(stage: &Stage) -> String {
    let own = stage.folding;
    match (own.pe, own.simd) {
        (1, 1) => "not unrolled".to_owned(),
        (pe, 1) => format!("PE {pe}"),
        (1, simd) => format!("SIMD {simd}"),
        (pe, simd) => format!("PE {pe}, SIMD {simd}"),
    }
}

fn sections(page: &mut Markup, design: &Design, front: &[FrontPoint]) {
    let mut section = |id: &str, title: &str, content: &dyn Fn(&mut Markup)| {
        page.element("section", &[("id", &id)], |section| {
            section.text_element("h2", &[], title);
            content(section);
        });
        page.newline();
    };
    section("device", "The device", &|section| device(section, design));
    section("stages", "Stages", &|section| stages(section, design));
    section("streams", "Streams", &|section| streams(section, design));
    if front.len() > 1 {
        section("front", "Rates and what they cost", &|section| {
            figure(
                section,
                "The least share of the device for each rate; both axes are logarithmic",
                |figure| {
                    plot(figure, design, front);
                },
            );
            points(section, design, front);
        });
    }
}

type Row = Vec<String>;

/// A table whose first column names the rows and whose others are numbers.
fn table(page: &mut Markup, head: &[&str], rows: &[(String, Row)], foot: Option<(&str, Row)>) {
    page.element("table", &[], |table| {
        table.element("thead", &[], |thead| {
            thead.element("tr", &[], |row| {
                for (index, title) in head.iter().enumerate() {
                    let class = if index == 0 { "" } else { "number" };
                    row.text_element("th", &[("scope", &"col"), ("class", &class)], title);
                }
            });
        });
        let line = |row: &mut Markup, name: &str, cells: &Row| {
            row.text_element("th", &[("scope", &"row")], name);
            for cell in cells {
                row.text_element("td", &[("class", &"number")], cell);
            }
        };
        table.element("tbody", &[], |body| {
            for (index, (name, cells)) in rows.iter().enumerate() {
                let id = format!("{}-{index}", head[0].to_lowercase());
                body.element("tr", &[("id", &id)], |row| line(row, name, cells));
            }
        });
        if let Some((name, cells)) = foot {
            table.element("tfoot", &[], |foot| foot.element("tr", &[], |row| line(row, name, &cells)));
        }
    });
}

fn device(page: &mut Markup, design: &Design) {
    let (used, there) = (design.resources(), Resources::of(design.target.device));
    let row = |((name, used), there): ((&str, u64), u64)| {
        let share = if there == 0 && used == 0 { "\u{2013}".to_owned() } else { percent(used, there) };
        (name.to_owned(), vec![grouped(used), grouped(there), share])
    };
    let rows: Vec<(String, Row)> = used.parts().into_iter().zip(there.amounts()).map(row).collect();
    table(page, &["Part", "Used", "There", "Share"], &rows, None);
    let note =
        "Stages and width converters; FIFOs, which depend on the way the design is built, are not counted.";
    page.text_element("p", &[("class", &"quiet")], note);
}

fn stages(page: &mut Markup, design: &Design) {
    let of = |stage: &Stage| {
        let own = stage.unit.resources(stage.folding, design.target.device);
        let by_finn = stage.unit.estimate(stage.folding, design.target.device).resources;
        vec![
            folding(stage),
            grouped(stage.cycles),
            percent(stage.cycles, design.max_cycles()),
            grouped(own.luts),
            grouped(by_finn.luts),
            grouped(own.block_memories),
            grouped(own.dsps),
        ]
    };
    let rows: Vec<(String, Row)> =
        design.stages.iter().map(|stage| (stage.name.clone(), of(stage))).collect();
    let head = [
        "Stage",
        "Folding",
        "Cycles",
        "Of the slowest",
        "Look-up tables",
        "By FINN",
        "Block memories",
        "Multipliers",
    ];
    let used = design.resources();
    let total = vec![
        String::new(),
        grouped(design.max_cycles()),
        String::new(),
        grouped(used.luts),
        String::new(),
        grouped(used.block_memories),
        grouped(used.dsps),
    ];
    table(page, &head, &rows, Some(("With converters", total)));
}

fn streams(page: &mut Markup, design: &Design) {
    let converters = converters(design);
    let name = |end: End| match end {
        End::Host(position) => format!("host {position}"),
        End::Stage { stage, .. } => design.stages[stage].name.clone(),
    };
    let row = |(index, link): (usize, &crate::dataflow::network::Link)| {
        let width = match link.to {
            End::Stage { stage, port } => {
                let reader = &design.stages[stage];
                reader.unit.inputs(reader.folding).get(port).map(|stream| stream.width_bits)
            }
            End::Host(_) => match link.from {
                End::Stage { stage, port } => {
                    let writer = &design.stages[stage];
                    writer.unit.outputs(writer.folding).get(port).map(|stream| stream.width_bits)
                }
                End::Host(_) => None,
            },
        };
        let width = width.unwrap_or(0);
        let converter = converters.iter().find(|converter| converter.link == index);
        let converted = converter.map_or_else(String::new, |converter| {
            format!("from {} bits, {} tables", converter.input_bits, converter.resources.luts)
        });
        let cells = vec![
            name(link.to),
            grouped(width),
            converted,
            grouped(link.fifo_words),
            grouped(width.saturating_mul(link.fifo_words)),
        ];
        (name(link.from), cells)
    };
    let rows: Vec<(String, Row)> = design.links.iter().enumerate().map(row).collect();
    table(page, &["From", "To", "Bits of a word", "Converter", "FIFO words", "FIFO bits"], &rows, None);
}

fn points(page: &mut Markup, design: &Design, front: &[FrontPoint]) {
    let row = |point: &FrontPoint| {
        let used = point.resources;
        let cells = vec![
            format!("{:.1}", point.fps),
            grouped(used.luts),
            grouped(used.block_memories),
            grouped(used.dsps),
            if point.fits { "fits".to_owned() } else { "too big".to_owned() },
        ];
        let here = if point.cycles == design.max_cycles() { " (this design's)" } else { "" };
        (format!("{}{here}", grouped(point.cycles)), cells)
    };
    let rows: Vec<(String, Row)> = front.iter().map(row).collect();
    let head = ["Cycles", "Frames a second", "Look-up tables", "Block memories", "Multipliers", "Device"];
    page.element("details", &[], |details| {
        details.text_element("summary", &[], format!("All {} points", front.len()));
        table(details, &head, &rows, None);
    });
}

/// Width and height of the plot.
const PLOT: (f64, f64) = (640.0, 260.0);

fn plot(page: &mut Markup, design: &Design, front: &[FrontPoint]) {
    let ends = |of: fn(&FrontPoint) -> f64| {
        let all = || front.iter().map(of).map(f64::log10);
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
    };
    let (rates, shares) = (ends(|point| point.fps), ends(|point| point.share.max(1e-9)));
    let along =
        |value: f64, (lo, hi): (f64, f64)| if hi > lo { (value.log10() - lo) / (hi - lo) } else { 0.5 };
    let place = |point: &FrontPoint| {
        let x = 30.0 + (PLOT.0 - 60.0) * along(point.fps, rates);
        let y = PLOT.1 - 30.0 - (PLOT.1 - 60.0) * along(point.share.max(1e-9), shares);
        (x, y)
    };
    let view = format!("0 0 {} {}", PLOT.0, PLOT.1);
    page.element("svg", &[("viewBox", &view), ("role", &"img"), ("class", &"diagram")], |svg| {
        svg.text_element("title", &[], "Share of the device against frames a second");
        let places: Vec<String> =
            front.iter().map(place).map(|(x, y)| format!("{},{}", length(x), length(y))).collect();
        svg.empty("polyline", &[("class", &"edge"), ("points", &places.join(" "))]);
        for point in front {
            let (x, y) = place(point);
            let is_own = point.cycles == design.max_cycles();
            let class = if point.fits { "point" } else { "point too-big" };
            let radius = if is_own { 5 } else { 2 };
            let attributes: [(&'static str, &dyn std::fmt::Display); 4] =
                [("class", &class), ("cx", &length(x)), ("cy", &length(y)), ("r", &radius)];
            svg.element("circle", &attributes, |circle| {
                let share = 100.0 * point.share;
                let text = format!("{:.1} frames a second: {share:.1} % of the device in all", point.fps);
                circle.text_element("title", &[], text);
            });
        }
        let mut label = |x: f64, y: f64, anchor: &'static str, text: String| {
            let attributes: [(&'static str, &dyn std::fmt::Display); 4] =
                [("class", &"about"), ("x", &length(x)), ("y", &length(y)), ("text-anchor", &anchor)];
            svg.text_element("text", &attributes, text);
        };
        let (first, last) = (&front[0], &front[front.len() - 1]);
        label(30.0, PLOT.1 - 8.0, "start", format!("{:.0} frames a second", first.fps));
        label(PLOT.0 - 30.0, PLOT.1 - 8.0, "end", format!("{:.0} frames a second", last.fps));
        label(30.0, PLOT.1 - 40.0, "start", format!("{:.1} %", 100.0 * first.share));
        label(PLOT.0 - 30.0, 20.0, "end", format!("{:.1} %", 100.0 * last.share));
    });
}

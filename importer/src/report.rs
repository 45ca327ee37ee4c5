//! The report: one offline page about a compiled model, for `exactum build --report`.
//!
//! What it says is proven, or counted by the exact reference over calibration samples; without samples it says less.
//! The page works without scripts, on paper and on phones, and loads nothing.

mod charts;
mod details;
mod diagram;
mod facts;
mod layout;
mod markup;
mod memory;
mod notes;
mod pipeline;
mod statistics;
mod table;

pub use pipeline::pipeline;
pub use statistics::{Seen, Statistics};

use crate::Compiled;
use crate::container::Container;
use crate::interface::Interface;
use facts::Step;
use markup::{Markup, grouped};
use memory::Memory;

/// Styles of the page.
const STYLE: &str = include_str!("report/style.css");
/// Sorts the table and opens sections; nothing needs it.
const SCRIPT: &str = include_str!("report/script.js");

/// What the head of the page says; the same figures as those of `exactum build`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// The file that was compiled.
    pub file: String,
    /// What was proven, in one sentence.
    pub certificate: String,
    /// Channels of all requantizations.
    pub channels: usize,
    /// Accumulators at which form and exact function were compared.
    pub points: u64,
    /// Bits of the widest accumulator.
    pub accumulator_bits: u32,
    /// Bytes of the image.
    pub flash_bytes: usize,
    /// Bytes of working memory.
    pub ram_bytes: u64,
    /// Bytes of inputs and outputs in buffers of the caller.
    pub outside_bytes: u64,
    /// Bytes of stack beside it, where the target's were measured.
    pub stack_bytes: Option<u64>,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
}

/// The page about `compiled`, which `container` holds.
pub fn html(
    headline: &Headline,
    compiled: &Compiled,
    container: &Container,
    statistics: Option<&Statistics>,
) -> String {
    let steps = facts::steps(compiled, statistics);
    let memory = Memory::new(compiled);
    let mut page = Markup::default();
    page.verbatim("<!DOCTYPE html>\n");
    page.element("html", &[("lang", &"en")], |html| {
        html.element("head", &[], |head| {
            head.empty("meta", &[("charset", &"utf-8")]);
            let viewport = "width=device-width, initial-scale=1";
            head.empty("meta", &[("name", &"viewport"), ("content", &viewport)]);
            head.empty("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            head.text_element("title", &[], format!("{} \u{2013} Exactum", title(headline, container)));
            head.element("style", &[], |style| style.verbatim(STYLE));
        });
        html.newline();
        html.element("body", &[], |body| {
            header(body, headline, container, statistics);
            body.element("div", &[("class", &"columns")], |columns| {
                columns.element("nav", &[("aria-label", &"Graph")], |nav| {
                    nav.text_element("h2", &[], "Graph");
                    nav.element("div", &[("class", &"frame")], |frame| diagram::diagram(frame, &steps));
                });
                columns.element("main", &[], |main| sections(main, &steps, &memory, statistics, container));
            });
            body.element("script", &[], |script| script.verbatim(SCRIPT));
        });
    });
    page.newline();
    page.finish()
}

/// The name in the file, or that of the file.
fn title<'a>(headline: &'a Headline, container: &'a Container) -> &'a str {
    let source = container.contents().source.as_ref();
    source.map(|source| source.graph_name.as_str()).filter(|name| !name.is_empty()).unwrap_or(&headline.file)
}

fn header(page: &mut Markup, headline: &Headline, container: &Container, statistics: Option<&Statistics>) {
    page.element("header", &[], |header| {
        header.text_element("p", &[("class", &"brand")], "Exactum report");
        header.text_element("h1", &[], title(headline, container));
        let contents = container.contents();
        header.element("p", &[("class", &"source")], |line| {
            line.text_element("span", &[], &headline.file);
            if let Some(source) = &contents.source {
                if !source.producer.is_empty() {
                    let by = format!("written by {} {}", source.producer, source.producer_version);
                    line.text_element("span", &[], by.trim_end());
                }
                line.text_element("span", &[], format!("compiled by exactum {}", contents.producer_version));
                let digest: String = source.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                line.element("span", &[("class", &"digest")], |span| {
                    span.text("sha256 ");
                    span.text_element("code", &[], digest);
                });
            }
        });
        header.text_element("p", &[("class", &"certificate")], sentence(&headline.certificate));
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
            tile("Flash", grouped(headline.flash_bytes as i128), "bytes");
            tile("RAM", grouped(headline.ram_bytes), "bytes");
            if headline.outside_bytes > 0 {
                tile("Ports", grouped(headline.outside_bytes), "bytes of the caller's buffers");
            }
            if let Some(bytes) = headline.stack_bytes {
                tile("Stack", grouped(bytes), "bytes");
            }
            tile("Multiply-accumulates", grouped(headline.macs), "a sample");
            tile("Accumulators", headline.accumulator_bits.to_string(), "bits");
            tile("Channels proven", grouped(headline.channels as i128), "");
            tile("Points compared", grouped(headline.points), "");
        });
        let seen = match statistics {
            Some(statistics) => format!(
                "Histograms, ranges seen and rates are sampled: the exact reference on {} calibration sample{}.",
                statistics.samples,
                if statistics.samples == 1 { "" } else { "s" }
            ),
            None => "No calibration samples were given (--calibration), so this page holds proven figures only."
                .to_owned(),
        };
        header.text_element("p", &[("class", &"quiet")], seen);
    });
    page.newline();
}

/// `certificate: proven: ...` as a sentence.
fn sentence(certificate: &str) -> String {
    let text = certificate.strip_prefix("certificate: ").unwrap_or(certificate);
    let mut signs = text.chars();
    let first = signs.next().map(|sign| sign.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", signs.as_str())
}

fn sections(
    page: &mut Markup,
    steps: &[Step],
    memory: &Memory,
    statistics: Option<&Statistics>,
    container: &Container,
) {
    let mut section = |id: &str, title: &str, content: &dyn Fn(&mut Markup)| {
        page.element("section", &[("id", &id)], |section| {
            section.text_element("h2", &[], title);
            content(section);
        });
        page.newline();
    };
    let mut notes = notes::notes(steps, memory, container.interface(), statistics);
    notes.extend(notes::of_inputs(container.interface()));
    if !notes.is_empty() {
        section("notes", "Notes", &|section| {
            section.element("ul", &[("class", &"notes")], |list| {
                for (class, note) in &notes {
                    list.text_element("li", &[("class", class)], note);
                }
            });
        });
    }
    section("interface", "Inputs and outputs", &|section| ports(section, container.interface()));
    section("layers", "Layers", &|section| table::table(section, steps, memory));
    section("memory", "Memory", &|section| {
        section.text_element("p", &[], memory.sentence());
        let title =
            format!("The arena, step by step; its height is {} bytes", grouped(memory.arena_bytes() as i128));
        charts::figure(section, &title, |figure| memory.chart(figure));
        section.text_element(
            "p",
            &[("class", &"quiet")],
            "Each block is a value at its place from the step that writes it to the last that reads it. Shaded steps \
             have most bytes in use; the dashed line is the lower bound.",
        );
    });
    section("details", "Layer by layer", &|section| {
        for (index, step) in steps.iter().enumerate() {
            details::details(section, index, step);
        }
    });
    section("certificate", "Certificate", &|section| certificate(section, steps, container));
}

/// What the caller gives and gets.
fn ports(page: &mut Markup, interface: &Interface) {
    page.element("dl", &[("class", &"proof-lines")], |list| {
        let inputs = interface.inputs.iter().map(|port| ("Input", port));
        for (what, port) in inputs.chain(interface.outputs.iter().map(|port| ("Output", port))) {
            list.element("div", &[], |pair| {
                pair.element("dt", &[], |term| {
                    term.text(format!("{what} "));
                    term.text_element("code", &[], &port.name);
                });
                pair.text_element("dd", &[], port.sentence());
            });
        }
    });
}

fn certificate(page: &mut Markup, steps: &[Step], container: &Container) {
    page.text_element(
        "p",
        &[],
        "For every input, each code of the program is the code that the model means. Accumulators stay within bounds \
         that follow from the weights; within them each requantization was compared with its exact function by a \
         checker that shares no code with the solver.",
    );
    page.element("dl", &[("class", &"proof-lines")], |list| {
        for step in steps.iter().filter(|step| step.certificate.is_some() || !step.bounds.is_empty()) {
            list.element("div", &[], |pair| {
                pair.element("dt", &[], |term| term.text_element("code", &[], &step.name));
                pair.element("dd", &[], |line| match &step.certificate {
                    Some(certificate) => {
                        line.text(certificate);
                        line.text("; functions ");
                        line.text_element("code", &[], format!("{:016x}", certificate.thresholds_digest()));
                    }
                    None => {
                        line.text("proven: accumulators stay within their bounds; nothing is requantized")
                    }
                });
            });
        }
    });
    page.element("p", &[("class", &"quiet")], |line| {
        line.text(format!("Image of {} bytes. ", grouped(container.image().len() as i128)));
        line.text(
            "The words are used strictly: proven holds for every input, exhaustive means that every case was \
             compared, sampled that some were.",
        );
    });
}

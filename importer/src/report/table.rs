//! The table of layers: a row for each step, a card for each on narrow screens.

use super::charts::headroom;
use super::facts::Step;
use super::markup::{Markup, grouped, percent};
use super::memory::Memory;
use exactum_runtime::num::IntRange;

/// Titles of the columns, and whether they hold numbers.
const COLUMNS: [(&str, bool); 11] = [
    ("Layer", false),
    ("Shape", false),
    ("Types", false),
    ("MACs", true),
    ("Flash", true),
    ("RAM live", true),
    ("Accumulator bits", true),
    ("At the ends", true),
    ("Requantization", false),
    ("Multiplier bits", true),
    ("Channels", true),
];

/// Stands where a step has no such figure.
const NONE: &str = "\u{2013}";

/// The table of `steps`.
pub(super) fn table(page: &mut Markup, steps: &[Step], memory: &Memory) {
    page.element("table", &[("class", &"layers"), ("id", &"layer-table")], |table| {
        table.element("thead", &[], |head| {
            head.element("tr", &[], |row| {
                for (title, number) in COLUMNS {
                    let class = if number { "number" } else { "words" };
                    row.text_element("th", &[("scope", &"col"), ("class", &class)], title);
                }
            });
        });
        table.element("tbody", &[], |body| {
            for (index, step) in steps.iter().enumerate() {
                body.element("tr", &[], |row| cells(row, index, step, memory));
                body.newline();
            }
        });
        table.element("tfoot", &[], |foot| {
            foot.element("tr", &[], |row| {
                row.text_element("th", &[("scope", &"row")], "Total");
                for (title, _) in &COLUMNS[1..] {
                    let sum = |of: fn(&Step) -> u64| grouped(steps.iter().map(of).sum::<u64>());
                    let text = match *title {
                        "MACs" => sum(|step| step.macs),
                        "Flash" => sum(Step::flash_bytes),
                        _ => String::new(),
                    };
                    let class = if text.is_empty() { "none" } else { "number" };
                    row.text_element("td", &[("data-label", title), ("class", &class)], text);
                }
            });
        });
    });
}

fn cells(row: &mut Markup, index: usize, step: &Step, memory: &Memory) {
    row.element("th", &[("scope", &"row")], |cell| {
        let target = format!("#layer-{index}");
        cell.element("a", &[("href", &target)], |link| link.text_element("code", &[], &step.name));
        cell.text_element("span", &[("class", &"op")], step.op);
    });
    let mut cell = |column: usize, value: Option<u64>, content: &dyn Fn(&mut Markup)| {
        let (title, number) = COLUMNS[column];
        let class = if number { "number" } else { "words" };
        let sort = value.map(|value| value.to_string()).unwrap_or_default();
        let mut inner = Markup::default();
        content(&mut inner);
        let inner = inner.finish();
        let class = if inner == NONE { format!("{class} none") } else { class.to_owned() };
        row.element("td", &[("data-label", &title), ("class", &class), ("data-sort", &sort)], |cell| {
            cell.append(&inner)
        });
    };
    let words = |text: String| move |cell: &mut Markup| cell.text(&text);
    let dash = || NONE.to_owned();
    let shown = |number: u64| words(if number == 0 { dash() } else { grouped(number) });
    cell(1, None, &|cell| {
        cell.text_element("span", &[], step.inputs.join(", "));
        cell.text_element("span", &[], format!("\u{2192}\u{a0}{}", step.output_shape));
    });
    cell(2, None, &|cell| {
        cell.text_element("span", &[], step.input_types.join(", "));
        cell.text_element("span", &[], format!("\u{2192}\u{a0}{}", step.output_type));
        if let Some(weights) = &step.weights {
            cell.text_element("span", &[("class", &"op")], format!("weights\u{a0}{}", weights.ty));
        }
    });
    cell(3, Some(step.macs), &shown(step.macs));
    cell(4, Some(step.flash_bytes()), &shown(step.flash_bytes()));
    let live = memory.live_bytes(&step.output).map(|bytes| bytes as u64);
    cell(5, live, &words(live.map_or_else(dash, grouped)));
    cell(6, step.accumulator_bits().map(u64::from), &|cell| {
        let Some(bits) = step.accumulator_bits() else { return cell.text(NONE) };
        match step.seen_bits() {
            Some(seen) => cell.text_element("span", &[], format!("{seen} of {bits}")),
            None => cell.text_element("span", &[], bits),
        }
        let seen = step.accumulators.as_ref().and_then(super::Seen::range);
        if let (Some(proven), Some(seen)) = (step.bounds.iter().copied().reduce(IntRange::union), seen) {
            headroom(cell, proven, seen);
        }
    });
    let ends = ends(step);
    cell(7, ends.map(|(_, high, total)| 1_000_000 * high / total.max(1)), &|cell| match ends {
        Some((low, high, total)) => {
            cell.text_element("span", &[], format!("{} high", percent(high, total)));
            cell.text_element("span", &[("class", &"op")], format!("{} low", percent(low, total)));
        }
        None => cell.text(NONE),
    });
    let certificate = step.certificate.as_ref();
    cell(8, None, &words(certificate.map_or_else(dash, |certificate| certificate.form.to_owned())));
    let bits = certificate.map(|certificate| certificate.multiplier_bits).filter(|bits| *bits > 0);
    cell(9, bits.map(u64::from), &words(bits.map_or_else(dash, |bits| bits.to_string())));
    let channels = certificate.map(|certificate| certificate.channels.len() as u64);
    cell(10, channels, &|cell| {
        cell.text(channels.map_or_else(dash, |channels| channels.to_string()));
        if let Some(certificate) = certificate.filter(|certificate| certificate.channels.len() > 1) {
            let parameters = if certificate.shared { "shared" } else { "each its own" };
            cell.text_element("span", &[("class", &"op")], parameters);
        }
    });
}

/// Results of a quantizer at the lowest and the highest code, and all of them.
pub(super) fn ends(step: &Step) -> Option<(u64, u64, u64)> {
    let quantizes = step.certificate.is_some() || step.sources.is_empty();
    let (seen, codes) = (step.results.as_ref().filter(|_| quantizes)?, step.codes?);
    Some((seen.count(codes.lo), seen.count(codes.hi), seen.total()))
}

//! The section of one layer: histograms, accumulators, certificate, origin.

use exactum_runtime::num::IntRange;

use super::charts::{histogram, strip};
use super::facts::Step;
use super::markup::{Markup, grouped, percent};
use super::table::ends;
use crate::certify::LayerCertificate;

/// Rows of channels that are shown; a report of hundreds of channels is no longer read.
const MAX_ROWS: usize = 64;

/// The section of step `index`.
pub(super) fn details(page: &mut Markup, index: usize, step: &Step) {
    let id = format!("layer-{index}");
    page.element("details", &[("class", &"layer"), ("id", &id)], |layer| {
        layer.element("summary", &[], |summary| {
            summary.text_element("code", &[("class", &"name")], &step.name);
            summary.text_element("span", &[("class", &"op")], step.op);
            let about = format!("{} {}", step.output_shape, step.output_type);
            summary.text_element("span", &[("class", &"about")], about);
        });
        layer.element("div", &[("class", &"body")], |body| {
            facts(body, step);
            body.element("div", &[("class", &"figures")], |figures| {
                if let Some(weights) = &step.weights {
                    let title = format!("Weights, {} {}", weights.shape, weights.ty);
                    histogram(figures, &title, weights.range, &weights.counts);
                }
                if let (Some(seen), Some(codes)) = (&step.results, step.codes) {
                    histogram(figures, &format!("Results, {}", step.output_type), codes, &seen.counts);
                }
                if !step.bounds.is_empty() {
                    let seen = step.accumulators.as_ref().map(|seen| seen.channels.as_slice());
                    strip(figures, &step.bounds, seen);
                }
            });
            if let Some(certificate) = &step.certificate {
                channels(body, certificate);
            }
        });
    });
    page.newline();
}

/// Terms and their values.
fn facts(page: &mut Markup, step: &Step) {
    page.element("dl", &[("class", &"facts")], |list| {
        let mut fact = |term: &str, text: String| {
            list.element("div", &[], |pair| {
                pair.text_element("dt", &[], term);
                pair.text_element("dd", &[], text);
            });
        };
        if !step.origin.is_empty() {
            fact("Computes", step.origin.join(", "));
        }
        if step.flash_bytes() > 0 {
            let (weights, tables) = (grouped(step.weight_bytes), grouped(step.table_bytes));
            fact(
                "Flash",
                format!("{weights} bytes of weights and biases, {tables} of requantization parameters"),
            );
        }
        if let Some(proven) = step.bounds.iter().copied().reduce(IntRange::union) {
            let mut text = format!("proven {} to {}", grouped(proven.lo), grouped(proven.hi));
            if let Some(seen) = step.accumulators.as_ref().and_then(super::Seen::range) {
                text.push_str(&format!("; seen {} to {}", grouped(seen.lo), grouped(seen.hi)));
            }
            fact("Accumulators", text);
        }
        if let (Some((low, high, total)), Some(codes)) = (ends(step), step.codes) {
            let zero = if codes.lo == step.zero_point { ", which stands for zero" } else { "" };
            fact(
                "At the ends",
                format!(
                    "{} of the results are {}{zero}; {} are {}",
                    percent(low, total),
                    codes.lo,
                    percent(high, total),
                    codes.hi
                ),
            );
        }
        match &step.certificate {
            Some(certificate) => fact("Certificate", certificate.to_string()),
            None if !step.bounds.is_empty() => {
                fact(
                    "Certificate",
                    "proven: every accumulator stays in its bounds; nothing is requantized".to_owned(),
                );
            }
            None => {}
        }
    });
}

fn channels(page: &mut Markup, certificate: &LayerCertificate) {
    page.element("details", &[("class", &"channels")], |section| {
        let count = certificate.channels.len();
        let plural = if count == 1 { "" } else { "s" };
        section.text_element("summary", &[], format!("Proof of {count} channel{plural}"));
        section.element("div", &[("class", &"scroll")], |scroll| {
            scroll.element("table", &[("class", &"proofs")], |table| {
                table.element("thead", &[], |head| {
                    head.element("tr", &[], |row| {
                        for title in ["Channel", "Accumulators", "Runs", "Points", "Digest"] {
                            row.text_element("th", &[("scope", &"col")], title);
                        }
                    });
                });
                table.element("tbody", &[], |body| {
                    for (channel, proof) in certificate.channels.iter().enumerate().take(MAX_ROWS) {
                        body.element("tr", &[], |row| {
                            row.text_element("th", &[("scope", &"row")], channel);
                            let range = format!("{} to {}", grouped(proof.range.lo), grouped(proof.range.hi));
                            row.text_element("td", &[], range);
                            row.text_element("td", &[], grouped(proof.runs));
                            row.text_element("td", &[], grouped(proof.points));
                            row.element("td", &[], |cell| {
                                cell.text_element("code", &[], format!("{:016x}", proof.thresholds_digest));
                            });
                        });
                    }
                });
            })
        });
        if count > MAX_ROWS {
            let rest =
                format!("{} more channels; `exactum inspect --format json` prints all.", count - MAX_ROWS);
            section.text_element("p", &[("class", &"quiet")], rest);
        }
    });
}

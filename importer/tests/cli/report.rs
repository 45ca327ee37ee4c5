//! The report page: well formed, self-contained, escaped, reproducible, and with the right numbers.

use exactum_importer::npy;
use exactum_qonnx::Model;
use roxmltree::{Document, Node, ParsingOptions};

use crate::models::{inputs, tiny};
use crate::session::{Session, snapshot};

fn session(model: &Model) -> Session {
    Session::new()
        .with("tiny.onnx", exactum_qonnx::write(model))
        .with("x.npy", npy::write(&[40, 4], &inputs(40)))
}

/// The page about `model`, with or without calibration samples.
fn page(model: &Model, arguments: &str) -> String {
    let mut session = session(model);
    let output = session.run(&format!("build tiny.onnx --report report.html {arguments} --quiet"));
    assert!(output.status.success(), "{}", session.transcript());
    String::from_utf8(session.read("report.html")).unwrap()
}

/// Parses the page as XML, which knows no element that closes itself.
fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}:\n{page}"))
}

/// All text below `node`, words separated by one blank.
fn text(node: Node<'_, '_>) -> String {
    let parts: Vec<&str> =
        node.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect();
    parts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn with_id<'a, 'i>(document: &'a Document<'i>, id: &str) -> Node<'a, 'i> {
    document.descendants().find(|node| node.attribute("id") == Some(id)).unwrap_or_else(|| panic!("no {id}"))
}

/// What a reader reads: titles, figures, tables and sections, an element a line.
fn summary(document: &Document<'_>) -> String {
    const LINES: [&str; 10] = ["h1", "h2", "p", "tr", "li", "dt", "dd", "summary", "figcaption", "title"];
    let styled = |node: &Node<'_, '_>| node.ancestors().any(|above| above.has_tag_name("script"));
    let line = |node: Node<'_, '_>| format!("{}: {}\n", node.tag_name().name(), text(node));
    let lines =
        document.descendants().filter(|node| LINES.contains(&node.tag_name().name()) && !styled(node));
    lines.map(line).collect::<String>().replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn the_page_has_the_numbers_of_the_program() {
    let page = page(&tiny(), "--calibration x.npy");
    snapshot("report.txt", summary(&parsed(&page)));
}

#[test]
fn without_samples_only_proven_figures_are_shown() {
    let page = page(&tiny(), "");
    let document = parsed(&page);
    snapshot("report-uncalibrated.txt", summary(&document));
    let body = text(document.root_element());
    assert!(body.contains("No calibration samples were given"), "{body}");
    assert!(!body.contains("sampled: ") && !page.contains("class=\"seen\""), "nothing was seen");
}

/// The numbers of the table against the compiler's own, found another way.
#[test]
fn the_table_agrees_with_the_compiler() {
    let page = page(&tiny(), "--calibration x.npy");
    let document = parsed(&page);
    let compiled = exactum_importer::compile(&tiny()).unwrap();
    let cell = |row: Node<'_, '_>, label: &str| {
        let cell = row.children().find(|cell| cell.attribute("data-label") == Some(label));
        text(cell.unwrap_or_else(|| panic!("no {label}")))
    };
    let rows: Vec<Node<'_, '_>> =
        with_id(&document, "layer-table").descendants().filter(|node| node.has_tag_name("tr")).collect();
    for (op, proof) in compiled.ops.iter().zip(&compiled.proofs) {
        let row = *rows.iter().find(|row| text(**row).starts_with(&op.name)).expect("a row for each layer");
        assert_eq!(cell(row, "MACs"), op.macs.to_string());
        assert_eq!(cell(row, "Flash"), (op.weight_bytes + op.table_bytes).to_string());
        assert_eq!(cell(row, "Requantization"), proof.certificate.form);
        let bits = proof.accumulators.iter().map(|range| range.signed_bits()).max().unwrap();
        assert!(cell(row, "Accumulator bits").ends_with(&format!("of {bits}")), "{}", text(row));
    }
    let total = compiled.ops.iter().map(|op| op.macs).sum::<u64>().to_string();
    assert_eq!(cell(*rows.last().unwrap(), "MACs"), total);
}

#[test]
fn the_page_loads_nothing_and_is_reproducible() {
    let first = page(&tiny(), "--calibration x.npy");
    assert_eq!(first, page(&tiny(), "--calibration x.npy"));
    for outside in ["http:", "https:", "src=", "url(", "@import", "<link", "//www"] {
        assert!(!first.contains(outside), "{outside}");
    }
    let document = parsed(&first);
    let mut ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "every id is there once");
    for target in document.descendants().filter_map(|node| node.attribute("href")) {
        assert!(target.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{target} leads nowhere");
    }
    let labelled =
        |node: &Node<'_, '_>| node.has_attribute("aria-label") || node.has_attribute("aria-labelledby");
    for picture in document.descendants().filter(|node| node.attribute("role") == Some("img")) {
        assert!(labelled(&picture), "a picture without a name");
    }
}

#[test]
fn names_cannot_be_markup() {
    let mut model = tiny();
    let evil = "<script>alert(\"1\")</script>&'\u{1}";
    model.graph.name = evil.to_owned();
    model.producer = evil.to_owned();
    for node in &mut model.graph.nodes {
        node.name = format!("{evil}{}", node.name);
    }
    let page = page(&model, "--calibration x.npy");
    let document = parsed(&page);
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("script")).count(), 1);
    let title = document.descendants().find(|node| node.has_tag_name("h1")).unwrap();
    assert_eq!(title.text(), Some(evil.replace('\u{1}', "\u{fffd}").as_str()));
}

#[test]
fn calibration_samples_have_to_fit() {
    let mut session = session(&tiny()).with("wrong.npy", npy::write(&[2, 5], &[0f32; 10]));
    session.run("build tiny.onnx --report report.html --calibration wrong.npy");
    session.run("build tiny.onnx -o tiny.exa --calibration x.npy");
    session.run("build tiny.onnx");
    session.run("build tiny.onnx -o tiny.exa --report report.html --calibration x.npy");
    assert_eq!(session.files(), ["report.html", "tiny.exa", "tiny.onnx", "wrong.npy", "x.npy"]);
    session.matches("report-usage");
}

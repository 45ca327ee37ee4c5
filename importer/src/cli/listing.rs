//! A compiled program as text: where it comes from, its interface, its proofs, its ops. For `inspect` and `build`.

use std::fmt::{self, Display, Formatter};

use crate::container::{Container, wire};
use crate::graph::TensorType;
use crate::interface::Port;
use exactum_runtime::program::Output;

use serde_json::{Value, json};

use super::shell::plain;
use super::steps;
use super::summary::count;

/// What the listing says, for programs.
pub(super) fn json(container: &Container) -> Value {
    let contents = container.contents();
    let interface = container.interface();
    let ports = |ports: &[Port]| ports.iter().map(port_json).collect::<Vec<_>>();
    let program = container.program();
    let labels = |(port, output): (Value, Output<'_>)| {
        let Value::Object(mut fields) = port else { return port };
        if !output.meaning.labels.is_empty() {
            fields.insert("labels".to_owned(), output.meaning.labels.iter().collect());
        }
        Value::Object(fields)
    };
    let outputs = ports(&interface.outputs).into_iter().zip(program.outputs()).map(labels);
    json!({
        "producer_version": contents.producer_version,
        "source": contents.source.as_ref().map(|source| json!({
            "graph_name": source.graph_name,
            "producer": source.producer,
            "producer_version": source.producer_version,
            "sha256": hex(&source.sha256),
        })),
        "model": { "name": program.model_name(), "version": program.model_version() },
        "inputs": ports(&interface.inputs),
        "unread_inputs": interface.unread_inputs(),
        "outputs": outputs.collect::<Vec<_>>(),
        "layers": contents.layers.iter().map(layer_json).collect::<Vec<_>>(),
        "ops": contents.ops.iter().map(|op| json!({ "kind": op.kind, "name": op.name, "nodes": op.nodes })).collect::<Vec<_>>(),
        "steps": container.steps(),
        "memory": contents.memory.map(|memory| json!({
            "arena_bytes": memory.arena_bytes,
            "lower_bound_bytes": memory.lower_bound_bytes,
            "optimal": memory.optimal,
        })),
    })
}

fn port_json(port: &Port) -> Value {
    let mut listed = json!({
        "name": port.name,
        "shape": port.sample_shape(),
        "kind": kind(port),
        "type": port.int.to_string(),
        "stored_less": port.stored_less,
        "range": [port.range.lo, port.range.hi],
        "zero_point": port.zero_point,
        "scale": port.scale,
        "preprocessed": port.preprocessed,
        "offset": port.offset,
        // Of the sample: the batch axis is not counted.
        "axis": port.axis.saturating_sub(1),
        "comparable": !port.has_unequal_units(),
        "channels_last": port.tensor.channels_last,
        "functions": port.functions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "file": file_json(port),
    });
    // Of an element of the sample: the digit is element / stride % count, the first the most significant.
    if let (Some(channels), Value::Object(fields)) = (&port.channels, &mut listed) {
        fields.insert("axis".to_owned(), Value::Null);
        fields.insert("channel_digits".to_owned(), json!(channels.digits));
        fields.insert("channel_order".to_owned(), json!(channels.order));
    }
    listed
}

/// What the file holds in the place of `port`.
fn file_json(port: &Port) -> Value {
    let TensorType { elem, scale, zero_point, axis, .. } = &port.tensor;
    if !port.tensor.holds_integers() {
        return json!({ "type": elem.name() });
    }
    let scale: Vec<f64> = scale.iter().map(|scale| f64::from(*scale)).collect();
    let axis = axis.map(|axis| axis.saturating_sub(1));
    json!({ "type": elem.name(), "scale": scale, "zero_point": zero_point, "axis": axis })
}

fn layer_json(layer: &wire::Layer) -> Value {
    let pair = |range: &wire::Range| [range.lo, range.hi];
    json!({
        "name": layer.name,
        "accumulators": layer.accumulators.iter().map(pair).collect::<Vec<_>>(),
        "certificate": layer.certificate.as_ref().map(|certificate| json!({
            "scope": certificate.scope().as_str_name().to_lowercase(),
            "form": certificate.form,
            "codes": certificate.codes.as_ref().map(pair),
            "shared": certificate.shared,
            "multiplier_bits": certificate.multiplier_bits,
            "channels": certificate.channels.iter().map(|channel| json!({
                "range": channel.range.as_ref().map(pair),
                "runs": channel.runs,
                "points": channel.points,
                "thresholds_digest": format!("{:016x}", channel.thresholds_digest),
            })).collect::<Vec<_>>(),
        })),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kind(port: &Port) -> &'static str {
    if port.holds_accumulators() { "accumulators" } else { "codes" }
}

/// The listing of `container`.
pub(super) fn text(container: &Container) -> String {
    Listing(container).to_string()
}

struct Listing<'a>(&'a Container);

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let contents = self.0.contents();
        if let Some(source) = &contents.source {
            write!(f, "model {:?}", source.graph_name)?;
            if !source.producer.is_empty() {
                write!(f, " by {} {}", source.producer, source.producer_version)?;
            }
            writeln!(f, ", sha256 {}", hex(&source.sha256))?;
        }
        writeln!(f, "compiled by exactum {}", contents.producer_version)?;
        let interface = self.0.interface();
        for (what, ports) in [("input", &interface.inputs), ("output", &interface.outputs)] {
            for (index, port) in ports.iter().enumerate() {
                writeln!(f, "{what} {}", described(port))?;
                let first = interface.given.get(index).and_then(|input| interface.first_given(*input));
                if let Some(first) = first.filter(|first| what == "input" && *first < index) {
                    writeln!(f, "  given the same floats as input {first}, and quantized in another way")?;
                }
                if let Some(text) = port.preprocessing() {
                    writeln!(f, "  {}", plain(&text))?;
                }
                if what == "output" && port.has_unequal_units() {
                    writeln!(f, "  channels of different scales: do not compare them as integers")?;
                }
            }
        }
        for name in interface.unread_inputs() {
            writeln!(f, "input {name:?}: nothing reads it")?;
        }
        for line in steps::lines(self.0) {
            writeln!(f, "{}", plain(&line))?;
        }
        for layer in &contents.layers {
            writeln!(f, "layer {:?}: {}", layer.name, proof(layer))?;
        }
        if let Some(memory) = &contents.memory {
            let optimal = if memory.optimal { "no smaller plan exists" } else { "a smaller plan may exist" };
            let wire::MemoryPlan { arena_bytes, lower_bound_bytes, .. } = memory;
            writeln!(f, "arena {arena_bytes} bytes, lower bound {lower_bound_bytes}: {optimal}")?;
        }
        for (index, op) in contents.ops.iter().enumerate() {
            writeln!(f, "op {index} {} {:?} computes {}", op.kind, op.name, op.nodes.join(", "))?;
        }
        write!(f, "{}", self.0.program())
    }
}

/// `"y" uint8 [batch, 8, 8]: codes uint8 in 0..=255, scale 0.5, zero point 3`, and what the caller makes of that.
fn described(port: &Port) -> String {
    format!("{:?} {}", port.name, port.sentence())
}

/// `proven: multiply64 gives the exact code in 0..=255 for every accumulator in -5..=9, 8 channels, 32 points`.
fn proof(layer: &wire::Layer) -> String {
    let span = |ranges: &mut dyn Iterator<Item = &wire::Range>| {
        let (lo, hi) =
            ranges.fold((i64::MAX, i64::MIN), |(lo, hi), range| (lo.min(range.lo), hi.max(range.hi)));
        format!("{lo}..={hi}")
    };
    let Some(certificate) = &layer.certificate else {
        let bounds = span(&mut layer.accumulators.iter());
        let channels = count(layer.accumulators.len(), "channel");
        return format!("proven: accumulators in {bounds}, {channels}, not requantized");
    };
    let codes = certificate.codes.map(|range| format!("{}..={}", range.lo, range.hi)).unwrap_or_default();
    let inputs = span(&mut certificate.channels.iter().filter_map(|channel| channel.range.as_ref()));
    let points: u64 = certificate.channels.iter().map(|channel| channel.points).sum();
    format!(
        "{}: {} gives the exact code in {codes} for every integer in {inputs}, {}, {points} points compared",
        certificate.scope().as_str_name().to_lowercase(),
        certificate.form,
        count(certificate.channels.len(), "channel")
    )
}

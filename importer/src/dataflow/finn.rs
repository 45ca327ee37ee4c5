//! The files of a design: FINN's JSON as its `dev` line reads and writes it, and `stages.json` with everything known.

use serde_json::{Map, Value as Json, json};

use super::network::{DEFAULT_FIFO_WORDS, End, Link, into_stage};
use super::{Design, Stage};

/// Version of `stages.json`.
const STAGES_VERSION: u32 = 3;

pub(super) fn files(design: &Design) -> Vec<(String, String)> {
    let files = [
        ("folding_config.json", folding_config(design)),
        ("estimate_layer_cycles.json", layer_cycles(design)),
        ("estimate_network_performance.json", network_performance(design)),
        ("stages.json", stages(design)),
    ];
    files.map(|(name, content)| (name.to_owned(), format!("{content:#}\n"))).into()
}

/// The shape of FINN's `auto_folding_config.json`.
fn folding_config(design: &Design) -> Json {
    let attributes = |(index, stage): (usize, &Stage)| {
        let pairs = stage.unit.config(stage.folding).into_iter();
        let pairs = pairs.chain(fifo_depths(design, index)).map(|(key, value)| (key.to_owned(), value));
        (stage.name.clone(), Json::Object(pairs.collect()))
    };
    let defaults = ("Defaults".to_owned(), json!({}));
    Json::Object([defaults].into_iter().chain(design.stages.iter().enumerate().map(attributes)).collect())
}

/// FINN's depths of the FIFOs before stage `index`, where they are not what it assumes anyway.
fn fifo_depths(design: &Design, index: usize) -> Option<(&'static str, Json)> {
    let depths: Vec<u64> = into_stage(&design.links, index).iter().map(|link| link.fifo_words).collect();
    depths.iter().any(|depth| *depth != DEFAULT_FIFO_WORDS).then(|| ("inFIFODepths", depths.into()))
}

fn layer_cycles(design: &Design) -> Json {
    design
        .stages
        .iter()
        .map(|stage| (stage.name.clone(), Json::from(stage.cycles)))
        .collect::<Map<_, _>>()
        .into()
}

fn network_performance(design: &Design) -> Json {
    let critical_path_cycles = design.critical_path_cycles();
    json!({
        "critical_path_cycles": critical_path_cycles,
        "max_cycles": design.max_cycles(),
        "max_cycles_node_name": design.slowest().name,
        "estimated_throughput_fps": design.fps(),
        "estimated_latency_ns": critical_path_cycles as f64 * design.target.clock_ns,
    })
}

fn stages(design: &Design) -> Json {
    json!({
        "version": STAGES_VERSION,
        "model": design.model,
        "formulas": "FINN dev",
        "device": design.target.device,
        "clock_ns": design.target.clock_ns,
        "target_fps": design.target.target_fps,
        "target_cycles": design.target_cycles,
        "max_cycles": design.max_cycles(),
        "slowest_stage": design.slowest().name,
        "estimated_fps": design.fps(),
        "stages": design.stages.iter().map(stage).collect::<Vec<_>>(),
        "streams": design.links.iter().map(|link| stream(design, link)).collect::<Vec<_>>(),
    })
}

fn stage(stage: &Stage) -> Json {
    let folding = stage.folding;
    json!({
        "name": stage.name,
        "kind": stage.unit.kind().name,
        "nodes": stage.node_names,
        "dimensions": stage.unit,
        "folding": folding,
        "cycles": stage.cycles,
        "input": stage.unit.input(folding),
        "output": stage.unit.output(folding),
        "weight_memory": stage.unit.weight_memory(folding),
    })
}

/// A stream: who writes and reads it, the graph's value, and the words that have to fit between both.
fn stream(design: &Design, link: &Link) -> Json {
    let end = |end: End| match end {
        End::Host(position) => json!({ "host": position }),
        End::Stage { stage, port } => json!({ "stage": design.stages[stage].name, "port": port }),
    };
    json!({
        "from": end(link.from),
        "to": end(link.to),
        "value": link.value,
        "fifo_words": link.fifo_words,
    })
}

//! The JSON files of a design: FINN's as its `dev` line reads and writes them, and `dataflow.json` with everything known.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::converter::{WidthConverter, converters};
use super::folding::FrontPoint;
use super::memories;
use super::network::{DEFAULT_FIFO_WORDS, End, Link, into_stage};
use super::resources::{Estimate, Resources};
use super::{Design, Stage};

/// Version of `dataflow.json`.
const DATAFLOW_VERSION: u32 = 4;

pub(super) fn files(design: &Design, front: &[FrontPoint]) -> Vec<(String, String)> {
    let files = [
        ("folding_config.json", folding_config(design)),
        ("estimate_layer_cycles.json", layer_cycles(design)),
        ("estimate_network_performance.json", network_performance(design)),
        ("dataflow.json", dataflow(design, front)),
        ("estimate_layer_resources.json", layer_resources(design)),
        ("op_and_param_counts.json", counts(design)),
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

/// By FINN's formulas alone.
fn layer_resources(design: &Design) -> Json {
    let estimates: Vec<Estimate> =
        design.stages.iter().map(|stage| stage.unit.estimate(stage.folding, design.target.device)).collect();
    let efficiency = |share: f64| if share == 1.0 { Json::from(1) } else { Json::from(share) };
    let entry = |estimate: &Estimate| {
        let Resources { luts, block_memories, urams, dsps } = estimate.resources;
        json!({
            "BRAM_18K": block_memories,
            "BRAM_efficiency": efficiency(estimate.block_memory_efficiency),
            "LUT": luts,
            "URAM": urams,
            "URAM_efficiency": efficiency(estimate.uram_efficiency),
            "DSP": dsps,
        })
    };
    let entries = design.stages.iter().zip(&estimates).map(|(stage, own)| (stage.name.clone(), entry(own)));
    let Resources { luts, block_memories, urams, dsps } = estimates.iter().map(|own| own.resources).sum();
    let total = json!({ "BRAM_18K": block_memories, "LUT": luts, "URAM": urams, "DSP": dsps });
    Json::Object(entries.chain([("total".to_owned(), total)]).collect())
}

fn counts(design: &Design) -> Json {
    let mut total = BTreeMap::new();
    let mut entries = Map::new();
    for stage in &design.stages {
        let own = stage.unit.counts();
        for (name, count) in &own {
            let sum: &mut u64 = total.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        if !own.is_empty() {
            let own = own.into_iter().map(|(name, count)| (name, Json::from(count)));
            entries.insert(stage.name.clone(), Json::Object(own.collect()));
        }
    }
    entries.insert("total".to_owned(), json!(total));
    Json::Object(entries)
}

fn dataflow(design: &Design, front: &[FrontPoint]) -> Json {
    let converters = converters(design);
    let used = design.resources();
    let there = Resources::of(design.target.device);
    json!({
        "version": DATAFLOW_VERSION,
        "model": design.model,
        "formulas": "FINN dev",
        "device": design.target.device,
        "clock_ns": design.target.clock_ns,
        "target_fps": design.target.target_fps,
        "target_cycles": design.target_cycles,
        "max_cycles": design.max_cycles(),
        "slowest_stage": design.slowest().name,
        "estimated_fps": design.fps(),
        "critical_path_cycles": design.critical_path_cycles(),
        "resources": used,
        "resources_of_device": there,
        "least_cost_is_proven": design.is_proven_least,
        "stages": design.stages.iter().map(|own| stage(design, own)).collect::<Vec<_>>(),
        "streams": streams(design, &converters),
        "front": front,
    })
}

fn stage(design: &Design, stage: &Stage) -> Json {
    let folding = stage.folding;
    let estimate = stage.unit.estimate(folding, design.target.device);
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
        "resources": stage.unit.resources(folding, design.target.device),
        "resources_by_finn": estimate.resources,
        "share_of_slowest": stage.cycles as f64 / design.max_cycles().max(1) as f64,
        "memories": memories::names(design, stage),
    })
}

fn streams(design: &Design, converters: &[WidthConverter]) -> Vec<Json> {
    let converter = |index| converters.iter().find(|converter| converter.link == index);
    design.links.iter().enumerate().map(|(index, link)| stream(design, link, converter(index))).collect()
}

/// A stream: who writes and reads it, the graph's value, and the words that have to fit between both.
fn stream(design: &Design, link: &Link, converter: Option<&WidthConverter>) -> Json {
    let end = |end: End| match end {
        End::Host(position) => json!({ "host": position }),
        End::Stage { stage, port } => json!({ "stage": design.stages[stage].name, "port": port }),
    };
    json!({
        "from": end(link.from),
        "to": end(link.to),
        "value": link.value,
        "fifo_words": link.fifo_words,
        "converter": converter,
    })
}

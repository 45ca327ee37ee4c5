//! FINN's folding file: `"Defaults"`, then the attributes of each node. What `folding_config.json` is, and what
//! `--folding` reads.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::dataflow::from_graph::Unfolded;
use crate::dataflow::stage::{ConvolutionInputGenerator, Folding, Memory, Unit};
use crate::dataflow::stage_names;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};

/// A folding file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldingFile {
    nodes: BTreeMap<String, Attributes>,
    /// Attribute, value, and the operator types that have it, or `all`.
    defaults: Vec<(String, Json, Vec<String>)>,
}

type Attributes = Map<String, Json>;

impl FoldingFile {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// E0604 if it is not FINN's JSON.
    pub fn read(text: &str) -> Result<Self> {
        let json: Json = serde_json::from_str(text)
            .map_err(|error| wrong(Location::part("folding file"), error.to_string(), "JSON"))?;
        let Json::Object(entries) = json else {
            let found = "no object".to_owned();
            return Err(wrong(Location::part("folding file"), found, "an object of nodes").into());
        };
        let mut file = Self { nodes: BTreeMap::new(), defaults: vec![] };
        let mut problems = vec![];
        for (name, value) in entries {
            let Json::Object(attributes) = value else {
                problems.push(wrong(Location::part(name), value.to_string(), "an object of attributes"));
                continue;
            };
            if name != "Defaults" {
                file.nodes.insert(name, attributes);
                continue;
            }
            for (attribute, value) in attributes {
                match default(&value) {
                    Some((value, types)) => file.defaults.push((attribute, value, types)),
                    None => {
                        let at = Location::part(format!("Defaults.{attribute}"));
                        problems.push(wrong(at, value.to_string(), "a value and a list of operator types"));
                    }
                }
            }
        }
        Report::check(problems, file)
    }

    /// The folding of each of `stages`; what the file says nothing of is not unrolled.
    ///
    /// # Errors
    /// E0604 for each node that is no stage, and each folding that its stage does not have.
    pub(in crate::dataflow) fn foldings(&self, stages: &[Unfolded]) -> Result<Vec<Folding>> {
        let names = stage_names(stages);
        let mut problems = vec![];
        for name in self.nodes.keys().filter(|name| !names.contains(name)) {
            let needed = format!("one of {}", names.join(", "));
            problems.push(wrong(
                Location::part("folding file"),
                format!("{name:?}, which is no stage"),
                needed,
            ));
        }
        let mut foldings: Vec<Folding> = vec![];
        for (index, (stage, name)) in stages.iter().zip(&names).enumerate() {
            let read = self.folding(&stage.unit, name);
            let checked = read.and_then(|folding| {
                let unit = &stage.unit;
                let is_known = |known: &Folding| Folding { memory: folding.memory, ..*known } == folding;
                match unit.foldings().iter().any(is_known) && unit.memories().contains(&folding.memory) {
                    true => Ok(folding),
                    false => Err(illegal(stage, name, folding)),
                }
            });
            match checked {
                Ok(folding) => {
                    if let Some(problem) = out_of_step(&foldings, stages, index, name, folding) {
                        problems.push(problem);
                    }
                    foldings.push(folding);
                }
                Err(problem) => {
                    problems.push(problem);
                    foldings.push(Folding::ONE);
                }
            }
        }
        Report::check(problems, foldings)
    }

    fn folding(&self, unit: &Unit, name: &str) -> std::result::Result<Folding, Diagnostic> {
        let op_type = unit.op_type();
        let value = |attribute: &str| {
            let own = self.nodes.get(name).and_then(|node| node.get(attribute));
            own.or_else(|| {
                let applies = |types: &[String]| types.iter().any(|one| one == "all" || one == op_type);
                let found =
                    self.defaults.iter().find(|(known, _, types)| known == attribute && applies(types));
                found.map(|(_, value, _)| value)
            })
        };
        let at = |attribute: &str| Location::part(format!("{name}.{attribute}"));
        let number = |attribute: &str| match value(attribute) {
            None => Ok(None),
            Some(number) => {
                let whole = number.as_u64().and_then(|number| usize::try_from(number).ok());
                whole.map(Some).ok_or_else(|| wrong(at(attribute), number.to_string(), "a positive integer"))
            }
        };
        // Some kinds have both in FINN, of which only one unrolls.
        let pe = number("PE")?.unwrap_or(1);
        let simd = number("SIMD")?.unwrap_or(1);
        let parallel_window = number("parallel_window")?.unwrap_or(0) != 0;
        let usual = unit.memories().first().copied().unwrap_or_default();
        let memory = match value("ram_style").map(|style| (style, style.as_str())) {
            None => usual,
            Some((_, Some("auto"))) if unit.memories().contains(&Memory::Auto) => Memory::Auto,
            Some((_, Some("auto" | "block"))) if unit.memories().contains(&Memory::Block) => Memory::Block,
            Some((_, Some("block"))) => Memory::Auto,
            Some((_, Some("distributed"))) if unit.memories().contains(&Memory::Distributed) => {
                Memory::Distributed
            }
            Some(_) if unit.memories().len() < 2 => usual,
            Some((style, _)) => {
                return Err(wrong(at("ram_style"), style.to_string(), "auto, block or distributed"));
            }
        };
        Ok(Folding { pe, simd, parallel_window, memory })
    }
}

fn wrong(at: Location, found: String, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::BadFolding, at, found, needed)
}

/// A value and the operator types that have it.
fn default(value: &Json) -> Option<(Json, Vec<String>)> {
    let [value, types] = <&[Json; 2]>::try_from(value.as_array()?.as_slice()).ok()?;
    let name = |one: &Json| one.as_str().map(str::to_owned);
    let types = types.as_array()?.iter().map(name).collect::<Option<Vec<String>>>()?;
    Some((value.clone(), types))
}

/// What is wrong with a folding that `stage` does not have.
fn illegal(stage: &Unfolded, name: &str, folding: Folding) -> Diagnostic {
    let known = stage.unit.foldings();
    let all = |of: fn(&Folding) -> usize| {
        let mut all: Vec<usize> = known.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
    };
    let window = if folding.parallel_window { ", parallel_window 1" } else { "" };
    let found = format!("{name} with PE {}, SIMD {}{window}", folding.pe, folding.simd);
    let rule = stage.unit.kind().folding;
    let needed = format!("{rule}: PE of {}; SIMD of {}", all(|one| one.pe), all(|one| one.simd));
    wrong(stage.at.clone(), found, needed)
}

/// What is wrong if stage `index` does not run in step with the sliding window before it.
fn out_of_step(
    before: &[Folding],
    stages: &[Unfolded],
    index: usize,
    name: &str,
    folding: Folding,
) -> Option<Diagnostic> {
    let window = index.checked_sub(1)?;
    match &stages[window].unit {
        Unit::ConvolutionInputGenerator(unit) if unit.depthwise => {}
        _ => return None,
    }
    let needed = ConvolutionInputGenerator::before(folding);
    let own = Folding { memory: needed.memory, ..before[window] };
    (own != needed).then(|| {
        let needs = format!(
            "SIMD {} and parallel_window {} there, as its stage has PE {} and SIMD {}",
            needed.simd,
            u8::from(needed.parallel_window),
            folding.pe,
            folding.simd
        );
        let found = format!(
            "SIMD {} and parallel_window {} of the window before {name}",
            own.simd,
            u8::from(own.parallel_window)
        );
        wrong(stages[window].at.clone(), found, needs)
    })
}

//! Graphs as text: one value or node a line, everything that parsing needs to build an equal graph.
//!
//! ```text
//! graph "mlp" quantized
//! file 3 "MatMul" "MatMul_0"
//! input %0 "x": float[1,4]
//! state %2 "past": codes[4,2]{...} fill 0
//! const %1 "w": codes[2,4]{"int":"int8n",...} = [1,-3,...]
//! %3 "h": acc[1,2]{...} = dense(%0, %1) "fc1" {} from [3]
//! output %3 as "y" {"elem":"float32"}
//! ```
//!
//! `{:#}` shortens constants of more than 16 elements to their number and a checksum, for reading.

use std::fmt::{Display, Formatter, Result, Write};

use serde_json::{Value as Json, json};

use super::{Constant, FileNode, FileOutput, Graph, Node, Outside, Type, Value, ValueId};

/// Constants up to this many elements are always printed whole.
const SHORT_ELEMS: usize = 16;

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let memory = self.memory.map(|memory| format!(" {}", json!(memory))).unwrap_or_default();
        let outside = match self.outside {
            none if none == Outside::default() => String::new(),
            outside => format!(" outside {}", json!(outside)),
        };
        writeln!(f, "graph {} {}{memory}{outside}", Json::from(self.name.as_str()), self.level.name())?;
        for (id, FileNode { name, op, within }) in &self.file {
            write!(f, "file {} {} {}", json!(id), Json::from(op.as_str()), Json::from(name.as_str()))?;
            if let Some(within) = within {
                write!(f, " in {}", json!(within))?;
            }
            writeln!(f)?;
        }
        for id in &self.inputs {
            writeln!(f, "input {}", declaration(*id, self.value(*id)))?;
        }
        for state in &self.states {
            let (id, fill) = (state.value, state.fill);
            writeln!(f, "state {} fill {fill}", declaration(id, self.value(id)))?;
        }
        for (index, value) in self.values.iter().enumerate() {
            if let Some(constant) = &value.constant {
                write!(f, "const {} = ", declaration(ValueId::new(index), value))?;
                print_constant(constant, f)?;
                writeln!(f)?;
            }
        }
        for node in &self.nodes {
            write!(f, "{} = ", declaration(node.output, self.value(node.output)))?;
            print_node(node, f)?;
            writeln!(f)?;
        }
        for (position, id) in self.outputs.iter().enumerate() {
            write!(f, "output {id}")?;
            if let Some(FileOutput { name, tensor }) = self.results.get(position) {
                write!(f, " as {} {}", Json::from(name.as_str()), json!(tensor))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Display for ValueId {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "%{}", self.index())
    }
}

/// `%3 "name": type[shape]{details} as {tensor} of [sources] @offset+size`.
fn declaration(id: ValueId, value: &Value) -> String {
    let (name, details) = match &value.ty {
        Type::Float => ("float", None),
        Type::Shape => ("shape", None),
        Type::Codes(codes) => ("codes", Some(json!(codes))),
        Type::Accumulators { meaning, bounds } => {
            let bounds: Vec<[i64; 2]> = bounds.iter().map(|range| [range.lo, range.hi]).collect();
            ("acc", Some(json!({ "meaning": meaning, "bounds": bounds })))
        }
    };
    let mut text = format!("{id} {}: {name}{}", Json::from(value.name.as_str()), json!(value.shape));
    if let Some(details) = details {
        let _ = write!(text, "{details}");
    }
    if let Some(tensor) = &value.tensor {
        let _ = write!(text, " as {}", json!(tensor));
    }
    if !value.sources.is_empty() {
        let _ = write!(text, " of {}", json!(value.sources));
    }
    if let Some(place) = value.placement {
        let _ = write!(text, " @{}+{}", place.offset_bytes, place.size_bytes);
    }
    text
}

fn print_node(node: &Node, f: &mut Formatter<'_>) -> Result {
    let mut attributes = json!(node.op);
    if let Json::Object(object) = &mut attributes {
        object.shift_remove("op");
    }
    let inputs: Vec<String> = node.inputs.iter().map(ValueId::to_string).collect();
    write!(f, "{}({}) {} {attributes}", node.op.name(), inputs.join(", "), Json::from(node.name.as_str()))?;
    if !node.origin.is_empty() {
        write!(f, " from {}", json!(node.origin))?;
    }
    if let Some(packing) = node.packing {
        write!(f, " packed {}", json!(packing.name()))?;
    }
    node.scratch.map_or(Ok(()), |place| write!(f, " in @{}+{}", place.offset_bytes, place.size_bytes))
}

fn print_constant(constant: &Constant, f: &mut Formatter<'_>) -> Result {
    match constant {
        // `{:?}` of a float is its shortest exact form and covers NaN and infinities.
        Constant::Float(values) => print_list(values, f),
        Constant::Codes(values) => print_list(values, f),
        Constant::Shape(values) => print_list(values, f),
    }
}

fn print_list<T: std::fmt::Debug>(values: &[T], f: &mut Formatter<'_>) -> Result {
    let mut text = String::from("[");
    for (i, value) in values.iter().enumerate() {
        let _ = write!(text, "{}{value:?}", if i > 0 { "," } else { "" });
    }
    text.push(']');
    if f.alternate() && values.len() > SHORT_ELEMS {
        let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(text.as_bytes());
        return write!(f, "<{} elems, crc32 {checksum:08x}>", values.len());
    }
    f.write_str(&text)
}

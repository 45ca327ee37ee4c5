//! Models as readable text, one node per line with typed values.
//!
//! For `exactum inspect`, for reviews and for golden files. Constants of up to eight elements stand where they are
//! used; larger ones have a line of their own with shape and CRC-32. Documentation and metadata are left out.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::model::{
    Attribute, AttributeValue, Dim, ElemType, Graph, Model, Node, Tensor, TensorData, ValueInfo, domain_name,
};
use crate::ops;
use crate::write::le_bytes;

/// Most elements a constant may have to be printed in full.
const INLINE_ELEMS: usize = 8;
/// Indentation of one level.
const INDENT: usize = 2;
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

impl Display for Model {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "model ir {}", self.ir_version)?;
        if !self.producer.is_empty() {
            write!(f, " by {:?}", format!("{} {}", self.producer, self.producer_version).trim_end())?;
        }
        writeln!(f)?;
        for opset in &self.opsets {
            writeln!(f, "opset {} {}", domain_name(&opset.domain), opset.version)?;
        }
        self.graph.fmt(f)
    }
}

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_graph(f, self, None, 0)
    }
}

impl Display for Node {
    /// The node alone: names of values without types, constants by name.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let graph = Graph::default();
        write_node(f, self, &Scope::new(&graph, None), 0)
    }
}

impl Display for ValueInfo {
    /// `x: float32[1, batch, ?]`; `float32[...]` if the rank is unknown.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Name(&self.name).fmt(f)?;
        write_type(f, self)
    }
}

impl Graph {
    /// Node `index` as text, marked by `>`, between the nodes that make its operands and those that read its results.
    ///
    /// At most `neighbours` of each are shown; of others their number.
    pub fn excerpt(&self, index: usize, neighbours: usize) -> Vec<String> {
        let Some(node) = self.nodes.get(index) else { return vec![] };
        let scope = Scope::new(self, None);
        let shown = |node: &Node| Shown { node, scope: &scope }.to_string();
        let made =
            |other: &&Node| other.outputs.iter().any(|name| !name.is_empty() && node.inputs.contains(name));
        let read =
            |other: &&Node| other.inputs.iter().any(|name| !name.is_empty() && node.outputs.contains(name));
        let list = |nodes: Vec<&Node>, what: &str| {
            let mut lines: Vec<String> =
                nodes.iter().take(neighbours).map(|node| format!("  {}", shown(node))).collect();
            if nodes.len() > neighbours {
                lines.push(format!("  ({} more {what})", nodes.len() - neighbours));
            }
            lines
        };
        let mut lines = list(self.nodes.iter().filter(made).collect(), "operands");
        lines.push(format!("> {}", shown(node)));
        lines.extend(list(self.nodes.iter().filter(read).collect(), "readers"));
        lines
    }
}

/// A node on one line.
struct Shown<'a> {
    node: &'a Node,
    scope: &'a Scope<'a>,
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_line(f, self.node, self.scope)
    }
}

impl Display for Dim {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(size) => size.fmt(f),
            Self::Symbol(symbol) => Name(symbol).fmt(f),
            Self::Unknown => f.write_str("?"),
        }
    }
}

impl Display for Tensor {
    /// `float32[2]{0.5, 1.0}` if small, else `float32[64, 64] crc 0123abcd`. The name is not part of it.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.elem(), self.shape)?;
        if is_small(self) {
            return write_elements(f, &self.data);
        }
        let digest = match &self.data {
            TensorData::Strings(values) => CRC.checksum(&values.join(&0)),
            data => CRC.checksum(&le_bytes(data)),
        };
        write!(f, " crc {digest:08x}")
    }
}

/// A name as it is, or quoted if it holds characters the text needs or cannot show, or looks like a constant.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.0;
        let plain = name.chars().all(|c| c.is_alphanumeric() || "_./:-".contains(c));
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let constant = name.parse::<f32>().is_ok() && !digits;
        if plain && !constant && !name.is_empty() { f.write_str(name) } else { write!(f, "{name:?}") }
    }
}

/// Names visible in a graph: its own, then those of the graphs around it.
struct Scope<'a> {
    constants: BTreeMap<&'a str, &'a Tensor>,
    values: BTreeMap<&'a str, &'a ValueInfo>,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    fn new(graph: &'a Graph, outer: Option<&'a Scope<'a>>) -> Self {
        let values = [&graph.value_info, &graph.outputs, &graph.inputs].into_iter().flatten();
        Self {
            constants: graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            values: values.map(|value| (value.name.as_str(), value)).collect(),
            outer,
        }
    }

    fn constant(&self, name: &str) -> Option<&'a Tensor> {
        let own = self.constants.get(name).copied();
        own.or_else(|| self.outer.and_then(|outer| outer.constant(name)))
    }
}

fn write_graph(
    f: &mut Formatter<'_>,
    graph: &Graph,
    outer: Option<&Scope<'_>>,
    indent: usize,
) -> fmt::Result {
    let scope = Scope::new(graph, outer);
    write!(f, "{:indent$}graph {}", "", Name(&graph.name))?;
    let indent = indent + INDENT;
    for input in graph.real_inputs() {
        write!(f, "\n{:indent$}input {input}", "")?;
    }
    for tensor in graph.initializers.iter().filter(|tensor| !is_small(tensor)) {
        write!(f, "\n{:indent$}constant {}: {tensor}", "", Name(&tensor.name))?;
    }
    for node in &graph.nodes {
        write!(f, "\n{:indent$}", "")?;
        write_node(f, node, &scope, indent)?;
    }
    for annotation in &graph.annotations {
        for (key, value) in &annotation.entries {
            write!(f, "\n{:indent$}annotation {}: {} = {value:?}", "", Name(&annotation.value), Name(key))?;
        }
    }
    for output in &graph.outputs {
        write!(f, "\n{:indent$}output {output}", "")?;
    }
    Ok(())
}

/// The node on a line, then subgraphs on lines of their own.
fn write_node(f: &mut Formatter<'_>, node: &Node, scope: &Scope<'_>, indent: usize) -> fmt::Result {
    write_line(f, node, scope)?;
    for attribute in &node.attributes {
        if let AttributeValue::Graph(body) = &attribute.value {
            writeln!(f)?;
            write_graph(f, body, Some(scope), indent + INDENT)?;
        }
    }
    Ok(())
}

/// `y: float32[1, 4] = Conv(x, w) {group = 1} # name`.
fn write_line(f: &mut Formatter<'_>, node: &Node, scope: &Scope<'_>) -> fmt::Result {
    for (index, output) in node.outputs.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        match scope.values.get(output.as_str()) {
            Some(value) => value.fmt(f)?,
            None => Name(output).fmt(f)?,
        }
    }
    f.write_str(" = ")?;
    if node.domain != ops::home_domain(&node.op_type) {
        write!(f, "{}:", Name(domain_name(&node.domain)))?;
    }
    write!(f, "{}(", Name(&node.op_type))?;
    for (index, input) in node.inputs.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        match scope.constant(input).filter(|tensor| is_small(tensor)) {
            Some(tensor) => write_inline(f, tensor)?,
            None => Name(input).fmt(f)?,
        }
    }
    f.write_str(")")?;
    if !node.attributes.is_empty() {
        f.write_str(" {")?;
        for (index, Attribute { name, value }) in node.attributes.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            write!(f, "{} = ", Name(name))?;
            match value {
                AttributeValue::Int(value) => value.fmt(f)?,
                AttributeValue::Float(value) => write!(f, "{value:?}")?,
                AttributeValue::String(value) => write!(f, "{value:?}")?,
                AttributeValue::Tensor(tensor) => tensor.fmt(f)?,
                AttributeValue::Graph(body) => write!(f, "graph {}", Name(&body.name))?,
                AttributeValue::Ints(values) => write!(f, "{values:?}")?,
                AttributeValue::Floats(values) => write!(f, "{values:?}")?,
                AttributeValue::Strings(values) => write!(f, "{values:?}")?,
            }
        }
        f.write_str("}")?;
    }
    if !node.name.is_empty() {
        write!(f, " # {}", Name(&node.name))?;
    }
    Ok(())
}

/// A float scalar as its number alone, as scales and bit widths are; other constants with type and shape.
fn write_inline(f: &mut Formatter<'_>, tensor: &Tensor) -> fmt::Result {
    match &tensor.data {
        TensorData::F32(values) if tensor.shape.is_empty() && values.len() == 1 => {
            write!(f, "{:?}", values[0])
        }
        _ => tensor.fmt(f),
    }
}

fn write_elements(f: &mut Formatter<'_>, data: &TensorData) -> fmt::Result {
    macro_rules! list {
        ($values:expr) => {{
            let texts: Vec<String> = $values.iter().map(|value| format!("{value:?}")).collect();
            write!(f, "{{{}}}", texts.join(", "))
        }};
    }
    match data {
        TensorData::F32(values) => list!(values),
        TensorData::F64(values) => list!(values),
        TensorData::I8(values) => list!(values),
        TensorData::U8(values) => list!(values),
        TensorData::I16(values) => list!(values),
        TensorData::U16(values) => list!(values),
        TensorData::I32(values) => list!(values),
        TensorData::U32(values) => list!(values),
        TensorData::I64(values) => list!(values),
        TensorData::U64(values) => list!(values),
        TensorData::Bool(values) => list!(values),
        TensorData::Strings(values) => {
            let texts: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
            list!(texts)
        }
        TensorData::Opaque { bytes, .. } => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            write!(f, "{{bytes {}}}", digits.join(" "))
        }
    }
}

fn is_small(tensor: &Tensor) -> bool {
    tensor.len_elems().is_some_and(|elems| elems <= INLINE_ELEMS)
}

fn write_type(f: &mut Formatter<'_>, value: &ValueInfo) -> fmt::Result {
    match &value.shape {
        None if value.elem == ElemType::Undefined => Ok(()),
        None => write!(f, ": {}[...]", value.elem),
        Some(dims) => {
            let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
            write!(f, ": {}[{}]", value.elem, dims.join(", "))
        }
    }
}

//! Reads the text that `print` writes. Used by golden files, by tests and by people who try passes by hand.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::Packing;
use serde_json::Value as Json;

use super::{
    Constant, FileNode, FileNodeId, FileOutput, Graph, Level, Meaning, Node, Op, Placement, State, Type,
    Value, ValueId,
};

/// The text is not a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: found {found:?}, needed {needed}")]
pub struct ParseError {
    /// 1-based.
    pub line: usize,
    /// Rest of the line where reading stopped.
    pub found: String,
    /// What would have been read.
    pub needed: String,
}

/// Rest of one line.
struct Cursor<'a> {
    rest: &'a str,
    line: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Cursor<'a> {
    fn fail<T>(&self, needed: impl Into<String>) -> Parsed<T> {
        let found = self.rest.chars().take(60).collect();
        Err(ParseError { line: self.line, found, needed: needed.into() })
    }

    /// Takes `text` if the rest starts with it.
    fn eat(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) { Ok(()) } else { self.fail(format!("`{text}`")) }
    }

    /// The longest prefix of characters that `accept`.
    fn take(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.take(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn number<T: std::str::FromStr>(&mut self) -> Parsed<T> {
        let start = self.rest;
        match self.take(|c| c.is_ascii_digit()).parse() {
            Ok(number) => Ok(number),
            Err(_) => {
                self.rest = start;
                self.fail("a number")
            }
        }
    }

    /// The JSON value at the front.
    fn json<T: serde::de::DeserializeOwned>(&mut self, needed: &str) -> Parsed<T> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.rest = &self.rest[values.byte_offset()..];
                Ok(value)
            }
            Some(Err(error)) => self.fail(format!("{needed}: {error}")),
            None => self.fail(needed),
        }
    }

    fn id(&mut self) -> Parsed<ValueId> {
        self.expect("%")?;
        let index: u32 = self.number()?;
        Ok(ValueId::new(index as usize))
    }

    fn end(&self) -> Parsed<()> {
        if self.rest.trim().is_empty() { Ok(()) } else { self.fail("the end of the line") }
    }
}

impl std::str::FromStr for Graph {
    type Err = ParseError;

    fn from_str(text: &str) -> Parsed<Self> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with("//")
        });
        let (line, rest) = lines.next().map_or((1, ""), |(index, line)| (index + 1, line));
        let mut cursor = Cursor { rest, line };
        cursor.expect("graph")?;
        let name: String = cursor.json("a name in quotes")?;
        let level = cursor.word();
        let Some(level) = Level::ALL.into_iter().find(|known| known.name() == level) else {
            return cursor.fail("a level: imported, quantized, integer or scheduled");
        };
        let mut graph = Self::new(name, level);
        if cursor.rest.trim_start().starts_with('{') {
            graph.memory = Some(cursor.json("what is known of the arena")?);
        }
        if cursor.eat("outside ") {
            graph.outside = cursor.json("which ports lie outside the arena")?;
        }
        cursor.end()?;
        let mut reader = Reader { graph, values: vec![] };
        for (index, rest) in lines {
            reader.line(&mut Cursor { rest, line: index + 1 })?;
        }
        reader.finish(line)
    }
}

/// A graph under construction; values may come in any order.
struct Reader {
    graph: Graph,
    values: Vec<(ValueId, Value)>,
}

impl Reader {
    fn line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        if cursor.eat("file ") {
            let id: FileNodeId = cursor.json("the number of a node")?;
            let op = cursor.json("an operator in quotes")?;
            let name = cursor.json("a name in quotes")?;
            let within = if cursor.eat("in ") { Some(cursor.json("the number of a node")?) } else { None };
            self.graph.file.insert(id, FileNode { name, op, within });
        } else if cursor.eat("input ") {
            let (id, value) = declaration(cursor)?;
            self.graph.inputs.push(id);
            self.values.push((id, value));
        } else if cursor.eat("state ") {
            let (id, value) = declaration(cursor)?;
            cursor.expect("fill ")?;
            self.graph.states.push(State { value: id, fill: cursor.json("a code")? });
            self.values.push((id, value));
        } else if cursor.eat("const ") {
            let (id, mut value) = declaration(cursor)?;
            cursor.expect("=")?;
            value.constant = Some(constant(cursor, &value.ty)?);
            self.values.push((id, value));
        } else if cursor.eat("output ") {
            let id = cursor.id()?;
            self.graph.outputs.push(id);
            if cursor.eat("as ") {
                let name = cursor.json("a name in quotes")?;
                let tensor = cursor.json("the type of a tensor")?;
                self.graph.results.push(FileOutput { name, tensor });
            }
        } else {
            let (id, value) = declaration(cursor)?;
            cursor.expect("=")?;
            self.graph.nodes.push(node(cursor, id)?);
            self.values.push((id, value));
        }
        cursor.end()
    }

    fn finish(mut self, line: usize) -> Parsed<Graph> {
        self.values.sort_by_key(|(id, _)| *id);
        let dense = self.values.iter().enumerate().all(|(index, (id, _))| id.index() == index);
        let count = self.values.len();
        let used = self.graph.nodes.iter().flat_map(|node| &node.inputs).chain(&self.graph.outputs);
        if !dense || used.into_iter().any(|id| id.index() >= count) {
            let found = format!("{count} values");
            let needed = "each of %0, %1, ... declared exactly once and no others used".to_owned();
            return Err(ParseError { line, found, needed });
        }
        self.graph.values = self.values.into_iter().map(|(_, value)| value).collect();
        Ok(self.graph)
    }
}

fn declaration(cursor: &mut Cursor<'_>) -> Parsed<(ValueId, Value)> {
    let id = cursor.id()?;
    let name: String = cursor.json("a name in quotes")?;
    cursor.expect(":")?;
    let kind = cursor.word();
    let shape = cursor.json("a shape such as [1,8]")?;
    let ty = match kind {
        "float" => Type::Float,
        "shape" => Type::Shape,
        "codes" => Type::Codes(cursor.json("the details of codes")?),
        "acc" => {
            #[derive(serde::Deserialize)]
            struct Details {
                meaning: Option<Meaning>,
                bounds: Vec<[i64; 2]>,
            }
            let details: Details = cursor.json("the details of accumulators")?;
            let bounds = details.bounds.iter().map(|[lo, hi]| IntRange::new(*lo, *hi)).collect();
            let Some(bounds) = bounds else { return cursor.fail("bounds in ascending order") };
            Type::Accumulators { meaning: details.meaning, bounds }
        }
        _ => return cursor.fail("a type: float, shape, codes or acc"),
    };
    let mut value = Value::new(name, shape, ty);
    if cursor.eat("as ") {
        value.tensor = Some(cursor.json("the type of a tensor")?);
    }
    if cursor.eat("of ") {
        value.sources = cursor.json("a list of sources")?;
    }
    if cursor.eat("@") {
        value.placement = Some(place(cursor)?);
    }
    Ok((id, value))
}

/// `offset+size`.
fn place(cursor: &mut Cursor<'_>) -> Parsed<Placement> {
    let offset_bytes = cursor.number()?;
    cursor.expect("+")?;
    Ok(Placement { offset_bytes, size_bytes: cursor.number()? })
}

fn constant(cursor: &mut Cursor<'_>, ty: &Type) -> Parsed<Constant> {
    cursor.expect("[")?;
    let items = cursor.take(|c| c != ']');
    let constant = match ty {
        Type::Float => list(items).map(Constant::Float),
        Type::Shape => list(items).map(Constant::Shape),
        Type::Codes(_) => list(items).map(Constant::Codes),
        Type::Accumulators { .. } => None,
    };
    match constant {
        Some(constant) => cursor.expect("]").map(|()| constant),
        None => cursor.fail("a list of numbers of the declared type"),
    }
}

fn list<T: std::str::FromStr>(items: &str) -> Option<Vec<T>> {
    if items.trim().is_empty() {
        return Some(vec![]);
    }
    items.split(',').map(|item| item.trim().parse().ok()).collect()
}

fn node(cursor: &mut Cursor<'_>, output: ValueId) -> Parsed<Node> {
    let op = cursor.word();
    cursor.expect("(")?;
    let mut inputs = vec![];
    while !cursor.eat(")") {
        if !inputs.is_empty() {
            cursor.expect(",")?;
        }
        inputs.push(cursor.id()?);
    }
    let name: String = cursor.json("a name in quotes")?;
    let mut attributes: serde_json::Map<String, Json> = cursor.json("attributes in braces")?;
    attributes.insert("op".to_owned(), Json::from(op));
    let op: Op = match serde_json::from_value(Json::Object(attributes)) {
        Ok(op) => op,
        Err(error) => return cursor.fail(format!("an operator and its attributes: {error}")),
    };
    let origin = if cursor.eat("from ") { cursor.json("a list of nodes of the file")? } else { vec![] };
    let mut packing = None;
    if cursor.eat("packed ") {
        let name: String = cursor.json("the name of a packing")?;
        packing = Packing::ALL.into_iter().find(|packing| packing.name() == name);
        if packing.is_none() {
            return cursor.fail(format!("a packing: {}", Packing::ALL.map(Packing::name).join(", ")));
        }
    }
    let scratch = if cursor.eat("in @") { Some(place(cursor)?) } else { None };
    Ok(Node { name, origin, op, inputs, output, packing, scratch })
}

//! Inputs and outputs: what their codes stand for, as constants, and the methods that read and write them.

use std::fmt::Write;

use exactum_runtime::Program;
use exactum_runtime::program::{After, Axes, InputRule, Meaning, PortNumbers, Role, Tensor, TensorId};

use super::arrays::list;
use super::port_names;
use crate::interface::{Interface, Port};

/// One input or output.
struct Side<'p> {
    /// Its name in the module.
    name: String,
    port: &'p Port,
    id: TensorId,
    tensor: Tensor,
    meaning: Meaning<'p>,
    /// Of an input that takes real numbers.
    rule: Option<InputRule<'p>>,
}

/// All ports of a module.
pub(super) struct Ports<'p> {
    inputs: Vec<Side<'p>>,
    outputs: Vec<Side<'p>>,
}

impl<'p> Ports<'p> {
    pub(super) fn new(program: &Program<'p>, interface: &'p Interface) -> Self {
        let mut names = port_names(interface).into_iter();
        let mut side = |port, id, meaning, rule| Side {
            name: names.next().unwrap_or_default(),
            port,
            id,
            tensor: program.tensor(id).expect("loading has found it"),
            meaning,
            rule,
        };
        let inputs = interface.inputs.iter().zip(program.inputs()).enumerate();
        let inputs = inputs
            .map(|(index, (port, input))| side(port, TensorId(index as u16), input.meaning, input.quantizer))
            .collect();
        let outputs = interface.outputs.iter().zip(program.outputs());
        let outputs = outputs.map(|(port, output)| side(port, output.tensor, output.meaning, None)).collect();
        Self { inputs, outputs }
    }

    /// What a firmware may want to know of them.
    pub(super) fn constants(&self, text: &mut String) {
        for side in self.inputs.iter().chain(&self.outputs) {
            side.constants(text);
        }
    }

    /// The port of a tensor outside the arena, as parameters call it.
    pub(super) fn name_of(&self, tensor: &Tensor) -> &str {
        let mut sides = self.inputs.iter().chain(&self.outputs);
        sides.find(|side| side.outside() == super::ops::outside(tensor)).map_or("", |side| &side.name)
    }

    fn outside(&self) -> impl Iterator<Item = &Side<'p>> {
        self.inputs.iter().chain(&self.outputs).filter(|side| side.tensor.role.is_outside())
    }

    /// Parameters of the ports outside the arena, with references of `lifetime`.
    pub(super) fn outside_parameters(&self, lifetime: &str) -> String {
        self.outside().map(|side| format!(", {}: {}", side.name, side.buffer(lifetime))).collect()
    }

    /// Fields of the ports outside the arena.
    pub(super) fn fields(&self) -> String {
        let field = |side: &Side<'_>| {
            format!("    {}: {},\n", side.outside().unwrap_or_default(), side.buffer("'a "))
        };
        self.outside().map(field).collect()
    }

    /// What precedes a function of the ports outside and of `more`: clippy counts seven parameters as too many.
    pub(super) fn many(&self, more: usize) -> &'static str {
        if self.outside().count() + more > 6 { "#[allow(clippy::too_many_arguments)]\n    " } else { "" }
    }

    /// The method that starts a run in steps.
    pub(super) fn steps(&self) -> String {
        let outside: String = self
            .outside()
            .map(|side| format!(", {}: {}", side.outside().unwrap_or_default(), side.name))
            .collect();
        let parameters = self.outside_parameters("'a ");
        let (generic, own, steps) = match parameters.is_empty() {
            true => ("", "&mut self", "Steps<'_>"),
            false => ("<'a>", "&'a mut self", "Steps<'a>"),
        };
        format!(
            "\n    /// A run as `infer` does it, in steps of an op each: something else can be done between them, or the run be given up.\n    \
             {}pub fn steps{generic}({own}{parameters}) -> {steps} {{\n        \
                 Steps {{ model: self{outside}, next: 0 }}\n    }}\n",
            self.many(0)
        )
    }

    /// Methods that run the model on arrays.
    pub(super) fn runs(&self) -> String {
        let inside = self.outputs.iter().filter(|side| !side.tensor.role.is_outside());
        let (places, values): (Vec<_>, Vec<_>) = inside.map(Side::result).unzip();
        let [result, outputs] = [places, values].map(|parts| match parts.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", parts.join(", ")),
        });
        let result = if result == "()" { String::new() } else { format!(" -> {result}") };
        let outputs = if outputs == "()" { String::new() } else { format!("        {outputs}\n") };
        let taken: String = self
            .outside()
            .filter(|side| side.tensor.role == Role::OutsideOutput)
            .map(|side| format!(", {}: {}", side.name, side.buffer("")))
            .collect();
        let handed: Vec<&str> = self.outside().map(|side| side.name.as_str()).collect();
        let mut text = String::new();
        let mut method = |about: &str,
                          name: &str,
                          element: &dyn Fn(&Side<'_>) -> &'static str,
                          fill: &dyn Fn(&Side<'_>) -> String| {
            let parameters: String = self
                .inputs
                .iter()
                .map(|side| format!(", {}: &[{}; {}]", side.name, element(side), side.tensor.shape.elems()))
                .collect();
            let inside = self.inputs.iter().filter(|side| !side.tensor.role.is_outside());
            let fills: String = inside.map(|side| format!("        {};\n", fill(side))).collect();
            let own = self.inputs.iter().filter(|side| !side.tensor.role.is_outside()).count();
            write!(
                text,
                "\n    /// {about}\n    {}pub fn {name}(&mut self{parameters}{taken}){result} {{\n{fills}        \
                 self.infer({});\n{outputs}    }}\n",
                self.many(own),
                handed.join(", ")
            )
            .expect("strings can be written");
        };
        method("The outputs of these codes.", "run", &|side| side.tensor.element.name(), &|side| {
            format!("*self.{0}_mut() = *{0}", side.name)
        });
        let quantized = |side: &Side<'_>| side.rule.is_some() && !side.tensor.role.is_outside();
        if self.inputs.iter().all(quantized) {
            method("The outputs of these real numbers.", "run_f32", &|_| "f32", &|side| {
                format!("self.quantize_{0}({0})", side.name)
            });
        }
        text
    }

    /// Methods of each port.
    pub(super) fn accessors(&self) -> String {
        let mut text = String::new();
        for side in &self.inputs {
            let Side { name, port, id, tensor, .. } = side;
            let (element, elems) = (tensor.element.name(), tensor.shape.elems());
            let is_outside = tensor.role.is_outside();
            if !is_outside {
                write!(
                    text,
                    "\n    /// The codes of input {:?}, to be filled: each from {} to {}.{}\n    \
                     pub fn {name}_mut(&mut self) -> &mut [{element}; {elems}] {{\n        \
                         T{}::codes_mut(&mut self.arena)\n    }}\n",
                    port.name,
                    tensor.range.lo,
                    tensor.range.hi,
                    side.order(),
                    id.0
                )
                .expect("strings can be written");
            }
            if let Some(rule) = &side.rule {
                let index = if matches!(rule, InputRule::Uniform { .. }) { "" } else { "index, " };
                let unused = if index.is_empty() { "_" } else { "index" };
                let (fills, own, parameter, place) = match is_outside {
                    true => (
                        "Fills a buffer of",
                        "",
                        format!(", codes: &mut [{element}; {elems}]"),
                        "codes".to_owned(),
                    ),
                    false => ("Fills", "&mut self, ", String::new(), format!("self.{name}_mut()")),
                };
                write!(
                    text,
                    "\n    /// {fills} input {:?} with the codes of real numbers, by integers alone.{}\n    \
                     pub fn quantize_{name}({own}values: &[f32; {elems}]{parameter}) {{\n        \
                         rt::quantize(values, {place}, |{unused}, value| {}_QUANTIZER.quantize({index}value));\n    }}\n",
                    port.name,
                    side.order(),
                    name.to_uppercase()
                )
                .expect("strings can be written");
            }
        }
        let inside = self.outputs.iter().filter(|side| !side.tensor.role.is_outside());
        for Side { name, port, id, tensor, .. } in inside {
            let (element, elems) = (tensor.element.name(), tensor.shape.elems());
            write!(
                text,
                "\n    /// Output {:?} of the last run.\n    \
                 pub fn {name}(&self) -> &[{element}; {elems}] {{\n        T{}::codes(&self.arena)\n    }}\n",
                port.name, id.0
            )
            .expect("strings can be written");
        }
        text
    }
}

impl Side<'_> {
    /// What it is called in the functions of ops, if it lies outside the arena.
    fn outside(&self) -> Option<String> {
        super::ops::outside(&self.tensor)
    }

    /// The type of its buffer outside the arena.
    fn buffer(&self, lifetime: &str) -> String {
        let mutable = if self.tensor.role == Role::OutsideOutput { "mut " } else { "" };
        format!("&{lifetime}{mutable}[{}; {}]", self.tensor.element.name(), self.tensor.shape.elems())
    }

    /// What a caller has to know of the order of elements.
    const fn order(&self) -> &'static str {
        match self.meaning.axes {
            Axes::OfFile => "",
            Axes::ChannelsLast => " Channels are last, behind the axes that follow them in the model's file.",
        }
    }

    /// The type of an output, and its value.
    fn result(&self) -> (String, String) {
        let element = self.tensor.element.name();
        (format!("&[{element}; {}]", self.tensor.shape.elems()), format!("self.{}()", self.name))
    }

    fn constants(&self, text: &mut String) {
        let (prefix, port) = (self.name.to_uppercase(), self.port);
        let of = format!("{:?}", port.name);
        let mut constant = |about: &str, name: &str, ty: &str, value: &str| {
            write!(
                text,
                "\n/// {about} {of}.\n#[allow(dead_code, clippy::approx_constant, clippy::excessive_precision)]\n\
                 pub const {prefix}_{name}: {ty} = {value};\n"
            )
            .expect("strings can be written");
        };
        constant("Name in the model's file:", "NAME", "&str", &of);
        let shape = port.program_shape();
        let about = "Elements along each axis of one sample of";
        constant(about, "SHAPE", &format!("[usize; {}]", shape.len()), &format!("{shape:?}"));
        constant("Elements of one sample of", "ELEMS", "usize", &self.tensor.shape.elems().to_string());
        if port.stored_less != 0 {
            let about = "What the memory holds is each integer of the model less this:";
            constant(about, "STORED_LESS", "i32", &port.stored_less.to_string());
        }
        let reals = |values: &[f64]| match values {
            [value] => ("f64".to_owned(), format!("{value:?}")),
            values => (format!("[f64; {}]", values.len()), list(values)),
        };
        let (ty, scale) = reals(&port.scale);
        constant("Real value of one unit, `(code - zero point) * scale + offset`, of", "SCALE", &ty, &scale);
        let zero_point = (port.zero_point - port.stored_less).to_string();
        constant("Code of the real value 0, before the offset, of", "ZERO_POINT", "i64", &zero_point);
        if !port.offset.is_empty() {
            let (ty, offset) = reals(&port.offset);
            constant("Real value added to each number of", "OFFSET", &ty, &offset);
        }
        if let Some(numbers) = &self.meaning.numbers {
            let about = "The real numbers that codes stand for, by integers alone, of";
            constant(about, "NUMBERS", "rt::PortNumbers<'static>", &line(numbers));
        }
        if self.meaning.after != After::Nothing {
            let after = format!("rt::After::{:?}", self.meaning.after);
            constant("What the model does with the real numbers of", "AFTER", "rt::After", &after);
        }
        if !self.meaning.labels.is_empty() {
            let labels: Vec<&str> = self.meaning.labels.iter().collect();
            constant(
                "Names of the classes of",
                "LABELS",
                &format!("[&str; {}]", labels.len()),
                &list(&labels),
            );
        }
        if let Some(rule) = &self.rule {
            let (ty, value) = self.quantizer(rule);
            constant("From real numbers to codes of", "QUANTIZER", ty, &value);
        }
    }

    /// Type and value of a quantizer.
    fn quantizer(&self, rule: &InputRule<'_>) -> (&'static str, String) {
        let range = format!("rt::IntRange {{ lo: {}, hi: {} }}", self.tensor.range.lo, self.tensor.range.hi);
        match rule {
            InputRule::Uniform { scale, zero_point, ties_to_odd } => {
                let odd = if *ties_to_odd { ".with_ties_to_odd()" } else { "" };
                let value = format!(
                    "match rt::InputQuantizer::new(f32::from_bits(0x{:x}), {zero_point}, {range}) {{\n    \
                     Some(quantizer) => quantizer{odd},\n    None => panic!(),\n}}",
                    scale.to_bits()
                );
                ("rt::InputQuantizer", value)
            }
            InputRule::Thresholds { thresholds, channels, inner, falling, nan } => {
                let value = format!(
                    "rt::ThresholdQuantizer {{\n    thresholds: &{},\n    channels: {channels},\n    inner: {inner},\n    \
                     falling: {falling},\n    nan: {nan},\n    range: {range},\n}}",
                    list(thresholds)
                );
                ("rt::ThresholdQuantizer<'static>", value)
            }
        }
    }
}

fn line(numbers: &PortNumbers<'_>) -> String {
    let PortNumbers { multipliers, offsets, unit, channels, inner, exact } = numbers;
    format!(
        "rt::PortNumbers {{\n    multipliers: &{},\n    offsets: &{},\n    \
         unit: rt::Unit {{ mantissa: {}, exponent: {} }},\n    channels: {channels},\n    inner: {inner},\n    \
         exact: {exact},\n}}",
        list(multipliers),
        list(offsets),
        unit.mantissa,
        unit.exponent
    )
}

//! Checks the contents of a container against each other and against the program.
//!
//! The digest already excludes accidents; this excludes files that were made wrongly, so that the commands which
//! read containers can rely on every field.

use std::fmt::Display;

use exactum_qonnx::ElemType;
use exactum_runtime::Program;
use exactum_runtime::num::{IntRange, IntType};
use exactum_runtime::program::{Axes, InputRule, Tensor, TensorId};

use super::{curve, malformed, wire};
use crate::diagnostic::{Diagnostic, Location, Report, Result};
use crate::exact::text::elem_named;
use crate::graph::{ChannelMap, TensorType};
use crate::interface::{Function, Interface, Port};

/// Length of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Checks `contents`, whose image is `program`, and returns the interface.
pub(super) fn interface(contents: &wire::Contents, program: &Program<'_>) -> Result<Interface> {
    let mut checker = Checker { program, problems: vec![] };
    let inputs: Vec<TensorId> = (0..program.inputs().len()).map(|index| TensorId(index as u16)).collect();
    let outputs: Vec<TensorId> = program.outputs().map(|output| output.tensor).collect();
    let interface = Interface {
        given: contents.inputs.iter().map(|port| port.input as usize).collect(),
        inputs: checker.ports("input", &contents.inputs, &inputs),
        input_names: contents.input_names.clone(),
        outputs: checker.ports("output", &contents.outputs, &outputs),
    };
    checker.input_names(&interface);
    checker.input_quantizers(&interface);
    checker.orders(&interface);
    checker.ops(&contents.ops);
    for layer in &contents.layers {
        checker.layer(layer);
    }
    let digest_bytes = contents.source.as_ref().map_or(0, |source| source.sha256.len());
    checker.require(
        digest_bytes == DIGEST_BYTES,
        "source digest",
        digest_bytes,
        format!("{DIGEST_BYTES} bytes"),
    );
    let arena_bytes = contents.memory.map_or(0, |memory| memory.arena_bytes);
    let needed = u64::from(program.arena_bytes());
    checker.require(
        arena_bytes == needed,
        "memory plan",
        arena_bytes,
        format!("{needed}, the program's arena"),
    );
    Report::check(checker.problems, interface)
}

struct Checker<'a> {
    program: &'a Program<'a>,
    problems: Vec<Diagnostic>,
}

impl Checker<'_> {
    /// Notes a problem with `part` if `holds` is false.
    fn require(&mut self, holds: bool, part: &str, found: impl Display, needed: impl Into<String>) {
        if !holds {
            self.problems.push(malformed(Location::part(part), found.to_string(), needed));
        }
    }

    fn ports(&mut self, what: &str, ports: &[wire::Port], tensors: &[TensorId]) -> Vec<Port> {
        self.require(
            ports.len() == tensors.len(),
            &format!("{what}s"),
            ports.len(),
            tensors.len().to_string(),
        );
        let tensors = tensors.iter().filter_map(|id| self.program.tensor(*id)).collect::<Vec<_>>();
        let pairs = ports.iter().zip(&tensors);
        pairs
            .filter_map(|(port, tensor)| {
                self.port(&format!("{what} `{}`", port.name), what == "output", port, tensor)
            })
            .collect()
    }

    fn port(&mut self, part: &str, output: bool, port: &wire::Port, tensor: &Tensor) -> Option<Port> {
        let before = self.problems.len();
        let shape: Option<Vec<usize>> = port.shape.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let shape = shape.unwrap_or_default();
        let elems = shape.iter().try_fold(1usize, |elems, dim| elems.checked_mul(*dim));
        let needed = tensor.shape.elems() as usize;
        let found = format!("shape {:?}", port.shape);
        self.require(elems == Some(needed) && !shape.is_empty(), part, found, format!("{needed} elements"));
        let int: Option<IntType> = port.r#type.parse().ok();
        let less = port.stored_less;
        let moved = |end: i64| end.checked_add(less);
        let range = moved(tensor.range.lo).zip(moved(tensor.range.hi)).map(|(lo, hi)| IntRange { lo, hi });
        let holds = int.zip(range).is_some_and(|(int, range)| int.range().contains_range(range));
        self.require(
            holds,
            part,
            format!("type {:?}", port.r#type),
            format!("a type that holds {} and {less}", tensor.range),
        );
        let kind = if int == Some(IntType::INT32) {
            wire::port::Kind::Accumulators
        } else {
            wire::port::Kind::Codes
        };
        self.require(
            port.kind() == kind,
            part,
            format!("{:?}", port.kind()),
            format!("{kind:?}, as the type says"),
        );
        let axis = port.axis as usize;
        let map = channel_map(port, needed);
        let needed = "digits of channels that fit the shape";
        self.require(map.is_some(), part, format!("digits {:?}", port.channel_digits), needed);
        let map = map.flatten();
        let channels = match &map {
            Some(map) => map.order.iter().max().map_or(map.numbers(), |most| *most as usize + 1),
            None => shape.get(axis).copied().unwrap_or(1),
        };
        let counts = |len: usize, optional: bool| len == 1 || len == channels || (optional && len == 0);
        // What the model does after an output's integers can turn their sign around, or be the same for all.
        let usable = port.scale.iter().all(|scale| scale.is_finite() && (output || *scale > 0.0));
        let holds = counts(port.scale.len(), false) && usable;
        let kind = if output { "finite" } else { "positive" };
        let needed = format!("1 or {channels} {kind} scales");
        self.require(holds, part, format!("scales {:?}", port.scale), needed);
        let holds = counts(port.offset.len(), true) && port.offset.iter().all(|offset| offset.is_finite());
        self.require(
            holds,
            part,
            format!("offsets {:?}", port.offset),
            format!("0, 1 or {channels} finite offsets"),
        );
        let holds = i32::try_from(port.zero_point).is_ok();
        self.require(holds, part, format!("zero point {}", port.zero_point), "a 32-bit integer");
        let read = |function| curve::read(function, shape.len(), channels);
        let functions: Result<Vec<Function>, String> = port.functions.iter().map(read).collect();
        if let Err(problem) = &functions {
            let (found, needed) = (problem, "functions that docs/arithmetic.md defines, of its channels");
            self.require(false, part, format!("a function with {found}"), needed);
        }
        let file = self.file_type(part, port, &shape);
        if self.problems.len() > before {
            return None;
        }
        let port = Port {
            name: port.name.clone(),
            shape,
            int: int?,
            range: IntRange { lo: tensor.range.lo + less, hi: tensor.range.hi + less },
            stored_less: less,
            zero_point: port.zero_point,
            scale: port.scale.clone(),
            offset: port.offset.clone(),
            axis,
            channels: map,
            functions: functions.ok()?,
            preprocessed: port.preprocessed,
            tensor: file?,
        };
        Some(port)
    }

    /// Inputs belong to inputs of the file, whose names they have.
    fn input_names(&mut self, interface: &Interface) {
        let Interface { inputs, given, input_names, .. } = interface;
        for (port, input) in inputs.iter().zip(given) {
            let part = format!("input `{}`", port.name);
            let name = input_names.get(*input).map_or("", String::as_str);
            let found = format!("input {input} of the file, which is `{name}`");
            self.require(input_names.get(*input) == Some(&port.name), &part, found, "the one of that name");
            let first = interface.first_given(*input).and_then(|first| inputs.get(first)).unwrap_or(port);
            let (found, needed) = (format!("shape {:?}", port.shape), format!("{:?}", first.shape));
            self.require(port.shape == first.shape, &part, found, needed);
        }
    }

    /// What the file holds in the place of `port`, of `shape`.
    fn file_type(&mut self, part: &str, port: &wire::Port, shape: &[usize]) -> Option<TensorType> {
        let elem = match port.file_type.as_str() {
            "" => Some(ElemType::F32),
            name => elem_named(name),
        };
        let needed = "an element type of ONNX";
        self.require(elem.is_some(), part, format!("type {:?} in the file", port.file_type), needed);
        let axis = port.file_axis.map(|axis| axis as usize);
        let channels = axis.map_or(1, |axis| shape.get(axis).copied().unwrap_or(0));
        let usable = port.file_scale.iter().all(|scale| scale.is_finite() && *scale > 0.0);
        let reals = port.file_scale.is_empty() && axis.is_none();
        let counts = port.file_zero_point.len() == port.file_scale.len();
        let holds = usable && counts && (reals || port.file_scale.len() == channels);
        let found =
            format!("{:?} and {:?} in the file along {axis:?}", port.file_scale, port.file_zero_point);
        self.require(holds, part, found, "positive finite scales and zero points, as many as channels");
        let (scale, zero_point) = (port.file_scale.clone(), port.file_zero_point.clone());
        Some(TensorType { elem: elem?, scale, zero_point, axis, channels_last: port.channels_last })
    }

    /// The order of axes is the program's own.
    fn orders(&mut self, interface: &Interface) {
        let inputs = self.program.inputs().map(|input| input.meaning.axes).zip(&interface.inputs);
        let outputs = self.program.outputs().map(|output| output.meaning.axes).zip(&interface.outputs);
        for (axes, port) in inputs.chain(outputs).collect::<Vec<_>>() {
            let (last, part) = (axes == Axes::ChannelsLast, format!("`{}`", port.name));
            let needed = "the order of axes that the program has";
            self.require(last == port.tensor.channels_last, &part, "another order of axes", needed);
        }
    }

    /// Inputs are quantized by the program's own scale; the container must not tell another.
    fn input_quantizers(&mut self, interface: &Interface) {
        for (input, port) in self.program.inputs().zip(&interface.inputs) {
            // Thresholds and integers have no scale of their own to compare.
            let Some(InputRule::Uniform { scale, zero_point, .. }) = input.quantizer else { continue };
            let told = (port.scale[0], port.zero_point);
            let own = (f64::from(scale), i64::from(zero_point) + port.stored_less);
            let part = format!("input `{}`", port.name);
            self.require(!port.preprocessed, &part, "preprocessing", "none, as the program has a scale");
            self.require(
                told == own,
                &part,
                format!("scale and zero point {told:?}"),
                format!("the program's {own:?}"),
            );
        }
    }

    fn ops(&mut self, ops: &[wire::Op]) {
        let count = self.program.op_count();
        self.require(ops.len() == count, "ops", ops.len(), count.to_string());
        for (index, (op, own)) in ops.iter().zip(self.program.ops()).enumerate() {
            let own = own.kind().name();
            self.require(op.kind == own, &format!("op {index}"), format!("kind {:?}", op.kind), own);
        }
    }

    fn layer(&mut self, layer: &wire::Layer) {
        let part = format!("layer `{}`", layer.name);
        let mut ranges: Vec<Option<wire::Range>> = layer.accumulators.iter().copied().map(Some).collect();
        if let Some(certificate) = &layer.certificate {
            let scope = certificate.scope();
            let holds = scope != wire::certificate::Scope::Unspecified;
            self.require(holds, &part, "no scope", "a certificate that says what was done");
            self.require(!certificate.channels.is_empty(), &part, "no channels", "a proof for each channel");
            let operands = certificate.operands.len();
            self.require([0, 2].contains(&operands), &part, format!("{operands} operands"), "none or two");
            ranges.push(certificate.codes);
            ranges.extend(certificate.operands.iter().copied().map(Some));
            ranges.extend(certificate.channels.iter().map(|channel| channel.range));
        }
        for range in ranges {
            let holds = range.is_some_and(|range| IntRange::new(range.lo, range.hi).is_some());
            self.require(holds, &part, format!("{range:?}"), "a range that is not empty");
        }
    }
}

/// Where the channels of `port` are if it has digits for them; `None` if these do not fit `elems` elements.
fn channel_map(port: &wire::Port, elems: usize) -> Option<Option<ChannelMap>> {
    if port.channel_digits.is_empty() && port.channel_order.is_empty() {
        return Some(None);
    }
    let mut digits = vec![];
    let mut numbers = 1usize;
    for digit in &port.channel_digits {
        let [stride, count] = [digit.stride, digit.count].map(|value| usize::try_from(value).unwrap_or(0));
        numbers = numbers.checked_mul(count).filter(|numbers| stride > 0 && (1..=elems).contains(numbers))?;
        digits.push([stride, count]);
    }
    let order = port.channel_order.clone();
    (order.is_empty() || order.len() == numbers).then_some(Some(ChannelMap { digits, order }))
}

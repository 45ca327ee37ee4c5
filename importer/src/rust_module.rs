//! A program as a Rust module that *is* the model: a struct with its working memory, and calls of kernels with constant
//! geometry and constant weights. Written by `exactum build --emit rust`.
//!
//! The module is read off the loaded image, so that the two cannot disagree: the ops, their tensors' places and all
//! constants are those of the image. What it is made of is [`exactum_runtime::generated`].

mod arrays;
mod form;
mod names;
mod ops;
mod ports;

use std::fmt::Write;

use exactum_runtime::Program;
use exactum_runtime::program::{Op, OpKind, Role, Tensor, TensorId};

use crate::interface::Interface;
use arrays::Statics;
use ports::Ports;

/// On items that a firmware need not use.
pub(crate) const MAYBE_UNUSED: &str = "#[allow(dead_code)]\n";

/// The module of `program`, whose ports are those of `interface` and whose ops have the names `ops`.
///
/// # Panics
/// If the program has an op that this compiler does not know: a fault of the compiler.
pub fn text(program: &Program<'_>, interface: &Interface, ops: &[&str]) -> String {
    let ports = Ports::new(program, interface);
    let mut text = header(program);
    about(program, &mut text);
    ports.constants(&mut text);
    model(program, &ports, &mut text);
    tensors(program, &mut text);
    let mut statics = Statics::default();
    let mut functions = String::new();
    for (index, op) in program.ops().enumerate() {
        let name = ops.get(index).copied().unwrap_or_default();
        let code = ops::code(program, index, &op, &mut statics);
        let kind = op.kind().name();
        let arena = if code.contains("arena") { "arena" } else { "_" };
        let parameters: String =
            used(program, &op).iter().map(|(tensor, written)| parameter(tensor, *written)).collect();
        write!(
            functions,
            "\n/// {kind}{}\n#[inline]\nfn op_{index}({arena}: &mut rt::Arena<ARENA_BYTES>{parameters}) {{\n{code}}}\n",
            if name.is_empty() { String::new() } else { format!(": {}", comment(name)) }
        )
        .expect("strings can be written");
    }
    text.push_str(&functions);
    text.push_str(&statics.text);
    text
}

/// Names of the inputs and then the outputs of `interface` in the module: the method of input `x` is `x_mut`, of output `y` `y`.
pub(crate) fn port_names(interface: &Interface) -> Vec<String> {
    names::names(interface.inputs.iter().chain(&interface.outputs).map(|port| port.name.as_str()))
}

/// `text` on one line of a comment.
fn comment(text: &str) -> String {
    text.escape_default().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

fn header(program: &Program<'_>) -> String {
    format!(
        "// The model {:?}, compiled by exactum {}. Build it again instead of editing it.\n\
         // To be used as a module, or by `include!` in one, in a crate that depends on `exactum-runtime`.\n\n\
         use exactum_runtime::generated as rt;\n",
        program.model_name(),
        env!("CARGO_PKG_VERSION"),
    )
}

fn about(program: &Program<'_>, text: &mut String) {
    let mut constant = |about: &str, declaration: &str, value: String| {
        write!(text, "\n/// {about}\n{MAYBE_UNUSED}pub const {declaration} = {value};\n")
            .expect("strings can be written");
    };
    constant("Name of the model.", "MODEL_NAME: &str", format!("{:?}", program.model_name()));
    constant(
        "Version that the model's file states.",
        "MODEL_VERSION: i64",
        program.model_version().to_string(),
    );
    constant(
        "SHA-256 of the model's file; zeros if it was not known.",
        "MODEL_DIGEST: [u8; 32]",
        format!("{:?}", program.model_digest()),
    );
    constant("Bytes of working memory.", "ARENA_BYTES: usize", program.arena_bytes().to_string());
}

/// The struct and its methods.
fn model(program: &Program<'_>, ports: &Ports<'_>, text: &mut String) {
    let fills: String = program
        .states()
        .enumerate()
        .map(|(index, state)| format!(".filled::<T{}>({})", program.state_tensor(index).0, state.fill))
        .collect();
    let reset: String = program
        .states()
        .enumerate()
        .map(|(index, state)| {
            format!(
                "        T{}::codes_mut(&mut self.arena).fill({});\n",
                program.state_tensor(index).0,
                state.fill
            )
        })
        .collect();
    let call = |arena: &str, name: &dyn Fn(&Tensor) -> String| {
        let arguments = move |op: Op<'_>| {
            let used = used(program, &op);
            used.iter().map(|(tensor, _)| format!(", {}", name(tensor))).collect::<String>()
        };
        let calls = program.ops().enumerate();
        let calls = calls.map(|(index, op)| format!("op_{index}({arena}{})", arguments(op)));
        calls.collect::<Vec<_>>()
    };
    let calls = call("&mut self.arena", &|tensor| ports.name_of(tensor).to_owned());
    let calls: String = calls.iter().map(|call| format!("        {call};\n")).collect();
    let steps = steps(
        program,
        ports,
        &call("&mut self.model.arena", &|tensor| {
            format!("self.{}", ops::outside(tensor).unwrap_or_default())
        }),
    );
    let reset = if reset.is_empty() {
        String::new()
    } else {
        format!(
            "\n    /// Sets the states to what they hold before the first run.\n    pub fn reset(&mut self) {{\n{reset}    }}\n"
        )
    };
    write!(
        text,
        "\n/// The model with its working memory, for a static or the stack.\n\
         #[derive(Debug)]\n\
         pub struct Model {{\n    arena: rt::Arena<ARENA_BYTES>,\n}}\n\n\
         {MAYBE_UNUSED}impl Model {{\n    \
             /// The model before its first run.\n    \
             #[allow(clippy::new_without_default)]\n    \
             pub const fn new() -> Self {{\n        Self {{ arena: rt::Arena::new(){fills} }}\n    }}\n\
         {}\n    \
             /// Computes the outputs of the inputs that the model holds; these are to be filled again before the next run.\n    \
             {}pub fn infer(&mut self{}) {{\n{calls}    }}\n{}{reset}{}}}\n{steps}",
        ports.runs(),
        ports.many(0),
        ports.outside_parameters(""),
        ports.steps(),
        ports.accessors(),
    )
    .expect("strings can be written");
}

/// The tensors outside the arena that `op` uses, each with whether it is written.
fn used(program: &Program<'_>, op: &Op<'_>) -> Vec<(Tensor, bool)> {
    let mut found: Vec<(Tensor, bool)> = vec![];
    let ids = op.operands().map(|id| (id, false)).chain([(op.output(), true)]);
    for (id, written) in ids {
        let tensor = program.tensor(id).expect("loading has found it");
        let is_new = found.iter().all(|(other, _)| ops::outside(other) != ops::outside(&tensor));
        if tensor.role.is_outside() && is_new {
            found.push((tensor, written));
        }
    }
    found
}

fn parameter(tensor: &Tensor, written: bool) -> String {
    let mutable = if written { "mut " } else { "" };
    let name = ops::outside(tensor).unwrap_or_default();
    format!(", {name}: &{mutable}[{}; {}]", tensor.element.name(), tensor.shape.elems())
}

/// The type of a run in steps of an op each, the calls of which are `calls`.
fn steps(program: &Program<'_>, ports: &Ports<'_>, calls: &[String]) -> String {
    let arms: String =
        calls.iter().enumerate().map(|(op, call)| format!("            {op} => {call},\n")).collect();
    let next = match calls {
        [] => "None".to_owned(),
        _ => format!(
            "let op = self.next;\n        match op {{\n{arms}            _ => return None,\n        }}\n        \
             self.next = op.wrapping_add(1);\n        Some(op)"
        ),
    };
    let pushes = program.ops().position(|op| op.kind() == OpKind::Push);
    let (given_up, drop) = match pushes {
        None => ("", String::new()),
        Some(first) => (
            " States are then what they were before, or, if one was pushed to already, what they hold before the first run.",
            format!(
                "\nimpl Drop for Steps<'_> {{\n    fn drop(&mut self) {{\n        \
                 if ({}..{}).contains(&self.next) {{\n            self.model.reset();\n        }}\n    }}\n}}\n",
                first + 1,
                program.op_count()
            ),
        ),
    };
    format!(
        "\n/// A run in steps of an op each, of which every item is the number; dropping it before its end gives the run up.{given_up}\n\
         {MAYBE_UNUSED}#[derive(Debug)]\n\
         pub struct Steps<'a> {{\n    model: &'a mut Model,\n{}    next: usize,\n}}\n\n\
         impl Iterator for Steps<'_> {{\n    type Item = usize;\n\n    \
             fn next(&mut self) -> Option<usize> {{\n        {next}\n    }}\n}}\n{drop}",
        ports.fields()
    )
}

/// Places in the working memory.
fn tensors(program: &Program<'_>, text: &mut String) {
    text.push('\n');
    // Of tensors outside the arena, ops of two tensors need the type.
    let typed = |id: TensorId| {
        let mut ops = program.ops().filter(|op| matches!(op, Op::Add(_) | Op::Mul(_)));
        ops.any(|op| op.output() == id || op.operands().any(|operand| operand == id))
    };
    for (index, tensor) in program.tensors().enumerate() {
        let (element, elems) = match tensor.role {
            Role::OutsideInput | Role::OutsideOutput if !typed(TensorId(index as u16)) => continue,
            Role::Value | Role::OutsideInput | Role::OutsideOutput => {
                (tensor.element.name(), tensor.shape.elems())
            }
            // Layers work in codes of 16 bits.
            Role::Scratch => ("i16", tensor.size_bytes() / 2),
        };
        let start = if tensor.role.is_outside() { 0 } else { tensor.offset_bytes };
        writeln!(text, "type T{index} = rt::Slot<{element}, {start}, {elems}>;")
            .expect("strings can be written");
    }
}

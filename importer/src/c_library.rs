//! A program as a library for C: a header, the Rust source of a static library with a C interface around the module of
//! [`crate::rust_module`], and an example. Written by `exactum build --emit c`, which has Cargo compile the source.

mod example;
mod header;
mod source;

use exactum_runtime::Program;
use exactum_runtime::program::Tensor;

use crate::interface::{Interface, Port};
use crate::rust_module;

/// Errors of the functions, in the order of their numbers from 1.
const ERRORS: [(&str, &str); 4] = [
    ("POINTER", "A pointer is null, or not aligned as its type is."),
    ("UNINITIALIZED", "The model was not initialized."),
    ("COUNT", "An array has another number of elements than the input."),
    ("CODE", "An input holds a code outside its range; nothing was run."),
];

/// Bytes beside the arena: the mark of an initialized model, and what aligns it.
const MARK_BYTES: usize = 8;

/// A model for C.
#[derive(Debug)]
pub struct Library<'p> {
    /// What all its names begin with.
    prefix: String,
    arena_bytes: usize,
    has_states: bool,
    about: String,
    inputs: Vec<Side<'p>>,
    outputs: Vec<Side<'p>>,
}

/// One input or output.
#[derive(Debug)]
struct Side<'p> {
    /// Its name in the module.
    method: String,
    /// Its name behind the prefix: another one, where a function of the library has the method's.
    name: String,
    port: &'p Port,
    tensor: Tensor,
    labels: Vec<String>,
    /// Whether the module makes its codes of real numbers.
    quantizes: bool,
}

impl<'p> Library<'p> {
    /// The library called `prefix`, a name of C, of `program`, whose ports are those of `interface` and lie in the arena.
    ///
    /// # Panics
    /// If the program is not loaded: a fault of the compiler.
    pub fn new(prefix: &str, program: &Program<'_>, interface: &'p Interface) -> Self {
        let mut names = rust_module::port_names(interface).into_iter();
        let mut side = |port, tensor: Option<Tensor>, labels: Vec<String>, quantizes| {
            let method = names.next().unwrap_or_default();
            let taken = method == "init" || method.ends_with("_label");
            let name = if taken { format!("port_{method}") } else { method.clone() };
            Side { method, name, port, tensor: tensor.expect("loading has found it"), labels, quantizes }
        };
        let inputs = interface.inputs.iter().zip(program.inputs()).enumerate();
        let inputs = inputs.map(|(index, (port, input))| {
            side(port, program.input_tensor(index), vec![], input.quantizer.is_some())
        });
        let inputs = inputs.collect();
        let outputs = interface.outputs.iter().zip(program.outputs());
        let outputs = outputs.map(|(port, output)| {
            let labels = output.meaning.labels.iter().map(str::to_owned).collect();
            side(port, program.tensor(output.tensor), labels, false)
        });
        Self {
            prefix: prefix.to_owned(),
            arena_bytes: program.arena_bytes() as usize,
            has_states: program.states().len() > 0,
            about: format!(
                "The model {:?}, compiled by exactum {}.",
                program.model_name(),
                env!("CARGO_PKG_VERSION")
            ),
            outputs: outputs.collect(),
            inputs,
        }
    }

    /// Words of 64 bits that a model takes.
    fn words(&self) -> usize {
        (self.arena_bytes.div_ceil(8) * 8 + MARK_BYTES) / 8
    }

    /// The prefix as macros have it.
    fn upper(&self) -> String {
        self.prefix.to_uppercase()
    }
}

impl Side<'_> {
    /// The type of its elements in C.
    fn c_type(&self) -> &'static str {
        match self.tensor.element.name() {
            "u8" => "uint8_t",
            "i8" => "int8_t",
            "i16" => "int16_t",
            _ => "int32_t",
        }
    }

    fn elems(&self) -> usize {
        self.tensor.shape.elems() as usize
    }

    /// The integers that its memory may hold.
    fn range(&self) -> [i64; 2] {
        [self.port.range.lo, self.port.range.hi].map(|integer| integer - self.port.stored_less)
    }

    /// Whether every integer of its type is one of them.
    fn takes_every_code(&self) -> bool {
        let all = match self.tensor.element.name() {
            "u8" => [0, i64::from(u8::MAX)],
            "i8" => [i64::from(i8::MIN), i64::from(i8::MAX)],
            "i16" => [i64::from(i16::MIN), i64::from(i16::MAX)],
            _ => [i64::from(i32::MIN), i64::from(i32::MAX)],
        };
        self.range() == all
    }
}

/// `text` as a name of C and of Cargo: lower case letters, digits and underscores, a letter first.
pub fn name(text: &str) -> String {
    let mut name: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    let name = name.trim_matches('_');
    if name.starts_with(|first: char| first.is_ascii_lowercase()) {
        name.to_owned()
    } else {
        format!("model_{name}")
    }
}

/// `text` on one line of a comment of C.
fn comment(text: &str) -> String {
    text.escape_default()
        .to_string()
        .replace("\\'", "'")
        .replace("\\\"", "\"")
        .replace("*/", "* /")
        .replace("/*", "/ *")
}

#[cfg(test)]
mod tests {
    use super::{comment, name};

    #[test]
    fn names_are_of_c() {
        let names = ["tiny", "My Model-v2", "7x", "__", "été", "a__b"].map(name);
        assert_eq!(names, ["tiny", "my_model_v2", "model_7x", "model_", "t", "a_b"]);
        assert_eq!(comment("a */ b\n\"c\""), "a * / b\\n\"c\"");
    }
}

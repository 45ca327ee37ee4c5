//! The program as a Rust module: its image and, as constants, the sizes that static buffers need.

use crate::container::Container;
use crate::interface::Port;

/// Bytes of the image on one line.
const LINE_BYTES: usize = 24;

/// The module's text.
pub(super) fn text(container: &Container) -> String {
    let contents = container.contents();
    let interface = container.interface();
    let graph = contents.source.as_ref().map_or("", |source| &source.graph_name);
    let mut text = format!(
        "// Program of the model {graph:?}, compiled by exactum {}. Build it again instead of editing it.\n\
         // To be used as a module, or by `include!`, in a crate that depends on `exactum-runtime`.\n\n",
        contents.producer_version
    );
    let mut constant = |about: &str, declaration: &str, value: String| {
        text.push_str(&format!("/// {about}\npub {declaration} = {value};\n\n"));
    };
    constant(
        "Bytes of working memory, the size of an `exactum_runtime::Arena`.",
        "const ARENA_BYTES: usize",
        container.program().arena_bytes().to_string(),
    );
    for (what, ports) in [("INPUT", &interface.inputs), ("OUTPUT", &interface.outputs)] {
        let (count, lower) = (ports.len(), what.to_lowercase());
        let list = |item: fn(&Port) -> String| {
            format!("[{}]", ports.iter().map(item).collect::<Vec<_>>().join(", "))
        };
        let shared = match ports
            .iter()
            .enumerate()
            .any(|(at, port)| ports[..at].iter().any(|o| o.name == port.name))
        {
            true if what == "INPUT" => " Those of one name are given the same values.",
            _ => "",
        };
        constant(
            &format!("Name of each {lower} in the model's file.{shared}"),
            &format!("const {what}_NAMES: [&str; {count}]"),
            list(|port| format!("{:?}", port.name)),
        );
        constant(
            &format!("Elements along each axis of one sample of each {lower}."),
            &format!("const {what}_SHAPES: [&[usize]; {count}]"),
            list(|port| format!("&{:?}", port.program_shape())),
        );
        constant(
            &format!("Elements of one sample of each {lower}."),
            &format!("const {what}_ELEMS: [usize; {count}]"),
            list(|port| port.elems().to_string()),
        );
        if ports.iter().any(|port| port.stored_less != 0) {
            constant(
                &format!("What the memory of each {lower} holds is each integer of the model less this."),
                &format!("const {what}_STORED_LESS: [i32; {count}]"),
                list(|port| port.stored_less.to_string()),
            );
        }
    }
    let image = container.image();
    let lines = image.chunks(LINE_BYTES).map(|bytes| {
        let bytes: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("    {bytes}\\\n")
    });
    let literal: String = lines.collect();
    text.push_str(&format!(
        "/// The program, for `exactum_runtime::Program::load`.\n\
         pub static PROGRAM: exactum_runtime::program::Aligned<[u8; {}]> = exactum_runtime::program::Aligned(*b\"\\\n\
         {literal}\");\n",
        image.len()
    ));
    text
}

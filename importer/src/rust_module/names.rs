//! Names of ports as names in Rust.

use std::collections::BTreeSet;

/// Words of the language, and names of methods and constants of every module.
const TAKEN: [&str; 58] = [
    "abstract", "arena", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "infer",
    "let", "loop", "macro", "match", "mod", "model", "move", "mut", "new", "override", "priv", "pub", "ref",
    "reset", "return", "rt", "run", "run_f32", "self", "static", "steps", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "use", "where", "while", "yield",
];

/// A name for each of `ports`, no two alike even with what methods and constants add to them.
pub(super) fn names<'a>(ports: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut used = BTreeSet::new();
    ports
        .map(|port| {
            let name = name(port);
            let mut unique = name.clone();
            let mut number = 2;
            while !used.insert(unique.clone()) {
                unique = format!("{name}_{number}");
                number += 1;
            }
            unique
        })
        .collect()
}

/// `port` in letters, digits and single underscores.
fn name(port: &str) -> String {
    let mut name = String::new();
    for letter in port.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    let clashes = name.starts_with("op_") || name.starts_with("quantize_") || name.ends_with("_mut");
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || clashes || TAKEN.contains(&name) {
        return format!("port_{name}").trim_end_matches('_').to_owned();
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_of_rust_and_differ() {
        let ports = ["x", "X", "quant_y.out", "", "0", "type", "onnx::Relu_7", "model", "x_2", "a_mut", "é"];
        let found = names(ports.into_iter());
        let expected = [
            "x",
            "x_2",
            "quant_y_out",
            "port",
            "port_0",
            "port_type",
            "onnx_relu_7",
            "port_model",
            "x_2_2",
            "port_a_mut",
            "port_2",
        ];
        assert_eq!(found, expected);
    }
}

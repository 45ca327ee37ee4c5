//! The operator schemas as a Markdown table, for `docs/` and the command line.

use std::fmt::Write;

use super::{Formal, OpSchema, Presence, schemas};
use crate::model::domain_name;

/// Every known operator signature as a Markdown table, one row each, in a fixed order.
///
/// Optional inputs and outputs carry `?`, repeated ones `...`; attributes their kind, and `?` or their default if
/// they may be left out.
pub fn support_table() -> String {
    let mut table = String::from(
        "| Operator | Domain | Since | Computes | Inputs | Outputs | Attributes |\n|---|---|---|---|---|---|---|\n",
    );
    for schema in schemas() {
        let attributes: Vec<String> =
            schema.attributes.iter().map(|attribute| format!("`{attribute}`")).collect();
        let row = [
            names(schema),
            domain_name(schema.domains[0]).to_owned(),
            schema.since.to_string(),
            schema.summary.to_owned(),
            formals(schema.inputs),
            formals(schema.outputs),
            attributes.join(", "),
        ];
        writeln!(table, "| {} |", row.join(" | ")).expect("a string takes all text");
    }
    table
}

fn names(schema: &OpSchema) -> String {
    let names: Vec<String> =
        std::iter::once(&schema.op_type).chain(schema.aliases).map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn formals(formals: &[Formal]) -> String {
    let formal = |formal: &Formal| {
        let mark = match formal.presence {
            Presence::Required => "",
            Presence::Optional => "?",
            Presence::Variadic => "...",
        };
        format!("{}{mark}", formal.name)
    };
    formals.iter().map(formal).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_state_names_defaults_and_presence() {
        let table = support_table();
        let row = |start: &str| {
            table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no row {start}"))
        };
        assert_eq!(
            row("| `Quant`"),
            "| `Quant`, `IntQuant` | qonnx.custom_op.general | 1 | round to integer codes of a bit width, then \
             dequantize | x, scale, zeropt, bitwidth | y | `signed: int`, `narrow: int`, \
             `rounding_mode: string = \"ROUND\"` |"
        );
        assert!(row("| `Concat`").contains("| inputs... |"));
        assert!(row("| `Gemm`").contains("A, B, C? | Y | `alpha: float = 1.0`"));
        assert_eq!(table.lines().count(), schemas().count() + 2);
    }
}

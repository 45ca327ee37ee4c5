//! The transpose of a matrix of codes.

use crate::codes::{Code, Codes, CodesMut};

/// Writes the transpose of `input`, `rows` rows of `columns` codes, to `output`; element types agree.
pub(crate) fn transpose(rows: usize, columns: usize, input: Codes<'_>, output: CodesMut<'_>) {
    match (input, output) {
        (Codes::I8(input), CodesMut::I8(output)) => columns_first(rows, columns, input, output),
        (Codes::U8(input), CodesMut::U8(output)) => columns_first(rows, columns, input, output),
        (Codes::I16(input), CodesMut::I16(output)) => columns_first(rows, columns, input, output),
        (Codes::I32(input), CodesMut::I32(output)) => columns_first(rows, columns, input, output),
        _ => {}
    }
}

fn columns_first<T: Code>(rows: usize, columns: usize, input: &[T], output: &mut [T]) {
    let mut output = output.iter_mut();
    for column in 0..columns {
        let mut from = column;
        for to in output.by_ref().take(rows) {
            *to = input.get(from).copied().unwrap_or_default();
            from = from.wrapping_add(columns);
        }
    }
}

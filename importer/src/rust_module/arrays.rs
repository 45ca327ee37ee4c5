//! Constants of ops: static arrays of their element types.

use std::fmt::{Debug, Write};

use exactum_runtime::codes::Codes;

/// Longest line of numbers.
const LINE: usize = 110;

/// Statics of a module.
#[derive(Default)]
pub(super) struct Statics {
    /// Their declarations.
    pub(super) text: String,
}

impl Statics {
    /// Declares `name` of type `ty` with `value`; what refers to it.
    pub(super) fn item(&mut self, name: &str, ty: &str, value: &str) -> String {
        write!(self.text, "\nstatic {name}: {ty} = {value};\n").expect("strings can be written");
        format!("&{name}")
    }

    /// Declares an array of elements of type `ty`; what refers to it. Short ones need no name.
    pub(super) fn array<T: Debug>(&mut self, name: &str, ty: &str, values: &[T]) -> String {
        match values {
            [] | [_] => format!("&{values:?}"),
            _ => self.item(name, &format!("[{ty}; {}]", values.len()), &list(values)),
        }
    }

    /// Declares an array of codes; what refers to it, as a variant of an enum with one for each element type.
    pub(super) fn codes(&mut self, name: &str, codes: Codes<'_>) -> String {
        match codes {
            Codes::I8(codes) => format!("I8({})", self.array(name, "i8", codes)),
            Codes::U8(codes) => format!("U8({})", self.array(name, "u8", codes)),
            Codes::I16(codes) => format!("I16({})", self.array(name, "i16", codes)),
            Codes::I32(codes) => format!("I32({})", self.array(name, "i32", codes)),
        }
    }
}

/// `values` as an array, in lines if they are many.
pub(super) fn list<T: Debug>(values: &[T]) -> String {
    let short = format!("{values:?}");
    if short.len() <= LINE {
        return short;
    }
    let (mut text, mut line) = (String::from("["), 0);
    for value in values {
        let value = format!("{value:?}, ");
        if line == 0 || line + value.len() > LINE {
            text.push_str("\n    ");
            line = 0;
        }
        line += value.len();
        text.push_str(&value);
    }
    // No space before the end of a line.
    text.replace(", \n", ",\n").trim_end().to_owned() + "\n]"
}

//! The header: constants of the ports, the type of a model, and the functions.

use std::fmt::Write;

use super::{ERRORS, Library, Side, comment};

impl Library<'_> {
    /// The text of the header, which C99 and C++ read.
    ///
    /// # Panics
    /// Never.
    pub fn header(&self) -> String {
        let (prefix, upper) = (&self.prefix, self.upper());
        let mut text = format!(
            "/* {about} Build it again instead of editing it.\n\
             \x20* Link with lib{prefix}.a; nothing else is needed: no heap, no system, no floating point unit. */\n\
             #ifndef EXACTUM_{upper}_H\n#define EXACTUM_{upper}_H\n\n\
             #include <stddef.h>\n#include <stdint.h>\n\n\
             #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
             /* What functions return. */\n#define {upper}_OK 0\n",
            about = comment(&self.about)
        );
        for (index, (name, about)) in ERRORS.iter().enumerate() {
            text += &format!("/* {about} */\n#define {upper}_ERROR_{name} {}\n", index + 1);
        }
        let bytes = self.words() * 8;
        text += &format!(
            "\n/* Bytes of a model, with its working memory, and their alignment. */\n\
             #define {upper}_BYTES {bytes}\n#define {upper}_ALIGNMENT 8\n\n\
             /* A model and its working memory: static, global or on the stack. What it holds is its own affair. */\n\
             typedef struct {prefix}_model {{\n    uint64_t opaque[{upper}_BYTES / 8];\n}} {prefix}_model;\n"
        );
        for (what, sides) in [("input", &self.inputs), ("output", &self.outputs)] {
            for side in sides {
                self.constants(what, side, &mut text);
            }
        }
        self.functions(&mut text).expect("strings can be written");
        text + &format!("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* EXACTUM_{upper}_H */\n")
    }

    fn constants(&self, what: &str, side: &Side<'_>, text: &mut String) {
        let own = format!("{}_{}", self.upper(), side.name.to_uppercase());
        let port = side.port;
        let [lowest, highest] = side.range();
        let shape = port.program_shape();
        *text += &format!(
            "\n/* The {what} \"{}\": elements along its axes {shape:?}, the last one fastest.{} */\n\
             #define {own}_COUNT {}\n#define {own}_LOWEST ({})\n#define {own}_HIGHEST ({})\n",
            comment(&port.name),
            if port.preprocessed {
                " The model preprocesses real numbers before it quantizes them."
            } else {
                ""
            },
            side.elems(),
            literal(lowest),
            literal(highest)
        );
        let zero = port.zero_point - port.stored_less;
        *text += &format!(
            "/* A real number is (code - zero point) * scale + offset. */\n#define {own}_ZERO_POINT ({})\n",
            literal(zero)
        );
        for (name, numbers, default) in [("SCALE", &port.scale, 1.0), ("OFFSET", &port.offset, 0.0)] {
            match numbers.as_slice() {
                [] => *text += &format!("#define {own}_{name} {default:?}\n"),
                [one] => *text += &format!("#define {own}_{name} ({one:?})\n"),
                all => {
                    let list: Vec<String> = all.iter().map(|number| format!("{number:?}")).collect();
                    *text += &format!(
                        "/* Of each channel. */\n#define {own}_CHANNELS {}\n#define {own}_{name}S {{ {} }}\n",
                        all.len(),
                        list.join(", ")
                    );
                }
            }
        }
        if !side.labels.is_empty() {
            *text += &format!("#define {own}_LABELS {}\n", side.labels.len());
        }
    }

    fn functions(&self, text: &mut String) -> std::fmt::Result {
        let (prefix, upper) = (&self.prefix, self.upper());
        write!(
            text,
            "\n/* Makes a model of the memory, whatever that holds. */\nint {prefix}_init({prefix}_model *model);\n\n\
             /* Makes the next run the first one: states are what they are before it. */\nint {prefix}_reset({prefix}_model *model);\n\n\
             /* Computes the outputs of the inputs that the model holds; these are to be filled again before the next run. */\n\
             int {prefix}_run({prefix}_model *model);\n"
        )?;
        for side in &self.inputs {
            let (name, ty, own) =
                (&side.name, side.c_type(), format!("{upper}_{}", side.name.to_uppercase()));
            write!(
                text,
                "\n/* The {own}_COUNT codes of input \"{}\", to be filled; NULL if the model was not initialized. */\n\
                 {ty} *{prefix}_{name}({prefix}_model *model);\n",
                comment(&side.port.name)
            )?;
            if side.quantizes {
                write!(
                    text,
                    "/* Fills it with the codes of {own}_COUNT real numbers, by integers alone. */\n\
                     int {prefix}_quantize_{name}({prefix}_model *model, const float *values, size_t count);\n"
                )?;
            }
        }
        for side in &self.outputs {
            let (name, ty, own) =
                (&side.name, side.c_type(), format!("{upper}_{}", side.name.to_uppercase()));
            write!(
                text,
                "\n/* The {own}_COUNT codes of output \"{}\" of the last run; NULL if the model was not initialized. */\n\
                 const {ty} *{prefix}_{name}(const {prefix}_model *model);\n",
                comment(&side.port.name)
            )?;
            if !side.labels.is_empty() {
                write!(
                    text,
                    "/* The name of class `index`, below {own}_LABELS; NULL beyond. */\n\
                     const char *{prefix}_{name}_label(size_t index);\n"
                )?;
            }
        }
        Ok(())
    }
}

/// An integer as a constant of C: the least of 32 bits has no literal.
fn literal(number: i64) -> String {
    if number == i64::from(i32::MIN) { "-2147483647 - 1".to_owned() } else { number.to_string() }
}

//! The example `main.c`: runs the model on a sample and compares its outputs with those of the host.

use super::Library;

impl Library<'_> {
    /// The text of the example, for the `inputs` and `outputs` that the program's memory holds.
    pub fn example(&self, inputs: &[Vec<i32>], outputs: &[Vec<i32>]) -> String {
        let (prefix, upper) = (&self.prefix, self.upper());
        let mut text = format!(
            "/* Runs the model {prefix} on a sample, prints its outputs, and says whether they are those of the host.\n\
             \x20* Put your own inputs in place of the sample. */\n\
             #include \"{prefix}.h\"\n\n#include <stdio.h>\n\n\
             /* Static, as it is larger than many stacks. */\nstatic {prefix}_model model;\n"
        );
        for (what, sides, all) in [("sample", &self.inputs, inputs), ("expected", &self.outputs, outputs)] {
            for (side, integers) in sides.iter().zip(all) {
                let list: Vec<String> = integers
                    .iter()
                    .map(|integer| {
                        if *integer == i32::MIN { "-2147483647 - 1".to_owned() } else { integer.to_string() }
                    })
                    .collect();
                let lines: Vec<String> =
                    list.chunks(16).map(|line| format!("    {}", line.join(", "))).collect();
                let own = format!("{upper}_{}", side.name.to_uppercase());
                text += &format!(
                    "\nstatic const {} {what}_{}[{own}_COUNT] = {{\n{}\n}};\n",
                    side.c_type(),
                    side.name,
                    lines.join(",\n")
                );
            }
        }
        text += &format!(
            "\nint main(void)\n{{\n    size_t index;\n    int error;\n    int same = 1;\n\n    error = {prefix}_init(&model);\n    \
             if (error != {upper}_OK) {{\n        printf(\"error %d\\n\", error);\n        return error;\n    }}\n"
        );
        for side in &self.inputs {
            let (name, own) = (&side.name, format!("{upper}_{}", side.name.to_uppercase()));
            text += &format!(
                "    for (index = 0; index < {own}_COUNT; index++) {{\n        \
                 {prefix}_{name}(&model)[index] = sample_{name}[index];\n    }}\n"
            );
        }
        text += &format!(
            "    error = {prefix}_run(&model);\n    if (error != {upper}_OK) {{\n        printf(\"error %d\\n\", error);\n        \
             return error;\n    }}\n"
        );
        for side in &self.outputs {
            let (name, own) = (&side.name, format!("{upper}_{}", side.name.to_uppercase()));
            text += &format!(
                "    printf(\"{name}:\");\n    for (index = 0; index < {own}_COUNT; index++) {{\n        \
                 printf(\" %ld\", (long){prefix}_{name}(&model)[index]);\n        \
                 same &= {prefix}_{name}(&model)[index] == expected_{name}[index];\n    }}\n    printf(\"\\n\");\n"
            );
        }
        text + "    printf(same ? \"the outputs are those of the host\\n\" : \"the outputs are not those of the host\\n\");\n    \
                return same ? 0 : 1;\n}\n"
    }
}

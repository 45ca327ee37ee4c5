//! The Rust source of the static library: functions of C around the generated module.

use super::{Library, Side};

impl Library<'_> {
    /// The crate's root; the generated module is `model.rs` beside it.
    pub fn source(&self) -> String {
        let prefix = &self.prefix;
        let mut text = format!(
            "//! {about}\n#![no_std]\n\n\
             mod model;\n\n\
             use core::ptr;\n\n\
             /// A model, and the mark of one that was initialized.\n\
             #[repr(C)]\npub struct Handle {{\n    model: model::Model,\n    mark: u32,\n}}\n\n\
             const MARK: u32 = 0x{mark:08x};\n\
             const _: () = assert!(size_of::<Handle>() == {bytes} && align_of::<Handle>() == 8);\n\n\
             /// Codes and real numbers of C, if the pointer can be one of them.\n\
             fn is_pointer<T>(pointer: *const T) -> bool {{\n    !pointer.is_null() && pointer.is_aligned()\n}}\n\n\
             /// # Safety\n/// `handle` is null, or points to as many bytes as the header says, which nobody else uses.\n\
             unsafe fn model_of<'h>(handle: *mut Handle) -> Result<&'h mut model::Model, i32> {{\n    \
                 if !is_pointer(handle) {{\n        return Err({pointer});\n    }}\n    \
                 // SAFETY: every byte pattern is a handle, and the caller gives the memory.\n    \
                 let handle = unsafe {{ &mut *handle }};\n    \
                 if handle.mark == MARK {{ Ok(&mut handle.model) }} else {{ Err({uninitialized}) }}\n}}\n",
            about = self.about,
            mark = self.mark(),
            bytes = self.words() * 8,
            pointer = 1,
            uninitialized = 2,
        );
        let reset = if self.has_states { "    handle.model.reset();\n" } else { "" };
        text += &format!(
            "\n/// # Safety\n/// As the header says.\n#[unsafe(no_mangle)]\n\
             pub unsafe extern \"C\" fn {prefix}_init(handle: *mut Handle) -> i32 {{\n    \
                 if !is_pointer(handle) {{\n        return 1;\n    }}\n    \
                 // SAFETY: the caller gives the memory; zeros are a handle, and take no stack as a moved model would.\n    \
                 let handle = unsafe {{\n        ptr::write_bytes(handle, 0, 1);\n        &mut *handle\n    }};\n\
                 {reset}    handle.mark = MARK;\n    0\n}}\n"
        );
        let reset = if self.has_states { "model.reset();" } else { "let _ = model;" };
        let checks: String = self.inputs.iter().map(check).collect();
        for (name, body) in [("reset", reset.to_owned()), ("run", format!("{checks}model.infer();"))] {
            text += &function(
                &format!("{prefix}_{name}(handle: *mut Handle) -> i32"),
                &body,
                "            0\n",
                "code",
            );
        }
        for side in &self.inputs {
            let (name, element) = (&side.name, side.tensor.element.name());
            let declared = format!("{prefix}_{name}(handle: *mut Handle) -> *mut {element}");
            text += &function(
                &declared,
                "",
                &format!("            model.{}_mut().as_mut_ptr()\n", side.method),
                "{ let _ = code; ptr::null_mut() }",
            );
            if side.quantizes {
                let declared = format!(
                    "{prefix}_quantize_{name}(handle: *mut Handle, values: *const f32, count: usize) -> i32"
                );
                let body = format!(
                    "if !is_pointer(values) {{\n                return 1;\n            }}\n            \
                     if count != {elems} {{\n                return 3;\n            }}\n            \
                     // SAFETY: the caller gives an array of `count` numbers.\n            \
                     model.quantize_{method}(unsafe {{ &*values.cast::<[f32; {elems}]>() }});",
                    elems = side.elems(),
                    method = side.method
                );
                text += &function(&declared, &body, "            0\n", "code");
            }
        }
        for side in &self.outputs {
            let (name, element) = (&side.name, side.tensor.element.name());
            let declared = format!("{prefix}_{name}(handle: *const Handle) -> *const {element}");
            let given = format!("            model.{}().as_ptr()\n", side.method);
            text += &function(&declared, "", &given, "{ let _ = code; ptr::null() }")
                .replace("model_of(handle)", "model_of(handle.cast_mut())");
            if !side.labels.is_empty() {
                text += &labels(prefix, side);
            }
        }
        text + "\n/// Nothing reaches it: no panic is reachable from a generated model.\n#[panic_handler]\n\
                fn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n"
    }

    /// What marks an initialized model: another number for each name, so that the memory of one model is not taken for another.
    fn mark(&self) -> u32 {
        self.prefix
            .bytes()
            .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
            | 1
    }
}

/// A function of C that does `body` with an initialized model and gives `value`, or `error` of its `code`.
fn function(declared: &str, body: &str, value: &str, error: &str) -> String {
    let body = if body.is_empty() { String::new() } else { format!("            {body}\n") };
    format!(
        "\n/// # Safety\n/// As the header says.\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn {declared} {{\n    \
         // SAFETY: the caller gives the memory.\n    match unsafe {{ model_of(handle) }} {{\n        Ok(model) => {{\n{body}{value}        }}\n        \
         Err(code) => {error},\n    }}\n}}\n"
    )
}

/// Refuses codes outside the range of an input.
fn check(side: &Side<'_>) -> String {
    if side.takes_every_code() {
        return String::new();
    }
    let [lowest, highest] = side.range();
    format!(
        "if !model.{}_mut().iter().all(|code| ({lowest}..={highest}).contains(&i64::from(*code))) {{\n                \
         return 4;\n            }}\n            ",
        side.method
    )
}

/// The function that gives names of classes.
fn labels(prefix: &str, side: &Side<'_>) -> String {
    let arms: String = side
        .labels
        .iter()
        .enumerate()
        // A zero would end the text in C.
        .map(|(index, label)| format!("        {index} => c{:?}.as_ptr(),\n", label.replace('\0', " ")))
        .collect();
    format!(
        "\n#[unsafe(no_mangle)]\npub extern \"C\" fn {prefix}_{}_label(index: usize) -> *const core::ffi::c_char {{\n    \
         match index {{\n{arms}        _ => ptr::null(),\n    }}\n}}\n",
        side.name
    )
}

//! The start of a function of assembly: its own section, so that the linker drops it where nothing calls it.

/// The directives before the first instruction of the function `$name`, and its label.
macro_rules! begin {
    ($name:expr) => {
        concat!(
            $crate::isa::cortex_m_dsp::instructions::begin::core!(),
            ".section .text.",
            $name,
            ",\"ax\",%progbits\n",
            ".p2align 2\n",
            ".thumb_func\n",
            ".global ",
            $name,
            "\n",
            ".type ",
            $name,
            ",%function\n",
            $name,
            ":\n",
        )
    };
}
pub(super) use begin;

/// In Armv8-M the instructions belong to some cores only, of which the assembler of whole programs that are optimized together is
/// not told.
#[cfg(isa_architecture = "armv8m")]
macro_rules! core {
    () => {
        ".cpu cortex-m33\n"
    };
}

/// Nothing: all cores have the instructions.
#[cfg(not(isa_architecture = "armv8m"))]
macro_rules! core {
    () => {
        ""
    };
}
pub(super) use core;

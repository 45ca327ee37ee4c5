//! The form `multiply-high` of four sums: 28 instructions for a code. A long product is made of four, of halves without a sign of the
//! low words and of halves with it.

/// The code of a sum on the stack with the line behind `r1`; the code goes behind `r0`. The shift is in `lr`; `r2` to `r7` are changed.
macro_rules! code {
    ($sum:literal, $line:literal, $addend:literal, $code:literal, $saturate:expr) => {
        concat!(
            "ldr r3, [sp, #",
            $sum,
            "]\n ldr r4, [r1, #",
            $line,
            "]\n ldr r5, [r1, #",
            $addend,
            "]\n",
            "uxth r6, r3\n asrs r3, r3, #16\n uxth r7, r4\n asrs r4, r4, #16\n",
            "movs r2, r6\n muls r2, r7, r2\n lsrs r2, r2, #16\n",
            // The products of one half with a sign, and what is carried, fit 32 bits.
            "muls r7, r3, r7\n adds r7, r7, r2\n",
            "muls r3, r4, r3\n adds r5, r5, r3\n",
            "uxth r2, r7\n asrs r7, r7, #16\n adds r5, r5, r7\n",
            "muls r6, r4, r6\n adds r6, r6, r2\n",
            // Half of a unit is bit 15; added before the shift it could need 33 bits.
            "asrs r6, r6, #15\n adds r6, #1\n asrs r6, r6, #1\n adds r5, r5, r6\n",
            "mov r2, lr\n asrs r5, r2\n",
            $saturate,
            "strb r5, [r0, #",
            $code,
            "]\n",
        )
    };
}
pub(super) use code;

/// The codes of `r4` to `r7` with the lines at `r1`, stored at `r0`; both are moved behind that. `$saturate` makes a byte of `r5`.
macro_rules! codes {
    ($saturate:expr) => {
        concat!(
            "push {{r4, r5, r6, r7}}\n",
            code!("0", "0", "4", "0", $saturate),
            code!("4", "8", "12", "1", $saturate),
            code!("8", "16", "20", "2", $saturate),
            code!("12", "24", "28", "3", $saturate),
            "add sp, #16\n adds r0, #4\n adds r1, #32\n",
        )
    };
}
pub(super) use codes;

/// 0 to 255: what lies outside has a high bit set; its sign says at which end.
macro_rules! unsigned {
    () => {
        "asrs r6, r5, #8\n beq 6f\n asrs r5, r5, #31\n mvns r5, r5\n 6:\n"
    };
}
pub(super) use unsigned;

/// -128 to 127.
macro_rules! signed {
    () => {
        "sxtb r6, r5\n cmp r6, r5\n beq 6f\n asrs r5, r5, #31\n movs r6, #127\n eors r5, r6\n 6:\n"
    };
}
pub(super) use signed;

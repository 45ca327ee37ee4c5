//! The turns of loops over codes, one after the other, of filters in pairs. Part of sums (`one`, `two`) and of codes made of them
//! (`codes_of_pairs`): sums are in r4, r5 and r8 to lr, codes come from r3 and weights from r2; r0, r1, r6 and r7 change.

/// Eight turns of 116 bytes: two words of codes of one position times eight filters.
macro_rules! turns_of_one {
    () => {
        concat!(
            ".rept 8\n",
            "ldrd r0, r1, [r3], #8\n",
            "ldrd r6, r7, [r2], #8\n",
            "smlad r5, r0, r6, r5\n",
            "sxtb16 r6, r6\n",
            "smlad r4, r0, r6, r4\n",
            "smlad r9, r0, r7, r9\n",
            "sxtb16 r7, r7\n",
            "smlad r8, r0, r7, r8\n",
            "ldrd r6, r7, [r2], #8\n",
            "smlad r11, r0, r6, r11\n",
            "sxtb16 r6, r6\n",
            "smlad r10, r0, r6, r10\n",
            "smlad lr, r0, r7, lr\n",
            "sxtb16 r7, r7\n",
            "smlad r12, r0, r7, r12\n",
            "ldrd r6, r7, [r2], #8\n",
            "smlad r5, r1, r6, r5\n",
            "sxtb16 r6, r6\n",
            "smlad r4, r1, r6, r4\n",
            "smlad r9, r1, r7, r9\n",
            "sxtb16 r7, r7\n",
            "smlad r8, r1, r7, r8\n",
            "ldrd r6, r7, [r2], #8\n",
            "smlad r11, r1, r6, r11\n",
            "sxtb16 r6, r6\n",
            "smlad r10, r1, r6, r10\n",
            "smlad lr, r1, r7, lr\n",
            "sxtb16 r7, r7\n",
            "smlad r12, r1, r7, r12\n",
            ".endr\n"
        )
    };
}
pub(super) use turns_of_one;

/// Sixteen turns of 48 bytes: a word of codes of each of two positions times four filters.
macro_rules! turns_of_two {
    () => {
        concat!(
            ".rept 16\n",
            "ldrd r6, r7, [r2], #16\n",
            "ldrd r0, r1, [r3], #8\n",
            "smlad r5, r0, r6, r5\n",
            "smlad r11, r1, r6, r11\n",
            "sxtb16 r6, r6\n",
            "smlad r4, r0, r6, r4\n",
            "smlad r10, r1, r6, r10\n",
            "smlad r9, r0, r7, r9\n",
            "smlad lr, r1, r7, lr\n",
            "sxtb16 r7, r7\n",
            "smlad r8, r0, r7, r8\n",
            "smlad r12, r1, r7, r12\n",
            ".endr\n"
        )
    };
}
pub(super) use turns_of_two;

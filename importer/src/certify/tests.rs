//! The checker against exhaustive comparison, on right and on damaged parameters.

use super::*;
use crate::exact::{Curve, Function, Piece, Quantizer, Rational};
use exactum_runtime::num::Rounding;
use exactum_runtime::num::requant::{Entries, Form};
use proptest::prelude::*;

fn channel(numer: i64, denom: i64, beta: i64, codes: (i64, i64), range: (i64, i64)) -> Channel {
    let ratio = |n: i64, d: i64| Rational::new(n.into(), d.into());
    let codes = IntRange { lo: codes.0, hi: codes.1 };
    let function = Function::affine(ratio(numer, denom), ratio(beta, 7), codes, Rounding::HalfEven);
    Channel { function, range: IntRange { lo: range.0, hi: range.1 } }
}

/// What [`certify`] must say where its conditions hold.
fn agrees_with_comparison(channels: &[Channel], requant: &Requant<'_>) -> Result<(), TestCaseError> {
    let compared = certify_exhaustively(channels, requant);
    match certify(channels, requant) {
        Ok(certificate) => {
            let compared = compared.expect("a proven requantization is right everywhere");
            prop_assert_eq!(certificate.thresholds_digest(), compared.thresholds_digest());
            for (proof, compared) in certificate.channels.iter().zip(&compared.channels) {
                prop_assert_eq!((proof.range, proof.runs), (compared.range, compared.runs));
                prop_assert!(proof.points <= compared.points);
            }
        }
        Err(CertifyError::Refuted { channel, acc, expected, found }) => {
            let refuted = matches!(compared, Err(CertifyError::Refuted { .. }));
            prop_assert!(refuted, "{compared:?}");
            prop_assert_eq!(channels[channel].function.eval(acc), expected);
            prop_assert_eq!(requant.apply_wide(channel, acc), found);
            prop_assert_ne!(i64::from(found), expected);
        }
        Err(other) => return Err(TestCaseError::fail(other.to_string())),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Multipliers and offsets near the right ones, so that many are right and many are wrong in few places.
    #[test]
    fn lines_are_judged_as_by_comparison(
        numer in -60i64..60, beta in -500i64..500, lo in -700i64..0, span in 0i64..900,
        multiplier_error in -2i32..=2, offset_error in -300i32..300,
    ) {
        let channels = [channel(numer, 1024, beta, (-8, 7), (lo, lo + span))];
        let multiplier = i32::try_from(numer).unwrap() * 64 + multiplier_error;
        let offset = i32::try_from(beta).unwrap() * 65_536 / 7 + 32_768 + offset_error;
        let (multipliers, offsets, shifts) = ([multiplier], [offset], [16]);
        let line = Form::Multiply32 { multipliers: &multipliers, offsets: &offsets, shifts: &shifts };
        agrees_with_comparison(&channels, &Requant { form: line, lo: -8, hi: 7 })?;
        let shift = Form::ShiftHalfEven { multipliers: &multipliers, offsets: &offsets, shifts: &shifts };
        agrees_with_comparison(&channels, &Requant { form: shift, lo: -8, hi: 7 })?;
        let wide = [i64::from(offset)];
        let line = Form::Multiply64 { multipliers: &multipliers, offsets: &wide, shifts: &shifts };
        agrees_with_comparison(&channels, &Requant { form: line, lo: -8, hi: 7 })?;
        let halves = Form::EvenOdd {
            even_multipliers: &multipliers,
            even_offsets: &wide,
            even_shifts: &[17],
            odd_multipliers: &multipliers,
            odd_offsets: &wide,
            odd_shifts: &[17],
        };
        agrees_with_comparison(&channels, &Requant { form: halves, lo: -8, hi: 7 })?;
    }

    /// As above for the forms of wide accumulators.
    #[test]
    fn wide_lines_are_judged_as_by_comparison(
        numer in -60i64..60, beta in -500i64..500, lo in -700i64..0, span in 0i64..900,
        multiplier_error in -2i64..=2, offset_error in -300i64..=300, base in -(1i64 << 40)..1 << 40,
    ) {
        let offset = beta * 65_536 / 7 + 32_768 + offset_error;
        let multiplier = numer * 64 + multiplier_error;
        // The same function around `base`, far past 32 bits.
        let near = channel(numer, 1024, beta, (-8, 7), (lo, lo + span)).with_bias(base).unwrap();
        let start = i128::from(offset) - i128::from(multiplier) * i128::from(base);
        let (multipliers, words) = ([multiplier], [[start as i64, (start >> 64) as i64]]);
        let form = Form::Multiply128 { multipliers: &multipliers, offsets: &words, shifts: &[16] };
        agrees_with_comparison(std::slice::from_ref(&near), &Requant { form, lo: -8, hi: 7 })?;
        let offsets = [i64::try_from(start).unwrap()];
        let form = Form::ShiftHalfEven64 { multipliers: &multipliers, offsets: &offsets, shifts: &[16] };
        agrees_with_comparison(&[near], &Requant { form, lo: -8, hi: 7 })?;
    }

    /// Wraps are seen as the loader sees them.
    #[test]
    fn wide_conditions_are_those_of_the_loader(
        multiplier in any::<i64>(), offset in any::<i64>(), high in any::<i64>(), shift in 0u8..=130,
        lo in any::<i64>(), span in 0i64..i64::MAX, scale in 0u32..63,
    ) {
        let (lo, span) = (lo >> scale, span >> scale);
        let range = IntRange { lo, hi: lo.saturating_add(span) };
        let (multipliers, offsets, shifts) = ([multiplier >> scale], [offset], [shift]);
        let form = Form::ShiftHalfEven64 { multipliers: &multipliers, offsets: &offsets, shifts: &shifts };
        let wide = Form::Multiply128 { multipliers: &multipliers, offsets: &[[offset, high]], shifts: &shifts };
        for form in [form, wide] {
            let requant = Requant { form, lo: -128, hi: 127 };
            let accepted = conditions::check(&requant, 0, range).is_ok();
            prop_assert_eq!(accepted, requant.is_well_formed(1) && requant.is_exact_on(0, range));
        }
    }

    /// A function without a direction is compared everywhere, so one wrong entry is found.
    #[test]
    fn tables_of_general_functions_are_compared(damaged in 0usize..601, error in -1i16..=1) {
        let curve = Curve::affine(vec![Rational::new(1.into(), 40.into())], vec![crate::exact::from_integer(0)]);
        let quantizer = Quantizer::Uniform {
            scale: crate::exact::from_integer(1),
            zero_point: 0,
            after: 0,
            range: IntRange { lo: 0, hi: 7 },
            rounding: Rounding::HalfEven,
        };
        let function = Function::new(&curve.then(Piece::Abs), &quantizer, 0);
        let mut entries: Vec<i16> = (-300..=300).map(|acc| function.eval(acc).try_into().unwrap()).collect();
        entries[damaged] += error;
        let channels = [Channel { function, range: IntRange { lo: -300, hi: 300 } }];
        let requant = Requant { form: Form::Table { first: -300, entries: Entries::I16(&entries), domain: 601 }, lo: -2, hi: 9 };
        match certify(&channels, &requant) {
            Ok(certificate) => prop_assert_eq!((error, certificate.scope), (0, Scope::Exhaustive)),
            Err(CertifyError::Refuted { acc, .. }) => prop_assert_eq!(acc, damaged as i64 - 300),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
    }

    #[test]
    fn lists_are_judged_as_by_comparison(
        numer in 1i64..60, beta in -500i64..500, lo in -700i64..0, span in 0i64..900,
        damaged in 0usize..15, error in prop::sample::select(vec![0, 0, 1, -1, 40, -40]),
    ) {
        let channels = [channel(-numer, 97, beta, (-8, 7), (lo, lo + span))];
        let function = &channels[0].function;
        let first = |code| (-lo - span - 1..).find(|x| function.eval(-x) >= code).unwrap();
        let mut thresholds: Vec<i32> = (-7..=7).map(|code| i32::try_from(first(code)).unwrap()).collect();
        thresholds[damaged] += error;
        thresholds.sort_unstable();
        let form = Form::Thresholds { signs: &[-1], thresholds: &thresholds };
        agrees_with_comparison(&channels, &Requant { form, lo: -8, hi: 7 })?;

        let mut entries: Vec<i16> = (lo..=lo + span).map(|acc| function.eval(acc).try_into().unwrap()).collect();
        let damaged = damaged.min(entries.len() - 1);
        entries[damaged] += i16::try_from(error.signum()).unwrap();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let form = Form::Table { first: i32::try_from(lo).unwrap(), entries: Entries::I16(&entries), domain: u32::try_from(span).unwrap() + 1 };
        agrees_with_comparison(&channels, &Requant { form, lo: -8, hi: 7 })?;
    }

    /// The program loader has conditions of its own; what the checker certifies must load.
    #[test]
    fn certified_parameters_pass_the_loader(
        multiplier in any::<i32>(), offset in any::<i32>(), shift in 0u8..40, lo in -3000i32..0, hi in 0i32..3000,
    ) {
        let range = IntRange { lo: lo.into(), hi: hi.into() };
        let form = Form::Multiply32 { multipliers: &[multiplier], offsets: &[offset], shifts: &[shift] };
        let requant = Requant { form, lo: -128, hi: 127 };
        let accepted = conditions::check(&requant, 0, range).is_ok();
        prop_assert_eq!(accepted, requant.is_well_formed(1) && requant.is_exact_on(0, range));
    }
}

/// `acc / 1024` with codes of 4 bits, which one 32-bit line computes on the range.
fn simple() -> [Channel; 2] {
    [channel(1001, 1_024_000, 0, (-8, 7), (-9000, 9000)), channel(1001, 1_024_000, 0, (-8, 7), (-100, 100))]
}

#[test]
fn what_the_lemma_does_not_cover_is_not_called_proven() {
    let unproven = |form| match certify(&simple(), &Requant { form, lo: -8, hi: 7 }) {
        Err(CertifyError::Unproven { channel: 0, condition }) => condition,
        other => panic!("{other:?}"),
    };
    let wraps = Form::Multiply32 { multipliers: &[250_000], offsets: &[0], shifts: &[28] };
    assert_eq!(unproven(wraps), Condition::Wraps { acc: -9000, bits: 32 });
    // The line fits, the parity of its floor does not.
    let wraps = Form::ShiftHalfEven { multipliers: &[1], offsets: &[i32::MAX - 9000], shifts: &[10] };
    assert_eq!(unproven(wraps), Condition::Wraps { acc: 9000, bits: 32 });
    assert_eq!(unproven(Form::Offset { offsets: &[i32::MIN] }), Condition::Wraps { acc: -9000, bits: 32 });
    let shift = Form::Multiply32 { multipliers: &[1], offsets: &[0], shifts: &[42] };
    assert_eq!(unproven(shift), Condition::Shift { shift: 42, max: 31 });
    let shift = Form::Multiply64 { multipliers: &[1], offsets: &[0], shifts: &[64] };
    assert_eq!(unproven(shift), Condition::Shift { shift: 64, max: 63 });
    let crossing = Form::EvenOdd {
        even_multipliers: &[3],
        even_offsets: &[0],
        even_shifts: &[10],
        odd_multipliers: &[-1],
        odd_offsets: &[0],
        odd_shifts: &[10],
    };
    assert_eq!(unproven(crossing), Condition::Slopes);
    let disordered =
        Form::Thresholds { signs: &[1], thresholds: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 13] };
    assert_eq!(unproven(disordered), Condition::Order { index: 14 });
    let zero = Form::Thresholds { signs: &[0], thresholds: &[0; 15] };
    assert_eq!(unproven(zero), Condition::Sign { sign: 0 });
    let disordered = Form::Table { first: 0, entries: Entries::U8(&[1, 3, 2, 4]), domain: 4 };
    assert_eq!(unproven(disordered), Condition::Order { index: 2 });
    let swapped = certify(&simple(), &Requant { form: Form::Offset { offsets: &[0] }, lo: 7, hi: -8 });
    assert_eq!(swapped, Err(CertifyError::Unproven { channel: 0, condition: Condition::Codes }));
}

#[test]
fn malformed_layers_are_refused() {
    let requant = Requant { form: Form::Offset { offsets: &[0, 0, 0] }, lo: -8, hi: 7 };
    assert_eq!(certify(&[], &requant), Err(CertifyError::NoChannels));
    let length = CertifyError::Length { parameter: "offsets", found: 3, group: 1, channels: 2 };
    assert_eq!(certify(&simple(), &requant), Err(length));
    let thresholds = Form::Thresholds { signs: &[1], thresholds: &[0; 16] };
    let error = certify(&simple(), &Requant { form: thresholds, lo: -8, hi: 7 }).unwrap_err();
    assert_eq!(error.to_string(), "`thresholds` has 16 elements, needed 0, 15 or 15 for each of 2 channels");
    let wide = [channel(1, 3, 0, (-8, 7), (0, 1 << 31))];
    let requant = Requant { form: Form::Offset { offsets: &[0] }, lo: -8, hi: 7 };
    let range = wide[0].range;
    assert_eq!(certify_exhaustively(&wide, &requant), Err(CertifyError::Range { channel: 0, range }));
}

#[test]
fn a_certificate_says_what_was_done() {
    let channels = simple();
    let line = |offsets| Form::Multiply32 { multipliers: &[1025], offsets, shifts: &[20] };
    let requant = Requant { form: line(&[1 << 19]), lo: -8, hi: 7 };
    let proven = certify(&channels, &requant).unwrap();
    assert_eq!(
        proven.to_string(),
        "proven: multiply32 gives the exact code in -8..=7 for every accumulator in -9000..=9000, 2 channels, 34 points compared"
    );
    assert!(proven.shared);
    assert_eq!((proven.multiplier_bits, proven.channels[0].runs, proven.channels[1].runs), (11, 16, 1));
    let compared = certify_exhaustively(&channels, &requant).unwrap();
    assert_eq!((compared.scope, compared.points()), (Scope::Exhaustive, 18_001 + 201));
    assert_eq!(compared.thresholds_digest(), proven.thresholds_digest());
    // The digest names the function: another offset of the same codes is another function.
    let other = [channel(1001, 1_024_000, 1, (-8, 7), (-9000, 9000))];
    let form = line(&[(1 << 19) + 149_797]);
    let other = certify(&other, &Requant { form, lo: -8, hi: 7 }).unwrap();
    assert_ne!(other.channels[0].thresholds_digest, proven.channels[0].thresholds_digest);
}

//! Definitions from the values of enumerations.

use std::sync::Arc;

use crate::common::{GOLDEN, assert_golden, input};
use crate::layer;
use exactum_training::Parameter;
use exactum_training::nn::QuantIdentity;
use exactum_training::quant::*;

#[test]
fn s52_weight_quantizer_from_enumerations() {
    let quant = WeightQuant {
        quant_type: QuantType::Int,
        bit_width_impl_type: BitWidthImplType::Const,
        float_to_int_impl_type: FloatToIntImplType::Round,
        scaling_impl_type: ScalingImplType::Stats,
        scaling_stats_op: StatsOp::Max,
        restrict_scaling_type: RestrictValueType::Fp,
        scaling_per_output_type: ScalingPerOutputType::Tensor,
        bit_width: 8,
        signed: true,
        narrow_range: true,
        zero_point_impl: ZeroPointImpl::Zero,
        ..ShiftedUint8WeightPerChannelFloat
    };
    assert_golden(
        &layer("c02_default_weight", quant).quant_weight::<2>().unwrap(),
        &GOLDEN["c02_default_weight"]["q"],
    );
}

#[test]
fn s53_activation_quantizer_from_enumerations() {
    let quant = ActQuant {
        quant_type: QuantType::Int,
        bit_width_impl_type: BitWidthImplType::Const,
        float_to_int_impl_type: FloatToIntImplType::Round,
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        scaling_stats_op: StatsOp::Percentile,
        high_percentile_q: Some(99.999),
        collect_stats_steps: Some(300),
        restrict_scaling_type: RestrictValueType::Fp,
        scaling_per_output_type: ScalingPerOutputType::Tensor,
        bit_width: 8,
        signed: true,
        narrow_range: false,
        zero_point_impl: ZeroPointImpl::Zero,
        ..SignedBinaryActPerTensorConst
    };
    let identity = QuantIdentity::builder("id").act_quant(ActQuant { min_val: None, max_val: None, ..quant });
    let y = identity.build().unwrap().forward(&input("c10_identity")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c10_identity"]["qin"]);
}

/// The same attributes are other components for weights than for activations.
#[test]
fn s54_solvers_translate_the_same_attributes() {
    let weight = Parameter::new(vec![1.0, -2.0], &[1, 2]);
    let label = |tensor_quant: Arc<dyn TensorQuant>| {
        let children = tensor_quant.children();
        children.into_iter().find(|(name, _)| *name == "scaling_impl").unwrap().1.label()
    };
    for (kind, of_weight, of_act) in [
        (ScalingImplType::Stats, "StatsFromParameterScaling()", "RuntimeStatsScaling()"),
        (
            ScalingImplType::ParameterFromStats,
            "ParameterFromStatsFromParameterScaling()",
            "ParameterFromRuntimeStatsScaling()",
        ),
        (ScalingImplType::AffineStats, "StatsFromParameterScaling()", "RuntimeStatsScaling()"),
    ] {
        let quant = WeightQuant { scaling_impl_type: kind, ..Int8WeightPerTensorFloat };
        let weights = std::slice::from_ref(&weight);
        assert_eq!(label(WeightQuantSolver::solve(&quant, weights, 0).unwrap().unwrap()), of_weight);
        let quant = ActQuant { scaling_impl_type: kind, ..Int8ActPerTensorFloat };
        assert_eq!(label(ActQuantSolver::solve(&quant).unwrap().unwrap()), of_act);
    }
}

/// A value of an enumeration gives integers of a scale, or is refused by the name of its attribute.
fn check(built: Result<Option<Arc<dyn TensorQuant>>, QuantizerBuildError>, refused: Option<&str>) {
    match (built, refused) {
        (Ok(None), None) => {}
        (Ok(Some(tensor_quant)), None) => {
            let quantizer = tensor_quant.fixed().unwrap();
            assert!(quantizer.scales().iter().all(|scale| *scale > 0.0));
        }
        (Err(QuantizerBuildError::Unsupported { attribute, reason, .. }), Some(needed)) => {
            assert_eq!(attribute, needed);
            assert!(!reason.is_empty());
        }
        (Err(error), _) => panic!("{error}"),
        (Ok(_), Some(attribute)) => panic!("{attribute} was not refused"),
    }
}

#[test]
fn s55_every_enumeration_value_works_or_is_refused() {
    let weight = Parameter::new(vec![0.3, -0.8, 0.1, 0.6], &[2, 2]);
    let weights = std::slice::from_ref(&weight);
    let base = WeightQuant {
        sigma: Some(2.0),
        high_percentile_q: Some(99.0),
        low_percentile_q: Some(1.0),
        scaling_init: Some(ScalingInit::Float(1.0)),
        ..Int8WeightPerTensorFloat
    };
    let act_base = ActQuant {
        sigma: Some(2.0),
        low_percentile_q: Some(1.0),
        scaling_init: Some(ScalingInit::Float(1.0)),
        ..Int8ActPerTensorFloat
    };
    // For weights and for activations: which values are refused.
    macro_rules! each {
        ($field:ident, $type:ident: $($variant:ident $weight:expr, $act:expr;)*) => {$(
            let quant = WeightQuant { $field: $type::$variant, ..base.clone() };
            check(WeightQuantSolver::solve(&quant, weights, 0), $weight.then_some(stringify!($field)));
            let quant = ActQuant { $field: $type::$variant, ..act_base.clone() };
            check(ActQuantSolver::solve(&quant), $act.then_some(stringify!($field)));
        )*};
    }
    each!(quant_type, QuantType: Binary false, false; Ternary false, false; Int false, false; Fp false, false;);
    each!(bit_width_impl_type, BitWidthImplType: Const false, false; Parameter false, false; StatefulConst false, false;);
    each!(float_to_int_impl_type, FloatToIntImplType:
        Round false, false; Ceil false, false; Floor false, false; RoundToZero false, false; Dpu false, false;
        LearnedRound false, true; StochasticRound false, false;);
    each!(scaling_impl_type, ScalingImplType:
        He false, true; Const false, false; Stats false, false; AffineStats false, false; Parameter false, false;
        ParameterFromStats false, false;);
    each!(restrict_scaling_type, RestrictValueType: Fp false, false; LogFp false, false; Int true, true; PowerOfTwo false, false;);
    each!(scaling_stats_op, StatsOp:
        Max false, false; Ave false, false; MaxAve false, true; MeanSigmaStd false, false;
        MeanLearnSigmaStd false, false; Percentile false, false; MinMax false, false; PercentileInterval false, false;
        Mse false, false;);
    each!(scaling_per_output_type, ScalingPerOutputType: Tensor false, false; Group true, true;);
    let per_channel = WeightQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..base.clone() };
    check(WeightQuantSolver::solve(&per_channel, weights, 0), None);
    each!(zero_point_impl, ZeroPointImpl: Zero false, false;);
}

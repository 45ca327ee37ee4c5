//! Embeddings: rows of a quantized table.

use super::keywords::{Keywords, quantizer_keywords};
use crate::activation::{Activation, Data};
use crate::backend::{self, DType, Int, Tensor, TensorData};
use crate::component::{Component, burn_module};
use crate::error::{BuildError, ForwardError};
use crate::exact::quantize;
use crate::pass::Mode;
use crate::quant::definition::{keywords, weight_attributes};
use crate::quant::{
    BitWidth, BitWidthImplType, Clamp, FloatToInt, FloatToIntImplType, Int8WeightPerTensorFloat, IntScaling,
    QuantType, RestrictValue, RestrictValueType, Scaling, ScalingImplType, ScalingInit, ScalingPerOutputType,
    Stats, StatsOp, TensorQuant, WeightQuant, WeightQuantProxy, ZeroPointImpl,
};
use crate::quant_tensor::{FakeQuantized, QuantTensor};
use crate::trace::{Constant, Record, Structural};
use crate::{Init, Parameter};

/// Replaces each index by a row of a table, whose quantizer the output has.
#[derive(Clone)]
pub struct QuantEmbedding {
    name: String,
    weight: Parameter,
    weight_quant: Option<WeightQuantProxy>,
}

/// Builds a [`QuantEmbedding`]; the default quantizer is [`Int8WeightPerTensorFloat`], every attribute of it a keyword.
pub struct EmbeddingBuilder {
    name: String,
    shape: [usize; 2],
    weight_quant: Keywords<WeightQuant>,
}

impl EmbeddingBuilder {
    /// The layer, its rows drawn from `init`.
    ///
    /// # Errors
    ///
    /// If the quantizer cannot be built from its definition.
    pub fn build(self, init: &mut Init) -> Result<QuantEmbedding, BuildError> {
        let weight = init.fan_in_uniform(&self.shape, 1);
        self.with_parameters(weight)
    }

    /// The layer with given rows.
    ///
    /// # Errors
    ///
    /// If the shape of the table is another one, or the quantizer cannot be built from its definition.
    pub fn with_parameters(self, weight: Parameter) -> Result<QuantEmbedding, BuildError> {
        let (layer, needed) = (self.name.clone(), self.shape.to_vec());
        if weight.shape() != self.shape {
            let found = weight.shape().to_vec();
            return Err(BuildError::Parameter { layer, name: "weight", found, needed });
        }
        let weight_quant = match self.weight_quant.finish() {
            None => None,
            Some(quant) => WeightQuantProxy::build(quant, &weight, 0)
                .map_err(|source| BuildError::Quantizer { layer, quantizer: "weight_quant", source })?,
        };
        Ok(QuantEmbedding { name: self.name, weight, weight_quant })
    }
}

quantizer_keywords! {
    [] EmbeddingBuilder;
    /// The quantizer of the table, with one scale; `None` for floats.
    weight_quant: WeightQuant, weight_attributes, "weight_", change_weight
}

impl QuantEmbedding {
    /// A builder of a table of `rows` rows of `columns` values.
    pub fn builder(name: impl Into<String>, rows: usize, columns: usize) -> EmbeddingBuilder {
        let weight_quant = Keywords::new(Some(Int8WeightPerTensorFloat));
        EmbeddingBuilder { name: name.into(), shape: [rows, columns], weight_quant }
    }

    /// The table.
    pub fn weight(&self) -> &Parameter {
        &self.weight
    }

    /// The rows that whole numbers in `[batch, length]` choose: `[batch, length, columns]`.
    ///
    /// # Errors
    ///
    /// If a number is no index of a row, if the table has more than one scale, or if its quantizer fails.
    pub fn forward(&self, x: &Activation<2>) -> Result<Activation<3>, ForwardError> {
        let shape: [usize; 2] = [self.weight.shape()[0], self.weight.shape()[1]];
        let indices = backend::to_f32(&x.value());
        let fits = |index: &f32| *index >= 0.0 && *index < shape[0] as f32 && *index == index.trunc();
        if let Some((index, value)) = indices.iter().copied().enumerate().find(|(_, index)| !fits(index)) {
            let needed = format!("whole numbers below {}; number {index} is {value}", shape[0]);
            return Err(ForwardError::Shape { layer: self.name.clone(), found: x.dims().to_vec(), needed });
        }
        let rows: Vec<i64> = indices.iter().map(|index| *index as i64).collect();
        let [batch, length] = x.dims();
        let chosen = [batch, length, shape[1]];
        let gather = |table: Tensor<2>| {
            let data = TensorData::new(rows.clone(), [rows.len()]);
            let indices = Tensor::<1, Int>::from_data(data, (&table.device().inner(), DType::I64));
            table.select(0, indices).reshape(chosen)
        };
        let mode = x.mode();
        let Some(proxy) = &self.weight_quant else {
            let data = Data::Float(gather(self.weight.tensor(mode, shape)));
            return Ok(x.next(data, || self.record(shape, Constant::Float(self.weight.values()))));
        };
        let table = proxy.forward::<2>(&self.weight, mode);
        if table.scale().len() > 1 {
            return Err(ForwardError::Accumulated { layer: self.name.clone() });
        }
        if mode == Mode::Train {
            let Some(fake) = table.fake() else {
                return Err(ForwardError::Accumulated { layer: self.name.clone() });
            };
            let gathered = FakeQuantized {
                value: gather(fake.value.clone()),
                scale: fake.scale.clone(),
                zero_point: fake.zero_point.clone(),
                bit_width: fake.bit_width.clone(),
                axis: None,
                signed: fake.signed,
                training: fake.training,
                averaged: false,
            };
            return Ok(x.untraced_next(QuantTensor::from(gathered).into()));
        }
        let failed = |source| ForwardError::Quantizer { layer: self.name.clone(), source };
        let (codes, quantizer) = proxy.codes(&self.weight).map_err(failed)?;
        let values = gather(self.weight.tensor(Mode::Eval, shape));
        let data = QuantTensor::from(quantize(&values, &quantizer, 1, false)).into();
        Ok(x.next(data, || self.record(shape, Constant::Quantized { codes, quantizer })))
    }

    fn record(&self, shape: [usize; 2], table: Constant) -> Record {
        Record::Structural { name: self.name.clone(), operator: Structural::Embedding { shape, table } }
    }
}

impl Component for QuantEmbedding {
    fn label(&self) -> String {
        format!("QuantEmbedding({}, {})", self.weight.shape()[0], self.weight.shape()[1])
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("weight", &self.weight)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.weight_quant.iter().map(|part| ("weight_quant", part as &dyn Component)).collect()
    }
}

burn_module!([] QuantEmbedding);

//! Between layers and tensor quantizers: views, fake quantization in training, exact codes in evaluation.
//!
//! A proxy keeps the definition it was built from and builds its quantizer anew when a layer joins and on
//! `init_tensor_quant`. Cloning a proxy shares its quantizer: two layers with clones of one proxy have one scale.

mod generations;

use std::sync::{Arc, PoisonError, RwLock};

use self::generations::Generations;
use super::{
    ActQuant, ActQuantSolver, FixedQuantizer, InputCodes, QuantizerBuildError, QuantizerError, TensorQuant,
    View, WeightQuant, WeightQuantSolver,
};
use crate::component::Component;
use crate::quant_tensor::FakeQuantized;
use crate::{Mode, Parameter, QuantTensor, backend};

/// Quantizes a layer's weight.
#[derive(Clone)]
pub struct WeightQuantProxy {
    shared: Arc<SharedWeightQuant>,
}

struct SharedWeightQuant {
    /// None for a quantizer that was not made from one.
    definition: Option<WeightQuant>,
    view: View,
    /// The dimension of the weights that runs over output channels.
    output_axis: usize,
    /// The weights of all layers that have the quantizer.
    tracked: RwLock<Vec<Parameter>>,
    tensor_quant: Generations,
}

impl WeightQuantProxy {
    /// A proxy of any tensor quantizer. `view` is per tensor or along the output channels. It does not follow the weights of
    /// layers that join.
    pub fn new(tensor_quant: Arc<dyn TensorQuant>, view: View) -> Self {
        let (tracked, output_axis) = (RwLock::default(), view.axis().unwrap_or_default());
        let tensor_quant = Generations::new(tensor_quant);
        Self {
            shared: Arc::new(SharedWeightQuant {
                definition: None,
                view,
                output_axis,
                tracked,
                tensor_quant,
            }),
        }
    }

    /// The quantizer of `weight`, whose output channels are dimension `output_axis`, that `definition` describes; `None`
    /// if it describes floats.
    ///
    /// # Errors
    ///
    /// If the definition cannot be built; see [`QuantizerBuildError`].
    pub fn build(
        definition: WeightQuant,
        weight: &Parameter,
        output_axis: usize,
    ) -> Result<Option<Self>, QuantizerBuildError> {
        let weights = vec![weight.clone()];
        let solved = WeightQuantSolver::solve(&definition, &weights, output_axis)?;
        let Some(tensor_quant) = solved else { return Ok(None) };
        let view = WeightQuantSolver::view(&definition, output_axis)?;
        Ok(Some(Self {
            shared: Arc::new(SharedWeightQuant {
                definition: Some(definition),
                view,
                output_axis,
                tracked: RwLock::new(weights),
                tensor_quant: Generations::new(tensor_quant),
            }),
        }))
    }

    /// A handle of the same quantizer for one more `weight`. The quantizer is built anew for all its weights.
    ///
    /// # Errors
    ///
    /// If the weight does not have as many output channels as the others, or as [`build`](Self::build).
    pub fn share_with(&self, weight: &Parameter) -> Result<Self, QuantizerBuildError> {
        let tracked = self.tracked();
        let channels = |weight: &Parameter| self.shared.view.groups(weight.shape());
        if let Some(first) = tracked.first()
            && channels(first) != channels(weight)
        {
            let (found, needed) = (weight.shape().to_vec(), first.shape().to_vec());
            return Err(QuantizerBuildError::Shape { found, needed });
        }
        if !tracked.iter().any(|known| known.is(weight)) {
            self.shared.tracked.write().unwrap_or_else(PoisonError::into_inner).push(weight.clone());
            self.init_tensor_quant()?;
        }
        Ok(self.clone())
    }

    /// Builds the quantizer anew from its definition and the weights as they are: constants and starting values that
    /// depend on weights are computed again, learned values start again. Needed after weights were changed or loaded.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn init_tensor_quant(&self) -> Result<(), QuantizerBuildError> {
        if let Some(definition) = &self.shared.definition
            && let Some(next) =
                WeightQuantSolver::solve(definition, &self.tracked(), self.shared.output_axis)?
        {
            self.shared.tensor_quant.push(next);
        }
        Ok(())
    }

    /// The quantizer as it stands.
    pub fn tensor_quant(&self) -> &Arc<dyn TensorQuant> {
        self.shared.tensor_quant.current()
    }

    /// Whether both are handles of one quantizer.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Tells the quantizer of the codes of the layer's input; see [`TensorQuant::set_input`].
    pub(crate) fn set_input(&self, bit_width: f32, symmetric: bool) {
        self.tensor_quant().set_input(InputCodes { bit_width, signed: symmetric });
    }

    /// The fake-quantized weight.
    ///
    /// # Panics
    ///
    /// If the weight does not have rank `D`.
    pub fn forward<const D: usize>(&self, weight: &Parameter, mode: Mode) -> QuantTensor<D> {
        let shape: [usize; D] = weight.shape().try_into().expect("the rank of the weight");
        let (tensor_quant, view) = (self.tensor_quant(), self.shared.view);
        if mode == Mode::Train
            && let Some(limits) = tensor_quant.clip()
        {
            clip(weight, &limits, view.run_elems(&shape));
        }
        let quantized = tensor_quant.forward(view.apply(weight.tensor(mode, shape)), mode);
        QuantTensor::from(FakeQuantized {
            value: view.restore(quantized.value, shape),
            scale: quantized.scale,
            zero_point: quantized.zero_point,
            bit_width: quantized.bit_width,
            axis: view.axis(),
            signed: tensor_quant.signed(),
            training: mode == Mode::Train,
            averaged: false,
        })
    }

    /// The exact codes of the weight, row-major, and the quantizer that gives them back from their values.
    ///
    /// # Errors
    ///
    /// If the parameters are no integer quantizer.
    pub fn codes(&self, weight: &Parameter) -> Result<(Vec<i32>, FixedQuantizer), QuantizerError> {
        self.tensor_quant().codes(&weight.values(), self.shared.view.run_elems(weight.shape()))
    }

    fn tracked(&self) -> Vec<Parameter> {
        self.shared.tracked.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Limits the values of `weight` to plus and minus `limits`, one or one per output channel. A weight within them keeps
/// its place in the autograd graph.
fn clip(weight: &Parameter, limits: &[f32], run_elems: usize) {
    let mut values = weight.values();
    let mut changed = false;
    for (value, limit) in values
        .chunks_mut(run_elems.max(1))
        .zip(limits.iter().cycle())
        .flat_map(|(run, limit)| run.iter_mut().map(move |v| (v, limit)))
    {
        if value.abs() > *limit {
            *value = limit.copysign(*value);
            changed = true;
        }
    }
    if changed {
        weight.set(values);
    }
}

impl Component for WeightQuantProxy {
    fn label(&self) -> String {
        "WeightQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("input_view_impl", &self.shared.view), ("tensor_quant", &**self.tensor_quant())]
    }

    fn weights_replaced(&self) -> Result<(), QuantizerBuildError> {
        self.init_tensor_quant()
    }
}

/// Quantizes activations.
#[derive(Clone)]
pub struct ActQuantProxy {
    shared: Arc<SharedActQuant>,
}

struct SharedActQuant {
    /// None for a quantizer that was not made from one.
    definition: Option<ActQuant>,
    view: View,
    /// Number of scales.
    groups: usize,
    tensor_quant: Generations,
}

impl ActQuantProxy {
    /// A proxy of a tensor quantizer with one scale.
    pub fn new(tensor_quant: Arc<dyn TensorQuant>) -> Self {
        Self::of(None, View::PerTensor, 1, tensor_quant)
    }

    /// The quantizer that `definition` describes; `None` if it describes floats.
    ///
    /// # Errors
    ///
    /// If the definition cannot be built; see [`QuantizerBuildError`].
    pub fn build(definition: ActQuant) -> Result<Option<Self>, QuantizerBuildError> {
        let Some(tensor_quant) = ActQuantSolver::solve(&definition)? else { return Ok(None) };
        let (view, groups) = ActQuantSolver::view(&definition)?;
        Ok(Some(Self::of(Some(definition), view, groups, tensor_quant)))
    }

    fn of(
        definition: Option<ActQuant>,
        view: View,
        groups: usize,
        tensor_quant: Arc<dyn TensorQuant>,
    ) -> Self {
        let tensor_quant = Generations::new(tensor_quant);
        Self { shared: Arc::new(SharedActQuant { definition, view, groups, tensor_quant }) }
    }

    /// Builds the quantizer anew from its definition: collected statistics and learned values start again.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn init_tensor_quant(&self) -> Result<(), QuantizerBuildError> {
        if let Some(definition) = &self.shared.definition
            && let Some(next) = ActQuantSolver::solve(definition)?
        {
            self.shared.tensor_quant.push(next);
        }
        Ok(())
    }

    /// The quantizer as it stands.
    pub fn tensor_quant(&self) -> &Arc<dyn TensorQuant> {
        self.shared.tensor_quant.current()
    }

    /// Fake-quantizes values for training; their shape has passed [`check`](Self::check). `computed` if they come from codes.
    pub(crate) fn forward<const D: usize>(&self, x: backend::Tensor<D>, computed: bool) -> QuantTensor<D> {
        let shape = x.dims();
        let (tensor_quant, view) = (self.tensor_quant(), self.shared.view);
        let x = view.apply(x);
        let quantized = if computed {
            tensor_quant.requantize(x, Mode::Train)
        } else {
            tensor_quant.forward(x, Mode::Train)
        };
        QuantTensor::from(FakeQuantized {
            value: view.restore(quantized.value, shape),
            scale: quantized.scale,
            zero_point: quantized.zero_point,
            bit_width: quantized.bit_width,
            axis: view.axis(),
            signed: tensor_quant.signed(),
            training: true,
            averaged: false,
        })
    }

    /// Adds values to the statistics, without quantizing them.
    pub(crate) fn observe<const D: usize>(&self, x: backend::Tensor<D>) {
        self.forward(x.autodiff(), false);
    }

    /// The dimension of channels; where all share one scale, the usual one.
    pub(crate) fn axis(&self) -> usize {
        self.shared.view.axis().unwrap_or(1)
    }

    /// Whether a tensor of `shape` has the channels of the quantizer.
    pub(crate) fn check(&self, shape: &[usize]) -> Result<(), QuantizerError> {
        match (self.shared.view.axis(), self.shared.groups) {
            (Some(axis), groups) if shape.get(axis) != Some(&groups) => {
                Err(QuantizerError::Channels { found: shape.to_vec(), groups, axis })
            }
            _ => Ok(()),
        }
    }

    /// Scale, zero point and type as evaluation uses them.
    ///
    /// # Errors
    ///
    /// If the parameters are no integer quantizer, or zero points differ between channels.
    pub fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        let quantizer = self.tensor_quant().fixed()?;
        let zero_points = quantizer.zero_points();
        if zero_points.iter().any(|zero_point| *zero_point != zero_points[0]) {
            return Err(QuantizerError::ZeroPoints { zero_points: zero_points.to_vec() });
        }
        Ok(quantizer)
    }
}

impl Component for ActQuantProxy {
    fn label(&self) -> String {
        "ActQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("input_view_impl", &self.shared.view), ("tensor_quant", &**self.tensor_quant())]
    }
}

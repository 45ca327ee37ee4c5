//! Functions that move elements of activations and keep their codes.

use burn::tensor::ops::PadMode;

use super::{Activation, Data};
use crate::backend::Tensor;
use crate::error::ForwardError;
use crate::quant_tensor::{OperandError, QuantTensor};
use crate::trace::{Record, Structural};

impl<const D: usize> Activation<D> {
    /// The same elements in another shape; see [`QuantTensor::reshape`].
    ///
    /// # Errors
    ///
    /// If the number of elements differs, or elements would be separated from the scale of their channel.
    pub fn reshape<const E: usize>(&self, shape: [usize; E]) -> Result<Activation<E>, ForwardError> {
        self.reshape_as(&self.step_name("reshape"), shape)
    }

    pub(crate) fn reshape_as<const E: usize>(
        &self,
        name: &str,
        shape: [usize; E],
    ) -> Result<Activation<E>, ForwardError> {
        let name = name.to_owned();
        let found = self.dims();
        if found.iter().product::<usize>() != shape.iter().product::<usize>() {
            let needed = format!("{} elements for shape {shape:?}", shape.iter().product::<usize>());
            return Err(ForwardError::Shape { layer: name, found: found.to_vec(), needed });
        }
        let data = self.moved(&name, |x| x.reshape(shape), |x| x.reshape(shape))?;
        let operator = Structural::Reshape { shape: shape.to_vec() };
        Ok(self.next(data, || Record::Structural { name, operator }))
    }

    /// Dimensions `start ..= end` as one.
    ///
    /// # Errors
    ///
    /// If there are no such dimensions, the rank of the result is another one, or as [`reshape`](Self::reshape).
    pub fn flatten<const E: usize>(&self, start: usize, end: usize) -> Result<Activation<E>, ForwardError> {
        let dims = self.dims();
        let flat = (start <= end && end < D).then(|| {
            let one = dims[start..=end].iter().product();
            [&dims[..start], &[one], &dims[end + 1..]].concat()
        });
        self.reshaped("flatten", flat)
    }

    /// Without dimension `dim`, which has extent 1.
    ///
    /// # Errors
    ///
    /// If it has another extent, or the rank of the result is another one.
    pub fn squeeze<const E: usize>(&self, dim: usize) -> Result<Activation<E>, ForwardError> {
        let dims = self.dims();
        let squeezed = (dims.get(dim) == Some(&1)).then(|| [&dims[..dim], &dims[dim + 1..]].concat());
        self.reshaped("squeeze", squeezed)
    }

    /// With a new dimension `dim` of extent 1.
    ///
    /// # Errors
    ///
    /// If the rank is too small, or the rank of the result is another one.
    pub fn unsqueeze<const E: usize>(&self, dim: usize) -> Result<Activation<E>, ForwardError> {
        let dims = self.dims();
        let unsqueezed = (dim <= D).then(|| [&dims[..dim], &[1], &dims[dim..]].concat());
        self.reshaped("unsqueeze", unsqueezed)
    }

    /// The dimensions in another order; see [`QuantTensor::permute`].
    ///
    /// # Errors
    ///
    /// If `axes` does not name each dimension once.
    pub fn permute(&self, axes: [usize; D]) -> Result<Self, ForwardError> {
        self.permute_as(&self.step_name("permute"), axes)
    }

    pub(crate) fn permute_as(&self, name: &str, axes: [usize; D]) -> Result<Self, ForwardError> {
        let name = name.to_owned();
        if !(0..D).all(|axis| axes.contains(&axis)) {
            let needed = format!("dimensions {axes:?}, each once");
            return Err(ForwardError::Shape { layer: name, found: self.dims().to_vec(), needed });
        }
        let data = self.moved(&name, |x| x.permute(axes), |x| x.permute(axes))?;
        let operator = Structural::Transpose { axes: axes.to_vec() };
        Ok(self.next(data, || Record::Structural { name, operator }))
    }

    /// Zeros around the last dimensions; see [`QuantTensor::pad`].
    ///
    /// # Errors
    ///
    /// If there are fewer dimensions, or zero is no code: the input is an accumulator with a bias.
    pub fn pad<const N: usize>(&self, pads: [(usize, usize); N]) -> Result<Self, ForwardError> {
        self.pad_as(&self.step_name("pad"), pads)
    }

    pub(crate) fn pad_as<const N: usize>(
        &self,
        name: &str,
        pads: [(usize, usize); N],
    ) -> Result<Self, ForwardError> {
        let name = name.to_owned();
        if N > D {
            let needed = format!("at least {N} dimensions");
            return Err(ForwardError::Shape { layer: name, found: self.dims().to_vec(), needed });
        }
        let data = self.moved(&name, |x| x.pad(pads, PadMode::Constant(0.0)), |x| x.pad(pads))?;
        let side = |of: fn(&(usize, usize)) -> usize| {
            std::iter::repeat_n(0, D - N).chain(pads.iter().map(of).collect::<Vec<_>>())
        };
        let operator = Structural::Pad { pads: side(|pad| pad.0).chain(side(|pad| pad.1)).collect() };
        Ok(self.next(data, || Record::Structural { name, operator }))
    }

    /// Dimensions `first` and `second` exchanged.
    ///
    /// # Errors
    ///
    /// If there is no such dimension.
    pub fn transpose(&self, first: usize, second: usize) -> Result<Self, ForwardError> {
        let mut axes: [usize; D] = std::array::from_fn(|axis| axis);
        if first >= D || second >= D {
            let needed = format!("a tensor with dimensions {first} and {second}");
            let layer = self.step_name("transpose");
            return Err(ForwardError::Shape { layer, found: self.dims().to_vec(), needed });
        }
        axes.swap(first, second);
        self.permute(axes)
    }

    fn reshaped<const E: usize>(
        &self,
        name: &str,
        shape: Option<Vec<usize>>,
    ) -> Result<Activation<E>, ForwardError> {
        match shape.as_deref().map(<[usize; E]>::try_from) {
            Some(Ok(shape)) => self.reshape(shape),
            _ => {
                let needed = format!("a shape that {name} turns into one of {E} dimensions");
                let layer = self.step_name(name);
                Err(ForwardError::Shape { layer, found: self.dims().to_vec(), needed })
            }
        }
    }

    fn moved<const E: usize>(
        &self,
        name: &str,
        floats: impl FnOnce(Tensor<D>) -> Tensor<E>,
        codes: impl FnOnce(&QuantTensor<D>) -> Result<QuantTensor<E>, OperandError>,
    ) -> Result<Data<E>, ForwardError> {
        match self.data() {
            Data::Float(value) => Ok(Data::Float(floats(value.clone()))),
            Data::Quant(quant) => match codes(quant) {
                Ok(moved) => Ok(moved.into()),
                Err(source) => Err(ForwardError::Operands { layer: name.to_owned(), source }),
            },
        }
    }
}

//! Components given in a definition: an instance, or a function evaluated when the quantizer is built.

use std::fmt;
use std::sync::Arc;

use super::{
    BitWidth, Clamp, FloatToInt, IntScaling, QuantizerBuildError, RestrictValue, Scaling, Stats, TensorQuant,
    View, ZeroPoint,
};
use crate::Parameter;

/// What a function that makes a component can look at.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext<'a> {
    /// The weights of all layers that have the quantizer; none for activations.
    pub weights: &'a [Parameter],
    /// The quantizer's grouping of elements.
    pub view: View,
    /// Number of groups, each with its own scale.
    pub groups: usize,
}

type ProviderFn<T> = dyn Fn(&BuildContext<'_>) -> Result<Arc<T>, QuantizerBuildError> + Send + Sync;

/// Gives a component of a quantizer.
pub enum Provider<T: ?Sized> {
    /// This very component, as is: quantizers that get the same instance share it.
    Instance(Arc<T>),
    /// Made when the quantizer is built, and again when a layer joins and by `init_tensor_quant`.
    Value(Arc<ProviderFn<T>>),
}

impl<T: ?Sized> Provider<T> {
    /// A component made by `make` whenever the quantizer is built.
    pub fn value(
        make: impl Fn(&BuildContext<'_>) -> Result<Arc<T>, QuantizerBuildError> + Send + Sync + 'static,
    ) -> Self {
        Self::Value(Arc::new(make))
    }

    /// The component.
    ///
    /// # Errors
    ///
    /// Those of the function.
    pub fn provide(&self, context: &BuildContext<'_>) -> Result<Arc<T>, QuantizerBuildError> {
        match self {
            Self::Instance(component) => Ok(component.clone()),
            Self::Value(make) => make(context),
        }
    }
}

impl<T: ?Sized> Clone for Provider<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Instance(component) => Self::Instance(component.clone()),
            Self::Value(make) => Self::Value(make.clone()),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Provider<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instance(_) => "Instance",
            Self::Value(_) => "Value",
        })
    }
}

impl<T: ?Sized> From<Arc<T>> for Provider<T> {
    fn from(component: Arc<T>) -> Self {
        Self::Instance(component)
    }
}

/// Lets an `Arc` of any type of a component stand for its trait object.
macro_rules! from_instances {
    ($($component:ident),*) => {$(
        impl<C: $component + 'static> From<Arc<C>> for Provider<dyn $component> {
            fn from(component: Arc<C>) -> Self {
                Self::Instance(component)
            }
        }
    )*};
}
from_instances!(
    BitWidth,
    Clamp,
    FloatToInt,
    IntScaling,
    RestrictValue,
    Scaling,
    Stats,
    TensorQuant,
    ZeroPoint
);

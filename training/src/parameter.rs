//! Trainable values, shared between the layers that use them and the optimizer that moves them, and buffers: values
//! that are saved with them and that no optimizer sees a gradient of.
//!
//! A parameter is a handle: clones are the same parameter. Sharing a quantizer, or one of its components, between
//! layers is therefore plain cloning of its handle. Towards burn each handle is a `Param` of its own rank: optimizers,
//! records and stores read and replace it through [`Parameter::visit`] and [`Parameter::map`].

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};

use crate::Mode;
use crate::backend::{self, Device, Gradients, Tensor};

/// A trainable tensor, or a buffer, with a fixed shape of rank 1 to 5. Cloning gives another handle of the same values.
#[derive(Clone)]
pub struct Parameter {
    shared: Arc<Shared>,
}

struct Shared {
    shape: Vec<usize>,
    is_buffer: bool,
    value: RwLock<Value>,
}

struct Value {
    id: ParamId,
    leaf: Leaf,
}

/// A leaf of the autograd graph, in its own rank.
#[derive(Clone)]
enum Leaf {
    R1(Tensor<1>),
    R2(Tensor<2>),
    R3(Tensor<3>),
    R4(Tensor<4>),
    R5(Tensor<5>),
}

/// Evaluates an expression on the tensor of a leaf, whatever its rank.
macro_rules! with_leaf {
    ($leaf:expr, $tensor:ident => $body:expr) => {
        match $leaf {
            Leaf::R1($tensor) => $body,
            Leaf::R2($tensor) => $body,
            Leaf::R3($tensor) => $body,
            Leaf::R4($tensor) => $body,
            Leaf::R5($tensor) => $body,
        }
    };
}

/// As [`with_leaf`], for an expression that gives a tensor of the same rank.
macro_rules! map_leaf {
    ($leaf:expr, $tensor:ident => $body:expr) => {
        match $leaf {
            Leaf::R1($tensor) => Leaf::R1($body),
            Leaf::R2($tensor) => Leaf::R2($body),
            Leaf::R3($tensor) => Leaf::R3($body),
            Leaf::R4($tensor) => Leaf::R4($body),
            Leaf::R5($tensor) => Leaf::R5($body),
        }
    };
}

impl Parameter {
    /// A parameter of `shape` with row-major `values`.
    ///
    /// # Panics
    ///
    /// If the number of values is not the product of `shape`, or the rank is not 1 to 5.
    pub fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        Self::with_kind(values, shape, false)
    }

    /// A buffer: values that are part of the state and never trained, such as a running average.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn buffer(values: Vec<f32>, shape: &[usize]) -> Self {
        Self::with_kind(values, shape, true)
    }

    fn with_kind(values: Vec<f32>, shape: &[usize], is_buffer: bool) -> Self {
        let leaf = Leaf::new(values, shape, &backend::training_device(), !is_buffer);
        let value = RwLock::new(Value { id: ParamId::new(), leaf });
        Self { shared: Arc::new(Shared { shape: shape.to_vec(), is_buffer, value }) }
    }

    /// Whether the values are never trained.
    pub fn is_buffer(&self) -> bool {
        self.shared.is_buffer
    }

    /// Extents of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shared.shape
    }

    /// Number of elements.
    pub fn len_elems(&self) -> usize {
        self.shared.shape.iter().product()
    }

    /// The values, row-major.
    pub fn values(&self) -> Vec<f32> {
        with_leaf!(self.leaf(), leaf => backend::to_f32(&leaf))
    }

    /// Replaces all values, on the device where they are.
    ///
    /// # Panics
    ///
    /// If the number of values differs from the number of elements.
    pub fn set(&self, values: Vec<f32>) {
        self.write(|value| {
            let (device, trained) = with_leaf!(&value.leaf, leaf => (leaf.device(), leaf.is_require_grad()));
            value.leaf = Leaf::new(values, self.shape(), &device, trained);
        });
    }

    /// The values as a tensor, part of the autograd graph in [`Mode::Train`] unless they are a buffer.
    ///
    /// # Panics
    ///
    /// If `shape` has another number of elements.
    pub fn tensor<const D: usize>(&self, mode: Mode, shape: [usize; D]) -> Tensor<D> {
        with_leaf!(self.leaf(), leaf => match mode {
            Mode::Train if !self.is_buffer() => leaf.reshape(shape),
            _ => leaf.inner().reshape(shape),
        })
    }

    /// Whether both handles are the same parameter.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The gradient that a backward pass left for this parameter, flat, if it was part of the graph.
    pub fn gradient(&self, gradients: &Gradients) -> Option<Tensor<1>> {
        let len = self.len_elems();
        with_leaf!(self.leaf(), leaf => leaf.grad(gradients).map(|gradient| gradient.reshape([len])))
    }

    /// Shows the parameter to a visitor of burn modules.
    pub fn visit(&self, visitor: &mut impl ModuleVisitor) {
        let id = self.read(|value| value.id);
        with_leaf!(self.leaf(), leaf => visitor.visit_float(&Param::initialized(id, leaf)));
    }

    /// Replaces the values, and where they are loaded the identity, by what a mapper of burn modules makes of them.
    /// Whether they were loaded.
    pub fn map(&self, mapper: &mut impl ModuleMapper) -> bool {
        let before = self.read(|value| value.id);
        let mut id = before;
        let leaf = map_leaf!(self.leaf(), leaf => {
            let mapped = mapper.map_float(Param::initialized(id, leaf));
            id = mapped.id;
            let tensor = mapped.into_value();
            match (self.is_buffer(), tensor.is_autodiff()) {
                (true, _) => tensor.autodiff().set_require_grad(false),
                (false, true) => tensor,
                (false, false) => tensor.autodiff().require_grad(),
            }
        });
        self.write(|value| *value = Value { id, leaf });
        id != before
    }

    /// Where the values are.
    pub(crate) fn device(&self) -> Device {
        with_leaf!(self.leaf(), leaf => leaf.device())
    }

    /// Moves the values, for all handles.
    pub(crate) fn to_device(&self, device: &Device) {
        if self.device().inner() != device.clone().inner() {
            let leaf = map_leaf!(self.leaf(), leaf => {
                let active = leaf.is_require_grad();
                leaf.to_device(&device.clone().autodiff()).detach().set_require_grad(active)
            });
            self.write(|value| value.leaf = leaf);
        }
    }

    fn leaf(&self) -> Leaf {
        self.read(|value| value.leaf.clone())
    }

    fn read<T>(&self, f: impl FnOnce(&Value) -> T) -> T {
        f(&self.shared.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, f: impl FnOnce(&mut Value)) {
        f(&mut self.shared.value.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Leaf {
    fn new(values: Vec<f32>, shape: &[usize], device: &Device, trained: bool) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of a parameter of shape {shape:?}");
        fn leaf<const D: usize>(
            values: Vec<f32>,
            shape: &[usize],
            device: &Device,
            trained: bool,
        ) -> Tensor<D> {
            let shape: [usize; D] = shape.try_into().expect("the rank was matched");
            backend::tensor(values, shape, device).set_require_grad(trained)
        }
        match shape.len() {
            1 => Self::R1(leaf(values, shape, device, trained)),
            2 => Self::R2(leaf(values, shape, device, trained)),
            3 => Self::R3(leaf(values, shape, device, trained)),
            4 => Self::R4(leaf(values, shape, device, trained)),
            5 => Self::R5(leaf(values, shape, device, trained)),
            rank => panic!("a parameter of rank {rank}, needed 1 to 5"),
        }
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", if self.is_buffer() { "Buffer" } else { "Parameter" }, self.shape())
    }
}

//! Operations of our own in burn's autograd graph. `ops` defines them, `backend` calls them.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{DType, Tensor, TensorData};

/// A tensor of the processor backend.
type Primitive = FloatTensor<Flex>;

/// Its form in an autograd graph.
type GraphPrimitive = FloatTensor<Autodiff<Flex>>;

/// Row-major `f32` elements and their shape.
#[derive(Clone, Debug)]
pub(super) struct Dense(Primitive);

impl Dense {
    /// From row-major elements.
    pub(super) fn new(values: Vec<f32>, shape: Vec<usize>) -> Self {
        Self(Primitive::from_data(TensorData::new(values, shape)))
    }

    fn from_primitive(primitive: &Primitive) -> Self {
        Self(primitive.to_contiguous())
    }

    fn from_owned(primitive: Primitive) -> Self {
        if primitive.is_contiguous() { Self(primitive) } else { Self(primitive.to_contiguous()) }
    }

    /// Row-major elements.
    pub(super) fn values(&self) -> &[f32] {
        self.0.as_slice().unwrap_or_default()
    }

    /// Row-major elements, without a copy if nobody else holds them.
    pub(super) fn into_values(self) -> Vec<f32> {
        self.0.into_data().try_into_vec().unwrap_or_default()
    }

    /// Extents of the dimensions.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.0.layout().shape()[..].to_vec()
    }
}

/// An operation with a gradient of its own.
pub(super) trait Fused<const N: usize>: Clone + Debug + Send + 'static {
    /// The result.
    fn forward(&self, operands: [&Dense; N]) -> Dense;

    /// Gradients of those operands that are `wanted`, given that of the result.
    fn backward(&self, operands: [&Dense; N], gradient: Dense, wanted: [bool; N]) -> [Option<Dense>; N];
}

/// A tensor that an operation can work on, whatever its rank.
pub(super) enum Operand {
    Plain(Primitive),
    InGraph(GraphPrimitive),
}

impl Operand {
    /// `tensor`, if it holds `f32` elements of the processor backend and is not empty.
    pub(super) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if tensor.dtype() != DType::F32 || tensor.dims().contains(&0) {
            return None;
        }
        let tensor = tensor.clone();
        if tensor.is_autodiff() {
            tensor.try_into_primitive::<Autodiff<Flex>>().ok().map(Self::InGraph)
        } else {
            tensor.try_into_primitive::<Flex>().ok().map(Self::Plain)
        }
    }

    /// The elements.
    pub(super) fn dense(&self) -> Dense {
        match self {
            Self::Plain(primitive) => Dense::from_primitive(primitive),
            Self::InGraph(tensor) => Dense::from_primitive(tensor.primitive()),
        }
    }

    /// The elements, without a copy where they lie in order.
    pub(super) fn into_dense(self) -> Dense {
        match self {
            Self::Plain(primitive) => Dense::from_owned(primitive),
            Self::InGraph(tensor) => Dense::from_primitive(tensor.primitive()),
        }
    }
}

/// The result of `operation`, recorded in the graph if an operand is part of one. `D` is the rank of the result.
pub(super) fn apply<O: Fused<N>, const N: usize, const D: usize>(
    operation: O,
    operands: [Operand; N],
) -> Tensor<D> {
    let dense = operands.each_ref().map(Operand::dense);
    let result = operation.forward(dense.each_ref()).0;
    if operands.iter().all(|operand| matches!(operand, Operand::Plain(_))) {
        return Tensor::from_primitive::<Flex>(result);
    }
    let guards = operands.map(|operand| match operand {
        Operand::Plain(primitive) => GraphPrimitive::new(primitive).node(),
        Operand::InGraph(tensor) => tensor.node(),
    });
    let output = match Step(operation).prepare::<NoCheckpointing>(guards).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(dense.into(), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(output)
}

#[derive(Clone, Debug)]
struct Step<O>(O);

impl<O: Fused<N>, const N: usize> Backward<Flex, N> for Step<O> {
    type State = Vec<Dense>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = Dense::from_owned(gradients.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let operands = std::array::from_fn(|index| &ops.state[index]);
        let results = self.0.backward(operands, gradient, wanted);
        for (parent, result) in ops.parents.iter().zip(results) {
            if let (Some(parent), Some(result)) = (parent, result) {
                gradients.register::<Flex>(parent.id, result.0);
            }
        }
    }
}

/// A tensor outside any graph.
pub(super) fn plain<const D: usize>(dense: Dense) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(dense.0)
}

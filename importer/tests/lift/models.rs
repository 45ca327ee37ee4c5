//! Small models around one operator, and what they compute.

use exactum_importer::graph::{Graph, Op};
use exactum_importer::lift::lift;
use exactum_qonnx::{Dim, ElemType, Graph as FileGraph, Model, Node, Tensor, TensorData, ValueInfo};

use crate::evaluate::{Numbers, evaluate};
use crate::files::{imported_passes, unknown_operators};

/// A model under construction. Its input is `x`.
#[derive(Clone)]
pub(crate) struct Net {
    graph: FileGraph,
    version: i64,
}

impl Net {
    /// A model whose input has `shape`, the batch first.
    pub(crate) fn new(shape: &[usize]) -> Self {
        Self::of(ElemType::F32, shape.iter().map(|size| Dim::Known(*size)).collect())
    }

    /// A model with an input of another element type, or with free sizes.
    pub(crate) fn of(elem: ElemType, dims: Vec<Dim>) -> Self {
        let mut graph = FileGraph::new("net");
        graph.inputs.push(ValueInfo::with_dims("x", elem, dims));
        Self { graph, version: 20 }
    }

    /// With one more input.
    pub(crate) fn input(mut self, name: &str, shape: &[usize]) -> Self {
        let dims = shape.iter().map(|size| Dim::Known(*size)).collect();
        self.graph.inputs.push(ValueInfo::with_dims(name, ElemType::F32, dims));
        self
    }

    /// In another version of the standard operators.
    pub(crate) fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// With an initializer.
    pub(crate) fn with(mut self, name: &str, shape: &[usize], data: impl Into<TensorData>) -> Self {
        self.graph.initializers.push(Tensor::new(name, shape, data));
        self
    }

    /// With a scalar initializer.
    pub(crate) fn number(self, name: &str, value: f32) -> Self {
        self.with(name, &[], vec![value])
    }

    /// With a list of 64-bit integers.
    pub(crate) fn ints(self, name: &str, values: &[i64]) -> Self {
        self.with(name, &[values.len()], values.to_vec())
    }

    /// With a node.
    pub(crate) fn node(mut self, node: Node) -> Self {
        self.graph.nodes.push(node);
        self
    }

    /// With an annotation of a value.
    pub(crate) fn annotation(mut self, value: &str, datatype: &str) -> Self {
        let entries = vec![("finn_datatype".to_owned(), datatype.to_owned())];
        self.graph.annotations.push(exactum_qonnx::Annotation { value: value.to_owned(), entries });
        self
    }

    /// The model with outputs `names`.
    pub(crate) fn model(mut self, names: &[&str]) -> Model {
        for name in names {
            self.graph.outputs.push(ValueInfo { name: (*name).to_owned(), ..ValueInfo::default() });
        }
        Model::new(self.graph).opset("", self.version).opset("com.microsoft", 1)
    }

    /// What the model computes of `input`: the outputs called `y`, or those of `names`.
    ///
    /// The passes of the imported level must change nothing of that, and leave only operators that later ones know.
    pub(crate) fn outputs(&self, input: &[f64], names: &[&str]) -> Vec<Numbers> {
        let model = self.clone().model(names);
        let mut graph = lift(&model).unwrap_or_else(|report| panic!("{report}"));
        graph.verify().unwrap_or_else(|violations| panic!("{violations:?}\n{graph}"));
        let before = evaluate(&graph, &[input.to_vec()]);
        imported_passes(&mut graph).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(unknown_operators(&graph), Vec::<&str>::new(), "{graph}");
        let text = graph.to_string();
        assert_eq!(text.parse(), Ok(graph.clone()), "{text}");
        assert_eq!(evaluate(&graph, &[input.to_vec()]), before, "{graph}");
        before
    }

    /// The one output `y` for the numbers that [`numbers`] gives.
    pub(crate) fn output(&self) -> Numbers {
        let count = self.graph.inputs[0].shape.iter().flatten().skip(1).map(|dim| match dim {
            Dim::Known(size) => *size,
            _ => 1,
        });
        self.outputs(&numbers(count.product()), &["y"]).remove(0)
    }

    /// The graph after the passes of the imported level.
    pub(crate) fn graph(&self) -> Graph {
        let mut graph = lift(&self.clone().model(&["y"])).unwrap_or_else(|report| panic!("{report}"));
        imported_passes(&mut graph).unwrap_or_else(|report| panic!("{report}"));
        graph
    }

    /// Names of the operators in the graph after the passes of the imported level.
    pub(crate) fn operators(&self) -> Vec<&'static str> {
        self.graph().nodes.iter().map(|node| node.op.name()).collect()
    }

    /// The operators after the passes of the imported level.
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.graph().nodes.into_iter().map(|node| node.op).collect()
    }

    /// Why the model is refused, when it is read or by a pass of the imported level.
    pub(crate) fn refused(&self) -> String {
        let model = self.clone().model(&["y"]);
        match lift(&model) {
            Err(report) => report.to_string(),
            Ok(mut graph) => match imported_passes(&mut graph) {
                Err(report) => report,
                Ok(()) => panic!("read as\n{graph}"),
            },
        }
    }
}

/// Small integers of both signs, all different from their neighbours.
pub(crate) fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| (i * 7 % 11) as f64 - 5.0).collect()
}

/// The same as floats.
pub(crate) fn floats(count: usize) -> Vec<f32> {
    numbers(count).into_iter().map(|x| x as f32).collect()
}

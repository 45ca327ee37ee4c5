//! Any model that can be written reads back equal, and no bytes make the reader panic.

use exactum_qonnx::{
    Annotation, Attribute, AttributeValue, Dim, ElemType, Graph, Model, Node, Opset, Tensor, TensorData,
    ValueInfo, read, write,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z_/.:0-9]{1,8}", "\\PC{1,4}"]
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((name(), name()), 0..3)
}

fn tensor() -> impl Strategy<Value = Tensor> {
    let elem =
        prop::sample::select(ElemType::ALL).prop_filter("has elements", |elem| *elem != ElemType::Undefined);
    (name(), vec(0_usize..4, 0..4), elem)
        .prop_flat_map(|(name, shape, elem)| {
            let elems = shape.iter().product::<usize>();
            (Just(name), Just(shape), data(elem, elems))
        })
        .prop_map(|(name, shape, data)| Tensor { name, shape, data })
}

fn data(elem: ElemType, elems: usize) -> BoxedStrategy<TensorData> {
    macro_rules! numbers {
        ($native:ty) => {
            vec(any::<$native>(), elems).prop_map_into().boxed()
        };
    }
    match elem {
        ElemType::F32 => numbers!(f32),
        ElemType::F64 => numbers!(f64),
        ElemType::I8 => numbers!(i8),
        ElemType::U8 => numbers!(u8),
        ElemType::I16 => numbers!(i16),
        ElemType::U16 => numbers!(u16),
        ElemType::I32 => numbers!(i32),
        ElemType::U32 => numbers!(u32),
        ElemType::I64 => numbers!(i64),
        ElemType::U64 => numbers!(u64),
        ElemType::Bool => numbers!(bool),
        ElemType::String => vec(vec(any::<u8>(), 0..3), elems).prop_map(TensorData::Strings).boxed(),
        _ => vec(any::<u8>(), (elems * elem.size_bits()).div_ceil(8))
            .prop_map(move |bytes| TensorData::Opaque { elem, bytes })
            .boxed(),
    }
}

fn value_info() -> impl Strategy<Value = ValueInfo> {
    let dim = prop_oneof![
        (0_usize..=i64::MAX as usize).prop_map(Dim::Known),
        "[a-z]{1,4}".prop_map(Dim::Symbol),
        Just(Dim::Unknown)
    ];
    (name(), prop::sample::select(ElemType::ALL), prop::option::of(vec(dim, 0..4)))
        .prop_map(|(name, elem, shape)| ValueInfo { name, elem, shape })
}

fn attribute_value(graph: BoxedStrategy<Graph>) -> impl Strategy<Value = AttributeValue> {
    prop_oneof![
        any::<i64>().prop_map(AttributeValue::Int),
        any::<f32>().prop_map(AttributeValue::Float),
        name().prop_map(AttributeValue::String),
        tensor().prop_map(AttributeValue::Tensor),
        graph.prop_map(|graph| AttributeValue::Graph(Box::new(graph))),
        vec(any::<i64>(), 0..4).prop_map(AttributeValue::Ints),
        vec(any::<f32>(), 0..4).prop_map(AttributeValue::Floats),
        vec(name(), 0..4).prop_map(AttributeValue::Strings),
    ]
}

fn node(graph: BoxedStrategy<Graph>) -> impl Strategy<Value = Node> {
    let attribute = (name(), attribute_value(graph)).prop_map(|(name, value)| Attribute { name, value });
    (name(), name(), name(), vec(name(), 0..4), vec(name(), 0..3), vec(attribute, 0..3), name(), pairs())
        .prop_map(|(name, op_type, domain, inputs, outputs, attributes, doc, metadata)| Node {
            name,
            op_type,
            domain,
            inputs,
            outputs,
            attributes,
            doc,
            metadata,
        })
}

fn graph() -> impl Strategy<Value = Graph> {
    name().prop_map(Graph::new).prop_recursive(3, 24, 4, |inner| {
        let annotation = (name(), pairs()).prop_map(|(value, entries)| Annotation { value, entries });
        let values = || vec(value_info(), 0..3);
        (
            name(),
            vec(node(inner), 0..4),
            vec(tensor(), 0..4),
            values(),
            values(),
            values(),
            vec(annotation, 0..3),
        )
            .prop_map(|(name, nodes, initializers, inputs, outputs, value_info, annotations)| {
                Graph { name, nodes, initializers, inputs, outputs, value_info, annotations }
            })
    })
}

fn model() -> impl Strategy<Value = Model> {
    let opset = (name(), any::<i64>()).prop_map(|(domain, version)| Opset { domain, version });
    (any::<i64>(), name(), name(), vec(opset, 0..3), graph(), pairs(), name()).prop_map(
        |(ir_version, producer, producer_version, opsets, graph, metadata, doc)| Model {
            ir_version,
            producer,
            producer_version,
            version: ir_version - 9,
            opsets,
            graph,
            metadata,
            doc,
        },
    )
}

/// A small model with every kind of thing in it.
fn sample() -> Model {
    let quant = Node::new("Quant", ["x", "scale", "zero_point", "bits"], ["xq"])
        .named("quantize")
        .attr("signed", 1)
        .attr("narrow", 0)
        .attr("rounding_mode", "ROUND");
    let branch = Node::new("If", ["flag"], ["y"]).attr("then_branch", Graph::new("then"));
    let mut graph = Graph::new("sample");
    graph.nodes = vec![quant, Node::new("Gemm", ["xq", "w"], ["h"]).attr("transB", 1), branch];
    graph.initializers = vec![
        Tensor::scalar("scale", 0.25),
        Tensor::scalar("zero_point", 0.0),
        Tensor::scalar("bits", 8.0),
        Tensor::new("w", &[2, 3], vec![1.0_f32, -1.0, 0.5, 0.0, f32::MIN_POSITIVE, 7.0]),
        Tensor::new("flag", &[1], vec![true]),
    ];
    graph.inputs =
        vec![ValueInfo::with_dims("x", ElemType::F32, vec![Dim::Symbol("batch".into()), Dim::Known(3)])];
    graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[1, 2])];
    Model::new(graph).produced_by("exactum", "0.1")
}

/// Reads bytes that may be anything; what is accepted must survive writing, printing and checking.
fn read_anything(bytes: &[u8]) {
    if let Ok(model) = read(bytes) {
        let written = write(&model);
        // Not `==` on models: a NaN in the bytes is equal to nothing.
        assert_eq!(write(&read(&written).unwrap()), written);
        let _ = (model.to_string(), model.check());
    }
}

proptest! {
    #[test]
    fn written_models_read_back_equal(model in model()) {
        let bytes = write(&model);
        prop_assert_eq!(&read(&bytes).unwrap(), &model);
        prop_assert_eq!(write(&model.clone()), bytes);
        let _ = (model.to_string(), model.check());
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..256)) {
        read_anything(&bytes);
    }

    #[test]
    fn damaged_models_never_panic(model in model(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = write(&model);
        for (place, byte) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        read_anything(&bytes);
    }
}

#[test]
fn every_truncation_is_refused_or_a_model() {
    let bytes = write(&sample());
    assert_eq!(read(&bytes).unwrap(), sample());
    let refused = (0..bytes.len()).filter(|&length| read(&bytes[..length]).is_err()).count();
    assert!(refused > bytes.len() / 2, "{refused} of {}", bytes.len());
    (0..bytes.len()).for_each(|length| read_anything(&bytes[..length]));
}

#[test]
fn every_single_byte_change_is_refused_or_a_model() {
    let bytes = write(&sample());
    for place in 0..bytes.len() {
        for byte in 0..=255 {
            let mut damaged = bytes.clone();
            damaged[place] = byte;
            read_anything(&damaged);
        }
    }
}

#[test]
fn not_a_number_keeps_its_bits() {
    let odd = f32::from_bits(0xffc1_2345);
    let mut graph = Graph::new("nan");
    graph.initializers = vec![Tensor::scalar("c", odd)];
    let read = read(&write(&Model::new(graph))).unwrap();
    assert_eq!(read.graph.initializers[0].as_f32().unwrap()[0].to_bits(), odd.to_bits());
}

//! What programs take and give on a device, byte for byte. Called by `emulate` and `validate`.

use crate::batch::{Batch, Host};
use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location};
use exactum_runtime::Element;

/// The codes of every input, sample after sample, little endian in the element types of the program.
pub(super) fn input_bytes(container: &Container, batch: &Batch) -> Vec<u8> {
    let program = container.program();
    let mut host = Host::new(program);
    let mut bytes = vec![];
    for index in 0..batch.samples() {
        let inputs = host.input_places(&batch.sample(index));
        for (input, codes) in inputs.iter().enumerate() {
            let size = program.input_tensor(input).map_or(0, |tensor| tensor.element.size_bytes() as usize);
            bytes.extend(codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(size)));
        }
    }
    bytes
}

/// The model's integers of every output, sample after sample, in `bytes` that a device gave; `None` if these are no whole
/// samples.
pub(super) fn output_integers(container: &Container, bytes: &[u8]) -> Option<Vec<Vec<i32>>> {
    let program = container.program();
    let ports = &container.interface().outputs;
    let tensors: Vec<_> =
        program.outputs().map(|output| program.tensor(output.tensor)).collect::<Option<_>>()?;
    let mut integers = vec![vec![]; ports.len()];
    let mut rest = bytes;
    while !rest.is_empty() {
        for ((tensor, port), all) in tensors.iter().zip(ports).zip(&mut integers) {
            let (own, after) = rest.split_at_checked(tensor.size_bytes() as usize)?;
            rest = after;
            let stored: Vec<i32> = match tensor.element {
                Element::U8 => own.iter().map(|byte| i32::from(*byte)).collect(),
                Element::I8 => own.iter().map(|byte| i32::from(byte.cast_signed())).collect(),
                Element::I16 => {
                    own.as_chunks().0.iter().map(|two| i32::from(i16::from_le_bytes(*two))).collect()
                }
                _ => own.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four)).collect(),
            };
            all.extend(port.of_stored(&stored));
        }
    }
    Some(integers)
}

/// The first number in which a device's `outputs` differ from the host's, as a problem; `None` of them are no whole samples.
pub(super) fn difference(
    container: &Container,
    device: &str,
    outputs: Option<&[Vec<i32>]>,
    host: &[Vec<i32>],
) -> Option<Diagnostic> {
    let ports = &container.interface().outputs;
    for (output, (port, host)) in ports.iter().zip(host).enumerate() {
        let found = outputs.and_then(|outputs| outputs.get(output)).map_or(&[][..], Vec::as_slice);
        let differs = (0..found.len().max(host.len())).find(|index| found.get(*index) != host.get(*index));
        if let Some(index) = differs {
            let elems = port.elems().max(1);
            let part = format!(
                "{device}, output `{}`, sample {}, element {}",
                port.name,
                index / elems,
                index % elems
            );
            let number =
                |numbers: &[i32]| numbers.get(index).map_or_else(|| "nothing".to_owned(), i32::to_string);
            let needed = format!("{}, as this machine computes", number(host));
            return Some(Diagnostic::new(Code::OutputsDiffer, Location::part(part), number(found), needed));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, compile_as};
    use exactum_qonnx::{Dim, ElemType, Graph, Model, Node, Tensor, ValueInfo};

    /// Codes that only move: two inputs' worth of them.
    fn container() -> Container {
        let mut graph = Graph::new("copy");
        let shape = vec![Dim::Known(1), Dim::Known(3)];
        graph.inputs.push(ValueInfo::with_dims("x", ElemType::F32, shape.clone()));
        for (name, value) in [("scale", 0.5), ("zero_point", 0.0), ("bits", 8.0)] {
            graph.initializers.push(Tensor::scalar(name.to_owned(), value));
        }
        let quant = Node::new("Quant", ["x", "scale", "zero_point", "bits"], ["y"]).named("quant");
        let quant = quant.attr("signed", 1i64).attr("narrow", 0i64).attr("rounding_mode", "ROUND");
        graph.nodes.push(quant);
        graph.outputs.push(ValueInfo::with_dims("y", ElemType::F32, shape));
        let model = Model::new(graph).produced_by("tests", "1");
        let compiled = compile_as(&model, &Request::new(&crate::target::Target::portable())).unwrap();
        Container::of_source(&compiled, &model, [0; 32])
    }

    /// One number more, less or another is a difference; so is an output that is missing as a whole.
    #[test]
    fn every_difference_is_found() {
        let container = container();
        let host = vec![vec![1, -2, 3, 4, 5, -128]];
        let bytes: Vec<u8> = host[0].iter().map(|code: &i32| code.to_le_bytes()[0]).collect();
        let found = output_integers(&container, &bytes).unwrap();
        assert_eq!(found, host);
        assert_eq!(difference(&container, "d", Some(&found), &host), None);
        assert_eq!(output_integers(&container, &bytes[1..]), None);
        for index in 0..6 {
            let mut other = host.clone();
            other[0][index] += 1;
            let problem = difference(&container, "d", Some(&other), &host).unwrap().to_string();
            assert!(problem.contains(&format!("sample {}, element {}", index / 3, index % 3)), "{problem}");
        }
        for wrong in
            [None, Some(vec![]), Some(vec![host[0][..3].to_vec()]), Some(vec![[&host[0][..], &[7]].concat()])]
        {
            assert!(difference(&container, "d", wrong.as_deref(), &host).is_some(), "{wrong:?}");
        }
    }
}

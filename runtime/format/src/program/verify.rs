//! All checks of a loaded image beyond its header.
//!
//! - every tensor: known element type, valid shape, codes its element type holds, a place inside the arena;
//! - every input: a tensor of its own that shares memory with no other input;
//! - every op: a readable record, tensors that exist, shapes, counts and ranges as its file in `op/` states;
//! - order: an op reads tensors that are written before and not overwritten since, and writes one that is written
//!   by nothing else; outputs are written and not overwritten.

use super::Program;
use crate::error::{LoadError, OpFault, PortFault, TensorFault};
use crate::id::TensorId;
use crate::op::{Op, OpRecord};
use crate::port::{InputRecord, InputRule};
use crate::tensor::Tensor;

/// Checks `program`, of which only the sections' places are known to be right.
pub(crate) fn verify(program: &Program<'_>) -> Result<(), LoadError> {
    for (index, record) in program.tensors.0.iter().enumerate() {
        let fault = |fault| LoadError::Tensor { tensor: TensorId(index as u16), fault };
        let tensor = record.check().map_err(fault)?;
        let end_bytes = u64::from(tensor.offset_bytes).saturating_add(tensor.size_bytes().into());
        if !tensor.offset_bytes.is_multiple_of(8) || end_bytes > program.arena_bytes.into() {
            return Err(fault(TensorFault::Place));
        }
    }
    for (index, record) in program.inputs.iter().enumerate() {
        verify_input(program, index, record)
            .map_err(|fault| LoadError::Input { input: index as u16, fault })?;
    }
    let mut records = program.op_records();
    for index in 0..program.op_count {
        let op = records.next().unwrap_or(Err(OpFault::Record)).and_then(OpRecord::decode);
        op.and_then(|op| verify_op(program, usize::from(index), &op))
            .map_err(|fault| LoadError::Op { op: index, fault })?;
    }
    if records.next().is_some() {
        return Err(LoadError::Op { op: program.op_count, fault: OpFault::Record });
    }
    for (index, record) in program.outputs.iter().enumerate() {
        verify_output(program, record.decode().tensor, record.reserved)
            .map_err(|fault| LoadError::Output { output: index as u16, fault })?;
    }
    Ok(())
}

fn verify_input(program: &Program<'_>, index: usize, record: &InputRecord) -> Result<(), PortFault> {
    let input = record.decode(program.constants)?;
    let tensor = program.tensor(input.tensor).ok_or(PortFault::NoTensor)?;
    match input.quantizer {
        Some(InputRule::Uniform { .. }) if input.quantizer(tensor.range).is_none() => {
            return Err(PortFault::Scale);
        }
        Some(InputRule::Thresholds { .. }) if input.quantizer(tensor.range).is_none() => {
            return Err(PortFault::Thresholds);
        }
        _ => {}
    }
    let shared = |other: Tensor| other.overlaps(&tensor);
    if program.inputs().take(index).filter_map(|other| program.tensor(other.tensor)).any(shared) {
        return Err(PortFault::Shared);
    }
    Ok(())
}

fn verify_op(program: &Program<'_>, index: usize, op: &Op<'_>) -> Result<(), OpFault> {
    if !op.kind().is_built() {
        return Err(OpFault::KernelLeftOut { kind: op.kind() });
    }
    let find = |tensor| program.tensor(tensor).ok_or(OpFault::NoTensor { tensor });
    let (first, output) = (find(op.input())?, find(op.output())?);
    if written_by(program, index, op.output()).is_some() {
        return Err(OpFault::WrittenTwice);
    }
    for id in op.inputs() {
        let input = find(id)?;
        let written = written_by(program, index, id).ok_or(OpFault::NotWritten)?;
        if overwritten(program, written, index, &input) {
            return Err(OpFault::Overwritten);
        }
        let in_place = input.place() == output.place() && op.may_share(&input, &output);
        if input.overlaps(&output) && !in_place {
            return Err(OpFault::Overlap);
        }
    }
    op.verify(program.tensors, &first, &output)
}

fn verify_output(program: &Program<'_>, id: TensorId, reserved: [u16; 3]) -> Result<(), PortFault> {
    let tensor = program.tensor(id).ok_or(PortFault::NoTensor)?;
    if reserved != [0; 3] {
        return Err(PortFault::Reserved);
    }
    let written = written_by(program, program.op_count(), id).ok_or(PortFault::NotWritten)?;
    if overwritten(program, written, program.op_count(), &tensor) {
        return Err(PortFault::Overwritten);
    }
    Ok(())
}

/// How many ops have run when `tensor` is written, counting ops before `end`: 0 for an input of the model.
fn written_by(program: &Program<'_>, end: usize, tensor: TensorId) -> Option<usize> {
    if program.inputs().any(|input| input.tensor == tensor) {
        return Some(0);
    }
    let position = outputs(program).take(end).position(|output| output == tensor)?;
    position.checked_add(1)
}

/// Whether an op from `start` on and before `end` writes memory of `tensor`.
fn overwritten(program: &Program<'_>, start: usize, end: usize, tensor: &Tensor) -> bool {
    outputs(program)
        .take(end)
        .skip(start)
        .filter_map(|output| program.tensor(output))
        .any(|output| output.overlaps(tensor))
}

/// What each op writes.
fn outputs<'p>(program: &Program<'p>) -> impl Iterator<Item = TensorId> + use<'p> {
    program.op_records().flatten().map(OpRecord::output)
}

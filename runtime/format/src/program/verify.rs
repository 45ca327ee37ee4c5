//! All checks of a loaded image beyond its header.
//!
//! - every tensor: known element type, valid shape, codes its element type holds, a place inside the arena, or outside it
//!   the next buffer of inputs or of outputs;
//! - every input: memory that no other input has; every state: memory behind all that are no states;
//! - every op: a readable record, tensors that exist, shapes, counts, ranges and scratch as its file in `op/` states;
//! - order: tensors are numbered in the order in which they are written, so each is written once; an op reads what was
//!   written before and not overwritten since; outputs are not overwritten.
//!
//! Every check takes its steps from [`Work`].

use super::Program;
use crate::error::{LoadError, OpFault, PortFault, TensorFault};
use crate::id::TensorId;
use crate::kind::OpKind;
use crate::op::{Op, OpRecord};
use crate::port::{InputRecord, InputRule};
use crate::tensor::{Role, Tensor};
use crate::work::Work;

/// Steps that reading a record takes at most.
const RECORD_STEPS: usize = 16;

/// Checks `program`, of which only the sections' places are known to be right.
pub(crate) fn verify(program: &Program<'_>) -> Result<(), LoadError> {
    let mut checks = Checks::new(program);
    checks.tensors()?;
    for (index, record) in program.inputs.iter().enumerate() {
        checks.input(index, record).map_err(|fault| LoadError::Input { input: index as u16, fault })?;
    }
    checks.states()?;
    let mut records = program.op_records();
    for index in 0..program.op_count() {
        let op = index as u16;
        let record = records.next().unwrap_or(Err(OpFault::Record));
        record.and_then(|record| checks.op(record)).map_err(|fault| LoadError::Op { op, fault })?;
    }
    if records.next().is_some() {
        return Err(LoadError::Op { op: program.op_count() as u16, fault: OpFault::Record });
    }
    if checks.written != program.tensor_count() {
        let tensor = TensorId(checks.written as u16);
        return Err(LoadError::Tensor { tensor, fault: TensorFault::NotWritten });
    }
    for index in 0..program.outputs.len() {
        checks.output(index).map_err(|fault| LoadError::Output { output: index as u16, fault })?;
    }
    match checks.without_port() {
        Some(tensor) => Err(LoadError::Tensor { tensor, fault: TensorFault::NoPort }),
        None => Ok(()),
    }
}

/// The tensors that are written so far, and the steps that are left.
struct Checks<'a, 'p> {
    program: &'a Program<'p>,
    /// Number of the first tensor that an op writes.
    first: usize,
    /// Tensors that are written so far.
    written: usize,
    /// Inputs and outputs outside the arena so far.
    outside: [u32; 2],
    work: Work,
}

impl<'a, 'p> Checks<'a, 'p> {
    const fn new(program: &'a Program<'p>) -> Self {
        let first = program.inputs.len().wrapping_add(program.states.len());
        Self { program, first, written: first, outside: [0; 2], work: Work::new(program.image.len()) }
    }

    fn tensors(&self) -> Result<(), LoadError> {
        for (index, record) in self.program.tensors.0.iter().enumerate() {
            let fault = |fault| LoadError::Tensor { tensor: TensorId(index as u16), fault };
            let tensor = record.check().map_err(fault)?;
            if tensor.role.is_outside() {
                continue;
            }
            let end_bytes = u64::from(tensor.offset_bytes).saturating_add(tensor.size_bytes().into());
            if !tensor.offset_bytes.is_multiple_of(8) || end_bytes > self.program.arena_bytes().into() {
                return Err(fault(TensorFault::Place));
            }
        }
        Ok(())
    }

    fn input(&mut self, index: usize, record: &InputRecord) -> Result<(), PortFault> {
        let tensor = self.port(TensorId(index as u16), Role::OutsideInput)?;
        let steps = index.saturating_add(record.thresholds.elems as usize);
        self.spend(steps.saturating_add(record.meaning.steps()))?;
        let input = record.decode(self.program.constants)?;
        record.meaning.check(self.program.constants, &tensor)?;
        match input.quantizer {
            Some(InputRule::Uniform { .. }) if input.quantizer(tensor.range).is_none() => {
                return Err(PortFault::Scale);
            }
            Some(InputRule::Thresholds { .. }) if input.quantizer(tensor.range).is_none() => {
                return Err(PortFault::Thresholds);
            }
            _ => {}
        }
        if self.overlap(0..index, &tensor) { Err(PortFault::Shared) } else { Ok(()) }
    }

    /// States lie behind all other tensors, one behind the other.
    fn states(&self) -> Result<(), LoadError> {
        let program = self.program;
        let states = program.inputs.len()..self.first;
        let others = program.tensors().enumerate().filter(|(index, _)| !states.contains(index));
        let mut end = others.map(|(_, tensor)| tensor.place().end).max().unwrap_or(0);
        for (index, (id, record)) in states.clone().zip(program.states).enumerate() {
            let fault = |fault| LoadError::State { state: index as u16, fault };
            let tensor = self.value(TensorId(id as u16)).ok_or(fault(PortFault::NoTensor))?;
            if record.reserved != 0 {
                return Err(fault(PortFault::Reserved));
            }
            let place = tensor.place();
            if !tensor.range.contains(record.fill.into()) || place.start < end {
                return Err(fault(PortFault::State));
            }
            end = place.end;
        }
        Ok(())
    }

    fn op(&mut self, record: OpRecord<'_>) -> Result<(), OpFault> {
        self.work.spend(RECORD_STEPS)?;
        let op = record.decode()?;
        if !op.kind().is_built() {
            return Err(OpFault::KernelLeftOut { kind: op.kind() });
        }
        let before = self.written;
        let output = self.written_by(&op, record.output())?;
        let scratch = record.scratch().map(|id| self.next(id, Role::Scratch)).transpose()?;
        for id in record.operands() {
            self.work.spend(1)?;
            let input = self.find(id)?;
            if usize::from(id.0) >= before || input.role == Role::Scratch {
                return Err(OpFault::NotWritten);
            }
            if self.overwritten(id, before, &input).ok_or(OpFault::Work)? {
                return Err(OpFault::Overwritten);
            }
            let in_place = input.lies_at(&output) && op.may_share(&input, &output);
            let works_in = scratch.as_ref().is_some_and(|scratch| scratch.overlaps(&input));
            if works_in || (input.overlaps(&output) && !in_place) {
                return Err(OpFault::Overlap);
            }
        }
        if scratch.as_ref().is_some_and(|scratch| scratch.overlaps(&output)) {
            return Err(OpFault::Overlap);
        }
        let first = self.find(record.input().ok_or(OpFault::Operands)?)?;
        let suits = match (op.scratch_bytes(&first), scratch) {
            (0, scratch) => scratch.is_none(),
            (need_bytes, scratch) => scratch.is_some_and(|scratch| scratch.size_bytes() >= need_bytes),
        };
        // A faulty op can need anything, so that what is wrong with itself is said first.
        op.verify(self.program.tensors, &first, &output, &mut self.work)?;
        if suits { Ok(()) } else { Err(OpFault::Scratch) }
    }

    /// The tensor that `op` writes: the next one, or of `push` a state.
    fn written_by(&mut self, op: &Op<'_>, id: TensorId) -> Result<Tensor, OpFault> {
        let tensor = self.find(id)?;
        if op.kind() != OpKind::Push {
            let outside = tensor.role == Role::OutsideOutput;
            return self.next(id, if outside { Role::OutsideOutput } else { Role::Value });
        }
        let states = self.program.inputs.len()..self.first;
        if states.contains(&usize::from(id.0)) { Ok(tensor) } else { Err(OpFault::Order) }
    }

    /// Tensor `id`, which must be the next one, and for `role`.
    fn next(&mut self, id: TensorId, role: Role) -> Result<Tensor, OpFault> {
        let tensor = self.find(id)?;
        if usize::from(id.0) != self.written || tensor.role != role {
            return Err(OpFault::Order);
        }
        self.written = self.written.saturating_add(1);
        Ok(tensor)
    }

    fn output(&mut self, index: usize) -> Result<(), PortFault> {
        let record = self.program.outputs.get(index).ok_or(PortFault::NoTensor)?;
        if record.reserved != [0; 3] {
            return Err(PortFault::Reserved);
        }
        self.spend(record.meaning.steps())?;
        let id = record.tensor();
        // What an input outside holds the caller has.
        let tensor = self.port(id, Role::OutsideOutput)?;
        record.meaning.check(self.program.constants, &tensor)?;
        match self.overwritten(id, self.written, &tensor) {
            Some(false) => Ok(()),
            Some(true) => Err(PortFault::Overwritten),
            None => Err(PortFault::Work),
        }
    }

    fn find(&self, tensor: TensorId) -> Result<Tensor, OpFault> {
        self.program.tensor(tensor).ok_or(OpFault::NoTensor { tensor })
    }

    /// Tensor `id`, if it exists and is no scratch.
    fn value(&self, id: TensorId) -> Option<Tensor> {
        self.program.tensor(id).filter(|tensor| tensor.role == Role::Value)
    }

    /// Tensor `id` of an input or output: a value, or with the role `outside` in the next buffer of that role.
    fn port(&mut self, id: TensorId, outside: Role) -> Result<Tensor, PortFault> {
        let tensor = self.program.tensor(id).ok_or(PortFault::NoTensor)?;
        let next = match tensor.role {
            Role::Value => return Ok(tensor),
            Role::Scratch => return Err(PortFault::NoTensor),
            Role::OutsideInput => &mut self.outside[0],
            Role::OutsideOutput => &mut self.outside[1],
        };
        if tensor.role != outside || tensor.offset_bytes != *next {
            return Err(PortFault::Outside);
        }
        *next = next.saturating_add(1);
        Ok(tensor)
    }

    /// The first tensor of an output outside that no output names.
    fn without_port(&mut self) -> Option<TensorId> {
        let outputs = || self.program.tensors().filter(|tensor| tensor.role == Role::OutsideOutput);
        // Each output outside has a buffer of its own.
        if outputs().count() == self.outside[1] as usize {
            return None;
        }
        let ids = self.program.tensors().enumerate().filter(|(_, tensor)| tensor.role == Role::OutsideOutput);
        ids.map(|(index, _)| TensorId(index as u16)).find(|id| {
            let known = self.work.spend(self.program.outputs.len()).is_ok();
            !known || self.program.outputs.iter().all(|output| output.tensor() != *id)
        })
    }

    /// Whether a tensor before number `end` was written over `tensor`, which is number `id`; `None` if finding out takes too
    /// many steps. Nothing lies over a state.
    fn overwritten(&mut self, id: TensorId, end: usize, tensor: &Tensor) -> Option<bool> {
        let id = usize::from(id.0);
        if id < self.first && id >= self.program.inputs.len() {
            return Some(false);
        }
        let later = id.saturating_add(1).max(self.first)..end;
        self.work.spend(later.len()).ok()?;
        Some(self.overlap(later, tensor))
    }

    fn overlap(&self, numbers: core::ops::Range<usize>, tensor: &Tensor) -> bool {
        let records = self.program.tensors.0.get(numbers).unwrap_or_default();
        records.iter().filter_map(|record| record.decode()).any(|other| other.overlaps(tensor))
    }

    fn spend(&mut self, steps: usize) -> Result<(), PortFault> {
        self.work.spend(steps).map_err(|_| PortFault::Work)
    }
}

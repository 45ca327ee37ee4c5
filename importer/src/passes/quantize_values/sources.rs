//! Which values of the file the values of the quantized graph hold: those whose reals their integers stand for.

use std::collections::{BTreeMap, BTreeSet};

use super::Quantizer;
use super::known::{Move, Source, native, of_meaning};
use crate::exact::{Curve, Rational};
use crate::graph::{ChannelMap, Type, ValueId};

impl Quantizer<'_> {
    /// Writes the sources of every value, and calls it as one of them.
    pub(super) fn write_sources(&mut self) {
        let mut held: BTreeMap<ValueId, Vec<ValueId>> = BTreeMap::new();
        for (id, known) in &self.known {
            let Source::Integer(value) = known.source else { continue };
            let whole = known.moves.is_empty() && known.softmax.is_none();
            if whole && self.stands_for(value, &known.curve, known.channels.as_ref()) {
                held.entry(value).or_default().push(*id);
            }
        }
        let told: BTreeSet<ValueId> = held.values().flatten().copied().collect();
        for (value, id) in self.moved.iter().filter(|(_, id)| !told.contains(id)) {
            held.entry(*value).or_default().push(*id);
        }
        for (value, ids) in held {
            let value = self.to.value_mut(value);
            let names: Vec<&String> = ids.iter().map(|id| &self.from.value(*id).name).collect();
            if !names.contains(&&value.name) {
                value.name.clone_from(names[0]);
            }
            value.sources = ids.iter().flat_map(|id| self.from.value(*id).sources.iter().cloned()).collect();
        }
    }

    /// Notes the results of `moves` of `value`, the values from `first` on, as those of the file where their types still
    /// say what they stand for.
    pub(super) fn note_moved(&mut self, value: ValueId, first: usize, moves: &[Move]) {
        let scales = |id: ValueId| self.to.value(id).codes().map(|codes| codes.scale.len());
        let results = (first..).map(ValueId::new).zip(moves);
        let kept = results.filter(|(result, _)| scales(*result) == scales(value));
        let noted: Vec<(ValueId, ValueId)> =
            kept.filter_map(|(result, step)| Some((result, step.value?))).collect();
        self.moved.extend(noted);
    }

    /// Whether the integers of `value` stand by their own type for what `curve` makes of them in its `channels`.
    pub(super) fn stands_for(&self, value: ValueId, curve: &Curve, channels: Option<&ChannelMap>) -> bool {
        let value = self.to.value(value);
        let (own, along) = match &value.ty {
            Type::Codes(codes) => {
                let axis = codes.axis.filter(|axis| *axis != 1);
                (native(codes), axis.map(|axis| ChannelMap::along(&value.shape, axis)))
            }
            Type::Accumulators { meaning: Some(meaning), .. } => {
                (of_meaning(meaning), meaning.channels.clone())
            }
            _ => return false,
        };
        let several = own.channels() > 1 || curve.channels() > 1;
        if several && along.as_ref() != channels {
            return false;
        }
        let (Some(own), Some(curve)) = (own.as_affine(), curve.as_affine()) else { return false };
        let counts = [&own.0, &own.1, &curve.0, &curve.1].map(Vec::len);
        let at = |values: &[Rational], channel: usize| {
            values.get(if values.len() == 1 { 0 } else { channel }).cloned()
        };
        (0..counts.into_iter().max().unwrap_or(1)).all(|channel| {
            at(&own.0, channel) == at(&curve.0, channel) && at(&own.1, channel) == at(&curve.1, channel)
        })
    }
}

//! What a reader should look at first: unusual figures, each with the layer that has them.

use super::facts::Step;
use super::markup::percent;
use super::memory::Memory;
use super::statistics::Statistics;
use super::table::ends;
use crate::interface::Interface;

/// A share of results at the highest code, or at a lowest code that is not zero, that is worth a note: one in 20.
const MANY: u64 = 20;
/// Fewest samples that rates are worth reading for.
const FEW_SAMPLES: usize = 8;
/// Names of channels in one note.
const MAX_NAMED: usize = 8;

/// Notes about what a caller gives: inputs whose scale misleads, and those that nothing reads.
pub(super) fn of_inputs(interface: &Interface) -> Vec<(&'static str, String)> {
    let preprocessed = interface.inputs.iter().filter_map(|port| {
        let text = port.preprocessing()?;
        Some(format!("Input {}: {text}.", port.name))
    });
    let unread = interface.unread_inputs().into_iter().map(|name| format!("Nothing reads the input {name}."));
    preprocessed.chain(unread).map(|note| ("look", note)).collect()
}

/// The notes, each with the class of its importance.
pub(super) fn notes(
    steps: &[Step],
    memory: &Memory,
    interface: &Interface,
    statistics: Option<&Statistics>,
) -> Vec<(&'static str, String)> {
    let mut notes = vec![];
    for port in interface.outputs.iter().filter(|port| port.has_unequal_units()) {
        let what = "the channels have different scales or offsets. Do not compare them as integers, as for the largest.";
        notes.push(("look", format!("{}: {what}", port.name)));
    }
    for step in steps {
        let name = &step.name;
        if let Some(channel) = outside(step) {
            let what = format!("{name}: an accumulator of channel {channel} left its proven bounds. ");
            notes.push(("wrong", what + "This is a fault of exactum: please report it with the model."));
        }
        if let (Some((low, high, total)), Some(codes)) = (ends(step), step.codes) {
            if high * MANY > total {
                let share = percent(high, total);
                notes.push((
                    "look",
                    format!("{name}: {share} of the results are at the highest code {}.", codes.hi),
                ));
            }
            if low * MANY > total && codes.lo != step.zero_point {
                let share = percent(low, total);
                notes.push((
                    "look",
                    format!("{name}: {share} of the results are at the lowest code {}.", codes.lo),
                ));
            }
        }
        let constant = constant_channels(step);
        if !constant.is_empty() {
            notes.push(("look", format!("{name}: {} in all samples.", one_value(&constant))));
        }
        let unused = step.bounds.iter().filter(|bound| bound.lo == bound.hi).count();
        if unused > 0 {
            let plural =
                if unused == 1 { "channel has an accumulator" } else { "channels have accumulators" };
            notes.push(("look", format!("{name}: {unused} {plural} that no input changes.")));
        }
    }
    if !memory.is_optimal() {
        notes.push(("fine", memory.sentence()));
    }
    if let Some(statistics) = statistics.filter(|statistics| statistics.samples < FEW_SAMPLES) {
        let samples = statistics.samples;
        notes.push(("fine", format!("Only {samples} calibration samples were given; rates are rough.")));
    }
    notes
}

/// A channel whose accumulators were seen outside their proven bounds.
fn outside(step: &Step) -> Option<usize> {
    let seen = step.accumulators.as_ref()?;
    let mut pairs = seen.channels.iter().zip(&step.bounds);
    pairs.position(|(seen, bound)| !bound.contains_range(*seen))
}

/// Channels that gave one code in all samples, if not all channels have.
fn constant_channels(step: &Step) -> Vec<usize> {
    let Some(seen) = step.results.as_ref().filter(|_| step.macs > 0) else { return vec![] };
    let channels = seen.channels.iter().enumerate();
    channels.filter(|(_, range)| range.lo == range.hi).map(|(channel, _)| channel).collect()
}

fn one_value(channels: &[usize]) -> String {
    let named: Vec<String> = channels.iter().take(MAX_NAMED).map(usize::to_string).collect();
    let rest = channels.len() - named.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    match channels.len() {
        1 => format!("channel {} has one code", named[0]),
        _ => format!("channels {}{more} have one code each", named.join(", ")),
    }
}

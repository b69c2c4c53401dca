//! Bytes and topic to a checked observation: what decodes may still lie.

use pilah_models::labels::MAX_LABELS;
use pilah_models::wire::topic::{self, Channel};
use pilah_models::wire::{Event, Message, Probabilities, Reply, Reported, Sample, Status, Telemetry};

use super::bounds;
use super::observation::Observation;

/// Why a message is not taken, nor acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It cannot be read.
    Malformed(String),
    /// It is not its sender's to say.
    Foreign(String),
}

/// Reads a message.
pub(super) fn observation(topic: &str, payload: &[u8]) -> Result<Observation, Refusal> {
    let Some((bin, channel)) = topic::parse(topic) else {
        return Err(Refusal::Foreign("not a topic of a bin".into()));
    };
    let read = match channel {
        Channel::Status => Status::decode(payload).map(Observation::Status),
        Channel::Events => Event::decode(payload).map(Observation::Event),
        Channel::Telemetry => Telemetry::decode(payload).map(|telemetry| Observation::Telemetry(Box::new(telemetry))),
        Channel::Reported => Reported::decode(payload).map(Observation::Reported),
        Channel::Replies => Reply::decode(payload).map(Observation::Reply),
        Channel::Samples => Sample::decode(payload).map(|sample| Observation::Sample(Box::new(sample))),
        Channel::Desired | Channel::Acks | Channel::Commands => {
            return Err(Refusal::Foreign("a topic of the hub".into()));
        }
    };
    let read = read.map_err(|error| Refusal::Malformed(error.to_string()))?;
    if *read.bin() != bin {
        return Err(Refusal::Foreign(format!("a message of bin {} on the topic of {bin}", read.bin())));
    }
    // The database counts to 2^63; no outbox gets there.
    if i64::try_from(read.header().seq).is_err() {
        return Err(Refusal::Malformed(format!("seq {} is too large", read.header().seq)));
    }
    if let Observation::Telemetry(telemetry) = &read
        && let Some(reason) = bounds::impossible_health(telemetry)
    {
        return Err(Refusal::Malformed(reason));
    }
    let mut read = match implausible(&read) {
        Some(reason) => Observation::Damaged { header: read.header().clone(), reason },
        None => read,
    };
    bounds::bound(&mut read);
    Ok(read)
}

fn implausible(observation: &Observation) -> Option<String> {
    match observation {
        Observation::Event(event) => {
            let numbers = implausible_numbers(event.confidence, &event.probabilities);
            numbers.or_else(|| bounds::impossible_latency(event.latency_ms))
        }
        Observation::Sample(sample) => implausible_numbers(sample.meta.confidence, &sample.meta.probabilities),
        _ => None,
    }
}

/// CBOR can carry NaN and JSON any number, and both any count of them.
fn implausible_numbers(confidence: f32, probabilities: &Probabilities) -> Option<String> {
    if probabilities.len() > MAX_LABELS {
        return Some(format!("{} probabilities are more than {MAX_LABELS}", probabilities.len()));
    }
    let within = |p: f32| (-1e-3..=1.001).contains(&p);
    if !within(confidence) {
        return Some(format!("confidence {confidence} is outside 0 to 1"));
    }
    probabilities
        .iter()
        .find(|(_, p)| !within(**p))
        .map(|(label, p)| format!("probability {p} of {label} is outside 0 to 1"))
}

//! What a bin said.

use pilah_models::name::BinId;
use pilah_models::wire::{Event, Header, Reply, Reported, Sample, Status, Telemetry, Truth};

/// Something that a bin said, whole and plausible.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Observation {
    Status(Status),
    Event(Event),
    Telemetry(Box<Telemetry>),
    Reported(Reported),
    Reply(Reply),
    Sample(Box<Sample>),
    /// Of this bin and number, but not to be stored.
    Damaged {
        header: Header,
        reason: String,
    },
}

impl Observation {
    /// The bin that said it.
    pub(super) fn bin(&self) -> &BinId {
        &self.header().bin
    }

    /// Sender, number and time.
    pub(super) fn header(&self) -> &Header {
        match self {
            Self::Status(status) => &status.header,
            Self::Event(event) => &event.header,
            Self::Telemetry(telemetry) => &telemetry.header,
            Self::Reported(reported) => &reported.header,
            Self::Reply(reply) => &reply.header,
            Self::Sample(sample) => &sample.meta.header,
            Self::Damaged { header, .. } => header,
        }
    }

    /// The truth that it claims to know, of what can.
    pub(super) fn truth_mut(&mut self) -> Option<&mut Option<Truth>> {
        match self {
            Self::Event(event) => Some(&mut event.truth),
            Self::Sample(sample) => Some(&mut sample.meta.truth),
            _ => None,
        }
    }

    /// Whether the bin keeps it until the hub acknowledges it.
    pub(super) fn wants_ack(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Sample(_) | Self::Damaged { .. })
    }
}

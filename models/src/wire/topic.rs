//! The topics under `ROOT`, how they are written and read, and which of them a bin may use.

use crate::name::BinId;

/// What every topic of Pilah begins with.
pub const ROOT: &str = "pilah/v1";

/// The hub's own presence, retained.
pub const HUB_STATUS: &str = "pilah/v1/hub/status";

/// The MQTT user name of the hub itself.
pub const HUB_USER: &str = "hub";

/// The MQTT client id under which `pilah-edge doctor` tries out the connection of `bin`, beside the bin's own.
#[must_use]
pub fn doctor_client_id(bin: &BinId) -> String {
    format!("pilah-{bin}-doctor")
}

/// What a bin's topic carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Presence: retained, with a last will.
    Status,
    /// An item each.
    Events,
    /// An image each.
    Samples,
    /// Health, now and then.
    Telemetry,
    /// Model and configuration in force: retained.
    Reported,
    /// Model and configuration wanted: retained, from the hub.
    Desired,
    /// What the hub has committed, from the hub.
    Acks,
    /// What the hub asks for at once, from the hub.
    Commands,
    /// What came of it.
    Replies,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Events,
        Self::Samples,
        Self::Telemetry,
        Self::Reported,
        Self::Desired,
        Self::Acks,
        Self::Commands,
        Self::Replies,
    ];

    /// The last part of the topic.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Events => "events",
            Self::Samples => "samples",
            Self::Telemetry => "telemetry",
            Self::Reported => "reported",
            Self::Desired => "desired",
            Self::Acks => "acks",
            Self::Commands => "commands",
            Self::Replies => "replies",
        }
    }

    /// Whether the broker keeps the last message for those who subscribe later.
    #[must_use]
    pub fn is_retained(self) -> bool {
        matches!(self, Self::Status | Self::Reported | Self::Desired)
    }

    /// Whether the hub publishes here and the bin listens; otherwise it is the other way round.
    #[must_use]
    pub fn is_from_hub(self) -> bool {
        matches!(self, Self::Desired | Self::Acks | Self::Commands)
    }

    /// Whether the bin listens here: where the hub publishes, and to its own presence, since a last will of a
    /// connection before this one may have said that it is gone.
    #[must_use]
    pub fn is_read_by_bin(self) -> bool {
        self.is_from_hub() || self == Self::Status
    }

    /// Whether somebody who only listens may read it; images only with `samples`.
    #[must_use]
    pub fn is_for_subscribers(self, samples: bool) -> bool {
        match self {
            Self::Status | Self::Events | Self::Telemetry | Self::Reported => true,
            Self::Samples => samples,
            Self::Desired | Self::Acks | Self::Commands | Self::Replies => false,
        }
    }

    /// The topic of this channel for `bin`.
    #[must_use]
    pub fn of(self, bin: &BinId) -> String {
        format!("{ROOT}/bins/{bin}/{}", self.name())
    }

    /// The filter that matches this channel of every bin.
    #[must_use]
    pub fn of_all(self) -> String {
        format!("{ROOT}/bins/+/{}", self.name())
    }
}

/// Which bin and channel a topic is of; `None` if it is no bin's.
#[must_use]
pub fn parse(topic: &str) -> Option<(BinId, Channel)> {
    let (bin, channel) = topic.strip_prefix(ROOT)?.strip_prefix("/bins/")?.split_once('/')?;
    let channel = Channel::ALL.into_iter().find(|c| c.name() == channel)?;
    Some((BinId::new(bin).ok()?, channel))
}

/// Whether `bin` may publish to `topic`: its own topics that are not the hub's to write.
#[must_use]
pub fn bin_may_publish(bin: &BinId, topic: &str) -> bool {
    parse(topic).is_some_and(|(of, channel)| of == *bin && !channel.is_from_hub())
}

/// Whether `bin` may subscribe to `filter`: its own topics that are for it, and the hub's status.
#[must_use]
pub fn bin_may_subscribe(bin: &BinId, filter: &str) -> bool {
    filter == HUB_STATUS || parse(filter).is_some_and(|(of, channel)| of == *bin && channel.is_read_by_bin())
}

/// Whether somebody who only listens may subscribe to `filter`: what bins say of items and of themselves, of
/// one bin or of all (`+`), and the hub's status; images only with `samples`. A wildcard in place of the
/// channel would take in what bins are told, too, and is refused.
#[must_use]
pub fn subscriber_may_subscribe(filter: &str, samples: bool) -> bool {
    if filter == HUB_STATUS {
        return true;
    }
    let parts = filter.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/bins/")).and_then(|r| r.split_once('/'));
    let Some((bin, name)) = parts else { return false };
    let channel = Channel::ALL.into_iter().find(|channel| channel.name() == name);
    (bin == "+" || BinId::new(bin).is_ok()) && channel.is_some_and(|channel| channel.is_for_subscribers(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(id: &str) -> BinId {
        BinId::new(id).expect("a valid id")
    }

    #[test]
    fn a_topic_is_read_back_as_it_was_written() {
        for channel in Channel::ALL {
            assert_eq!(parse(&channel.of(&bin("b1"))), Some((bin("b1"), channel)));
        }
        for other in [
            "",
            "pilah/v1",
            "pilah/v2/bins/b1/events",
            "pilah/v1/bins/b1",
            "pilah/v1/bins/b1/events/x",
            "pilah/v1/bins/+/events",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_bin_has_its_own_topics_only() {
        let own = bin("b1");
        for channel in Channel::ALL {
            assert_eq!(bin_may_publish(&own, &channel.of(&own)), !channel.is_from_hub());
            assert_eq!(bin_may_subscribe(&own, &channel.of(&own)), channel.is_from_hub() || channel == Channel::Status);
            assert!(!bin_may_publish(&own, &channel.of(&bin("b2"))));
            assert!(!bin_may_subscribe(&own, &channel.of(&bin("b2"))));
            assert!(!bin_may_subscribe(&own, &channel.of_all()));
        }
        for filter in [
            "#",
            "pilah/#",
            "pilah/v1/bins/#",
            "pilah/v1/bins/b1/#",
            "+/v1/bins/b1/desired",
            "$share/g/pilah/v1/bins/b1/desired",
            "$SYS/#",
        ] {
            assert!(!bin_may_subscribe(&own, filter), "{filter}");
        }
        assert!(bin_may_subscribe(&own, HUB_STATUS) && !bin_may_publish(&own, HUB_STATUS));
    }

    #[test]
    fn a_subscriber_reads_what_bins_say_and_no_images_unless_told() {
        for (filter, always, with_samples) in [
            ("pilah/v1/bins/+/events", true, true),
            ("pilah/v1/bins/b1/events", true, true),
            ("pilah/v1/bins/+/status", true, true),
            ("pilah/v1/bins/+/telemetry", true, true),
            ("pilah/v1/bins/b1/reported", true, true),
            (HUB_STATUS, true, true),
            ("pilah/v1/bins/+/samples", false, true),
            ("pilah/v1/bins/b1/samples", false, true),
            ("pilah/v1/bins/+/desired", false, false),
            ("pilah/v1/bins/+/acks", false, false),
            ("pilah/v1/bins/b1/commands", false, false),
            ("pilah/v1/bins/b1/replies", false, false),
            ("pilah/v1/bins/+/+", false, false),
            ("pilah/v1/bins/b1/#", false, false),
            ("pilah/v1/#", false, false),
            ("pilah/v1/bins/+/events/x", false, false),
            ("pilah/v1/hub/+", false, false),
            ("$share/g/pilah/v1/bins/+/samples", false, false),
            ("#", false, false),
        ] {
            assert_eq!(subscriber_may_subscribe(filter, false), always, "{filter}");
            assert_eq!(subscriber_may_subscribe(filter, true), with_samples, "{filter} with samples");
        }
    }
}
